import { types } from 'node:util'
import { checkInteger, invalidType, outOfRange } from '../errors/argument'
import { BaseAddress, FamilyCodec, osName, owner, raw } from './base'
import type { Context } from './base'
import { copyOf, copyOfView } from './sockaddr'

/** An address as bytes, for families that this package does not decode. */
export interface RawLike {
  /** The family of the address, `AF_*`. It may differ from the socket's: `AF_UNSPEC` disconnects a UDP socket. */
  family: number
  /** The bytes after the family in the sockaddr. */
  data: Uint8Array
}

/** An address of a family that this package does not decode, or one that is too short for its family. */
export class UnknownAddress extends BaseAddress<UnknownCodec> {
  /** @internal See BaseAddress. */
  constructor(codec: UnknownCodec, bytes: Uint8Array) {
    super(codec, bytes)
  }

  get kind(): 'unknown' {
    return 'unknown'
  }

  override get family(): number {
    return this[owner].context.head.family(this[raw], this[raw].length)
  }

  /** A copy of the bytes after the family. */
  get data(): Buffer {
    return Buffer.from(this[raw].subarray(this[owner].context.head.size))
  }

  /** Returns `unknown:<family>:<data in hexadecimal>`. */
  override toString(): string {
    return `unknown:${this.family}:${this.data.toString('hex')}`
  }

  /** Returns the fields. `data` is hexadecimal text. */
  override toJSON() {
    return { kind: this.kind, family: this.family, data: this.data.toString('hex') }
  }
}

/** Encodes and decodes addresses of any family as bytes. */
export class UnknownCodec extends FamilyCodec {
  readonly name = 'AF_UNSPEC'
  readonly shapes = ''
  readonly #longest: number

  constructor(context: Context) {
    super(context, 0)
    // No system call accepts more than a sockaddr_storage.
    // uncovered: only on a system without this constant
    this.#longest = (context.platform.layout['sizeof_sockaddr_storage'] ?? 128) - context.head.size
  }

  /** Always throws: a family without a codec accepts only `{ family, data }` or an `Address`. */
  encode(value: unknown): never {
    const os = osName(this.context.platform.os)
    throw invalidType(
      'address',
      `{ family, data } or an Address, since ${os} has no other form for this family`,
      value,
    )
  }

  encodeRaw(family: unknown, data: unknown): Uint8Array {
    const { head } = this.context
    const number = checkInteger('family', family, 0, head.maxFamily)
    if (!types.isUint8Array(data)) throw invalidType('data', 'Uint8Array', data)
    const copy = copyOfView(data)
    if (copy.length > this.#longest) throw outOfRange('data', `at most ${this.#longest} bytes`, copy.length)
    const bytes = head.create(head.size + copy.length, number)
    bytes.set(copy, head.size)
    return bytes
  }

  decode(bytes: Uint8Array, length: number): UnknownAddress {
    return new UnknownAddress(this, copyOf(bytes, length))
  }
}
