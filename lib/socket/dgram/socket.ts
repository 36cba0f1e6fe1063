import dns from 'node:dns'
import { isIP } from 'node:net'
import type { AddressLike } from '../../address'
import { native } from '../../binding/binding'
import { WRITE } from '../../binding/shared'
import { AF_UNSPEC, SOCK_DGRAM } from '../../constants'
import { invalidType, type SocketError } from '../../errors'
import { EAGAIN, errnoOf } from '../../errors/errno'
import type { Message } from '../../message'
import { Sendmsg } from '../../operations/message'
import { Send, Sendto, whenConnected } from '../../operations/send'
import { reactor } from '../../reactor'
import { nextTick } from '../../runtime/clock'
import { inContext } from '../../runtime/context'
import { append } from '../../runtime/list'
import { whenSettled } from '../../runtime/settled'
import { isAborted, onAbort } from '../../runtime/signals'
import { byteLengthOf } from '../../struct'
import { isUnixDatagram, type BaseSocket } from '../base'
import { onMessage } from '../on-message'
import {
  checkPort,
  checkStrings,
  copiesOf,
  partsOf,
  sliceOf,
  type Payload,
  type SendCallback,
} from './arguments'
import { DgramBase, type AddressList, type DgramParts } from './base'
import { bindTarget, type BindOptions } from './bind'
import * as errors from './errors'
import { finish } from './finish'
import { isReceiving, type MessageListener, Senders } from './ends'

/**
 * A datagram socket with the interface of node:dgram. Returned by `socket.toDgram()` and by `createSocket` of
 * `bsd-sockets/dgram`.
 *
 * Methods, events, arguments and errors are those of node:dgram's Socket. It has no `_handle` and takes no part in
 * `node:cluster`.
 */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging -- the interface has only overloads
export class DgramSocket extends DgramBase {
  readonly #senders = new Senders()
  readonly #inContext: (run: () => void) => void
  #queuedBytes = 0
  #queuedMessages = 0

  /** @internal */
  constructor(parts: DgramParts, socket: BaseSocket | null = null) {
    super(parts)
    this.#inContext = inContext((run: () => void) => run())
    if (socket !== null) this.#take(socket)
    const { signal } = parts
    if (signal === undefined) return
    const stop = inContext(() => {
      if (!this.ended) this.close()
    })
    if (isAborted(signal)) stop()
    else this.once('close', onAbort(signal, stop))
  }

  // --- binding ---

