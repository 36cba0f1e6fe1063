import { BUDGET, type Channel } from './channel'
import type { Poller } from './poller'
import { setImmediate } from '../runtime/clock'
import { append } from '../runtime/list'
import { uncaught } from '../runtime/uncaught'
import { ERROR, READ, WRITE, type Direction } from '../binding/shared'

/** The order in which the queues of a deferred socket are served. */
const IN_TURN = [WRITE, READ, ERROR] as const

/**
 * Fairness: at most BUDGET operations of a socket complete in one turn of the event loop. Otherwise a loop of awaits on
 * a busy socket would starve timers and other sockets. A socket without budget is deferred to the next turn.
 */
export class Turns {
  readonly #poller: Pick<Poller, 'deferRead' | 'disarm'>
  readonly #serve: (channel: Channel, direction: Direction) => void
  #turn = 0
  #deferred: Channel[] = []
  #immediate: NodeJS.Immediate | null = null

  /** `serve` attempts the operations of one queue of a deferred socket. */
  constructor(
    poller: Pick<Poller, 'deferRead' | 'disarm'>,
    serve: (channel: Channel, direction: Direction) => void,
  ) {
    this.#poller = poller
    this.#serve = serve
  }

  /** Starts a turn for all sockets. */
  next(): void {
    this.#turn++
  }

  /** Starts a turn for this socket: it has its full budget. */
  start(channel: Channel): void {
    channel.turn = ++this.#turn
    channel.budget = BUDGET
  }

  /** True if an operation of this socket may still complete in this turn. A new turn starts with a full budget. */
  hasBudget(channel: Channel): boolean {
    if (channel.turn !== this.#turn) {
      channel.turn = this.#turn
      channel.budget = BUDGET
    }
    return channel.budget > 0
  }

  /** Serves a queue of the socket in the next turn of the event loop, without an edge. */
  defer(channel: Channel, direction: Direction): void {
    if (!channel.deferred) this.#schedule(channel)
    if (direction === READ) this.#poller.deferRead(channel)
  }

  #schedule(channel: Channel): void {
    channel.deferred = true // first: code of async hooks runs in setImmediate, and may come here again
    try {
      this.#immediate ??= setImmediate(() => this.#serveDeferred())
      append(this.#deferred, channel)
    } catch (error) {
      channel.deferred = false // or the socket could never be deferred again
      throw error
    }
  }

  #serveDeferred(): void {
    this.#immediate = null
    const channels = this.#deferred
    this.#deferred = []
    for (let at = 0; at < channels.length; at++) {
      const channel = channels[at]!
      channel.deferred = false
      if (channel.fd < 0) continue
      this.#poller.disarm(channel, READ) // first: the operation may become busy, and then it takes no data
      this.start(channel)
      for (let i = 0; i < IN_TURN.length; i++) {
        try {
          this.#serve(channel, IN_TURN[i]!)
        } catch (error) {
          uncaught(error) // the other queues and sockets are still served
        }
      }
    }
  }
}
