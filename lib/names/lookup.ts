import { domainToASCII } from 'node:url'
import { ownAddress, type AddressLike, type AnyInetAddress } from '../address'
import { parseIPv4, parseIPv6 } from '../address/text'
import { inet_ntop, inet_pton } from './inet'
import { invalidAddress, invalidType, outOfRange, SocketError, systemError } from '../errors'
import { addresses } from '../host'
import { checkInt, fieldsOfOp, type Op } from '../validators'
import { checkInteger, checkText } from '../errors/argument'
import { memberOf } from '../runtime/fields'
import { AF_INET, AF_INET6, AF_UNIX, constants, nameOf } from '../constants'
import { ADDRESS, ALIAS, NAME, SERVICE, type Entry } from './reply'

/** The hints of getaddrinfo: which addresses it returns. */
export interface AddressHints extends Op {
  /** `AF_*`; default: any. */
  family?: number | undefined
  /** `SOCK_*`; default: any, and each address is returned once for each type. */
  type?: number | undefined
  /** `IPPROTO_*`; default: any. */
  protocol?: number | undefined
  /** `AI_*`. */
  flags?: number | undefined
}

export const HINTS_FIELDS = ['family', 'type', 'protocol'] satisfies (keyof AddressHints)[]

/** One result of getaddrinfo: the arguments for `new Socket`, and for `connect` or `bind`. */
export interface AddressInfo {
  family: number
  type: number
  protocol: number
  /** The canonical host name, in the first result, with the flag `AI_CANONNAME`; otherwise empty. */
  canonname: string
  address: AnyInetAddress
}

/** The result of getnameinfo. */
export interface NameInfo {
  host: string
  service: string
}

/** The result of gethostbyname(3) and gethostbyaddr(3). */
export interface HostEntry {
  /** The official name. */
  name: string
  aliases: string[]
  /** Addresses as text. */
  addresses: string[]
}

/** The number of each function: its index in kLookups of native/lookup.cc. */
export const GETADDRINFO = 0
const GETNAMEINFO = 1
const GETHOSTBYNAME = 2
const GETHOSTBYADDR = 3
const GETSERVBYNAME = 4
const GETSERVBYPORT = 5
const GETPROTOBYNAME = 6
const GETPROTOBYNUMBER = 7
export const GETIFADDRS = 8

/** One lookup with checked arguments, and how to read its answer. Two drivers run it: see run.ts. */
export interface Lookup<T> {
  /** The name of the C function. */
  readonly call: string
  readonly kind: number
  readonly first: Uint8Array | null
  readonly second: Uint8Array | null
  readonly numbers: readonly [number, number, number, number]
  value(entries: Entry[]): T
  failure(status: number, error: number): Error
}

const LONGEST_NAME = 1024
const MAX_LABEL = 63

function text(name: string, value: unknown): Buffer {
  const bytes = Buffer.from(checkText(name, value))
  if (bytes.length > LONGEST_NAME) throw outOfRange(name, `at most ${LONGEST_NAME} bytes`, value)
  return bytes
}

function optionalText(name: string, value: unknown): Buffer | null {
  return value === undefined || value === null ? null : text(name, value)
}

/** Converts a host name to the form of DNS: other scripts by IDNA, labels of at most 63 characters. */
function hostName(name: string, value: unknown): Buffer {
  const bytes = text(name, value)
  const given = value as string
  if (given.includes(':')) return bytes // an IPv6 address
  let ascii = given
  if (bytes.length !== given.length) {
    ascii = domainToASCII(given)
    if (ascii === '') throw outOfRange(name, 'a host name', given)
  }
  if (ascii.split('.').some(label => label.length > MAX_LABEL)) {
    throw outOfRange(name, `made of labels of at most ${MAX_LABEL} characters`, given)
  }
  return Buffer.from(ascii)
}

/** Checks a port or the name of a service. C would reduce a port modulo 65536 without an error. */
function serviceName(value: unknown): Buffer | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'number') return Buffer.from(String(checkInteger('service', value, 0, 65535)))
  if (typeof value !== 'string') throw invalidType('service', 'string or number', value)
  if (/^\s*[-+]?\d+$/.test(value)) checkInteger('service', Number(value), 0, 65535)
  return text('service', value)
}

