import type { Native } from '../binding/binding'
import type { Memory } from '../binding/memory'
import {
  DEFERRED,
  DRY,
  ERROR_OPCODE,
  IDLE,
  READ,
  READINESS,
  READ_OPCODE,
  SLOT_STRIDE,
  WATCH_AGAIN,
  WRITE,
  WRITE_OPCODE,
  type Direction,
} from '../binding/shared'
import { clearTimeout, setTimeout } from '../runtime/clock'
import type { Channel } from './channel'
import type { Operation } from './operation'

const MAX_BACKOFF = 16

/** What led to an attempt. It decides what EAGAIN means. */
export type Cause =
  /** No event: the operation is new, or has become the head of its queue. */
  | 'submit'
  /** The poller reported readiness in this direction. */
  | 'edge'
  /** The poller reported an error or a hang-up, but not that the socket is writable. */
  | 'error'
  /** The retry timer, after spurious readiness. */
  | 'timer'
  /** No event: a deferred queue is served, or work on another thread has ended. */
  | 'turn'

/**
 * Tells the poller in C++ which sockets to watch, and what to do on the next edge. Where edges cannot be relied on, a
 * timer retries.
 */
export class Poller {
  readonly #native: Native
  readonly #memory: Memory
  readonly #retry: (channel: Channel) => void

  /** `retry` attempts the writes of a socket after spurious readiness. */
  constructor(native: Native, memory: Memory, retry: (channel: Channel) => void) {
    this.#native = native
    this.#memory = memory
    this.#retry = retry
  }

  /** True if the last read left no data: nothing can be read before the next edge. */
  isDry(channel: Channel): boolean {
    return (this.#memory.table[channel.index * SLOT_STRIDE + READINESS]! & DRY) !== 0
  }

  /** Arms the head of a queue, and watches the socket. Returns −errno if it cannot be watched, else 0. */
  arm(channel: Channel, operation: Operation<unknown>, cause: Cause): number {
    const direction = operation.direction
    if (direction === READ && cause === 'edge') {
      // Spurious readiness of a level would repeat on every turn.
      const result = this.#native.useEdges(channel.id)
      if (result < 0) return result
    } else if (!channel.watched || direction === WRITE || this.#mustWatch(channel)) {
      // A kernel that is short of memory fails a send with EAGAIN although the socket stays writable. No edge follows,
      // unless the poller is asked again. After an event it is not asked: this would repeat without end.
      const noEvent = cause === 'submit' || cause === 'turn'
      const ask = noEvent && direction === WRITE && !operation.spurious
      const result = this.#native.watch(channel.id, direction === WRITE ? 1 : 0, ask ? 1 : 0)
      if (result < 0) return result
      channel.watched = true
    }
    operation.arm(this.#memory, channel.index)
    if (direction === WRITE && operation.spurious) {
      this.backOff(channel)
      // The failed attempt freed its own send buffer, which causes one edge. The reactor ignores it if `echo` is set.
      channel.ensureExtras().echo = true
    }
    return 0
  }

  /** Tells C++ that the head of the reads is attempted without an event: an event need not lead to anything. */
  deferRead(channel: Channel): void {
    this.#memory.table[channel.index * SLOT_STRIDE + READ_OPCODE] = DEFERRED
  }

  /** Disarms a direction. C++ no longer receives data for it. */
  disarm(channel: Channel, direction: Direction): void {
    const field = direction === READ ? READ_OPCODE : direction === WRITE ? WRITE_OPCODE : ERROR_OPCODE
    this.#memory.table[channel.index * SLOT_STRIDE + field] = IDLE
  }

  /** Retries the writes by timer: after 1 ms, and doubling to 16 ms. */
  backOff(channel: Channel): void {
    const extras = channel.ensureExtras()
    if (extras.backoff !== null) return
    const wait = 1 << extras.stall
    if (wait < MAX_BACKOFF) extras.stall++
    extras.backoff = setTimeout(() => {
      extras.backoff = null
      this.#retry(channel)
    }, wait)
    if (!channel.refed) extras.backoff.unref()
  }

  /** Stops the retries and forgets their delay: no operation waits any more. */
  stopRetrying(channel: Channel): void {
    const { extras } = channel
    if (extras === null) return
    if (extras.backoff !== null) clearTimeout(extras.backoff)
    extras.backoff = null
    extras.stall = 0
    extras.echo = false
  }

  #mustWatch(channel: Channel): boolean {
    return (this.#memory.table[channel.index * SLOT_STRIDE + READINESS]! & WATCH_AGAIN) !== 0
  }
}
