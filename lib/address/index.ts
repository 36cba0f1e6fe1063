import { invalidAddress, invalidType } from '../errors/argument'
import { ownFields } from '../runtime/fields'
import type { Platform } from '../platform'
import { AlgCodec, type AlgAddress, type AlgLike } from './alg'
import {
  BaseAddress,
  fieldsOf,
  osName,
  owner,
  raw,
  type Context,
  type FamilyCodec,
  type InterfaceLookup,
} from './base'
import { BluetoothCodec, type BluetoothAddress, type BluetoothLike } from './bluetooth'
import { CanCodec, type CanAddress, type CanLike } from './can'
import { InetAddress, InetCodec, type InetLike } from './inet'
import { Inet6Codec, type Inet6Address } from './inet6'
import { Head } from './sockaddr'
import { NetlinkCodec, type NetlinkAddress, type NetlinkLike } from './netlink'
import { PacketCodec, type PacketAddress, type PacketLike } from './packet'
import { TipcCodec, type TipcAddress, type TipcLike } from './tipc'
import { UnixCodec, type AbstractAddress, type UnixAddress, type UnixLike, type UnnamedAddress } from './unix'
import { UnknownCodec, type RawLike, type UnknownAddress } from './unknown'
import { VsockCodec, type VsockAddress, type VsockLike } from './vsock'
import { XdpCodec, type XdpAddress, type XdpLike } from './xdp'

export type { AddressKind, InterfaceLookup } from './base'
export type { BluetoothProtocol } from './bluetooth'
export type {
  AbstractAddress,
  AlgAddress,
  AlgLike,
  BluetoothAddress,
  BluetoothLike,
  CanAddress,
  CanLike,
  Inet6Address,
  InetAddress,
  InetLike,
  NetlinkAddress,
  NetlinkLike,
  PacketAddress,
  PacketLike,
  RawLike,
  TipcAddress,
  TipcLike,
  UnixAddress,
  UnixLike,
  UnknownAddress,
  UnnamedAddress,
  VsockAddress,
  VsockLike,
  XdpAddress,
  XdpLike,
}

/** An address of AF_INET or AF_INET6. */
export type AnyInetAddress = InetAddress | Inet6Address

/** An address of AF_UNIX: a path, an abstract name, or none. Each has `path`. */
export type AnyUnixAddress = UnixAddress | AbstractAddress | UnnamedAddress

type Decoded =
  | AnyInetAddress
  | AnyUnixAddress
  | PacketAddress
  | NetlinkAddress
  | VsockAddress
  | CanAddress
  | XdpAddress
  | TipcAddress
  | BluetoothAddress
  | AlgAddress
  | UnknownAddress

type FieldsOf<A> = A extends unknown ? keyof A : never

/** An address with the fields of every other kind, which are `undefined`. */
// eslint-disable-next-line @typescript-eslint/consistent-indexed-object-style -- a mapped type
export type Shared<A> = A & { readonly [Field in Exclude<FieldsOf<Decoded>, keyof A>]?: undefined }

/**
 * A socket address as the kernel reported it. Immutable; `kind` tells the type. Fields are decoded on access.
 *
 * A field that only some kinds have, such as `port` or `path`, is `undefined` on the others.
 */
export type Address =
  | Shared<InetAddress>
  | Shared<Inet6Address>
  | Shared<UnixAddress>
  | Shared<AbstractAddress>
  | Shared<UnnamedAddress>
  | Shared<PacketAddress>
  | Shared<NetlinkAddress>
  | Shared<VsockAddress>
  | Shared<CanAddress>
  | Shared<XdpAddress>
  | Shared<TipcAddress>
  | Shared<BluetoothAddress>
  | Shared<AlgAddress>
  | Shared<UnknownAddress>

/** The short forms of an address, by the `kind` of the address. */
interface ShortForms {
  inet: InetLike | readonly [host: string, port: number]
  inet6: ShortForms['inet']
  unix: UnixLike | string | Uint8Array
  abstract: ShortForms['unix']
  unnamed: ShortForms['unix']
  packet: PacketLike
  netlink: NetlinkLike
  vsock: VsockLike
  can: CanLike
  xdp: XdpLike
  tipc: TipcLike
  bluetooth: BluetoothLike
  alg: AlgLike
  unknown: never
}

/**
 * All forms of an address that operations accept. `AddressLike<InetAddress>` has the short forms of one family only, as
 * the operations of a `Socket<InetAddress>` do. An `Address` has the family that it came with, which is checked at run
 * time. A string or bytes are an AF_UNIX path. Host names are never resolved.
 */
export type AddressLike<A extends Address = Address> = Address | ShortForms[A['kind']] | RawLike

/**
 * Copies the address into an object without a prototype, and reads each field once. Getters of the caller's class
 * count as fields. Properties that other code added to Object.prototype do not: see ownFields.
 */
export function ownAddress(address: AddressLike): AddressLike {
  const fields = address instanceof BaseAddress ? null : fieldsOf(address)
  if (fields === null) return address
  const own = ownFields(fields)
  const ofClasses = (holder: object): void => {
    const next = Object.getPrototypeOf(holder) as object | null
    if (next === null || Object.getPrototypeOf(next) === null) return
    for (const name of Object.getOwnPropertyNames(next)) {
      if (name !== 'constructor' && !(name in own)) own[name] = fields[name]
    }
    ofClasses(next)
  }
  ofClasses(fields)
  return own as unknown as InetLike
}

