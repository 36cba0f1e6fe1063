import { Duplex, type DuplexOptions } from 'node:stream'
import type { Address } from '../../address'
import { constants, IPPROTO_TCP, SOL_SOCKET, SO_KEEPALIVE, TCP_NODELAY } from '../../constants'
import { invalidType, outOfRange, SocketError } from '../../errors'
import { clearTimeout, setTimeout } from '../../runtime/clock'
import { isInet, isStream } from '../base'
import type { Source } from './source'

const MAX_INT = 0x7fffffff
// macOS calls the option TCP_KEEPALIVE.
// uncovered: only on a system without this constant
const KEEPIDLE = (constants.TCP_KEEPIDLE ?? constants.TCP_KEEPALIVE)!

/** Describes the state of a stream, as `net.Socket` does. */
export type ReadyState = 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed'

/** Adds the members of net.Socket that http, https, http2, tls and agents use. */
export abstract class NetLike extends Duplex {
  /** The number of bytes received so far. */
  bytesRead = 0
  /** The time without activity before `'timeout'`, in milliseconds; 0 disables it. See `setTimeout`. */
  timeout = 0
  /** True until the socket is connected, if the stream was created while it was connecting. */
  connecting = false
  /** The number of bytes of all completed writes. */
  protected completed = 0
  protected readonly socket: Source
  #timer: NodeJS.Timeout | null = null
  #local: Address | null = null
  #remote: Address | null = null

  constructor(socket: Source, options: DuplexOptions) {
    super(options)
    this.socket = socket
  }

  // --- state ---

  /** The number of bytes written so far, including those that wait in the stream. */
  get bytesWritten(): number {
    return this.completed + this.writableLength
  }

  /** The number of bytes that wait in the stream. The same as `writableLength`. */
  get bufferSize(): number {
    return this.writableLength
  }

  /** True while the socket is connecting, and after the stream has been destroyed. */
  get pending(): boolean {
    return this.connecting || this.destroyed
  }

  /** `'opening'` while the socket is connecting, then what the stream can still do. */
  get readyState(): ReadyState {
    if (this.connecting) return 'opening'
    if (this.readable) return this.writable ? 'open' : 'readOnly'
    return this.writable ? 'writeOnly' : 'closed'
  }

  // --- addresses: the kernel is asked once, and the answer stays available when the stream has been destroyed ---

  get remoteAddress(): string | undefined {
    return textOf(this.#peer())
  }

  get remotePort(): number | undefined {
    return portOf(this.#peer())
  }

  get remoteFamily(): string | undefined {
    return familyOf(this.#peer())
  }

  get localAddress(): string | undefined {
    return textOf(this.#own())
  }

  get localPort(): number | undefined {
    return portOf(this.#own())
  }

  get localFamily(): string | undefined {
    return familyOf(this.#own())
  }

  /** Returns the local address like net.Socket: an empty object if the socket has no IP address. */
  address(): { address?: string; family?: string; port?: number } {
    const own = this.#own()
    if (own?.kind !== 'inet' && own?.kind !== 'inet6') return {}
    return { address: own.address, family: familyOf(own)!, port: own.port }
  }

  #peer(): Address | null {
    return this.connecting ? null : (this.#remote ??= this.socket.remoteAddress)
  }

  #own(): Address | null {
    if (this.connecting) return this.socket.localAddress
    return (this.#local ??= this.socket.localAddress)
  }

  /** Reads the addresses before the socket is closed. */
  protected keepAddresses(): void {
    this.#peer()
    this.#own()
  }

  // --- timeout ---

  /**
   * Emits `'timeout'` after `milliseconds` without a byte in either direction. The stream stays open. 0 disables
   * it.
   */
  setTimeout(milliseconds: number, listener?: () => void): this {
    if (this.destroyed) return this
    if (typeof milliseconds !== 'number') throw invalidType('milliseconds', 'number', milliseconds)
    if (!(milliseconds >= 0 && milliseconds < Infinity))
      throw outOfRange('milliseconds', 'a non-negative finite number', milliseconds)
    if (listener !== undefined && typeof listener !== 'function')
      throw invalidType('listener', 'function', listener)
    this.timeout = milliseconds
    this.stopTimer()
    if (milliseconds > 0) this.#timer = setTimeout(() => this.emit('timeout'), milliseconds).unref()
    if (listener === undefined) return this
    return milliseconds > 0 ? this.once('timeout', listener) : this.off('timeout', listener)
  }

  /** Restarts the timer of `setTimeout`, because bytes have moved. */
  protected active(): void {
    this.#timer?.refresh()
  }

  protected stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  // --- options ---

  /** Makes the stream keep the process alive while it waits, which is the default. */
  ref(): this {
    this.socket.ref()
    return this
  }

  /** Stops the waiting stream from keeping the process alive. */
  unref(): this {
    this.socket.unref()
    return this
  }

  /**
   * Enables TCP keep-alive, with `delay` milliseconds of silence before the first probe. tcp(7)
   *
   * Does nothing on sockets other than TCP. Like net.Socket, ignores a delay that the kernel does not accept.
   */
  setKeepAlive(on = false, delay = 0): this {
    this.#set(SOL_SOCKET, SO_KEEPALIVE, on ? 1 : 0)
    const seconds = Math.trunc(delay / 1000)
    if (on && seconds > 0) this.#set(IPPROTO_TCP, KEEPIDLE, seconds)
    return this
  }

  /** Sets TCP_NODELAY, which is on by default. Does nothing on sockets other than TCP. tcp(7) */
  setNoDelay(on = true): this {
    this.#set(IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0)
    return this
  }

  /** Sets an option of a TCP socket. The caller of a setter of net.Socket does not expect an error. */
  #set(level: number, name: number, value: number): void {
    const { socket } = this
    if (socket.closed || !isInet(socket) || !isStream(socket) || value > MAX_INT) return
    try {
      socket.setsockopt(level, name, value)
    } catch (error) {
      if (!(error instanceof SocketError)) throw error
    }
  }

  // --- the end ---

  /** Ends the stream, and destroys it when all data has been written. */
  destroySoon(): void {
    if (this.writable) this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy())
  }
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
