import { checkInteger } from '../errors/argument'
import {
  BaseAddress,
  FamilyCodec,
  checkU16,
  checkU32,
  fieldsOf,
  interfaceIndex,
  interfaceName,
  owner,
  raw,
} from './base'
import type { Context } from './base'
import { copyOf } from './sockaddr'
import { get16, get32, put16, put32, structOf } from '../struct'
import type { Struct } from '../struct'

const fields = ['sxdp_flags', 'sxdp_ifindex', 'sxdp_queue_id', 'sxdp_shared_umem_fd'] as const
type Field = (typeof fields)[number]

/** The fields of an AF_XDP address: a queue of an interface. Linux only. */
export interface XdpLike {
  /** The name or the index of the interface. If `null`, `index` is used. */
  interface: string | number | null
  index?: number | undefined
  /** The number of the queue. Default 0. */
  queue?: number | undefined
  /** `XDP_COPY`, `XDP_ZEROCOPY`, `XDP_SHARED_UMEM`, … Default 0. */
  flags?: number | undefined
  /** With `XDP_SHARED_UMEM`: the descriptor of the socket that shares its memory. */
  sharedFd?: number | undefined
}

/** An AF_XDP address (sockaddr_xdp): a queue of an interface. Linux only. */
export class XdpAddress extends BaseAddress<XdpCodec> {
  /** @internal See BaseAddress. */
  constructor(codec: XdpCodec, bytes: Uint8Array) {
    super(codec, bytes)
  }

  get kind(): 'xdp' {
    return 'xdp'
  }

  /** The name of the interface, or `null` if it has no name (any more). Looked up on each access. */
  get interface(): string | null {
    return interfaceName(this[owner].context, this.index)
  }

  get index(): number {
    return get32(this[raw], this[owner].struct.offset.sxdp_ifindex)
  }

  get queue(): number {
    return get32(this[raw], this[owner].struct.offset.sxdp_queue_id)
  }

  /** `XDP_COPY`, `XDP_ZEROCOPY`, `XDP_SHARED_UMEM`, … */
  get flags(): number {
    return get16(this[raw], this[owner].struct.offset.sxdp_flags)
  }

  /** The descriptor of the socket that shares its memory, if `flags` has `XDP_SHARED_UMEM`. */
  get sharedFd(): number {
    return get32(this[raw], this[owner].struct.offset.sxdp_shared_umem_fd)
  }

  /** Returns `xdp:<interface>:<queue>`. */
  override toString(): string {
    return `xdp:${this.interface ?? this.index}:${this.queue}`
  }

  override toJSON() {
    const { kind, index, queue, flags, sharedFd } = this
    return { kind, interface: this.interface, index, queue, flags, sharedFd }
  }
}

/** Encodes and decodes AF_XDP addresses. */
export class XdpCodec extends FamilyCodec {
  readonly name = 'AF_XDP'
  readonly shapes = '{ interface, queue?, flags?, sharedFd? }'

  static create(context: Context): XdpCodec | null {
    const family = context.platform.constants['AF_XDP']
    const struct = structOf(context.platform, 'sockaddr_xdp', fields)
    return family === undefined || struct === null ? null : new XdpCodec(context, family, struct)
  }

  private constructor(
    context: Context,
    family: number,
    readonly struct: Struct<Field>,
  ) {
    super(context, family)
  }

  encode(value: unknown): Uint8Array {
    const given = fieldsOf(value)
    const name = given?.['interface']
    if (given === null || name === undefined) throw this.wrongShape(value)
    const { index, queue = 0, flags = 0, sharedFd = 0 } = given
    const { size, offset } = this.struct
    const bytes = this.context.head.create(size, this.family)
    put32(bytes, offset.sxdp_ifindex, interfaceIndex(this.context, name, index))
    put32(bytes, offset.sxdp_queue_id, checkU32('queue', queue))
    put16(bytes, offset.sxdp_flags, checkU16('flags', flags))
    put32(bytes, offset.sxdp_shared_umem_fd, checkInteger('sharedFd', sharedFd, 0, 0x7fffffff))
    return bytes
  }

  decode(bytes: Uint8Array, length: number): XdpAddress | null {
    const { size } = this.struct
    return length < size ? null : new XdpAddress(this, copyOf(bytes, size))
  }
}
