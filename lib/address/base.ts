import { inspect } from 'node:util'
import { checkInteger, invalidAddress, invalidType, noInterface } from '../errors/argument'
import type { CodedError } from '../errors/argument'
import type { Platform } from '../platform'
import type { InspectStyle } from '../runtime/inspect'
import type { Head } from './sockaddr'

/** The values of `kind`. */
export type AddressKind =
  | 'inet'
  | 'inet6'
  | 'unix'
  | 'abstract'
  | 'unnamed'
  | 'packet'
  | 'netlink'
  | 'vsock'
  | 'can'
  | 'xdp'
  | 'tipc'
  | 'bluetooth'
  | 'alg'
  | 'unknown'

/** Looks up network interfaces. Neither function throws. */
export interface InterfaceLookup {
  /** Returns the index of an interface, or 0 if no interface has this name. if_nametoindex(3) */
  indexOf(name: string): number
  /** Returns the name of an interface, or `null` if no interface has this index. if_indextoname(3) */
  nameOf(index: number): string | null
}

/** What the codec of a family depends on. */
export interface Context {
  readonly platform: Platform
  readonly interfaces: InterfaceLookup
  readonly head: Head
}

/** Encodes and decodes the addresses of one family. */
export abstract class FamilyCodec {
  /** The name of the family, `'AF_…'`. */
  abstract readonly name: string
  /** The forms that `encode` accepts, for error messages. */
  abstract readonly shapes: string

  constructor(
    readonly context: Context,
    readonly family: number,
  ) {}

  /** Encodes the forms of this family. `AddressCodec` handles `Address` and `{ family, data }`, common to all. */
  abstract encode(address: unknown): Uint8Array

  /** Decodes an address, or returns `null` if the bytes are no valid address. `length` is at most `bytes.length`. */
  abstract decode(bytes: Uint8Array, length: number): BaseAddress | null

  /** Converts the bytes of a decoded address to the form that bind, connect and sendto accept. */
  reuse(bytes: Uint8Array): Uint8Array {
    return bytes
  }

  wrongShape(given: unknown, hint = ''): CodedError<TypeError> {
    // ownAddress copies an object without a prototype, which would spoil its description in the error.
    const copied = fieldsOf(given) !== null && Object.getPrototypeOf(given) === null
    const actual = copied ? { ...(given as object) } : given
    return invalidType(
      'address',
      `${this.shapes}, { family, data } or an Address for ${this.name}${hint}`,
      actual,
    )
  }
}

/**
 * The keys of an address's bytes and codec. These are own, enumerable properties: they are cheap to create, users do
 * not see them, and `assert.deepEqual` compares them.
 */
export const raw: unique symbol = Symbol('address bytes')
export const owner: unique symbol = Symbol('address codec')

/**
 * The base class of all addresses. An address is immutable: it shares no memory with the values that it returns. The
 * same object may be returned for several messages of one sender.
 */
export abstract class BaseAddress<Owner extends FamilyCodec = FamilyCodec> {
  /** @internal Never written to. */
  readonly [raw]: Uint8Array
  /** @internal */
  readonly [owner]: Owner

  // Each class of addresses has its own constructor. In one that a class inherits, older V8 runs the iterator of arrays,
  // which other code may have changed.
  /** @internal Keeps the bytes, without a copy. */
  constructor(codec: Owner, bytes: Uint8Array) {
    this[raw] = bytes
    this[owner] = codec
  }

  abstract get kind(): AddressKind

  /** The `AF_*` number on this platform. */
  get family(): number {
    return this[owner].family
  }

  /** A copy of the whole sockaddr, including the family, as the kernel reported it. */
  get bytes(): Uint8Array {
    return new Uint8Array(this[raw])
  }

  /** Returns true if `other` is the same address. */
  equals(other: unknown): boolean {
    if (this === other) return true
    if (!(other instanceof BaseAddress) || this.kind !== other.kind || this.family !== other.family)
      return false
    return sameBytes(this.identity(), other.identity())
  }

  /** Returns the bytes that are equal for equal addresses. */
  protected identity(): Uint8Array {
    return this[raw]
  }

  /** Returns the address as readable text. */
  abstract toString(): string

  /** Returns a plain object with `kind` and the decoded fields. */
  abstract toJSON(): { kind: AddressKind }

  /** Formats the address for util.inspect and console.log. */
  [inspect.custom](_depth: number, options: InspectStyle): string {
    const { kind, ...fields } = this.toJSON()
    return `Address<${options.stylize(kind, 'special')}> ${inspect(fields, options)}`
  }
}

/** Returns the value if it is an object with named fields, and `null` for an array, bytes or a primitive. */
export function fieldsOf(value: unknown): Record<string, unknown> | null {
  if (typeof value !== 'object' || value === null) return null
  // A getter of a DataView throws when its memory is detached.
  return Array.isArray(value) || ArrayBuffer.isView(value) ? null : (value as Record<string, unknown>)
}

export function checkU8(argument: string, value: unknown): number {
  return checkInteger(argument, value, 0, 0xff)
}

export function checkU16(argument: string, value: unknown): number {
  return checkInteger(argument, value, 0, 0xffff)
}

export function checkU32(argument: string, value: unknown): number {
  return checkInteger(argument, value, 0, 0xffffffff)
}

/**
 * Returns the index of an interface that is given by name or by index; 0 is any interface. If `name` is absent,
 * `index` is used. So the JSON of an address can be used as an address, even if the interface has no name.
 */
export function interfaceIndex(context: Context, name: unknown, index: unknown): number {
  if (name === undefined || name === null) return checkInteger('index', index, 0, 0x7fffffff)
  if (typeof name === 'number') return checkInteger('interface', name, 0, 0x7fffffff)
  if (typeof name !== 'string') throw invalidType('interface', 'string or number', name)
  const found = lookUp(context, name)
  if (found === 0) throw invalidAddress(name, noInterface(name))
  return found
}

/** Returns the index of an interface, or 0 if no interface has this name. */
export function lookUp(context: Context, name: string): number {
  // In C the name would end at the NUL, and might be the name of another interface.
  return name === '' || name.includes('\0') ? 0 : context.interfaces.indexOf(name)
}

export function interfaceName(context: Context, index: number): string | null {
  return index === 0 ? null : context.interfaces.nameOf(index)
}

/** Parses `aa:bb:cc` or `aa-bb-cc`. Returns `null` for any other text. */
export function parseHardware(text: string): Uint8Array | null {
  if (text === '') return new Uint8Array(0)
  const parts = text.split(text.includes('-') ? '-' : ':')
  if (!parts.every(part => /^[0-9a-f]{1,2}$/i.test(part))) return null
  return Uint8Array.from(parts, part => Number.parseInt(part, 16))
}

export function formatHardware(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(':')
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

/** Returns true if the `length` bytes at `start` are the bytes of the address. */
export function isIn(address: BaseAddress, memory: Uint8Array, start: number, length: number): boolean {
  const bytes = address[raw]
  if (bytes.length !== length) return false
  for (let i = 0; i < length; i++) if (bytes[i] !== memory[start + i]) return false
  return true
}

/** Returns the usual name of the operating system. */
export function osName(os: Platform['os']): string {
  return os === 'darwin' ? 'macOS' : 'Linux'
}
