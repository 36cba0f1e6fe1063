import dns from 'node:dns'
import { EventEmitter } from 'node:events'
import { isIP } from 'node:net'
import type { Address, AddressLike } from '../../address'
import { native } from '../../binding/binding'
import { WRITE } from '../../binding/shared'
import { AF_UNSPEC, SO_RCVBUF, SO_SNDBUF, SOL_SOCKET } from '../../constants'
import { invalidType, type SocketError } from '../../errors'
import { EAGAIN, EBADF, EINVAL } from '../../errors/errno'
import type { Message } from '../../message'
import { Sendmsg } from '../../operations/message'
import { Send, Sendto, whenConnected } from '../../operations/send'
import { reactor } from '../../reactor'
import { nextTick } from '../../runtime/clock'
import { inContext } from '../../runtime/context'
import { append } from '../../runtime/list'
import { isAborted, onAbort } from '../../runtime/signals'
import { byteLengthOf } from '../../struct'
import { isUnixDatagram, type BaseSocket } from '../base'
import { changeMembership } from '../multicast'
import { onMessage } from '../on-message'
import { checkPort, checkStrings, partsOf, sliceOf, type Payload, type SendCallback } from './arguments'
import { bindTarget, type BindOptions } from './bind'
import * as errors from './errors'
import { type AddressInfo, endOf, isReceiving, type RemoteInfo, Senders } from './ends'
import * as settings from './settings'

/** Looks up a host name, like dns.lookup. */
export type LookupFunction = (
  hostname: string,
  family: 4 | 6,
  callback: (error: Error | null, address: string, family?: number) => void,
) => void

/** A list of addresses, such as a net.BlockList. */
export interface AddressList {
  check(address: string, family?: 'ipv4' | 'ipv6'): boolean
}

/** What a DgramSocket consists of. */
export interface DgramParts {
  /** `'udp4'`, `'udp6'`, `'unix'`, or the name of another family. */
  readonly type: string
  /** The version of IP; 0 for other families. */
  readonly version: 0 | 4 | 6
  /** Creates the socket when it is needed first, with its options. */
  open(): BaseSocket
  /** Takes a descriptor over. */
  adopt(fd: number): BaseSocket
  readonly lookup?: LookupFunction | undefined
  readonly signal?: AbortSignal | undefined
  readonly sendBlockList?: AddressList | undefined
  readonly receiveBlockList?: AddressList | undefined
}

type State = 'no' | 'soon' | 'yes'

/**
 * A datagram socket with the interface of node:dgram. Returned by `socket.toDgram()` and by `createSocket` of
 * `bsd-sockets/dgram`.
 *
 * Methods, events, arguments and errors are those of node:dgram's Socket. It has no `_handle` and takes no part in
 * `node:cluster`.
 */
export class DgramSocket extends EventEmitter {
  /** `'udp4'`, `'udp6'`, `'unix'`, or the name of another family, such as `'AF_NETLINK'`. */
  readonly type: string
  readonly #parts: DgramParts
  readonly #senders: Senders
  readonly #inContext: (run: () => void) => void
  #socket: BaseSocket | null = null
  #closed = false
  #refed = true
  #bound: State = 'no'
  #connected: State = 'no'
  /** Calls that wait until the socket is bound. */
  #queue: (() => void)[] | null = null
  #queuedBytes = 0
  #queuedMessages = 0

