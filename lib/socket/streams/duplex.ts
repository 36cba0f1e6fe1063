import { Duplex, type DuplexOptions } from 'node:stream'
import type { Address } from '../../address'
import {
  constants,
  IPPROTO_TCP,
  SHUT_WR,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOL_SOCKET,
  SO_KEEPALIVE,
  TCP_NODELAY,
} from '../../constants'
import { aborted, systemError, type SocketError } from '../../errors'
import { errnoOf } from '../../errors/errno'
import { inContext } from '../../runtime/context'
import { ownFields } from '../../runtime/fields'
import { isAborted, onAbort } from '../../runtime/signals'
import { checkOptions, checkSignal, checkSize } from '../../validators'
import { isInet, isStream } from '../base'
import { hasEnded, isOwnEnd } from '../iteration'
import type { Source } from './source'

/** Options of toDuplex. */
export interface SocketDuplexOptions {
  /**
   * False: `end()` follows by itself when the peer has ended, as net.Socket has it. Default true, as
   * stream.Duplex has it.
   */
  allowHalfOpen?: boolean | undefined
  /** Bytes that wait for a reader, and for the kernel, before back-pressure sets in. Default: Node's. */
  highWaterMark?: number | undefined
  /**
   * One message for each `data` event, empty ones too. Default: true on sockets that keep borders, where false
   * joins the messages; a stream has none to keep.
   */
  objectMode?: boolean | undefined
  /** Bytes to receive at once at most; a longer message is cut. Default 65536. */
  size?: number | undefined
  /** Destroys the stream when it fires. */
  signal?: AbortSignal | undefined
}

const FIELDS = [
  'allowHalfOpen',
  'highWaterMark',
  'objectMode',
  'size',
  'signal',
] satisfies (keyof SocketDuplexOptions)[]
const SIZE = 65536
/** IOV_MAX of every system that we run on. */
const MAX_PARTS = 1024
const MESSAGES = 16
// Darwin has another name for it.
const KEEPIDLE = (constants.TCP_KEEPIDLE ?? constants.TCP_KEEPALIVE)!

/**
 * A socket as a stream of Node. The stream owns the socket: it is closed once, when both sides have ended or the
 * stream is destroyed, and when somebody else closes it the stream is destroyed.
 */
export class SocketDuplex extends Duplex {
  /** Bytes received so far. */
  bytesRead = 0
  /** Bytes handed to the kernel so far. */
  bytesWritten = 0
  /** Milliseconds of silence before `'timeout'`; 0 for none. See setTimeout. */
  timeout = 0
  /** Never: it is made of a connected socket. For those who expect a net.Socket. */
  readonly connecting = false
  readonly #socket: Source
  readonly #size: number
  #reading = false
  #timer: NodeJS.Timeout | null = null
  /** Takes the listener of the caller's signal back. */
  #forget: (() => void) | null = null

  constructor(socket: Source, given?: SocketDuplexOptions) {
    const options = checkOptions('options', given, FIELDS)
    const signal = checkSignal('options.signal', options.signal)
    checkConnected(socket, 'toDuplex')
    super(streamOptions(socket, options))
    this.#socket = socket
    this.#size = options.size === undefined ? SIZE : checkSize('options.size', options.size) || 1
    // Several chunks in one call would become one message.
    if (!isStream(socket)) Object.assign(this, { _writev: null })
    socket.channel.onGone(inContext(() => this.destroy()))
    if (signal === undefined) return
    // Node's own `signal` option would call the methods of the caller's object.
    const stop = inContext(() => void this.destroy(aborted(signal)))
    if (isAborted(signal)) stop()
    else this.#forget = onAbort(signal, stop)
  }

  // --- reading ---

  /** @internal */
  override _read(): void {
    if (this.#reading) return
    this.#reading = true
    this.#socket.recv(this.#size, { timeout: null }).then(this.#received, this.#failed)
  }

  // Listeners run in the context of toDuplex(), as those of a net.Socket do in that of its connection.
  readonly #received = inContext((data: Buffer): void => {
    this.#reading = false
    if (data.length === 0 && hasEnded(this.#socket)) {
      this.push(null)
      return
    }
    this.bytesRead += data.length
    this.#active()
    // An empty push would be no progress in byte mode, and nobody would read again.
    if (data.length === 0 && !this.readableObjectMode) this._read()
    else this.push(data)
  })

  readonly #failed = inContext((error: unknown): void => this.#fail(error as Error))

  // --- writing ---

  /** @internal */
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (chunk.length === 0 && isStream(this.#socket)) return done()
    this.#settle(this.#socket.sendAll(chunk, { timeout: null }), chunk.length, done)
  }

  /** @internal */
  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    const parts = chunks.map(({ chunk }) => chunk).filter(chunk => chunk.length > 0)
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    this.#settle(sendParts(this.#socket, parts), length, done)
  }

