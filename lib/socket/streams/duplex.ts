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
import { aborted, invalidType, outOfRange, systemError, type SocketError } from '../../errors'
import { errnoOf } from '../../errors/errno'
import { clearTimeout, setTimeout } from '../../runtime/clock'
import { inContext } from '../../runtime/context'
import { ownFields } from '../../runtime/fields'
import { isAborted, onAbort } from '../../runtime/signals'
import { checkOptions, checkSignal, checkSize } from '../../validators'
import { isInet, isStream } from '../base'
import { hasEnded, isOwnEnd } from '../iteration'
import type { Source } from './source'

/** Describes the options of `toDuplex`. */
export interface SocketDuplexOptions {
  /**
   * If false, the stream calls `end()` when the peer has finished, like net.Socket. Default true, like
   * stream.Duplex.
   */
  allowHalfOpen?: boolean | undefined
  /**
   * The number of buffered bytes, in each direction, at which back-pressure begins. The default is that of Node.js.
   */
  highWaterMark?: number | undefined
  /**
   * If true, each `data` event delivers one message, even an empty one. If false, messages are joined.
   *
   * Default: true on sockets that preserve message boundaries, false on streams.
   */
  objectMode?: boolean | undefined
  /** The maximum number of bytes per receive. A longer message is truncated. Default 65536. */
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
/** IOV_MAX on every supported system. */
const MAX_PARTS = 1024
const MESSAGES = 16
// macOS calls the option TCP_KEEPALIVE.
const KEEPIDLE = (constants.TCP_KEEPIDLE ?? constants.TCP_KEEPALIVE)!

/**
 * Provides a socket as a stream.Duplex.
 *
 * The stream owns the socket. It closes the socket when both sides have ended or the stream is destroyed. If the
 * socket is closed elsewhere, the stream is destroyed.
 */
export class SocketDuplex extends Duplex {
  /** The number of bytes received so far. */
  bytesRead = 0
  /** The number of bytes that the kernel has accepted so far. */
  bytesWritten = 0
  /** The time without activity before `'timeout'`, in milliseconds; 0 disables it. See `setTimeout`. */
  timeout = 0
  /** Always false, because the socket is already connected. Exists for code that expects a net.Socket. */
  readonly connecting = false
  readonly #socket: Source
  readonly #size: number
  #reading = false
  #timer: NodeJS.Timeout | null = null
  /** Removes the listener from the caller's signal. */
  #forget: (() => void) | null = null

  constructor(socket: Source, given?: SocketDuplexOptions) {
    const options = checkOptions('options', given, FIELDS)
    const signal = checkSignal('options.signal', options.signal)
    checkConnected(socket, 'toDuplex')
    super(streamOptions(socket, options))
    this.#socket = socket
    this.#size = options.size === undefined ? SIZE : checkSize('options.size', options.size) || 1
    // On a socket with message boundaries, a joint write of several chunks would send one message.
    if (!isStream(socket)) Object.assign(this, { _writev: null })
    socket.channel.onGone(inContext(() => this.destroy()))
    if (signal === undefined) return
    // The `signal` option of stream.Duplex would call methods of the caller's object.
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

  // Listeners run in the async context of toDuplex(), as those of a net.Socket run in the context of its
  // connection.
  readonly #received = inContext((data: Buffer): void => {
    this.#reading = false
    if (data.length === 0 && hasEnded(this.#socket)) {
      this.push(null)
      return
    }
    this.bytesRead += data.length
    this.#active()
    // In byte mode an empty push does not count as progress, and _read would not be called again.
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
      // Datagrams have no end that the peer could detect.
      if (isStream(this.#socket) || type === SOCK_SEQPACKET) this.#socket.shutdown(SHUT_WR)
      done()
    } catch (error) {
      // The peer has already closed.
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

  // --- members of net.Socket that http, https and agents use ---

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

  /** Makes the waiting stream keep the process alive, which is the default. */
  ref(): this {
    this.#socket.ref()
    return this
  }

  /** Stops the waiting stream from keeping the process alive. */
  unref(): this {
    this.#socket.unref()
    return this
  }

  /**
   * Emits `'timeout'` after `milliseconds` without a byte in either direction. The stream stays open. 0 disables
   * it. More than 2³¹ − 1 milliseconds (24.8 days) count as 2³¹ − 1, as in a net.Socket.
   */
  setTimeout(milliseconds: number, listener?: () => void): this {
    if (this.destroyed) return this
    if (typeof milliseconds !== 'number') throw invalidType('milliseconds', 'number', milliseconds)
    if (!(milliseconds >= 0 && milliseconds < Infinity))
      throw outOfRange('milliseconds', 'a non-negative finite number', milliseconds)
    if (listener !== undefined && typeof listener !== 'function')
      throw invalidType('listener', 'function', listener)
    this.timeout = milliseconds
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (milliseconds > 0) this.#timer = setTimeout(() => this.emit('timeout'), milliseconds).unref()
    if (listener === undefined) return this
    return milliseconds > 0 ? this.once('timeout', listener) : this.off('timeout', listener)
  }

  /**
   * Enables TCP keep-alive, with `delay` milliseconds of silence before the first probe. tcp(7)
   *
   * Does nothing on sockets other than TCP.
   */
  setKeepAlive(on = false, delay = 0): this {
    if (!isTcp(this.#socket)) return this
    this.#socket.setsockopt(SOL_SOCKET, SO_KEEPALIVE, on)
    const seconds = Math.floor(delay / 1000)
    if (on && seconds > 0) this.#socket.setsockopt(IPPROTO_TCP, KEEPIDLE, seconds)
    return this
  }

  /** Sets TCP_NODELAY. Does nothing on sockets other than TCP. tcp(7) */
  setNoDelay(on = true): this {
    if (isTcp(this.#socket)) this.#socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, on)
    return this
  }

  #active(): void {
    this.#timer?.refresh()
  }
}

/** Throws `ENOTCONN` for an unconnected datagram socket: it cannot write, and reads would not tell the sender. */
export function checkConnected(socket: Source, call: string): void {
  if (socket.type !== SOCK_DGRAM || !isInet(socket) || socket.closed || socket.remoteAddress !== null) return
  throw systemError(call, errnoOf('ENOTCONN'), {
    subject: 'connect the datagram socket first, or use messages() to receive from every sender',
  })
}

function streamOptions(socket: Source, options: SocketDuplexOptions): DuplexOptions {
  const { allowHalfOpen = true, highWaterMark, objectMode = !isStream(socket) } = options
  return ownFields<DuplexOptions>({
    allowHalfOpen,
    readableObjectMode: objectMode,
    // In object mode the mark counts messages, so a number of bytes does not apply.
    ...(highWaterMark === undefined
      ? {}
      : {
          writableHighWaterMark: highWaterMark,
          readableHighWaterMark: objectMode ? MESSAGES : highWaterMark,
        }),
  })
}

/** Sends all parts with as many sendmsg(2) calls as needed. */
async function sendParts(socket: Source, parts: readonly Buffer[]): Promise<void> {
  let rest = parts
  while (rest.length > 0) {
    const sent = await socket.sendmsg({ data: rest.slice(0, MAX_PARTS) }, { timeout: null })
    rest = after(rest, sent)
  }
}

/** Returns the rest of the parts after so many bytes. */
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
