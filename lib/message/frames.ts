import { limitExceeded, unexpectedEnd } from '../errors'
import type { ReadBuffer } from './read-buffer'
import type { NonSharedBuffer } from '../runtime/buffer'

/** What one call of a reader wants from a stream. It parses, and never waits. */
export interface Frame<T> {
  /**
   * Takes the frame from the buffer. Returns undefined if bytes are missing, which is impossible once the stream has
   * `ended`. Throws if the stream cannot contain the frame.
   */
  take(buffer: ReadBuffer, ended: boolean): T | undefined
  /** Returns how many bytes are missing at least. */
  missing(buffer: ReadBuffer): number
}

const LF = Buffer.from('\n')
const CR = 13

/** The bytes that are there, at most `max`. An empty Buffer is the end of the stream. */
export class AnyBytes implements Frame<NonSharedBuffer> {
  constructor(private readonly max: number) {}

  take(buffer: ReadBuffer, ended: boolean): NonSharedBuffer | undefined {
    return buffer.length > 0 || ended || this.max === 0 ? buffer.take(this.max) : undefined
  }

  missing(): number {
    return 1
  }
}

/** Exactly `size` bytes. */
export class ExactBytes implements Frame<NonSharedBuffer> {
  constructor(private readonly size: number) {}

  take(buffer: ReadBuffer, ended: boolean): NonSharedBuffer | undefined {
    if (buffer.length >= this.size) return buffer.take(this.size)
    if (!ended) return undefined
    throw unexpectedEnd(buffer.take(buffer.length), `${this.size} bytes`)
  }

  missing(buffer: ReadBuffer): number {
    return this.size - buffer.length
  }
}

/** The next `size` bytes, fewer at the end of the stream. They stay in the buffer. */
export class PeekedBytes implements Frame<NonSharedBuffer> {
  constructor(private readonly size: number) {}

  take(buffer: ReadBuffer, ended: boolean): NonSharedBuffer | undefined {
    return buffer.length >= this.size || ended ? buffer.peek(this.size) : undefined
  }

  missing(buffer: ReadBuffer): number {
    return this.size - buffer.length
  }
}

/** Finds a delimiter. Each byte is searched once, even if the delimiter arrives in parts. */
class Search {
  /** How many bytes of `#buffer` were searched, when its front was `#front`. */
  #searched = 0
  #buffer: ReadBuffer | null = null
  #front = 0

  constructor(
    private readonly delimiter: Uint8Array,
    private readonly max: number,
    private readonly what: string,
  ) {}

  /** Returns the length of the frame with its delimiter, or −1 if bytes are missing. */
  end(buffer: ReadBuffer): number {
    const { delimiter, max } = this
    // `unread` may have put bytes in front during the wait.
    if (this.#buffer !== buffer || this.#front !== buffer.front) this.#searched = 0
    const at = buffer.indexOf(delimiter, this.#searched)
    const end = at < 0 ? -1 : at + delimiter.length
    if (end > max || (end < 0 && buffer.length >= max)) throw limitExceeded(this.what, max)
    this.#searched = Math.max(0, buffer.length - delimiter.length + 1)
    this.#buffer = buffer
    this.#front = buffer.front
    return end
  }
}

/** All bytes up to and including a delimiter. */
export class Delimited implements Frame<NonSharedBuffer> {
  readonly #search: Search

  constructor(delimiter: Uint8Array, max: number) {
    this.#search = new Search(delimiter, max, 'the delimiter')
  }

  take(buffer: ReadBuffer, ended: boolean): NonSharedBuffer | undefined {
    const end = this.#search.end(buffer)
    if (end >= 0) return buffer.take(end)
    if (!ended) return undefined
    throw unexpectedEnd(buffer.take(buffer.length), 'the delimiter')
  }

  missing(): number {
    return 1
  }
}

/** A line of text without its line ending. Null is the end of the stream. */
export class Line implements Frame<string | null> {
  readonly #search: Search

  constructor(
    private readonly encoding: BufferEncoding,
    max: number,
  ) {
    this.#search = new Search(LF, max, 'the end of the line')
  }

  take(buffer: ReadBuffer, ended: boolean): string | null | undefined {
    const end = this.#search.end(buffer)
    if (end >= 0) {
      const text = buffer.text(this.encoding, buffer.at(end - 2) === CR && end > 1 ? end - 2 : end - 1)
      buffer.skip(end)
      return text
    }
    if (!ended) return undefined
    if (buffer.length === 0) return null
    throw unexpectedEnd(buffer.take(buffer.length), 'the end of the line')
  }

  missing(): number {
    return 1
  }
}
