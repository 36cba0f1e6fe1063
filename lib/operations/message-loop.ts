import type { Address } from '../address'
import { DIRECT } from '../binding/memory'
import { READ, STATE_ADDRESS } from '../binding/shared'
import { systemError } from '../errors'
import { EAGAIN, errnoCode } from '../errors/errno'
import type { Message } from '../message'
import { peerOf } from '../message/peer'
import { reactor } from '../reactor'
import type { Channel } from '../reactor/channel'
import { Operation, PENDING } from '../reactor/operation'
import { nextTick } from '../runtime/clock'
import { whenSettled } from '../runtime/settled'
import { keepTick } from '../runtime/tick'

/** What a MessageLoop calls. Both run in ticks of their own, where an error that they throw is an uncaught exception. */
export interface Listeners<A extends Address> {
  message(message: Message<A>): void
  error(error: Error): void
}

/**
 * Errors that concern an earlier datagram or a momentary lack of memory: the loop continues. The kernel reports each of
 * them once.
 */
// prettier-ignore
const passing = new Set([
  'ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN', 'ENONET', 'EPROTO',
  'ENOPROTOOPT', 'EMSGSIZE', 'EACCES', 'EPERM', 'ETIMEDOUT', 'EOPNOTSUPP', 'ENOBUFS', 'ENOMEM', 'EINTR',
])

const settled = Promise.resolve()

/**
 * Receives messages until it is stopped, and calls a listener for each. `source` receives them.
 *
 * The operation stays at the head of its queue. Its attempt makes no system call: it is `busy` from readiness until a
 * receive would block. Meanwhile each message has a tick of its own, as events of Node have. The next tick is made from
 * a microtask, because Node runs all microtasks between two ticks only if the second tick is made by one of them.
 */
export class MessageLoop<A extends Address> extends Operation<void> {
  #busy = false
  /** True from the receive that would block until the reactor has armed the operation. */
  #drained = false
  #scheduled = false
  #paused = false
  #ended = false
  /** The error that ended the loop, if the listener has got it. */
  failed: Error | null = null

  constructor(
    private readonly channel: Channel,
    private readonly source: Operation<Message<A>>,
    private readonly listeners: Listeners<A>,
    /** Runs a function in the async context of the caller. */
    private readonly inContext: (run: () => void) => void,
  ) {
    super()
    keepTick()
  }

  get direction(): typeof READ {
    return READ
  }

  get syscall(): string {
    return 'recvmsg'
  }

  override get busy(): boolean {
    return this.#busy
  }

  override get ignoresDry(): boolean {
    return this.channel.leftover !== null
  }

  get ended(): boolean {
    return this.#ended
  }

  get paused(): boolean {
    return this.#paused
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#busy && !this.#scheduled) this.#schedule()
  }

  attempt(): number {
    if (this.#drained) {
      this.#drained = false
      return EAGAIN
    }
    this.#busy = true
    if (!this.#paused && !this.#scheduled) this.#schedule()
    return PENDING
  }

  value(): void {}

  failure(result: number): Error {
    return systemError('recvmsg', result, { address: peerOf(this.channel, result) })
  }

  override abandon(reason: Error): Error {
    this.#ended = true
    return reason
  }

  #schedule(): void {
    this.#scheduled = true
    this.inContext(this.#again)
  }

  readonly #again = (): void => nextTick(this.#receive)

  readonly #receive = (): void => {
    this.#scheduled = false
    if (this.#ended || this.#paused) return
    const { channel, source } = this
    if (!reactor.hasBudget(channel)) return this.#wait()
    const result = reactor.isDry(channel) && channel.leftover === null ? EAGAIN : source.attempt()
    if (result === EAGAIN) {
      this.#drained = true
      return this.#wait()
    }
    channel.budget--
    const message = result < 0 ? null : this.#take(result)
    this.#continue()
    if (message !== null) this.listeners.message(message)
    else this.#fail(result)
  }

  // Takes the message out of memory that other receives share, before any other code runs.
  #take(result: number): Message<A> {
    try {
      return this.source.value(result, -1, DIRECT, reactor.memory.state[STATE_ADDRESS]!)
    } catch (error) {
      this.#continue()
      throw error
    }
  }

  // Called before the listener runs, because it may throw, and may change its async context. The promise runs hooks.
  #continue(): void {
    this.#scheduled = true
    whenSettled(settled, this.#again)
  }

  /** Lets the reactor wait: for the next edge, or without budget for the next turn of the event loop. */
  #wait(): void {
    this.#busy = false
    reactor.resume(this.channel, this)
  }

  #fail(result: number): void {
    const error = this.failure(result)
    if (!passing.has(errnoCode(result))) reactor.cancel(this.channel, this, (this.failed = error))
    this.listeners.error(error)
  }

  /** Reports an error that ended the loop outside of its ticks. */
  report(error: Error): void {
    this.inContext(() => nextTick(() => this.listeners.error(error)))
  }
}
