import { checkInteger, invalidAddress, invalidType, outOfRange } from '../errors/argument'
import {
  BaseAddress,
  FamilyCodec,
  checkU32,
  checkU8,
  fieldsOf,
  interfaceIndex,
  interfaceName,
  owner,
  raw,
} from './base'
import type { Context } from './base'
import { copyOf } from './sockaddr'
import { get32, get64, put32, put64, structOf } from '../struct'
import type { Struct } from '../struct'

// The union can_addr contains unnamed structs, with the same layout on every Linux: tp { u32 rx_id, u32 tx_id } and
// j1939 { u64 name, u32 pgn, u8 addr }.
const txId = 4
const pgn = 8
const addr = 12
const tpEnd = 8
const j1939End = 13
// The values for "none", from linux/can/j1939.h.
const noPgn = 0x40000
const noAddr = 0xff

/** The fields of an AF_CAN address: an interface, with the ids of ISO-TP or the name of J1939. Linux only. */
export interface CanLike {
  /** The name or the index of the interface; 0 is any interface. If `null`, `index` is used. */
  interface: string | number | null
  index?: number | undefined
  /** CAN_ISOTP: the id to receive from. */
  rxId?: number | undefined
  /** CAN_ISOTP: the id to send with. */
  txId?: number | undefined
  /** CAN_J1939: the 64-bit NAME. Default 0: none. */
  name?: bigint | number | undefined
  /** CAN_J1939: the parameter group number. Default `J1939_NO_PGN`. */
  pgn?: number | undefined
  /** CAN_J1939: the 8-bit address. Default `J1939_NO_ADDR`. */
  addr?: number | undefined
}

/**
 * An AF_CAN address (sockaddr_can). Linux only.
 *
 * `rxId` and `txId` (CAN_ISOTP) share their bytes with `name`, `pgn` and `addr` (CAN_J1939). The bytes do not tell
 * which of them are valid: this depends on the protocol of the socket. CAN_RAW and CAN_BCM use none of them. A field
 * is `null` if the kernel reported too few bytes for it.
 */
export class CanAddress extends BaseAddress<CanCodec> {
  /** @internal See BaseAddress. */
  constructor(codec: CanCodec, bytes: Uint8Array) {
    super(codec, bytes)
  }

  get kind(): 'can' {
    return 'can'
  }

  /** The name of the interface, or `null` if it has no name (any more). Looked up on each access. */
  get interface(): string | null {
    return interfaceName(this[owner].context, this.index)
  }

  /** The index of the interface; 0 is any interface. */
  get index(): number {
    return get32(this[raw], this[owner].struct.offset.can_ifindex)
  }

  get rxId(): number | null {
    const at = this.#union(tpEnd)
    return at < 0 ? null : get32(this[raw], at)
  }

  get txId(): number | null {
    const at = this.#union(tpEnd)
    return at < 0 ? null : get32(this[raw], at + txId)
  }

  get name(): bigint | null {
    const at = this.#union(j1939End)
    return at < 0 ? null : get64(this[raw], at)
  }

  get pgn(): number | null {
    const at = this.#union(j1939End)
    return at < 0 ? null : get32(this[raw], at + pgn)
  }

  get addr(): number | null {
    const at = this.#union(j1939End)
    return at < 0 ? null : this[raw][at + addr]!
  }

  /** Returns `can:<interface>`. */
  override toString(): string {
    return `can:${this.interface ?? this.index}`
  }

  /** Returns the fields. `name` is hexadecimal text, because JSON has no bigint. */
  override toJSON() {
    const { kind, index, rxId, txId, pgn, addr } = this
    const name = this.name === null ? null : `0x${this.name.toString(16)}`
    return { kind, interface: this.interface, index, rxId, txId, name, pgn, addr }
  }

  #union(end: number): number {
    const at = this[owner].struct.offset.can_addr
    return this[raw].length < at + end ? -1 : at
  }
}

/** Encodes and decodes AF_CAN addresses. */
export class CanCodec extends FamilyCodec {
  readonly name = 'AF_CAN'
  readonly shapes = '{ interface }, { interface, rxId, txId }, { interface, name?, pgn?, addr? }'

  static create(context: Context): CanCodec | null {
    const family = context.platform.constants['AF_CAN']
    const struct = structOf(context.platform, 'sockaddr_can', ['can_ifindex', 'can_addr'])
    return family === undefined || struct === null ? null : new CanCodec(context, family, struct)
  }

  private constructor(
    context: Context,
    family: number,
    readonly struct: Struct<'can_ifindex' | 'can_addr'>,
  ) {
    super(context, family)
  }

  encode(value: unknown): Uint8Array {
    const given = fieldsOf(value)
    const device = given?.['interface']
    if (given === null || device === undefined) throw this.wrongShape(value)
    const { index, rxId, txId: tx, name, pgn: group, addr: address } = given
    const { size, offset } = this.struct
    const bytes = this.context.head.create(size, this.family)
    put32(bytes, offset.can_ifindex, interfaceIndex(this.context, device, index))
    const isotp = rxId !== undefined || tx !== undefined
    const j1939 = name !== undefined || group !== undefined || address !== undefined
    if (isotp && j1939) throw invalidAddress(value, 'rxId and txId exclude name, pgn and addr')
    const at = offset.can_addr
    if (isotp) {
      put32(bytes, at, checkU32('rxId', rxId ?? 0))
      put32(bytes, at + txId, checkU32('txId', tx ?? 0))
    } else if (j1939) {
      put64(bytes, at, checkName(name ?? 0))
      put32(bytes, at + pgn, checkInteger('pgn', group ?? noPgn, 0, noPgn))
      bytes[at + addr] = checkU8('addr', address ?? noAddr)
    }
    return bytes
  }

  /** Decodes an address. For a raw socket it ends after the interface, for ISO-TP after the ids. */
  decode(bytes: Uint8Array, length: number): CanAddress | null {
    const { size, offset } = this.struct
    return length < offset.can_addr ? null : new CanAddress(this, copyOf(bytes, Math.min(length, size)))
  }

  override reuse(bytes: Uint8Array): Uint8Array {
    if (bytes.length === this.struct.size) return bytes
    const whole = new Uint8Array(this.struct.size)
    whole.set(bytes)
    return whole
  }
}

function checkName(value: unknown): bigint {
  if (typeof value === 'number') return BigInt(checkInteger('name', value, 0, Number.MAX_SAFE_INTEGER))
  if (typeof value !== 'bigint') throw invalidType('name', 'bigint or number', value)
  if (value < 0n || value > 0xffffffffffffffffn) throw outOfRange('name', '>= 0n && < 2n ** 64n', value)
  return value
}
