import { AddressCodec, isIn, type Address } from '../address'
import type { Platform } from '../platform'
import { native as binding } from './binding'
import { os } from './errno'
import { interfaces } from './interfaces'
import { Reactor } from './reactor'
import { ADDRESS_SIZE } from './shared'

/** The system this process runs on, for the codecs. */
export const platform: Platform = { os, constants: binding.constants, layout: binding.layout }

/** Encodes and decodes addresses of this system. */
export const addresses = new AddressCodec(platform, interfaces)

/** The one reactor of this environment (main thread or worker). */
export const reactor = new Reactor(binding)

/** The addon. Its own constant, since a re-export is a getter to whoever calls through it. */
export const native = binding

let latest: Address | null = null

/**
 * The address in `length` bytes of `memory`; null where there is none. A sender that goes on sending is decoded
 * once, for addresses never change.
 */
export function addressAt(memory: Uint8Array, start: number, length: number): Address | null {
  if (length === 0) return null
  if (latest !== null && isIn(latest, memory, start, length)) return latest
  latest = addresses.decode(memory.subarray(start, start + length), length)
  return latest
}

/** The address that a call or an event left in the shared memory; null where there is none. */
export function readAddress(place: number, length: number): Address | null {
  const size = length > ADDRESS_SIZE ? ADDRESS_SIZE : length
  return addressAt(reactor.memory.addresses, place * ADDRESS_SIZE, size)
}
