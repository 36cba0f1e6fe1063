import type { DuplexOptions } from 'node:stream'
import { native } from '../../binding/binding'
import { WRITE } from '../../binding/shared'
import {
  POLLOUT,
  SHUT_WR,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_ACCEPTCONN,
  SO_ERROR,
} from '../../constants'
import { aborted, canceled, closed, systemError, type SocketError } from '../../errors'
import { errnoOf } from '../../errors/errno'
import { Connect } from '../../operations/connect'
import { Recv } from '../../operations/receive'
import { reactor } from '../../reactor'
import { setImmediate } from '../../runtime/clock'
import { inContext } from '../../runtime/context'
import { ownFields } from '../../runtime/fields'
import { isAborted, onAbort } from '../../runtime/signals'
import { whenSettled } from '../../runtime/settled'
import { uncaught } from '../../runtime/uncaught'
import { checkOptions, checkSignal, checkSize } from '../../validators'
import { isInet, isStream } from '../base'
import { hasEnded, isOwnEnd } from '../iteration'
import { NetLike } from './net-like'
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
const FOREVER = { timeout: null }

type Done = (error?: Error | null) => void

/** The open streams. Like a net.Socket, a stream is not garbage-collected before it is closed. */
const open = new Set<SocketDuplex>()

/**
 * Provides a socket as a stream.Duplex that behaves like a net.Socket.
 *
 * The stream owns the socket. It closes the socket when both sides have ended or the stream is destroyed. If the
 * socket is closed elsewhere, the stream is destroyed. The argument of `'close'` is true if the stream had an error.
 */
