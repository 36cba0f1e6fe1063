import { setMaxListeners } from 'node:events'
import type { Address } from './address'
import {
  AF_UNIX,
  MSG_TRUNC,
  SHUT_WR,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_ACCEPTCONN,
} from './constants'
import { invalidType, SocketError, systemError } from './errors'
import { errnoOf } from './internal/errno'
import { isAborted, onAbort } from './internal/signals'
import { checkInteger, checkOptions, checkSignal, type Op } from './internal/validate'
import { Socket } from './socket'

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
  /** Hears what a handler threw, and why nothing could be accepted; otherwise it is a warning of the process. */
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

const LONGEST_DATAGRAM = 65536
const LONGEST_UNIX_DATAGRAM = 256 * 1024
const FIRST_PAUSE = 10
const LONGEST_PAUSE = 1000

/** The connection failed before it could be accepted, accept(2): the next one is another's. */
// prettier-ignore
const nobodysFault = new Set([
  'ECONNABORTED', 'EPROTO', 'EPERM', 'ENETDOWN', 'ENETUNREACH', 'EHOSTDOWN', 'EHOSTUNREACH', 'ENONET', 'ENOPROTOOPT',
  'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', // an unconnected UDP socket hears of a reply that nobody took
])
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
  const most =
    maxConnections === undefined || maxConnections === Infinity
      ? Infinity
      : checkInteger('options.maxConnections', maxConnections, 1, 0x7fffffff)
  return new Server(socket, handler as Handler, most, onError ?? warn, signal)
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
  readonly #most: number
  readonly #onError: ErrorListener
  /** Takes the listener of the caller's signal back. */
  #forget: (() => void) | null = null
  /** Ends the wait for the next connection. */
  readonly #stop = new AbortController()
  /** What the handlers that run are serving. */
  readonly #active = new Set<Socket | Datagram>()
  /** Accepted when the server was closed, and not yet served. */
  readonly #backlog: Socket[] = []
  /** Called when a handler has ended. */
  #wake: (() => void) | null = null
  #forced = false
  #closing: Promise<void> | null = null
  #end!: () => void

  /** @internal */
  constructor(
    socket: Socket,
    handler: Handler,
    most: number,
    onError: ErrorListener,
    signal: AbortSignal | undefined,
  ) {
    this.socket = socket
    this.address = socket.getsockname()
    this.#handler = handler
    this.#most = most
    this.#onError = onError
    setMaxListeners(0, this.#stop.signal) // one for each handler is no leak
    this.closed = new Promise(resolve => (this.#end = resolve))
    if (signal !== undefined && isAborted(signal)) void this.close()
    else void this.#run()
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
   * With `drain` also those that already wait in the backlog are served; the ones that come later are refused. Calling it
   * again with less patience shortens the wait. Fulfilled when all is closed.
   */
  close(options?: CloseOptions): Promise<void> {
    let drain: number | boolean
    try {
      drain = checkDrain(options)
    } catch (error) {
      return Promise.reject(error as Error)
    }
    this.#closing ??= this.#shut(drain !== false && drain !== 0)
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
      if (this.#active.size >= this.#most) {
        await this.#handlerEnded()
        continue
      }
      try {
        const source = await take()
        pause = FIRST_PAUSE
        this.#start(source)
      } catch (error) {
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
        pause = Math.min(pause * 2, LONGEST_PAUSE)
      }
    }
  }

  #accept(): Promise<Socket> {
    return this.socket.accept({ timeout: null, signal: this.#stop.signal })
  }

  #receiver(): () => Promise<Datagram> {
    const { socket } = this
    const room = Buffer.allocUnsafeSlow(socket.family === AF_UNIX ? LONGEST_UNIX_DATAGRAM : LONGEST_DATAGRAM)
    return async () => {
      const op = { flags: MSG_TRUNC, timeout: null, signal: this.#stop.signal }
      const { bytes, address } = await socket.recvfromInto(room, op)
      const data = Buffer.from(room.subarray(0, bytes)) // a copy: the room is for the next one
      return new Datagram(socket, data, address, bytes > room.length)
    }
  }

  #start(source: Socket | Datagram): void {
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
    if (source instanceof Socket && !source.closed) finish(source)
  }

  #report(error: unknown, source: Socket | Datagram | null): void {
    try {
      this.#onError(error, source)
    } catch (second) {
      warn(second)
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
    if (hasConnections(this.socket)) {
      if (drain) this.#takeBacklog()
      this.socket.close()
    }
    while (this.#backlog.length > 0 || (this.#active.size > 0 && !this.#forced)) {
      while (this.#backlog.length > 0 && this.#active.size < this.#most) this.#start(this.#backlog.shift()!)
      if (this.#active.size > 0) await this.#handlerEnded()
    }
    this.socket.close() // of datagrams: replies needed it
    this.#end()
  }

  // Whoever is connected already would be reset with the listener.
  #takeBacklog(): void {
    try {
      for (let next = this.socket.tryAccept(); next !== null; next = this.socket.tryAccept()) {
        this.#backlog.push(next)
      }
    } catch (error) {
      if (!this.socket.closed) this.#report(error, null)
    }
  }

  #force(): void {
    this.#forced = true
    for (const waiting of this.#backlog.splice(0)) waiting.close()
    for (const source of this.#active) if (source instanceof Socket) source.close()
    this.#wake?.()
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

// The end of the stream first, since close() alone becomes a reset where input was left unread.
function finish(connection: Socket): void {
  try {
    connection.shutdown(SHUT_WR)
  } catch {
    // The other end has gone.
  }
  connection.close()
}

function warn(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.emitWarning(`serve: ${text}`, { type: 'ServeWarning', code: 'BSD_SOCKETS_SERVE' })
}
