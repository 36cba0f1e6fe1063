import { get32, put16, put32 } from '../../struct'
import { checkInteger, invalidType } from '../../errors/argument'
import { checkObject, int, padded, type Codec } from './basic'
import { struct } from './struct'

/** Describes how sockets share the frames of an interface. */
export interface Fanout {
  /** The id of the group. All sockets of a network namespace with the same id share the frames. */
  id: number
  /** The distribution method, `PACKET_FANOUT_HASH` and so on. */
  type: number
  /** `PACKET_FANOUT_FLAG_*`. */
  flags?: number | undefined
  /** The maximum number of sockets in the group (5.11), 256 by default. */
  max_num_members?: number | undefined
}

/** `id | type << 16` or, with `max_num_members`, `struct fanout_args`. */
export const fanout: Codec<Fanout> = {
  size: 4,
  encode(_platform, value, argument) {
    const { id, type, flags, max_num_members } = checkObject(argument, value)
    const bytes = new Uint8Array(max_num_members === undefined ? 4 : 8)
    const group = checkInteger(`${argument}.id`, id, 0, 0xffff)
    const mode = checkInteger(`${argument}.type`, type, 0, 0xff)
    const bits = flags === undefined ? 0 : checkInteger(`${argument}.flags`, flags, 0, 0xffff)
    if (max_num_members === undefined) {
      put32(bytes, 0, ((bits | mode) << 16) | group)
    } else {
      put16(bytes, 0, group)
      put16(bytes, 2, bits | mode)
      put32(bytes, 4, checkInteger(`${argument}.max_num_members`, max_num_members, 0, 0xffffffff))
    }
    return bytes
  },
  decode(_platform, bytes) {
    const value = get32(padded(bytes, 4), 0)
    return { id: value & 0xffff, type: (value >>> 16) & 0xff, flags: (value >>> 16) & 0xff00 }
  },
}

/** A membership of a packet socket: `struct packet_mreq`. packet(7) */
export interface PacketMreq {
  /** The index of the interface. */
  mr_ifindex: number
  /** `PACKET_MR_*`. */
  mr_type: number
  /** The number of valid bytes in `mr_address`. */
  mr_alen?: number | undefined
  /** The link-layer address, 8 bytes. */
  mr_address?: ArrayBufferView | undefined
}

/** `struct packet_mreq`. */
export const packetMreq: Codec<PacketMreq> = struct(
  'packet_mreq',
  { mr_ifindex: 'int', mr_type: 'uint' },
  { mr_alen: 'uint', mr_address: 'bytes' },
)

const ring = {
  tp_block_size: 'uint',
  tp_block_nr: 'uint',
  tp_frame_size: 'uint',
  tp_frame_nr: 'uint',
} as const
const ring3 = { tp_retire_blk_tov: 'uint', tp_sizeof_priv: 'uint', tp_feature_req_word: 'uint' } as const
const request = struct('tpacket_req', ring)
const request3 = struct('tpacket_req3', ring, ring3)

/** The size of a ring: `struct tpacket_req`, or if a field of TPACKET_V3 is present, `struct tpacket_req3`. */
export interface RingRequest {
  tp_block_size: number
  tp_block_nr: number
  tp_frame_size: number
  tp_frame_nr: number
  /** TPACKET_V3: the milliseconds after which a block that is not full is passed on. */
  tp_retire_blk_tov?: number | undefined
  /** TPACKET_V3: the bytes of private data in each block. */
  tp_sizeof_priv?: number | undefined
  /** TPACKET_V3: `TP_FT_REQ_*`. */
  tp_feature_req_word?: number | undefined
}

/** `struct tpacket_req`, or `struct tpacket_req3` if one of its fields is present. */
export const packetRing: Codec<never, RingRequest> = {
  size: request3.size,
  encode(platform, value, argument) {
    const fields = checkObject(argument, value)
    const codec = Object.keys(ring3).some(name => fields[name] !== undefined) ? request3 : request
    return codec.encode(platform, value, argument)
  },
  decode: () => undefined as never,
}

