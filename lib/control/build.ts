import { octetsOf } from '../struct'
import { parseIPv4, parseIPv6 } from '../address/text'
import {
  checkBoolean,
  checkInteger,
  elementsOf,
  checkText,
  invalidAddress,
  invalidType,
  noInterface,
  outOfRange,
} from '../errors/argument'
import { memberOf, ownFields } from '../runtime/fields'
import type { Platform } from '../platform'
import type { Meta } from './meta'
import { littleEndian, type Control } from './walk'

/** The key of an interface's name in a control message: a socket looks the name up in its own network namespace. */
export const device: unique symbol = Symbol('interface')

/** A control message that has two forms: one for AF_INET sockets, and `inet6` for AF_INET6 sockets. */
export interface FamilyControl extends Control {
  /** @internal The name of the interface, and the offset of its index in `data`. */
  readonly [device]?: { readonly name: string; readonly at: number }
  /** The form for an AF_INET6 socket. */
  readonly inet6?: FamilyControl
}

/** The maximum number of descriptors in one message on Linux (SCM_MAX_FD). */
export const MAX_FDS = 253

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  if (littleEndian) bytes.writeInt32LE(value | 0)
  else bytes.writeInt32BE(value | 0) // uncovered: only on a big-endian machine
  return bytes
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  if (littleEndian) bytes.writeUInt16LE(value)
  else bytes.writeUInt16BE(value) // uncovered: only on a big-endian machine
  return bytes
}

function bytesOf(name: string, value: unknown): Buffer {
  if (!ArrayBuffer.isView(value))
    throw invalidType(name, 'an instance of Buffer, TypedArray or DataView', value)
  return Buffer.from(octetsOf(value))
}

const headers: ReadonlyMap<unknown, string> = new Map([
  ['hop-by-hop', 'IPV6_HOPOPTS'],
  ['destination', 'IPV6_DSTOPTS'],
  ['routing', 'IPV6_RTHDR'],
])

