import { inspect } from 'node:util'
import type { Address, AddressLike } from '../address'
import { native } from '../binding/binding'
import { DIRECT } from '../binding/memory'
import { STATE_ADDRESS } from '../binding/shared'
import {
  constants,
  F_GETFD,
  F_SETFD,
  FD_CLOEXEC,
  nameOf,
  SOMAXCONN,
  type Family,
  type SocketKind,
  type SocketType,
} from '../constants'
import { AF_INET, AF_INET6, AF_UNIX, SOCK_DGRAM, SOCK_STREAM } from '../constants/per-call'
import { getOption, setOption, type ReadableOption, type WritableOption } from '../options/option'
import { reactor, readAddress, unpackAddress, type PackedAddress } from '../reactor'
import type { Channel } from '../reactor/channel'
import { reclaim, release } from '../reactor/finalizer'
import { defaultTimeout } from '../reactor/timeouts'
import type { NonSharedBuffer } from '../runtime/buffer'
import { byteLengthOf } from '../struct'
import { checkBytes, checkInt, checkTimeout } from '../validators'
import { checkBoolean, checkInteger } from '../errors/argument'
import { checkDetach, setBlocking, type DetachOptions } from './blocking-mode'
import { Adoption, create, CREATION_FLAGS, socketArguments, type SocketArguments } from './create'
import { joinGroup, type JoinOptions, type Membership } from './multicast'
import { checkCreationOptions, type CreationOptions } from '../reactor/namespace'
import { check, checkOption, describeOption, setOptionBytes, SocketOptions } from './option-calls'
import { receiveMeta, type WantedMeta } from './receive-meta'
import { checkFree } from './receiver'

// structuredClone and postMessage throw a DataCloneError for an own property that is a function. The error quotes
// the source of the function, so the comment inside it tells the user what to do. Without this property they would
// copy the socket to an empty object.
// prettier-ignore
function toJSON(this: BaseSocket): object { /* a Socket belongs to one thread: send the fd of detach() and adopt() it there */ return this.summary() }

/** Returns a new descriptor: that of the socket's network namespace. Linux only. */
const SIOCGSKNS = constants['SIOCGSKNS']
const { AF_VSOCK } = constants
/** The value of an option or the argument of a request. Options of AF_VSOCK are 64 bits wide. */
const wide = new Int32Array(2)
const integer = wide.subarray(0, 1)

/**
 * Provides the operations that never wait, for both Socket classes.
 *
 * `bsd-sockets` adds operations that return promises. `bsd-sockets/sync` adds operations that block.
 */
