import { markAsUntransferable } from 'node:worker_threads'
import { ALIGNMENT, LARGE } from '../binding/shared'
import type { NonSharedBuffer } from '../runtime/buffer'

/** Up to this number of bytes, native code receives into the inbox. */
export const SMALL = 8192
/** A room of at most this many bytes is used again, if the data was copied out of it. */
const KEPT = 65536
const PIECE = 16384
const none = Buffer.alloc(0)

/** Rounds a length up, so that every typed array can view what comes after it. */
export function aligned(length: number): number {
  return (length + ALIGNMENT - 1) & -ALIGNMENT
}

/** Returns an empty Buffer with memory of its own: the caller may transfer it, and that detaches all Buffers of one memory. */
export function noBytes(): NonSharedBuffer {
  return Buffer.alloc(0)
}

type Maker<T> = new (...given: [memory: ArrayBufferLike, start: number, length: number]) => T

/** The class whose instances all Buffers are, and which `subarray` also uses. */
const Bytes = (Buffer as unknown as Record<symbol, Maker<NonSharedBuffer>>)[Symbol.species]!

/** Returns the same as `subarray` of a Buffer, which must look up its memory first, and needs three times as long. */
export function bytesIn(memory: ArrayBufferLike, start: number, length: number): NonSharedBuffer {
  return new Bytes(memory, start, length)
}

/** A base class whose constructor returns its argument, so that a derived class adds its private fields to that object. */
const Itself = function (memory: ArrayBufferLike): ArrayBufferLike {
  return memory
} as unknown as new (memory: ArrayBufferLike) => object

/** Marks memory with a private field, which no other code sees. A WeakSet would cost the garbage collector more. */
class Shared extends Itself {
  readonly #shared = true

  // Without this constructor, the arguments would pass through a changed iterator of arrays.
  constructor(memory: ArrayBufferLike) {
    super(memory)
  }

  static has(memory: ArrayBufferLike): boolean {
    return #shared in memory
  }
}

/**
 * Memory for received data. Small messages lie one after the other in a larger piece, and each is its own Buffer. This
 * is several times cheaper than `Buffer.allocUnsafe` for each message, and copies nothing. A receive that may return
 * more uses a room of the full size, and data that fills less than half of it is copied out.
 */
class Pool {
  /** Where in the reserved memory the receive starts. */
  at = 0
  #piece = none
  #memory = none.buffer
  #used = 0
  #room = none
  /** The memory that `reserve` returned last. */
  #reserved = none

  /**
   * Returns memory for a receive of up to `size` bytes, which starts at `at`. It is not cleared. Until `take` is called,
   * another `reserve` returns the same memory: at most one receive runs at a time.
   */
  reserve(size: number): NonSharedBuffer {
    if (size >= LARGE) {
      this.at = 0
      // The caller may have detached the ArrayBuffer of an earlier Buffer: then the length is 0.
      if (this.#room.length === size) return (this.#reserved = this.#room)
      const room = Buffer.allocUnsafeSlow(size)
      if (size <= KEPT) this.#room = room
      return (this.#reserved = room)
    }
    // A detached piece has the length 0: then not even an empty Buffer can be made of it.
    if (this.#piece.length === 0 || this.#piece.length - this.#used < size) {
      this.#piece = this.piece()
      this.#memory = this.#piece.buffer
      this.#used = 0
    }
    this.at = this.#used
    return (this.#reserved = this.#piece)
  }

  /** Returns a new piece, for small messages to share. */
  piece(): NonSharedBuffer {
    const piece = Buffer.allocUnsafeSlow(PIECE)
    markAsUntransferable(piece.buffer) // before the piece is in use: this may throw
    new Shared(piece.buffer)
    return piece
  }

  /** True if this memory is a piece that small messages share. */
  has(memory: ArrayBufferLike): boolean {
    return Shared.has(memory)
  }

  /** Returns the first `length` bytes of the reserved memory, which the caller may keep. */
  take(length: number): NonSharedBuffer {
    const reserved = this.#reserved
    if (reserved === this.#piece) return this.cut(length)
    this.#reserved = none
    if (length <= reserved.length >> 1) return this.copy(reserved, 0, length) // so that the rest can be freed
    if (reserved === this.#room) this.#room = none
    return length === reserved.length ? reserved : reserved.subarray(0, length)
  }

  /** Returns a new Buffer with `length` bytes of `from`. */
  copy(from: Uint8Array, start: number, length: number): NonSharedBuffer {
    const bytes = from.subarray(start, start + length)
    if (length >= LARGE) {
      const own = Buffer.allocUnsafeSlow(length)
      own.set(bytes)
      return own
    }
    this.reserve(length).set(bytes, this.at)
    return this.cut(length)
  }

  /** Makes room for at least `least` bytes of small messages, and returns how many bytes there is room for. */
  roomFor(least: number): number {
    this.reserve(least)
    return this.#piece.length - this.#used
  }

  /** Copies bytes of several small messages into that room. Then `cut` returns the messages one by one. */
  put(from: Uint8Array, start: number, length: number): void {
    this.#piece.set(
      from.subarray(start, start + Math.min(length, this.#piece.length - this.#used)),
      this.#used,
    )
  }

  /** Returns the next `length` bytes of the piece. */
  cut(length: number): NonSharedBuffer {
    const start = this.#used
    this.#used = start + aligned(length)
    return bytesIn(this.#memory, start, length)
  }
}

/** The pool of this environment (main thread or worker). */
export const pool = new Pool()
