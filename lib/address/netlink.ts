import { BaseAddress, FamilyCodec, checkU32, fieldsOf, owner, raw } from './base'
import type { Context } from './base'
import { copyOf } from './sockaddr'
import { get32, put32, structOf } from '../struct'
import type { Struct } from '../struct'

/** The fields of an AF_NETLINK address. Linux only. */
export interface NetlinkLike {
  /** The port; 0 is the kernel. In bind, 0 lets the kernel choose a port. */
  pid: number
  /** The bit mask of multicast groups. */
  groups: number
}

/** An AF_NETLINK address (sockaddr_nl). Linux only. */
export class NetlinkAddress extends BaseAddress<NetlinkCodec> {
  /** @internal See BaseAddress. */
  constructor(codec: NetlinkCodec, bytes: Uint8Array) {
    super(codec, bytes)
  }

  get kind(): 'netlink' {
    return 'netlink'
  }

  /** The port; 0 is the kernel. It is often, but not always, a process id. */
  get pid(): number {
    return get32(this[raw], this[owner].struct.offset.nl_pid)
  }

  /** The bit mask of multicast groups. */
  get groups(): number {
    return get32(this[raw], this[owner].struct.offset.nl_groups)
  }

  /** Returns `netlink:<pid>:0x<groups>`. */
  override toString(): string {
    return `netlink:${this.pid}:0x${this.groups.toString(16)}`
  }

  override toJSON() {
    return { kind: this.kind, pid: this.pid, groups: this.groups }
  }
}

/** Encodes and decodes AF_NETLINK addresses. */
export class NetlinkCodec extends FamilyCodec {
  readonly name = 'AF_NETLINK'
  readonly shapes = '{ pid, groups }'

  static create(context: Context): NetlinkCodec | null {
    const family = context.platform.constants['AF_NETLINK']
    const struct = structOf(context.platform, 'sockaddr_nl', ['nl_pid', 'nl_groups'])
    return family === undefined || struct === null ? null : new NetlinkCodec(context, family, struct)
  }

  private constructor(
    context: Context,
    family: number,
    readonly struct: Struct<'nl_pid' | 'nl_groups'>,
  ) {
    super(context, family)
  }

  encode(value: unknown): Uint8Array {
    const given = fieldsOf(value)
    const pid = given?.['pid']
    const groups = given?.['groups']
    if (pid === undefined && groups === undefined) throw this.wrongShape(value)
    const { size, offset } = this.struct
    const bytes = this.context.head.create(size, this.family)
    put32(bytes, offset.nl_pid, checkU32('pid', pid ?? 0))
    put32(bytes, offset.nl_groups, checkU32('groups', groups ?? 0))
    return bytes
  }

  decode(bytes: Uint8Array, length: number): NetlinkAddress | null {
    const { size } = this.struct
    return length < size ? null : new NetlinkAddress(this, copyOf(bytes, size))
  }
}