export abstract class BaseSocket<A extends Address = Address, K extends SocketKind = SocketKind>
  implements Disposable, AsyncDisposable
{
  /** @internal */
  readonly channel: Channel
  /** @internal A symbol, because a subclass may have a property of any name. */
  readonly [socketArguments]: SocketArguments
  /** An own, enumerable property, so that structuredClone throws: see toJSON above. */
  readonly toJSON = toJSON
  #timeout: number | null = defaultTimeout()
  /** The peer of an accepted connection, packed until it is asked for: see packAddress. */
  #remote: A | PackedAddress | null = null

  /**
   * Creates a socket. socket(2)
   *
   * `family` is `AF_INET` by default, `type` is `SOCK_STREAM`, and `protocol` is 0: the default protocol of the family
   * and the type, such as TCP. The socket is non-blocking and close-on-exec, with or without the flags
   * `SOCK_NONBLOCK` and `SOCK_CLOEXEC` in `type`. It is neither bound nor connected.
   *
   * In TypeScript, the constant of the family gives the socket the type of its addresses: the `port` of
   * `new Socket(AF_INET).getsockname()` is a number.
   *
   * Throws a TypeError or a RangeError for an argument that is not a 32-bit integer. Otherwise throws the kernel's
   * error, such as `EAFNOSUPPORT`, `EPROTONOSUPPORT`, `EMFILE`, or `EPERM` for raw sockets without CAP_NET_RAW.
   */
  constructor(family?: Family<A>, type?: SocketType<K> | number, protocol?: number, options?: CreationOptions)
  /**
   * Creates a socket of a family that only the running program knows. socket(2)
   *
   * A plain `number`, or a choice of several families, gives every kind of address.
   */
  constructor(
    family: number | undefined,
    type?: SocketType<K> | number,
    protocol?: number,
    options?: CreationOptions,
  )
  /** @internal */
  constructor(adoption: Adoption)
  constructor(
    family: number | Adoption = AF_INET,
    type: number = SOCK_STREAM,
    protocol = 0,
    options?: CreationOptions,
  ) {
    if (family instanceof Adoption) {
      this.channel = family.channel
      this[socketArguments] = family.made
      this.#remote = family.remote
    } else {
      this[socketArguments] = {
        family: checkInt('family', family),
        type: checkInt('type', type) & ~CREATION_FLAGS,
        protocol: checkInt('protocol', protocol),
      }
      const netns = checkCreationOptions(options)
      this.channel = create(this.family, this.type, this.protocol, netns)
    }
    this.channel.messages = this.type !== SOCK_STREAM
    reclaim(this.channel)
  }

  /** The address family, AF_*. */
  get family(): number {
    return this[socketArguments].family
  }

  /** The socket type, SOCK_*, without creation flags. */
  get type(): SocketType<K> {
    return this[socketArguments].type as SocketType<K>
  }

  /** The protocol, IPPROTO_* or a number of the family; 0 selects the default protocol of the family. */
  get protocol(): number {
    return this[socketArguments].protocol
  }

  /**
   * The file descriptor, or −1 after `close()` or `detach()`.
   *
   * Code that knows the descriptor can share it, so after a read of `fd` `sendZeroCopy` copies.
   */
  get fd(): number {
    this.channel.shared = true
    return this.channel.fd
  }

  /** True after `close()` or `detach()`. */
  get closed(): boolean {
    return this.channel.fd < 0
  }

  /**
   * The default timeout of every operation, in milliseconds.
   *
   * `null` waits without a limit. 0 does not wait: the operation fails with `EAGAIN` if it cannot complete at once.
   */
  get timeout(): number | null {
    return this.#timeout
  }

  set timeout(timeout: number | null) {
    this.#timeout = checkTimeout('timeout', timeout)
  }

  /** The address that the socket is bound to, or `null`. Never throws. getsockname(2) */
  get localAddress(): A | null {
    const result = this.closed ? -1 : native.getsockname(this.channel.id)
    return result < 0
      ? null
      : (readAddress(this.channel, DIRECT, reactor.memory.state[STATE_ADDRESS]!) as A | null)
  }

  /**
   * The address of the peer, or `null`. Never throws. getpeername(2)
   *
   * An accepted connection has it without another system call.
   */
  get remoteAddress(): A | null {
    if (typeof this.#remote !== 'object') this.#remote = unpackAddress(this.channel, this.#remote) as A | null
    if (this.#remote !== null) return this.#remote
    const result = this.closed ? -1 : native.getpeername(this.channel.id)
    return result < 0
      ? null
      : (readAddress(this.channel, DIRECT, reactor.memory.state[STATE_ADDRESS]!) as A | null)
  }

  /** Returns the address that the socket is bound to. getsockname(2) */
  getsockname(): A {
    check(this, 'getsockname', native.getsockname(this.channel.id))
    return reported(this)
  }

  /** Returns the address of the peer; throws `ENOTCONN` without one. getpeername(2) */
  getpeername(): A {
    check(this, 'getpeername', native.getpeername(this.channel.id))
    return reported(this)
  }

  /**
   * Binds the socket to a local address. bind(2)
   *
   * With port 0 the kernel chooses the port. On Linux, an empty AF_UNIX name lets the kernel choose the name.
   */
  bind(address: AddressLike<A>): this {
    const bytes = this.channel.network.addresses.encode(address, this.family)
    const result = this.closed ? 0 : native.bind(this.channel.id, bytes)
    check(this, 'bind', result, bytes)
    return this
  }

  /**
   * Makes the socket accept connections. listen(2)
   *
   * `backlog` is the maximum number of connections that wait to be accepted. The default is SOMAXCONN, but at most
   * 128. A negative value counts as 0.
   */
  listen(backlog: number = Math.min(SOMAXCONN, 128)): this {
    const limit = checkInteger('backlog', backlog, -0x80000000, 0x7fffffff)
    check(this, 'listen', native.listen(this.channel.id, Math.max(0, limit)))
    this.channel.ensureExtras().backlog = Math.max(0, limit)
    return this
  }

  /** Shuts down the reading side (`SHUT_RD`), the writing side (`SHUT_WR`), or both (`SHUT_RDWR`). shutdown(2) */
  shutdown(how: number): void {
    check(this, 'shutdown', native.shutdown(this.channel.id, checkInt('how', how)))
    reactor.serveOthers(this.channel) // no edge tells an AF_UNIX stream that waits to write
  }

  /** Makes waiting operations keep the process alive, which is the default. */
  ref(): this {
    reactor.setRef(this.channel, true)
    return this
  }

  /** Stops waiting operations from keeping the process alive. */
  unref(): this {
    reactor.setRef(this.channel, false)
    return this
  }

  /**
   * Makes reads and accepts retry for up to `microseconds` before they wait. The default is 0.
   *
   * Only operations that return promises are affected. The event loop is blocked during the retries, so this suits
   * processes that have a CPU core to themselves and few sockets. After 64 operations in a row the event loop gets
   * a turn. See also `options.SO_BUSY_POLL`, which makes the kernel poll the network device.
   */
  busyPoll(microseconds: number): this {
    this.channel.ensureExtras().spin = checkInteger('microseconds', microseconds, 0, 1_000_000) / 1000
    return this
  }

  /**
   * Gives up the file descriptor without closing it, and returns it. The caller owns it from then on.
   *
   * Returns −1 if the socket is closed. Throws `EBUSY` while operations wait, and while the socket holds data that only
   * this socket can still return: bytes of a reader, of a failed transfer or receive, or messages of a loop that ended
   * early. Throws it too if a stream, a dgram socket, a server or `onMessage` receives on this socket.
   *
   * With `blocking: true` the descriptor is blocking, see `setBlocking`.
   */
  detach(options?: DetachOptions): number {
    const blocking = checkDetach(options)
    if (this.closed) return -1
    checkFree(this, 'detach')
    if (blocking) setBlocking(this.channel, true)
    try {
      const fd = reactor.detach(this.channel)
      release(this.channel)
      return fd
    } catch (error) {
      if (blocking) setBlocking(this.channel, false)
      throw error
    }
  }

  /**
   * Closes the file descriptor. close(2)
   *
   * Waiting operations reject with `ECANCELED`. Later calls do nothing.
   *
   * `close` never waits for the peer. A linger time of SO_LINGER is disabled first, which also affects other
   * holders of the open socket. The kernel then delivers queued bytes in the background. A linger time of 0 still
   * resets the connection.
   */
  close(): void {
    if (this.closed) return
    release(this.channel)
    reactor.close(this.channel)
  }

  /** Calls `close()` at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** Calls `close()` at the end of an `await using` block. */
  // eslint-disable-next-line @typescript-eslint/require-await -- an error of close() is a rejection here
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  /** Returns whether a child process inherits the descriptor across execve(2). False for a new socket. fcntl(2) */
  getInheritable(): boolean {
    const flags = native.fcntl(this.channel.id, F_GETFD, 0)
    check(this, 'fcntl', flags)
    return (flags & FD_CLOEXEC) === 0
  }

  /** Sets whether a child process inherits the descriptor across execve(2). fcntl(2) FD_CLOEXEC */
  setInheritable(on: boolean): void {
    checkBoolean('on', on)
    if (on) this.channel.shared = true
    check(this, 'fcntl', native.fcntl(this.channel.id, F_SETFD, on ? 0 : FD_CLOEXEC))
  }

  /**
   * Returns the value of an option. getsockopt(2)
   *
   * Without `size` the value is a number. With `size` it is a Buffer of up to `size` bytes, as many as the kernel
   * returned.
   */
  getsockopt(level: number, name: number): number
  getsockopt(level: number, name: number, size: number): NonSharedBuffer
  getsockopt(level: number, name: number, size?: number): number | NonSharedBuffer {
    const l = checkInt('level', level)
    const n = checkInt('name', name)
    const bytes = size === undefined ? null : Buffer.alloc(checkInteger('size', size, 0, 1 << 24))
    wide[0] = 0
    wide[1] = 0
    const length = native.getsockopt(this.channel.id, l, n, bytes ?? integerOf(this, l))
    if (length < 0) checkOption(this, 'getsockopt', length, describeOption(l, n))
    if (bytes !== null) return bytes.subarray(0, length)
    return length === 1 ? wide[0] & 0xff : length === 8 ? wide[0] + wide[1] * 2 ** 32 : wide[0]
  }

  /**
   * Sets an option. setsockopt(2)
   *
   * A number or a boolean is passed as an int, and bytes are passed unchanged. `null` passes a NULL pointer with length
   * `size`. SO_RCVTIMEO and SO_SNDTIMEO throw `EPERM`, because they have no effect on sockets that do not block: use
   * `timeout`.
   */
  setsockopt(
    level: number,
    name: number,
    value: number | boolean | ArrayBufferView | null,
    size?: number,
  ): void {
    const l = checkInt('level', level)
    const n = checkInt('name', name)
    let bytes: ArrayBufferView | null
    let length: number
    if (value === null) {
      bytes = null
      length = checkInteger('size', size ?? 0, 0, 0x7fffffff)
    } else if (typeof value === 'number' || typeof value === 'boolean') {
      wide[0] = checkInt('value', Number(value))
      wide[1] = 0
      bytes = integerOf(this, l)
      length = byteLengthOf(bytes)
    } else {
      bytes = checkBytes('value', value)
      const available = byteLengthOf(bytes)
      length = size === undefined ? available : checkInteger('size', size, 0, available)
    }
    setOptionBytes(this, l, n, bytes, length)
  }

  /** Returns the value of a typed option: `socket.get(options.TCP_INFO)`. getsockopt(2) */
  get<T>(option: ReadableOption<T>): T {
    return getOption(new SocketOptions(this), option)
  }

  /** Sets a typed option: `socket.set(options.IP_TTL, 9)`. setsockopt(2) */
  set<T>(option: WritableOption<T>, value: NoInfer<T>): this {
    setOption(new SocketOptions(this), option, value)
    return this
  }

  /**
   * Selects the metadata that `recvmsg` returns as `message.meta`. ip(7), ipv6(7), socket(7), unix(7)
   *
   * Each key enables (`true`) or disables (`false`) the options of the socket's family. Keys that are absent stay
   * as they are. On a dual-stack AF_INET6 socket of Linux, a key applies to both versions of IP.
   *
   * Throws `ENOPROTOOPT` if this kind of socket or system does not support a key; nothing is changed then. Throws a
   * TypeError for an unknown key.
   *
   * @example
   * socket.receiveMeta({ packetInfo: true, ttl: true, timestamp: 'ns' })
   */
  receiveMeta(want: WantedMeta): this {
    check(this, 'setsockopt', 0)
    receiveMeta(this, want)
    return this
  }

  /**
   * Controls sockets and network interfaces. ioctl(2), netdevice(7)
   *
   * A number (0 by default) is passed as an `int *`, and the result is the int that the kernel stored there
   * (`FIONREAD`). Bytes are passed to the kernel and changed by it, and the result is that of the call. The result of
   * `SIOCGSKNS` is always a new file descriptor, which the caller must close.
   *
   * Only known requests are allowed; others throw `EPERM`. Requests with a pointer in their argument
   * (`SIOCGIFCONF`, `SIOCETHTOOL`) also throw `EPERM`, because the address and the size cannot be checked. The
   * error text says that this package refused the request.
   */
  ioctl(request: number, argument: number | ArrayBufferView = 0): number {
    const code = checkInt('request', request)
    if (typeof argument === 'number') {
      wide[0] = checkInt('argument', argument)
      wide[1] = 0
      const result = native.ioctl(this.channel.id, code, wide)
      checkOption(this, 'ioctl', result, '', code)
      return code >>> 0 === SIOCGSKNS ? result : wide[0]
    }
    const result = native.ioctl(this.channel.id, code, checkBytes('argument', argument))
    checkOption(this, 'ioctl', result, '', code)
    return result
  }

  /**
   * Joins an IPv4 or IPv6 multicast group on one interface. ip(7), ipv6(7)
   *
   * The socket receives datagrams to the group from every sender, or from `options.source` only. The membership
   * ends with `leave()` or when the socket is closed. An AF_INET6 socket without IPV6_V6ONLY can also join an IPv4
   * group.
   *
   * The port is that of bind(2). On Linux a socket also receives datagrams to groups that other sockets joined. To
   * prevent that, bind to the address of the group, or disable `options.IP_MULTICAST_ALL`.
   *
   * Throws `ERR_INVALID_ADDRESS` if `group` is not a multicast address, and `EADDRINUSE` if it is already joined.
   * Throws `ENODEV` if the interface does not exist, or if none was given and no route leads to the group. Throws
   * `ENOBUFS` above net.ipv4.igmp_max_memberships (20) or, with a source, above net.ipv4.igmp_max_msf (10).
   *
   * @example
   * using membership = socket.joinGroup('239.1.2.3', { interface: 'eth0' })
   * membership.block('10.0.0.9')
   */
  joinGroup(group: string, options?: JoinOptions): Membership {
    return joinGroup(this, group, options)
  }

  /** @internal Returns the fields that JSON shows. */
  summary(): object {
    return shown(this, this.fd)
  }

  /** Returns the text for util.inspect and console.log: descriptor, family, type and both addresses. Never throws. */
  [inspect.custom](_depth: number, options: object): string {
    const name = this.closed ? 'Socket [closed]' : 'Socket'
    return `${name} ${inspect(shown(this, this.channel.fd), { ...options, compact: true, breakLength: Infinity })}`
  }
}

// These are functions, not private methods: each class with a private method adds a hidden field to every socket.

/** Returns the memory for an option of this level whose value is a number. */
function integerOf({ family }: BaseSocket, level: number): Int32Array {
  return level === AF_VSOCK && family === AF_VSOCK ? wide : integer
}

/** Returns the fields that JSON and util.inspect show. */
function shown({ family, type, protocol, localAddress, remoteAddress }: BaseSocket, fd: number): object {
  const number = (prefix: string, value: number): string => nameOf(prefix, value)
  const text = (address: Address | null): string | null => (address === null ? null : String(address))
  return {
    fd,
    family: number('AF_', family),
    type: number('SOCK_', type),
    protocol,
    local: text(localAddress),
    remote: text(remoteAddress),
  }
}

/** Returns the address that the kernel reported, or for an empty one an address without data. */
function reported<A extends Address>({ channel, family }: BaseSocket<A>): A {
  const address = readAddress(channel, DIRECT, reactor.memory.state[STATE_ADDRESS]!)
  const { addresses } = channel.network
  return (address ?? addresses.decode(addresses.encode({ family, data: new Uint8Array(0) }, family))) as A
}

/** True for stream sockets, which do not preserve message boundaries. */
export function isStream(socket: BaseSocket): boolean {
  return socket.type === SOCK_STREAM
}

/** True for the families of IP. */
export function isInet(socket: BaseSocket): boolean {
  return socket.family === AF_INET || socket.family === AF_INET6
}

/** True if poll(2) does not report when a full receiver has room again: see Sendto. */
export function isUnixDatagram(socket: BaseSocket): boolean {
  return socket.family === AF_UNIX && socket.type === SOCK_DGRAM
}
