import { endianness } from 'node:os'
import type { Platform } from './platform'

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

export function entry(platform: Platform, name: string): number {
  const value = platform.layout[name]
  if (value === undefined) throw new Error(`the layout table for ${platform.os} lacks ${name}`)
  return value
}

/** A method of a prototype as a function whose first argument is the object: properties of the object do not matter. */
export function uncurried<F>(method: unknown): F {
  return Function.prototype.call.bind(method as () => void) as F
}

// A view may have properties of its own, or a subclass may override them: only the intrinsic getters tell the truth, and
// run no code of the caller's.
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

/** The length of a view in bytes, as it is now: 0 where its memory was detached or shrunk. */
export function byteLengthOf(view: ArrayBufferView): number {
  if (nameOfTypedArray(view) !== undefined) return typed.length(view)
  try {
    return dataView.length(view)
  } catch {
    return 0 // where a typed array says 0, a DataView throws
  }
}

/** Whether a DataView has lost its memory. */
export function isDetached(view: DataView): boolean {
  try {
    dataView.length(view)
    return false
  } catch {
    return true
  }
}

/** The length of memory in bytes: 0 when it was detached. */
export function lengthOfMemory(memory: ArrayBuffer): number {
  return arrayBuffer.length(memory)
}

/** Whether the memory can change its size. */
export function isResizable(memory: ArrayBuffer): boolean {
  return arrayBuffer.resizable(memory)
}

/** The memory behind a view. */
export function memoryOf(view: ArrayBufferView): ArrayBufferLike {
  return nameOfTypedArray(view) !== undefined ? typed.memory(view) : dataView.memory(view)
}

/** The bytes of a view, not copied. None where its memory was detached or shrunk. */
export function octetsOf(view: ArrayBufferView): Uint8Array {
  const length = byteLengthOf(view)
  if (length === 0) return new Uint8Array(0)
  const { offset, memory } = nameOfTypedArray(view) !== undefined ? typed : dataView
  return new Uint8Array(memory(view), offset(view), length)
}

/** The same as a Buffer. */
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
