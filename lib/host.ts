import { AddressCodec, type Address } from './address'
import { isIn } from './address/base'
import type { Platform } from './platform'
import { interfaces } from './binding/interface-lookup'
import { layout } from './binding/tables'
import { constants } from './constants/define'
import { os } from './errors/errno'

/** The platform of this process, for the codecs. */
export const platform: Platform = { os, constants, layout }

/** Encodes and decodes addresses of this system. */
export const addresses = new AddressCodec(platform, interfaces)

let lastSender: Address | null = null
let lastCodec = addresses

/**
 * Decodes the address in `length` bytes of `memory`, or returns null for length 0. If the bytes are the same as in
 * the last call, and of the same namespace, returns the same object: several messages of one sender are decoded once.
 */
export function addressAt(
  memory: Uint8Array,
  start: number,
  length: number,
  codec = addresses,
): Address | null {
  if (length === 0) return null
  if (lastSender !== null && lastCodec === codec && isIn(lastSender, memory, start, length)) return lastSender
  lastCodec = codec
  lastSender = codec.decode(memory.subarray(start, start + length), length)
  return lastSender
}
