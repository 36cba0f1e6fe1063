import { describeValue, checkBoolean, checkInteger } from '../errors/argument'
import { setMaxListeners } from 'node:events'
import { inspect } from 'node:util'
import type { Address } from '../address'
import {
  SHUT_WR,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_ACCEPTCONN,
  type SocketKind,
} from '../constants'
import { invalidType, SocketError, systemError } from '../errors'
import { waitingConnections, waitingDatagrams } from './backlog'
import { Receiver, type Datagram } from './datagram'
import { checkSocket } from './endpoint'
import { clearTimeout, setImmediate, setTimeout } from '../runtime/clock'
import { inContext } from '../runtime/context'
import { errnoOf } from '../errors/errno'
import { SafeSet } from '../runtime/collections'
import { endWaitsOnly, isAborted, onAbort } from '../runtime/signals'
import { checkOptions, checkSignal } from '../validators'
import { Warnings } from '../runtime/warnings'
import { Socket } from '../socket'
import { handOver } from '../socket/receiver'

/** The options of serve. `Source` is what the handler gets: connections or datagrams. */
export interface ServeOptions<Source = Socket | Datagram> {
  /** If aborted, closes the server as `close()` does. */
  signal?: AbortSignal | undefined
  /** The maximum number of running handlers. Later connections wait in the kernel's queue. Default: no limit. */
  maxConnections?: number | undefined
  /**
   * Called with each error that a handler threw, and with errors of accept. `source` is the connection or the
   * datagram, or `null` for accept. Default: a process warning, for each `code` at the 1st, 10th, 100th, … time.
   * Errors that a peer can cause at will are not warned about: `ECONNRESET`, `EPIPE`, `ECONNABORTED`, `ETIMEDOUT`,
   * `ENOTCONN`.
   */
  onError?: ((error: unknown, source: Source | null) => void) | undefined
}

const FIELDS = ['signal', 'maxConnections', 'onError'] satisfies (keyof ServeOptions)[]

/** The options of close. */
export interface CloseOptions {
  /**
   * `true` waits for all handlers; a number waits at most so many milliseconds; default: closes all connections now.
   */
  drain?: number | boolean | undefined
  /**
   * `false` leaves the connections in the backlog, or the datagrams in the receive buffer, alone, for other processes or
   * threads that share the socket. Default: with `drain`, this server serves those that wait now.
   */
  backlog?: boolean | undefined
}

/** Serves one connection. The server closes the connection when the returned promise settles. */
export type ConnectionHandler<A extends Address = Address, K extends SocketKind = SocketKind> = (
  connection: Socket<A, K>,
  server: Server<A>,
) => unknown
/** Serves one datagram. */
export type DatagramHandler<A extends Address = Address> = (
  datagram: Datagram<A>,
  server: Server<A>,
) => unknown

/** How many connections or datagrams are taken in one turn while the server drains. */
const SHARE = 64
const FIRST_PAUSE = 10
const MAX_PAUSE = 1000

/** Errors of one connection that failed before accept(2): the server accepts the next one. */
// prettier-ignore
const failedEarly = new Set([
  'ECONNABORTED', 'EPROTO', 'EPERM', 'ENETDOWN', 'ENETUNREACH', 'EHOSTDOWN', 'EHOSTUNREACH', 'ENONET', 'ENOPROTOOPT',
  'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', // an unconnected UDP socket reports that an earlier reply was refused
])
/** Errors that the peer of a connection can cause at will. */
const ofPeers = new Set<unknown>(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ETIMEDOUT', 'ENOTCONN'])
/** Errors for a lack of descriptors or memory: the server pauses and tries again. */
const exhausted = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])

/**
 * Calls a handler for every datagram that a socket receives. The handler may be asynchronous. The server owns the
 * socket from now on.
 *
 * An error of a handler goes to `onError` and does not affect other datagrams. While `maxConnections` handlers run,
 * further datagrams wait in the socket's receive buffer. Other receives on the socket throw `EBUSY`, and so does this call
 * if something else receives on it.
 */
