import type { AddressLike } from '../address'
import { checkOp, ownOp, type Op } from '../validators'
import { fqdn, firstIPv4 } from './compose'
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
  type Lookup,
  type NameInfo,
  HINTS_FIELDS,
} from './lookup'
import { runLater } from './run'

export { getifaddrs, gethostname, sethostname, type InterfaceAddress } from './local'
export type { AddressHints, AddressInfo, HostEntry, NameInfo } from './lookup'

/*
 * Lookups as promises. Each may wait for a server (hosts by DNS, services and protocols by whatever nsswitch.conf(5)
 * names), so each runs on the thread pool, at most as many at once as half of its threads.
 */

/**
 * getaddrinfo(3): what to give to `new Socket` and then `connect` or `bind`, best first. `host` is a name,
 * an address (`'fe80::1%eth0'`) or `null` for this host: the loopback, or with AI_PASSIVE the wildcard. `service` is a
 * port, a name from /etc/services, or `null`. Without `type` each address comes once for each socket type.
 *
 * Errors: `'EAI_NONAME'`, `'EAI_AGAIN'`, …; `'EAI_SYSTEM'` has the system's errno. A timeout or a signal ends the wait,
 * not the lookup. A NUL and a port beyond 65535, where C cuts and wraps, are refused.
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
 * getnameinfo(3): the names of an address and its port. `flags` are `NI_*`: NI_NUMERICHOST and NI_NUMERICSERV ask
 * nobody, and with NI_NAMEREQD an address without a name is `'EAI_NONAME'` instead of its own text.
 */
export async function getnameinfo(address: AddressLike, op?: Op | number): Promise<NameInfo> {
  const waiting = checkOp(op, null)
  return runLater(nameInfo(address, waiting.flags), waiting)
}

/**
 * gethostbyname(3): the first IPv4 address of a host. An address is itself, `''` is `'0.0.0.0'` and
 * `'<broadcast>'` is `'255.255.255.255'`. `'HOST_NOT_FOUND'`, `'TRY_AGAIN'`, `'NO_RECOVERY'`, `'NO_DATA'`.
 */
export async function gethostbyname(name: string, op?: Op): Promise<string> {
  const waiting = checkOp(op, null)
  return plainIPv4(name) ?? firstIPv4(await runLater(hostByName(name), waiting))
}

/** gethostbyname(3): the official name, the aliases and all IPv4 addresses. */
export async function gethostbynameEx(name: string, op?: Op): Promise<HostEntry> {
  return run(hostByName(name), op)
}

/** gethostbyaddr(3): the names of an IPv4 or IPv6 address. Errors as those of gethostbyname. */
export async function gethostbyaddr(address: string, op?: Op): Promise<HostEntry> {
  return run(hostByAddress(address), op)
}

/**
 * The fully qualified name of a host, this one by default: the first among its official name and aliases that
 * has a dot, else its official name. A name that nobody knows is returned as it is.
 */
export async function getfqdn(name = '', op?: Op): Promise<string> {
  const waiting = checkOp(op, null)
  const steps = fqdn(name)
  let step = steps.next()
  while (step.done !== true) {
    let answer: unknown
    try {
      answer = await runLater(step.value, waiting)
    } catch (error) {
      step = steps.throw(error)
      continue
    }
    step = steps.next(answer)
  }
  return step.value
}

/** getservbyname(3): the port of a service, of `'tcp'` or `'udp'` or any. `ENOENT` where there is none. */
export async function getservbyname(name: string, protocol?: string | null, op?: Op): Promise<number> {
  return run(serviceByName(name, protocol), op)
}

/** getservbyport(3): the service on a port, of `'tcp'` or `'udp'` or any. `ENOENT` where there is none. */
export async function getservbyport(port: number, protocol?: string | null, op?: Op): Promise<string> {
  return run(serviceByPort(port, protocol), op)
}

/** getprotobyname(3): the number of a protocol, `IPPROTO_*`. `ENOENT` where there is none. */
export async function getprotobyname(name: string, op?: Op): Promise<number> {
  return run(protocolByName(name), op)
}

/** getprotobynumber(3): the name of a protocol. `ENOENT` where there is none. */
export async function getprotobynumber(number: number, op?: Op): Promise<string> {
  return run(protocolByNumber(number), op)
}

function run<T>(lookup: Lookup<T>, op: Op | number | undefined): Promise<T> {
  return runLater(lookup, checkOp(op, null))
}
