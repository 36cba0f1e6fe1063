import { SOCK_STREAM } from '../constants'
import { closed, invalidType, outOfRange, systemError } from '../errors'
import { errnoOf } from '../errors/errno'
import { AnyBytes, Delimited, ExactBytes, Line, PeekedBytes } from '../message/frames'
import { giveBack } from '../message/leftover'
import { ReceiveFrame } from '../operations/framed'
import { octetsOf } from '../struct'
import { checkBytes, checkOptions, checkSignal, checkSize, checkTimeout } from '../validators'
import { checkInteger } from '../errors/argument'
import type { BaseSocket } from './base'
import { checkFree } from './receiver'
import type { NonSharedBuffer } from '../runtime/buffer'

/** Describes the options of every call of a `SocketReader`. */
export interface ReaderOp {
  /** How long the whole call may take, in milliseconds. `null` has no limit. Default: that of the reader. */
  timeout?: number | null | undefined
  /** If aborted, the call rejects with an `AbortError`. Bytes that have arrived stay in the reader. */
  signal?: AbortSignal | undefined
}

/** Describes the options of `until`. */
export interface UntilOptions extends ReaderOp {
  /** The maximum number of bytes, with the delimiter. Default: that of the reader. */
  max?: number | undefined
}

/** Describes the options of `line`. */
export interface LineOptions extends UntilOptions {
  /** The encoding of the text. Default `'utf8'`. */
  encoding?: BufferEncoding | undefined
}

/** Describes the options of `socket.reader`, which are the defaults of every call. */
export interface ReaderOptions extends ReaderOp {
  /** The maximum number of bytes for `until` and `line`, with the delimiter. Default 65536. */
  max?: number | undefined
}

const OP = ['timeout', 'signal'] satisfies (keyof ReaderOp)[]
const UNTIL = [...OP, 'max'] satisfies (keyof UntilOptions)[]
const LINE = [...UNTIL, 'encoding'] satisfies (keyof LineOptions)[]

const MAX = 64 * 1024
const CHUNK = 64 * 1024
const NO_BYTES = new Uint8Array(0)

/** Describes how long a call of a reader may wait. */
export interface ReaderWait {
  timeout: number | null
  signal: AbortSignal | undefined
}

/** Describes one checked call: the operation, and how long it may wait. */
export interface Call<T> {
  operation: ReceiveFrame<T>
  wait: ReaderWait
}

/** Checks the arguments of both classes of readers, and makes their operations. */
export class ReaderCalls {
  /** The last delimiter that was text, and its bytes: most programs use one. */
  #text: string | null = null
  #bytes: Uint8Array = NO_BYTES
  readonly #defaults: { timeout: number | null | undefined; signal: AbortSignal | undefined; max: number }

  constructor(
    readonly socket: BaseSocket,
    options: ReaderOptions | undefined,
  ) {
    if (socket.type !== SOCK_STREAM)
      throw systemError('reader', errnoOf('EOPNOTSUPP'), { subject: 'only a stream can be read in parts' })
    const { timeout, signal, max } = checkOptions('options', options, UNTIL)
    this.#defaults = {
      timeout: timeout === undefined ? undefined : checkTimeout('options.timeout', timeout),
      signal: checkSignal('options.signal', signal),
      max: max === undefined ? MAX : checkMax('options.max', max),
    }
  }

  read(size: number | undefined, op: ReaderOp | undefined): Call<NonSharedBuffer> {
    const max = size === undefined ? CHUNK : checkSize('size', size)
    return this.#call(new AnyBytes(max), this.#waitOf(checkOptions('op', op, OP)))
  }

  exactly(size: number, op: ReaderOp | undefined): Call<NonSharedBuffer> {
    return this.#call(new ExactBytes(checkSize('size', size)), this.#waitOf(checkOptions('op', op, OP)))
  }

  peek(size: number, op: ReaderOp | undefined): Call<NonSharedBuffer> {
    return this.#call(new PeekedBytes(checkSize('size', size)), this.#waitOf(checkOptions('op', op, OP)))
  }

  until(delimiter: unknown, options: UntilOptions | undefined): Call<NonSharedBuffer> {
    const bytes = this.#delimiterOf(delimiter)
    const own = checkOptions('options', options, UNTIL)
    return this.#call(new Delimited(bytes, this.#maxOf(own)), this.#waitOf(own))
  }

  line(options: LineOptions | undefined): Call<string | null> {
    const own = checkOptions('options', options, LINE)
    const { encoding = 'utf8' } = own
    if (typeof encoding !== 'string' || !Buffer.isEncoding(encoding))
      throw invalidType('options.encoding', 'the name of an encoding', encoding)
    return this.#call(new Line(encoding, this.#maxOf(own)), this.#waitOf(own))
  }

  unread(bytes: ArrayBufferView): void {
    const copy = Uint8Array.from(octetsOf(checkBytes('bytes', bytes)))
    if (this.socket.closed) throw closed('unread')
    giveBack(this.socket.channel, copy)
  }

  get buffered(): number {
    let bytes = 0
    for (let each = this.socket.channel.leftover; each !== null; each = each.next) bytes += each.data.length
    return bytes
  }

  #delimiterOf(value: unknown): Uint8Array {
    if (typeof value !== 'string') return delimiterOf(value)
    if (value !== this.#text) {
      this.#bytes = delimiterOf(value)
      this.#text = value
    }
    return this.#bytes
  }

  #maxOf({ max }: UntilOptions): number {
    return max === undefined ? this.#defaults.max : checkMax('options.max', max)
  }

  #waitOf({ timeout, signal }: ReaderOp): ReaderWait {
    const { timeout: usual = this.socket.timeout, signal: usualSignal } = this.#defaults
    return {
      timeout: timeout === undefined ? usual : checkTimeout('op.timeout', timeout),
      signal: signal === undefined ? usualSignal : checkSignal('op.signal', signal),
    }
  }

  #call<T>(frame: ConstructorParameters<typeof ReceiveFrame<T>>[1], wait: ReaderWait): Call<T> {
    checkFree(this.socket, 'recv')
    return { operation: new ReceiveFrame(this.socket.channel, frame), wait }
  }
}

function checkMax(name: string, max: unknown): number {
  return checkInteger(name, max, 1, 0x7fffffff)
}

/** Returns the bytes of a delimiter. Only ASCII text has the same bytes in every encoding. */
function delimiterOf(value: unknown): Uint8Array {
  if (typeof value === 'string') {
    if (!/^[\0-\x7f]+$/.test(value))
      throw outOfRange('delimiter', 'at least one ASCII character and no others, or bytes', value)
    return Buffer.from(value, 'latin1')
  }
  if (!ArrayBuffer.isView(value))
    throw invalidType('delimiter', 'an instance of Buffer, TypedArray or DataView, or ASCII text', value)
  const bytes = Uint8Array.from(octetsOf(value))
  if (bytes.length === 0) throw outOfRange('delimiter.byteLength', '>= 1', 0)
  return bytes
}
