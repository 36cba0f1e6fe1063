import { get16, get16be, get32, put16be, structOf, type Struct } from '../struct'
import type { Address, PacketAddress } from '../address'
import type { Platform } from '../platform'
import type { NonSharedBuffer } from '../runtime/buffer'

/** An 802.1Q or 802.1ad tag. */
export interface Vlan {
  /** The VLAN identifier, 0 to 4095. */
  id: number
  /** The priority code point, 0 to 7. */
  priority: number
  /** The tag protocol identifier, `ETH_P_8021Q` or `ETH_P_8021AD`. */
  tpid: number
}

/** One captured frame. */
export interface Frame {
  /** The time at which the kernel received the frame, in nanoseconds since 1970. */
  timestamp: bigint
  /**
   * The bytes that the filter accepted, starting with the link-layer header. A cooked socket leaves this header out. A
   * VLAN tag that the kernel or the device removed has been put back.
   */
  data: NonSharedBuffer
  /** The length of the whole frame in bytes. Longer than `data` if the filter accepted only a part. */
  length: number
  /** The outermost VLAN tag, if the frame has one. */
  vlan?: Vlan
  /** The destination: this host, a group, or another host. `'outgoing'` frames were sent by this host. */
  type: 'host' | 'broadcast' | 'multicast' | 'other' | 'outgoing'
  /** The index of the interface. */
  interface: number
  /** `ETH_P_*` in host byte order: the protocol after the link-layer header and its VLAN tag. */
  protocol: number
  /** The link-layer address of the sender, of kind `'packet'`. */
  address: Address
}

/** The names of PACKET_HOST and so on, by number. */
export const frameTypes = ['host', 'broadcast', 'multicast', 'other', 'outgoing'] as const

/** `struct tpacket_auxdata`: the kernel's information about a frame that is not in its bytes. */
export interface Auxdata {
  length: number
  /** The VLAN tag that the kernel or the device removed from the bytes. */
  tag: { tci: number; tpid: number } | null
}

const ADDRESSES = 12 // the two Ethernet addresses before the tag
const TAG = 4
export const ETH_P_8021Q = 0x8100
const ETH_P_8021AD = 0x88a8

const fields = ['tp_status', 'tp_len', 'tp_vlan_tci', 'tp_vlan_tpid'] as const

/** Decodes PACKET_AUXDATA. `create` returns `null` on a system without it. */
export class AuxdataCodec {
  readonly #valid: number
  readonly #tpidValid: number

  static create(platform: Platform): AuxdataCodec | null {
    const struct = structOf(platform, 'tpacket_auxdata', fields)
    return struct === null ? null : new AuxdataCodec(platform, struct)
  }

  private constructor(
    { constants }: Platform,
    private readonly struct: Struct<(typeof fields)[number]>,
  ) {
    this.#valid = constants['TP_STATUS_VLAN_VALID']!
    this.#tpidValid = constants['TP_STATUS_VLAN_TPID_VALID']!
  }

  decode(data: Uint8Array): Auxdata | null {
    const { size, offset } = this.struct
    if (data.length < size) return null
    const status = get32(data, offset.tp_status)
    const tpid = (status & this.#tpidValid) === 0 ? ETH_P_8021Q : get16(data, offset.tp_vlan_tpid)
    const tag = (status & this.#valid) === 0 ? null : { tci: get16(data, offset.tp_vlan_tci), tpid }
    return { length: get32(data, offset.tp_len), tag }
  }
}

/**
 * Returns a copy of the captured bytes, with the removed tag put back after the Ethernet addresses. If the bytes do not
 * contain both addresses, there is no place for the tag, and it is left out.
 */
export function restore(bytes: Uint8Array, tag: Auxdata['tag'], cooked: boolean): NonSharedBuffer {
  if (tag === null || cooked || bytes.length < ADDRESSES) return Buffer.from(bytes)
  const whole = Buffer.allocUnsafe(bytes.length + TAG)
  whole.set(bytes.subarray(0, ADDRESSES))
  put16be(whole, ADDRESSES, tag.tpid)
  put16be(whole, ADDRESSES + 2, tag.tci)
  whole.set(bytes.subarray(ADDRESSES), ADDRESSES + TAG)
  return whole
}

/** Returns the tag that was removed, or the tag in the bytes, which a sender may have written itself. */
export function vlanOf(data: Uint8Array, tag: Auxdata['tag'], cooked: boolean): Vlan | undefined {
  if (tag !== null) return vlan(tag.tci, tag.tpid)
  if (cooked || data.length < ADDRESSES + TAG) return undefined
  const tpid = get16be(data, ADDRESSES)
  if (tpid !== ETH_P_8021Q && tpid !== ETH_P_8021AD) return undefined
  return vlan(get16be(data, ADDRESSES + 2), tpid)
}

function vlan(tci: number, tpid: number): Vlan {
  return { id: tci & 0xfff, priority: tci >>> 13, tpid }
}

/** What a reader knows about a received frame. */
export interface Received {
  timestamp: bigint
  /** The number of captured bytes, and the length of the whole frame. Both without a removed tag. */
  captured: number
  length: number
  /** The bytes, with the tag. */
  data: NonSharedBuffer
  tag: Auxdata['tag']
  cooked: boolean
  address: PacketAddress
}

/** Returns the public form of a frame. Used with and without a ring. */
export function makeFrame({ timestamp, captured, length, data, tag, cooked, address }: Received): Frame {
  const vlan = vlanOf(data, tag, cooked)
  return {
    timestamp,
    data,
    length: length + data.length - captured,
    ...(vlan === undefined ? {} : { vlan }),
    type: frameTypes[address.packetType] ?? 'other',
    interface: address.index,
    protocol: address.protocol,
    address,
  }
}
