import { markAsUntransferable } from 'node:worker_threads'

/** Up to this size a receive begins in shared memory. */
export const SMALL = 8192
/** From this size on what came has memory of its own, as with `Buffer.allocUnsafe`. */
const LARGE = 4096
const PIECE = 2 * SMALL
const none = Buffer.alloc(0)

/**
 * Memory for what is received. Small messages lie one behind the other in a larger piece, as Buffers of their own:
 * making one is several times cheaper than `Buffer.allocUnsafe`, and nothing is copied.
 */
class Pool {
  #piece = none
  #used = 0
  #room = none
  readonly #pieces = new WeakSet<ArrayBufferLike>()

  /**
   * Memory to receive up to `size` bytes into, which may show what it held before. Until `cut` it is anybody's:
   * there is at most one receive at a time.
   */
  reserve(size: number): Buffer {
    if (size > SMALL) return Buffer.allocUnsafeSlow(size)
    // Somebody may have given the memory away, by way of a Buffer's `buffer`: then it has no length.
    if (this.#room.length === size && size > 0) return this.#room
    if (this.#piece.length - this.#used < size) {
      this.#piece = Buffer.allocUnsafeSlow(PIECE)
      markAsUntransferable(this.#piece.buffer)
      this.#pieces.add(this.#piece.buffer)
      this.#used = 0
    }
    return (this.#room = this.#piece.subarray(this.#used, this.#used + size))
  }

  /** Whether small messages share this memory. */
  has(memory: ArrayBufferLike): boolean {
    return this.#pieces.has(memory)
  }

  /** The first `length` bytes of reserved memory, to be kept. */
  cut(room: Buffer, length: number): Buffer {
    const size = room.length
    if (size > SMALL) {
      const used = room.subarray(0, length)
      return length > size >> 1 ? used : Buffer.from(used) // lets go of the rest
    }
    if (length >= LARGE) {
      const own = Buffer.allocUnsafeSlow(length)
      room.copy(own)
      return own
    }
    this.#used += (length + 7) & ~7 // so that typed arrays fit over each
    this.#room = none
    return length === size ? room : room.subarray(0, length)
  }
}

/** The one of this environment. */
export const pool = new Pool()
