import { get16, get16be, get32, put16be, structOf, type Struct } from '../struct'
import type { Address, PacketAddress } from '../address'
import type { Platform } from '../platform'

/** An 802.1Q or 802.1ad tag. */
export interface Vlan {
  /** 0 to 4095. */
  id: number
  /** 0 to 7. */
  priority: number
  /** `ETH_P_8021Q` or `ETH_P_8021AD`. */
  tpid: number
}

/** One captured frame. */
export interface Frame {
  /** When the kernel saw it, in nanoseconds since 1970. */
  timestamp: bigint
  /**
   * Its bytes, from the link-layer header on (without it in a cooked socket), as many as the filter accepted. A
   * VLAN tag that the kernel or the device took off is back in its place.
   */
  data: Buffer
  /** How long it was on the wire: more than `data` where the filter accepted a part. */
  length: number
  /** The outermost VLAN tag, where there is one. */
  vlan?: Vlan
  /** For whom it was; `'outgoing'` was sent by this host. */
  type: 'host' | 'broadcast' | 'multicast' | 'other' | 'outgoing'
  /** The number of the interface. */
  interface: number
  /** `ETH_P_*` in host order: what is behind the link-layer header and its VLAN tag. */
  protocol: number
  /** Who sent it, of kind `'packet'`. */
  address: Address
}

/** PACKET_HOST and so on, by number. */
export const frameTypes = ['host', 'broadcast', 'multicast', 'other', 'outgoing'] as const

/** `struct tpacket_auxdata`: what the kernel tells about a frame that is not in its bytes. */
export interface Auxdata {
  length: number
  /** Tag control information of a tag that was taken off. */
  tag: { tci: number; tpid: number } | null
}

const ADDRESSES = 12 // two of Ethernet, before the tag
const TAG = 4
export const ETH_P_8021Q = 0x8100
const ETH_P_8021AD = 0x88a8

const fields = ['tp_status', 'tp_len', 'tp_vlan_tci', 'tp_vlan_tpid'] as const

/** Reads PACKET_AUXDATA; `null` on a system without it. */
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
 * A copy of the captured bytes, with the tag that was taken off put back behind the addresses. Without a
 * link-layer header, or with a part of one, there is no place for it.
 */
export function restore(bytes: Uint8Array, tag: Auxdata['tag'], cooked: boolean): Buffer {
  if (tag === null || cooked || bytes.length < ADDRESSES) return Buffer.from(bytes)
  const whole = Buffer.allocUnsafe(bytes.length + TAG)
  whole.set(bytes.subarray(0, ADDRESSES))
  put16be(whole, ADDRESSES, tag.tpid)
  put16be(whole, ADDRESSES + 2, tag.tci)
  whole.set(bytes.subarray(ADDRESSES), ADDRESSES + TAG)
  return whole
}

/** The tag that was taken off, or the one that the bytes begin with: a sender may write it itself. */
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

/** What is known of a frame that came. */
export interface Received {
  timestamp: bigint
  /** How many bytes of it came, and how many it had, both without a tag that was taken off. */
  captured: number
  length: number
  /** The bytes with the tag. */
  data: Buffer
  tag: Auxdata['tag']
  cooked: boolean
  address: PacketAddress
}

/** The frame as users see it, whichever way it came. */
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
