import { isIPv4 } from 'node:net'
import { native } from '../../binding/binding'
import {
  IP_MULTICAST_IF,
  IP_MULTICAST_LOOP,
  IP_MULTICAST_TTL,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_MULTICAST_HOPS,
  IPV6_MULTICAST_IF,
  IPV6_MULTICAST_LOOP,
  IPV6_UNICAST_HOPS,
  SO_BROADCAST,
  SOL_SOCKET,
} from '../../constants'
import { invalidType } from '../../errors'
import { parseIPv4, parseIPv6 } from '../../address/text'
import { put32be } from '../../struct'

/** A setsockopt(2) that is ready to be made; null if the value is out of range. */
export type Setting = { level: number; name: number; value: Int32Array | Uint8Array } | null

function ofVersion(version: number, v4: number, v6: number, value: number): Setting {
  return version === 6
    ? { level: IPPROTO_IPV6, name: v6, value: Int32Array.of(value) }
    : { level: IPPROTO_IP, name: v4, value: Int32Array.of(value) }
}

function checkTtl(ttl: unknown, least: number): boolean {
  if (typeof ttl !== 'number') throw invalidType('ttl', 'number', ttl)
  return Number.isInteger(ttl) && ttl >= least && ttl <= 255
}

export const broadcast = (flag: boolean): Setting => ({
  level: SOL_SOCKET,
  name: SO_BROADCAST,
  value: Int32Array.of(flag ? 1 : 0),
})

export const unicastTtl = (ttl: number, version: number): Setting =>
  checkTtl(ttl, 1) ? ofVersion(version, IP_TTL, IPV6_UNICAST_HOPS, ttl) : null

export const multicastTtl = (ttl: number, version: number): Setting =>
  checkTtl(ttl, 0) ? ofVersion(version, IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS, ttl) : null

export const multicastLoopback = (flag: boolean, version: number): Setting =>
  ofVersion(version, IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP, flag ? 1 : 0)

/** `text` is an IPv4 address of the interface, or an IPv6 address whose zone names it. No zone is the default. */
export function multicastInterface(text: string, slot: number): Setting {
  if (isIPv4(text)) {
    const value = new Uint8Array(4)
    put32be(value, 0, parseIPv4(text))
    return { level: IPPROTO_IP, name: IP_MULTICAST_IF, value }
  }
  const [address = '', zone = '0'] = text.split('%', 2)
  if (parseIPv6(address) === null) return null
  // An unknown zone is the default interface, as in node:dgram.
  const index = /^\d+$/.test(zone) ? Number(zone) : native.interfaceIndex(slot, Buffer.from(zone))
  return { level: IPPROTO_IPV6, name: IPV6_MULTICAST_IF, value: Int32Array.of(Math.max(index, 0)) }
}