/** Returns the errors of getaddrinfo and getnameinfo: `EAI_*`. For `EAI_SYSTEM` the message has the errno too. */
function gaiFailure(call: string, subject: string): Lookup<never>['failure'] {
  return (status, error) => {
    const code = nameOf('EAI_', status)
    const of = error === 0 ? '' : ` (${systemError(call, -error).code})`
    return new SocketError(
      `${call} ${code} ${subject}${of}${advice(code)}`,
      code,
      error === 0 ? status : -error,
      call,
    )
  }
}

function advice(code: string): string {
  if (code === 'EAI_AGAIN' || code === 'TRY_AGAIN') return ' (no name server answered)'
  if (code === 'EAI_ADDRFAMILY' || code === 'EAI_NODATA' || code === 'NO_DATA')
    return ' (the name exists, but has no such address)'
  return ''
}

const hostErrors = ['HOST_NOT_FOUND', 'TRY_AGAIN', 'NO_RECOVERY', 'NO_DATA'] as const

/** Returns the errors of gethostbyname and gethostbyaddr, named as in h_errno. */
function hostFailure(call: string, subject: string): Lookup<never>['failure'] {
  return (status, error) => {
    const code = hostErrors.find(name => constants[name] === status)
    if (code === undefined) return systemError(call, -error, { subject })
    return new SocketError(`${call} ${code} ${subject}${advice(code)}`, code, status, call)
  }
}

/** Returns the errors of lookups of services and protocols: `ENOENT` if there is no entry. */
function entryFailure(call: string, subject: string): Lookup<never>['failure'] {
  return (_status, error) => systemError(call, -error, { subject })
}

function hostEntry(entries: Entry[]): HostEntry {
  const [entry] = entries
  const family = entry?.integers[0] ?? AF_INET // uncovered: a successful reply always has an entry
  return {
    name: entry?.text(NAME) ?? '', // uncovered: a successful reply always has an entry
    aliases: entry?.all(ALIAS).map(String) ?? [], // uncovered: a successful reply always has an entry
    // uncovered: a successful reply always has an entry
    addresses: entry?.all(ADDRESS).map(bytes => inet_ntop(family, bytes)) ?? [],
  }
}

export function addressInfo(
  host: string | null | undefined,
  service: string | number | null | undefined,
  hints: AddressHints | number | undefined,
  flags = 0,
): Lookup<AddressInfo[]> {
  const first = host === null || host === undefined ? null : hostName('host', host)
  const second = serviceName(service)
  const { family = 0, type = 0, protocol = 0 } = fieldsOfOp(hints)
  return {
    call: 'getaddrinfo',
    kind: GETADDRINFO,
    first,
    second,
    numbers: [
      checkInt('hints.flags', flags),
      checkInt('hints.family', family),
      checkInt('hints.type', type),
      checkInt('hints.protocol', protocol),
    ],
    value: entries =>
      entries.map(entry => ({
        family: entry.integers[0],
        type: entry.integers[1],
        protocol: entry.integers[2],
        canonname: entry.text(NAME),
        address: addresses.decode(entry.bytes(ADDRESS)!) as AnyInetAddress,
      })),
    failure: gaiFailure('getaddrinfo', describe(host, service)),
  }
}

function describe(host: string | null | undefined, service: string | number | null | undefined): string {
  return typeof service === 'string' ? `${host ?? ''}:${service}` : (host ?? '(no name)')
}

/** Returns the lookup of a port by the name of its service: `EAI_SERVICE` if there is none. */
export function portByName(service: string, type: number): Lookup<number> {
  return {
    ...addressInfo(null, service, { family: AF_INET, type }),
    value: entries => (addresses.decode(entries[0]!.bytes(ADDRESS)!) as { port: number }).port,
  }
}

export function nameInfo(given: AddressLike, flags: number): Lookup<NameInfo> {
  const address = ownAddress(given)
  const bytes = addresses.encode(address, familyOf(address))
  return {
    call: 'getnameinfo',
    kind: GETNAMEINFO,
    first: bytes,
    second: null,
    numbers: [flags, 0, 0, 0],
    // uncovered: a successful reply always has an entry
    value: ([entry]) => ({ host: entry?.text(NAME) ?? '', service: entry?.text(SERVICE) ?? '' }),
    failure: gaiFailure('getnameinfo', String(addresses.decode(bytes))),
  }
}

