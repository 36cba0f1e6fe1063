import { octetsOf } from '../struct'
import { parseIPv4, parseIPv6 } from '../address/text'
import {
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
import { littleEndian, type Control } from './walk'

/** A control message whose form depends on the socket: the one for AF_INET6 beside that for AF_INET. */
export interface FamilyControl extends Control {
  /** What an AF_INET6 socket takes instead. */
  readonly inet6?: Control
}

/** The most descriptors that one message can carry on Linux (SCM_MAX_FD). */
export const MAX_FDS = 253

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  if (littleEndian) bytes.writeInt32LE(value | 0)
  else bytes.writeInt32BE(value | 0)
  return bytes
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  if (littleEndian) bytes.writeUInt16LE(value)
  else bytes.writeUInt16BE(value)
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

/** Builds control messages for `sendmsg`. */
export class ControlBuilder {
  readonly #platform: Platform
  readonly #indexOf: (name: string) => number

  constructor(platform: Platform, interfaces: { indexOf(name: string): number }) {
    this.#platform = platform
    this.#indexOf = name => interfaces.indexOf(name)
  }

  /** Descriptors, SCM_RIGHTS: 1 to 253 numbers or objects with `fd`. The receiver gets duplicates. unix(7) */
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
   * Who we claim to be, SCM_CREDENTIALS. Linux. Anything but the truth needs CAP_SYS_ADMIN, CAP_SETUID or
   * CAP_SETGID (`EPERM`). unix(7)
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
   * Where a datagram leaves from, IP_PKTINFO or IPV6_PKTINFO: a source address of this host, an interface by
   * name or number, or both. ip(7), ipv6(7)
   */
  packetInfo(info: { source?: string; interface?: string | number }): FamilyControl {
    if (typeof info !== 'object' || info === null) throw invalidType('info', 'object', info)
    const { source, interface: device } = ownFields(info)
    const index = device === undefined ? 0 : this.#interface(device)
    if (source !== undefined && typeof source !== 'string') throw invalidType('source', 'string', source)
    const v4 = source === undefined ? 0 : parseIPv4(source)
    const v6 = source === undefined ? new Uint8Array(16) : parseIPv6(v4 < 0 ? source : `::ffff:${source}`)
    if (v6 === null) throw invalidAddress(source, 'neither an IPv4 nor an IPv6 address')
    const info4 = Buffer.alloc(12)
    int32(index).copy(info4, 0)
    info4.writeUInt32BE(Math.max(0, v4), 4)
    const info6 = Buffer.concat([v6, int32(index)])
    const inet6 = this.#control('IPPROTO_IPV6', 'IPV6_PKTINFO', info6)
    return v4 < 0 ? inet6 : { ...this.#control('IPPROTO_IP', 'IP_PKTINFO', info4), inet6 }
  }

  /** TTL or hop limit of this datagram, 1 to 255. ip(7), ipv6(7) */
  ttl(n: number): FamilyControl {
    const data = int32(checkInteger('n', n, 1, 255))
    return {
      ...this.#control('IPPROTO_IP', 'IP_TTL', data),
      inet6: this.#control('IPPROTO_IPV6', 'IPV6_HOPLIMIT', data),
    }
  }

  /** TOS or traffic class byte of this datagram: DSCP and ECN, 0 to 255. ip(7), ipv6(7) */
  tos(n: number): FamilyControl {
    const data = int32(checkInteger('n', n, 0, 255))
    return {
      ...this.#control('IPPROTO_IP', 'IP_TOS', data),
      inet6: this.#control('IPPROTO_IPV6', 'IPV6_TCLASS', data),
    }
  }

  /** UDP GSO: the data is cut into datagrams of this size, UDP_SEGMENT. Linux. udp(7) */
  segmentSize(n: number): Control {
    return this.#control('IPPROTO_UDP', 'UDP_SEGMENT', int16(checkInteger('n', n, 1, 65535)))
  }

  /** Hop limit of this datagram on an AF_INET6 socket, 0 to 255, or −1 for the default. ipv6(7) */
  hopLimit(n: number): Control {
    return this.#int('IPPROTO_IPV6', 'IPV6_HOPLIMIT', checkInteger('n', n, -1, 255))
  }

  /** Traffic class of this datagram on an AF_INET6 socket, 0 to 255, or −1 for the default. ipv6(7) */
  trafficClass(n: number): Control {
    return this.#int('IPPROTO_IPV6', 'IPV6_TCLASS', checkInteger('n', n, -1, 255))
  }

  /** Whether this datagram must not be fragmented, IPV6_DONTFRAG: `EMSGSIZE` where it does not fit. AF_INET6. */
  dontFragment(on = true): Control {
    if (typeof on !== 'boolean') throw invalidType('on', 'boolean', on)
    return this.#int('IPPROTO_IPV6', 'IPV6_DONTFRAG', Number(on))
  }

  /** Traffic class and flow label of this datagram, in host order, IPV6_FLOWINFO. Linux. AF_INET6. */
  flowInfo(n: number): Control {
    const data = Buffer.alloc(4)
    data.writeUInt32BE(checkInteger('n', n, 0, 0xfffffff))
    return this.#control('IPPROTO_IPV6', 'IPV6_FLOWINFO', data)
  }

  /** An extension header of this datagram, whole: IPV6_HOPOPTS, IPV6_DSTOPTS or IPV6_RTHDR. CAP_NET_RAW (`EPERM`). ipv6(7) */
  extensionHeader(kind: 'hop-by-hop' | 'destination' | 'routing', header: Uint8Array): Control {
    const type = headers.get(kind)
    if (type === undefined) throw invalidType('kind', "'hop-by-hop', 'destination' or 'routing'", kind)
    return this.#control('IPPROTO_IPV6', type, bytesOf('header', header))
  }

  /** IP options of this datagram, at most 40 bytes, IP_RETOPTS. ip(7) */
  options(bytes: Uint8Array): Control {
    return this.#control('IPPROTO_IP', 'IP_RETOPTS', bytesOf('bytes', bytes))
  }

  /** The protocol in the header of this packet, on a raw socket of IPPROTO_RAW without its own header. Linux (6.4). */
  protocol(n: number): Control {
    return this.#int('IPPROTO_IP', 'IP_PROTOCOL', checkInteger('n', n, 1, 255))
  }

  /** SO_PRIORITY of this packet, 0 to 6; others need CAP_NET_ADMIN or CAP_NET_RAW (`EPERM`). Linux (6.14). socket(7) */
  priority(n: number): Control {
    return this.#int('SOL_SOCKET', 'SO_PRIORITY', checkInteger('n', n, 0, 0x7fffffff))
  }

  /** SO_MARK of this packet. CAP_NET_ADMIN or CAP_NET_RAW (`EPERM`). Linux. socket(7) */
  mark(n: number): Control {
    return this.#int('SOL_SOCKET', 'SO_MARK', checkInteger('n', n, 0, 0xffffffff))
  }

  /**
   * Which timestamps the error queue shall give for this message alone: `SOF_TIMESTAMPING_TX_*`, ored. What the
   * socket reports is set with SO_TIMESTAMPING, without these bits. Linux.
   */
  timestamping(flags: number): Control {
    return this.#int('SOL_SOCKET', 'SO_TIMESTAMPING', checkInteger('flags', flags, 0, 0xffffffff))
  }

  /** The `id` that the timestamps of this datagram come with, SCM_TS_OPT_ID; needs SOF_TIMESTAMPING_OPT_ID. Linux (6.13). */
  timestampId(n: number): Control {
    return this.#int('SOL_SOCKET', 'SCM_TS_OPT_ID', checkInteger('n', n, 0, 0xffffffff))
  }

  /** The type of the TLS record that this message becomes, TLS_SET_RECORD_TYPE. Linux, with kernel TLS. */
  tlsRecordType(n: number): Control {
    return this.#control('SOL_TLS', 'TLS_SET_RECORD_TYPE', Buffer.of(checkInteger('n', n, 0, 255)))
  }

  /** When to send, in nanoseconds of the clock that SO_TXTIME chose, SCM_TXTIME. Linux. */
  txTime(ns: bigint): Control {
    if (typeof ns !== 'bigint') throw invalidType('ns', 'bigint', ns)
    if (ns < 0n || ns >= 1n << 64n) throw outOfRange('ns', '>= 0n && < 2n ** 64n', ns)
    const data = Buffer.alloc(8)
    if (littleEndian) data.writeBigUInt64LE(ns)
    else data.writeBigUInt64BE(ns)
    return this.#control('SOL_SOCKET', 'SCM_TXTIME', data)
  }

  #int(level: string, type: string, value: number): Control {
    return this.#control(level, type, int32(value))
  }

  #interface(device: unknown): number {
    if (typeof device === 'number') return checkInteger('interface', device, 0, 0x7fffffff)
    const name = checkText('interface', device, 'string or number')
    const index = this.#indexOf(name)
    if (index === 0) throw invalidAddress(name, noInterface(name))
    return index
  }

  #control(level: string, type: string, data: Buffer): Control {
    const { constants, os } = this.#platform
    const [l, t] = [constants[level], constants[type]]
    if (l === undefined || t === undefined) {
      const system = os === 'darwin' ? 'macOS' : 'Linux'
      throw Object.assign(new Error(`${type} does not exist on ${system}`), { code: 'ENOPROTOOPT' })
    }
    return { level: l, type: t, data }
  }
}
