import type { Address, AddressCodec } from '../address'
import { get16, get32, structOf } from '../struct'
import type { Meta, MetaDecoder } from '../control/meta'
import type { Control } from '../control/walk'
import { errnoNames } from '../errors/errno.gen'
import type { Platform } from '../platform'
import type { NonSharedBuffer } from '../runtime/buffer'
import { ownFields } from '../runtime/fields'

/** The source of a record, `SO_EE_ORIGIN_*`; a number if it has no name here. */
export type ErrorOrigin =
  'none' | 'local' | 'icmp' | 'icmp6' | 'timestamping' | 'zerocopy' | 'txtime' | (number & {})

/** The stage at which a transmit timestamp was taken, `SCM_TSTAMP_*`. */
export type TimestampStage = 'scheduled' | 'sent' | 'acknowledged' | 'completed' | (number & {})

/** A record of a socket's error queue: an ICMP error, a local error, or a report about a send. Linux. */
export interface ErrorRecord {
  origin: ErrorOrigin
  /**
   * The name of the errno, such as `'ECONNREFUSED'`; `''` for 0. A timestamp has `'ENOMSG'`, which is not a failure.
   */
  code: string
  /** The negative errno, as in SocketError; 0 if there is none. */
  errno: number
  /** The router or host that sent the ICMP message. The port is 0. */
  offender: Address | null
  /** The destination of the packet that caused the record. */
  address: Address | null
  /** The data of that packet: the start of it for ICMP, the whole frame for a timestamp, otherwise empty. */
  data: NonSharedBuffer
  /** True if the data was longer than the buffer. */
  truncated: boolean
  /** The ICMP or ICMPv6 type and code. */
  icmp?: { type: number; code: number }
  /** The MTU that the packet exceeded. */
  mtu?: number
  /**
   * The time at which the packet reached `stage`, in nanoseconds since 1970. For an ICMP error, with
   * `receiveMeta({ timestamp })`: the time at which the kernel received it.
   */
  timestamp?: bigint
  /** The stage of the timestamp. */
  stage?: TimestampStage
  /** The number of the send, from 0; on a stream, the offset of its last byte. Needs SOF_TIMESTAMPING_OPT_ID. */
  id?: number
  /** The MSG_ZEROCOPY sends that are complete, `first` to `last`. `copied` is true if the kernel copied the data. */
  zerocopy?: { first: number; last: number; copied: boolean }
  /** A packet with SCM_TXTIME that was dropped: its time in nanoseconds, and the reason. */
  txtime?: { time: bigint; reason: 'invalid' | 'missed' | 'unknown' }
  /** Other decoded control messages, such as the interface. */
  meta: Meta
  /** The positive errno. */
  ee_errno: number
  /** `SO_EE_ORIGIN_*`. */
  ee_origin: number
  ee_type: number
  ee_code: number
  ee_info: number
  ee_data: number
  /** All control messages, undecoded. */
  control: Control[]
}

/** The result of a read of the error queue. */
export interface ErrorMessage {
  data: NonSharedBuffer
  address: Address | null
  truncated: boolean
  control: Control[]
}

const origins: readonly (readonly [name: string, origin: ErrorOrigin])[] = [
  ['SO_EE_ORIGIN_NONE', 'none'],
  ['SO_EE_ORIGIN_LOCAL', 'local'],
  ['SO_EE_ORIGIN_ICMP', 'icmp'],
  ['SO_EE_ORIGIN_ICMP6', 'icmp6'],
  ['SO_EE_ORIGIN_TIMESTAMPING', 'timestamping'],
  ['SO_EE_ORIGIN_ZEROCOPY', 'zerocopy'],
  ['SO_EE_ORIGIN_TXTIME', 'txtime'],
]

const stages: readonly (readonly [name: string, stage: TimestampStage])[] = [
  ['SCM_TSTAMP_SND', 'sent'],
  ['SCM_TSTAMP_SCHED', 'scheduled'],
  ['SCM_TSTAMP_ACK', 'acknowledged'],
  ['SCM_TSTAMP_COMPLETION', 'completed'],
]

/** The control messages that contain `struct sock_extended_err`, depending on the family of the socket. */
const carriers = [
  ['IPPROTO_IP', 'IP_RECVERR'],
  ['IPPROTO_IPV6', 'IPV6_RECVERR'],
  ['SOL_PACKET', 'PACKET_TX_TIMESTAMP'],
  ['SOL_VSOCK', 'VSOCK_RECVERR'],
  ['SOL_CAN_RAW', 'SCM_CAN_RAW_ERRQUEUE'],
  ['SOL_CAN_J1939', 'SCM_J1939_ERRQUEUE'],
] as const

const fields = ['ee_errno', 'ee_origin', 'ee_type', 'ee_code', 'ee_info', 'ee_data'] as const
type RawFields = Record<(typeof fields)[number], number>
const nothing: RawFields = { ee_errno: 0, ee_origin: 0, ee_type: 0, ee_code: 0, ee_info: 0, ee_data: 0 }

