import type { Platform } from '../platform'
import { entry, get16, octetsOf, put16 } from '../struct'

/**
 * The start of every sockaddr: on Linux a 16-bit family, on Darwin an 8-bit length and an 8-bit family. The offset of
 * the family tells which form a platform uses.
 */
export class Head {
  /** The number of bytes before the data of the family. */
  readonly size: number
  readonly maxFamily: number
  readonly #offset: number
  readonly #wide: boolean

  constructor(platform: Platform) {
    this.#offset = entry(platform, 'offsetof_sockaddr_in_sin_family')
    const width = entry(platform, 'sizeof_sockaddr_in_sin_family')
    this.size = this.#offset + width
    this.maxFamily = 2 ** (8 * width) - 1
    this.#wide = width === 2
  }

  /** Returns `length` zero bytes with the family, and with the length byte if the platform has one. */
  create(length: number, family: number): Uint8Array {
    const bytes = new Uint8Array(length)
    if (this.#wide) put16(bytes, this.#offset, family)
    else bytes[this.#offset] = family
    if (this.#offset > 0) bytes[0] = length
    return bytes
  }

  /** Returns the family of the address in the first `length` bytes, or 0 if they are too short. */
  family(bytes: Uint8Array, length: number): number {
    if (length < this.size) return 0
    return this.#wide ? get16(bytes, this.#offset) : bytes[this.#offset]!
  }
}

const POOL = 8192
let pool = new ArrayBuffer(POOL)
let used = 0

// Short addresses share an ArrayBuffer. A separate one would use more memory than the address.
function room(length: number): Uint8Array {
  if (length > POOL >> 3) return new Uint8Array(length)
  if (length > POOL - used) {
    pool = new ArrayBuffer(POOL)
    used = 0
  }
  used += length
  return new Uint8Array(pool, used - length, length)
}

/** Copies bytes. The `buffer` of the copy is shared with other addresses, so do not return the copy to the caller. */
export function copyOf(bytes: Uint8Array, length: number): Uint8Array {
  const copy = room(length)
  // Measured: for an address's few bytes a loop takes half the time of set() with a subarray.
  if (length <= 32) for (let i = 0; i < length; i++) copy[i] = bytes[i]!
  else copy.set(bytes.subarray(0, length))
  return copy
}

/** Copies the bytes of a view, as copyOf does. */
export function copyOfView(view: ArrayBufferView): Uint8Array {
  const octets = octetsOf(view)
  return copyOf(octets, octets.length)
}
