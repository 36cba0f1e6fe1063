import { invalidType, SocketError } from '../errors'
import { gethostname } from './local'
import { addressInfo, hostByAddress, isNumeric, type AddressInfo, type HostEntry } from './lookup'
import type { Steps } from './run'

/** Returns the address that gethostbyname returns: the first one. */
export function firstIPv4(host: HostEntry): string {
  return host.addresses[0]!
}

/** Yields the lookups of gethostbyaddr: for a host name, first its address. */
export function* namesOf(address: string): Steps<HostEntry> {
  if (typeof address !== 'string') throw invalidType('address', 'string', address)
  let numeric = address
  if (!isNumeric(address)) {
    const [first] = (yield addressInfo(address, null, undefined)) as AddressInfo[]
    numeric = (first?.address as { address?: string } | undefined)?.address ?? address
  }
  return (yield hostByAddress(numeric)) as HostEntry
}

/** Returns the host that getfqdn looks up: this host for an empty name and for the unspecified addresses. */
export function hostToName(name: string): string {
  if (typeof name !== 'string') throw invalidType('name', 'string', name)
  const trimmed = name.trim()
  return ['', '0.0.0.0', '::'].includes(trimmed) ? gethostname() : trimmed
}

/** Returns the first address of a host; `null` if it is not an address of IP. */
export function firstAddress([first]: readonly AddressInfo[]): string | null {
  return first?.address.kind === 'inet' || first?.address.kind === 'inet6' ? first.address.address : null
}

/** Returns the first name of a host that has a dot, or else its official name. */
export function qualifiedName({ name, aliases }: HostEntry): string {
  return [name, ...aliases].find(each => each.includes('.')) ?? name
}

/** True if a lookup has failed. False for a timeout, an abort and an invalid argument. */
export function isLookupFailure(error: unknown): boolean {
  return error instanceof SocketError && error.name === 'SocketError'
}
