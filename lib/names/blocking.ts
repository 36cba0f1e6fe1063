import type { AddressLike } from '../address'
import { checkSyncOp, ownOp } from '../validators'
import { firstAddress, firstIPv4, hostToName, isLookupFailure, namesOf, qualifiedName } from './compose'
import {
  addressInfo,
  hostByAddress,
  hostByName,
  isNumeric,
  nameInfo,
  plainIPv4,
  protocolByName,
  protocolByNumber,
  serviceByName,
  serviceByPort,
  type AddressHints,
  type AddressInfo,
  type HostEntry,
  type NameInfo,
  HINTS_FIELDS,
} from './lookup'
import { driveNow, runNow } from './run'

export { getifaddrs, gethostname, sethostname, type InterfaceAddress } from './local'
export type { AddressHints, AddressInfo, HostEntry, NameInfo } from './lookup'

/*
 * The lookups of index.ts, on the calling thread. See index.ts for details. They take no timeout, because C has no way
 * to limit their time.
 */

/** Looks up the addresses of a host and a service, best first. Blocks. getaddrinfo(3) */
export function getaddrinfo(
  host: string | null,
  service: string | number | null = null,
  hints?: Omit<AddressHints, 'timeout' | 'signal'> | number,
): AddressInfo[] {
  const own = ownOp(hints)
  const { flags } = checkSyncOp(own, null, HINTS_FIELDS)
  return runNow(addressInfo(host, service, own, flags))
}

/** Looks up the host name and the service name of an address. `op.flags` are `NI_*`. Blocks. getnameinfo(3) */
export function getnameinfo(address: AddressLike, op?: { flags?: number } | number): NameInfo {
  return runNow(nameInfo(address, checkSyncOp(op, null).flags))
}

/** Looks up the first IPv4 address of a host. Blocks. gethostbyname(3) */
export function gethostbyname(name: string): string {
  return plainIPv4(name) ?? firstIPv4(runNow(hostByName(name)))
}

/** Looks up the official name, the aliases and all IPv4 addresses of a host. Blocks. gethostbyname(3) */
export function gethostbynameEx(name: string): HostEntry {
  return runNow(hostByName(name))
}

/** Looks up the names of an IPv4 or IPv6 address, or of the first address of a host name. Blocks. gethostbyaddr(3) */
export function gethostbyaddr(address: string): HostEntry {
  return driveNow(namesOf(address))
}

/** Returns the fully qualified domain name of a host; by default, of this host. Blocks. */
export function getfqdn(name = ''): string {
  const host = hostToName(name)
  try {
    const address = isNumeric(host) ? host : firstAddress(runNow(addressInfo(host, null, undefined)))
    return address === null ? host : qualifiedName(runNow(hostByAddress(address)))
  } catch (error) {
    if (isLookupFailure(error)) return host
    throw error
  }
}

/** Looks up the port of a service. Blocks. getservbyname(3) */
export function getservbyname(name: string, protocol?: string | null): number {
  return runNow(serviceByName(name, protocol))
}

/** Looks up the name of the service on a port. Blocks. getservbyport(3) */
export function getservbyport(port: number, protocol?: string | null): string {
  return runNow(serviceByPort(port, protocol))
}

/** Looks up the number of a protocol. Blocks. getprotobyname(3) */
export function getprotobyname(name: string): number {
  return runNow(protocolByName(name))
}

/** Looks up the name of a protocol. Blocks. getprotobynumber(3) */
export function getprotobynumber(number: number): string {
  return runNow(protocolByNumber(number))
}
