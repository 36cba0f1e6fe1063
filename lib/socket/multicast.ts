import { formatIPv6, parseIPv4, parseIPv6 } from '../address/text'
import { native } from '../binding/binding'
import { AF_INET } from '../constants'
import { closed, interfaceError, invalidAddress, invalidType, SocketError, systemError } from '../errors'
import { errnoOf } from '../errors/errno'
import type { MulticastSource } from '../options'
import { hostContext } from '../options/context'
import * as ip from '../options/ip'
import * as ipv6 from '../options/ipv6'
import type { Channel } from '../reactor/channel'
import { checkOptions } from '../validators'
import { checkInteger, checkText } from '../errors/argument'

/** Describes the options of `joinGroup`. */
export interface JoinOptions {
  /**
   * The interface: its index, its name, or one of its IPv4 addresses, in the network namespace of the socket.
   *
   * If absent or 0, the kernel uses the interface of its route to the group.
   */
  interface?: string | number | undefined
  /** The IP address of the only sender to receive from (source-specific multicast). If absent, every sender. */
  source?: string | undefined
}

/** Describes the members of a socket that joinGroup needs. */
interface Member {
  readonly family: number
  readonly closed: boolean
  readonly channel: Channel
}

/** The options for one version of IP: MCAST_* of RFC 3678, which identify the interface by its index. */
interface Calls {
  readonly join: typeof ip.MCAST_JOIN_GROUP
  readonly leave: typeof ip.MCAST_LEAVE_GROUP
  readonly joinSource: typeof ip.MCAST_JOIN_SOURCE_GROUP
  readonly leaveSource: typeof ip.MCAST_LEAVE_SOURCE_GROUP
  readonly block: typeof ip.MCAST_BLOCK_SOURCE
  readonly unblock: typeof ip.MCAST_UNBLOCK_SOURCE
}

const inet: Calls = {
  join: ip.MCAST_JOIN_GROUP,
  leave: ip.MCAST_LEAVE_GROUP,
  joinSource: ip.MCAST_JOIN_SOURCE_GROUP,
  leaveSource: ip.MCAST_LEAVE_SOURCE_GROUP,
  block: ip.MCAST_BLOCK_SOURCE,
  unblock: ip.MCAST_UNBLOCK_SOURCE,
}

const inet6: Calls = {
  join: ipv6.MCAST6_JOIN_GROUP,
  leave: ipv6.MCAST6_LEAVE_GROUP,
  joinSource: ipv6.MCAST6_JOIN_SOURCE_GROUP,
  leaveSource: ipv6.MCAST6_LEAVE_SOURCE_GROUP,
  block: ipv6.MCAST6_BLOCK_SOURCE,
  unblock: ipv6.MCAST6_UNBLOCK_SOURCE,
}

/** Represents the membership of a socket in a multicast group. Returned by `joinGroup`. */
export class Membership implements Disposable {
  /** The address of the group, as inet_ntop(3) writes it. */
  readonly group: string
  /** The index of the interface; 0 if the kernel chose one by its routes. */
  readonly interface: number
  /** The address of the only sender to receive from; `null` for every sender. */
  readonly source: string | null
  readonly #socket: Member
  readonly #calls: Calls
  #left = false

  /** @internal */
  constructor(socket: Member, calls: Calls, group: string, device: number, source: string | null) {
    this.#socket = socket
    this.#calls = calls
    this.group = group
    this.interface = device
    this.source = source
    this.#call(source === null ? calls.join : calls.joinSource, source)
  }

