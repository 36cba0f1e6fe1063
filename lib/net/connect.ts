import { isIP } from 'node:net'
import {
  ownAddress,
  type Address,
  type AddressLike,
  type AnyInetAddress,
  type AnyUnixAddress,
} from '../address'
import { AF_INET, AF_INET6, AF_UNIX, SOCK_STREAM } from '../constants'
import { aborted, invalidType, outOfRange, SocketError, timedOut } from '../errors'
import { race } from './happy-eyeballs'
import { addresses } from '../host'
import { defaultTimeout } from '../reactor/timeouts'
import { endOf } from './endpoint'
import { clearTimeout, setTimeout } from '../runtime/clock'
import { isAborted, onAbort } from '../runtime/signals'
import { checkInteger, checkOp, checkOptions } from '../validators'
import { memberOf, ownFields } from '../runtime/fields'
import { getaddrinfo } from '../names'
import { familyOf } from '../names/lookup'
import { Socket } from '../socket'

/** The options of createConnection for TCP. */
export interface ConnectOptions {
  /** A host name or an IP address. Default: `'localhost'`. */
  host?: string | undefined
  port: number
  /** `AF_INET` or `AF_INET6`. Default: every family that the name has. */
  family?: number | undefined
  /** The local address to bind to. Only remote addresses of its family are tried; a wildcard allows both families. */
  localAddress?: AddressLike | undefined
  /** Milliseconds for the lookup and all attempts together. Default: see `setDefaultTimeout`. */
  timeout?: number | null | undefined
  signal?: AbortSignal | undefined
  /** Milliseconds before the next attempt starts beside the current one; `false` waits until it fails. Default: 250. */
  happyEyeballs?: number | false | undefined
  /** If true, rejects with an AggregateError of all failed attempts, even if there was only one. */
  allErrors?: boolean | undefined
}

/** The options of createConnection for an AF_UNIX stream. */
export interface ConnectPathOptions {
  path: string | Uint8Array
  timeout?: number | null | undefined
  signal?: AbortSignal | undefined
}

/** Looks up the addresses of a host: of one family, or of all for `family` 0. */
export type Resolve = (
  host: string,
  port: number,
  family: number,
  op: { timeout?: number | null; signal: AbortSignal },
) => Promise<Address[]>

const PATH_FIELDS = ['path', 'timeout', 'signal'] satisfies (keyof ConnectPathOptions)[]
const FIELDS = [
  'host',
  'port',
  'family',
  'localAddress',
  'timeout',
  'signal',
  'happyEyeballs',
  'allErrors',
] satisfies (keyof ConnectOptions)[]
const ATTEMPT_DELAY = 250
const RESOLUTION_DELAY = 50

/**
 * Connects a stream socket to a host and port, or to an AF_UNIX path. An `Address`, such as a server's `getsockname()`,
 * can take the place of the options.
 *
 * For a host name, IPv6 and IPv4 addresses are looked up at the same time and tried by Happy Eyeballs (RFC 8305). If
 * an attempt has not succeeded after `happyEyeballs` milliseconds, the next one starts beside it; IPv6 and IPv4 take
 * turns. The first connection wins, and the others are closed. With `happyEyeballs: false` the addresses are tried
 * one after the other, in getaddrinfo's order. `timeout` is one deadline for everything.
 *
 * If one attempt failed, rejects with its error; if several failed, with an AggregateError that has the `code` of the
 * first. If the name does not resolve, rejects with getaddrinfo's error, such as `EAI_NONAME`. If the time runs out,
 * the error's `cause` holds the earlier errors.
 */
export function createConnection(options: ConnectOptions): Promise<Socket<AnyInetAddress, 'stream'>>
/** Connects a stream socket to an AF_UNIX path. */
export function createConnection(options: ConnectPathOptions): Promise<Socket<AnyUnixAddress, 'stream'>>
/** Connects a stream socket to the address of another socket, or to a host and port or a path. */
export function createConnection(
  options: ConnectOptions | ConnectPathOptions | Address,
): Promise<Socket<Address, 'stream'>>
export function createConnection(
  options: ConnectOptions | ConnectPathOptions | Address,
): Promise<Socket<Address, 'stream'>> {
  return establish(options, resolveBySystem)
}

const resolveBySystem: Resolve = async (host, port, family, op) =>
  (await getaddrinfo(host, port, { family, type: SOCK_STREAM, ...op })).map(found => found.address)

/** Does the work of createConnection, with any resolver. */
export async function establish(
  given: ConnectOptions | ConnectPathOptions | Address,
  resolve: Resolve,
): Promise<Socket<Address, 'stream'>> {
  if (typeof given !== 'object' || given === null) throw invalidType('options', 'object', given)
  const options = endOf<ConnectOptions | ConnectPathOptions>(given)
  const own: Partial<ConnectOptions & ConnectPathOptions> = ownFields(options)
  checkOptions('options', own, 'path' in own ? PATH_FIELDS : FIELDS)
  const { timeout, signal } = checkOp({ timeout: own.timeout, signal: own.signal }, defaultTimeout())
  if (own.path !== undefined) return connectOne(AF_UNIX, { path: own.path }, undefined, timeout, signal)
  const wanted = checkWanted(own)
  if (signal !== undefined && isAborted(signal)) throw aborted(signal)
  const errors = { lookups: [] as Error[], attempts: [] as Error[] }
  const stop = new AbortController()
  const socket = await limited(timeout, signal, stop, errors, () =>
    race<Address, Socket<Address, 'stream'>>({
      lookups: lookUp(wanted, resolve, timeout, stop.signal),
      attempt: (address, lost) =>
        // All attempts share the deadline. Only a timeout of 0, which never waits, is passed to each attempt.
        connectOne(address.family, address, wanted.localAddress, timeout === 0 ? 0 : null, lost),
      discard: loser => loser.close(),
      attemptDelay: wanted.attemptDelay,
      resolutionDelay: RESOLUTION_DELAY,
      signal: stop.signal,
      errors,
    }),
  )
  if (socket === null) throw failureOf(wanted, errors)
  return socket
}

