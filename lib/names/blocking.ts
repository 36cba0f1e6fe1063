import type { AddressLike } from '../address'
import { checkSyncOp, ownOp } from '../validators'
import { firstIPv4, fqdn } from './compose'
import {
  addressInfo,
  hostByAddress,
  hostByName,
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
import { runNow } from './run'

export { getifaddrs, gethostname, sethostname, type InterfaceAddress } from './local'
export type { AddressHints, AddressInfo, HostEntry, NameInfo } from './lookup'

/*
 * The lookups of index.ts, where they are explained, on the calling thread. C has no way to limit their time,
 * so they take no timeout.
 */

/** getaddrinfo(3): what to give to `new Socket` and then `connect` or `bind`, best first. */
export function getaddrinfo(
  host: string | null,
  service: string | number | null = null,
  hints?: Omit<AddressHints, 'timeout' | 'signal'> | number,
): AddressInfo[] {
  const own = ownOp(hints)
  const { flags } = checkSyncOp(own, null, HINTS_FIELDS)
  return runNow(addressInfo(host, service, own, flags))
}

/** getnameinfo(3): the names of an address and its port. `op.flags` are `NI_*`. */
export function getnameinfo(address: AddressLike, op?: { flags?: number } | number): NameInfo {
  return runNow(nameInfo(address, checkSyncOp(op, null).flags))
}

/** gethostbyname(3): the first IPv4 address of a host. */
export function gethostbyname(name: string): string {
  return plainIPv4(name) ?? firstIPv4(runNow(hostByName(name)))
}

/** gethostbyname(3): the official name, the aliases and all IPv4 addresses. */
export function gethostbynameEx(name: string): HostEntry {
  return runNow(hostByName(name))
}

/** gethostbyaddr(3): the names of an IPv4 or IPv6 address. */
export function gethostbyaddr(address: string): HostEntry {
  return runNow(hostByAddress(address))
}

/** The fully qualified name of a host, this one by default. */
export function getfqdn(name = ''): string {
  const steps = fqdn(name)
  let step = steps.next()
  while (step.done !== true) {
    let answer: unknown
    try {
      answer = runNow(step.value)
    } catch (error) {
      step = steps.throw(error)
      continue
    }
    step = steps.next(answer)
  }
  return step.value
}

/** getservbyname(3): the port of a service. */
export function getservbyname(name: string, protocol?: string | null): number {
  return runNow(serviceByName(name, protocol))
}

/** getservbyport(3): the service on a port. */
export function getservbyport(port: number, protocol?: string | null): string {
  return runNow(serviceByPort(port, protocol))
}

/** getprotobyname(3): the number of a protocol. */
export function getprotobyname(name: string): number {
  return runNow(protocolByName(name))
}

/** getprotobynumber(3): the name of a protocol. */
export function getprotobynumber(number: number): string {
  return runNow(protocolByNumber(number))
}
