import { AddressCodec, type Address } from '../address'
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

/** The address that a call or an event left in the shared memory; null where there is none. */
export function readAddress(place: number, length: number): Address | null {
  const at = place * ADDRESS_SIZE
  const size = length > ADDRESS_SIZE ? ADDRESS_SIZE : length
  return addresses.decode(reactor.memory.addresses.subarray(at, at + size), size)
}
