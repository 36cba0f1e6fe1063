import { markAsUntransferable } from 'node:worker_threads'

/** A receive of at most this many bytes uses the pool. */
export const SMALL = 8192
/** Received data of at least this many bytes is copied to its own memory, as with `Buffer.allocUnsafe`. */
const LARGE = 4096
const PIECE = 2 * SMALL
const none = Buffer.alloc(0)

/**
 * Memory for received data. Small messages lie one after the other in a larger piece, and each is its own Buffer. This
 * is several times cheaper than `Buffer.allocUnsafe` for each message, and copies nothing.
 */
class Pool {
  #piece = none
  #used = 0
  #room = none
  readonly #pieces = new WeakSet<ArrayBufferLike>()

  /**
   * Returns memory to receive up to `size` bytes into. It is not cleared. Until `cut` is called, another `reserve`
   * returns the same memory: at most one receive runs at a time.
   */
  reserve(size: number): Buffer {
    if (size > SMALL) return Buffer.allocUnsafeSlow(size)
    // The caller may have transferred the ArrayBuffer of an earlier Buffer: then the length is 0.
    if (this.#room.length === size && size > 0) return this.#room
    if (this.#piece.length - this.#used < size) {
      this.#piece = Buffer.allocUnsafeSlow(PIECE)
      markAsUntransferable(this.#piece.buffer)
      this.#pieces.add(this.#piece.buffer)
      this.#used = 0
    }
    return (this.#room = this.#piece.subarray(this.#used, this.#used + size))
  }

  /** True if this memory is a piece that small messages share. */
  has(memory: ArrayBufferLike): boolean {
    return this.#pieces.has(memory)
  }

  /** Returns the first `length` bytes of reserved memory, which the caller may keep. */
  cut(room: Buffer, length: number): Buffer {
    const size = room.length
    if (size > SMALL) {
      const used = room.subarray(0, length)
      return length > size >> 1 ? used : Buffer.from(used) // a copy, so that the unused rest can be freed
    }
    if (length >= LARGE) {
      const own = Buffer.allocUnsafeSlow(length)
      room.copy(own)
      return own
    }
    this.#used += (length + 7) & ~7 // aligned, so that every typed array can view the next message
    this.#room = none
    return length === size ? room : room.subarray(0, length)
  }
}

/** The pool of this environment (main thread or worker). */
export const pool = new Pool()
