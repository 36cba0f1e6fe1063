import { LARGE } from '../binding/shared'
import type { NonSharedBuffer } from '../runtime/buffer'
import { append } from '../runtime/list'
import { aligned, bytesIn, pool } from './pool'

/** The largest number of buffers that a call takes. */
const MAX_BUFFERS = 1024

/**
 * Memory for the first messages of one call, which receives those of an expected length in place. Small messages share
 * pieces of the pool, and a large one has a whole Buffer. A message of another length is copied out, and its place is wasted.
 */
export class Places {
  /** The buffers for the call: first the memory of all other messages, then those with the places. */
  readonly buffers: NonSharedBuffer[]
  /** The number of places. */
  count = 0
  /** The piece with the next place, its memory, and where in it the next place and the piece end. */
  #piece = 0
  #memory: ArrayBufferLike | null = null
  #at = 0
  #end = 0

  constructor(
    data: NonSharedBuffer,
    /** The expected length, or 0 if there are no places. */
    readonly length: number,
  ) {
    this.buffers = [data]
  }

  /** True if message `i` of the call is in its place. */
  filled(i: number, length: number): boolean {
    return i < this.count && length === this.length
  }

  /** False if the memory of earlier messages, where the first places lie, has been detached. */
  get whole(): boolean {
    return this.count === 0 || this.buffers[1]!.length > 0
  }

  /** Returns the next place. It is called once for each message of the call that has one. */
  next(): NonSharedBuffer {
    const { length } = this
    if (this.#at + length > this.#end) this.#enter(this.buffers[++this.#piece]!)
    const piece = this.buffers[this.#piece]!
    const start = this.#at
    this.#at += aligned(length)
    return length === piece.length ? piece : bytesIn(this.#memory!, start, length)
  }

  #enter(piece: NonSharedBuffer): void {
    this.#memory = piece.buffer
    this.#at = piece.byteOffset
    this.#end = this.#at + piece.length
  }

  /** Adds what an earlier call has left of its places, except in memory that has been detached since. */
  addRest(of: Places): void {
    const begun = of.buffers[of.#piece]!
    if (begun.length > 0 && of.#at + this.length <= of.#end)
      this.#add(begun.subarray(of.#at - begun.byteOffset))
    for (let i = of.#piece + 1; i < of.buffers.length; i++) {
      const piece = of.buffers[i]!
      if (piece.length > 0) this.#add(piece)
    }
  }

  /** Adds new places until there are `count`. */
  fill(count: number): void {
    const { length } = this
    while (this.count < count && this.buffers.length < MAX_BUFFERS)
      this.#add(length < LARGE ? pool.piece() : Buffer.allocUnsafeSlow(length))
  }

  #add(piece: NonSharedBuffer): void {
    const { length } = this
    append(this.buffers, piece)
    this.count += Math.floor((piece.length - length) / aligned(length)) + 1 // the last place may end anywhere
  }
}