/** Returns true if the value is an `Address` that came from the kernel. */
export function isAddress(value: unknown): value is Address {
  return value instanceof BaseAddress
}

const factories: readonly { create(context: Context): FamilyCodec | null }[] = [
  InetCodec,
  Inet6Codec,
  UnixCodec,
  PacketCodec,
  NetlinkCodec,
  VsockCodec,
  CanCodec,
  XdpCodec,
  TipcCodec,
  BluetoothCodec,
  AlgCodec,
]

/** Encodes addresses as the bytes of a sockaddr, and decodes them, for one platform. */
export class AddressCodec {
  readonly #platform: Platform
  readonly #unknown: UnknownCodec
  /** The endpoint that encodeEndpoint encoded last. */
  #latest = { host: '', port: Number.NaN, family: 0, bytes: new Uint8Array(0) as Uint8Array }
  /** The codecs by family number. */
  readonly #codecs: Record<number, FamilyCodec | undefined> = { __proto__: null } as never

  constructor(platform: Platform, interfaces: InterfaceLookup) {
    const context: Context = { platform, interfaces, head: new Head(platform) }
    this.#platform = platform
    this.#unknown = new UnknownCodec(context)
    for (const factory of factories) {
      const codec = factory.create(context)
      if (codec !== null) this.#codecs[codec.family] = codec
    }
  }

  /**
   * Returns the sockaddr for a socket of `family`, in its exact length. Do not write to it: for an `Address` it is the
   * address's own memory.
   *
   * Checks everything that can be checked without the kernel. Throws `ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE` or
   * `ERR_INVALID_ADDRESS`. An exception of a getter of the caller's object is passed on.
   */
  encode(address: AddressLike, family: number): Uint8Array {
    const given: unknown = ownAddress(address)
    if (given instanceof BaseAddress) return this.#reuse(given as BaseAddress, family)
    const fields = fieldsOf(given)
    if (fields !== null) {
      const data = fields['data']
      if (data !== undefined) return this.#unknown.encodeRaw(fields['family'], data)
      // The spread { ...address } has no decoded fields, and would look like the wildcard address.
      if (raw in fields)
        throw invalidType(
          'address',
          'an Address or a plain object, not a copy of an Address by spread: use address.toJSON()',
          given,
        )
    }
    return this.#codec(family).encode(given)
  }

  /**
   * Like `encode`, for the address of a sendto. Do not write to the result: see encodeEndpoint.
   *
   * @internal
   */
  encodeDestination(address: AddressLike, family: number): Uint8Array {
    if (!Array.isArray(address) || address.length !== 2) return this.encode(address, family)
    const host: unknown = address[0]
    const port: unknown = address[1]
    return typeof host === 'string' && typeof port === 'number'
      ? this.encodeEndpoint(host, port, family)
      : this.encode([host, port] as never, family)
  }

  /**
   * Returns the sockaddr of `[host, port]`. Faster than `encode` if the endpoint is the same as in the last call. Do not
   * write to the result, which is returned again.
   *
   * @internal
   */
  encodeEndpoint(host: string, port: number, family: number): Uint8Array {
    const latest = this.#latest
    if (host === latest.host && port === latest.port && family === latest.family) return latest.bytes
    const bytes = this.encode([host, port], family)
    // The index of an interface may change, so an address with a zone is encoded each time.
    if (!host.includes('%')) this.#latest = { host, port, family, bytes }
    return bytes
  }

  /**
   * Decodes the address in the first `length` bytes, and copies them. Returns `null` if `length` is 0, as for the
   * peer of a connected stream. Never throws: an address that cannot be decoded has the kind `'unknown'`.
   */
  decode(bytes: Uint8Array, length: number = bytes.length): Address | null {
    if (length > bytes.length) length = bytes.length
    if (!(length > 0)) return null
    const unknown = this.#unknown
    const codec = this.#codecs[unknown.context.head.family(bytes, length)]
    return (codec?.decode(bytes, length) ?? unknown.decode(bytes, length)) as Address
  }

  #reuse(address: BaseAddress, family: number): Uint8Array {
    const own = address.family
    const codec = this.#codecs[family]
    // AF_UNSPEC is valid for every socket. A family without a codec may use the addresses of another family.
    if (own === family || own === 0 || codec === undefined) return address[owner].reuse(address[raw])
    const name = this.#codecs[own]?.name ?? `family ${own}`
    let reason = `it is an address of ${name} and the socket is ${codec.name}`
    if (address instanceof InetAddress && codec instanceof Inet6Codec) {
      reason += `; its IPv4-mapped form is '::ffff:${address.address}'`
    }
    throw invalidAddress(String(address), reason)
  }

  #codec(family: unknown): FamilyCodec {
    const { os, constants } = this.#platform
    if (family === undefined) throw invalidAddress(family, `${osName(os)} has no such address family`)
    // AF_RDS sockets use IPv4 addresses.
    const form = family === constants['AF_RDS'] ? constants['AF_INET'] : family
    return this.#codecs[form as number] ?? this.#unknown
  }
}
