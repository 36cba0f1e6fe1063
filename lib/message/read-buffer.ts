import type { Leftover } from '../reactor/channel'
import type { NonSharedBuffer } from '../runtime/buffer'

const none = Buffer.alloc(0)
/**
 * A part that fills its memory is handed out as it is, not copied. From this number of bytes on, it need not fill more than
 * half of it.
 */
const LARGE = 4096

/**
 * Bytes of a stream that were received but not read yet, in one piece of memory, so that a search is one native call.
 * No view of the memory leaves this class, except `data` for a direct copy, and memory that the buffer gives away.
 *
 * As `Channel.leftover`, it is also what the next receive of any kind returns.
 */
export class ReadBuffer implements Leftover {
  /** Bytes of a stream have no sender, no flags and no control messages. */
  readonly address: Buffer = none
  readonly flags = 0
  readonly control = []
  readonly next = null
  /** Changes when bytes are put in front or removed there. */
  front = 0
  #memory = none
  #start = 0
  #end = 0

  /** The number of bytes. */
  get length(): number {
    return this.#end - this.#start
  }

  get bytes(): number {
    return this.length
  }

  /** All bytes, as a view that is valid until the next change. */
  get data(): NonSharedBuffer {
    return this.#memory.subarray(this.#start, this.#end)
  }

  /** Appends a copy of `bytes`. */
  append(bytes: Uint8Array): void {
    const { length } = bytes
    this.#reserve(length, length)
    this.#memory.set(bytes, this.#end)
    this.#end += length
  }

  /** Puts a copy of `bytes` before all others. */
  unshift(bytes: Uint8Array): void {
    if (this.#start < bytes.length) {
      const { data } = this
      // As much room again in front, so that many small pieces do not move all bytes each time.
      const front = bytes.length + data.length
      const memory = Buffer.allocUnsafe(front + data.length)
      data.copy(memory, front)
      this.#memory = memory
      this.#start = front
      this.#end = front + data.length
    }
    this.front++
    this.#start -= bytes.length
    this.#memory.set(bytes, this.#start)
  }

  /**
   * Returns memory after the last byte: at least `min` bytes, and at most `max`. After `added`, its first bytes belong
   * to the buffer.
   */
  room(min: number, max = min): Buffer {
    this.#reserve(min, max)
    return this.#memory.subarray(this.#end, this.#end + max)
  }

  /** Appends the first `count` bytes of `room`. */
  added(count: number): void {
    this.#end += count
  }

  /** Returns a copy of the first bytes, at most `count`. */
  peek(count: number): NonSharedBuffer {
    return Buffer.from(this.#memory.subarray(this.#start, Math.min(this.#end, this.#start + count)))
  }

  /** Removes and returns the first bytes, at most `count`. The caller owns the memory. */
  take(count: number): NonSharedBuffer {
    const length = Math.min(count, this.length)
    const room = this.#memory.length
    // An empty part has no memory of its own: `none` belongs to all buffers.
    const whole = length > 0 && length === this.length
    if (whole && (length === room || (length >= LARGE && length > room >> 1))) {
      const { data } = this
      this.skip(length)
      return data
    }
    const taken = this.peek(length)
    this.skip(length)
    return taken
  }

  /** Removes the first `count` bytes. */
  skip(count: number): void {
    this.front++
    this.#start += count
    if (this.#start >= this.#end) this.#clear()
  }

  /** Returns where `bytes` begin, at `from` or later; −1 if they are not there. */
  indexOf(bytes: Uint8Array, from: number): number {
    const { length } = this.#memory
    const memory = this.#end === length ? this.#memory : this.#memory.subarray(0, this.#end)
    const at = memory.indexOf(bytes, this.#start + from)
    return at < 0 ? -1 : at - this.#start
  }

  /** Returns the first `count` bytes as text. */
  text(encoding: BufferEncoding, count: number): string {
    return this.#memory.toString(encoding, this.#start, this.#start + count)
  }

  /** Returns the byte at an index. */
  at(index: number): number | undefined {
    return this.#memory[this.#start + index]
  }

  #clear(): void {
    this.#memory = none
    this.#start = this.#end = 0
  }

  #reserve(min: number, max: number): void {
    if (this.#memory.length - this.#end < min) this.#grow(Math.max(min, Math.min(max, this.length)))
  }

  // Doubles the memory, or moves the bytes to its start if at least half of it is free.
  #grow(size: number): void {
    const { data, length } = this
    const needed = length + size
    if (needed <= this.#memory.length >> 1) {
      this.#memory.copyWithin(0, this.#start, this.#end)
    } else {
      const memory = Buffer.allocUnsafe(length === 0 ? size : Math.max(needed, 2 * length))
      data.copy(memory)
      this.#memory = memory
    }
    this.#start = 0
    this.#end = length
  }
}
