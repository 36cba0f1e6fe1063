import type { Address } from '../../address'
import { get32, get32be, put32, put32be, structOf, type Struct } from '../../struct'
import { formatIPv4, formatIPv6, parseIPv4, parseIPv6 } from '../../address/text'
import { checkInteger, checkText, invalidAddress, invalidType, noInterface } from '../../errors/argument'
import type { Platform } from '../../platform'
import {
  checkList,
  checkObject,
  padded,
  readInteger,
  type Codec,
  type CodecContext,
  type InterfaceLike,
} from './basic'
import { perPlatform } from './struct'

/** Returns the index of an interface given by index or name. */
export function checkInterface(context: CodecContext, argument: string, value: unknown): number {
  if (value === undefined) return 0
  if (typeof value === 'number') return checkInteger(argument, value, 0, 0x7fffffff)
  if (typeof value !== 'string') throw invalidType(argument, 'string or number', value)
  const index = value === '' || value.includes('\0') ? 0 : context.interfaces.indexOf(value)
  if (index === 0) throw invalidAddress(value, noInterface(value))
  return index
}

function index(
  put: (bytes: Uint8Array, at: number, value: number) => void,
  get: (bytes: Uint8Array) => number,
) {
  const codec: Codec<number, InterfaceLike> = {
    size: 4,
    encode(context, value, argument) {
      if (value === undefined) throw invalidType(argument, 'string or number', value)
      const bytes = new Uint8Array(4)
      put(bytes, 0, checkInterface(context, argument, value))
      return bytes
    },
    decode: (_platform, bytes) => get(bytes),
  }
  return codec
}

/** The index of an interface; set by index or name. 0 means none. */
export const interfaceIndex = index(put32, readInteger)
/** The index of an interface in network byte order: IP_UNICAST_IF. */
export const interfaceIndexBE = index(put32be, bytes => get32be(padded(bytes, 4), 0))

function checkIPv4(argument: string, value: unknown): number {
  const address = parseIPv4(checkText(argument, value))
  if (address < 0) throw invalidAddress(value, `${argument} must be a numeric IPv4 address`)
  return address
}

export function checkIPv6(argument: string, value: unknown): Uint8Array {
  const address = parseIPv6(checkText(argument, value))
  if (address === null) throw invalidAddress(value, `${argument} must be a numeric IPv6 address`)
  return address
}

/** `struct in_addr` as text. */
export const inAddr: Codec<string> = {
  size: 4,
  encode(_platform, value, argument) {
    const bytes = new Uint8Array(4)
    put32be(bytes, 0, checkIPv4(argument, value))
    return bytes
  },
  decode: (_platform, bytes) => formatIPv4(padded(bytes, 4)),
}

/** A socket address that can only be read; `null` if there is none. */
export const sockaddr: Codec<Address | null, never> = {
  size: 128,
  encode: () => new Uint8Array(0), // uncovered: a read-only option is never encoded
  decode: (context, bytes) => context.addresses.decode(bytes),
}

function familyOf(platform: Platform, address: string): number {
  return platform.constants[parseIPv4(address) >= 0 ? 'AF_INET' : 'AF_INET6']!
}

/** Returns the socket address of a numeric IPv4 or IPv6 address. */
export function encodeHost(context: CodecContext, argument: string, value: unknown, port = 0): Uint8Array {
  const address = checkText(argument, value)
  if (address === '') throw invalidAddress(address, `${argument} must be a numeric address`)
  return context.addresses.encode({ address, port }, familyOf(context, address))
}

/** Returns the address of a sockaddr, without its port; `''` if it has none. */
function hostOf(context: CodecContext, bytes: Uint8Array): string {
  const address = context.addresses.decode(bytes)
  if (address === null || (address.kind !== 'inet' && address.kind !== 'inet6')) return ''
  return address.kind === 'inet6' && address.scopeId !== 0
    ? `${address.address}%${address.scopeId}`
    : address.address
}

