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

// These structs are not in the kernel's user-space headers (BlueZ has them), so they are described here. Their layout
// is the same on every Linux, and their sizes differ:   sockaddr_hci  6: family, u16 dev, u16 channel   sockaddr_sco
// 8: family, bdaddr[6]   sockaddr_rc  10: family, bdaddr[6], u8 channel, pad   sockaddr_l2  14: family, le16 psm,
// bdaddr[6], le16 cid, u8 bdaddr_type, pad
const hciSize = 6
const scoSize = 8
const rfcommSize = 10
const l2capSize = 14

/** The Bluetooth protocol that an address belongs to. */
export type BluetoothProtocol = 'l2cap' | 'rfcomm' | 'hci' | 'sco'

/** The fields of an AF_BLUETOOTH address. The fields determine the protocol: L2CAP, RFCOMM, SCO or HCI. Linux only. */
export type BluetoothLike =
  | { bdaddr: string; psm: number; cid?: number | undefined; bdaddrType?: number | undefined }
  | { bdaddr: string; channel: number }
  | { bdaddr: string }
  | { device: number; channel?: number | undefined }

/**
 * An AF_BLUETOOTH address. Linux only.
 *
 * The bytes do not contain the protocol, but each protocol has a different length, so the length determines the
 * protocol. Bytes of any other length are an `'unknown'` address. A field that the protocol does not have is `null`.
 */
export class BluetoothAddress extends BaseAddress<BluetoothCodec> {
  /** @internal See BaseAddress. */
  constructor(codec: BluetoothCodec, bytes: Uint8Array) {
    super(codec, bytes)
  }

  get kind(): 'bluetooth' {
    return 'bluetooth'
  }

  get protocol(): BluetoothProtocol {
    return protocols.get(this[raw].length) ?? 'sco'
  }

  /** The device address, `'AA:BB:CC:DD:EE:FF'`. */
  get bdaddr(): string | null {
    const { protocol } = this
    if (protocol === 'hci') return null
    const at = protocol === 'l2cap' ? 4 : 2
    // The kernel stores the last byte first.
    return formatHardware(this[raw].slice(at, at + 6).reverse()).toUpperCase()
  }

  /** L2CAP: the protocol/service multiplexer. */
  get psm(): number | null {
    return this.protocol === 'l2cap' ? getLE(this[raw], 2) : null
  }

  /** L2CAP: the fixed channel id. */
  get cid(): number | null {
    return this.protocol === 'l2cap' ? getLE(this[raw], 10) : null
  }

  /** L2CAP: `BDADDR_BREDR` 0, `BDADDR_LE_PUBLIC` 1, `BDADDR_LE_RANDOM` 2. */
  get bdaddrType(): number | null {
    return this.protocol === 'l2cap' ? this[raw][12]! : null
  }

  /** RFCOMM and HCI: the channel. */
  get channel(): number | null {
    const { protocol } = this
    if (protocol === 'rfcomm') return this[raw][8]!
    return protocol === 'hci' ? get16(this[raw], 4) : null
  }

  /** HCI: the number of the adapter, 0xffff for none. */
  get device(): number | null {
    return this.protocol === 'hci' ? get16(this[raw], 2) : null
  }

  /** Returns `bluetooth:<bdaddr>`, with `/<psm>` or `/<channel>`, or `bluetooth:hci<device>/<channel>`. */
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

/** Encodes and decodes AF_BLUETOOTH addresses. */
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

/** Parses a device address into six bytes, in the kernel's order. */
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
