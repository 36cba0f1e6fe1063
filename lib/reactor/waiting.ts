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
  /** The slots whose sockets keep the process alive, and their number. */
  readonly #counted: boolean[] = []
  #refs = 0

  constructor(native: Native) {
    this.#native = native
  }

  /** Returns the channel of a slot, or undefined if no operation waits on it. */
  at(index: number): Channel | undefined {
    return this.#channels[index]
  }

  // A queue is a doubly linked list that begins with its head. `previous` of the head is the last operation, so a channel
  // needs only one field for a queue.

  /** Adds an operation at the end of its queue. If it throws, the operation is not in the queue. */
  add(channel: Channel, operation: Operation<unknown>): void {
    const { direction } = operation
    const head = channel.head(direction)
    if (!this.#holds(channel)) this.#enter(channel)
    if (head === null) {
      channel.lead(direction, operation)
      operation.previous = operation
    } else {
      const last = head.previous!
      last.next = operation
      operation.previous = last
      head.previous = operation
    }
    operation.queued = true
  }

  /** Removes an operation from its queue, in constant time. Returns true if other operations wait on the socket. */
  remove(channel: Channel, operation: Operation<unknown>): boolean {
    const { direction, next, previous } = operation
    const head = channel.head(direction)!
    if (operation === head) channel.lead(direction, next)
    else previous!.next = next
    ;(next ?? head).previous = previous
    operation.next = operation.previous = null
    operation.queued = false
    if (channel.waits) return true
    this.leave(channel)
    return false
  }

  /** Forgets a socket on which no operation waits. */
  leave(channel: Channel): void {
    if (!this.#holds(channel)) return
    this.#count(channel.index, false)
    this.#channels[channel.index] = undefined
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
    if (this.#holds(channel)) this.#count(channel.index, on)
    const all = this.all(channel)
    for (let i = 0; i < all.length; i++) {
      const { leave } = all[i]!
      if (on) leave?.timer?.ref()
      else leave?.timer?.unref()
    }
    channel.refed = on // after the calls: if one throws, the caller can repeat all of them
  }

  // Reads no element that is not there: Array.prototype may have a getter for it.
  #holds(channel: Channel): boolean {
    return channel.index < this.#channels.length && this.#channels[channel.index] === channel
  }

  #enter(channel: Channel): void {
    const { index } = channel
    while (this.#channels.length <= index) append(this.#channels, undefined)
    while (this.#counted.length <= index) append(this.#counted, false)
    this.#count(index, channel.refed)
    this.#channels[index] = channel
  }

  // Any call throws if the caller has used up the stack. A wrong count would end the process while other sockets wait, so
  // the count changes after the calls, together with what was counted.
  #count(index: number, on: boolean): void {
    if (this.#counted[index] === on) return
    const refs = this.#refs + (on ? 1 : -1)
    if (refs === (on ? 1 : 0)) this.#native.ref(on)
    this.#refs = refs
    this.#counted[index] = on
  }
}
