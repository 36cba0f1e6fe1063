import { checkInteger, invalidAddress, invalidType } from '../errors/argument'
import {
  BaseAddress,
  FamilyCodec,
  checkU16,
  checkU8,
  fieldsOf,
  formatHardware,
  parseHardware,
  raw,
} from './base'
import type { Context } from './base'
import { copyOf } from './sockaddr'
import { get16, put16 } from '../struct'

// The kernel's headers for user space hold none of these structs (they come with BlueZ), so they are written
// down here. They are packed or naturally aligned alike on every Linux, and differ in size:
//   sockaddr_hci  6: family, u16 dev, u16 channel
//   sockaddr_sco  8: family, bdaddr[6]
//   sockaddr_rc  10: family, bdaddr[6], u8 channel, pad
//   sockaddr_l2  14: family, le16 psm, bdaddr[6], le16 cid, u8 bdaddr_type, pad
const hciSize = 6
const scoSize = 8
const rfcommSize = 10
const l2capSize = 14

/** Which Bluetooth socket an address is for. */
export type BluetoothProtocol = 'l2cap' | 'rfcomm' | 'hci' | 'sco'

/** A Bluetooth endpoint: L2CAP, RFCOMM, SCO, HCI, told apart by the fields. Linux only. */
export type BluetoothLike =
  | { bdaddr: string; psm: number; cid?: number | undefined; bdaddrType?: number | undefined }
  | { bdaddr: string; channel: number }
  | { bdaddr: string }
  | { device: number; channel?: number | undefined }

/**
 * A Bluetooth endpoint. Linux only. The bytes do not name their protocol; the length that the kernel reports
 * is different for each and decides, so bytes of any other length are an `'unknown'` address, and bytes cut
 * to the length of another protocol are taken for that one. A field that the protocol lacks is `null`.
 */
export class BluetoothAddress extends BaseAddress<BluetoothCodec> {
  get kind(): 'bluetooth' {
    return 'bluetooth'
  }

  get protocol(): BluetoothProtocol {
    return protocols.get(this[raw].length) ?? 'sco'
  }

  /** `AA:BB:CC:DD:EE:FF` */
  get bdaddr(): string | null {
    const { protocol } = this
    if (protocol === 'hci') return null
    const at = protocol === 'l2cap' ? 4 : 2
    // Stored last byte first.
    return formatHardware(this[raw].slice(at, at + 6).reverse()).toUpperCase()
  }

  /** L2CAP: protocol/service multiplexer. */
  get psm(): number | null {
    return this.protocol === 'l2cap' ? getLE(this[raw], 2) : null
  }

  /** L2CAP: fixed channel id. */
  get cid(): number | null {
    return this.protocol === 'l2cap' ? getLE(this[raw], 10) : null
  }

  /** L2CAP: `BDADDR_BREDR` 0, `BDADDR_LE_PUBLIC` 1, `BDADDR_LE_RANDOM` 2. */
  get bdaddrType(): number | null {
    return this.protocol === 'l2cap' ? this[raw][12]! : null
  }

  /** RFCOMM and HCI. */
  get channel(): number | null {
    const { protocol } = this
    if (protocol === 'rfcomm') return this[raw][8]!
    return protocol === 'hci' ? get16(this[raw], 4) : null
  }

  /** HCI: number of the adapter, 0xffff for none. */
  get device(): number | null {
    return this.protocol === 'hci' ? get16(this[raw], 2) : null
  }

  /** `bluetooth:<bdaddr>`, with `/<psm>` or `/<channel>`; `bluetooth:hci<device>/<channel>` */
  override toString(): string {
    const at = this.psm ?? this.channel
    return `bluetooth:${this.bdaddr ?? `hci${this.device}`}${at === null ? '' : `/${at}`}`
  }

  override toJSON() {
    const { kind, protocol } = this
    const fields: Record<string, string | number> = {}
    for (const name of ['bdaddr', 'psm', 'cid', 'bdaddrType', 'device', 'channel'] as const) {
      const value = this[name]
      if (value !== null) fields[name] = value
    }
    return { kind, protocol, ...fields }
  }
}

const protocols = new Map<number, BluetoothProtocol>([
  [hciSize, 'hci'],
  [scoSize, 'sco'],
  [rfcommSize, 'rfcomm'],
  [l2capSize, 'l2cap'],
])

/** AF_BLUETOOTH. */
export class BluetoothCodec extends FamilyCodec {
  readonly name = 'AF_BLUETOOTH'
  readonly shapes =
    '{ bdaddr, psm, cid?, bdaddrType? }, { bdaddr, channel }, { bdaddr }, { device, channel? }'

  static create(context: Context): BluetoothCodec | null {
    const family = context.platform.constants['AF_BLUETOOTH']
    return family === undefined ? null : new BluetoothCodec(context, family)
  }

  encode(value: unknown): Uint8Array {
    const given = fieldsOf(value)
    if (given === null) throw this.wrongShape(value)
    const { bdaddr, psm, cid = 0, bdaddrType = 0, channel, device } = given
    const { head } = this.context
    if (device !== undefined) {
      const bytes = head.create(hciSize, this.family)
      put16(bytes, 2, checkU16('device', device))
      put16(bytes, 4, checkU16('channel', channel ?? 0))
      return bytes
    }
    if (bdaddr === undefined) throw this.wrongShape(value)
    const address = readBdaddr(bdaddr)
    if (psm !== undefined) {
      const bytes = head.create(l2capSize, this.family)
      putLE(bytes, 2, checkU16('psm', psm))
      bytes.set(address, 4)
      putLE(bytes, 10, checkU16('cid', cid))
      bytes[12] = checkInteger('bdaddrType', bdaddrType, 0, 2)
      return bytes
    }
    const bytes = head.create(channel === undefined ? scoSize : rfcommSize, this.family)
    bytes.set(address, 2)
    if (channel !== undefined) bytes[8] = checkU8('channel', channel)
    return bytes
  }

  decode(bytes: Uint8Array, length: number): BluetoothAddress | null {
    return protocols.has(length) ? new BluetoothAddress(this, copyOf(bytes, length)) : null
  }
}

/** Six bytes in the order the kernel has them. */
function readBdaddr(value: unknown): Uint8Array {
  if (typeof value !== 'string') throw invalidType('bdaddr', 'string', value)
  const bytes = parseHardware(value)
  if (bytes?.length !== 6) throw invalidAddress(value, 'a Bluetooth address is written AA:BB:CC:DD:EE:FF')
  return bytes.reverse()
}

function getLE(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8)
}

function putLE(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
}