export function serve<A extends Address>(
  socket: Socket<A, 'dgram' | 'raw' | 'rdm'>,
  handler: DatagramHandler<A>,
  options?: ServeOptions<Datagram<A>>,
): Server<A>
/**
 * Calls a handler for every connection of a listening socket, or for every datagram of a datagram socket. The handler
 * may be asynchronous. The server owns the socket from now on.
 *
 * The server closes a connection when its handler has ended. An error of a handler goes to `onError` and does not
 * affect other connections. While `maxConnections` handlers run, further connections wait in the kernel's backlog. If
 * the process runs out of descriptors, the server pauses and tries again.
 *
 * If the type of the socket is known only at run time, TypeScript takes the handler for one of connections. Declare
 * the parameter of another handler: `(datagram: Datagram) => …`.
 */
export function serve<A extends Address, K extends SocketKind>(
  socket: Socket<A, K>,
  handler: ConnectionHandler<A, K>,
  options?: ServeOptions<Socket<A, K>>,
): Server<A>
/**
 * Calls a handler for every connection of one of several listening sockets, such as one of `listenFds` or a new one:
 * `serve(passed ?? (await createServer({ port: 8080 })), handler)`.
 */
export function serve(socket: Socket, handler: ConnectionHandler, options?: ServeOptions<Socket>): Server
/** Calls a handler for every datagram of a socket whose type is known only at run time. */
export function serve<A extends Address>(
  // eslint-disable-next-line @typescript-eslint/unified-signatures -- `K` selects the overload
  socket: Socket<A>,
  handler: DatagramHandler<A>,
  options?: ServeOptions<Datagram<A>>,
): Server<A>
export function serve(
  socket: Socket,
  handler: (source: never, server: never) => unknown,
  options?: ServeOptions<never>,
): Server {
  checkSocket('socket', socket)
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
  const report = onError === undefined ? undefined : inContext(onError as ErrorListener)
  const start = (): Server => new Server(socket, inContext(handler as Handler), max, report, signal)
  return hasConnections(socket) ? start() : handOver(socket, 'serve', start)
}

type Handler = (source: Socket | Datagram, server: Server) => unknown
type ErrorListener = NonNullable<ServeOptions['onError']>

/** A running server, as `serve` returns it. */
export class Server<A extends Address = Address> implements AsyncDisposable {
  /** The socket that is served. The server closes it. */
  readonly socket: Socket<A>
  /** The local address of the socket. */
  readonly address: A
  /** Fulfilled when the server is closed: it accepts no connections, and all connections are closed. */
  readonly closed: Promise<void>
  readonly #handler: Handler
  readonly #max: number
  readonly #onError: ErrorListener
  /** Removes the listener from the caller's signal. */
  #forget: (() => void) | null = null
  /** Tells the handlers to end. */
  readonly #stop = new AbortController()
  /** Ends the wait for the next connection. */
  readonly #accepting = new AbortController()
  /** The connections or datagrams of the running handlers. */
  readonly #active = new SafeSet<Socket | Datagram>()
  readonly #warnings = new Warnings('ServeWarning', 'BSD_SOCKETS_SERVE')
  /** The accept loop; fulfilled when it has ended. */
  #loop: Promise<void> | null = null
  /** Receives the datagrams; `null` for a socket that has connections. */
  readonly #receiver: Receiver<A> | null
  /** How many connections or datagrams to take at most while the server drains. */
  #waiting = 0
  /** Called when a handler has ended. */
  #wake: (() => void) | null = null
  #forced = false
  #done = false
  #closing: Promise<void> | null = null
  #end!: () => void

