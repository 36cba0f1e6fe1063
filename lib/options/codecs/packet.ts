import { get32, put16, put32 } from '../../struct'
import { checkInteger, invalidType } from '../../errors/argument'
import { checkObject, int, padded, type Codec } from './basic'
import { struct, type StructInput } from './struct'

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

/** `struct packet_mreq`, a membership of a packet socket. `mr_alen` is the number of valid bytes in `mr_address`. */
export const packetMreq = struct(
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

/** The size of a ring. If a field of TPACKET_V3 is present, it becomes a `struct tpacket_req3`. */
export type RingRequest = StructInput<typeof ring, typeof ring3>

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

/** `struct tpacket_stats`, or `struct tpacket_stats_v3` on a TPACKET_V3 socket. */
export const packetStatistics = struct(
  'tpacket_stats_v3',
  { tp_packets: 'uint', tp_drops: 'uint' },
  { tp_freeze_q_cnt: 'uint' },
)

/** `struct tpacket_rollover_stats`. */
export const rolloverStatistics = struct('tpacket_rollover_stats', {
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

/** `struct xdp_mmap_offsets`. */
export const xdpOffsets: Codec<
  { rx: RingOffsets; tx: RingOffsets; fr: RingOffsets; cr: RingOffsets },
  never
> = {
  size: ({ layout }) => layout['sizeof_xdp_mmap_offsets'],
  encode: () => new Uint8Array(0),
  decode(platform, bytes) {
    const whole = padded(bytes, platform.layout['sizeof_xdp_mmap_offsets'] ?? 128)
    const each = whole.length / 4
    const at = (i: number): RingOffsets =>
      ringOffset.decode(platform, whole.subarray(i * each, (i + 1) * each))
    return { rx: at(0), tx: at(1), fr: at(2), cr: at(3) }
  },
}

/** `struct xdp_umem_reg`. */
export const umemReg = struct(
  'xdp_umem_reg',
  { addr: 'uint64', len: 'uint64', chunk_size: 'uint', headroom: 'uint' },
  { flags: 'uint' },
)

/** `struct xdp_statistics`. */
export const xdpStatistics = struct(
  'xdp_statistics',
  { rx_dropped: 'uint64', rx_invalid_descs: 'uint64', tx_invalid_descs: 'uint64' },
  { rx_ring_full: 'uint64', rx_fill_ring_empty_descs: 'uint64', tx_ring_empty_descs: 'uint64' },
)
