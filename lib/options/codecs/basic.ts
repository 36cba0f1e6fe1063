import {
  checkBoolean,
  checkInteger,
  checkText,
  elementsOf,
  invalidType,
  outOfRange,
} from '../../errors/argument'
import { get16, get32, get64, octetsOf, put16, put32, put64 } from '../../struct'
import { ownFields } from '../../runtime/fields'
import { AddressCodec, type InterfaceLookup } from '../../address'
import type { Platform } from '../../platform'

/**
 * What a codec needs to know: the platform, and the network interfaces of the socket's network namespace.
 *
 * It is an argument, so that a codec works for any platform, and does not depend on sockets.
 */
export interface CodecContext extends Platform {
  readonly interfaces: InterfaceLookup
  /** Encodes and decodes addresses, with the same interfaces in the scope of an IPv6 address. */
  readonly addresses: AddressCodec
}

/** Returns the context of a platform and a lookup of interfaces. */
export function codecContext(platform: Platform, interfaces: InterfaceLookup): CodecContext {
  return { ...platform, interfaces, addresses: new AddressCodec(platform, interfaces) }
}

/** Converts the value of a socket option to bytes and back. */
export interface Codec<Get, Set = Get> {
  /**
   * The number of bytes to request from the kernel. Some options refuse a larger size and some a smaller one.
   *
   * `undefined` if the platform does not have the struct, and therefore not the option.
   */
  readonly size: number | ((context: CodecContext) => number | undefined)
  /** Returns the bytes for the kernel. Throws `ERR_INVALID_ARG_TYPE` or `ERR_OUT_OF_RANGE`, which name `argument`. */
  readonly encode: (context: CodecContext, value: Set, argument: string) => Uint8Array
  /** Returns the value of the bytes from the kernel, which may be fewer than `size`. Never throws. */
  readonly decode: (context: CodecContext, bytes: Uint8Array) => Get
  /**
   * Returns the bytes that the kernel reads before it answers, for the few options that need a request.
   *
   * `value` is the argument of `query`.
   */
  readonly request?: (context: CodecContext, value: Set | undefined, argument: string) => Uint8Array
  /** True if the length of the answer is unknown. After `ERANGE` the option is read again with a larger size. */
  readonly grows?: boolean
  /** Returns true if the bytes are instructions that need a `struct sock_fprog` that points to them. */
  readonly isProgram?: (value: Set) => boolean
}

/** An interface by index or by name. 0 means none or any. */
export type InterfaceLike = number | string

/** Returns the bytes padded with zeros: fields that an older kernel does not have read as 0. */
export function padded(bytes: Uint8Array, size: number): Uint8Array {
  if (bytes.length >= size) return bytes
  const whole = new Uint8Array(size)
  whole.set(bytes)
  return whole
}

/** Reads an integer of 1, 2, 4 or 8 bytes. For a small buffer, IPPROTO_IP returns one byte. */
export function readInteger(bytes: Uint8Array): number {
  if (bytes.length >= 4) return get32(bytes, 0) | 0
  if (bytes.length >= 2) return get16(bytes, 0)
  return bytes[0] ?? 0
}

// The memory comes from the pool of Buffer: the addon would make V8 allocate memory for each new small Uint8Array.
function word(value: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(4)
  put32(bytes, 0, value)
  return bytes
}

/** Returns the value if it is an object, else throws `ERR_INVALID_ARG_TYPE`. */
export function checkObject(argument: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
    throw invalidType(argument, 'object', value)
  }
  return ownFields(value as Record<string, unknown>)
}

export function checkList(argument: string, value: unknown): readonly unknown[] {
  return elementsOf(argument, value)
}

/** Returns the bytes of a Buffer, TypedArray or DataView, without a copy. A string throws. */
export function checkView(argument: string, value: unknown): Uint8Array {
  if (!ArrayBuffer.isView(value)) {
    throw invalidType(argument, 'an instance of Buffer, TypedArray or DataView', value)
  }
  return octetsOf(value)
}

/** Returns a number or bigint as an unsigned 64-bit integer. */
export function checkUint64(argument: string, value: unknown): bigint {
  if (typeof value === 'number') return BigInt(checkInteger(argument, value, 0, Number.MAX_SAFE_INTEGER))
  if (typeof value !== 'bigint') throw invalidType(argument, 'number or bigint', value)
  if (value < 0n || value > 0xffffffffffffffffn) throw outOfRange(argument, '>= 0n && < 2n ** 64n', value)
  return value
}

/** A boolean as an `int`. Numbers throw, because they are probably meant for another option. */
export const bool: Codec<boolean> = {
  size: 4,
  encode(_platform, value, argument) {
    return word(checkBoolean(argument, value) ? 1 : 0)
  },
  decode: (_platform, bytes) => readInteger(bytes) !== 0,
}

