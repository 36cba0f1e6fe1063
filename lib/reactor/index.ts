import type { Address } from '../address'
import { native } from '../binding/binding'
import { ADDRESS_SIZE } from '../binding/shared'
import { AF_INET } from '../constants'
import { addressAt, addresses } from '../host'
import { bufferOf, get16be, get32be, put16be, put32be } from '../struct'
import type { Channel } from './channel'
import { Reactor } from './reactor'

/** The reactor of this environment (main thread or worker). */
export const reactor = new Reactor(native)

/** Returns the address that a call or an event of this socket left in shared memory, or null if there is none. */
export function readAddress({ network }: Channel, place: number, length: number): Address | null {
  const size = length > ADDRESS_SIZE ? ADDRESS_SIZE : length
  return addressAt(reactor.memory.addresses, place * ADDRESS_SIZE, size, network.addresses)
}

/**
 * An address in a form that costs less time and memory than an Address, for a program that may never ask for it. Port and
 * host of IPv4 are one number of 48 bits. Any other address is a string of one character for each byte.
 */
export type PackedAddress = number | string

const memory = reactor.memory.addresses
const memoryBuffer = bufferOf(memory)
/** A sockaddr_in whose port and host are 0. They follow the two bytes of its head; the bytes after them are always 0. */
const inet = addresses.encode({ port: 0 }, AF_INET)
const PORT = 2
const HOST = 4
let lastPeer = ''

/** Returns the address that readAddress would return, packed. Equal addresses in a row share a string. */
export function packAddress(place: number, length: number): PackedAddress {
  const size = length > ADDRESS_SIZE ? ADDRESS_SIZE : length
  const start = place * ADDRESS_SIZE
  if (size === inet.length && memory[start] === inet[0] && memory[start + 1] === inet[1])
    return get16be(memory, start + PORT) * 2 ** 32 + get32be(memory, start + HOST)
  if (!isLastPeer(start, size)) lastPeer = memoryBuffer.toString('latin1', start, start + size)
  return lastPeer
}

function isLastPeer(start: number, size: number): boolean {
  if (lastPeer.length !== size) return false
  for (let i = 0; i < size; i++) if (lastPeer.charCodeAt(i) !== memory[start + i]) return false
  return true
}

/** Returns the address of packAddress for a socket, or null if it is empty. */
export function unpackAddress({ network }: Channel, packed: PackedAddress): Address | null {
  if (typeof packed === 'string') return network.addresses.decode(Buffer.from(packed, 'latin1'))
  const bytes = new Uint8Array(inet)
  put16be(bytes, PORT, packed / 2 ** 32)
  put32be(bytes, HOST, packed)
  return network.addresses.decode(bytes)
}
