import { inspect } from 'node:util'
import type { Address, AddressLike } from '../address'
import { native } from '../binding/binding'
import { DIRECT } from '../binding/memory'
import { STATE_ADDRESS, STATE_SECOND } from '../binding/shared'
import { AF_INET, AF_INET6, AF_UNIX, nameOf, SOCK_DGRAM, SOCK_STREAM } from '../constants'
import { invalidType, systemError, closed } from '../errors'
import { EPERM } from '../errors/errno'
import { refusal } from '../errors/refusals'
import { addresses, platform } from '../host'
import {
  getOption,
  setOption,
  type OptionCalls,
  type ReadableOption,
  type WritableOption,
} from '../options/option'
import { reactor, readAddress } from '../reactor'
import type { Channel } from '../reactor/channel'
import { reclaim, release } from '../reactor/finalizer'
import { defaultTimeout } from '../reactor/timeouts'
import { byteLengthOf } from '../struct'
import { checkBytes, checkInt, checkInteger, checkTimeout } from '../validators'
import { Adoption, create, CREATION_FLAGS } from './create'
import { joinGroup, type JoinOptions, type Membership } from './multicast'
import { checkCreationOptions, type CreationOptions } from './namespace'
import { receiveMeta, type WantedMeta } from './receive-meta'

const constants = platform.constants

// An own property that is a function makes structuredClone and postMessage throw DataCloneError with this
// text in it, where they would otherwise hand over an empty object.
// prettier-ignore
function toJSON(this: BaseSocket): object { /* a Socket belongs to one thread: hand over detach() */ return this.summary() }

const integer = new Int32Array(2)
const integerSize = new Int32Array(1)

/**
 * What both flavours of Socket share: everything that never waits. `bsd-sockets` adds promises,
 * `bsd-sockets/sync` adds calls that block.
 */
export abstract class BaseSocket implements Disposable, AsyncDisposable {
  /** AF_*. */
  readonly family: number
  /** SOCK_*, without creation flags. */
  readonly type: number
  /** IPPROTO_* or what the family uses; 0 is the family's own choice. */
  readonly protocol: number
  /** @internal */
  readonly channel: Channel
  /** Own and enumerable on purpose: see above. */
  readonly toJSON = toJSON
  #timeout: number | null = defaultTimeout()
  #remote: Address | null = null

  constructor(
    family: number | Adoption = AF_INET,
    type: number = SOCK_STREAM,
    protocol = 0,
    options?: CreationOptions,
  ) {
    if (family instanceof Adoption) {
      this.channel = family.channel
      this.family = family.family
      this.type = family.type
      this.protocol = family.protocol
      this.#remote = family.remote
    } else {
      this.family = checkInt('family', family)
      this.type = checkInt('type', type) & ~CREATION_FLAGS
      this.protocol = checkInt('protocol', protocol)
      const netns = checkCreationOptions(options)
      this.channel = create(this.family, this.type, this.protocol, netns)
    }
    this.channel.messages = this.type !== SOCK_STREAM
    reclaim(this.channel)
  }

  /** The descriptor; −1 once closed or detached. */
  get fd(): number {
    return this.channel.fd
  }

  /** True after close() or detach(). */
  get closed(): boolean {
    return this.channel.fd < 0
  }

  /** Milliseconds that every operation waits by default: `null` for ever, 0 not at all (`EAGAIN`). */
  get timeout(): number | null {
    return this.#timeout
  }

  set timeout(timeout: number | null) {
    this.#timeout = checkTimeout('timeout', timeout)
  }

  /** Where it is bound, or `null`. Never throws. */
  get localAddress(): Address | null {
    const result = this.closed ? -1 : native.getsockname(this.channel.id)
    return result < 0 ? null : readAddress(DIRECT, reactor.memory.state[STATE_ADDRESS]!)
  }