interface Wanted {
  host: string
  port: number
  family: number
  localAddress: AddressLike | undefined
  attemptDelay: number
  allErrors: boolean
}

function checkWanted(options: Partial<ConnectOptions>): Wanted {
  const { host = 'localhost', port, family, happyEyeballs = ATTEMPT_DELAY } = options
  const localAddress = options.localAddress === undefined ? undefined : ownAddress(options.localAddress)
  if (typeof host !== 'string') throw invalidType('options.host', 'string', host)
  const number = checkInteger('options.port', port, 0, 65535)
  if (family !== undefined && family !== AF_INET && family !== AF_INET6) {
    throw invalidType('options.family', 'AF_INET or AF_INET6', family)
  }
  if (happyEyeballs !== false) {
    if (typeof happyEyeballs !== 'number') {
      throw invalidType('options.happyEyeballs', 'a number of milliseconds or false', happyEyeballs)
    }
    if (!(happyEyeballs >= 0 && happyEyeballs <= 0x7fffffff)) {
      throw outOfRange('options.happyEyeballs', '>= 0 && <= 2147483647 or false', happyEyeballs)
    }
  }
  return {
    host,
    port: number,
    family: family ?? (localAddress === undefined ? 0 : localFamily(localAddress)),
    localAddress,
    attemptDelay: happyEyeballs === false ? Infinity : happyEyeballs,
    allErrors: options.allErrors === true,
  }
}

/** Returns the family that a local address allows: 0 for a wildcard, which fits both. */
function localFamily(address: AddressLike): number {
  const family = familyOf(address)
  addresses.encode(address, family) // reject a bad address before any lookup
  const host: unknown = Array.isArray(address) ? address[0] : memberOf(address as object, 'address')
  return host === '' || host === undefined ? 0 : family
}

/** Starts the lookups, with the preferred family first. */
function lookUp(
  { host, port, family, attemptDelay }: Wanted,
  resolve: Resolve,
  timeout: number | null,
  signal: AbortSignal,
): Promise<Address[]>[] {
  const version = isIP(host)
  if (version !== 0) {
    const own = version === 6 ? AF_INET6 : AF_INET
    if (family !== 0 && family !== own) {
      const text = `getaddrinfo EAI_ADDRFAMILY ${host}: not an address of the requested family`
      return [Promise.reject(new SocketError(text, 'EAI_ADDRFAMILY', undefined, 'getaddrinfo'))]
    }
    return [Promise.resolve([addresses.decode(addresses.encode([host, port], own))!])]
  }
  const op = timeout === 0 ? { timeout, signal } : { signal }
  const families = family !== 0 || attemptDelay === Infinity ? [family] : [AF_INET6, AF_INET]
  return families.map(each => resolve(host, port, each, op))
}

/** Calls `run`. The deadline and the signal abort it through `stop`. */
async function limited<T>(
  timeout: number | null,
  signal: AbortSignal | undefined,
  stop: AbortController,
  errors: { lookups: Error[]; attempts: Error[] },
  run: () => Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const forget = signal === undefined ? null : onAbort(signal, () => stop.abort(aborted(signal)))
  if (timeout !== null && timeout > 0) {
    timer = setTimeout(() => {
      const late = timedOut('connect', timeout)
      const before = [...errors.lookups, ...errors.attempts]
      if (before.length > 0) late.cause = new AggregateError(before)
      stop.abort(late)
    }, Math.ceil(timeout))
  }
  try {
    return await run()
  } finally {
    clearTimeout(timer)
    forget?.()
    stop.abort() // lookups that still run are no longer needed
  }
}

/** Errors of a lookup for one family that are not reported: a name may have addresses of the other family only. */
const harmless = new Set(['EAI_NONAME', 'EAI_NODATA', 'EAI_ADDRFAMILY'])

function failureOf(
  { host, allErrors }: Wanted,
  { lookups, attempts }: { lookups: Error[]; attempts: Error[] },
): Error {
  const serious = lookups.filter(error => !harmless.has(String((error as NodeJS.ErrnoException).code)))
  if (attempts.length === 0) return serious[0] ?? lookups.at(-1) ?? noAddress(host)
  const errors = [...serious, ...attempts]
  if (errors.length === 1 && !allErrors) return errors[0]!
  const text = `connect: every address of ${host} failed: ${errors.map(error => error.message).join('; ')}`
  const { code } = attempts[0] as NodeJS.ErrnoException
  return Object.assign(new AggregateError(errors, text), { code })
}

function noAddress(host: string): SocketError {
  return new SocketError(`getaddrinfo EAI_NONAME ${host}: no address`, 'EAI_NONAME', undefined, 'getaddrinfo')
}

async function connectOne(
  family: number,
  address: AddressLike,
  localAddress: AddressLike | undefined,
  timeout: number | null,
  signal: AbortSignal | undefined,
): Promise<Socket<Address, 'stream'>> {
  const socket = new Socket(family, SOCK_STREAM)
  try {
    if (localAddress !== undefined) socket.bind(localAddress)
    await socket.connect(address, { timeout, signal })
    return socket
  } catch (error) {
    socket.close()
    throw error
  }
}
