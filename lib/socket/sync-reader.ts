import { invalidType } from '../errors'
import { block } from '../reactor/blocking'
import type { BaseSocket } from './base'
import { ReaderCalls, type Call, type LineOptions, type ReaderOp, type ReaderOptions } from './reader-options'
import type { UntilOptions } from './reader-options'
import type { NonSharedBuffer } from '../runtime/buffer'

/** Describes the options of a blocking call: those of the other class, without a signal. */
type Blocking<O> = Omit<O, 'signal'>

/**
 * Reads a stream in parts of known size, or up to a delimiter, and blocks the thread. `socket.reader()` creates it.
 *
 * A reader receives more than it returns. The socket keeps these bytes: every reader and every receive of the same
 * socket returns them first, in order.
 */
export class SocketReader implements Iterable<NonSharedBuffer> {
  readonly #calls: ReaderCalls

  /** @internal */
  constructor(socket: BaseSocket, options: Blocking<ReaderOptions> | undefined) {
    this.#calls = new ReaderCalls(socket, options)
    this.#refuseSignal(this.#calls.read(0, undefined))
  }

  /** The number of bytes that were received and not yet read. */
  get buffered(): number {
    return this.#calls.buffered
  }

  /** Reads between 1 and `size` bytes, by default 65536. Returns an empty Buffer at the end of the stream. */
  read(size?: number, op?: Blocking<ReaderOp>): NonSharedBuffer {
    return this.#run(this.#calls.read(size, op))
  }

  /**
   * Reads exactly `size` bytes.
   *
   * If the stream ends before, throws `ERR_UNEXPECTED_END`. The error has the bytes that arrived as `partial`.
   */
  exactly(size: number, op?: Blocking<ReaderOp>): NonSharedBuffer {
    return this.#run(this.#calls.exactly(size, op))
  }

  /**
   * Reads up to and including `delimiter`: bytes, or a string of ASCII characters.
   *
   * If the delimiter does not end within `max` bytes, throws a `RangeError`, `ERR_LIMIT_EXCEEDED`, and reads nothing.
   * If the stream ends before, throws `ERR_UNEXPECTED_END`.
   */
  until(delimiter: ArrayBufferView | string, options?: Blocking<UntilOptions>): NonSharedBuffer {
    return this.#run(this.#calls.until(delimiter, options))
  }

  /** Reads a line of text and returns it without its line ending, or `null` at the end of the stream. */
  line(options?: Blocking<LineOptions>): string | null {
    return this.#run(this.#calls.line(options))
  }

  /** Returns a copy of the next `size` bytes without reading them. It is shorter only at the end of the stream. */
  peek(size: number, op?: Blocking<ReaderOp>): NonSharedBuffer {
    return this.#run(this.#calls.peek(size, op))
  }

  /** Puts a copy of `bytes` in front, so that the next read returns them first. Throws `EBADF` after `close()`. */
  unread(bytes: ArrayBufferView): void {
    this.#calls.unread(bytes)
  }

  /** Iterates over the rest of the stream in chunks. The iterator ends with the stream, or when the socket is closed. */
  *[Symbol.iterator](): IterableIterator<NonSharedBuffer> {
    while (!this.#calls.socket.closed) {
      const data = this.read()
      if (data.length === 0) return
      yield data
    }
  }

  #run<T>(call: Call<T>): T {
    this.#refuseSignal(call)
    return block(this.#calls.socket.channel, call.operation, call.wait.timeout)
  }

  #refuseSignal({ wait: { signal } }: Call<unknown>): void {
    if (signal === undefined) return
    const why = 'undefined, because nothing can abort a signal while the thread is blocked'
    throw invalidType('op.signal', why, signal)
  }
}
