import { invalidAddress, invalidType } from '../errors/argument'
import { BaseAddress, FamilyCodec, checkU16, fieldsOf, raw, owner } from './base'
import type { Context } from './base'
import { copyOf } from './sockaddr'
import { get16be, put16be, put32be, structOf } from '../struct'
import type { Struct } from '../struct'
import { formatIPv4, parseIPv4, parseIPv6 } from './text'

/** The fields of an IPv4 or IPv6 address. */
export interface InetLike {
  /** An IP address, not a host name. Absent or `''` is the wildcard address; `'<broadcast>'` is 255.255.255.255. */
  address?: string | undefined
  port: number
  /** IPv6 only: the interface index of a link-local address, instead of `%zone` in `address`. */
  scopeId?: number | undefined
  /** IPv6 only: the 20-bit flow label. */
  flowinfo?: number | undefined
}

/** An IPv4 address and port (sockaddr_in). */
export class InetAddress extends BaseAddress<InetCodec> {
  /** @internal See BaseAddress. */
  constructor(codec: InetCodec, bytes: Uint8Array) {
    super(codec, bytes)
  }

  get kind(): 'inet' {
    return 'inet'
  }

  /** The IPv4 address in dotted decimal form. */
  get address(): string {
    return formatIPv4(this[raw], this[owner].struct.offset.sin_addr)
  }

  get port(): number {
    return get16be(this[raw], this[owner].struct.offset.sin_port)
  }

  /** Only an IPv6 address has it. */
  declare readonly scopeId?: undefined
  /** Only an IPv6 address has it. */
  declare readonly flowinfo?: undefined

  override toString(): string {
    return `${this.address}:${this.port}`
  }

  override toJSON() {
    return { kind: this.kind, address: this.address, port: this.port }
  }
}

/** Encodes and decodes AF_INET addresses, also for families that use the same addresses. */
export class InetCodec extends FamilyCodec {
  readonly name = 'AF_INET'
  readonly shapes = '{ address?, port }, [host, port]'

  static create(context: Context): InetCodec | null {
    const family = context.platform.constants['AF_INET']
    const struct = structOf(context.platform, 'sockaddr_in', ['sin_port', 'sin_addr'])
    // uncovered: only on a system without this family
    return family === undefined || struct === null ? null : new InetCodec(context, family, struct)
  }

  private constructor(
    context: Context,
    family: number,
    readonly struct: Struct<'sin_port' | 'sin_addr'>,
  ) {
    super(context, family)
  }

  encode(value: unknown): Uint8Array {
    const { host, port } = readEndpoint(this, value)
    const { struct } = this
    const address = parseHost(host)
    const bytes = this.context.head.create(struct.size, this.family)
    put16be(bytes, struct.offset.sin_port, checkU16('port', port))
    put32be(bytes, struct.offset.sin_addr, address)
    return bytes
  }

  decode(bytes: Uint8Array, length: number): InetAddress | null {
    const { size } = this.struct
    return length < size ? null : new InetAddress(this, copyOf(bytes, size))
  }
}

/** Reads the fields of `{ address, port }` or `[host, port]`, each once. The port is not checked yet. */
export function readEndpoint(
  codec: FamilyCodec,
  value: unknown,
): { host: string; port: unknown; fields: Record<string, unknown> | null } {
  let host: unknown
  let port: unknown
  let fields: Record<string, unknown> | null = null
  if (Array.isArray(value)) {
    if (value.length !== 2) throw codec.wrongShape(value)
    host = value[0]
    port = value[1]
  } else {
    fields = fieldsOf(value)
    if (fields === null) throw codec.wrongShape(value)
    host = fields['address']
    port = fields['port']
    // `host`, the name in node:net, would otherwise be ignored, and the wildcard address used.
    if (host === undefined && fields['host'] !== undefined) {
      throw codec.wrongShape(value, ' (the field is called "address", not "host")')
    }
  }
  if (port === undefined) throw codec.wrongShape(value)
  if (host === undefined) host = ''
  if (typeof host !== 'string') throw invalidType('address', 'string', host)
  return { host, port, fields }
}

function parseHost(host: string): number {
  if (host === '') return 0
  if (host === '<broadcast>') return 0xffffffff
  const address = parseIPv4(host)
  if (address >= 0) return address
  // uncovered: for the type checker: a split text has a part
  if (parseIPv6(host.split('%', 1)[0] ?? '') !== null) {
    throw invalidAddress(host, 'this is an IPv6 address and the socket is AF_INET; open it with AF_INET6')
  }
  throw invalidAddress(host, notNumeric('IPv4'))
}

/** Returns the reason for refusing a host name, and how to resolve one. */
export function notNumeric(version: 'IPv4' | 'IPv6'): string {
  return (
    `it is not an ${version} address, and host names are not resolved here: ` +
    'use createConnection(), or getaddrinfo() first'
  )
}