/** An `int`. */
export const int: Codec<number> = {
  size: 4,
  encode: (_platform, value, argument) => word(checkInteger(argument, value, -0x80000000, 0x7fffffff)),
  decode: (_platform, bytes) => readInteger(bytes),
}

/** An unsigned 32-bit integer. */
export const uint32: Codec<number> = {
  size: 4,
  encode: (_platform, value, argument) => word(checkInteger(argument, value, 0, 0xffffffff)),
  decode: (_platform, bytes) => readInteger(bytes) >>> 0,
}

/** An unsigned byte. */
export const uint8: Codec<number> = {
  size: 1,
  encode: (_platform, value, argument) => Uint8Array.of(checkInteger(argument, value, 0, 0xff)),
  decode: (_platform, bytes) => bytes[0] ?? 0,
}

const byteOrWord = (platform: Platform): number => (platform.os === 'darwin' ? 1 : 4)

/** An `int` on Linux, a byte on Darwin: IP_MULTICAST_TTL. On Linux, −1 selects the default. */
export const intOrByte: Codec<number> = {
  size: byteOrWord,
  encode(platform, value, argument) {
    if (platform.os === 'darwin') return uint8.encode(platform, value, argument)
    return word(checkInteger(argument, value, -1, 0xff))
  },
  decode: (_platform, bytes) => readInteger(bytes),
}

/** A boolean as an `int` on Linux, a byte on Darwin: IP_MULTICAST_LOOP. */
export const boolOrByte: Codec<boolean> = {
  size: byteOrWord,
  encode(platform, value, argument) {
    return intOrByte.encode(platform, checkBoolean(argument, value) ? 1 : 0, argument)
  },
  decode: (_platform, bytes) => readInteger(bytes) !== 0,
}

/**
 * An unsigned 64-bit integer: read as `bigint`, set from a bigint or number. Older kernels may answer with 4 bytes.
 */
export const uint64: Codec<bigint, bigint | number> = {
  size: 8,
  encode(_platform, value, argument) {
    const bytes = new Uint8Array(8)
    put64(bytes, 0, checkUint64(argument, value))
    return bytes
  },
  decode: (_platform, bytes) => (bytes.length >= 8 ? get64(bytes, 0) : BigInt(readInteger(bytes) >>> 0)),
}

/** A range of ports. If both are 0, the system's range applies. */
export interface PortRange {
  low: number
  high: number
}

/** Two 16-bit halves, low first: the range of IP_LOCAL_PORT_RANGE. */
export const portRange: Codec<PortRange> = {
  size: 4,
  encode(_platform, value, argument) {
    const { low, high } = checkObject(argument, value)
    const from = checkInteger(`${argument}.low`, low, 0, 0xffff)
    return word((checkInteger(`${argument}.high`, high, 0, 0xffff) << 16) | from)
  },
  decode(_platform, bytes) {
    const value = readInteger(bytes)
    return { low: value & 0xffff, high: value >>> 16 }
  },
}

const LONGEST = 0x7fffffff * 1000

/** Splits milliseconds, rounded up to a whole microsecond, because 0 has a special meaning. */
function splitTime(argument: string, value: unknown): [seconds: number, micro: number] {
  if (typeof value !== 'number') throw invalidType(argument, 'number', value)
  if (!(value >= 0 && value <= LONGEST)) throw outOfRange(argument, `>= 0 && <= ${LONGEST}`, value)
  // A product such as 1.001 * 1000 is slightly off. Such an error must not add a microsecond.
  const micro = Math.ceil(Math.round(value * 1e6) / 1e3)
  return [Math.floor(micro / 1e6), micro % 1e6]
}

function putSigned(bytes: Uint8Array, at: number, width: number, value: number): void {
  if (width === 8) put64(bytes, at, BigInt(value))
  else put32(bytes, at, value)
}

function getSigned(bytes: Uint8Array, at: number, width: number): number {
  return width === 8 ? Number(BigInt.asIntN(64, get64(bytes, at))) : get32(bytes, at) | 0
}

function timeCodec(
  layoutOf: (platform: Platform) => readonly [size: number, number, number, number, number],
): Codec<number> {
  return {
    size: platform => layoutOf(platform)[0],
    encode(platform, value, argument) {
      const [size, secondsAt, secondsWidth, microAt, microWidth] = layoutOf(platform)
      const [seconds, micro] = splitTime(argument, value)
      const bytes = new Uint8Array(size)
      putSigned(bytes, secondsAt, secondsWidth, seconds)
      putSigned(bytes, microAt, microWidth, micro)
      return bytes
    },
    decode(platform, bytes) {
      const [size, secondsAt, secondsWidth, microAt, microWidth] = layoutOf(platform)
      const whole = padded(bytes, size)
      return getSigned(whole, secondsAt, secondsWidth) * 1000 + getSigned(whole, microAt, microWidth) / 1000
    },
  }
}