/** Returns the IPv4 address in an IPv4-mapped IPv6 address; any other address is returned unchanged. */
function unmapped(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

function isMulticast(address: string): boolean {
  const v4 = parseIPv4(address)
  return v4 < 0 ? /^ff/i.test(address) : v4 >= 0xe0000000
}

function isLinkLocal(address: string): boolean {
  return /^(fe[89ab].:|169\.254\.)/i.test(address)
}

/** Builds control messages for `sendmsg`. */
export class ControlBuilder {
  readonly #platform: Platform
  readonly #indexOf: (name: string) => number

  constructor(platform: Platform, interfaces: { indexOf(name: string): number }) {
    this.#platform = platform
    this.#indexOf = name => interfaces.indexOf(name)
  }

  /** Sends descriptors (SCM_RIGHTS): 1 to 253 numbers or objects with `fd`. The receiver gets duplicates. unix(7) */
  rights(fds: readonly (number | { readonly fd: number })[]): Control {
    const files = elementsOf('fds', fds)
    if (files.length < 1 || files.length > MAX_FDS)
      throw outOfRange('fds.length', `>= 1 && <= ${MAX_FDS}`, files.length)
    const numbers = files.map((value, i) => {
      const fd = typeof value === 'object' && value !== null ? memberOf(value, 'fd') : value
      return checkInteger(`fds[${i}]`, fd, 0, 0x7fffffff)
    })
    return this.#control('SOL_SOCKET', 'SCM_RIGHTS', Buffer.concat(numbers.map(int32)))
  }

  /**
   * Sends credentials of this process (SCM_CREDENTIALS). Linux. The kernel checks them. Other values than this
   * process's own need CAP_SYS_ADMIN (pid), CAP_SETUID or CAP_SETGID, otherwise `EPERM`. unix(7)
   */
  credentials(who: { pid: number; uid: number; gid: number }): Control {
    if (typeof who !== 'object' || who === null) throw invalidType('who', 'object', who)
    const own = ownFields(who)
    const pid = checkInteger('pid', own.pid, 0, 0x7fffffff)
    const uid = checkInteger('uid', own.uid, 0, 0xffffffff)
    const gid = checkInteger('gid', own.gid, 0, 0xffffffff)
    return this.#control('SOL_SOCKET', 'SCM_CREDENTIALS', Buffer.concat([pid, uid, gid].map(int32)))
  }

  /**
   * Sets the source address of a datagram, or the interface that it is sent on, by name or index, or both (IP_PKTINFO,
   * IPV6_PKTINFO). `source` must be an address of this host. A name is looked up when the message is sent, in the network
   * namespace of the socket; `ERR_INVALID_ADDRESS` if no interface has it. ip(7), ipv6(7)
   */
  packetInfo(info: { source?: string; interface?: string | number }): FamilyControl {
    if (typeof info !== 'object' || info === null) throw invalidType('info', 'object', info)
    const { source, interface: via } = ownFields(info)
    const index = via === undefined ? 0 : this.#interface(via)
    const named = (at: number) => (typeof via === 'string' ? { [device]: { name: via, at } } : {})
    if (source !== undefined && typeof source !== 'string') throw invalidType('source', 'string', source)
    const v4 = source === undefined ? 0 : parseIPv4(source)
    const v6 = source === undefined ? new Uint8Array(16) : parseIPv6(v4 < 0 ? source : `::ffff:${source}`)
    if (v6 === null) throw invalidAddress(source, 'neither an IPv4 nor an IPv6 address')
    const info4 = Buffer.alloc(12)
    int32(index).copy(info4, 0)
    info4.writeUInt32BE(Math.max(0, v4), 4)
    const info6 = Buffer.concat([v6, int32(index)])
    const inet6 = { ...this.#control('IPPROTO_IPV6', 'IPV6_PKTINFO', info6), ...named(16) }
    return v4 < 0 ? inet6 : { ...this.#control('IPPROTO_IP', 'IP_PKTINFO', info4), ...named(0), inet6 }
  }

  /**
   * Makes a reply leave from the address that the sender of a datagram asked (IP_PKTINFO, IPV6_PKTINFO). `meta` is that
   * of the datagram, after `receiveMeta({ packetInfo: true })`. Works for IPv4, IPv6 and dual-stack sockets. ip(7),
   * ipv6(7)
   *
   * The reply to a broadcast or multicast datagram leaves from an address of the interface that received it. The
   * interface of other replies is chosen by the routing table, because the way back may differ from the way here; only
   * link-local addresses select the interface too. Throws a TypeError if `meta` has no `destination`.
   */
  replyTo(meta: Pick<Meta, 'destination' | 'localAddress' | 'interface'>): FamilyControl {
    if (typeof meta !== 'object' || meta === null) throw invalidType('meta', 'object', meta)
    const own = ownFields(meta)
    const { destination, interface: device = 0 } = own
    if (destination === undefined)
      throw invalidType(
        'meta.destination',
        'a string, which receiveMeta({ packetInfo: true }) reports',
        destination,
      )
    const asked = unmapped(checkText('meta.destination', destination))
    const source = own.localAddress === undefined ? asked : checkText('meta.localAddress', own.localAddress)
    if (isMulticast(source)) return this.packetInfo({ interface: device })
    return this.packetInfo(
      source !== asked || isLinkLocal(source) ? { source, interface: device } : { source },
    )
  }

  /** Sets the TTL or the hop limit of this datagram, 1 to 255. ip(7), ipv6(7) */
  ttl(n: number): FamilyControl {
    const data = int32(checkInteger('n', n, 1, 255))
    return {
      ...this.#control('IPPROTO_IP', 'IP_TTL', data),
      inet6: this.#control('IPPROTO_IPV6', 'IPV6_HOPLIMIT', data),
    }
  }

  /** Sets the TOS or traffic class byte of this datagram (DSCP and ECN), 0 to 255. ip(7), ipv6(7) */
  tos(n: number): FamilyControl {
    const data = int32(checkInteger('n', n, 0, 255))
    return {
      ...this.#control('IPPROTO_IP', 'IP_TOS', data),
      inet6: this.#control('IPPROTO_IPV6', 'IPV6_TCLASS', data),
    }
  }

  /** Splits the data into datagrams of this size (UDP GSO, UDP_SEGMENT). Linux. udp(7) */
  segmentSize(n: number): Control {
    return this.#control('IPPROTO_UDP', 'UDP_SEGMENT', int16(checkInteger('n', n, 1, 65535)))
  }

  /** Sets the hop limit of this datagram on an AF_INET6 socket: 0 to 255, or −1 for the default. ipv6(7) */
  hopLimit(n: number): Control {
    return this.#int('IPPROTO_IPV6', 'IPV6_HOPLIMIT', checkInteger('n', n, -1, 255))
  }

  /** Sets the traffic class of this datagram on an AF_INET6 socket: 0 to 255, or −1 for the default. ipv6(7) */
  trafficClass(n: number): Control {
    return this.#int('IPPROTO_IPV6', 'IPV6_TCLASS', checkInteger('n', n, -1, 255))
  }

  /**
   * Forbids fragmentation of this datagram (IPV6_DONTFRAG). AF_INET6. The send fails with `EMSGSIZE` if it is too
   * long.
   */
  dontFragment(on = true): Control {
    return this.#int('IPPROTO_IPV6', 'IPV6_DONTFRAG', Number(checkBoolean('on', on)))
  }

  /** Sets the traffic class and flow label of this datagram, in host byte order (IPV6_FLOWINFO). AF_INET6. Linux. */
  flowInfo(n: number): Control {
    const data = Buffer.alloc(4)
    data.writeUInt32BE(checkInteger('n', n, 0, 0xfffffff))
    return this.#control('IPPROTO_IPV6', 'IPV6_FLOWINFO', data)
  }

  /**
   * Adds a complete extension header to this datagram: IPV6_HOPOPTS, IPV6_DSTOPTS or IPV6_RTHDR. Needs CAP_NET_RAW,
   * otherwise `EPERM`. ipv6(7)
   */
  extensionHeader(kind: 'hop-by-hop' | 'destination' | 'routing', header: Uint8Array): Control {
    const type = headers.get(kind)
    if (type === undefined) throw invalidType('kind', "'hop-by-hop', 'destination' or 'routing'", kind)
    return this.#control('IPPROTO_IPV6', type, bytesOf('header', header))
  }

  /** Sets the IP options of this datagram, at most 40 bytes (IP_RETOPTS). ip(7) */
  options(bytes: Uint8Array): Control {
    return this.#control('IPPROTO_IP', 'IP_RETOPTS', bytesOf('bytes', bytes))
  }

  /** Sets the protocol in the IP header, on an IPPROTO_RAW socket without IP_HDRINCL. Linux 6.4. */
  protocol(n: number): Control {
    return this.#int('IPPROTO_IP', 'IP_PROTOCOL', checkInteger('n', n, 1, 255))
  }

  /**
   * Sets SO_PRIORITY of this packet, 0 to 6. Higher values need CAP_NET_ADMIN or CAP_NET_RAW, otherwise `EPERM`. Linux
   * 6.14. socket(7)
   */
  priority(n: number): Control {
    return this.#int('SOL_SOCKET', 'SO_PRIORITY', checkInteger('n', n, 0, 0x7fffffff))
  }

  /** Sets SO_MARK of this packet. Needs CAP_NET_ADMIN or CAP_NET_RAW, otherwise `EPERM`. Linux. socket(7) */
  mark(n: number): Control {
    return this.#int('SOL_SOCKET', 'SO_MARK', checkInteger('n', n, 0, 0xffffffff))
  }

  /**
   * Requests transmit timestamps for this message only: a combination of `SOF_TIMESTAMPING_TX_*`. They come on the
   * error queue. Set the reporting flags with SO_TIMESTAMPING, without the `TX` bits. Linux.
   */
  timestamping(flags: number): Control {
    return this.#int('SOL_SOCKET', 'SO_TIMESTAMPING', checkInteger('flags', flags, 0, 0xffffffff))
  }

  /** Sets the `id` of this datagram's timestamps (SCM_TS_OPT_ID). Needs SOF_TIMESTAMPING_OPT_ID. Linux 6.13. */
  timestampId(n: number): Control {
    return this.#int('SOL_SOCKET', 'SCM_TS_OPT_ID', checkInteger('n', n, 0, 0xffffffff))
  }

  /** Sets the type of the TLS record for this message (TLS_SET_RECORD_TYPE). Linux, with kernel TLS. */
  tlsRecordType(n: number): Control {
    return this.#control('SOL_TLS', 'TLS_SET_RECORD_TYPE', Buffer.of(checkInteger('n', n, 0, 255)))
  }

  /** Sets the time to send this packet, in nanoseconds of the clock that SO_TXTIME selected (SCM_TXTIME). Linux. */
  txTime(ns: bigint): Control {
    if (typeof ns !== 'bigint') throw invalidType('ns', 'bigint', ns)
    if (ns < 0n || ns >= 1n << 64n) throw outOfRange('ns', '>= 0n && < 2n ** 64n', ns)
    const data = Buffer.alloc(8)
    if (littleEndian) data.writeBigUInt64LE(ns)
    else data.writeBigUInt64BE(ns) // uncovered: only on a big-endian machine
    return this.#control('SOL_SOCKET', 'SCM_TXTIME', data)
  }

  #int(level: string, type: string, value: number): Control {
    return this.#control(level, type, int32(value))
  }

  /** Returns the index of the interface; 0 if this namespace has no interface of this name: another may have one. */
  #interface(given: unknown): number {
    if (typeof given === 'number') return checkInteger('interface', given, 0, 0x7fffffff)
    const name = checkText('interface', given, 'string or number')
    if (name === '') throw invalidAddress(name, noInterface(name))
    return this.#indexOf(name)
  }

  #control(level: string, type: string, data: Buffer): Control {
    const { constants, os } = this.#platform
    const [l, t] = [constants[level], constants[type]]
    if (l === undefined || t === undefined) {
      const system = os === 'darwin' ? 'macOS' : 'Linux' // uncovered: the other branch is for another system
      throw Object.assign(new Error(`${type} does not exist on ${system}`), { code: 'ENOPROTOOPT' })
    }
    return { level: l, type: t, data }
  }
}