  /** @internal */
  constructor(
    socket: Socket<A>,
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
    this.#receiver = hasConnections(socket) ? null : new Receiver(socket)
    setMaxListeners(0, this.#stop.signal) // each handler may add a listener: that is no leak
    endWaitsOnly(this.#stop.signal) // a request that has arrived is still received
    this.closed = new Promise(resolve => (this.#end = resolve))
    if (signal !== undefined && isAborted(signal)) void this.close()
    else this.#loop = this.#run()
    if (signal !== undefined && this.#closing === null)
      this.#forget = onAbort(signal, () => void this.close())
  }

  /**
   * Aborted when `close()` is called. A handler that waits for its client can use it to end.
   *
   * Unlike other signals, it only ends waits: a receive that need not wait still resolves, so that a request which has
   * arrived is answered. A handler that serves several requests checks `stopping.aborted` between them. An `AbortError`
   * that this signal causes in a handler is not reported to `onError`.
   */
  get stopping(): AbortSignal {
    return this.#stop.signal
  }

  /** The number of running handlers. */
  get connections(): number {
    return this.#active.size
  }

  /**
   * Stops accepting and closes every connection at once. With `drain`, closes each connection when its handler has
   * ended. Fulfilled when everything is closed.
   *
   * With `drain`, connections that wait in the backlog now are served too, at most `maxConnections` at the same time,
   * and so are datagrams that wait in the receive buffer now. Then the listening socket is closed; later connections are refused or reset. With `backlog: false` it is closed at
   * once: other processes that share the socket accept these connections, and the kernel resets them if none does. A
   * second call with a shorter `drain` shortens the wait.
   */
  close(options?: CloseOptions): Promise<void> {
    let drain: number | boolean
    let backlog: boolean
    try {
      ;({ drain, backlog } = checkClose(options))
    } catch (error) {
      return Promise.reject(error as Error)
    }
    if (this.#closing === null) {
      this.#closing = this.closed // set first: handlers of the backlog may call close() too
      void this.#shut(backlog && drain !== false && drain !== 0)
    }
    if (drain === false || drain === 0) this.#force()
    else if (drain !== true) {
      const timer = setTimeout(() => this.#force(), drain)
      void this.#closing.then(() => clearTimeout(timer))
    }
    return this.#closing
  }

  /** Calls `close()` at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Returns the text for util.inspect and console.log: the address and the number of running handlers. */
  [inspect.custom](_depth: number, options: object): string {
    const state = this.#closing === null ? '' : this.#done ? ' [closed]' : ' [closing]'
    const fields = { address: String(this.address), connections: this.connections }
    return `Server${state} ${inspect(fields, { ...options, compact: true, breakLength: Infinity })}`
  }

  // --- serving ---

  async #run(): Promise<void> {
    let pause = FIRST_PAUSE
    while (this.#closing === null) {
      if (this.#active.size >= this.#max) {
        await this.#handlerEnded()
        continue
      }
      try {
        const source = await this.#take()
        pause = FIRST_PAUSE
        this.#start(source)
      } catch (error) {
        if (this.#closing !== null) return
        const { code = '' } = error as { code?: string }
        if (failedEarly.has(code)) continue
        if (!exhausted.has(code)) {
          // The caller has closed the socket or shut it down: no further connection can come.
          if (code !== 'ECANCELED' && code !== 'EBADF') this.#report(error, null)
          void this.close({ drain: true, backlog: false })
          return
        }
        if (pause === FIRST_PAUSE) this.#report(error, null)
        await this.#handlerEnded(pause)
        pause = Math.min(pause * 2, MAX_PAUSE)
      }
    }
  }

  #take(): Promise<Socket | Datagram> {
    const { signal } = this.#accepting
    return this.#receiver?.receive(signal) ?? this.socket.accept({ timeout: null, signal })
  }

  #tryTake(): Socket | Datagram | null {
    return this.#receiver === null ? this.socket.tryAccept() : this.#receiver.tryReceive()
  }

  #start(source: Socket | Datagram): void {
    if (this.#forced && source instanceof Socket) return this.#close(source, source)
    this.#active.add(source)
    void this.#serve(source).finally(() => {
      this.#active.delete(source)
      this.#wake?.()
    })
  }

  async #serve(source: Socket | Datagram): Promise<void> {
    try {
      await this.#handler(source, this)
    } catch (error) {
      // If close() has closed the connection under the handler, the error is expected.
      const ours = this.#forced && source instanceof Socket && source.closed && isClosedError(error)
      if (!ours && !this.#isOfStopping(error)) this.#report(error, source)
    }
    if (source instanceof Socket && !source.closed) this.#finish(source)
  }

  /** True if a handler ended because `stopping` was aborted. */
  #isOfStopping(error: unknown): boolean {
    const { signal } = this.#stop
    if (!signal.aborted) return false
    const cause = propertyOf(error, 'name') === 'AbortError' ? propertyOf(error, 'cause') : undefined
    return error === signal.reason || cause === signal.reason
  }

  #report(error: unknown, source: Socket | Datagram | null): void {
    try {
      this.#onError(error, source)
    } catch (second) {
      this.#alarm(second, 'onError')
    }
  }

