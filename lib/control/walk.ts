import { endianness } from 'node:os'
import { outOfRange } from '../errors/argument'
import type { ControlLayout } from './layout'
import { append } from '../runtime/list'

/** The maximum size of a control buffer: the kernel counts its bytes in an int. */
const MAX_LENGTH = 0x7fffffff

/** A control message: extra information that is sent or received with a message. `data` is a copy. cmsg(3) */
export interface Control {
  readonly level: number
  readonly type: number
  readonly data: Buffer
}

export const littleEndian = endianness() === 'LE'

/**
 * Returns the control messages in the first `length` bytes of a control buffer. Stops at a header that does not fit
 * or that has an invalid size. If the kernel truncated the data of the last message, returns the part that is there.
 */
export function walkControl(layout: ControlLayout, bytes: Uint8Array, length: number): Control[] {
  const end = Math.min(length, bytes.byteLength)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const found: Control[] = []
  for (let at = 0; at + layout.header <= end;) {
    const size = layout.wide ? Number(view.getBigUint64(at, littleEndian)) : view.getUint32(at, littleEndian)
    if (size < layout.header) break // Darwin leaves zero entries; other sizes are invalid
    const stop = Math.min(at + size, end)
    append(found, {
      level: view.getInt32(at + layout.levelAt, littleEndian),
      type: view.getInt32(at + layout.typeAt, littleEndian),
      data: Buffer.from(bytes.subarray(at + layout.header, stop)),
    })
    at += layout.align(size)
  }
  return found
}

/** Returns a control buffer with these messages. The padding is zero. */
export function buildControl(layout: ControlLayout, controls: readonly Control[]): Buffer {
  const size = controls.reduce((sum, { data }) => sum + layout.space(data.byteLength), 0)
  if (size > MAX_LENGTH) throw outOfRange('control', `at most ${MAX_LENGTH} bytes long`, size)
  const bytes = Buffer.alloc(size)
  const view = new DataView(bytes.buffer, bytes.byteOffset, size)
  let at = 0
  for (let i = 0; i < controls.length; i++) {
    const { level, type, data } = controls[i]!
    const length = layout.length(data.byteLength)
    if (layout.wide) view.setBigUint64(at, BigInt(length), littleEndian)
    else view.setUint32(at, length, littleEndian)
    view.setInt32(at + layout.levelAt, level, littleEndian)
    view.setInt32(at + layout.typeAt, type, littleEndian)
    bytes.set(data, at + layout.header)
    at += layout.space(data.byteLength)
  }
  return bytes
}
