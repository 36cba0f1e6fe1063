import { parseIPv4, parseIPv6 } from '../address/text'
import { checkInteger, invalidAddress, invalidType, outOfRange } from '../errors/argument'
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
    if (!Array.isArray(fds)) throw invalidType('fds', 'Array', fds)
    if (fds.length < 1 || fds.length > MAX_FDS)
      throw outOfRange('fds.length', `>= 1 && <= ${MAX_FDS}`, fds.length)
    const numbers = fds.map((value: unknown, i) => {
      const fd = typeof value === 'object' && value !== null ? (value as { fd?: unknown }).fd : value
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
    const pid = checkInteger('pid', who.pid, 0, 0x7fffffff)
    const uid = checkInteger('uid', who.uid, 0, 0xffffffff)
    const gid = checkInteger('gid', who.gid, 0, 0xffffffff)
    return this.#control('SOL_SOCKET', 'SCM_CREDENTIALS', Buffer.concat([pid, uid, gid].map(int32)))
  }

  /**
   * Where a datagram leaves from, IP_PKTINFO or IPV6_PKTINFO: a source address of this host, an interface by
   * name or number, or both. ip(7), ipv6(7)
   */
  packetInfo({ source, interface: device }: { source?: string; interface?: string | number }): FamilyControl {
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

  /** When to send, in nanoseconds of the clock that SO_TXTIME chose, SCM_TXTIME. Linux. */
  txTime(ns: bigint): Control {
    if (typeof ns !== 'bigint') throw invalidType('ns', 'bigint', ns)
    if (ns < 0n || ns >= 1n << 64n) throw outOfRange('ns', '>= 0n && < 2n ** 64n', ns)
    const data = Buffer.alloc(8)
    if (littleEndian) data.writeBigUInt64LE(ns)
    else data.writeBigUInt64BE(ns)
    return this.#control('SOL_SOCKET', 'SCM_TXTIME', data)
  }

  #interface(device: unknown): number {
    if (typeof device === 'number') return checkInteger('interface', device, 0, 0x7fffffff)
    if (typeof device !== 'string') throw invalidType('interface', 'string or number', device)
    const index = this.#indexOf(device)
    if (index === 0) throw invalidAddress(device, 'no interface of this name')
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
