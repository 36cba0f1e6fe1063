import { formatIPv6, parseIPv4, parseIPv6 } from '../address/text'
import { native } from '../binding/binding'
import { closed, interfaceError, invalidAddress, invalidType, SocketError, systemError } from '../errors'
import { errnoOf } from '../errors/errno'
import { platform } from '../host'
import type { MulticastSource } from '../options'
import * as ip from '../options/ip'
import * as ipv6 from '../options/ipv6'
import type { Channel } from '../reactor/channel'
import { checkOptions, checkInteger, checkText } from '../validators'

/** Where a group is heard, and from whom: see `joinGroup`. */
export interface JoinOptions {
  /**
   * Its index, its name, or one of its IPv4 addresses, in the network namespace of the socket. Absent or 0: that of
   * the route to the group.
   */
  interface?: string | number | undefined
  /** The only sender to hear (source-specific multicast), in numbers. Absent: everybody. */
  source?: string | undefined
}

/** What is needed of a socket. */
interface Member {
  readonly family: number
  readonly closed: boolean
  readonly channel: Channel
}

/** The calls for a version of IP: MCAST_* of RFC 3678, which name the interface by its index. */
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

/** That a socket hears a multicast group: what `joinGroup` gives. */
export class Membership implements Disposable {
  /** The group's address, as inet_ntop(3) writes it. */
  readonly group: string
  /** The index of the interface that it is heard on; 0 where the kernel chose one by its routes. */
  readonly interface: number
  /** The only sender that is heard; `null` for everybody. */
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

  /** Leaves the group. Does nothing the second time and after the socket was closed, which leaves every group. */
  leave(): void {
    if (this.#left || this.#socket.closed) return
    this.#call(this.source === null ? this.#calls.leave : this.#calls.leaveSource, this.source)
    this.#left = true
  }

  /** `leave()`, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.leave()
  }

  /**
   * No longer hears one sender; what it sent before may still wait to be received. Again is `EADDRNOTAVAIL`, above
   * net.ipv4.igmp_max_msf (10) `ENOBUFS`, in a membership of one source `EINVAL`.
   */
  block(source: string): void {
    this.#change(this.#calls.block, source)
  }

  /** Hears a sender again that was blocked, else `EADDRNOTAVAIL`. */
  unblock(source: string): void {
    this.#change(this.#calls.unblock, source)
  }

  #change(option: Calls['block'], value: string): void {
    const source = checkSource(this.#calls, value)
    if (this.#socket.closed) throw closed('setsockopt')
    if (this.#left) throw refusal('EADDRNOTAVAIL', `${nameInC(option)}: ${this.group} was left`)
    if (this.source !== null) {
      throw refusal(
        'EINVAL',
        `${nameInC(option)}: this membership of ${this.group} hears ${this.source} alone`,
      )
    }
    this.#call(option, source)
  }

  #call(option: Calls['join'] | Calls['block'], source: string | null): void {
    if (this.#socket.closed) throw closed('setsockopt')
    const { group, interface: device } = this
    const value = { group, interface: device, ...(source === null ? {} : { source }) } as MulticastSource
    const name = nameInC(option)
    const bytes = option.codec.encode(platform, value, name)
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

/** Of BaseSocket, where it is described. */
export function joinGroup(socket: Member, value: string, given?: JoinOptions): Membership {
  checkText('group', value)
  const options = checkOptions('options', given, ['interface', 'source'])
  const [text = '', zone] = value.split('%', 2)
  const group = canonical(text)
  if (group === null || !isMulticast(text)) {
    throw invalidAddress(value, 'not a multicast address (224.0.0.0/4 or ff00::/8) in numbers')
  }
  const calls = callsFor(text)
  if (calls === inet6 && socket.family === platform.constants.AF_INET) {
    throw invalidAddress(value, 'this is an IPv6 group and the socket is AF_INET')
  }
  const source = options.source === undefined ? null : checkSource(calls, options.source)
  if (socket.closed) throw closed('setsockopt')
  return new Membership(socket, calls, group, interfaceOf(socket, value, zone, options.interface), source)
}

/** C has one name for both versions of IP. */
const nameInC = ({ name }: { name: string }): string => name.replace('MCAST6', 'MCAST')

function callsFor(address: string): Calls {
  return parseIPv4(address) >= 0 ? inet : inet6
}

/** An address as inet_ntop(3) writes it, or null. */
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
    throw invalidAddress(value, `the source is no ${calls === inet ? 'IPv4' : 'IPv6'} address in numbers`)
  }
  return source
}

/** The index of the interface, by whatever names it: the option, or the zone of the group. */
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

/** An error that the kernel would give as well, with less to say about it. */
function refusal(code: string, reason: string): SocketError {
  return new SocketError(`setsockopt ${code} ${reason}`, code, errnoOf(code), 'setsockopt')
}
