import { formatIPv4, formatIPv6 } from '../address/text'
import type { Platform } from '../platform'
import { littleEndian, type Control } from './walk'

/** Who sent a message over AF_UNIX or netlink, as the kernel checked it. */
export interface Credentials {
  pid: number
  uid: number
  gid: number
}

/** What the kernel told about a message, decoded. A field is there only when its option was switched on. */
export interface Meta {
  /** The address that the packet was sent to: ours, or the multicast or broadcast address. */
  destination?: string
  /** The number of the interface that it came in through. */
  interface?: number
  /** TTL or hop limit. */
  ttl?: number
  /** The TOS or traffic class byte. */
  tos?: number
  /** Its two ECN bits. */
  ecn?: number
  /** When it was received, in nanoseconds since 1970. */
  timestamp?: bigint
  /** How many packets this socket has lost since it was made. Absent while there are none. */
  drops?: number
  mark?: number
  priority?: number
  /** The size of each datagram in a GRO train; see `segments()`. */
  segmentSize?: number
  credentials?: Credentials
}

const NS = 1_000_000_000n

/** A number of 1 to 4 bytes: the same message is a byte on one system and an int on the other. */
function number(data: Buffer): number | undefined {
  if (data.length >= 4) return littleEndian ? data.readInt32LE() : data.readInt32BE()
  return data.length > 0 ? data[0] : undefined
}

function unsigned(data: Buffer): number | undefined {
  const value = number(data)
  return value === undefined ? value : value >>> 0
}

function seconds(data: Buffer, fraction: bigint): bigint | undefined {
  if (data.length < 16) return undefined
  const whole = littleEndian ? data.readBigInt64LE() : data.readBigInt64BE()
  // Darwin's tv_usec is an int with four bytes of padding behind it.
  const part =
    fraction === 1000n ? BigInt(littleEndian ? data.readInt32LE(8) : data.readInt32BE(12)) : undefined
  const rest = part ?? (littleEndian ? data.readBigInt64LE(8) : data.readBigInt64BE(8))
  return whole * NS + rest * fraction
}

type Decoder = (meta: Meta, data: Buffer) => void

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
  meta.destination = formatIPv4(data, 8)
}

const packetInfo6: Decoder = (meta, data) => {
  if (data.length < 20) return
  meta.destination = formatIPv6(data, 0)
  meta.interface = unsigned(data.subarray(16))!
}

// struct scm_timestamping: software, unused, hardware. The hardware's word counts where there is one.
const timestamping: Decoder = (meta, data) => {
  if (data.length < 48) return
  const hardware = seconds(data.subarray(32), 1n)!
  const software = seconds(data, 1n)!
  const value = hardware !== 0n ? hardware : software
  if (value !== 0n) meta.timestamp = value
}

const credentials: Decoder = (meta, data) => {
  if (data.length < 12) return
  meta.credentials = {
    pid: number(data)!,
    uid: unsigned(data.subarray(4))!,
    gid: unsigned(data.subarray(8))!,
  }
}

/** Fills `meta` from control messages. Unknown ones are passed over; none is ever an error. */
export class MetaDecoder {
  readonly #decoders = new Map<string, Decoder>()

  constructor({ constants: c, os }: Platform) {
    const add = (level: number | undefined, type: number | undefined, decoder: Decoder): void => {
      if (level !== undefined && type !== undefined) this.#decoders.set(`${level}:${type}`, decoder)
    }
    const linux = os === 'linux'
    add(c['IPPROTO_IP'], c['IP_PKTINFO'], packetInfo4)
    add(c['IPPROTO_IP'], linux ? c['IP_TTL'] : c['IP_RECVTTL'], set('ttl', number))
    add(c['IPPROTO_IP'], linux ? c['IP_TOS'] : c['IP_RECVTOS'], trafficClass)
    add(c['IPPROTO_IPV6'], c['IPV6_PKTINFO'], packetInfo6)
    add(c['IPPROTO_IPV6'], c['IPV6_HOPLIMIT'], set('ttl', number))
    add(c['IPPROTO_IPV6'], c['IPV6_TCLASS'], trafficClass)
    add(
      c['SOL_SOCKET'],
      c['SCM_TIMESTAMP'],
      set('timestamp', data => seconds(data, 1000n)),
    )
    add(
      c['SOL_SOCKET'],
      c['SCM_TIMESTAMPNS'],
      set('timestamp', data => seconds(data, 1n)),
    )
    add(c['SOL_SOCKET'], c['SCM_TIMESTAMPING'], timestamping)
    add(c['SOL_SOCKET'], c['SO_RXQ_OVFL'], set('drops', unsigned))
    add(c['SOL_SOCKET'], c['SO_MARK'], set('mark', unsigned))
    add(c['SOL_SOCKET'], c['SO_PRIORITY'], set('priority', unsigned))
    add(c['SOL_SOCKET'], c['SCM_CREDENTIALS'], credentials)
    add(c['IPPROTO_UDP'], c['UDP_GRO'], set('segmentSize', number))
  }

  decode(controls: readonly Control[]): Meta {
    const meta: Meta = {}
    for (const { level, type, data } of controls) this.#decoders.get(`${level}:${type}`)?.(meta, data)
    return meta
  }
}