  /** The other end, or `null`. Known without a system call for an accepted connection. Never throws. */
  get remoteAddress(): Address | null {
    if (this.#remote !== null) return this.#remote
    const result = this.closed ? -1 : native.getpeername(this.channel.id)
    return result < 0 ? null : readAddress(DIRECT, reactor.memory.state[STATE_ADDRESS]!)
  }

  /** getsockname(2). */
  getsockname(): Address {
    check(this, 'getsockname', native.getsockname(this.channel.id))
    return readAddress(DIRECT, reactor.memory.state[STATE_ADDRESS]!) ?? addresses.decode(this.#familyBytes())!
  }

  /** getpeername(2). `ENOTCONN` without a peer. */
  getpeername(): Address {
    check(this, 'getpeername', native.getpeername(this.channel.id))
    return readAddress(DIRECT, reactor.memory.state[STATE_ADDRESS]!) ?? addresses.decode(this.#familyBytes())!
  }

  /** bind(2). Port 0 and, on Linux, the empty AF_UNIX name let the kernel choose. */
  bind(address: AddressLike): this {
    const bytes = addresses.encode(address, this.family)
    const result = this.closed ? 0 : native.bind(this.channel.id, bytes)
    check(this, 'bind', result, bytes)
    return this
  }

  /** listen(2). Default backlog: the smaller of SOMAXCONN and 128; a negative one counts as 0. */
  listen(backlog: number = Math.min(constants.SOMAXCONN ?? 128, 128)): this {
    const limit = checkInteger('backlog', backlog, -0x80000000, 0x7fffffff)
    check(this, 'listen', native.listen(this.channel.id, Math.max(0, limit)))
    this.channel.ensureExtras().backlog = Math.max(0, limit)
    return this
  }

  /** shutdown(2): `SHUT_RD`, `SHUT_WR` or `SHUT_RDWR`. */
  shutdown(how: number): void {
    check(this, 'shutdown', native.shutdown(this.channel.id, checkInt('how', how)))
  }

  /** Operations that wait keep the process alive again. */
  ref(): this {
    reactor.setRef(this.channel, true)
    return this
  }

  /** Operations that wait no longer keep the process alive. */
  unref(): this {
    reactor.setRef(this.channel, false)
    return this
  }

  /**
   * Lets reads and accepts of the promise form try for up to so many microseconds before they wait; 0, the default,
   * lets them wait at once. It holds the event loop for that time, again and again: for a few sockets
   * of a process that has nothing better to do with its core. After 64 operations in a row the loop gets
   * a turn. See also `options.SO_BUSY_POLL`, which makes the kernel ask a network device.
   */
  busyPoll(microseconds: number): this {
    this.channel.ensureExtras().spin = checkInteger('microseconds', microseconds, 0, 1_000_000) / 1000
    return this
  }

  /**
   * Gives the descriptor up, open: the caller owns it now. −1 if there was none. `EBUSY` while operations wait, and
   * while there are bytes that a failed transfer has given back: only this socket can still receive them.
   */
  detach(): number {
    if (this.closed) return -1
    const fd = reactor.detach(this.channel)
    release(this.channel)
    return fd
  }

  /**
   * Closes the descriptor. Idempotent; operations that wait reject with `ECANCELED`. close(2)
   *
   * `close` never waits for the peer. A linger time of SO_LINGER is switched off first, also for other holders of the open
   * socket: the kernel delivers what is queued in the background. A linger time of 0 still resets the connection.
   */
  close(): void {
    if (this.closed) return
    release(this.channel)
    reactor.close(this.channel)
  }

  /** `close()`, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** `close()`, at the end of an `await using` block. */
  // eslint-disable-next-line @typescript-eslint/require-await -- an error of close() is a rejection here
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  /** Whether a child process that is started without further care gets the descriptor. False from birth. */
  getInheritable(): boolean {
    const flags = native.fcntl(this.channel.id, constants.F_GETFD!, 0)
    check(this, 'fcntl', flags)
    return (flags & constants.FD_CLOEXEC!) === 0
  }

  /** Sets or clears close-on-exec. */
  setInheritable(on: boolean): void {
    if (typeof on !== 'boolean') throw invalidType('on', 'boolean', on)
    check(this, 'fcntl', native.fcntl(this.channel.id, constants.F_SETFD!, on ? 0 : constants.FD_CLOEXEC!))
  }

  /** getsockopt(2): the number, or `size` bytes trimmed to what the kernel returned. */
  getsockopt(level: number, name: number): number
  getsockopt(level: number, name: number, size: number): Buffer
  getsockopt(level: number, name: number, size?: number): number | Buffer {
    const [l, n] = [checkInt('level', level), checkInt('name', name)]
    const bytes = size === undefined ? null : Buffer.alloc(checkInteger('size', size, 0, 1 << 24))
    integer.fill(0)
    // Options of AF_VSOCK are 64 bits wide.
    integerSize[0] = bytes?.length ?? (this.family === constants.AF_VSOCK && l === this.family ? 8 : 4)
    const result = native.getsockopt(this.channel.id, l, n, bytes ?? integer, integerSize)
    if (result < 0) checkOption(this, 'getsockopt', result, describeOption(l, n))
    const length = integerSize[0]
    if (bytes !== null) return bytes.subarray(0, length)
    return length === 1
      ? integer[0]! & 0xff
      : length === 8
        ? integer[0]! + integer[1]! * 2 ** 32
        : integer[0]!
  }

  /** setsockopt(2): a number or boolean as an int, bytes as they are, or `null` with a size for a NULL value. */
  setsockopt(
    level: number,
    name: number,
    value: number | boolean | ArrayBufferView | null,
    size?: number,
  ): void {
    const [l, n] = [checkInt('level', level), checkInt('name', name)]
    let bytes: ArrayBufferView | null
    let length: number
    if (value === null) {
      bytes = null
      length = checkInteger('size', size ?? 0, 0, 0x7fffffff)
    } else if (typeof value === 'number' || typeof value === 'boolean') {
      integer[0] = checkInt('value', Number(value))
      integer[1] = 0
      bytes = integer
      length = this.family === constants.AF_VSOCK && l === this.family ? 8 : 4
    } else {
      bytes = checkBytes('value', value)
      const available = byteLengthOf(bytes)
      length = size === undefined ? available : checkInteger('size', size, 0, available)
    }
    const result = native.setsockopt(this.channel.id, l, n, bytes, length)
    if (result < 0) checkOption(this, 'setsockopt', result, describeOption(l, n))
  }

  /** getsockopt(2) of a typed option: `socket.get(options.TCP_INFO)`. */
  get<T>(option: ReadableOption<T>): T {
    return getOption(new SocketOptions(this), option)
  }

  /** setsockopt(2) of a typed option: `socket.set(options.IP_TTL, 9)`. */
  set<T>(option: WritableOption<T>, value: NoInfer<T>): this {
    setOption(new SocketOptions(this), option, value)
    return this
  }

  /**
   * What shall come with each message, decoded, as `message.meta` of `recvmsg`: switches the options of the
   * family on (`true`), off (`false`) or leaves them. On a dual-stack AF_INET6 socket of Linux for both versions
   * of IP. What this kind of socket or system does not have is `ENOPROTOOPT`, and then nothing was changed;
   * an unknown name is a TypeError. ip(7), ipv6(7), socket(7), unix(7)
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
   * ioctl(2), for sockets and interfaces. A number (0 by default) is passed as an `int *`, and what the kernel left
   * there is the result (`FIONREAD`). Bytes are passed in and out, and the call's own result is returned.
   *
   * `EPERM` for every other request, and for those whose argument holds an address (`SIOCGIFCONF`, `SIOCETHTOOL`):
   * the kernel does not ask how large the argument is, and nothing can check where an address points to. The text of
   * the error then says that it is the package that refuses. netdevice(7)
   */
  ioctl(request: number, argument: number | ArrayBufferView = 0): number {
    const code = checkInt('request', request)
    if (typeof argument === 'number') {
      integer[0] = checkInt('argument', argument)
      integer[1] = 0
      checkOption(this, 'ioctl', native.ioctl(this.channel.id, code, integer), '', code)
      return integer[0]
    }
    const result = native.ioctl(this.channel.id, code, checkBytes('argument', argument))
    checkOption(this, 'ioctl', result, '', code)
    return result
  }

  /**
   * Hears a multicast group, of IPv4 or IPv6, from everybody or from one `source`; once for each interface. An
   * IPv4 group also on an AF_INET6 socket that is not IPV6_V6ONLY. The membership ends with `leave()` or with the
   * socket. The port is that of bind(2): bind to the group's address to get nothing else, or else turn off
   * `options.IP_MULTICAST_ALL`, by which Linux delivers what other sockets joined as well. ip(7), ipv6(7)
   *
   * `ERR_INVALID_ADDRESS` for what is no multicast address; `EADDRINUSE` when joined already; `ENODEV` for an
   * interface that does not exist, and without one where no route leads to the group; `ENOBUFS` above
   * net.ipv4.igmp_max_memberships (20) or, for sources, igmp_max_msf (10).
   *
   * @example
   * using membership = socket.joinGroup('239.1.2.3', { interface: 'eth0' })
   * membership.block('10.0.0.9')
   */
  joinGroup(group: string, options?: JoinOptions): Membership {
    return joinGroup(this, group, options)
  }

  /** @internal What JSON and util.inspect show. */
  summary(): object {
    const number = (prefix: string, value: number): string => nameOf(prefix, value)
    const text = (address: Address | null): string | null => (address === null ? null : String(address))
    return {
      fd: this.fd,
      family: number('AF_', this.family),
      type: number('SOCK_', this.type),
      protocol: this.protocol,
      local: text(this.localAddress),
      remote: text(this.remoteAddress),
    }
  }

  /** What util.inspect and console.log show: family, type and both addresses. Never throws. */
  [inspect.custom](_depth: number, options: object): string {
    const name = this.closed ? 'Socket [closed]' : 'Socket'
    return `${name} ${inspect(this.summary(), { ...options, compact: true, breakLength: Infinity })}`
  }

  #familyBytes(): Uint8Array {
    return addresses.encode({ family: this.family, data: new Uint8Array(0) }, this.family)
  }

  // C++ tells an EPERM of its own from one of the kernel; only the former says which request it was.
}

function check(
  socket: BaseSocket,
  syscall: string,
  result: number,
  address: Uint8Array | null = null,
  subject?: string,
): void {
  if (socket.closed) throw closed(syscall)
  if (result >= 0) return
  throw systemError(syscall, result, {
    address: address === null ? null : addresses.decode(address),
    subject,
  })
}

// C++ leaves the reason in the shared state when this package refuses a call, and not the kernel.
function checkOption(
  socket: BaseSocket,
  syscall: string,
  result: number,
  subject: string,
  request?: number,
): void {
  const reason = result === EPERM ? reactor.memory.state[STATE_SECOND]! : 0
  if (reason === 0 || socket.closed) return check(socket, syscall, result, null, subject)
  const what = request === undefined ? subject : describeRequest(request)
  throw systemError(syscall, result, { subject: what, refused: refusal(reason, what) })
}

/** The two system calls for the typed options of one socket. */
class SocketOptions implements OptionCalls {
  constructor(private readonly socket: BaseSocket) {}

  get(level: number, name: number, size: number, request?: Uint8Array): Buffer {
    const { socket } = this
    const bytes = Buffer.allocUnsafe(size).fill(0)
    if (request !== undefined) bytes.set(request)
    integerSize[0] = size
    const result = native.getsockopt(socket.channel.id, level, name, bytes, integerSize)
    if (result < 0) checkOption(socket, 'getsockopt', result, describeOption(level, name))
    const length = integerSize[0]
    return length === size ? bytes : bytes.subarray(0, length)
  }

  set(level: number, name: number, value: Uint8Array): void {
    this.socket.setsockopt(level, name, value)
  }

  setProgram(level: number, name: number, instructions: Uint8Array): void {
    const { socket } = this
    const result = native.setProgram(socket.channel.id, level, name, instructions)
    if (result < 0) checkOption(socket, 'setsockopt', result, describeOption(level, name))
  }
}

/** An option as C spells it: `SO_MARK`, `IP_TTL`; numbers where it is unknown. */
function describeOption(level: number, name: number): string {
  const prefixes: [number | undefined, string][] = [
    [constants.SOL_SOCKET, 'SO_'],
    [constants.IPPROTO_IP, 'IP_'],
    [constants.IPPROTO_IPV6, 'IPV6_'],
    [constants.IPPROTO_TCP, 'TCP_'],
    [constants.IPPROTO_UDP, 'UDP_'],
    [constants.SOL_PACKET, 'PACKET_'],
    [constants.SOL_NETLINK, 'NETLINK_option'],
    [constants.SOL_MPTCP, 'MPTCP_'],
    [constants.SOL_XDP, 'XDP_'],
  ]
  const prefix = prefixes.find(([number]) => number === level)?.[1]
  let text = prefix === undefined ? String(name) : nameOf(prefix, name)
  if (prefix === 'IP_' || prefix === 'IPV6_') text = text === String(name) ? nameOf('MCAST_', name) : text
  return text === String(name) ? `level ${level} option ${name}` : text
}

/** A request as C spells it, or its number. */
function describeRequest(code: number): string {
  const request = code >>> 0
  const text = nameOf('SIOC', request)
  return text === String(request) ? `0x${request.toString(16)}` : text
}

/** True for a connection that gives everything one sends, in order, without message borders. */
export function isStream(socket: BaseSocket): boolean {
  return socket.type === SOCK_STREAM
}

/** True for the families of IP. */
export function isInet(socket: BaseSocket): boolean {
  return socket.family === AF_INET || socket.family === AF_INET6
}

/** True where a full receiver is not seen by poll: see Sendto. */
export function isUnixDatagram(socket: BaseSocket): boolean {
  return socket.family === AF_UNIX && socket.type === SOCK_DGRAM
}
