import { types } from 'node:util'
import { invalidAddress, invalidType, outOfRange } from '../errors/argument'
import { BaseAddress, FamilyCodec, fieldsOf, osName, owner, raw } from './base'
import type { Context } from './base'
import { copyOf, copyOfView } from './sockaddr'
import { structOf } from '../struct'
import type { Struct } from '../struct'

/** The field of an AF_UNIX address. */
export interface UnixLike {
  /** A pathname. On Linux also `'\0name'` for an abstract name, and `''` to let the kernel choose one. */
  path: string | Uint8Array
}

/** An AF_UNIX address in the file system. */
export class UnixAddress extends BaseAddress<UnixCodec> {
  /** @internal See BaseAddress. */
  constructor(codec: UnixCodec, bytes: Uint8Array) {
    super(codec, bytes)
  }

  get kind(): 'unix' {
    return 'unix'
  }

  /** The pathname. Bytes that are not UTF-8 appear as U+FFFD; `pathBytes` is exact. */
  get path(): string {
    return this.pathBytes.toString()
  }

  /** Only an abstract address has it. */
  declare readonly name?: undefined

  /** The exact bytes of the pathname, without the NUL at the end. */
  get pathBytes(): Buffer {
    return Buffer.from(this.identity())
  }

  override toString(): string {
    return this.path
  }

  override toJSON() {
    return { kind: this.kind, path: this.path }
  }

  // The length may or may not include the NUL, and bytes after it are meaningless.
  protected override identity(): Uint8Array {
    const path = this[raw].subarray(this[owner].struct.offset.sun_path)
    const end = path.indexOf(0)
    return end < 0 ? path : path.subarray(0, end)
  }
}

/** An AF_UNIX address in the abstract namespace. Linux only. */
export class AbstractAddress extends BaseAddress<UnixCodec> {
  /** @internal See BaseAddress. */
  constructor(codec: UnixCodec, bytes: Uint8Array) {
    super(codec, bytes)
  }

  get kind(): 'abstract' {
    return 'abstract'
  }

  /** The exact name, without the leading NUL. It may contain NULs. */
  get name(): Buffer {
    return Buffer.from(this[raw].subarray(this[owner].struct.offset.sun_path + 1))
  }

  /** The name as `'\0name'`, which bind and connect accept. Exact if the name is UTF-8. */
  get path(): string {
    return `\0${this.name.toString()}`
  }

  /** The exact bytes of the name, with the leading NUL. bind and connect accept it. */
  get pathBytes(): Buffer {
    return Buffer.from(this[raw].subarray(this[owner].struct.offset.sun_path))
  }

  /** Returns `@name`, for display only: bind and connect would treat it as a pathname. */
  override toString(): string {
    const name = this.name.toString()
    return `@${name.replace(/\p{Cc}/gu, c => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)}`
  }

  override toJSON() {
    return { kind: this.kind, path: this.path }
  }
}

/** The AF_UNIX address of a socket that is not bound. */
export class UnnamedAddress extends BaseAddress<UnixCodec> {
  /** @internal See BaseAddress. */
  constructor(codec: UnixCodec, bytes: Uint8Array) {
    super(codec, bytes)
  }

  get kind(): 'unnamed' {
    return 'unnamed'
  }

  get path(): '' {
    return ''
  }

  /** Only an abstract address has it. */
  declare readonly name?: undefined
  /** Only an address with a path or a name has it. */
  declare readonly pathBytes?: undefined

  override toString(): string {
    return '(unnamed)'
  }

  override toJSON() {
    return { kind: this.kind, path: this.path }
  }

  // macOS reports a path of zeros, of varying length.
  protected override identity(): Uint8Array {
    return this[raw].subarray(0, 0)
  }
}

/** Encodes and decodes AF_UNIX addresses. */
export class UnixCodec extends FamilyCodec {
  readonly name = 'AF_UNIX'
  readonly shapes = 'a path as string or Uint8Array, { path }'
  /** True if the platform has abstract names and can choose one. The layout tables do not tell this. */
  readonly #abstract: boolean
  #unnamed: UnnamedAddress | null = null

  static create(context: Context): UnixCodec | null {
    const family = context.platform.constants['AF_UNIX']
    const struct = structOf(context.platform, 'sockaddr_un', ['sun_path'])
    // uncovered: only on a system without this family
    return family === undefined || struct === null ? null : new UnixCodec(context, family, struct)
  }

  private constructor(
    context: Context,
    family: number,
    readonly struct: Struct<'sun_path'>,
  ) {
    super(context, family)
    this.#abstract = context.platform.os === 'linux'
  }

  encode(value: unknown): Uint8Array {
    const path = this.#path(value)
    const room = this.struct.width.sun_path
    const start = this.struct.offset.sun_path
    const name = path[0] === 0
    if (!this.#abstract && (name || path.length === 0)) {
      const what = name ? 'no abstract namespace' : 'no unnamed bind: give a path'
      throw invalidAddress(path.toString(), `${osName(this.context.platform.os)} has ${what}`)
    }
    if (path.length === 0) return this.context.head.create(start, this.family)
    if (name) {
      if (path.length > room)
        throw outOfRange('path', `at most ${room} bytes with the NUL in front`, path.length)
    } else {
      if (path.includes(0)) throw invalidAddress(path.toString(), 'a pathname cannot contain a NUL')
      if (path.length >= room) throw outOfRange('path', `at most ${room - 1} bytes`, path.length)
    }
    // The length of a pathname includes the NUL at the end; an abstract name has none.
    const bytes = this.context.head.create(start + path.length + (name ? 0 : 1), this.family)
    bytes.set(path, start)
    return bytes
  }

  decode(bytes: Uint8Array, length: number): BaseAddress<UnixCodec> {
    const start = this.struct.offset.sun_path
    // Most clients of a server are not bound: they share one object.
    if (length === start && this.#unnamed !== null && startsWith(bytes, this.#unnamed[raw]))
      return this.#unnamed
    const copy = copyOf(bytes, length)
    if (length === start) return (this.#unnamed = new UnnamedAddress(this, copy))
    if (length < start) return new UnnamedAddress(this, copy)
    if (bytes[start] !== 0) return new UnixAddress(this, copy)
    return this.#abstract ? new AbstractAddress(this, copy) : new UnnamedAddress(this, copy)
  }

  /** Removes a NUL: Linux adds one to a path that fills sun_path, but does not accept it. */
  override reuse(bytes: Uint8Array): Uint8Array {
    const { size } = this.struct
    return bytes.length === size + 1 && bytes[size] === 0 ? bytes.subarray(0, size) : bytes
  }

  /** Returns a copy of the path as bytes, so that the caller cannot change it between the checks and the call. */
  #path(value: unknown): Buffer {
    let path = value
    if (typeof value !== 'string' && !types.isUint8Array(value)) {
      path = fieldsOf(value)?.['path']
      if (path === undefined) throw this.wrongShape(value)
    }
    if (types.isUint8Array(path)) {
      const copy = copyOfView(path) // empty for detached memory, for which Buffer.from would throw
      return Buffer.from(copy.buffer, copy.byteOffset, copy.length)
    }
    if (typeof path !== 'string')
      throw invalidType('path', 'of type string or an instance of Uint8Array', path)
    // A lone surrogate would become U+FFFD, which names another file.
    if (/\p{Cs}/u.test(path)) throw invalidAddress(path, 'it contains a lone surrogate')
    return Buffer.from(path)
  }
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return start.every((byte, i) => bytes[i] === byte)
}
