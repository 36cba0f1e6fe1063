import type { AddressCodec, AnyInetAddress } from '../address'
import { structOf } from '../struct'
import { formatIPv4, formatIPv6 } from '../address/text'
import type { Platform } from '../platform'
import { ownField } from '../runtime/fields'
import { littleEndian, type Control } from './walk'

/** The credentials of the sender of an AF_UNIX or netlink message. The kernel has checked them. */
export interface Credentials {
  pid: number
  uid: number
  gid: number
}

/** `struct tpacket_auxdata` of packet(7). */
export interface PacketAuxData {
  /** `TP_STATUS_*`. */
  tp_status: number
  /** The length of the frame in bytes. */
  tp_len: number
  /** The number of captured bytes. */
  tp_snaplen: number
  tp_mac: number
  tp_net: number
  tp_vlan_tci: number
  tp_vlan_tpid: number
}

/** The VLAN tag that the kernel removed from a frame. */
export interface VlanTag {
  /** The VLAN identifier, 0 to 4095. */
  id: number
  /** The priority code point, 0 to 7. */
  priority: number
  dropEligible: boolean
  /** The tag protocol identifier: 0x8100 (802.1Q) or 0x88a8 (802.1ad). */
  protocol: number
}

/** The decoded control messages of a message. A field is present only if its option is on: see `receiveMeta`. */
export interface Meta {
  /** The destination address of the packet: an address of this host, or a multicast or broadcast address. */
  destination?: string
  /** The local address to reply from, also for a broadcast. IPv4. */
  localAddress?: string
  /** The index of the interface that received the packet. */
  interface?: number
  /** The TTL or the hop limit. */
  ttl?: number
  /** The TOS or traffic class byte. */
  tos?: number
  /** The two ECN bits of `tos`. */
  ecn?: number
  /** The receive time in nanoseconds since 1970. A hardware clock may have another epoch. */
  timestamp?: bigint
  /** The clock of `timestamp`. Only with SO_TIMESTAMPING, which `receiveMeta({ timestamp: 'hardware' })` sets. */
  timestampSource?: 'software' | 'hardware'
  /** The number of packets that the kernel dropped at this socket since it was created. Absent if there are none. */
  drops?: number
  /** The SO_MARK of the packet. */
  mark?: number
  /** The SO_PRIORITY of the packet. */
  priority?: number
  /** The size of each datagram, if GRO merged several: see `segments()`. */
  segmentSize?: number
  /** The credentials of the sender, SCM_CREDENTIALS. */
  credentials?: Credentials
  /** The security label of the sender, SCM_SECURITY. */
  security?: string
  /** The destination of the packet before it was redirected to this socket, IP_ORIGDSTADDR. */
  originalDestination?: AnyInetAddress
  /** The number of bytes in the receive queue that are not read yet, TCP_INQ or SCM_INQ. */
  unread?: number
  /** The size of the largest fragment of the datagram. Absent if it was not fragmented. */
  fragmentSize?: number
  /** The checksum of the whole datagram that the network card computed, IP_CHECKSUM. */
  checksum?: number
  /** The traffic class and the flow label of IPv6, in host byte order. */
  flowInfo?: number
  /** The new MTU of the path to `destination`, IPV6_PATHMTU. Such a message has no data. */
  pathMtu?: number
  /** The PACKET_AUXDATA of a packet socket. */
  auxdata?: PacketAuxData
  /** The VLAN tag in `auxdata`, if the frame had one. */
  vlan?: VlanTag
  /** The netlink group that a message was sent to, NETLINK_PKTINFO. */
  group?: number
  /** The id of the network namespace that a netlink message is about, NETLINK_LISTEN_ALL_NSID. */
  nsid?: number
  /** The type of a TLS record, TLS_GET_RECORD_TYPE. */
  tlsRecordType?: number
}

const NS = 1_000_000_000n

/** Reads a byte or an int: the same control message has different sizes on Linux and macOS. */
function number(data: Buffer): number | undefined {
  // uncovered: only on a big-endian machine
  if (data.length >= 4) return littleEndian ? data.readInt32LE() : data.readInt32BE()
  return data.length > 0 ? data[0] : undefined
}

function unsigned(data: Buffer): number | undefined {
  const value = number(data)
  return value === undefined ? value : value >>> 0
}