/** The counters of a packet socket since the last read: `struct tpacket_stats`. packet(7) */
export interface TpacketStats {
  /** The frames that the filter accepted, including dropped ones. */
  tp_packets: number
  tp_drops: number
  /** How often the ring was full. Present on a TPACKET_V3 socket. */
  tp_freeze_q_cnt?: number
}

/** `struct tpacket_stats`, or `struct tpacket_stats_v3` on a TPACKET_V3 socket. */
export const packetStatistics: Codec<TpacketStats, never> = struct(
  'tpacket_stats_v3',
  { tp_packets: 'uint', tp_drops: 'uint' },
  { tp_freeze_q_cnt: 'uint' },
)

/** The frames that rolled over to another socket: `struct tpacket_rollover_stats`. */
export interface TpacketRolloverStats {
  tp_all: bigint
  tp_huge: bigint
  tp_failed: bigint
}

/** `struct tpacket_rollover_stats`. */
export const rolloverStatistics: Codec<TpacketRolloverStats, never> = struct('tpacket_rollover_stats', {
  tp_all: 'uint64',
  tp_huge: 'uint64',
  tp_failed: 'uint64',
})

/** The length of the frame header of a ring. The request contains the version. */
export const headerLength: Codec<number> = {
  ...int,
  request(platform, value, argument) {
    const version = value ?? platform.constants['TPACKET_V3']
    if (version === undefined) throw invalidType(argument, 'number', version)
    return int.encode(platform, version, argument)
  },
}

const ringOffset = struct(
  'xdp_ring_offset',
  { producer: 'uint64', consumer: 'uint64', desc: 'uint64' },
  { flags: 'uint64' },
)

/** Describes the offsets of the fields of a ring in its mapping. */
export interface RingOffsets {
  producer: bigint
  consumer: bigint
  desc: bigint
  flags?: bigint
}

/** The offsets of the four rings of an AF_XDP socket: `struct xdp_mmap_offsets`. */
export interface XdpMmapOffsets {
  rx: RingOffsets
  tx: RingOffsets
  /** The fill ring. */
  fr: RingOffsets
  /** The completion ring. */
  cr: RingOffsets
}

/** `struct xdp_mmap_offsets`. */
export const xdpOffsets: Codec<XdpMmapOffsets, never> = {
  size: ({ layout }) => layout['sizeof_xdp_mmap_offsets'],
  encode: () => new Uint8Array(0), // uncovered: a read-only option is never encoded
  decode(platform, bytes) {
    const whole = padded(bytes, platform.layout['sizeof_xdp_mmap_offsets'] ?? 128)
    const each = whole.length / 4
    const at = (i: number): RingOffsets =>
      ringOffset.decode(platform, whole.subarray(i * each, (i + 1) * each))
    return { rx: at(0), tx: at(1), fr: at(2), cr: at(3) }
  },
}

/** The memory of the frames of an AF_XDP socket: `struct xdp_umem_reg`. */
export interface XdpUmemReg {
  addr: number | bigint
  len: number | bigint
  chunk_size: number
  headroom: number
  /** `XDP_UMEM_*`. */
  flags?: number | undefined
}

/** `struct xdp_umem_reg`. */
export const umemReg: Codec<XdpUmemReg> = struct(
  'xdp_umem_reg',
  { addr: 'uint64', len: 'uint64', chunk_size: 'uint', headroom: 'uint' },
  { flags: 'uint' },
)

/** The dropped frames and refused descriptors of an AF_XDP socket: `struct xdp_statistics`. */
export interface XdpStatistics {
  rx_dropped: bigint
  rx_invalid_descs: bigint
  tx_invalid_descs: bigint
  rx_ring_full?: bigint
  rx_fill_ring_empty_descs?: bigint
  tx_ring_empty_descs?: bigint
}

/** `struct xdp_statistics`. */
export const xdpStatistics: Codec<XdpStatistics, never> = struct(
  'xdp_statistics',
  { rx_dropped: 'uint64', rx_invalid_descs: 'uint64', tx_invalid_descs: 'uint64' },
  { rx_ring_full: 'uint64', rx_fill_ring_empty_descs: 'uint64', tx_ring_empty_descs: 'uint64' },
)
