import type { Address } from '../address'
import { AF_INET6 } from '../constants'
import { octetsOf } from '../struct'
import type { FamilyControl } from '../control/build'
import type { Control } from '../control/walk'
import { invalidType } from '../errors'
import { addresses } from '../host'
import { checkBytes, checkInt } from '../validators'

/** Checks the caller's control messages and copies their data, in the form for IPv6 or for IPv4. */
export function checkControls(name: string, given: readonly unknown[], six: boolean): Control[] {
  return given.map((each, i) => controlFor(`${name}[${i}]`, each, six))
}

function controlFor(name: string, value: unknown, six: boolean): Control {
  if (typeof value !== 'object' || value === null) throw invalidType(name, 'object', value)
  const { inet6 } = value as FamilyControl
  if (six && inet6 !== undefined) return controlFor(`${name}.inet6`, inet6, false)
  const { level, type, data } = value as Control
  return {
    level: checkInt(`${name}.level`, level),
    type: checkInt(`${name}.type`, type),
    data: Buffer.from(octetsOf(checkBytes(`${name}.data`, data))),
  }
}

/** True if at least one control message differs between IPv4 and IPv6. */
export function haveForms(given: readonly unknown[]): boolean {
  return given.some(each => (each as FamilyControl | null)?.inet6 !== undefined)
}

/** The properties of a socket that decide whether it sends IPv4 or IPv6. */
export interface Sender {
  readonly family: number
  readonly localAddress: Address | null
  readonly remoteAddress: Address | null
}

/**
 * True if this socket sends IPv6 to the address `to`, or to its peer for null. A dual-stack AF_INET6 socket can send
 * both, and the kernel ignores control messages of the other version.
 */
export function sendsIPv6(socket: Sender, to: Uint8Array | null): boolean {
  if (socket.family !== AF_INET6) return false
  const end = to === null ? socket.remoteAddress : addresses.decode(to)
  // If the socket is bound to an IPv4-mapped address, Linux sends to :: over IPv4.
  return !isIPv4(end?.kind === 'inet6' && end.address === '::' ? socket.localAddress : end)
}

function isIPv4(address: Address | null): boolean {
  if (address?.kind !== 'inet6') return address?.kind === 'inet'
  return address.address.startsWith('::ffff:') && address.address.includes('.')
}
