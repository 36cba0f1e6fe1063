import { checkInteger, invalidAddress, noInterface } from '../errors/argument'
import { BaseAddress, FamilyCodec, checkU16, checkU32, interfaceName, lookUp, owner, raw } from './base'
import type { Context } from './base'
import { notNumeric, readEndpoint } from './inet'
import { copyOf } from './sockaddr'
import { get16be, get32, get32be, put16be, put32, put32be, structOf } from '../struct'
import type { Struct } from '../struct'
import { formatIPv6, parseIPv4, parseIPv6 } from './text'

const fields = ['sin6_port', 'sin6_flowinfo', 'sin6_addr', 'sin6_scope_id'] as const
type Field = (typeof fields)[number]

/** An IPv6 address and port (sockaddr_in6). */
export class Inet6Address extends BaseAddress<Inet6Codec> {
  /** @internal See BaseAddress. */
  constructor(codec: Inet6Codec, bytes: Uint8Array) {
    super(codec, bytes)
  }

  get kind(): 'inet6' {
    return 'inet6'
  }

  /** The IPv6 address as in RFC 5952, without a zone: see `scopeId`. */
  get address(): string {
    return formatIPv6(this[raw], this[owner].struct.offset.sin6_addr)
  }

  get port(): number {
    return get16be(this[raw], this[owner].struct.offset.sin6_port)
  }

  /** The flow label in the low 20 bits. The bits above are the traffic class, if the kernel reports it. */
  get flowinfo(): number {
    return get32be(this[raw], this[owner].struct.offset.sin6_flowinfo)
  }

  /** The interface index of a link-local address; otherwise 0. */
  get scopeId(): number {
    return get32(this[raw], this[owner].struct.offset.sin6_scope_id)
  }

  /** Returns text such as `[fe80::1%eth0]:80`. If the interface has no name, its index is used. */
  override toString(): string {
    const { scopeId } = this
    const zone = scopeId === 0 ? '' : `%${interfaceName(this[owner].context, scopeId) ?? scopeId}`
    return `[${this.address}${zone}]:${this.port}`
  }

  override toJSON() {
    const { kind, address, port, flowinfo, scopeId } = this
    return { kind, address, port, flowinfo, scopeId }
  }
}

/** Encodes and decodes AF_INET6 addresses. */
export class Inet6Codec extends FamilyCodec {
  readonly name = 'AF_INET6'
  readonly shapes = '{ address?, port, scopeId?, flowinfo? }, [host, port]'

  static create(context: Context): Inet6Codec | null {
    const family = context.platform.constants['AF_INET6']
    const struct = structOf(context.platform, 'sockaddr_in6', fields)
    // uncovered: only on a system without this family
    return family === undefined || struct === null ? null : new Inet6Codec(context, family, struct)
  }

  private constructor(
    context: Context,
    family: number,
    readonly struct: Struct<Field>,
  ) {
    super(context, family)
  }

  encode(value: unknown): Uint8Array {
    const { host, port, fields } = readEndpoint(this, value)
    const scopeId = fields?.['scopeId']
    const flowinfo = fields?.['flowinfo']
    const { size, offset } = this.struct
    const bytes = this.context.head.create(size, this.family)
    put16be(bytes, offset.sin6_port, checkU16('port', port))
    if (flowinfo !== undefined)
      put32be(bytes, offset.sin6_flowinfo, checkInteger('flowinfo', flowinfo, 0, 0xfffff))
    const percent = host.indexOf('%')
    const text = percent < 0 ? host : host.slice(0, percent)
    if (host !== '') bytes.set(parseHost(text, host), offset.sin6_addr)
    const zone = percent < 0 ? 0 : this.#zone(host.slice(percent + 1), host)
    put32(bytes, offset.sin6_scope_id, oneScope(host, zone, scopeId))
    return bytes
  }

  decode(bytes: Uint8Array, length: number): Inet6Address | null {
    const { size } = this.struct
    return length < size ? null : new Inet6Address(this, copyOf(bytes, size))
  }

  /** Parses a zone: the name of an interface or, as in getaddrinfo(3), a number. */
  #zone(zone: string, host: string): number {
    const index = lookUp(this.context, zone)
    if (index !== 0) return index
    const number = /^\d{1,10}$/.test(zone) ? Number(zone) : Number.NaN
    if (number <= 0xffffffff) return number
    throw invalidAddress(host, noInterface(zone))
  }
}

function parseHost(text: string, host: string): Uint8Array {
  const address = parseIPv6(text)
  if (address !== null) return address
  if (parseIPv4(text) >= 0) {
    throw invalidAddress(
      host,
      `this is an IPv4 address and the socket is AF_INET6; its IPv4-mapped form is '::ffff:${text}'`,
    )
  }
  if (text === '<broadcast>') throw invalidAddress(host, 'IPv6 has no broadcast; it is for AF_INET')
  throw invalidAddress(host, notNumeric('IPv6'))
}

/** Returns the scope from the zone and `scopeId`. They must not differ; 0 means "none" in both. */
function oneScope(host: string, zone: number, scopeId: unknown): number {
  if (scopeId === undefined) return zone
  const scope = checkU32('scopeId', scopeId)
  if (zone !== 0 && scope !== 0 && zone !== scope) {
    throw invalidAddress(host, `its zone is interface ${zone} and scopeId is ${scope}`)
  }
  return zone === 0 ? scope : zone
}
