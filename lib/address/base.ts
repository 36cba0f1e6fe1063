import { inspect, types } from 'node:util'
import type { InspectOptionsStylized } from 'node:util'
import { checkInteger, invalidAddress, invalidType, noInterface } from '../errors/argument'
import type { CodedError } from '../errors/argument'
import type { Platform } from '../platform'
import type { Head } from './sockaddr'

/** What `kind` may be. */
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

/** Names of interfaces. Neither function throws. */
export interface InterfaceLookup {
  /** if_nametoindex(3): the index, 0 where no interface has the name. */
  indexOf(name: string): number
  /** if_indextoname(3): the name, `null` where no interface has the index. */
  nameOf(index: number): string | null
}

/** What the codec of a family needs to know. */
export interface Context {
  readonly platform: Platform
  readonly interfaces: InterfaceLookup
  readonly head: Head
}

/** Encodes and decodes the addresses of one family. */
export abstract class FamilyCodec {
  /** `AF_…` */
  abstract readonly name: string
  /** The forms `encode` takes, for messages. */
  abstract readonly shapes: string

  constructor(
    readonly context: Context,
    readonly family: number,
  ) {}

  /** Takes anything but an `Address` and `{ family, data }`, which are the same for all families. */
  abstract encode(address: unknown): Uint8Array

  /** `null` where the bytes cannot be an address of this family. `length` is never above `bytes.length`. */
  abstract decode(bytes: Uint8Array, length: number): BaseAddress | null

  /** The bytes of a decoded address in the form that bind, connect and sendto take. */
  reuse(bytes: Uint8Array): Uint8Array {
    return bytes
  }

  wrongShape(given: unknown, hint = ''): CodedError<TypeError> {
    // The copy that ownAddress makes would be described by its missing prototype.
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
 * The bytes and the codec are own, enumerable properties under symbols: cheap to make, out of the way of
 * users, and still what `assert.deepEqual` and its like compare.
 */
export const raw: unique symbol = Symbol('address bytes')
export const owner: unique symbol = Symbol('address codec')

/**
 * What all addresses have. Immutable: nothing handed out shares memory with it, and a sender may come as the same
 * object again.
 */
export abstract class BaseAddress<Owner extends FamilyCodec = FamilyCodec> {
  /** @internal Never written to. */
  readonly [raw]: Uint8Array
  /** @internal */
  readonly [owner]: Owner

  /** @internal Takes the bytes over. */
  constructor(codec: Owner, bytes: Uint8Array) {
    this[raw] = bytes
    this[owner] = codec
  }

  abstract get kind(): AddressKind

  /** The `AF_` number, as this platform has it. */
  get family(): number {
    return this[owner].family
  }

  /** The whole sockaddr, family included, as the kernel gave it. A fresh copy each time. */
  get bytes(): Uint8Array {
    return new Uint8Array(this[raw])
  }

  /** Whether both are the same address. */
  equals(other: unknown): boolean {
    if (this === other) return true
    if (!(other instanceof BaseAddress) || this.kind !== other.kind || this.family !== other.family)
      return false
    return sameBytes(this.identity(), other.identity())
  }

  /** The bytes that make two addresses of a kind equal. */
  protected identity(): Uint8Array {
    return this[raw]
  }

  /** The address as text for people. */
  abstract toString(): string

  /** A plain object with `kind` and the decoded fields. */
  abstract toJSON(): { kind: AddressKind }

  /** What util.inspect and console.log show. */
  [inspect.custom](_depth: number, options: InspectOptionsStylized): string {
    const { kind, ...fields } = this.toJSON()
    return `Address<${options.stylize(kind, 'special')}> ${inspect(fields, options)}`
  }
}

/** The value if it is an object with named fields: not a list, not bytes. */
export function fieldsOf(value: unknown): Record<string, unknown> | null {
  if (typeof value !== 'object' || value === null) return null
  return Array.isArray(value) || types.isUint8Array(value) ? null : (value as Record<string, unknown>)
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
 * The index of an interface given by name or by index. `index` serves where `interface` is absent, so that
 * the JSON of an address whose interface has no name can be used again. 0 is any interface.
 */
export function interfaceIndex(context: Context, name: unknown, index: unknown): number {
  if (name === undefined || name === null) return checkInteger('index', index, 0, 0x7fffffff)
  if (typeof name === 'number') return checkInteger('interface', name, 0, 0x7fffffff)
  if (typeof name !== 'string') throw invalidType('interface', 'string or number', name)
  const found = lookUp(context, name)
  if (found === 0) throw invalidAddress(name, noInterface(name))
  return found
}

/** The index of a named interface, 0 where there is none. */
export function lookUp(context: Context, name: string): number {
  // A C function would see the name end at the NUL and find another interface.
  return name === '' || name.includes('\0') ? 0 : context.interfaces.indexOf(name)
}

export function interfaceName(context: Context, index: number): string | null {
  return index === 0 ? null : context.interfaces.nameOf(index)
}

/** Reads `aa:bb:cc` or `aa-bb-cc`; `null` where the text is not that. */
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

/** Whether the `length` bytes at `start` are those of the address. */
export function isIn(address: BaseAddress, memory: Uint8Array, start: number, length: number): boolean {
  const bytes = address[raw]
  if (bytes.length !== length) return false
  for (let i = 0; i < length; i++) if (bytes[i] !== memory[start + i]) return false
  return true
}

/** What people call the operating system. */
export function osName(os: Platform['os']): string {
  return os === 'darwin' ? 'macOS' : 'Linux'
}
