import type { Address } from '../address'
import { native } from '../binding/binding'
import { ADDRESS_SIZE } from '../binding/shared'
import { addressAt } from '../host'
import { bufferOf } from '../struct'
import type { Channel } from './channel'
import { Reactor } from './reactor'

/** The reactor of this environment (main thread or worker). */
export const reactor = new Reactor(native)

/** Returns the address that a call or an event of this socket left in shared memory, or null if there is none. */
export function readAddress({ network }: Channel, place: number, length: number): Address | null {
  const size = length > ADDRESS_SIZE ? ADDRESS_SIZE : length
  return addressAt(reactor.memory.addresses, place * ADDRESS_SIZE, size, network.addresses)
}

const addressBytes = bufferOf(reactor.memory.addresses)
let lastPeer = ''

/**
 * Returns the bytes of the address that readAddress would return, as a string of one character for each byte. It costs
 * less time and memory than an Address, for a program that may never ask for it. Equal addresses in a row share a string.
 */
export function packAddress(place: number, length: number): string {
  const size = length > ADDRESS_SIZE ? ADDRESS_SIZE : length
  const start = place * ADDRESS_SIZE
  if (!isLastPeer(start, size)) lastPeer = addressBytes.toString('latin1', start, start + size)
  return lastPeer
}

function isLastPeer(start: number, size: number): boolean {
  if (lastPeer.length !== size) return false
  for (let i = 0; i < size; i++) if (lastPeer.charCodeAt(i) !== addressBytes[start + i]) return false
  return true
}

/** Returns the address of packAddress for a socket, or null if it is empty. */
export function unpackAddress({ network }: Channel, packed: string): Address | null {
  return network.addresses.decode(Buffer.from(packed, 'latin1'))
}