function seconds(data: Buffer, fraction: bigint): bigint | undefined {
  if (data.length < 16) return undefined
  // uncovered: only on a big-endian machine
  const whole = littleEndian ? data.readBigInt64LE() : data.readBigInt64BE()
  // Darwin's tv_usec is an int, followed by four bytes of padding.
  const part =
    // uncovered: only on a big-endian machine
    fraction === 1000n ? BigInt(littleEndian ? data.readInt32LE(8) : data.readInt32BE(12)) : undefined
  // uncovered: only on a big-endian machine
  const rest = part ?? (littleEndian ? data.readBigInt64LE(8) : data.readBigInt64BE(8))
  return whole * NS + rest * fraction
}

type Decoder = (meta: Meta, data: Buffer, addresses: AddressCodec) => void

function set<K extends keyof Meta>(key: K, decode: (data: Buffer) => Meta[K] | undefined): Decoder {
  return (meta, data) => {
    const value = decode(data)
    if (value !== undefined) meta[key] = value
  }
}

const trafficClass: Decoder = (meta, data) => {
  const value = number(data)
  if (value === undefined) return
  meta.tos = value & 0xff
  meta.ecn = value & 3
}

const packetInfo4: Decoder = (meta, data) => {
  if (data.length < 12) return
  meta.interface = unsigned(data)!
  meta.localAddress = formatIPv4(data, 4)
  // A dual-stack socket has the IPv4-mapped address already.
  if (ownField(meta, 'destination') === undefined) meta.destination = formatIPv4(data, 8)
}

const packetInfo6: Decoder = (meta, data) => {
  if (data.length < 20) return
  meta.destination = formatIPv6(data, 0)
  meta.interface = unsigned(data.subarray(16))!
}

// struct scm_timestamping: software, unused, hardware. The hardware timestamp is preferred if it is present.
const timestamping: Decoder = (meta, data) => {
  if (data.length < 48) return
  const hardware = seconds(data.subarray(32), 1n)!
  const software = seconds(data, 1n)!
  const value = hardware !== 0n ? hardware : software
  if (value === 0n) return
  meta.timestamp = value
  meta.timestampSource = hardware !== 0n ? 'hardware' : 'software'
}

// A timeval or timespec is the kernel's clock. If SCM_TIMESTAMPING is present too, it takes precedence.
const timestamp =
  (fraction: bigint): Decoder =>
  (meta, data) => {
    const value = seconds(data, fraction)
    if (value !== undefined && meta.timestampSource === undefined) meta.timestamp = value
  }

const credentials: Decoder = (meta, data) => {
  if (data.length < 12) return
  meta.credentials = {
    pid: number(data)!,
    uid: unsigned(data.subarray(4))!,
    gid: unsigned(data.subarray(8))!,
  }
}

// struct sockaddr_dl starts with the length, the family and the index of the interface.
const interfaceOf: Decoder = (meta, data) => {
  // uncovered: only on a big-endian machine
  if (data.length >= 4) meta.interface = littleEndian ? data.readUInt16LE(2) : data.readUInt16BE(2)
}

const pathMtu: Decoder = (meta, data) => {
  if (data.length < 32) return
  meta.destination = formatIPv6(data, 8)
  meta.pathMtu = unsigned(data.subarray(28))!
}

const flowInfo: Decoder = (meta, data) => {
  if (data.length >= 4) meta.flowInfo = data.readUInt32BE()
}

const security: Decoder = (meta, data) => {
  const end = data.indexOf(0)
  meta.security = data.toString('utf8', 0, end < 0 ? data.length : end)
}

const auxFields = [
  'tp_status',
  'tp_len',
  'tp_snaplen',
  'tp_mac',
  'tp_net',
  'tp_vlan_tci',
  'tp_vlan_tpid',
] as const
const ETH_P_8021Q = 0x8100

