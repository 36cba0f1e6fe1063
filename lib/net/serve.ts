import { setMaxListeners } from 'node:events'
import type { Address } from '../address'
import {
  AF_UNIX,
  MSG_TRUNC,
  SHUT_WR,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_ACCEPTCONN,
} from '../constants'
import { invalidType, SocketError, systemError } from '../errors'
import { waitingConnections } from './backlog'
import { inContext } from '../runtime/context'
import { errnoOf } from '../errors/errno'
import { isAborted, onAbort } from '../runtime/signals'
import { checkInteger, checkOptions, checkSignal, type Op } from '../validators'
import { Warnings } from '../runtime/warnings'
import { Socket } from '../socket'

/** One received datagram and the way back. */
export class Datagram {
  readonly #socket: Socket

  /** @internal */
  constructor(
    socket: Socket,
    /** Its bytes, in a Buffer of their own. */
    readonly data: Buffer,
    /** Who sent it; `null` where that has no address. */
    readonly address: Address | null,
    /** True where it was longer than a UDP datagram can be (AF_UNIX: than 256 KiB) and lost its rest. */
    readonly truncated: boolean,
  ) {
    this.#socket = socket
  }

  /** Sends a datagram to where this one came from: the number of bytes. `EDESTADDRREQ` if that has no address. */
  reply(data: ArrayBufferView, op?: Op | number): Promise<number> {
    const { address } = this
    if (address !== null && address.kind !== 'unnamed') return this.#socket.sendto(data, address, op)
    if (this.#socket.remoteAddress !== null) return this.#socket.send(data, op)
    return Promise.reject(systemError('sendto', errnoOf('EDESTADDRREQ')))
  }
}

/** How to serve. */
export interface ServeOptions {
  /** Closes the server as `close()` does. */
  signal?: AbortSignal | undefined
  /** How many handlers run at once; whoever comes then waits in the kernel's queue. Default: no limit. */
  maxConnections?: number | undefined
  /**
   * Is called with what a handler threw, and with why nothing could be accepted. Default: a warning of the process, for
   * each `code` the 1st, 10th, 100th, … time; none for what a peer causes at will (`ECONNRESET`, `EPIPE`,
   * `ECONNABORTED`, `ETIMEDOUT`, `ENOTCONN`).
   */
  onError?: ((error: unknown, source: Socket | Datagram | null) => void) | undefined
}

const FIELDS = ['signal', 'maxConnections', 'onError'] satisfies (keyof ServeOptions)[]

/** How to close. */
export interface CloseOptions {
  /** `true`: wait for all handlers; a number: that many milliseconds; default: close all connections now. */
  drain?: number | boolean | undefined
}

/** What serves one connection; it is closed when the promise settles. */
export type ConnectionHandler = (connection: Socket, server: Server) => unknown
/** What serves one datagram. */
export type DatagramHandler = (datagram: Datagram, server: Server) => unknown

const MAX_DATAGRAM = 65536
const MAX_UNIX_DATAGRAM = 256 * 1024
const FIRST_PAUSE = 10
const MAX_PAUSE = 1000

/** The connection failed before it could be accepted, accept(2): the next one is another's. */
// prettier-ignore
const nobodysFault = new Set([
  'ECONNABORTED', 'EPROTO', 'EPERM', 'ENETDOWN', 'ENETUNREACH', 'EHOSTDOWN', 'EHOSTUNREACH', 'ENONET', 'ENOPROTOOPT',
  'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', // an unconnected UDP socket hears of a reply that nobody took
])
/** Errors that the peer of a connection can cause at will. */
const ofPeers = new Set<unknown>(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ETIMEDOUT', 'ENOTCONN'])
/** There is no room at this moment. */
const exhausted = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])

/**
 * Serves every connection of a listening socket, or every datagram of another, with a handler that may be
 * asynchronous. The socket belongs to the server from now on.
 *
 * A connection is closed when its handler has ended; what the handler throws goes to `onError` and ends nothing else. With
 * `maxConnections` no more are accepted meanwhile: they wait in the kernel's backlog. When descriptors run out it
 * pauses and tries again.
 */
export function serve(socket: Socket, handler: ConnectionHandler, options?: ServeOptions): Server
// eslint-disable-next-line @typescript-eslint/unified-signatures -- one signature would infer no parameter
export function serve(socket: Socket, handler: DatagramHandler, options?: ServeOptions): Server
export function serve(
  socket: Socket,
  handler: (source: never, server: Server) => unknown,
  options?: ServeOptions,
): Server {
  if (!(socket instanceof Socket)) throw invalidType('socket', 'Socket', socket)
  if (typeof handler !== 'function') throw invalidType('handler', 'function', handler)
  const own = checkOptions('options', options, FIELDS)
  const { maxConnections, onError } = own
  const signal = checkSignal('options.signal', own.signal)
  if (onError !== undefined && typeof onError !== 'function') {
    throw invalidType('options.onError', 'function', onError)
  }
  if (hasConnections(socket) && socket.getsockopt(SOL_SOCKET, SO_ACCEPTCONN) === 0) {
    throw systemError('accept', errnoOf('EINVAL'), { subject: 'on a socket that does not listen' })
  }
  const max =
    maxConnections === undefined || maxConnections === Infinity
      ? Infinity
      : checkInteger('options.maxConnections', maxConnections, 1, 0x7fffffff)
  return new Server(
    socket,
    inContext(handler as Handler),
    max,
    onError === undefined ? undefined : inContext(onError),
    signal,
  )
}