/** The fields of `ip_mreq` (interface by local address) and `ip_mreqn` (interface by index). */
interface MreqRows {
  readonly mreq: Struct<'imr_multiaddr' | 'imr_interface'>
  readonly mreqn: Struct<'imr_multiaddr' | 'imr_address' | 'imr_ifindex'>
}
const mreqs = perPlatform<MreqRows>(platform => ({
  mreq: structOf(platform, 'ip_mreq', ['imr_multiaddr', 'imr_interface'])!,
  mreqn: structOf(platform, 'ip_mreqn', ['imr_multiaddr', 'imr_address', 'imr_ifindex'])!,
}))

function encodeMreq(context: CodecContext, group: number, via: unknown, argument: string): Uint8Array {
  const { mreq, mreqn } = mreqs(context)
  const local = typeof via === 'string' ? parseIPv4(via) : -1
  if (local >= 0) {
    const bytes = new Uint8Array(mreq.size)
    put32be(bytes, mreq.offset.imr_multiaddr, group)
    put32be(bytes, mreq.offset.imr_interface, local)
    return bytes
  }
  const bytes = new Uint8Array(mreqn.size)
  put32be(bytes, mreqn.offset.imr_multiaddr, group)
  put32(bytes, mreqn.offset.imr_ifindex, checkInterface(context, argument, via))
  return bytes
}

/** Describes a multicast group to join or leave. */
export interface MulticastGroup {
  /** The numeric address of the group. */
  group: string
  /** The interface: its index, its name, or for IPv4 one of its addresses. If absent, the routing table selects it. */
  interface?: InterfaceLike | undefined
}

/** `struct ip_mreqn`, or `struct ip_mreq` if the interface is given by its address. */
export const ipMembership: Codec<MulticastGroup> = {
  size: context => mreqs(context).mreqn.size,
  encode(context, value, argument) {
    const fields = checkObject(argument, value)
    const group = checkIPv4(`${argument}.group`, fields['group'])
    return encodeMreq(context, group, fields['interface'], `${argument}.interface`)
  },
  decode(context, bytes) {
    const { mreq, mreqn } = mreqs(context)
    const long = bytes.length >= mreqn.size
    const whole = padded(bytes, mreqn.size)
    const group = formatIPv4(whole, mreq.offset.imr_multiaddr)
    if (long) return { group, interface: get32(whole, mreqn.offset.imr_ifindex) }
    return { group, interface: formatIPv4(whole, mreq.offset.imr_interface) }
  },
}

/** IP_MULTICAST_IF: set by index, name or local address; read as a local address. */
export const multicastInterface: Codec<string, InterfaceLike> = {
  size: 4,
  encode(context, value, argument) {
    const local = typeof value === 'string' ? parseIPv4(value) : -1
    if (local >= 0) return inAddr.encode(context, value as string, argument)
    if (value === undefined) throw invalidType(argument, 'string or number', value)
    return encodeMreq(context, 0, value, argument)
  },
  decode: inAddr.decode,
}

/** Describes a multicast group and one sender. */
export interface MulticastSource extends MulticastGroup {
  /** The numeric address of the sender. */
  source: string
}

const sourceMreq = perPlatform(platform =>
  structOf(platform, 'ip_mreq_source', ['imr_multiaddr', 'imr_interface', 'imr_sourceaddr'])!,
)

/**
 * `struct ip_mreq_source`, with a different field order on each system. The interface is one of its IPv4 addresses.
 */
export const ipSourceMembership: Codec<MulticastSource> = {
  size: platform => sourceMreq(platform).size,
  encode(platform, value, argument) {
    const fields = checkObject(argument, value)
    const { size, offset } = sourceMreq(platform)
    const bytes = new Uint8Array(size)
    put32be(bytes, offset.imr_multiaddr, checkIPv4(`${argument}.group`, fields['group']))
    put32be(bytes, offset.imr_sourceaddr, checkIPv4(`${argument}.source`, fields['source']))
    const via = fields['interface']
    if (via !== undefined) put32be(bytes, offset.imr_interface, checkIPv4(`${argument}.interface`, via))
    return bytes
  },
  decode(platform, bytes) {
    const { size, offset } = sourceMreq(platform)
    const whole = padded(bytes, size)
    return {
      group: formatIPv4(whole, offset.imr_multiaddr),
      interface: formatIPv4(whole, offset.imr_interface),
      source: formatIPv4(whole, offset.imr_sourceaddr),
    }
  },
}

