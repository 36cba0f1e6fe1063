import type { Address } from '../../address'
import { get32, get32be, put32, put32be, structOf } from '../../struct'
import { formatIPv6 } from '../../address/text'
import { checkInteger, invalidType, outOfRange } from '../../errors/argument'
import type { Platform } from '../../platform'
import { checkList, checkObject, padded, type Codec, type InterfaceLike } from './basic'
import { checkInterface, checkIPv6 } from './inet'
import { layoutRows, perPlatform, readRows, writeRows } from './struct'

/** Describes the source address and the interface of sent packets. */
export interface Ipv6PacketInfo {
  /** The numeric IPv6 address; `'::'` lets the kernel choose. */
  address: string
  interface?: InterfaceLike | undefined
}

const pktinfo6 = perPlatform(platform => structOf(platform, 'in6_pktinfo', ['ipi6_addr', 'ipi6_ifindex'])!)

/** `struct in6_pktinfo`. */
export const ipv6PacketInfo: Codec<Ipv6PacketInfo> = {
  size: context => pktinfo6(context).size,
  encode(context, value, argument) {
    const fields = checkObject(argument, value)
    const { size, offset } = pktinfo6(context)
    const bytes = new Uint8Array(size)
    bytes.set(checkIPv6(`${argument}.address`, fields['address']), offset.ipi6_addr)
    put32(bytes, offset.ipi6_ifindex, checkInterface(context, `${argument}.interface`, fields['interface']))
    return bytes
  },
  decode(context, bytes) {
    const { size, offset } = pktinfo6(context)
    const whole = padded(bytes, size)
    return { address: formatIPv6(whole, offset.ipi6_addr), interface: get32(whole, offset.ipi6_ifindex) }
  },
}

const mtuinfo = perPlatform(platform => structOf(platform, 'ip6_mtuinfo', ['ip6m_addr', 'ip6m_mtu'])!)

/** The MTU of a path: `struct ip6_mtuinfo`. */
export interface Ipv6MtuInfo {
  /** The address of the peer, or `null` if the kernel does not report it. */
  address: Address | null
  /** The MTU in bytes. */
  mtu: number
}

/** `struct ip6_mtuinfo`. */
export const ipv6MtuInfo: Codec<Ipv6MtuInfo, never> = {
  size: context => mtuinfo(context).size,
  encode: () => new Uint8Array(0), // uncovered: a read-only option is never encoded
  decode(context, bytes) {
    const { size, offset, width } = mtuinfo(context)
    const whole = padded(bytes, size)
    const from = offset.ip6m_addr
    const address = context.addresses.decode(whole.subarray(from, from + width.ip6m_addr))
    return {
      // As an option, Linux leaves the address empty. It is set in the control message only.
      address: address?.family === 0 ? null : address,
      mtu: get32(whole, offset.ip6m_mtu),
    }
  },
}

/** Describes a flow label to acquire, release or renew. */
export interface FlowLabel {
  /** The destination, a numeric IPv6 address. */
  flr_dst: string
  /** The label, 20 bits. 0 with `IPV6_FL_F_CREATE` lets the kernel choose; its choice cannot be read. */
  flr_label: number
  /** `IPV6_FL_A_GET`, `IPV6_FL_A_PUT` or `IPV6_FL_A_RENEW`. */
  flr_action: number
  /** `IPV6_FL_S_*`. */
  flr_share: number
  /** `IPV6_FL_F_*`. */
  flr_flags: number
  /** The lifetime of the label in seconds. */
  flr_expires?: number | undefined
  /** The number of seconds that the label stays reserved after its last use. */
  flr_linger?: number | undefined
}

const flow = perPlatform(platform => {
  const places = structOf(platform, 'in6_flowlabel_req', ['flr_dst', 'flr_label'])
  const rows = layoutRows(
    platform,
    'in6_flowlabel_req',
    { flr_action: 'uint', flr_share: 'uint', flr_flags: 'uint' },
    { flr_expires: 'uint', flr_linger: 'uint' },
  )
  return places === null || rows === null ? null : { ...places, rows }
})

/** `struct in6_flowlabel_req`. Linux only. */
export const flowLabel: Codec<FlowLabel> = {
  size: platform => flow(platform)?.size,
  encode(platform, value, argument) {
    const { size, offset, rows } = flow(platform)!
    const fields = checkObject(argument, value)
    const bytes = new Uint8Array(size)
    bytes.set(checkIPv6(`${argument}.flr_dst`, fields['flr_dst']), offset.flr_dst)
    put32be(bytes, offset.flr_label, checkInteger(`${argument}.flr_label`, fields['flr_label'], 0, 0xfffff))
    writeRows(rows, bytes, value, argument)
    return bytes
  },
  decode(platform, bytes) {
    const places = flow(platform)
    const whole = padded(bytes, places?.size ?? 32)
    return {
      flr_dst: formatIPv6(whole, places?.offset.flr_dst ?? 0),
      flr_label: get32be(whole, places?.offset.flr_label ?? 16) & 0xfffff,
      ...readRows(places?.rows ?? [], whole),
    } as FlowLabel
  },
}

/** Selects the ICMP types that a raw socket receives: those in `pass`, or all except those in `block`. */
export type IcmpFilter = { readonly pass: readonly number[] } | { readonly block: readonly number[] }

/** The ICMP types that a raw socket receives, and those that the kernel drops. */
export interface IcmpFilterState {
  pass: number[]
  block: number[]
}

/** Creates the codec of a filter of `types` types. On Linux a set bit blocks a type, on BSD it passes. */
function icmpCodec(types: number, bitPasses: (platform: Platform) => boolean) {
  const codec: Codec<IcmpFilterState, IcmpFilter> = {
    size: types / 8,
    encode(platform, value, argument) {
      const fields = checkObject(argument, value)
      const passing = fields['pass'] !== undefined
      const field = passing ? 'pass' : 'block'
      if (fields[field] === undefined)
        throw invalidType(argument, '{ pass: types } or { block: types }', value)
      const words = new Uint32Array(types / 32)
      checkList(`${argument}.${field}`, fields[field]).forEach((each, i) => {
        const type = checkInteger(`${argument}.${field}[${i}]`, each, 0, 0xff)
        if (type >= types)
          throw outOfRange(`${argument}.${field}[${i}]`, `< ${types}; other types always pass`, type)
        words[type >>> 5]! |= 1 << (type & 31)
      })
      const bytes = new Uint8Array(types / 8)
      words.forEach((word, i) => put32(bytes, 4 * i, passing === bitPasses(platform) ? word : ~word))
      return bytes
    },
    decode(platform, bytes) {
      const whole = padded(bytes, types / 8)
      const all = Array.from({ length: types }, (_, type) => type)
      const isSet = (type: number): boolean => ((get32(whole, (type >>> 5) * 4) >>> (type & 31)) & 1) === 1
      const passes = (type: number): boolean => isSet(type) === bitPasses(platform)
      return { pass: all.filter(passes), block: all.filter(type => !passes(type)) }
    },
  }
  return codec
}

/** `u32` of ICMP_FILTER: types 0 to 31. */
export const icmpFilter = icmpCodec(32, () => false)
/** `struct icmp6_filter`: types 0 to 255. */
export const icmp6Filter = icmpCodec(256, platform => platform.os === 'darwin')