type Handler = (source: Socket | Datagram, server: Server) => unknown
type ErrorListener = NonNullable<ServeOptions['onError']>

/** A socket that is being served. */
export class Server implements AsyncDisposable {
  /** What is served. Closed with the server. */
  readonly socket: Socket
  /** Where it listens. */
  readonly address: Address
  /** Fulfilled when the server is closed: nothing is accepted any more, and every connection is closed. */
  readonly closed: Promise<void>
  readonly #handler: Handler
  readonly #max: number
  readonly #onError: ErrorListener
  /** Takes the listener of the caller's signal back. */
  #forget: (() => void) | null = null
  /** Ends the wait for the next connection. */
  readonly #stop = new AbortController()
  /** What the handlers that run are serving. */
  readonly #active = new Set<Socket | Datagram>()
  readonly #warnings = new Warnings('ServeWarning', 'BSD_SOCKETS_SERVE')
  /** Ends when nothing is accepted any more. */
  #loop: Promise<void> | null = null
  /** The loop waits for a connection, which may have been accepted already. */
  #taking = false
  /** Connections to take from the backlog while the server drains. */
  #waiting = 0
  /** Called when a handler has ended. */
  #wake: (() => void) | null = null
  #forced = false
  #closing: Promise<void> | null = null
  #end!: () => void

