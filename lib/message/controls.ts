import type { Address } from '../address'
import { AF_INET6 } from '../constants'
import { get32, octetsOf, put32 } from '../struct'
import { device, type FamilyControl } from '../control/build'
import type { Control } from '../control/walk'
import { invalidAddress, invalidType } from '../errors'
import { noInterface } from '../errors/argument'
import { addresses } from '../host'
import { home, type Network } from '../reactor/network'
import { checkBytes, checkInt } from '../validators'

/**
 * Checks the caller's control messages and copies their data, in the form for IPv6 or for IPv4. Names of interfaces are
 * looked up in the network namespace of the socket.
 */
export function checkControls(
  name: string,
  given: readonly unknown[],
  six: boolean,
  network: Network,
): Control[] {
  return given.map((each, i) => controlFor(`${name}[${i}]`, each, six, network))
}

function controlFor(name: string, value: unknown, six: boolean, network: Network): Control {
  if (typeof value !== 'object' || value === null) throw invalidType(name, 'object', value)
  const { inet6 } = value as FamilyControl
  if (six && inet6 !== undefined) return controlFor(`${name}.inet6`, inet6, false, network)
  const { level, type, data } = value as Control
  const checked = {
    level: checkInt(`${name}.level`, level),
    type: checkInt(`${name}.type`, type),
    data: Buffer.from(octetsOf(checkBytes(`${name}.data`, data))),
  }
  const named = (value as FamilyControl)[device]
  if (named !== undefined) putInterface(checked.data, named, network)
  return checked
}

/** Puts the index of a named interface into the data. The builder has done so already for this process's namespace. */
function putInterface(data: Buffer, { name, at }: { name: string; at: number }, network: Network): void {
  if (network === home && get32(data, at) !== 0) return
  const index = network.interfaces.indexOf(name)
  if (index === 0) throw invalidAddress(name, noInterface(name))
  put32(data, at, index)
}

/** Copies the caller's control messages, with both forms, so that they can be checked and encoded later. */
export function copyControls(name: string, given: readonly unknown[]): FamilyControl[] {
  return given.map((value, i) => {
    const [four] = checkControls(`${name}[${i}]`, [value], false, anyNetwork)
    const { inet6, [device]: named } = value as FamilyControl
    const six = inet6 === undefined ? {} : { inet6: copyControls(`${name}[${i}].inet6`, [inet6])[0]! }
    return { ...four!, ...six, ...(named === undefined ? {} : { [device]: named }) }
  })
}

/** Stands in for the namespace of a socket that is not known yet: every name is accepted. */
export const anyNetwork: Network = { ...home, interfaces: { indexOf: () => 1, nameOf: () => null } }

/** True if at least one control message differs between IPv4 and IPv6, or has the name of an interface. */
export function haveForms(given: readonly unknown[]): boolean {
  return given.some(each => {
    const control = each as FamilyControl | null
    return control?.inet6 !== undefined || control?.[device] !== undefined
  })
}

/** The properties of a socket that decide whether it sends IPv4 or IPv6. */
export interface Sender {
  readonly channel: { readonly network: Network }
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
