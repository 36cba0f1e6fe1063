import type { AddressLike } from '../address'
import { checkOp, ownOp, type Op } from '../validators'
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
  type Lookup,
  type NameInfo,
  HINTS_FIELDS,
} from './lookup'
import { driveLater, runLater } from './run'

export { getifaddrs, gethostname, sethostname, type InterfaceAddress } from './local'
export type { AddressHints, AddressInfo, HostEntry, NameInfo } from './lookup'

/*
 * Lookups that return promises. Each may wait for a name server: nsswitch.conf(5) configures the sources of hosts,
 * services and protocols. So each lookup has its own thread, and at most 64 run at the same time: see Jobs.
 */

/**
 * Looks up the addresses of a host and a service, best first. getaddrinfo(3)
 *
 * `host` is a name, an address such as `'fe80::1%eth0'`, or `null` for this host: the loopback address, or with
 * `AI_PASSIVE` the wildcard address. `service` is a port, a name from /etc/services, or `null`. Pass `family`, `type`
 * and `protocol` of a result to `new Socket`, and `address` to `connect` or `bind`. Without `hints.type`, each
 * address is returned once for each socket type.
 *
 * Errors: `EAI_NONAME`, `EAI_AGAIN`, and so on; `EAI_SYSTEM` has the system's errno. A timeout or a signal ends the
 * wait, but the lookup still runs to its end on its thread. A NUL in a name, or a port over 65535, is an argument
 * error.
 */
export async function getaddrinfo(
  host: string | null,
  service: string | number | null = null,
  hints?: AddressHints | number,
): Promise<AddressInfo[]> {
  const own = ownOp(hints)
  const waiting = checkOp(own, null, HINTS_FIELDS)
  return runLater(addressInfo(host, service, own, waiting.flags), waiting)
}

/**
 * Looks up the host name and the service name of an address. getnameinfo(3)
 *
 * `flags` are `NI_*`. With `NI_NUMERICHOST` and `NI_NUMERICSERV` no server is asked. An address without a name is
 * returned as text; with `NI_NAMEREQD` it is the error `EAI_NONAME`.
 */
export async function getnameinfo(address: AddressLike, op?: Op | number): Promise<NameInfo> {
  const waiting = checkOp(op, null)
  return runLater(nameInfo(address, waiting.flags), waiting)
}

/**
 * Looks up the first IPv4 address of a host. gethostbyname(3)
 *
 * An IPv4 address is returned unchanged, `''` gives `'0.0.0.0'`, and `'<broadcast>'` gives `'255.255.255.255'`. Errors:
 * `HOST_NOT_FOUND`, `TRY_AGAIN`, `NO_RECOVERY`, `NO_DATA`.
 */
export async function gethostbyname(name: string, op?: Op): Promise<string> {
  const waiting = checkOp(op, null)
  return plainIPv4(name) ?? firstIPv4(await runLater(hostByName(name), waiting))
}

/** Looks up the official name, the aliases and all IPv4 addresses of a host. gethostbyname(3) */
export async function gethostbynameEx(name: string, op?: Op): Promise<HostEntry> {
  return run(hostByName(name), op)
}

/**
 * Looks up the names of an IPv4 or IPv6 address, or of the first address of a host name. The errors are those of
 * gethostbyname, and for a host name also those of getaddrinfo. gethostbyaddr(3)
 */
export async function gethostbyaddr(address: string, op?: Op): Promise<HostEntry> {
  return driveLater(namesOf(address), checkOp(op, null))
}

/**
 * Returns the fully qualified domain name of a host; by default, of this host. This is the first of its official name
 * and its aliases that has a dot. If none has a dot, returns the official name. If the lookup fails, returns
 * the name that was looked up.
 */
export async function getfqdn(name = '', op?: Op): Promise<string> {
  const waiting = checkOp(op, null)
  const host = hostToName(name)
  try {
    const address = isNumeric(host)
      ? host
      : firstAddress(await runLater(addressInfo(host, null, undefined), waiting))
    return address === null ? host : qualifiedName(await runLater(hostByAddress(address), waiting))
  } catch (error) {
    if (isLookupFailure(error)) return host
    throw error
  }
}

/**
 * Looks up the port of a service. `protocol` is `'tcp'` or `'udp'`; default: any. `ENOENT` if the service is unknown.
 * getservbyname(3)
 */
export async function getservbyname(name: string, protocol?: string | null, op?: Op): Promise<number> {
  return run(serviceByName(name, protocol), op)
}

/**
 * Looks up the name of the service on a port. `protocol` is `'tcp'` or `'udp'`; default: any. `ENOENT` if there is
 * none. getservbyport(3)
 */
export async function getservbyport(port: number, protocol?: string | null, op?: Op): Promise<string> {
  return run(serviceByPort(port, protocol), op)
}

/** Looks up the number of a protocol, `IPPROTO_*`. `ENOENT` if it is unknown. getprotobyname(3) */
export async function getprotobyname(name: string, op?: Op): Promise<number> {
  return run(protocolByName(name), op)
}

/** Looks up the name of a protocol. `ENOENT` if it is unknown. getprotobynumber(3) */
export async function getprotobynumber(number: number, op?: Op): Promise<string> {
  return run(protocolByNumber(number), op)
}

function run<T>(lookup: Lookup<T>, op: Op | number | undefined): Promise<T> {
  return runLater(lookup, checkOp(op, null))
}
