import { invalidType } from '../../errors'
import { elementsOf } from '../../errors/argument'
import { byteLengthOf, octetsOf } from '../../struct'
import { badPort, outOfBounds } from './errors'

/** What `send` takes: text in UTF-8, bytes, or a list of them that makes one datagram. */
export type Payload = string | ArrayBufferView | readonly (string | ArrayBufferView)[]

/** Called when the kernel has accepted a datagram, or with the error of the send. */
export type SendCallback = (error: Error | null, bytes: number) => void

const TYPES = 'of type string or an instance of Buffer, TypedArray, or DataView'
const empty = Buffer.alloc(0)

/** Checks a port of `send`, `connect` or `bind`. Text of digits is a port too, as in node:dgram. */
export function checkPort(port: unknown, least: 0 | 1): number {
  const number = typeof port === 'string' && port.trim() !== '' ? Number(port) : port
  if (typeof number !== 'number' || !Number.isInteger(number) || number < least || number > 65535)
    throw badPort(port, least === 0 ? '>=' : '>')
  return number
}

/** Converts the data of `send` to the parts of one datagram. Takes a copy of a list, but not of its bytes. */
export function partsOf(data: unknown): ArrayBufferView[] {
  if (typeof data === 'string') return [Buffer.from(data)]
  if (ArrayBuffer.isView(data)) return [data]
  if (!Array.isArray(data)) throw invalidType('buffer', TYPES, data)
  const parts = elementsOf('buffer', data).map(part => {
    if (typeof part === 'string') return Buffer.from(part)
    if (ArrayBuffer.isView(part)) return part
    throw invalidType('buffer list arguments', TYPES, data)
  })
  return parts.length === 0 ? [empty] : parts
}

/** Returns copies of the parts, for a send that waits: the caller may change or detach the memory meanwhile. */
export function copiesOf(parts: readonly ArrayBufferView[]): ArrayBufferView[] {
  return parts.map(part => Buffer.from(octetsOf(part)))
}

/** Returns a part of the data of `send`. */
export function sliceOf(data: unknown, offset: unknown, length: unknown): [Uint8Array] {
  const view = typeof data === 'string' ? Buffer.from(data) : data
  if (!ArrayBuffer.isView(view)) throw invalidType('buffer', TYPES, data)
  const [from, count] = [Number(offset) >>> 0, Number(length) >>> 0]
  const size = byteLengthOf(view)
  if (from > size) throw outOfBounds('offset')
  if (from + count > size) throw outOfBounds('length')
  return [octetsOf(view).subarray(from, from + count)]
}

export function checkStrings(named: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(named)) {
    if (typeof value !== 'string') throw invalidType(name, 'string', value)
  }
}