const mreq6 = perPlatform(platform =>
  structOf(platform, 'ipv6_mreq', ['ipv6mr_multiaddr', 'ipv6mr_interface'])!,
)

/** `struct ipv6_mreq`. */
export const ipv6Membership: Codec<MulticastGroup> = {
  size: context => mreq6(context).size,
  encode(context, value, argument) {
    const fields = checkObject(argument, value)
    const { size, offset } = mreq6(context)
    const bytes = new Uint8Array(size)
    bytes.set(checkIPv6(`${argument}.group`, fields['group']), offset.ipv6mr_multiaddr)
    put32(
      bytes,
      offset.ipv6mr_interface,
      checkInterface(context, `${argument}.interface`, fields['interface']),
    )
    return bytes
  },
  decode(context, bytes) {
    const { size, offset } = mreq6(context)
    const whole = padded(bytes, size)
    return {
      group: formatIPv6(whole, offset.ipv6mr_multiaddr),
      interface: get32(whole, offset.ipv6mr_interface),
    }
  },
}

function protocolIndependent<T extends MulticastGroup>(
  name: 'group_req' | 'group_source_req',
  index: string,
  places: readonly (readonly [field: 'group' | 'source', place: string])[],
): Codec<T> {
  const layoutOf = perPlatform(platform =>
    structOf(platform, name, [index, ...places.map(([, place]) => place)])!,
  )
  return {
    size: context => layoutOf(context).size,
    encode(context, value, argument) {
      const fields = checkObject(argument, value)
      const { size, offset } = layoutOf(context)
      const bytes = new Uint8Array(size)
      put32(bytes, offset[index]!, checkInterface(context, `${argument}.interface`, fields['interface']))
      for (const [field, place] of places) {
        bytes.set(encodeHost(context, `${argument}.${field}`, fields[field]), offset[place])
      }
      return bytes
    },
    decode(context, bytes) {
      const { size, offset } = layoutOf(context)
      const whole = padded(bytes, size)
      const addresses = places.map(([field, place]) => {
        const at = offset[place]!
        return [field, hostOf(context, whole.subarray(at, at + 128))] as const
      })
      return { interface: get32(whole, offset[index]!), ...Object.fromEntries(addresses) } as unknown as T
    },
  }
}

/** `struct group_req`, for both versions of IP. */
export const groupMembership = protocolIndependent<MulticastGroup>('group_req', 'gr_interface', [
  ['group', 'gr_group'],
])

/** `struct group_source_req`, for both versions of IP. */
export const groupSourceMembership = protocolIndependent<MulticastSource>(
  'group_source_req',
  'gsr_interface',
  [
    ['group', 'gsr_group'],
    ['source', 'gsr_source'],
  ],
)

/** Describes the senders to receive from: only the sources (`'include'`), or all except the sources (`'exclude'`). */
export interface SourceFilter extends MulticastGroup {
  mode: 'include' | 'exclude'
  sources: readonly string[]
}

const ROOM = 64

interface FilterPlaces {
  readonly size: (count: number) => number
  readonly mode: number
  readonly count: number
  readonly list: number
  readonly stride: number
}

function checkFilter(
  argument: string,
  value: unknown,
): { fields: Record<string, unknown>; sources: readonly unknown[] } {
  const fields = checkObject(argument, value)
  if (fields['mode'] !== 'include' && fields['mode'] !== 'exclude') {
    throw invalidType(`${argument}.mode`, `'include' or 'exclude'`, fields['mode'])
  }
  return { fields, sources: checkList(`${argument}.sources`, fields['sources']) }
}