export class SocketDuplex extends NetLike {
  readonly #size: number
  /** Runs a function in the async context of toDuplex(), as the listeners of a net.Socket run in that of its connection. */
  readonly #run = inContext((run: () => void) => {
    run()
  })
  #reading = false
  /** True if the connection is reset when the stream is destroyed. */
  #resets = false
  /** A write or an end that waits for the connection. */
  #held: { start: () => void; done: Done } | null = null
  /** Removes the listener from the caller's signal. */
  #forget: (() => void) | null = null

  constructor(socket: Source, given?: SocketDuplexOptions) {
    const options = checkOptions('options', given, FIELDS)
    const signal = checkSignal('options.signal', options.signal)
    checkConnected(socket, 'toDuplex')
    super(socket, streamOptions(socket, options))
    this.#size = options.size === undefined ? SIZE : checkSize('options.size', options.size) || 1
    // On a socket with message boundaries, a joint write of several chunks would send one message.
    if (!isStream(socket)) Object.assign(this, { _writev: null })
    open.add(this)
    socket.channel.onGone(() => this.#run(() => this.destroy()))
    if (signal !== undefined && this.#stopsWith(signal)) return
    // Two writes of a response would otherwise wait for the peer's delayed acknowledgement.
    this.setNoDelay()
    this.connecting = !socket.closed && (connectOf(socket) !== null || !hasPeer(socket))
    if (this.connecting) process.nextTick(() => this.#awaitConnection())
    else this.read(0)
  }

  /** Destroys the stream when the signal fires. Returns whether it has fired. */
  #stopsWith(signal: AbortSignal): boolean {
    // The `signal` option of stream.Duplex would call methods of the caller's object.
    const stop = (): void => this.#run(() => void this.destroy(aborted(signal)))
    if (isAborted(signal)) stop()
    else this.#forget = onAbort(signal, stop)
    return this.destroyed
  }

  // --- connecting ---

  /** Waits for a connect() of the caller, or for one whose promise has timed out. */
  #awaitConnection(): void {
    const { socket } = this
    if (socket.closed) return
    const connect = connectOf(socket)
    if (connect !== null) {
      connect.observe(error => process.nextTick(() => this.#run(() => this.#connected(error))))
    } else if (isConnecting(socket)) {
      whenSettled(
        socket.writable({ timeout: null }),
        () => this.#guard(() => this.#connected(pendingError(socket))),
        (error: unknown) => this.#guard(() => this.#fail(error as Error)),
      )
    } else if (hasPeer(socket)) this.#started(true)
    else {
      const failed = socket.channel.extras?.connectError ?? null
      if (failed === null) this.#started(false)
      else this.destroy(failed)
    }
  }

  #connected(error?: Error): void {
    if (this.destroyed) return
    if (error === undefined) this.#started(true)
    else this.destroy(error)
  }

  #started(connected: boolean): void {
    this.connecting = false
    this.active()
    const held = this.#held
    this.#held = null
    held?.start()
    if (connected) {
      this.emit('connect')
      this.emit('ready')
    }
    if (this.destroyed) return
    if (this.#reading) {
      this.#reading = false
      this._read()
    } else if (!this.isPaused()) this.read(0)
  }

  /** Runs listeners in a promise job: what they throw is an uncaught exception, as it is in a net.Socket. */
  #guard(run: () => void): boolean {
    try {
      this.#run(run)
      return true
    } catch (error) {
      uncaught(error)
      return false
    }
  }

  // --- reading ---

  /** @internal */
  override _read(): void {
    if (this.#reading || this.destroyed) return
    this.#reading = true
    if (this.connecting) return
    const { channel } = this.socket
    const data = reactor.submit(channel, new Recv(channel, 0, this.#size), null, undefined)
    whenSettled(data, this.#received, this.#failed)
  }

  readonly #received = (data: Buffer): void => {
    this.#reading = false
    if (this.destroyed) return
    // A listener that throws has interrupted push(), which would have started the next read.
    if (!this.#guard(() => this.#deliver(data)) && !this.destroyed) this.read(0)
  }

  #deliver(data: Buffer): void {
    if (data.length === 0 && hasEnded(this.socket)) {
      this.push(null)
      this.read(0) // emits 'end' at once if no data waits
      return
    }
    this.bytesRead += data.length
    this.active()
    // In byte mode an empty push does not count as progress, and _read would not be called again.
    if (data.length === 0 && !this.readableObjectMode) this._read()
    else this.push(data)
  }

  readonly #failed = (error: unknown): void => {
    this.#reading = false
    this.#guard(() => this.#fail(error as Error))
  }

  // --- writing ---

  /** @internal */
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    if (this.#waits(() => this._write(chunk, _encoding, done), done)) return
    const { socket } = this
    if (chunk.length === 0 && isStream(socket)) return done()
    this.active()
    let sent: number | null
    try {
      sent = socket.trySend(chunk)
    } catch (error) {
      return done(error as Error)
    }
    if (sent === chunk.length || (sent !== null && !isStream(socket))) this.#complete(chunk.length, done)
    else if (!isStream(socket)) this.#settle(socket.sendAll(chunk, FOREVER), chunk.length, done)
    else this.#settle(this.#sendRest([chunk], sent ?? 0), chunk.length, done)
  }

  /** @internal */
  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    if (this.#waits(() => this._writev(chunks, done), done)) return
    const parts = chunks.map(({ chunk }) => chunk).filter(chunk => chunk.length > 0)
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    if (length === 0) return done()
    this.active()
    let rest: readonly Buffer[] = parts
    try {
      while (rest.length > 0) {
        const sent = this.socket.trySendmsg({ data: rest.slice(0, MAX_PARTS) })
        if (sent === null) break
        rest = after(rest, sent)
      }
    } catch (error) {
      return done(error as Error)
    }
    if (rest.length === 0) this.#complete(length, done)
    else this.#settle(this.#sendRest(rest, 0), length, done)
  }

  /** Sends what the kernel did not accept at once. Every part that it accepts is an activity: see `setTimeout`. */
  async #sendRest(parts: readonly Buffer[], sent: number): Promise<void> {
    const { socket } = this
    for (let rest = after(parts, sent); rest.length > 0;) {
      const bytes =
        rest.length === 1
          ? await socket.send(rest[0]!, FOREVER)
          : await socket.sendmsg({ data: rest.slice(0, MAX_PARTS) }, FOREVER)
      this.active()
      rest = after(rest, bytes)
    }
  }

  #settle(sent: Promise<void>, length: number, done: Done): void {
    whenSettled(
      sent,
      () => this.#guard(() => this.#complete(length, done)),
      (error: unknown) => this.#guard(() => done(error as Error)),
    )
  }

  #complete(length: number, done: Done): void {
    this.completed += length
    done()
  }

  /** Keeps a write or an end until the socket is connected. */
  #waits(start: () => void, done: Done): boolean {
    if (this.connecting) this.#held = { start, done }
    return this.connecting
  }

  /** @internal */
  override _final(done: Done): void {
    if (this.#waits(() => this._final(done), done)) return
    const { socket } = this
    try {
      // Datagrams have no end that the peer could detect.
      if (isStream(socket) || socket.type === SOCK_SEQPACKET) socket.shutdown(SHUT_WR)
    } catch (error) {
      // ENOTCONN: the peer has already closed.
      if ((error as SocketError).code !== 'ENOTCONN') return done(error as Error)
    }
    done()
  }

  // --- the end ---

  #fail(error: Error): void {
    if (isOwnEnd(this.socket, error)) this.destroy()
    else this.destroy(error)
  }

  /**
   * Resets the connection and destroys the stream: the peer gets `ECONNRESET`. Data that waits in the stream is dropped.
   *
   * Waits for a connection that is still being made. Sockets without TCP are closed instead. Destroys a stream that is
   * closed with `EBADF`.
   */
  resetAndDestroy(): this {
    if (this.socket.closed) return this.destroy(closed('resetAndDestroy'))
    if (this.connecting) return this.once('connect', () => this.resetAndDestroy())
    this.#resets = true
    return this.destroy()
  }

  /** @internal */
  override _destroy(error: Error | null, done: Done): void {
    const { socket } = this
    const held = this.#held
    let reason = error
    this.stopTimer()
    this.keepAddresses()
    this.connecting = false
    this.#held = null
    this.#forget?.()
    open.delete(this)
    try {
      if (this.#resets) socket.reset()
      else socket.close()
    } catch (failed) {
      reason ??= failed as Error
    }
    held?.done(canceled('send'))
    done(reason)
    // A net.Socket emits 'close' when the event loop has closed its descriptor, after the listeners of 'error'.
    setImmediate(() => this.#run(() => this.emit('close', reason !== null)))
  }
}

/** Returns the connect() that waits. On the loopback interface the kernel may already have connected the socket. */
function connectOf(socket: Source): Connect | null {
  const head = socket.channel.head(WRITE)
  return head instanceof Connect ? head : null
}

/** True unless the socket has connections and is not connected, or not yet. */
function hasPeer(socket: Source): boolean {
  if (socket.type !== SOCK_STREAM && socket.type !== SOCK_SEQPACKET) return true
  return socket.remoteAddress !== null || native.getpeername(socket.channel.id) >= 0
}

/** True if the kernel still connects the socket: poll(2) reports neither that it is writable nor an error. */
function isConnecting(socket: Source): boolean {
  if (socket.getsockopt(SOL_SOCKET, SO_ACCEPTCONN) !== 0) return false
  const descriptor = Int32Array.of(socket.channel.fd, POLLOUT, 0)
  return native.poll(descriptor, 0) === 0
}

/** Returns the error of a connection attempt that has ended, if it failed. */
function pendingError(socket: Source): Error | undefined {
  const errno = socket.getsockopt(SOL_SOCKET, SO_ERROR)
  return errno === 0 ? undefined : systemError('connect', -errno)
}

/**
 * Throws `EBADF` for a closed socket. Throws `ENOTCONN` for an unconnected datagram socket: it cannot write, and reads
 * would not tell the sender.
 */
export function checkConnected(socket: Source, call: string): void {
  if (socket.closed) throw closed(call)
  if (socket.type !== SOCK_DGRAM || !isInet(socket) || socket.remoteAddress !== null) return
  throw systemError(call, errnoOf('ENOTCONN'), {
    subject: 'connect the datagram socket first, or use messages() to receive from every sender',
  })
}

function streamOptions(socket: Source, options: SocketDuplexOptions): DuplexOptions {
  const { allowHalfOpen = true, highWaterMark, objectMode = !isStream(socket) } = options
  return ownFields<DuplexOptions>({
    allowHalfOpen,
    emitClose: false, // _destroy emits it, with an argument
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

/** Returns the rest of the parts after so many bytes. */
function after(parts: readonly Buffer[], bytes: number): readonly Buffer[] {
  let i = 0
  let left = bytes
  while (i < parts.length && left >= parts[i]!.length) left -= parts[i++]!.length
  return left === 0 ? parts.slice(i) : [parts[i]!.subarray(left), ...parts.slice(i + 1)]
}
