import { endianness } from 'node:os'
import type { Platform } from '../platform'

/** Host byte order, for the fields of a sockaddr that are not in network order. */
export const littleEndian = endianness() === 'LE'

/** Offsets of one struct's fields on one platform, in bytes. */
export interface Struct<Field extends string> {
  readonly size: number
  readonly offset: Readonly<Record<Field, number>>
  readonly width: Readonly<Record<Field, number>>
}

/** The struct's layout, or `null` where the platform has no such struct. A struct without a named field is a bug. */
export function structOf<Field extends string>(
  platform: Platform,
  name: string,
  fields: readonly Field[],
): Struct<Field> | null {
  const size = platform.layout[`sizeof_${name}`]
  if (size === undefined) return null
  const offset = {} as Record<Field, number>
  const width = {} as Record<Field, number>
  for (const field of fields) {
    offset[field] = entry(platform, `offsetof_${name}_${field}`)
    width[field] = entry(platform, `sizeof_${name}_${field}`)
  }
  return { size, offset, width }
}

function entry(platform: Platform, name: string): number {
  const value = platform.layout[name]
  if (value === undefined) throw new Error(`the layout table for ${platform.os} lacks ${name}`)
  return value
}

/**
 * What every sockaddr starts with: on Linux a 16-bit family, on Darwin an 8-bit length and an 8-bit family.
 * The offset of the family tells which; all structs of a platform start alike.
 */
export class Head {
  /** Bytes before the family's own data. */
  readonly size: number
  readonly maxFamily: number
  readonly #offset: number
  readonly #wide: boolean

  constructor(platform: Platform) {
    this.#offset = entry(platform, 'offsetof_sockaddr_in_sin_family')
    const width = entry(platform, 'sizeof_sockaddr_in_sin_family')
    this.size = this.#offset + width
    this.maxFamily = 2 ** (8 * width) - 1
    this.#wide = width === 2
  }

  /** `length` zero bytes with the family, and the length byte where there is one. */
  create(length: number, family: number): Uint8Array {
    const bytes = new Uint8Array(length)
    if (this.#wide) put16(bytes, this.#offset, family)
    else bytes[this.#offset] = family
    if (this.#offset > 0) bytes[0] = length
    return bytes
  }

  /** The family of the address in the first `length` bytes; 0 where they end before it. */
  family(bytes: Uint8Array, length: number): number {
    if (length < this.size) return 0
    return this.#wide ? get16(bytes, this.#offset) : bytes[this.#offset]!
  }
}

const POOL = 8192
let pool = new ArrayBuffer(POOL)
let used = 0

// An ArrayBuffer of its own would be the larger part of an address, and a server keeps one for each connection.
function room(length: number): Uint8Array {
  if (length > POOL >> 3) return new Uint8Array(length)
  if (length > POOL - used) {
    pool = new ArrayBuffer(POOL)
    used = 0
  }
  used += length
  return new Uint8Array(pool, used - length, length)
}

/** A copy that nothing else can reach: its `buffer` is shared, so it is not to be handed out as it is. */
export function copyOf(bytes: Uint8Array, length: number): Uint8Array {
  const copy = room(length)
  // Measured: for an address's few bytes a loop takes half the time of set() with a subarray.
  if (length <= 32) for (let i = 0; i < length; i++) copy[i] = bytes[i]!
  else copy.set(bytes.subarray(0, length))
  return copy
}

/** The bytes of a view, not copied. None where its memory was detached or shrunk: constructors would throw, without a code. */
export function octetsOf(view: ArrayBufferView): Uint8Array {
  let length = 0
  try {
    length = view.byteLength
  } catch {
    // a DataView; typed arrays say 0
  }
  return length === 0 ? new Uint8Array(0) : new Uint8Array(view.buffer, view.byteOffset, length)
}

export function get16be(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

export function put16be(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

export function get32be(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

export function put32be(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

export function get16(bytes: Uint8Array, at: number): number {
  return littleEndian ? bytes[at]! | (bytes[at + 1]! << 8) : get16be(bytes, at)
}

export function put16(bytes: Uint8Array, at: number, value: number): void {
  if (!littleEndian) return put16be(bytes, at, value)
  bytes[at] = value
  bytes[at + 1] = value >>> 8
}

export function get32(bytes: Uint8Array, at: number): number {
  if (!littleEndian) return get32be(bytes, at)
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

export function put32(bytes: Uint8Array, at: number, value: number): void {
  if (!littleEndian) return put32be(bytes, at, value)
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

export function get64(bytes: Uint8Array, at: number): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at, littleEndian)
}

export function put64(bytes: Uint8Array, at: number, value: bigint): void {
  new DataView(bytes.buffer, bytes.byteOffset).setBigUint64(at, value, littleEndian)
}
