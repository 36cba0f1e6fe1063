import { types } from 'node:util'
import { invalidAddress, invalidType, outOfRange } from '../errors/argument'
import {
  BaseAddress,
  FamilyCodec,
  checkU16,
  checkU8,
  fieldsOf,
  formatHardware,
  interfaceIndex,
  interfaceName,
  owner,
  parseHardware,
  raw,
} from './base'
import type { Context } from './base'
import { copyOf, copyOfView } from './sockaddr'
import { get16, get16be, get32, put16, put16be, put32, structOf } from '../struct'
import type { Struct } from '../struct'

const fields = ['sll_protocol', 'sll_ifindex', 'sll_hatype', 'sll_pkttype', 'sll_halen', 'sll_addr'] as const
type Field = (typeof fields)[number]

/** The fields of an AF_PACKET address: a link-layer address. Linux only. */
export interface PacketLike {
  /** The name or the index of the interface; 0 is any interface. If `null`, `index` is used. */
  interface: string | number | null
  index?: number | undefined
  /** The protocol, `ETH_P_*` in host byte order. Default 0. */
  protocol?: number | undefined
  /** The hardware address: `'aa:bb:cc:dd:ee:ff'`, or up to 8 bytes. */
  hardwareAddress?: string | Uint8Array | undefined
  /** The packet type, `PACKET_*`. The kernel sets it on receive. */
  packetType?: number | undefined
  /** The hardware type, `ARPHRD_*`. The kernel sets it on receive. */
  hardwareType?: number | undefined
}

/** An AF_PACKET address (sockaddr_ll): a link-layer address. Linux only. */
export class PacketAddress extends BaseAddress<PacketCodec> {
  /** @internal See BaseAddress. */
  constructor(codec: PacketCodec, bytes: Uint8Array) {
    super(codec, bytes)
  }

  get kind(): 'packet' {
    return 'packet'
  }

  /** The name of the interface, or `null` if it has no name (any more). Looked up on each access. */
  get interface(): string | null {
    return interfaceName(this[owner].context, this.index)
  }

  /** The index of the interface; 0 is any interface. */
  get index(): number {
    return get32(this[raw], this[owner].struct.offset.sll_ifindex)
  }

  /** The protocol, `ETH_P_*` in host byte order. */
  get protocol(): number {
    return get16be(this[raw], this[owner].struct.offset.sll_protocol)
  }

  /** The packet type: `PACKET_HOST`, `PACKET_OUTGOING`, … */
  get packetType(): number {
    return this[raw][this[owner].struct.offset.sll_pkttype]!
  }

  /** The hardware type, `ARPHRD_*`. */
  get hardwareType(): number {
    return get16(this[raw], this[owner].struct.offset.sll_hatype)
  }

  /** The hardware address, `'aa:bb:cc:dd:ee:ff'`; `''` if there is none. */
  get hardwareAddress(): string {
    const { sll_halen, sll_addr } = this[owner].struct.offset
    return formatHardware(this[raw].subarray(sll_addr, sll_addr + this[raw][sll_halen]!))
  }

  /** Returns text such as `packet:eth0:0x0800`, with `/aa:bb:cc:dd:ee:ff` if there is a hardware address. */
  override toString(): string {
    const hardware = this.hardwareAddress
    const protocol = `0x${this.protocol.toString(16).padStart(4, '0')}`
    return `packet:${this.interface ?? this.index}:${protocol}${hardware === '' ? '' : `/${hardware}`}`
  }

  override toJSON() {
    const { kind, index, protocol, packetType, hardwareType, hardwareAddress } = this
    return { kind, interface: this.interface, index, protocol, packetType, hardwareType, hardwareAddress }
  }
}

/** Encodes and decodes AF_PACKET addresses. */
export class PacketCodec extends FamilyCodec {
  readonly name = 'AF_PACKET'
  readonly shapes = '{ interface, protocol?, hardwareAddress? }'

  static create(context: Context): PacketCodec | null {
    const family = context.platform.constants['AF_PACKET']
    const struct = structOf(context.platform, 'sockaddr_ll', fields)
    return family === undefined || struct === null ? null : new PacketCodec(context, family, struct)
  }

  private constructor(
    context: Context,
    family: number,
    readonly struct: Struct<Field>,
  ) {
    super(context, family)
  }

  encode(value: unknown): Uint8Array {
    const given = fieldsOf(value)
    const name = given?.['interface']
    if (given === null || name === undefined) throw this.wrongShape(value)
    const { index, protocol = 0, packetType = 0, hardwareType = 0, hardwareAddress = '' } = given
    const { size, offset, width } = this.struct
    const hardware = readHardware(hardwareAddress, width.sll_addr)
    const bytes = this.context.head.create(size, this.family)
    put32(bytes, offset.sll_ifindex, interfaceIndex(this.context, name, index))
    put16be(bytes, offset.sll_protocol, checkU16('protocol', protocol))
    put16(bytes, offset.sll_hatype, checkU16('hardwareType', hardwareType))
    bytes[offset.sll_pkttype] = checkU8('packetType', packetType)
    bytes[offset.sll_halen] = hardware.length
    bytes.set(hardware, offset.sll_addr)
    return bytes
  }

  decode(bytes: Uint8Array, length: number): PacketAddress | null {
    return length < this.struct.offset.sll_addr ? null : new PacketAddress(this, copyOf(bytes, length))
  }

  /** Extends the address: getsockname(2) ends it at the last hardware byte, but bind(2) needs the whole struct. */
  override reuse(bytes: Uint8Array): Uint8Array {
    if (bytes.length >= this.struct.size) return bytes
    const whole = new Uint8Array(this.struct.size)
    whole.set(bytes)
    return whole
  }
}

function readHardware(value: unknown, room: number): Uint8Array {
  let bytes: Uint8Array | null
  if (types.isUint8Array(value)) bytes = copyOfView(value)
  else if (typeof value === 'string') bytes = parseHardware(value)
  else throw invalidType('hardwareAddress', 'of type string or an instance of Uint8Array', value)
  if (bytes === null) throw invalidAddress(value, 'a hardware address is written aa:bb:cc:dd:ee:ff')
  if (bytes.length > room) throw outOfRange('hardwareAddress', `at most ${room} bytes`, bytes.length)
  return bytes
}
