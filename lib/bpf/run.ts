import { endianness } from 'node:os'
import { octetsOf } from '../struct'
import { checkInteger, invalidType } from '../errors/argument'
import { ownFields } from '../runtime/fields'
import { ancillary, MEMWORDS, SKF_AD_OFF, SKF_LL_OFF, SKF_NET_OFF } from './opcodes'
import { Program } from './program'

/** Information about a packet besides its bytes, named as in `SKF_AD_*`. All are 32-bit numbers. */
export interface PacketInfo {
  /** `ETH_P_*` in host byte order. Default: the type of the Ethernet header, or 0 if the packet is shorter. */
  protocol?: number | undefined
  /** `PACKET_HOST` and so on. Default 0, `PACKET_HOST`. */
  pkttype?: number | undefined
  /** The index of the interface. Default 0. */
  ifindex?: number | undefined
  mark?: number | undefined
  queue?: number | undefined
  /** `ARPHRD_*`. Default 1, Ethernet. */
  hatype?: number | undefined
  rxhash?: number | undefined
  cpu?: number | undefined
  /** The VLAN tag that was removed from the packet. */
  vlan_tag?: number | undefined
  /** Default 1 if `vlan_tag` is given, otherwise 0. */
  vlan_tag_present?: number | undefined
  vlan_tpid?: number | undefined
  /** The offset of the payload after the headers. Default 0. */
  pay_offset?: number | undefined
  /** Default: a new random number for each read. */
  random?: number | undefined
  /** The length of the whole packet, if only its start is given. */
  len?: number | undefined
  /** The offset of the network header, for SKF_NET_OFF. Default 14, after an Ethernet header. */
  net_off?: number | undefined
  /** The offset of the link-layer header, for SKF_LL_OFF. Default 0. */
  ll_off?: number | undefined
}

const littleEndian = endianness() === 'LE'

/**
 * Runs a program on a packet, as the kernel does. Returns the number of bytes that the program accepts, which may be
 * more than the packet has, or 0 if it rejects the packet. A read beyond the packet, or a division by 0, rejects it.
 */
export function run(program: Program, packet: ArrayBufferView, info: PacketInfo = {}): number {
  if (!(program instanceof Program)) throw invalidType('program', 'Program', program)
  if (!ArrayBuffer.isView(packet)) throw invalidType('packet', 'Buffer, TypedArray or DataView', packet)
  if (typeof info !== 'object' || info === null) throw invalidType('info', 'object', info)
  return new Machine(program, packet, ownFields(info)).run()
}

/** The result of a read outside the packet. 32-bit numbers are never negative here. */
const OUTSIDE = -1

class Machine {
  readonly #view: DataView
  #a = 0
  #x = 0

  constructor(
    private readonly program: Program,
    packet: ArrayBufferView,
    private readonly info: PacketInfo,
  ) {
    const { buffer, byteOffset, length } = octetsOf(packet)
    this.#view = new DataView(buffer, byteOffset, length)
  }

  run(): number {
    const { instructions } = this.program
    const memory = new Uint32Array(MEMWORDS)
    // The loop ends: the program was checked, so every jump goes forward and the last instruction returns.
    for (let pc = 0; ; pc++) {
      const { code, jt, jf, k } = instructions[pc]!
      switch (code & 7) {
        case 0: // ld
          this.#a = code === 0x60 ? memory[k]! : this.#load(code, k)
          if (this.#a === OUTSIDE) return 0
          break
        case 1: // ldx
          this.#x = code === 0x61 ? memory[k]! : this.#loadIndex(code, k)
          if (this.#x === OUTSIDE) return 0
          break
        case 2:
          memory[k] = this.#a
          break
        case 3:
          memory[k] = this.#x
          break
        case 4:
          this.#a = this.#calculate(code, (code & 8) === 0 ? k : this.#x)
          if (this.#a === OUTSIDE) return 0
          break
        case 5:
          if (code === 0x05) pc += k
          else pc += this.#test(code, (code & 8) === 0 ? k : this.#x) ? jt : jf
          break
        case 6:
          return code === 0x16 ? this.#a : k
        default:
          if (code === 0x07) this.#x = this.#a
          else this.#a = this.#x
      }
    }
  }

  get #length(): number {
    const { len } = this.info
    return len === undefined ? this.#view.byteLength : checkInteger('info.len', len, 0, 0xffffffff)
  }

  #load(code: number, k: number): number {
    if (code === 0x00) return k
    if (code === 0x80) return this.#length
    const size = (code & 0x18) === 0x00 ? 4 : (code & 0x18) === 0x08 ? 2 : 1
    if ((code & 0xe0) === 0x40) return this.#read((this.#x + k) | 0, size)
    return k >= SKF_AD_OFF >>> 0 ? this.#ancillary(k) : this.#read(k | 0, size)
  }

  #loadIndex(code: number, k: number): number {
    if (code === 0x01) return k
    if (code === 0x81) return this.#length
    const byte = this.#read(k | 0, 1) // 4*([k]&0xf)
    return byte === OUTSIDE ? OUTSIDE : (byte & 0xf) << 2
  }

