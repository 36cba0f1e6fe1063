import { endianness } from 'node:os'
import type { Platform } from './platform'

/** True if the host byte order is little-endian. Some fields of a sockaddr are in host byte order. */
export const littleEndian = endianness() === 'LE'

/** The size of a struct on one platform, and the offsets and widths of its fields, in bytes. */
export interface Struct<Field extends string> {
  readonly size: number
  readonly offset: Readonly<Record<Field, number>>
  readonly width: Readonly<Record<Field, number>>
}

/** Returns the layout of a struct, or `null` if the platform does not have it. Throws if a field is missing. */
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

export function entry(platform: Platform, name: string): number {
  const value = platform.layout[name]
  if (value === undefined) throw new Error(`the layout table for ${platform.os} lacks ${name}`)
  return value
}

/** Converts a method of a prototype to a function that takes the object as its first argument. */
export function uncurried<F>(method: unknown): F {
  return Function.prototype.call.bind(method as () => void) as F
}

// A view may have own properties, or its class may override them. The intrinsic getters return the real values, and run
// no code of the caller.
const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object
const getter = <T, O = ArrayBufferView>(prototype: object, name: PropertyKey): ((object: O) => T) =>
  uncurried(Reflect.getOwnPropertyDescriptor(prototype, name)!.get)

const nameOfTypedArray = getter<string | undefined>(typedArray, Symbol.toStringTag) // undefined for a DataView
const typed = {
  length: getter<number>(typedArray, 'byteLength'),
  offset: getter<number>(typedArray, 'byteOffset'),
  memory: getter<ArrayBufferLike>(typedArray, 'buffer'),
}
const dataView = {
  length: getter<number>(DataView.prototype, 'byteLength'),
  offset: getter<number>(DataView.prototype, 'byteOffset'),
  memory: getter<ArrayBufferLike>(DataView.prototype, 'buffer'),
}

const arrayBuffer = {
  length: getter<number, ArrayBuffer>(ArrayBuffer.prototype, 'byteLength'),
  resizable: getter<boolean, ArrayBuffer>(ArrayBuffer.prototype, 'resizable'),
}

/** Returns the current length of a view in bytes; 0 if its memory was detached or shrunk. */
export function byteLengthOf(view: ArrayBufferView): number {
  if (nameOfTypedArray(view) !== undefined) return typed.length(view)
  try {
    return dataView.length(view)
  } catch {
    return 0 // a DataView throws where a typed array returns 0
  }
}

/** Returns true if the memory of a DataView was detached. */
export function isDetached(view: DataView): boolean {
  try {
    dataView.length(view)
    return false
  } catch {
    return true
  }
}

/** Returns the length of an ArrayBuffer in bytes; 0 if it was detached. */
export function lengthOfMemory(memory: ArrayBuffer): number {
  return arrayBuffer.length(memory)
}

/** Returns true if an ArrayBuffer can change its size. */
export function isResizable(memory: ArrayBuffer): boolean {
  return arrayBuffer.resizable(memory)
}

/** Returns the ArrayBuffer of a view. */
export function memoryOf(view: ArrayBufferView): ArrayBufferLike {
  return nameOfTypedArray(view) !== undefined ? typed.memory(view) : dataView.memory(view)
}

/** Returns the bytes of a view, without a copy. Empty if its memory was detached or shrunk. */
export function octetsOf(view: ArrayBufferView): Uint8Array {
  const length = byteLengthOf(view)
  if (length === 0) return new Uint8Array(0)
  const { offset, memory } = nameOfTypedArray(view) !== undefined ? typed : dataView
  return new Uint8Array(memory(view), offset(view), length)
}

/** Returns the bytes of a view as a Buffer, without a copy. */
export function bufferOf(view: ArrayBufferView): Buffer {
  const octets = octetsOf(view)
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length)
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
  // uncovered: only on a big-endian machine
  return littleEndian ? bytes[at]! | (bytes[at + 1]! << 8) : get16be(bytes, at)
}

export function put16(bytes: Uint8Array, at: number, value: number): void {
  if (!littleEndian) return put16be(bytes, at, value) // uncovered: only on a big-endian machine
  bytes[at] = value
  bytes[at + 1] = value >>> 8
}

export function get32(bytes: Uint8Array, at: number): number {
  if (!littleEndian) return get32be(bytes, at) // uncovered: only on a big-endian machine
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

export function put32(bytes: Uint8Array, at: number, value: number): void {
  if (!littleEndian) return put32be(bytes, at, value) // uncovered: only on a big-endian machine
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
