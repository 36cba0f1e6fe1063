import { invalidAddress } from '../errors/argument'
import { BaseAddress, FamilyCodec, checkU32, checkU8, fieldsOf, osName, owner, raw } from './base'
import type { Context } from './base'
import { copyOf } from './sockaddr'
import { get32, put32, structOf } from '../struct'
import type { Struct } from '../struct'

/** The fields of an AF_VSOCK address: a port of a virtual machine or of its host. */
export interface VsockLike {
  /** The context id: `VMADDR_CID_*`, or the number of a virtual machine. */
  cid: number
  /** The port. It has 32 bits, unlike a TCP port. */
  port: number
  /** `VMADDR_FLAG_*`. Linux only; default 0. */
  flags?: number | undefined
}

/** An AF_VSOCK address (sockaddr_vm): a port of a virtual machine or of its host. */
export class VsockAddress extends BaseAddress<VsockCodec> {
  /** @internal See BaseAddress. */
  constructor(codec: VsockCodec, bytes: Uint8Array) {
    super(codec, bytes)
  }

  get kind(): 'vsock' {
    return 'vsock'
  }

  get cid(): number {
    return get32(this[raw], this[owner].struct.offset.svm_cid)
  }

  get port(): number {
    return get32(this[raw], this[owner].struct.offset.svm_port)
  }

  /** `VMADDR_FLAG_*`; 0 if the platform has no flags. */
  get flags(): number {
    const at = this[owner].flags
    return at === undefined ? 0 : this[raw][at]!
  }

  /** Returns `vsock:<cid>:<port>`. */
  override toString(): string {
    return `vsock:${this.cid}:${this.port}`
  }

  override toJSON() {
    return { kind: this.kind, cid: this.cid, port: this.port, flags: this.flags }
  }
}

/** Encodes and decodes AF_VSOCK addresses. */
export class VsockCodec extends FamilyCodec {
  readonly name = 'AF_VSOCK'
  readonly shapes = '{ cid, port }'
  /** The offset of svm_flags. Linux has this field since 5.11; Darwin does not have it. */
  readonly flags: number | undefined

  static create(context: Context): VsockCodec | null {
    const family = context.platform.constants['AF_VSOCK']
    const struct = structOf(context.platform, 'sockaddr_vm', ['svm_cid', 'svm_port'])
    // uncovered: only on a system without this family
    return family === undefined || struct === null ? null : new VsockCodec(context, family, struct)
  }

  private constructor(
    context: Context,
    family: number,
    readonly struct: Struct<'svm_cid' | 'svm_port'>,
  ) {
    super(context, family)
    this.flags = context.platform.layout['offsetof_sockaddr_vm_svm_flags']
  }

  encode(value: unknown): Uint8Array {
    const given = fieldsOf(value)
    const cid = given?.['cid']
    const port = given?.['port']
    if (given === null || cid === undefined || port === undefined) throw this.wrongShape(value)
    const flags = checkU8('flags', given['flags'] ?? 0)
    const { size, offset } = this.struct
    const bytes = this.context.head.create(size, this.family)
    put32(bytes, offset.svm_cid, checkU32('cid', cid))
    put32(bytes, offset.svm_port, checkU32('port', port))
    if (this.flags !== undefined) bytes[this.flags] = flags
    else if (flags !== 0)
      throw invalidAddress(value, `${osName(this.context.platform.os)} has no vsock flags`)
    return bytes
  }

  decode(bytes: Uint8Array, length: number): VsockAddress | null {
    const { size } = this.struct
    return length < size ? null : new VsockAddress(this, copyOf(bytes, size))
  }
}