  #settle(sent: Promise<void>, length: number, done: (error?: Error | null) => void): void {
    sent.then(
      () => {
        this.bytesWritten += length
        this.#active()
        done()
      },
      (error: unknown) => done(error as Error),
    )
  }

  /** @internal */
  override _final(done: (error?: Error | null) => void): void {
    const { type } = this.#socket
    try {
      // Datagrams have no end that the other side could see.
      if (isStream(this.#socket) || type === SOCK_SEQPACKET) this.#socket.shutdown(SHUT_WR)
      done()
    } catch (error) {
      // The peer went first.
      done((error as SocketError).code === 'ENOTCONN' ? null : (error as Error))
    }
  }

  // --- the end ---

  #fail(error: Error): void {
    this.#reading = false
    if (isOwnEnd(this.#socket, error)) this.destroy()
    else this.destroy(error)
  }

  /** @internal */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#forget?.()
    try {
      this.#socket.close()
      done(error)
    } catch (failed) {
      done(error ?? (failed as Error))
    }
  }

  // --- what http, https and agents ask of a net.Socket ---

  get remoteAddress(): string | undefined {
    return textOf(this.#socket.remoteAddress)
  }

  get remotePort(): number | undefined {
    return portOf(this.#socket.remoteAddress)
  }

  get remoteFamily(): string | undefined {
    return familyOf(this.#socket.remoteAddress)
  }

  get localAddress(): string | undefined {
    return textOf(this.#socket.localAddress)
  }

  get localPort(): number | undefined {
    return portOf(this.#socket.localAddress)
  }

  /** Keeps the process alive while it waits, as at first. */
  ref(): this {
    this.#socket.ref()
    return this
  }

  /** No longer keeps the process alive. */
  unref(): this {
    this.#socket.unref()
    return this
  }

  /** Emits `'timeout'` after that many milliseconds without a byte in either direction; nothing else happens. */
  setTimeout(milliseconds: number, listener?: () => void): this {
    this.timeout = milliseconds
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (milliseconds > 0) this.#timer = setTimeout(() => this.emit('timeout'), milliseconds).unref()
    if (listener === undefined) return this
    return milliseconds > 0 ? this.once('timeout', listener) : this.off('timeout', listener)
  }

  /** SO_KEEPALIVE, and how many milliseconds of silence come before the first probe. TCP only, else nothing. */
  setKeepAlive(on = false, delay = 0): this {
    if (!isTcp(this.#socket)) return this
    this.#socket.setsockopt(SOL_SOCKET, SO_KEEPALIVE, on)
    const seconds = Math.floor(delay / 1000)
    if (on && seconds > 0) this.#socket.setsockopt(IPPROTO_TCP, KEEPIDLE, seconds)
    return this
  }

  /** TCP_NODELAY. TCP only, else nothing. */
  setNoDelay(on = true): this {
    if (isTcp(this.#socket)) this.#socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, on)
    return this
  }

  #active(): void {
    this.#timer?.refresh()
  }
}

/** Nothing could be written to a datagram socket without a peer, and what is read would not tell whose it is. */
export function checkConnected(socket: Source, call: string): void {
  if (socket.type !== SOCK_DGRAM || !isInet(socket) || socket.closed || socket.remoteAddress !== null) return
  throw systemError(call, errnoOf('ENOTCONN'), {
    subject: 'a datagram socket has to be connected first; messages() hears everybody',
  })
}

function streamOptions(socket: Source, options: SocketDuplexOptions): DuplexOptions {
  const { allowHalfOpen = true, highWaterMark, objectMode = !isStream(socket) } = options
  return ownFields<DuplexOptions>({
    allowHalfOpen,
    readableObjectMode: objectMode,
    // A mark in bytes means nothing where messages are counted.
    ...(highWaterMark === undefined
      ? {}
      : {
          writableHighWaterMark: highWaterMark,
          readableHighWaterMark: objectMode ? MESSAGES : highWaterMark,
        }),
  })
}

/** sendmsg(2) until all is sent. */
async function sendParts(socket: Source, parts: readonly Buffer[]): Promise<void> {
  let rest = parts
  while (rest.length > 0) {
    const sent = await socket.sendmsg({ data: rest.slice(0, MAX_PARTS) }, { timeout: null })
    rest = after(rest, sent)
  }
}

/** What is left of the parts after so many bytes. */
function after(parts: readonly Buffer[], bytes: number): readonly Buffer[] {
  let i = 0
  let left = bytes
  while (i < parts.length && left >= parts[i]!.length) left -= parts[i++]!.length
  return left === 0 ? parts.slice(i) : [parts[i]!.subarray(left), ...parts.slice(i + 1)]
}

function isTcp(socket: Source): boolean {
  return isInet(socket) && isStream(socket) && !socket.closed
}

function textOf(address: Address | null): string | undefined {
  return address?.kind === 'inet' || address?.kind === 'inet6' ? address.address : undefined
}

function portOf(address: Address | null): number | undefined {
  return address?.kind === 'inet' || address?.kind === 'inet6' ? address.port : undefined
}

function familyOf(address: Address | null): string | undefined {
  if (address?.kind === 'inet') return 'IPv4'
  return address?.kind === 'inet6' ? 'IPv6' : undefined
}