  /** Leaves the group. Later calls do nothing. Closing the socket also leaves every group. */
  leave(): void {
    if (this.#left || this.#socket.closed) return
    this.#call(this.source === null ? this.#calls.leave : this.#calls.leaveSource, this.source)
    this.#left = true
  }

  /** Calls `leave()` at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.leave()
  }

  /**
   * Stops receiving from one sender. Messages that already arrived can still be received.
   *
   * Throws `EADDRNOTAVAIL` if the sender is already blocked, `ENOBUFS` above net.ipv4.igmp_max_msf (10), and
   * `EINVAL` if the membership has a `source`.
   */
  block(source: string): void {
    this.#change(this.#calls.block, source)
  }

  /** Receives from a blocked sender again. Throws `EADDRNOTAVAIL` if the sender is not blocked. */
  unblock(source: string): void {
    this.#change(this.#calls.unblock, source)
  }

  #change(option: Calls['block'], value: string): void {
    const source = checkSource(this.#calls, value)
    if (this.#socket.closed) throw closed('setsockopt')
    if (this.#left) throw refusal('EADDRNOTAVAIL', `${nameInC(option)}: the socket has left ${this.group}`)
    if (this.source !== null) {
      throw refusal(
        'EINVAL',
        `${nameInC(option)}: this membership of ${this.group} receives from ${this.source} only`,
      )
    }
    this.#call(option, source)
  }

  #call(option: Calls['join'] | Calls['block'], source: string | null): void {
    if (this.#socket.closed) throw closed('setsockopt')
    const { group, interface: device } = this
    const value = { group, interface: device, ...(source === null ? {} : { source }) } as MulticastSource
    const name = nameInC(option)
    const bytes = option.codec.encode(hostContext, value, name)
    const result = native.setsockopt(
      this.#socket.channel.id,
      option.level!,
      option.option!,
      bytes,
      bytes.length,
    )
    if (result < 0) {
      const from = source === null ? '' : ` from ${source}`
      throw systemError('setsockopt', result, { subject: `${name} ${group}${from}` })
    }
  }
}

/** Implements BaseSocket.joinGroup. */
export function joinGroup(socket: Member, value: string, given?: JoinOptions): Membership {
  checkText('group', value)
  const options = checkOptions('options', given, ['interface', 'source'])
  const [text = '', zone] = value.split('%', 2)
  const group = canonical(text)
  if (group === null || !isMulticast(text)) {
    throw invalidAddress(value, 'not a numeric multicast address (224.0.0.0/4 or ff00::/8)')
  }
  const calls = callsFor(text)
  if (calls === inet6 && socket.family === AF_INET) {
    throw invalidAddress(value, 'this is an IPv6 group and the socket is AF_INET; open it with AF_INET6')
  }
  const source = options.source === undefined ? null : checkSource(calls, options.source)
  if (socket.closed) throw closed('setsockopt')
  return new Membership(socket, calls, group, interfaceOf(socket, value, zone, options.interface), source)
}

/** Returns the C name of an option, which is the same for both versions of IP. */
const nameInC = ({ name }: { name: string }): string => name.replace('MCAST6', 'MCAST')

function callsFor(address: string): Calls {
  return parseIPv4(address) >= 0 ? inet : inet6
}

/** Returns an address as inet_ntop(3) writes it, or null. */
function canonical(text: string): string | null {
  if (parseIPv4(text) >= 0) return text
  const bytes = parseIPv6(text)
  return bytes === null ? null : formatIPv6(bytes)
}

function isMulticast(text: string): boolean {
  const v4 = parseIPv4(text)
  return v4 >= 0 ? v4 >= 0xe0000000 && v4 < 0xf0000000 : parseIPv6(text)?.[0] === 0xff
}

function checkSource(calls: Calls, value: unknown): string {
  if (typeof value !== 'string') throw invalidType('source', 'string', value)
  const source = canonical(value)
  if (source === null || callsFor(source) !== calls) {
    throw invalidAddress(value, `the source must be a numeric ${calls === inet ? 'IPv4' : 'IPv6'} address`)
  }
  return source
}

/** Returns the index of the interface, from the option or from the zone of the group. */
function interfaceOf(socket: Member, group: string, zone: string | undefined, option: unknown): number {
  const given = option === undefined ? 0 : indexOf(socket, option)
  if (zone === undefined) return given
  const zoned = indexOf(socket, /^\d+$/.test(zone) ? Number(zone) : zone)
  if (given !== 0 && given !== zoned) {
    throw invalidAddress(group, `its zone is interface ${zoned} and options.interface is ${given}`)
  }
  return zoned
}

function indexOf(socket: Member, value: unknown): number {
  if (typeof value === 'number') return checkInteger('options.interface', value, 0, 0x7fffffff)
  const name = checkText('options.interface', value, 'string or number')
  const address = parseIPv4(name)
  const { id } = socket.channel
  const bytes = Buffer.alloc(4)
  if (address >= 0) bytes.writeUInt32BE(address)
  const index =
    address >= 0 ? native.interfaceOfAddress(id, bytes) : native.interfaceIndex(id, Buffer.from(name))
  if (index >= 0) return index
  if (address < 0) throw interfaceError(index, name)
  throw systemError('if_nametoindex', index, { subject: `no interface has the address ${name}` })
}

/** Returns the error that the kernel would report, with a more specific message. */
function refusal(code: string, reason: string): SocketError {
  return new SocketError(`setsockopt ${code} ${reason}`, code, errnoOf(code), 'setsockopt')
}

/**
 * Joins or leaves a group without a Membership, for node:dgram's calls. Returns 0 or −errno. Throws if an argument is
 * no address.
 */
export function changeMembership(
  socket: Member,
  change: 'join' | 'leave' | 'joinSource' | 'leaveSource',
  value: string,
  source: string | null,
  interfaceText: string | undefined,
): number {
  const [text = '', zone] = value.split('%', 2)
  const group = canonical(text)
  if (group === null) throw invalidAddress(value, 'not a numeric address')
  const calls = callsFor(text)
  const from = source === null ? null : checkSource(calls, source)
  // node:dgram names an interface of IPv6 by the zone of any address: '::%eth0'.
  const named = interfaceText?.includes('%') === true ? interfaceText.split('%', 2)[1] : interfaceText
  const device = interfaceOf(socket, value, zone, named === '' || isWildcard(named) ? undefined : named)
  const option = calls[change]
  const request = { group, interface: device, ...(from === null ? {} : { source: from }) } as MulticastSource
  const bytes = option.codec.encode(hostContext, request, nameInC(option))
  return native.setsockopt(socket.channel.id, option.level!, option.option!, bytes, bytes.length)
}

function isWildcard(address: string | undefined): boolean {
  return address === '0.0.0.0' || address === '::'
}
