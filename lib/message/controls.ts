import type { Address } from '../address'
import { octetsOf } from '../struct'
import type { FamilyControl } from '../control/build'
import type { Control } from '../control/walk'
import { invalidType } from '../errors'
import { addresses, platform } from '../host'
import { checkBytes, checkInt } from '../validators'

const AF_INET6 = platform.constants.AF_INET6!

/** Control messages as a caller gave them, in the form of IPv6 or of IPv4: checked, with data that nobody else changes. */
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

/** Whether a control message among them differs between IPv4 and IPv6. */
export function haveForms(given: readonly unknown[]): boolean {
  return given.some(each => (each as FamilyControl | null)?.inet6 !== undefined)
}

/** What decides the version of IP of what a socket sends. */
export interface Sender {
  readonly family: number
  readonly localAddress: Address | null
  readonly remoteAddress: Address | null
}

/**
 * Whether what this socket sends, to an address or to its peer (null), is an IPv6 packet. The kernel ignores the
 * control messages of the other version, and a dual-stack AF_INET6 socket sends both.
 */
export function sendsIPv6(socket: Sender, to: Uint8Array | null): boolean {
  if (socket.family !== AF_INET6) return false
  const end = to === null ? socket.remoteAddress : addresses.decode(to)
  // Linux sends to :: over IPv4 when the socket is bound to an IPv4-mapped address.
  return !isIPv4(end?.kind === 'inet6' && end.address === '::' ? socket.localAddress : end)
}

function isIPv4(address: Address | null): boolean {
  if (address?.kind !== 'inet6') return address?.kind === 'inet'
  return address.address.startsWith('::ffff:') && address.address.includes('.')
}
