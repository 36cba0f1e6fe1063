import { invalidAddress, invalidType, outOfRange } from '../errors/argument'
import { BaseAddress, FamilyCodec, checkU32, fieldsOf, owner, raw } from './base'
import type { Context } from './base'
import { copyOf } from './sockaddr'
import { get32, put32, structOf } from '../struct'
import type { Struct } from '../struct'

const fields = ['salg_type', 'salg_feat', 'salg_mask', 'salg_name'] as const
type Field = (typeof fields)[number]

/** The fields of an AF_ALG address: an algorithm of the kernel's crypto interface. Linux only. */
export interface AlgLike {
  /** The kind of algorithm: `'hash'`, `'skcipher'`, `'aead'`, `'rng'`; at most 13 bytes. */
  type: string
  /** The name of the algorithm: `'sha256'`, `'cbc(aes)'`, …; at most 63 bytes. */
  name: string
  feature?: number | undefined
  mask?: number | undefined
}

/** An AF_ALG address (sockaddr_alg): an algorithm of the kernel's crypto interface. Linux only. */
export class AlgAddress extends BaseAddress<AlgCodec> {
  /** @internal See BaseAddress. */
  constructor(codec: AlgCodec, bytes: Uint8Array) {
    super(codec, bytes)
  }

  get kind(): 'alg' {
    return 'alg'
  }

  get type(): string {
    return this.#text('salg_type')
  }

  get name(): string {
    return this.#text('salg_name')
  }

  get feature(): number {
    return get32(this[raw], this[owner].struct.offset.salg_feat)
  }

  get mask(): number {
    return get32(this[raw], this[owner].struct.offset.salg_mask)
  }

  /** Returns `alg:<type>:<name>`. */
  override toString(): string {
    return `alg:${this.type}:${this.name}`
  }

  override toJSON() {
    return { kind: this.kind, type: this.type, name: this.name, feature: this.feature, mask: this.mask }
  }

  #text(field: 'salg_type' | 'salg_name'): string {
    const { offset, width } = this[owner].struct
    const bytes = this[raw].subarray(offset[field], offset[field] + width[field])
    const end = bytes.indexOf(0)
    return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString()
  }
}

/** Encodes and decodes AF_ALG addresses. */
export class AlgCodec extends FamilyCodec {
  readonly name = 'AF_ALG'
  readonly shapes = '{ type, name, feature?, mask? }'

  static create(context: Context): AlgCodec | null {
    const family = context.platform.constants['AF_ALG']
    const struct = structOf(context.platform, 'sockaddr_alg', fields)
    return family === undefined || struct === null ? null : new AlgCodec(context, family, struct)
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
    if (given === null) throw this.wrongShape(value)
    const { type, name, feature = 0, mask = 0 } = given
    if (type === undefined || name === undefined) throw this.wrongShape(value)
    const { size, offset, width } = this.struct
    const bytes = this.context.head.create(size, this.family)
    bytes.set(readName('type', type, width.salg_type), offset.salg_type)
    bytes.set(readName('name', name, width.salg_name), offset.salg_name)
    put32(bytes, offset.salg_feat, checkU32('feature', feature))
    put32(bytes, offset.salg_mask, checkU32('mask', mask))
    return bytes
  }

  decode(bytes: Uint8Array, length: number): AlgAddress | null {
    const { size } = this.struct
    return length < size ? null : new AlgAddress(this, copyOf(bytes, size))
  }
}

/** Checks a text, which must leave room for a NUL at its end. */
function readName(argument: string, value: unknown, room: number): Buffer {
  if (typeof value !== 'string') throw invalidType(argument, 'string', value)
  const bytes = Buffer.from(value)
  if (bytes.includes(0)) throw invalidAddress(value, `the ${argument} of an algorithm cannot contain a NUL`)
  if (bytes.length >= room) throw outOfRange(argument, `at most ${room - 1} bytes`, bytes.length)
  return bytes
}