/** Returns the family that an address belongs to, by its form. */
export function familyOf(address: unknown): number {
  if (typeof address === 'string' || ArrayBuffer.isView(address)) return AF_UNIX
  if (typeof address !== 'object' || address === null) return AF_INET // the codec of AF_INET throws the right error
  const of = (name: string): unknown => memberOf(address, name)
  const family = of('family')
  if (typeof family === 'number') return family
  if (of('path') !== undefined) return AF_UNIX
  const host: unknown = Array.isArray(address) ? address[0] : of('address')
  return typeof host === 'string' && host.includes(':') ? AF_INET6 : AF_INET
}

/** Returns the IPv4 address if the name needs no lookup, or null. */
export function plainIPv4(name: unknown): string | null {
  if (name === '') return '0.0.0.0'
  if (name === '<broadcast>') return '255.255.255.255'
  return typeof name === 'string' && parseIPv4(name) >= 0 ? name : null
}

export function hostByName(name: string): Lookup<HostEntry> {
  return {
    call: 'gethostbyname',
    kind: GETHOSTBYNAME,
    first: hostName('name', name),
    second: null,
    numbers: [AF_INET, 0, 0, 0],
    value: hostEntry,
    failure: hostFailure('gethostbyname', name),
  }
}

/** True if the text is an IPv4 or IPv6 address. */
export function isNumeric(address: string): boolean {
  return parseIPv4(address) >= 0 || parseIPv6(address) !== null
}

export function hostByAddress(address: string): Lookup<HostEntry> {
  if (typeof address !== 'string') throw invalidType('address', 'string', address)
  if (!isNumeric(address))
    throw invalidAddress(address, 'not an IPv4 or IPv6 address; use gethostbyname for a name')
  const family = parseIPv4(address) >= 0 ? AF_INET : AF_INET6
  return {
    call: 'gethostbyaddr',
    kind: GETHOSTBYADDR,
    first: inet_pton(family, address),
    second: null,
    numbers: [family, 0, 0, 0],
    value: hostEntry,
    failure: hostFailure('gethostbyaddr', address),
  }
}

const number = (entries: Entry[]): number => entries[0]!.integers[0]
const name = (entries: Entry[]): string => entries[0]!.text(NAME)

export function serviceByName(service: string, protocol?: string | null): Lookup<number> {
  const [first, second] = [text('name', service), optionalText('protocol', protocol)]
  const subject = second === null ? service : `${service}/${protocol}`
  return {
    call: 'getservbyname',
    kind: GETSERVBYNAME,
    first,
    second,
    numbers: [0, 0, 0, 0],
    value: number,
    failure: entryFailure('getservbyname', subject),
  }
}

export function serviceByPort(port: number, protocol?: string | null): Lookup<string> {
  const checked = checkInteger('port', port, 0, 65535)
  const second = optionalText('protocol', protocol)
  const subject = second === null ? String(port) : `${port}/${protocol}`
  return {
    call: 'getservbyport',
    kind: GETSERVBYPORT,
    first: null,
    second,
    numbers: [checked, 0, 0, 0],
    value: name,
    failure: entryFailure('getservbyport', subject),
  }
}

export function protocolByName(protocol: string): Lookup<number> {
  return {
    call: 'getprotobyname',
    kind: GETPROTOBYNAME,
    first: text('name', protocol),
    second: null,
    numbers: [0, 0, 0, 0],
    value: number,
    failure: entryFailure('getprotobyname', protocol),
  }
}

export function protocolByNumber(protocol: number): Lookup<string> {
  return {
    call: 'getprotobynumber',
    kind: GETPROTOBYNUMBER,
    first: null,
    second: null,
    numbers: [checkInteger('number', protocol, 0, 0x7fffffff), 0, 0, 0],
    value: name,
    failure: entryFailure('getprotobynumber', String(protocol)),
  }
}