  /**
   * Binds the socket and starts to receive; `'listening'` is emitted then. bind(2)
   *
   * Without a port the kernel chooses one, and without an address the socket receives on all. The address may be a host
   * name. A `'unix'` socket takes a path. `bind({ fd })` takes an open descriptor over instead. An error is emitted as
   * `'error'`.
   */
  bind(port?: number, address?: string, callback?: () => void): this
  bind(port?: number, callback?: () => void): this
  bind(path: string, callback?: () => void): this
  bind(callback?: () => void): this
  // eslint-disable-next-line @typescript-eslint/unified-signatures -- two separate forms read better
  bind(options: BindOptions, callback?: () => void): this
  bind(...given: unknown[]): this {
    this.check()
    if (this.bound !== 'no') throw errors.alreadyBound()
    const target = bindTarget(given, this.parts.version)
    if (target.fd !== undefined) {
      if (this.inner !== null) throw errors.callError('open', errnoOf('EBUSY')) // its descriptor would be lost
      this.keep(this.#adopt(target.fd))
    }
    const callback = given.at(-1)
    this.bound = 'soon'
    if (typeof callback === 'function') {
      this.once('listening', callback as () => void)
      this.#onBindError = () => this.off('listening', callback as () => void)
    }
    if (target.fd !== undefined) this.#bindNow(() => undefined)
    else if (target.host === undefined) this.#bindNow(() => this.open().bind(target.path as AddressLike))
    else this.#bindTo(target.host, target.port)
    return this
  }

  #bindTo(host: string, port: number): void {
    const attempt = (ip: string): Error | null => this.#attempt(() => this.open().bind([ip, port]), ip, port)
    const { lookup, version } = this.parts
    if (lookup === undefined && isIP(host) === version) return this.#settleSoon(attempt(host))
    try {
      this.#lookup(host, (error, ip) => {
        if (!this.ended) this.#settleBind(error ?? attempt(ip))
      })
    } catch (error) {
      this.#undoBind()
      throw error
    }
  }

  /** Takes over a descriptor. If that fails, the caller still owns it. */
  #adopt(fd: number): BaseSocket {
    let socket: BaseSocket
    try {
      socket = this.parts.adopt(fd)
    } catch (error) {
      if ((error as SocketError).code === 'ENOTSOCK') throw errors.badFd('FILE')
      if ((error as SocketError).code === 'EBUSY') throw errors.callError('open', errnoOf('EEXIST'))
      throw errors.nodeError(error, 'open')
    }
    try {
      if (socket.type !== SOCK_DGRAM) throw errors.badFd('TCP')
      this.parts.prepare(socket)
      return socket
    } catch (error) {
      socket.detach()
      throw error
    }
  }

  #onBindError: () => void = () => undefined

  /**
   * Binds, and reports the result in the next tick. The kernel is called at once: a datagram that another socket sends
   * in this turn must find the address.
   */
  #bindNow(bind: () => void): void {
    this.#settleSoon(this.#attempt(bind))
  }

  #attempt(bind: () => void, ip?: string, port?: number): Error | null {
    try {
      bind()
      return null
    } catch (error) {
      return errors.nodeError(error, 'bind', ip, port === 0 ? undefined : port)
    }
  }

  #settleSoon(failed: Error | null): void {
    nextTick(() => this.#settleBind(failed))
  }

  #settleBind(failed: Error | null): void {
    if (this.ended || this.bound === 'yes') return // a lookup may call back twice
    if (failed === null) this.#start()
    else this.#bindFailed(failed)
  }

  /** Makes another bind possible. Does nothing if the socket is bound. */
  #undoBind(): void {
    if (this.bound !== 'soon') return
    this.bound = 'no'
    this.queue = null // a listener of 'error' may bind again
    this.#onBindError()
  }

  #bindFailed(error: Error): void {
    this.#undoBind()
    try {
      this.emit('error', error)
    } finally {
      if (this.closing) this.end()
    }
  }

  #start(): void {
    const socket = this.open()
    this.bound = 'yes'
    const { receiveBlockList: list } = this.parts
    this.#inContext(() => {
      const onError = (error: Error): void =>
        void this.emit('error', errors.nodeError(error, 'recvmsg', undefined, undefined))
      onMessage(socket, list === undefined ? this.#received : this.#filtered(list), { onError })
    })
    try {
      this.emit('listening')
    } finally {
      this.serveQueue()
    }
  }

  /** Runs a call when the socket is bound. Binds it if needed. */
  #whenBound(call: () => void): void {
    if (this.bound === 'yes') return call()
    append((this.queue ??= []), call) // first, because a lookup may call back at once
    if (this.bound === 'soon') return
    if (this.parts.version !== 0) return void this.bind({ port: 0 })
    this.bound = 'soon'
    this.#bindNow(() => void this.open())
  }

  // --- receiving ---

  readonly #received = (message: Message): void => {
    this.emit('message', message.data, this.#senders.of(message), message)
  }

  #filtered(list: AddressList): (message: Message) => void {
    return message => {
      const { address, family } = this.#senders.of(message)
      if (!list.check(address, family === 'IPv6' ? 'ipv6' : 'ipv4')) this.#received(message)
    }
  }

  // --- connecting ---

  /**
   * Sets the peer that the socket sends to and receives from. connect(2)
   *
   * `'connect'` is emitted then, and `callback` is called. An error goes to `callback`, or else to `'error'`. A `'unix'`
   * socket takes a path.
   */
  connect(port: number, address?: string, callback?: (error?: Error) => void): void
  connect(port: number, callback: (error?: Error) => void): void
  connect(path: string, callback?: (error?: Error) => void): void
  connect(target: unknown, given?: unknown, last?: unknown): void {
    const port = this.parts.version === 0 ? 0 : checkPort(target, 1)
    const [address, callback] = typeof given === 'function' ? [undefined, given] : [given, last]
    if (this.parts.version !== 0 && address != null) checkStrings({ address })
    this.check()
    if (this.linked !== 'no') throw errors.connected()
    this.linked = 'soon'
    const done = typeof callback === 'function' ? (callback as (error?: Error) => void) : undefined
    if (done !== undefined) this.once('connect', done)
    const fail = (error: Error): void => {
      this.linked = 'no'
      if (done !== undefined) this.off('connect', done)
      nextTick(() => (done === undefined ? this.emit('error', error) : done(error)))
    }
    this.#whenBound(() => {
      if (this.parts.version === 0) return this.#connectNow(target as AddressLike, fail)
      this.#lookup((address as string | undefined) ?? '', (error, ip) => {
        if (this.ended) return
        if (error !== null) return fail(error)
        if (this.#isBlocked(ip)) return fail(errors.blocked(ip))
        this.#connectNow([ip, port], fail, ip, port)
      })
    })
  }

  #connectNow(target: AddressLike, fail: (error: Error) => void, ip?: string, port?: number): void {
    const { channel, family } = this.open()
    try {
      const result = native.connect(channel.id, channel.network.addresses.encode(target, family))
      if (result < 0) return fail(errors.callError('connect', result, ip, port))
    } catch {
      return fail(errors.refused('connect', ip, port))
    }
    this.linked = 'yes'
    nextTick(() => this.emit('connect'))
  }

  /** Removes the peer that `connect` has set. */
  disconnect(): void {
    this.check()
    if (this.linked !== 'yes') throw errors.notConnected()
    const { channel, family } = this.open()
    const unspecified = { family: AF_UNSPEC, data: Buffer.alloc(14) }
    const result = native.connect(channel.id, channel.network.addresses.encode(unspecified, family))
    if (result < 0) throw errors.callError('connect', result)
    this.linked = 'no'
  }

  // --- sending ---

  /**
   * Sends one datagram. sendto(2)
   *
   * The callback gets the number of bytes. An error goes to the callback; without one, only the error of a lookup is
   * emitted. Binds the socket if needed. `port` may also be an `AddressLike`, and the path of a `'unix'` socket. The data
   * is copied before `send` returns, unless it waits for room in the send buffer.
   */
  send(data: Payload, port?: number, address?: string, callback?: SendCallback): void
  send(data: Payload, port?: number, callback?: SendCallback): void
  send(data: Payload, address: AddressLike, callback?: SendCallback): void
  send(data: Payload, callback?: SendCallback): void
  send(
    data: string | ArrayBufferView,
    offset: number,
    length: number,
    port?: number,
    address?: string,
    callback?: SendCallback,
  ): void
  send(
    data: string | ArrayBufferView,
    offset: number,
    length: number,
    port?: number,
    callback?: SendCallback,
  ): void
  send(
    data: string | ArrayBufferView,
    offset: number,
    length: number,
    address: AddressLike,
    callback?: SendCallback,
  ): void
  send(data: string | ArrayBufferView, offset: number, length: number, callback?: SendCallback): void
  send(data: unknown, ...given: unknown[]): void {
    let parts: ArrayBufferView[]
    const [first, second] = given
    const sliced =
      typeof first === 'number' &&
      typeof second === 'number' &&
      (this.linked === 'yes' || (given.length > 2 && typeof given[2] !== 'function'))
    if (sliced) {
      parts = sliceOf(data, first, second)
      given = given.slice(2)
    } else {
      parts = partsOf(data)
    }
    if (this.bound !== 'yes') parts = copiesOf(parts)
    const target = typeof given[0] === 'function' ? undefined : given[0]
    const host = typeof given[1] === 'function' ? undefined : given[1]
    const last = given.find(each => typeof each === 'function') as SendCallback | undefined
    if (this.linked === 'yes') {
      if (target != null || host != null) throw errors.connected()
      this.check()
      return this.#whenBound(() => this.#transmit(parts, null, last))
    }
    const { version } = this.parts
    // A reply to rinfo.address has the port 0 of rinfo on a socket without ports.
    const end = version === 0 && typeof target === 'number' && typeof host === 'string' ? host : target
    if (version === 0 || (typeof end === 'object' && end !== null)) {
      this.check()
      const send = this.#senderTo(parts, end as AddressLike, last)
      return this.#whenBound(send)
    }
    const port = checkPort(target, 1)
    if (host != null && typeof host !== 'string') throw invalidType('address', 'string', host)
    this.check()
    // eslint-disable-next-line @typescript-eslint/prefer-nullish-coalescing -- '' is no host either
    this.#whenBound(() => this.#sendToHost(parts, host || (version === 6 ? '::1' : '127.0.0.1'), port, last))
  }

  /** Sends one datagram. `send` takes the same arguments. */
  sendto(
    data: string | ArrayBufferView,
    offset: number,
    length: number,
    port: number,
    address: string,
    callback?: SendCallback,
  ): void {
    for (const [name, value] of Object.entries({ offset, length, port })) {
      if (typeof value !== 'number') throw invalidType(name, 'number', value)
    }
    checkStrings({ address })
    this.send(data, offset, length, port, address, callback)
  }

  #sendToHost(
    parts: ArrayBufferView[],
    host: string,
    port: number,
    callback: SendCallback | undefined,
  ): void {
    if (this.parts.lookup === undefined && isIP(host) === this.parts.version)
      return this.#sendToIp(parts, host, port, callback)
    const own = copiesOf(parts)
    this.#lookup(host, (error, ip) => {
      if (error === null) {
        if (!this.ended) this.#sendToIp(own, ip, port, callback)
      } else if (callback === undefined) nextTick(() => this.emit('error', error))
      else nextTick(callback, error)
    })
  }

  #sendToIp(parts: ArrayBufferView[], ip: string, port: number, callback: SendCallback | undefined): void {
    let error: Error | null = this.#isBlocked(ip) ? errors.blocked(ip) : null
    try {
      const { channel, family } = this.open()
      const bytes = channel.network.addresses.encodeEndpoint(ip, port, family)
      if (error === null) return this.#transmit(parts, bytes, callback, ip, port)
    } catch {
      error ??= errors.refused('send', ip, port)
    }
    if (callback !== undefined) nextTick(callback, error)
  }

  /** Checks the address at once, and returns the function that sends. */
  #senderTo(
    parts: ArrayBufferView[],
    end: AddressLike | null | undefined,
    callback: SendCallback | undefined,
  ): () => void {
    const { channel, family } = this.open()
    const bytes = end == null ? null : channel.network.addresses.encode(end, family)
    return () => this.#transmit(parts, bytes, callback, typeof end === 'string' ? end : undefined)
  }

  #transmit(
    parts: ArrayBufferView[],
    address: Uint8Array | null,
    callback: SendCallback | undefined,
    host?: string,
    port?: number,
  ): void {
    const socket = this.open()
    const { channel } = socket
    const part = parts[0]!
    if (channel.head(WRITE) === null) {
      const result =
        parts.length > 1
          ? native.sendmsg(channel.id, parts, null, 0, address)
          : address === null
            ? native.send(channel.id, part)
            : native.sendto(channel.id, part, 0, address)
      if (whenConnected(result) !== EAGAIN) return finish(result, callback, host, port)
    }
    const unix = isUnixDatagram(socket)
    const operation =
      parts.length > 1
        ? new Sendmsg(channel, { data: parts, flags: 0, address, unixDatagram: unix }, null)
        : address === null
          ? new Send(channel, part, 0)
          : new Sendto(channel, part, 0, address, unix)
    const bytes = parts.reduce((sum, each) => sum + byteLengthOf(each), 0)
    this.#queuedBytes += bytes
    this.#queuedMessages++
    const done = (result: number | Error): void => {
      this.#queuedBytes -= bytes
      this.#queuedMessages--
      if (typeof result === 'number') finish(result, callback, host, port)
      else if (callback !== undefined) nextTick(callback, result)
    }
    whenSettled(reactor.submit<number>(channel, operation, null, undefined), done, error => {
      done((error as SocketError).errno ?? (error as Error))
    })
  }

  /** Returns the number of bytes of datagrams that wait for room in the send buffer. */
  getSendQueueSize(): number {
    return this.#queuedBytes
  }

  /** Returns the number of datagrams that wait for room in the send buffer. */
  getSendQueueCount(): number {
    return this.#queuedMessages
  }

  /** Takes over an open socket. Receives on it, unless it must be bound first. */
  #take(socket: BaseSocket): void {
    this.keep(socket)
    if (socket.remoteAddress !== null) this.linked = 'yes'
    if (this.bound !== 'no' || !isReceiving(socket)) return
    this.bound = 'soon'
    this.#bindNow(() => undefined)
  }

  #lookup(host: string, done: (error: Error | null, ip: string) => void): void {
    const { lookup, version } = this.parts
    const family = version === 6 ? 6 : 4
    const name = host || (family === 6 ? '::1' : '127.0.0.1')
    if (lookup === undefined) dns.lookup(name, family, done)
    else lookup(name, family, done)
  }

  #isBlocked(ip: string): boolean {
    const list = this.parts.sendBlockList
    return list?.check(ip, this.parts.version === 6 ? 'ipv6' : 'ipv4') === true
  }
}

/** The events, for TypeScript. `message.meta` has what `receiveMeta` selected. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging -- the interface has only overloads
export interface DgramSocket {
  /** Adds a listener for datagrams: the data, the sender, and the message that `recvmsg` returns. */
  on(event: 'message', listener: MessageListener): this
  /** Adds a listener for the state of the socket. */
  on(event: 'listening' | 'connect' | 'close', listener: () => void): this
  /** Adds a listener for errors. Without one, an error is an uncaught exception. */
  on(event: 'error', listener: (error: Error) => void): this
  /** Adds a listener for any event. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as EventEmitter declares it
  on(event: string | symbol, listener: (...given: any[]) => void): this
  /** Adds a listener for the next datagram. */
  once(event: 'message', listener: MessageListener): this
  /** Adds a listener for the next change of the state. */
  once(event: 'listening' | 'connect' | 'close', listener: () => void): this
  /** Adds a listener for the next error. */
  once(event: 'error', listener: (error: Error) => void): this
  /** Adds a listener for the next event of any kind. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as EventEmitter declares it
  once(event: string | symbol, listener: (...given: any[]) => void): this
}