function filterCodec(
  places: (platform: Platform) => FilterPlaces | null,
  head: (context: CodecContext, fields: Record<string, unknown>, argument: string) => Uint8Array,
  source: (context: CodecContext, argument: string, value: unknown) => Uint8Array,
  read: (context: CodecContext, whole: Uint8Array) => MulticastGroup,
  readSource: (context: CodecContext, bytes: Uint8Array) => string,
): Codec<SourceFilter> {
  const encode = (
    context: CodecContext,
    value: SourceFilter,
    argument: string,
    room?: number,
  ): Uint8Array => {
    const place = places(context)!
    const { fields, sources } = checkFilter(argument, value)
    const bytes = new Uint8Array(place.size(room ?? sources.length))
    bytes.set(head(context, fields, argument))
    put32(
      bytes,
      place.mode,
      context.constants[fields['mode'] === 'include' ? 'MCAST_INCLUDE' : 'MCAST_EXCLUDE']!,
    )
    put32(bytes, place.count, room ?? sources.length)
    if (room !== undefined) return bytes
    sources.forEach((each, i) =>
      bytes.set(source(context, `${argument}.sources[${i}]`, each), place.list + i * place.stride),
    )
    return bytes
  }
  return {
    size: context => places(context)?.size(ROOM),
    encode: (context, value, argument) => encode(context, value, argument),
    request(context, value, argument) {
      if (value === undefined) {
        throw invalidType(
          argument,
          'given with query(option, { group, interface, mode, sources: [] })',
          value,
        )
      }
      return encode(context, value, argument, ROOM)
    },
    decode(context, bytes) {
      const place = places(context)
      if (place === null) return { group: '', mode: 'exclude', sources: [] }
      const whole = padded(bytes, place.size(0))
      // The kernel reports the number of all sources, including those that did not fit.
      const present = Math.max(0, Math.floor((bytes.length - place.list) / place.stride))
      const count = Math.min(get32(whole, place.count), present)
      const at = (i: number): number => place.list + i * place.stride
      return {
        ...read(context, whole),
        mode: get32(whole, place.mode) === context.constants['MCAST_INCLUDE'] ? 'include' : 'exclude',
        sources: Array.from({ length: count }, (_, i) =>
          readSource(context, whole.subarray(at(i), at(i + 1))),
        ),
      }
    },
  }
}

const ipFilter = perPlatform<FilterPlaces | null>(({ layout }) => {
  const list = layout['offsetof_ip_msfilter_imsf_slist']
  if (list === undefined) return null
  return {
    size: count => list + 4 * count,
    mode: layout['offsetof_ip_msfilter_imsf_fmode']!,
    count: layout['offsetof_ip_msfilter_imsf_numsrc']!,
    list,
    stride: 4,
  }
})

/**
 * `struct ip_msfilter`. The interface is one of its IPv4 addresses. Darwin offers it only through a library
 * function.
 */
export const ipSourceFilter: Codec<SourceFilter> = filterCodec(
  ipFilter,
  (_platform, fields, argument) => {
    const bytes = new Uint8Array(8)
    put32be(bytes, 0, checkIPv4(`${argument}.group`, fields['group']))
    const via = fields['interface']
    if (via !== undefined) put32be(bytes, 4, checkIPv4(`${argument}.interface`, via))
    return bytes
  },
  (context, argument, value) => inAddr.encode(context, value as string, argument),
  (_platform, whole) => ({ group: formatIPv4(whole, 0), interface: formatIPv4(whole, 4) }),
  inAddr.decode,
)

const groupFilter = perPlatform<FilterPlaces | null>(({ layout }) => {
  const list = layout['offsetof_group_filter_gf_slist']
  if (list === undefined) return null
  return {
    size: count => list + 128 * count,
    mode: layout['offsetof_group_filter_gf_fmode']!,
    count: layout['offsetof_group_filter_gf_numsrc']!,
    list,
    stride: 128,
  }
})

/** `struct group_filter`, for both versions of IP. */
export const groupSourceFilter: Codec<SourceFilter> = filterCodec(
  groupFilter,
  (context, fields, argument) => {
    const { layout } = context
    const bytes = new Uint8Array(layout['offsetof_group_filter_gf_fmode']!)
    put32(bytes, 0, checkInterface(context, `${argument}.interface`, fields['interface']))
    bytes.set(
      encodeHost(context, `${argument}.group`, fields['group']),
      layout['offsetof_group_filter_gf_group'],
    )
    return bytes
  },
  encodeHost,
  (context, whole) => {
    const at = context.layout['offsetof_group_filter_gf_group']!
    return { group: hostOf(context, whole.subarray(at, at + 128)), interface: get32(whole, 0) }
  },
  hostOf,
)
