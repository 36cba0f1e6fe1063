import { append } from '../runtime/list'

/** The kinds of fields in a reply: ReplyTag of native/reply.h. */
export const ENTRY = 0
export const NAME = 1
export const ALIAS = 2
export const ADDRESS = 3
export const NETMASK = 4
export const OTHER = 5
export const SERVICE = 6
export type Tag = 0 | 1 | 2 | 3 | 4 | 5 | 6

/** One result: its integers and its fields. */
export class Entry {
  readonly #fields: { tag: Tag; data: Buffer }[] = []

  constructor(readonly integers: readonly [number, number, number]) {}

  add(tag: Tag, data: Buffer): void {
    append(this.#fields, { tag, data })
  }

  /** Returns the bytes of the first field of this kind, or null. */
  bytes(tag: Tag): Buffer | null {
    return this.#fields.find(field => field.tag === tag)?.data ?? null
  }

  /** Returns the text of the first field of this kind, or `''`. */
  text(tag: Tag): string {
    return this.bytes(tag)?.toString() ?? ''
  }

  /** Returns the bytes of all fields of this kind. */
  all(tag: Tag): Buffer[] {
    return this.#fields.filter(field => field.tag === tag).map(field => field.data)
  }
}

/** A reply of native/reply.cc. */
export interface Reply {
  /** 0, or the error code of the function. */
  status: number
  /** A positive errno, if the status says that the system failed; otherwise 0. */
  error: number
  entries: Entry[]
}

const HEAD = 8

/** Reads a reply. Its integers are in host byte order. */
export function readReply(bytes: Buffer): Reply {
  const integers = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2)
  const entries: Entry[] = []
  for (let at = HEAD; at < bytes.length;) {
    const tag = integers[at >> 2]! as Tag
    const size = integers[(at >> 2) + 1]!
    const data = bytes.subarray(at + HEAD, at + HEAD + size)
    at += HEAD + ((size + 3) & ~3)
    if (tag === ENTRY) {
      const [a, b, c] = new Int32Array(data.buffer, data.byteOffset, 3)
      append(entries, new Entry([a!, b!, c!]))
    } else {
      if (entries.length === 0) append(entries, new Entry([0, 0, 0]))
      entries[entries.length - 1]!.add(tag, data)
    }
  }
  return { status: integers[0]!, error: integers[1]!, entries }
}
