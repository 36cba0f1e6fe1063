import type { AddressCodec } from '../address'
import { get16, get32, structOf, type Struct } from '../struct'
import type { Platform } from '../platform'
import { ETH_P_8021Q, makeFrame, restore, type Auxdata, type Frame } from './frame'
import type { NonSharedBuffer } from '../runtime/buffer'

const fields = [
  'tp_next_offset',
  'tp_sec',
  'tp_nsec',
  'tp_snaplen',
  'tp_len',
  'tp_status',
  'tp_mac',
  'hv1_tp_vlan_tci',
  'hv1_tp_vlan_tpid',
] as const
const blockFields = ['hdr_bh1_num_pkts', 'hdr_bh1_offset_to_first_pkt'] as const

const SECOND = 1_000_000_000n

/** A position in a block: the offset of the next frame, and the number of frames left. */
export interface Cursor {
  at: number
  left: number
}

/**
 * Reads a copy of a block of a TPACKET_V3 ring. A block has a `struct tpacket_block_desc`, then for each frame a
 * `struct tpacket3_hdr`, a `struct sockaddr_ll` and the bytes.
 *
 * Other processes with the same descriptor can write to the ring, so no number in a block is trusted. Reading stops
 * before the first frame that does not fit into the block.
 */
export class BlockDecoder {
  readonly #valid: number
  readonly #tpidValid: number
  /** The offsets at which the sockaddr of a frame starts and ends. */
  readonly #address: number
  readonly #head: number

  /** Returns a decoder, or `null` on a system without TPACKET_V3. */
  static create(platform: Platform, addresses: AddressCodec): BlockDecoder | null {
    const frame = structOf(platform, 'tpacket3_hdr', fields)
    const block = structOf(platform, 'tpacket_block_desc', blockFields)
    return frame === null || block === null ? null : new BlockDecoder(platform, addresses, frame, block)
  }

  private constructor(
    { constants, layout }: Platform,
    private readonly addresses: AddressCodec,
    private readonly frame: Struct<(typeof fields)[number]>,
    private readonly block: Struct<(typeof blockFields)[number]>,
  ) {
    this.#valid = constants['TP_STATUS_VLAN_VALID']!
    this.#tpidValid = constants['TP_STATUS_VLAN_TPID_VALID']!
    this.#head = constants['TPACKET3_HDRLEN']!
    this.#address = this.#head - layout['sizeof_sockaddr_ll']!
  }

  begin(block: Uint8Array): Cursor {
    const { size, offset } = this.block
    if (block.length < size) return { at: 0, left: 0 }
    return {
      at: get32(block, offset.hdr_bh1_offset_to_first_pkt),
      left: get32(block, offset.hdr_bh1_num_pkts),
    }
  }

  /** Returns the next frame, or `null`. Its data is a view of the block, or a copy if a VLAN tag was put back. */
  next(block: NonSharedBuffer, cursor: Cursor, cooked: boolean, addresses = this.addresses): Frame | null {
    const { at } = cursor
    if (cursor.left === 0) return null
    const frame = this.#decode(block, at, cooked, addresses)
    const step = frame === null ? 0 : get32(block, at + this.frame.offset.tp_next_offset) // 0 for the last frame
    if (step < this.#head) cursor.left = 0
    else cursor.left--
    cursor.at = at + step
    return frame
  }

  #decode(block: NonSharedBuffer, at: number, cooked: boolean, addresses: AddressCodec): Frame | null {
    if (at + this.#head > block.length) return null
    const { offset } = this.frame
    const begin = get16(block, at + offset.tp_mac)
    const end = at + begin + get32(block, at + offset.tp_snaplen)
    if (begin < this.#head || end > block.length) return null
    const sockaddr = block.subarray(at + this.#address, at + this.#head)
    const address = addresses.decode(sockaddr, sockaddr.length)
    if (address?.kind !== 'packet') return null
    const tag = this.#tag(block, at)
    const bytes = block.subarray(at + begin, end)
    return makeFrame({
      timestamp: this.#timestamp(block, at),
      captured: bytes.length,
      length: get32(block, at + offset.tp_len),
      data: tag === null ? bytes : restore(bytes, tag, cooked),
      tag,
      cooked,
      address,
    })
  }

  #timestamp(block: Uint8Array, at: number): bigint {
    const { tp_sec, tp_nsec } = this.frame.offset
    return BigInt(get32(block, at + tp_sec)) * SECOND + BigInt(get32(block, at + tp_nsec))
  }

  #tag(block: Uint8Array, at: number): Auxdata['tag'] {
    const { offset } = this.frame
    const status = get32(block, at + offset.tp_status)
    if ((status & this.#valid) === 0) return null
    const tci = get32(block, at + offset.hv1_tp_vlan_tci) & 0xffff
    const named = (status & this.#tpidValid) !== 0
    return { tci, tpid: named ? get16(block, at + offset.hv1_tp_vlan_tpid) : ETH_P_8021Q }
  }
}
