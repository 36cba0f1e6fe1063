import type { Address } from '../address'
import { native } from '../binding/binding'
import { ADDRESS_SIZE } from '../binding/shared'
import { addressAt } from '../host'
import type { Channel } from './channel'
import { Reactor } from './reactor'

/** The reactor of this environment (main thread or worker). */
export const reactor = new Reactor(native)

/** Returns the address that a call or an event of this socket left in shared memory, or null if there is none. */
export function readAddress({ network }: Channel, place: number, length: number): Address | null {
  const size = length > ADDRESS_SIZE ? ADDRESS_SIZE : length
  return addressAt(reactor.memory.addresses, place * ADDRESS_SIZE, size, network.addresses)
}
