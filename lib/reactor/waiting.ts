import type { Native } from '../binding/binding'
import { ERROR, READ, WRITE } from '../binding/shared'
import { append } from '../runtime/list'
import type { Channel } from './channel'
import type { Operation } from './operation'

const DIRECTIONS = [READ, WRITE, ERROR] as const

/** The sockets on which operations wait, by slot. While one of them is refed, the process stays alive. */
export class Waiting {
  readonly #native: Native
  /** An idle channel is not held here, so that a socket that the program lost can be garbage-collected. */
  readonly #channels: (Channel | undefined)[] = []
  #refs = 0

  constructor(native: Native) {
    this.#native = native
  }

  /** Returns the channel of a slot, or undefined if no operation waits on it. */
  at(index: number): Channel | undefined {
    return this.#channels[index]
  }

  /** Adds an operation at the end of its queue. */
  add(channel: Channel, operation: Operation<unknown>): void {
    channel.queue(operation.direction).push(operation)
    operation.queued = true
    if (channel.waiting++ > 0) return
    while (this.#channels.length <= channel.index) append(this.#channels, undefined)
    this.#channels[channel.index] = channel
    if (channel.refed) this.#count(1)
  }

  /** Removes an operation from its queue. */
  remove(channel: Channel, operation: Operation<unknown>): void {
    channel.queue(operation.direction).remove(operation)
    operation.queued = false
    operation.taken = false
    if (--channel.waiting > 0) return
    this.#channels[channel.index] = undefined
    if (channel.refed) this.#count(-1)
  }

  /** Returns every operation that waits on a socket: reads, writes, then reads of the error queue. */
  all(channel: Channel): Operation<unknown>[] {
    const operations: Operation<unknown>[] = []
    for (let i = 0; i < DIRECTIONS.length; i++) {
      for (let operation = channel.head(DIRECTIONS[i]!); operation !== null; operation = operation.next)
        append(operations, operation)
    }
    return operations
  }

  /** Sets whether operations that wait on this channel keep the process alive. */
  setRef(channel: Channel, on: boolean): void {
    if (channel.refed === on) return
    channel.refed = on
    if (channel.waiting > 0) this.#count(on ? 1 : -1)
    const all = this.all(channel)
    for (let i = 0; i < all.length; i++) {
      const { leave } = all[i]!
      if (on) leave?.timer?.ref()
      else leave?.timer?.unref()
    }
  }

  #count(change: number): void {
    this.#refs += change
    if (this.#refs === (change > 0 ? 1 : 0)) this.#native.ref(change > 0)
  }
}