  /** @internal */
  constructor(
    socket: Socket,
    handler: Handler,
    max: number,
    onError: ErrorListener | undefined,
    signal: AbortSignal | undefined,
  ) {
    this.socket = socket
    this.address = socket.getsockname()
    this.#handler = handler
    this.#max = max
    this.#onError = onError ?? this.#warn
    setMaxListeners(0, this.#stop.signal) // one for each handler is no leak
    this.closed = new Promise(resolve => (this.#end = resolve))
    if (signal !== undefined && isAborted(signal)) void this.close()
    else this.#loop = this.#run()
    if (signal !== undefined && this.#closing === null)
      this.#forget = onAbort(signal, () => void this.close())
  }

  /** Fires when `close()` is called: for handlers that would wait for ever for their client's next word. */
  get stopping(): AbortSignal {
    return this.#stop.signal
  }

  /** How many handlers run now. */
  get connections(): number {
    return this.#active.size
  }

  /**
   * Stops to accept, then closes every connection: at once, or with `drain` as soon as its handler has ended.
   * With `drain` the connections that wait in the backlog at this moment are served too, at most `maxConnections` at
   * once, and then the listening socket is closed: later connections are refused or reset. Calling it again with less
   * patience shortens the wait. Fulfilled when all is closed.
   */
  close(options?: CloseOptions): Promise<void> {
    let drain: number | boolean
    try {
      drain = checkDrain(options)
    } catch (error) {
      return Promise.reject(error as Error)
    }
    if (this.#closing === null) {
      this.#closing = this.closed // before handlers of the backlog run, which may call close() themselves
      void this.#shut(drain !== false && drain !== 0)
    }
    if (drain === false || drain === 0) this.#force()
    else if (drain !== true) {
      const timer = setTimeout(() => this.#force(), drain)
      void this.#closing.then(() => clearTimeout(timer))
    }
    return this.#closing
  }

  /** `close()`, at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // --- serving ---

  async #run(): Promise<void> {
    const take = !hasConnections(this.socket) ? this.#receiver() : () => this.#accept()
    let pause = FIRST_PAUSE
    while (this.#closing === null) {
      if (this.#active.size >= this.#max) {
        await this.#handlerEnded()
        continue
      }
      try {
        this.#taking = true
        const source = await take()
        this.#taking = false
        pause = FIRST_PAUSE
        this.#start(source)
      } catch (error) {
        this.#taking = false
        if (this.#closing !== null) return
        const { code = '' } = error as { code?: string }
        if (nobodysFault.has(code)) continue
        if (!exhausted.has(code)) {
          // The socket is of no use any more: somebody closed it or shut it down.
          if (code !== 'ECANCELED' && code !== 'EBADF') this.#report(error, null)
          void this.close({ drain: true })
          return
        }
        if (pause === FIRST_PAUSE) this.#report(error, null)
        await this.#handlerEnded(pause)
        pause = Math.min(pause * 2, MAX_PAUSE)
      }
    }
  }

  #accept(): Promise<Socket> {
    return this.socket.accept({ timeout: null, signal: this.#stop.signal })
  }

  #receiver(): () => Promise<Datagram> {
    const { socket } = this
    const room = Buffer.allocUnsafeSlow(socket.family === AF_UNIX ? MAX_UNIX_DATAGRAM : MAX_DATAGRAM)
    return async () => {
      const op = { flags: MSG_TRUNC, timeout: null, signal: this.#stop.signal }
      const { bytes, address } = await socket.recvfromInto(room, op)
      const data = Buffer.from(room.subarray(0, bytes)) // a copy: the room is for the next one
      return new Datagram(socket, data, address, bytes > room.length)
    }
  }

  #start(source: Socket | Datagram): void {
    if (this.#forced && source instanceof Socket) return this.#close(source, source)
    this.#active.add(source)
    void this.#serve(source).then(() => {
      this.#active.delete(source)
      this.#wake?.()
    })
  }

  async #serve(source: Socket | Datagram): Promise<void> {
    try {
      await this.#handler(source, this)
    } catch (error) {
      // What close() took from under a handler is no failure of its.
      const ours = this.#forced && source instanceof Socket && source.closed && isClosedError(error)
      if (!ours) this.#report(error, source)
    }
    if (source instanceof Socket && !source.closed) this.#finish(source)
  }

  #report(error: unknown, source: Socket | Datagram | null): void {
    try {
      this.#onError(error, source)
    } catch (second) {
      this.#alarm(second, 'onError')
    }
  }

  /** Waits until a handler ends, until close(), or at most that long. */
  #handlerEnded(milliseconds?: number): Promise<void> {
    return new Promise(resolve => {
      let timer: NodeJS.Timeout | undefined
      this.#wake = () => {
        clearTimeout(timer)
        this.#wake = null
        resolve()
      }
      if (milliseconds !== undefined) timer = setTimeout(this.#wake, milliseconds)
    })
  }

  // --- closing ---

  async #shut(drain: boolean): Promise<void> {
    this.#forget?.()
    this.#stop.abort() // first, since nobody else can accept while somebody waits to
    this.#wake?.()
    const { socket } = this
    if (drain && hasConnections(socket) && !socket.closed) this.#waiting = waitingConnections(socket.channel)
    do {
      this.#takeWaiting()
      if (this.#waiting === 0 && hasConnections(socket)) this.#close(this.socket, null)
      await this.#loop // a connection may be accepted and not yet have its handler
      if (this.#active.size > 0 && !this.#forced) await this.#handlerEnded()
    } while (this.#waiting > 0 || (this.#active.size > 0 && !this.#forced))
    this.#close(this.socket, null) // of datagrams: replies needed it
    this.#end()
  }

  /**
   * Accepts connections that waited when the server was closed, which a reset would hit otherwise, as far as there is
   * room for their handlers. Connections that came later are not taken: peers could go on for ever.
   */
  #takeWaiting(): void {
    const room = this.#taking ? this.#max - 1 : this.#max
    while (this.#waiting > 0 && this.#active.size < room) {
      try {
        const next = this.socket.tryAccept()
        this.#waiting = next === null ? 0 : this.#waiting - 1
        if (next !== null) this.#start(next)
      } catch (error) {
        const { code = '' } = error as { code?: string }
        if (exhausted.has(code) && this.#active.size > 0) return // a handler that ends gives a descriptor back
        this.#waiting = nobodysFault.has(code) ? this.#waiting - 1 : 0
        if (this.#waiting === 0 && !this.socket.closed) this.#report(error, null)
      }
    }
  }

  // The end of the stream first, since close() alone becomes a reset where input was left unread.
  #finish(connection: Socket): void {
    try {
      connection.shutdown(SHUT_WR)
    } catch {
      // The other end has gone.
    }
    this.#close(connection, connection)
  }

  /** What close(2) says is for onError: it must stop neither the server nor the process. */
  #close(socket: Socket, source: Socket | null): void {
    try {
      socket.close()
    } catch (error) {
      this.#report(error, source)
    }
  }

  #force(): void {
    this.#forced = true
    this.#waiting = 0
    if (hasConnections(this.socket)) this.#close(this.socket, null)
    for (const source of this.#active) if (source instanceof Socket) this.#close(source, source)
    this.#wake?.()
  }

  /** The default onError. It ignores what a peer can cause at will. */
  readonly #warn: ErrorListener = error => {
    const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown }
    if (!ofPeers.has(code)) this.#alarm(error, typeof code === 'string' ? code : String(name))
  }

  #alarm(error: unknown, kind: string): void {
    const text = (): string => (error instanceof Error ? (error.stack ?? error.message) : String(error))
    this.#warnings.warn(kind, () => `serve: ${text()}`)
  }
}

function hasConnections(socket: Socket): boolean {
  return socket.type === SOCK_STREAM || socket.type === SOCK_SEQPACKET
}

function checkDrain(options: CloseOptions | undefined): number | boolean {
  const { drain = false } = checkOptions('options', options, ['drain'])
  return typeof drain === 'boolean' ? drain : checkInteger('options.drain', drain, 0, 0x7fffffff)
}

function isClosedError(error: unknown): boolean {
  return error instanceof SocketError && (error.code === 'ECANCELED' || error.code === 'EBADF')
}