/** `struct timeval` as milliseconds; 0 means no timeout. */
export const timeval: Codec<number> = timeCodec(({ layout }) => [
  layout['sizeof_timeval']!,
  layout['offsetof_timeval_tv_sec']!,
  layout['sizeof_timeval_tv_sec']!,
  layout['offsetof_timeval_tv_usec']!,
  layout['sizeof_timeval_tv_usec']!,
])

/** `struct __kernel_sock_timeval` as milliseconds, 64 bits wide on every machine; 0 means no timeout. */
export const timeval64: Codec<number> = timeCodec(() => [16, 0, 8, 8, 8])

/** Describes what close(2) does with unsent data. */
export interface Linger {
  /** If false, the kernel continues to send in the background. */
  on: boolean
  /** The number of seconds that close(2) waits. 0 discards unsent data and resets the connection. */
  seconds: number
}

/** `struct linger`. */
export const linger: Codec<Linger> = {
  size: 8,
  encode(_platform, value, argument) {
    const { on, seconds } = checkObject(argument, value)
    const bytes = new Uint8Array(8)
    put32(bytes, 0, checkBoolean(`${argument}.on`, on) ? 1 : 0)
    put32(bytes, 4, checkInteger(`${argument}.seconds`, seconds, 0, 0x7fffffff))
    return bytes
  },
  decode(_platform, bytes) {
    const whole = padded(bytes, 8)
    return { on: get32(whole, 0) !== 0, seconds: get32(whole, 4) | 0 }
  },
}

/** Text in a field of `size` bytes that includes the NUL: the name of an interface or an algorithm. */
export function text(size: number): Codec<string> {
  return {
    size,
    encode(_platform, value, argument) {
      const bytes = Buffer.from(`${checkText(argument, value)}\0`)
      if (bytes.length > size) throw outOfRange(argument, `at most ${size - 1} bytes long`, value)
      return bytes
    },
    decode: (_platform, bytes) => readText(bytes),
  }
}

/** Returns the text up to its NUL, or all of it. */
export function readText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8')
}

/** Text whose maximum length only the kernel defines. */
export const longText: Codec<string, never> = {
  size: 256,
  grows: true,
  encode: () => new Uint8Array(0), // uncovered: a read-only option is never encoded
  decode: (_platform, bytes) => readText(bytes),
}

/** Unchanged bytes: at most `size` when read, at most `max` when set. */
export function bytes(size: number, max: number = size): Codec<Buffer, ArrayBufferView> {
  return {
    size,
    encode(_platform, value, argument) {
      const view = checkView(argument, value)
      if (view.length > max) throw outOfRange(argument, `at most ${max} bytes long`, value)
      return view
    },
    decode: (_platform, answer) => Buffer.from(answer),
  }
}

/** A list of `u32`, such as group ids. */
export const uint32List: Codec<number[], readonly number[]> = {
  size: 256,
  grows: true,
  encode(_platform, value, argument) {
    const list = checkList(argument, value)
    const result = new Uint8Array(4 * list.length)
    list.forEach((each, i) => put32(result, 4 * i, checkInteger(`${argument}[${i}]`, each, 0, 0xffffffff)))
    return result
  },
  decode: (_platform, answer) =>
    Array.from({ length: Math.floor(answer.length / 4) }, (_, i) => get32(answer, 4 * i)),
}

/** A bit set as the numbers of its bits, counted from 1: the groups of a netlink socket. */
export const bitNumbers: Codec<number[], never> = {
  size: 4096,
  encode: () => new Uint8Array(0), // uncovered: a read-only option is never encoded
  decode(platform, answer) {
    const words = uint32List.decode(platform, answer)
    return words.flatMap((bits, i) =>
      Array.from({ length: 32 }, (_, bit) => 32 * i + bit + 1).filter((_, bit) => ((bits >>> bit) & 1) === 1),
    )
  },
}

/** Writes an integer of 1, 2 or 4 bytes. */
export function putInteger(target: Uint8Array, at: number, width: number, value: number): void {
  if (width === 1) target[at] = value
  else if (width === 2) put16(target, at, value)
  else put32(target, at, value)
}

/** Reads an unsigned integer of 1, 2 or 4 bytes. */
export function getInteger(source: Uint8Array, at: number, width: number): number {
  if (width === 1) return source[at]!
  return width === 2 ? get16(source, at) : get32(source, at)
}
