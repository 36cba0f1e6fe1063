import { reactor } from '../reactor'
import type { BaseSocket } from './base'
import { Pull } from './iteration'
import { ReaderCalls, type Call, type LineOptions, type ReaderOp, type ReaderOptions } from './reader-options'
import type { UntilOptions } from './reader-options'
import type { NonSharedBuffer } from '../runtime/buffer'

/**
 * Reads a stream in parts of known size, or up to a delimiter. `socket.reader()` creates it.
 *
 * A reader receives more than it returns. The socket keeps these bytes: every reader and every receive of the same
 * socket returns them first, in order. So a reader needs no end, and a timeout or a signal loses nothing.
 *
 * Calls wait for each other, and for other receives of the socket, in the order of the calls.
 */
export class SocketReader implements AsyncIterable<NonSharedBuffer> {
  readonly #calls: ReaderCalls

  /** @internal */
  constructor(socket: BaseSocket, options: ReaderOptions | undefined) {
    this.#calls = new ReaderCalls(socket, options)
  }

  /** The number of bytes that were received and not yet read. */
  get buffered(): number {
    return this.#calls.buffered
  }

  /**
   * Reads between 1 and `size` bytes, as many as are there. The default is 65536.
   *
   * Resolves with an empty Buffer at the end of the stream. Reads from the socket only if no bytes are buffered.
   */
  read(size?: number, op?: ReaderOp): Promise<NonSharedBuffer> {
    return this.#run(calls => calls.read(size, op))
  }

  /**
   * Reads exactly `size` bytes.
   *
   * If the stream ends before, rejects with `ERR_UNEXPECTED_END`. The error has the bytes that arrived as `partial`,
   * and they are not read again. Memory is allocated for bytes that arrived, not for `size`.
   */
  exactly(size: number, op?: ReaderOp): Promise<NonSharedBuffer> {
    return this.#run(calls => calls.exactly(size, op))
  }

  /**
   * Reads up to and including `delimiter`: bytes, or a string of ASCII characters.
   *
   * If the delimiter does not end within `max` bytes, rejects with a `RangeError`, `ERR_LIMIT_EXCEEDED`, and reads
   * nothing. If the stream ends before, rejects with `ERR_UNEXPECTED_END` and `partial`, as `exactly` does.
   */
  until(delimiter: ArrayBufferView | string, options?: UntilOptions): Promise<NonSharedBuffer> {
    return this.#run(calls => calls.until(delimiter, options))
  }

  /**
   * Reads a line of text, and resolves with it without its line ending, `\n` or `\r\n`.
   *
   * Resolves with `null` at the end of the stream. Bytes that are invalid in UTF-8 become U+FFFD; `until('\n')`
   * returns the bytes themselves. Rejects like `until` if the line is longer than `max` bytes, or has no ending.
   */
  line(options?: LineOptions): Promise<string | null> {
    return this.#run(calls => calls.line(options))
  }

  /** Returns a copy of the next `size` bytes without reading them. It is shorter only at the end of the stream. */
  peek(size: number, op?: ReaderOp): Promise<NonSharedBuffer> {
    return this.#run(calls => calls.peek(size, op))
  }

  /** Puts a copy of `bytes` in front, so that the next read returns them first. Throws `EBADF` after `close()`. */
  unread(bytes: ArrayBufferView): void {
    this.#calls.unread(bytes)
  }

  /**
   * Iterates over the rest of the stream in chunks, like `socket.chunks()`.
   *
   * The iterator ends with the stream, or when the socket is closed.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<NonSharedBuffer> {
    const next = (): Call<NonSharedBuffer> => this.#calls.read(undefined, undefined)
    const { wait } = next()
    return new Pull(
      this.#calls.socket,
      () => next().operation,
      { flags: 0, ...wait },
      data => data.length === 0,
    )
  }

  #run<T>(make: (calls: ReaderCalls) => Call<T>): Promise<T> {
    try {
      const { operation, wait } = make(this.#calls)
      return reactor.submit(this.#calls.socket.channel, operation, wait.timeout, wait.signal)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }
}