function auxdata(platform: Platform): Decoder | null {
  const places = structOf(platform, 'tpacket_auxdata', auxFields)
  if (places === null) return null
  const { size, offset, width } = places
  // uncovered: only on a system without this constant
  const valid = platform.constants['TP_STATUS_VLAN_VALID'] ?? 0
  // uncovered: only on a system without this constant
  const named = platform.constants['TP_STATUS_VLAN_TPID_VALID'] ?? 0
  return (meta, data) => {
    if (data.length < size) return
    const read = (field: (typeof auxFields)[number]): number =>
      littleEndian
        ? data.readUIntLE(offset[field], width[field])
        : data.readUIntBE(offset[field], width[field]) // uncovered: only on a big-endian machine
    const aux = Object.fromEntries(auxFields.map(field => [field, read(field)])) as unknown as PacketAuxData
    meta.auxdata = aux
    if ((aux.tp_status & valid) === 0) return
    const tci = aux.tp_vlan_tci
    meta.vlan = {
      id: tci & 0xfff,
      priority: tci >> 13,
      dropEligible: (tci & 0x1000) !== 0,
      protocol: (aux.tp_status & named) !== 0 ? aux.tp_vlan_tpid : ETH_P_8021Q,
    }
  }
}

const originalDestination: Decoder = (meta, data, addresses) => {
  const address = addresses.decode(data)
  if (address !== null) meta.originalDestination = address as AnyInetAddress
}

/** Decodes control messages. Ignores unknown and incomplete ones, and never throws. */
export class MetaDecoder {
  readonly #decoders = new Map<string, Decoder>()

  constructor(
    platform: Platform,
    private readonly addresses: AddressCodec,
  ) {
    const { constants, os } = platform
    const add = (level: string, type: string, decoder: Decoder | null): void => {
      const [l, t] = [constants[level], constants[type]]
      if (l !== undefined && t !== undefined && decoder !== null) this.#decoders.set(`${l}:${t}`, decoder)
    }
    for (const [type, decoder] of Object.entries<Decoder>({
      SCM_TIMESTAMP: timestamp(1000n),
      SO_TIMESTAMP_NEW: timestamp(1000n),
      SCM_TIMESTAMPNS: timestamp(1n),
      SO_TIMESTAMPNS_NEW: timestamp(1n),
      SCM_TIMESTAMPING: timestamping,
      SO_TIMESTAMPING_NEW: timestamping,
      SO_RXQ_OVFL: set('drops', unsigned),
      SO_MARK: set('mark', unsigned),
      SO_PRIORITY: set('priority', unsigned),
      SCM_CREDENTIALS: credentials,
      SCM_SECURITY: security,
      SCM_INQ: set('unread', number),
    }))
      add('SOL_SOCKET', type, decoder)
    for (const [type, decoder] of Object.entries<Decoder>({
      IP_PKTINFO: packetInfo4,
      [os === 'linux' ? 'IP_TTL' : 'IP_RECVTTL']: set('ttl', number),
      [os === 'linux' ? 'IP_TOS' : 'IP_RECVTOS']: trafficClass,
      IP_RECVFRAGSIZE: set('fragmentSize', number),
      IP_CHECKSUM: set('checksum', unsigned),
      IP_ORIGDSTADDR: originalDestination,
      IP_RECVIF: interfaceOf,
      IP_RECVDSTADDR: set('destination', data => (data.length < 4 ? undefined : formatIPv4(data, 0))),
    }))
      add('IPPROTO_IP', type, decoder)
    for (const [type, decoder] of Object.entries<Decoder>({
      IPV6_PKTINFO: packetInfo6,
      IPV6_HOPLIMIT: set('ttl', number),
      IPV6_TCLASS: trafficClass,
      IPV6_RECVFRAGSIZE: set('fragmentSize', number),
      IPV6_ORIGDSTADDR: originalDestination,
      IPV6_FLOWINFO: flowInfo,
      IPV6_PATHMTU: pathMtu,
    }))
      add('IPPROTO_IPV6', type, decoder)
    add('IPPROTO_UDP', 'UDP_GRO', set('segmentSize', number))
    add('IPPROTO_TCP', 'TCP_CM_INQ', set('unread', number))
    add('SOL_PACKET', 'PACKET_AUXDATA', auxdata(platform))
    add('SOL_NETLINK', 'NETLINK_PKTINFO', set('group', unsigned))
    add('SOL_NETLINK', 'NETLINK_LISTEN_ALL_NSID', set('nsid', number))
    add('SOL_TLS', 'TLS_GET_RECORD_TYPE', set('tlsRecordType', number))
  }

  /** `addresses` decodes the addresses of the socket's network namespace. */
  decode(controls: readonly Control[], addresses = this.addresses): Meta {
    const meta: Meta = {}
    for (let i = 0; i < controls.length; i++) {
      const { level, type, data } = controls[i]!
      this.#decoders.get(`${level}:${type}`)?.(meta, data, addresses)
    }
    return meta
  }
}
