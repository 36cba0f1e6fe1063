import { checkInteger } from '../errors/argument'
import { BaseAddress, FamilyCodec, checkU32, fieldsOf, owner, raw } from './base'
import type { Context } from './base'
import { copyOf } from './sockaddr'
import { get32, put32, structOf } from '../struct'
import type { Struct } from '../struct'

// TIPC_SERVICE_RANGE (also TIPC_ADDR_MCAST), TIPC_SERVICE_ADDR and TIPC_SOCKET_ADDR of linux/tipc.h. Each member of the
// union `addr` consists of 32-bit numbers only.
const rangeType = 1
const serviceType = 2
const socketType = 3

/** The fields of an AF_TIPC address: a service range, a service, or a socket. Linux only. */
export type TipcLike = (
  | { type: number; lower: number; upper: number }
  | { type: number; instance: number; domain?: number | undefined }
  | { ref: number; node: number }
) & {
  /** `TIPC_CLUSTER_SCOPE` or `TIPC_NODE_SCOPE`. A negative scope in bind removes a binding. Default 0. */
  scope?: number | undefined
}

/** An AF_TIPC address (sockaddr_tipc). A field that its type does not have is `null`. Linux only. */
export class TipcAddress extends BaseAddress<TipcCodec> {
  /** @internal See BaseAddress. */
  constructor(codec: TipcCodec, bytes: Uint8Array) {
    super(codec, bytes)
  }

  get kind(): 'tipc' {
    return 'tipc'
  }

  /** The type: 1 is a service range, 2 a service, 3 a socket (`TIPC_SERVICE_RANGE`, …). */
  get addressType(): number {
    return this[raw][this[owner].struct.offset.addrtype]!
  }

  get scope(): number {
    return (this[raw][this[owner].struct.offset.scope]! << 24) >> 24
  }

  /** The service type. */
  get type(): number | null {
    return this.addressType === rangeType ? this.#number(0) : this.instance === null ? null : this.#number(0)
  }

  get lower(): number | null {
    return this.addressType === rangeType ? this.#number(1) : null
  }

  get upper(): number | null {
    return this.addressType === rangeType ? this.#number(2) : null
  }

  get instance(): number | null {
    return this.addressType === serviceType ? this.#number(1) : null
  }

  /** The lookup domain of a service; 0 is everywhere. */
  get domain(): number | null {
    return this.addressType === serviceType ? this.#number(2) : null
  }

  /** The port of a socket. */
  get ref(): number | null {
    return this.addressType === socketType ? this.#number(0) : null
  }

  /** The node of a socket. */
  get node(): number | null {
    return this.addressType === socketType ? this.#number(1) : null
  }

  /** Returns `tipc:<type>:<lower>-<upper>`, `tipc:<type>:<instance>`, or `tipc:@<node>:<ref>`. */
  override toString(): string {
    switch (this.addressType) {
      case rangeType:
        return `tipc:${this.type}:${this.lower}-${this.upper}`
      case serviceType:
        return `tipc:${this.type}:${this.instance}`
      case socketType:
        return `tipc:@${this.node?.toString(16)}:${this.ref}`
      default:
        return `tipc:?${this.addressType}`
    }
  }

  override toJSON() {
    const { kind, addressType, scope } = this
    const fields: Record<string, number> = {}
    for (const name of ['type', 'lower', 'upper', 'instance', 'domain', 'ref', 'node'] as const) {
      const value = this[name]
      if (value !== null) fields[name] = value
    }
    return { kind, addressType, ...fields, scope }
  }

  #number(index: number): number {
    return get32(this[raw], this[owner].struct.offset.addr + 4 * index)
  }
}

/** Encodes and decodes AF_TIPC addresses. */
export class TipcCodec extends FamilyCodec {
  readonly name = 'AF_TIPC'
  readonly shapes =
    '{ type, lower, upper, scope? }, { type, instance, domain?, scope? }, { ref, node, scope? }'

  static create(context: Context): TipcCodec | null {
    const family = context.platform.constants['AF_TIPC']
    const struct = structOf(context.platform, 'sockaddr_tipc', ['addrtype', 'scope', 'addr'])
    return family === undefined || struct === null ? null : new TipcCodec(context, family, struct)
  }

  private constructor(
    context: Context,
    family: number,
    readonly struct: Struct<'addrtype' | 'scope' | 'addr'>,
  ) {
    super(context, family)
  }

  encode(value: unknown): Uint8Array {
    const given = fieldsOf(value)
    if (given === null) throw this.wrongShape(value)
    const { type, lower, upper, instance, domain = 0, ref, node, scope = 0 } = given
    if (type !== undefined && lower !== undefined && upper !== undefined) {
      return this.#build(rangeType, scope, { type, lower, upper })
    }
    if (type !== undefined && instance !== undefined) {
      return this.#build(serviceType, scope, { type, instance, domain })
    }
    if (ref !== undefined && node !== undefined) return this.#build(socketType, scope, { ref, node })
    throw this.wrongShape(value)
  }

  decode(bytes: Uint8Array, length: number): TipcAddress | null {
    const { size } = this.struct
    return length < size ? null : new TipcAddress(this, copyOf(bytes, size))
  }

  #build(addressType: number, scope: unknown, numbers: Record<string, unknown>): Uint8Array {
    const { size, offset } = this.struct
    const bytes = this.context.head.create(size, this.family)
    bytes[offset.addrtype] = addressType
    bytes[offset.scope] = checkInteger('scope', scope, -128, 127)
    let at = offset.addr
    for (const [name, value] of Object.entries(numbers)) {
      put32(bytes, at, checkU32(name, value))
      at += 4
    }
    return bytes
  }
}