  /** @internal */
  constructor(parts: DgramParts, socket: BaseSocket | null = null) {
    super()
    this.type = parts.type
    this.#parts = parts
    this.#senders = new Senders()
    this.#inContext = inContext((run: () => void) => run())
    if (socket !== null) this.#take(socket)
    const { signal } = parts
    if (signal === undefined) return
    const stop = inContext(() => void (this.#closed || this.close()))
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
  bind(options: BindOptions, callback?: () => void): this
  bind(...given: unknown[]): this {
    this.#check()
    if (this.#bound !== 'no') throw errors.alreadyBound()
    const target = bindTarget(given, this.#parts.version)
    const callback = given.at(-1)
    this.#bound = 'soon'
    if (typeof callback === 'function') {
      this.once('listening', callback as () => void)
      this.#onBindError = () => this.off('listening', callback as () => void)
    }
    if (target.fd !== undefined) {
      const { fd } = target
      nextTick(() => this.#bindNow(() => this.#take(this.#parts.adopt(fd))))
    } else if (target.host === undefined) {
      nextTick(() => this.#bindNow(() => this.#open().bind(target.path as AddressLike)))
    } else {
      const { host, port } = target
      this.#lookup(host, (error, ip) => {
        if (this.#closed) return
        if (error !== null) return this.#bindFailed(error)
        this.#bindNow(() => this.#open().bind([ip, port]), ip, port)
      })
    }
    return this
  }

  #onBindError: () => void = () => undefined

  #bindNow(bind: () => void, ip?: string, port?: number): void {
    if (this.#closed) return
    try {
      bind()
    } catch (error) {
      return this.#bindFailed(errors.nodeError(error, 'bind', ip, port === 0 ? undefined : port))
    }
    this.#start()
  }

  #bindFailed(error: Error): void {
    this.#bound = 'no'
    this.#queue = null
    this.#onBindError()
    this.emit('error', error)
  }

  #start(): void {
    const socket = this.#open()
    this.#bound = 'yes'
    const { receiveBlockList: list } = this.#parts
    this.#inContext(() => {
      const onError = (error: Error): void =>
        void this.emit('error', errors.nodeError(error, 'recvmsg', undefined, undefined))
      onMessage(socket, list === undefined ? this.#received : this.#filtered(list), { onError })
    })
    this.emit('listening')
    const queue = this.#queue
    this.#queue = null
    for (const call of queue ?? []) if (!this.#closed) call()
  }

  /** Runs a call when the socket is bound. Binds it if needed. */
  #whenBound(call: () => void): void {
    if (this.#bound === 'yes') return call()
    if (this.#bound === 'no') {
      if (this.#parts.version !== 0) this.bind({ port: 0 })
      else {
        this.#bound = 'soon'
        nextTick(() => this.#bindNow(() => void this.#open()))
      }
    }
    append((this.#queue ??= []), call)
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
    const port = this.#parts.version === 0 ? 0 : checkPort(target, 1)
    const [address, callback] = typeof given === 'function' ? [undefined, given] : [given, last]
    this.#check()
    if (this.#connected !== 'no') throw errors.connected()
    this.#connected = 'soon'
    const done = typeof callback === 'function' ? (callback as (error?: Error) => void) : undefined
    if (done !== undefined) this.once('connect', done)
    const fail = (error: Error): void => {
      this.#connected = 'no'
      if (done !== undefined) this.off('connect', done)
      nextTick(() => (done === undefined ? this.emit('error', error) : done(error)))
    }
    this.#whenBound(() => {
      if (this.#parts.version === 0) return this.#connectNow(target as AddressLike, fail)
      this.#lookup((address as string | undefined) ?? '', (error, ip) => {
        if (this.#closed) return
        if (error !== null) return fail(error)
        if (this.#isBlocked(ip)) return fail(errors.blocked(ip))
        this.#connectNow([ip, port], fail, ip, port)
      })
    })
  }

  #connectNow(target: AddressLike, fail: (error: Error) => void, ip?: string, port?: number): void {
    const { channel, family } = this.#open()
    try {
      const result = native.connect(channel.id, channel.network.addresses.encode(target, family))
      if (result < 0) return fail(errors.callError('connect', result, ip, port))
    } catch {
      return fail(errors.refused('connect', ip, port))
    }
    this.#connected = 'yes'
    nextTick(() => this.emit('connect'))
  }

  /** Removes the peer that `connect` has set. */
  disconnect(): void {
    this.#check()
    if (this.#connected !== 'yes') throw errors.notConnected()
    const { channel, family } = this.#open()
    const nobody = { family: AF_UNSPEC, data: Buffer.alloc(14) }
    const result = native.connect(channel.id, channel.network.addresses.encode(nobody, family))
    if (result < 0) throw errors.callError('connect', result)
    this.#connected = 'no'
  }

  // --- sending ---

  /**
   * Sends one datagram. sendto(2)
   *
   * The callback gets the number of bytes. An error goes to the callback; without one, only the error of a lookup is
   * emitted. Binds the socket if needed. `port` may also be an `AddressLike`, and the path of a `'unix'` socket. Except
   * after a lookup, the kernel copies the data before `send` returns, if the send buffer has room.
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
      (this.#connected === 'yes' || (given.length > 2 && typeof given[2] !== 'function'))
    if (sliced) {
      parts = sliceOf(data, first, second)
      given = given.slice(2)
    } else {
      parts = partsOf(data)
    }
    const target = typeof given[0] === 'function' ? undefined : given[0]
    const host = typeof given[1] === 'function' ? undefined : given[1]
    const last = given.find(each => typeof each === 'function') as SendCallback | undefined
    if (this.#connected === 'yes') {
      if (target != null || host != null) throw errors.connected()
      this.#check()
      return this.#whenBound(() => this.#transmit(parts, null, last))
    }
    const { version } = this.#parts
    // A reply to rinfo.address has the port 0 of rinfo on a socket without ports.
    const end = version === 0 && typeof target === 'number' && typeof host === 'string' ? host : target
    if (version === 0 || (typeof end === 'object' && end !== null)) {
      this.#check()
      return this.#whenBound(() => this.#sendToEnd(parts, end as AddressLike, last))
    }
    const port = checkPort(target, 1)
    if (host != null && typeof host !== 'string') throw invalidType('address', 'string', host)
    this.#check()
    this.#whenBound(() => this.#sendToHost(parts, host || (version === 6 ? '::1' : '127.0.0.1'), port, last))
  }

  #sendToHost(parts: ArrayBufferView[], host: string, port: number, callback: SendCallback | undefined): void {
    if (this.#parts.lookup === undefined && isIP(host) === this.#parts.version)
      return this.#sendToIp(parts, host, port, callback)
    this.#lookup(host, (error, ip) => {
      if (error === null) {
        if (!this.#closed) this.#sendToIp(parts, ip, port, callback)
      } else if (callback === undefined) nextTick(() => this.emit('error', error))
      else nextTick(callback as (error: Error) => void, error)
    })
  }

  #sendToIp(parts: ArrayBufferView[], ip: string, port: number, callback: SendCallback | undefined): void {
    let error: Error | null = this.#isBlocked(ip) ? errors.blocked(ip) : null
    try {
      const { channel, family } = this.#open()
      const bytes = this.#senders.encode(ip, port, channel.network.addresses, family)
      if (error === null) return this.#transmit(parts, bytes, callback, ip, port)
    } catch {
      error ??= errors.refused('send', ip, port)
    }
    if (callback !== undefined) nextTick(callback as (error: Error) => void, error)
  }

  #sendToEnd(
    parts: ArrayBufferView[],
    end: AddressLike | null | undefined,
    callback: SendCallback | undefined,
  ): void {
    const { channel, family } = this.#open()
    const bytes = end == null ? null : channel.network.addresses.encode(end, family)
    this.#transmit(parts, bytes, callback, typeof end === 'string' ? end : undefined)
  }

  #transmit(
    parts: ArrayBufferView[],
    address: Uint8Array | null,
    callback: SendCallback | undefined,
    host?: string,
    port?: number,
  ): void {
    const socket = this.#open()
    const { channel } = socket
    const [part] = parts as [ArrayBufferView]
    if (channel.head(WRITE) === null) {
      const result =
        parts.length > 1
          ? native.sendmsg(channel.id, parts, null, 0, address)
          : address === null
            ? native.send(channel.id, part)
            : native.sendto(channel.id, part, 0, 0, byteLengthOf(part), address)
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
    const done = (result: number): void => {
      this.#queuedBytes -= bytes
      this.#queuedMessages--
      finish(result, callback, host, port)
    }
    reactor.submit<number>(channel, operation, null, undefined).then(done, (error: SocketError) => {
      done(error.errno ?? EBADF)
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

  // --- options ---

  /** Joins a multicast group, on the interface with an address (IPv4), a zone (`'::%eth0'`) or a name. ip(7), ipv6(7) */
  addMembership(multicastAddress: string, multicastInterface?: string): void {
    this.#change('addMembership', 'join', multicastAddress, null, multicastInterface)
  }

  /** Leaves a multicast group. Closing the socket also leaves all groups. */
  dropMembership(multicastAddress: string, multicastInterface?: string): void {
    this.#change('dropMembership', 'leave', multicastAddress, null, multicastInterface)
  }

  /** Joins a multicast group, and receives only what one sender sends to it. */
  addSourceSpecificMembership(sourceAddress: string, groupAddress: string, multicastInterface?: string): void {
    checkStrings({ sourceAddress, groupAddress })
    const call = 'addSourceSpecificMembership'
    this.#change(call, 'joinSource', groupAddress, sourceAddress, multicastInterface)
  }

  /** Leaves a group that `addSourceSpecificMembership` has joined. */
  dropSourceSpecificMembership(
    sourceAddress: string,
    groupAddress: string,
    multicastInterface?: string,
  ): void {
    checkStrings({ sourceAddress, groupAddress })
    const call = 'dropSourceSpecificMembership'
    this.#change(call, 'leaveSource', groupAddress, sourceAddress, multicastInterface)
  }

  #change(
    syscall: string,
    change: Parameters<typeof changeMembership>[1],
    group: string,
    source: string | null,
    device: string | undefined,
  ): void {
    this.#check()
    if (!group) throw errors.missing('multicastAddress')
    let result: number
    try {
      result = changeMembership(this.#open(), change, group, source, device)
    } catch (error) {
      throw errors.nodeError(error, syscall)
    }
    if (result < 0) throw errors.callError(syscall, result)
  }

  /** Sets SO_BROADCAST: with `true`, the socket may send to broadcast addresses. socket(7) */
  setBroadcast(flag: boolean): void {
    this.#set('setBroadcast', settings.broadcast(flag))
  }

  /** Sets the TTL, or the hop limit of IPv6, from 1 to 255. Returns it. ip(7) */
  setTTL(ttl: number): number {
    this.#set('setTTL', settings.unicastTtl(ttl, this.#parts.version))
    return ttl
  }

  /** Sets the TTL of multicast datagrams, from 0 to 255. Returns it. ip(7) */
  setMulticastTTL(ttl: number): number {
    this.#set('setMulticastTTL', settings.multicastTtl(ttl, this.#parts.version))
    return ttl
  }

  /** Sets whether multicast datagrams are also delivered on this host. Returns `flag`. ip(7) */
  setMulticastLoopback(flag: boolean): boolean {
    this.#set('setMulticastLoopback', settings.multicastLoopback(flag, this.#parts.version))
    return flag
  }

  /** Sets the interface that multicast datagrams leave by: one of its IPv4 addresses, or `'::%eth0'`. ip(7) */
  setMulticastInterface(multicastInterface: string): void {
    this.#check()
    checkStrings({ interfaceAddress: multicastInterface })
    const { channel } = this.#bounded('setMulticastInterface')
    this.#set('setMulticastInterface', settings.multicastInterface(multicastInterface, channel.id))
  }

  #set(syscall: string, option: settings.Setting): void {
    this.#check()
    if (option === null) throw errors.refused(syscall)
    const { channel } = this.#bounded(syscall)
    const { level, name, value } = option
    const result = native.setsockopt(channel.id, level, name, value, value.byteLength)
    if (result < 0) throw errors.callError(syscall, result)
  }

  /** Returns SO_RCVBUF in bytes. Linux reports twice what was set. */
  getRecvBufferSize(): number {
    return this.#bufferSize('recv', SO_RCVBUF)
  }

  /** Returns SO_SNDBUF in bytes. Linux reports twice what was set. */
  getSendBufferSize(): number {
    return this.#bufferSize('send', SO_SNDBUF)
  }

  /** Sets SO_RCVBUF in bytes. */
  setRecvBufferSize(size: number): void {
    this.#bufferSize('recv', SO_RCVBUF, size)
  }

  /** Sets SO_SNDBUF in bytes. */
  setSendBufferSize(size: number): void {
    this.#bufferSize('send', SO_SNDBUF, size)
  }

  #bufferSize(which: 'recv' | 'send', name: number, size?: number): number {
    if (size !== undefined && size >>> 0 !== size) throw errors.badBufferSize()
    if (size !== undefined && size > 0x7fffffff) throw errors.bufferSizeError(which, EINVAL)
    const open = this.#closed || this.#bound !== 'yes' ? null : this.#socket
    const value = Int32Array.of(size ?? 0)
    const id = open === null ? -1 : open.channel.id
    const result =
      open === null
        ? EBADF
        : size === undefined
          ? native.getsockopt(id, SOL_SOCKET, name, value, Int32Array.of(4))
          : native.setsockopt(id, SOL_SOCKET, name, value, 4)
    if (result < 0) throw errors.bufferSizeError(which, result)
    return value[0]!
  }

  // --- addresses and the end ---

  /** Returns the local address. getsockname(2) */
  address(): AddressInfo {
    this.#check()
    const socket = this.#bounded('getsockname')
    const { localAddress } = socket
    if (localAddress === null) throw errors.callError('getsockname', EBADF)
    return endOf(localAddress)
  }

  /** Returns the address of the peer that `connect` has set. getpeername(2) */
  remoteAddress(): AddressInfo {
    this.#check()
    const peer: Address | null = this.#connected === 'yes' ? this.#open().remoteAddress : null
    if (peer === null) throw errors.notConnected()
    return endOf(peer)
  }

  /** Makes the open socket keep the process alive, which is the default. */
  ref(): this {
    this.#refed = true
    this.#socket?.ref()
    return this
  }

  /** Stops the open socket from keeping the process alive. */
  unref(): this {
    this.#refed = false
    this.#socket?.unref()
    return this
  }

  /** Closes the socket, after the sends that wait for a bind. `'close'` is emitted then, and `callback` is called. */
  close(callback?: () => void): this {
    if (typeof callback === 'function') this.on('close', callback)
    if (this.#queue !== null) {
      append(this.#queue, () => this.close())
      return this
    }
    this.#check()
    this.#end()
    return this
  }

  /** Closes the socket at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#closed ? Promise.resolve() : new Promise(resolve => void this.close(resolve))
  }

  #end(): void {
    if (this.#closed) return
    this.#closed = true
    this.#socket?.close()
    nextTick(() => this.emit('close'))
  }

  #check(): void {
    if (this.#closed) throw errors.notRunning()
  }

  /** Returns the socket, and opens it if needed. */
  #open(): BaseSocket {
    if (this.#closed) throw errors.notRunning()
    return this.#socket ?? this.#keep(this.#parts.open())
  }

  /** Returns the socket. An IP socket that is not bound has no descriptor yet in node:dgram. */
  #bounded(syscall: string): BaseSocket {
    if (this.#socket === null) throw errors.callError(syscall, EBADF)
    return this.#socket
  }

  #keep(socket: BaseSocket): BaseSocket {
    this.#socket = socket
    if (!this.#refed) socket.unref()
    socket.channel.onGone(inContext(() => this.#end()))
    return socket
  }

  /** Takes over an open socket. Receives on it, unless it must be bound first. */
  #take(socket: BaseSocket): void {
    this.#keep(socket)
    if (socket.remoteAddress !== null) this.#connected = 'yes'
    if (this.#bound !== 'no' || !isReceiving(socket)) return
    this.#bound = 'soon'
    nextTick(() => this.#bindNow(() => undefined))
  }

  #lookup(host: string, done: (error: Error | null, ip: string) => void): void {
    const { lookup, version } = this.#parts
    const family = version === 6 ? 6 : 4
    const name = host || (family === 6 ? '::1' : '127.0.0.1')
    if (lookup === undefined) dns.lookup(name, family, done)
    else lookup(name, family, done)
  }

  #isBlocked(ip: string): boolean {
    const list = this.#parts.sendBlockList
    return list !== undefined && list.check(ip, this.#parts.version === 6 ? 'ipv6' : 'ipv4')
  }
}

/** Reports the result of a send to its callback. Without a callback an error is ignored, as in node:dgram. */
function finish(result: number, callback: SendCallback | undefined, host?: string, port?: number): void {
  if (callback === undefined) return
  if (result >= 0) nextTick(callback, null, result)
  else nextTick(callback as (error: Error) => void, errors.callError('send', result, host, port))
}

/** The events, for TypeScript. `message.meta` has what `receiveMeta` selected. */
export interface DgramSocket {
  on(event: 'message', listener: (data: Buffer, sender: RemoteInfo, message: Message) => void): this
  on(event: 'listening' | 'connect' | 'close', listener: () => void): this
  on(event: 'error', listener: (error: Error) => void): this
  on(event: string | symbol, listener: (...given: any[]) => void): this
  once(event: 'message', listener: (data: Buffer, sender: RemoteInfo, message: Message) => void): this
  once(event: 'listening' | 'connect' | 'close', listener: () => void): this
  once(event: 'error', listener: (error: Error) => void): this
  once(event: string | symbol, listener: (...given: any[]) => void): this
}