const ICMP_DEST_UNREACH = 3
const ICMP_FRAG_NEEDED = 4
const ICMPV6_PKT_TOOBIG = 2

/** Decodes records of the error queue. Never throws: an unknown record keeps its numbers and its control messages. */
export class ErrorRecordDecoder {
  readonly #platform: Platform
  readonly #addresses: AddressCodec
  readonly #meta: MetaDecoder
  readonly #layout: ReturnType<typeof structOf<(typeof fields)[number]>>
  readonly #carriers = new Set<string>()
  readonly #origins = new Map<number, ErrorOrigin>()
  readonly #stages = new Map<number, TimestampStage>()

  constructor(platform: Platform, addresses: AddressCodec, meta: MetaDecoder) {
    this.#platform = platform
    this.#addresses = addresses
    this.#meta = meta
    this.#layout = structOf(platform, 'sock_extended_err', fields)
    const { constants } = platform
    for (const [level, type] of carriers) {
      const [l, t] = [constants[level], constants[type]]
      if (l !== undefined && t !== undefined) this.#carriers.add(`${l}:${t}`)
    }
    for (const [name, origin] of origins) this.#origins.set(constants[name] ?? -1, origin)
    for (const [name, stage] of stages) this.#stages.set(constants[name] ?? -1, stage)
  }

  decode({ data, address, truncated, control }: ErrorMessage, addresses = this.#addresses): ErrorRecord {
    const carrier = control.find(({ level, type }) => this.#carriers.has(`${level}:${type}`))
    const raw = carrier === undefined ? nothing : this.#raw(carrier.data)
    const { timestamp, timestampSource: _, ...meta } = ownFields(this.#meta.decode(control, addresses))
    const names = errnoNames[this.#platform.os]
    const record: ErrorRecord = {
      origin: this.#origins.get(raw.ee_origin) ?? raw.ee_origin,
      code: raw.ee_errno === 0 ? '' : (names.get(raw.ee_errno) ?? String(raw.ee_errno)),
      errno: raw.ee_errno === 0 ? 0 : -(raw.ee_errno | 0),
      offender: carrier === undefined ? null : this.#offender(carrier.data, addresses),
      address,
      data,
      truncated,
      meta,
      ...raw,
      control,
    }
    this.#interpret(record, timestamp)
    return record
  }

  #raw(data: Buffer): RawFields {
    const layout = this.#layout
    if (layout === null || data.length < layout.size) return nothing
    const raw = { ...nothing }
    for (const field of fields) {
      const at = layout.offset[field]
      const width = layout.width[field]
      raw[field] = width === 1 ? data[at]! : width === 2 ? get16(data, at) : get32(data, at)
    }
    return raw
  }

  // SO_EE_OFFENDER(3): a sockaddr directly after the struct. Its family is 0 if there is no offender.
  #offender(data: Buffer, addresses: AddressCodec): Address | null {
    const size = this.#layout?.size ?? 0
    if (size === 0 || data.length < size + 2) return null
    const offender = addresses.decode(data.subarray(size))
    return offender === null || offender.family === 0 ? null : offender
  }

  #interpret(record: ErrorRecord, timestamp: bigint | undefined): void {
    const { origin, ee_type, ee_code, ee_info, ee_data } = record
    if (timestamp !== undefined) record.timestamp = timestamp
    switch (origin) {
      case 'icmp':
      case 'icmp6': {
        record.icmp = { type: ee_type, code: ee_code }
        const tooBig =
          origin === 'icmp'
            ? ee_type === ICMP_DEST_UNREACH && ee_code === ICMP_FRAG_NEEDED
            : ee_type === ICMPV6_PKT_TOOBIG
        if (tooBig) record.mtu = ee_info
        break
      }
      case 'local':
        if (record.code === 'EMSGSIZE') record.mtu = ee_info
        break
      case 'timestamping':
        record.stage = this.#stages.get(ee_info) ?? ee_info
        record.id = ee_data
        break
      case 'zerocopy': {
        const copied = this.#platform.constants['SO_EE_CODE_ZEROCOPY_COPIED'] ?? 1
        record.zerocopy = { first: ee_info, last: ee_data, copied: (ee_code & copied) !== 0 }
        break
      }
      case 'txtime': {
        const { SO_EE_CODE_TXTIME_INVALID_PARAM: invalid = 1, SO_EE_CODE_TXTIME_MISSED: missed = 2 } =
          this.#platform.constants
        const reason = ee_code === invalid ? 'invalid' : ee_code === missed ? 'missed' : 'unknown'
        record.txtime = { time: (BigInt(ee_data) << 32n) | BigInt(ee_info), reason }
        break
      }
      case 'none':
      default: // the raw numbers are the whole record
    }
  }
}