  #read(offset: number, size: number): number {
    let at = offset
    if (offset < 0) {
      const { net_off = 14, ll_off = 0 } = this.info
      if (offset >= SKF_NET_OFF) at = offset - SKF_NET_OFF + net_off
      else if (offset >= SKF_LL_OFF) at = offset - SKF_LL_OFF + ll_off
    }
    if (!(at >= 0 && at + size <= this.#view.byteLength)) return OUTSIDE
    return size === 4
      ? this.#view.getUint32(at)
      : size === 2
        ? this.#view.getUint16(at)
        : this.#view.getUint8(at)
  }

  #calculate(code: number, value: number): number {
    const a = this.#a
    switch (code & 0xf0) {
      case 0x00:
        return (a + value) >>> 0
      case 0x10:
        return (a - value) >>> 0
      case 0x20:
        return Math.imul(a, value) >>> 0
      case 0x30:
        return value === 0 ? OUTSIDE : Math.floor(a / value)
      case 0x40:
        return (a | value) >>> 0
      case 0x50:
        return (a & value) >>> 0
      case 0x60: // JavaScript and the kernel use the lower five bits only
        return (a << value) >>> 0
      case 0x70:
        return a >>> value
      case 0x80:
        return -a >>> 0
      case 0x90:
        return value === 0 ? OUTSIDE : a % value
      default:
        return (a ^ value) >>> 0
    }
  }

  #test(code: number, value: number): boolean {
    const a = this.#a
    switch (code & 0xf0) {
      case 0x10:
        return a === value
      case 0x20:
        return a > value
      case 0x30:
        return a >= value
      default:
        return (a & value) !== 0
    }
  }

  #ancillary(k: number): number {
    const name = ancillary[(k - (SKF_AD_OFF >>> 0)) / 4]!
    if (name === 'alu_xor_x') return (this.#a ^ this.#x) >>> 0
    if (name === 'nlattr') return this.#attribute(this.#a, this.#view.byteLength)
    if (name === 'nlattr_nest') return this.#nested()
    const given = this.info[name]
    if (given !== undefined) return checkInteger(`info.${name}`, given, 0, 0xffffffff)
    switch (name) {
      case 'protocol':
        return this.#view.byteLength < 14 ? 0 : this.#view.getUint16(12)
      case 'hatype':
        return 1
      case 'vlan_tag_present':
        return this.info.vlan_tag === undefined ? 0 : 1
      case 'random':
        return Math.floor(Math.random() * 2 ** 32)
      default:
        return 0
    }
  }

  /** Returns the offset of the netlink attribute of type X, searched from `at` on; 0 if there is none. */
  #attribute(at: number, end: number): number {
    const header = 4
    for (let here = at; here + header <= end;) {
      const length = this.#view.getUint16(here, littleEndian)
      if (length < header || here + length > end) return 0
      if ((this.#view.getUint16(here + 2, littleEndian) & 0x3fff) === this.#x) return here
      here += (length + 3) & ~3
    }
    return 0
  }

  /** Does the same within the attribute at offset A. */
  #nested(): number {
    const at = this.#a
    if (at + 4 > this.#view.byteLength) return 0
    const length = this.#view.getUint16(at, littleEndian)
    return at + length > this.#view.byteLength ? 0 : this.#attribute(at + 4, at + length)
  }
}