  /** Waits until a handler ends or close() is called, at most so many milliseconds. */
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

  async #shut(backlog: boolean): Promise<void> {
    this.#forget?.()
    const { socket } = this
    const connections = this.#receiver === null
    if (backlog && !socket.closed)
      this.#waiting = connections ? waitingConnections(socket.channel) : waitingDatagrams(socket)
    this.#accepting.abort()
    this.#stop.abort()
    this.#wake?.()
    if (this.#waiting === 0 && connections) this.#close(socket, null)
    await this.#loop // a connection may be accepted and not yet have its handler
    for (;;) {
      const more = this.#takeWaiting()
      if (this.#waiting === 0 && connections) this.#close(socket, null)
      if (more) await new Promise(resolve => setImmediate(resolve))
      else if (this.#active.size > 0 && !this.#forced) await this.#handlerEnded()
      else break
    }
    this.#close(socket, null) // a datagram socket is closed last: handlers reply on it
    this.#done = true
    this.#end()
  }

  /**
   * Takes connections or datagrams that waited when close() was called, up to the limit of handlers. Otherwise the
   * kernel would reset or drop them. Later ones are not taken, or the server might never end. Returns true if others
   * may be taken in the next turn.
   */
  #takeWaiting(): boolean {
    for (let taken = 0; this.#waiting > 0 && this.#active.size < this.#max; taken++) {
      if (taken === SHARE) return true
      try {
        const next = this.#tryTake()
        this.#waiting = next === null ? 0 : this.#waiting - 1
        if (next !== null) this.#start(next)
      } catch (error) {
        const { code = '' } = error as { code?: string }
        if (exhausted.has(code) && this.#active.size > 0) return false // a handler that ends gives a descriptor back
        this.#waiting = failedEarly.has(code) ? this.#waiting - 1 : 0
        if (this.#waiting === 0 && !this.socket.closed) this.#report(error, null)
      }
    }
    return false
  }

  // Send the end of stream first: close() alone sends a reset if received data is unread.
  #finish(connection: Socket): void {
    try {
      connection.shutdown(SHUT_WR)
    } catch {
      // The peer has disconnected.
    }
    this.#close(connection, connection)
  }

  /** Closes a socket. An error of close(2) goes to onError, and stops neither the server nor the process. */
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
    this.#active.forEach(source => {
      if (source instanceof Socket) this.#close(source, source)
    })
    this.#wake?.()
  }

  /** The default onError. Ignores errors that a peer can cause at will. */
  readonly #warn: ErrorListener = error => {
    const code = propertyOf(error, 'code')
    const name = propertyOf(error, 'name')
    if (!ofPeers.has(code)) this.#alarm(error, typeof code === 'string' ? code : describeValue(name))
  }

  #alarm(error: unknown, kind: string): void {
    this.#warnings.warn(kind, () => `serve: ${textOf(error)}`)
  }
}

/** Returns the text of a thrown value. Never throws: the value may have getters. */
function textOf(error: unknown): string {
  const text = propertyOf(error, 'stack') ?? propertyOf(error, 'message')
  return typeof text === 'string' ? text : describeValue(error)
}

function propertyOf(value: unknown, name: string): unknown {
  try {
    return (value as Record<string, unknown> | null | undefined)?.[name]
  } catch {
    return undefined
  }
}

function hasConnections(socket: Socket): boolean {
  return socket.type === SOCK_STREAM || socket.type === SOCK_SEQPACKET
}

function checkClose(options: CloseOptions | undefined): { drain: number | boolean; backlog: boolean } {
  const { drain = false, backlog = true } = checkOptions('options', options, ['drain', 'backlog'])
  return {
    drain:
      typeof drain === 'boolean' ? drain : checkInteger('options.drain', drain, 0, Number.MAX_SAFE_INTEGER),
    backlog: checkBoolean('options.backlog', backlog),
  }
}

function isClosedError(error: unknown): boolean {
  return error instanceof SocketError && (error.code === 'ECANCELED' || error.code === 'EBADF')
}
