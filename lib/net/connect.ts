import { isIP } from 'node:net'
import { ownAddress, type Address, type AddressLike } from '../address'
import { AF_INET, AF_INET6, AF_UNIX, SOCK_STREAM } from '../constants'
import { aborted, invalidType, outOfRange, SocketError, timedOut } from '../errors'
import { race } from './happy-eyeballs'
import { addresses } from '../host'
import { defaultTimeout } from '../reactor/timeouts'
import { endOf } from './endpoint'
import { isAborted, onAbort } from '../runtime/signals'
import { checkInteger, checkOp, checkOptions } from '../validators'
import { memberOf, ownFields } from '../runtime/fields'
import { getaddrinfo } from '../names'
import { familyOf } from '../names/lookup'
import { Socket } from '../socket'

/** Where createConnection connects to over TCP, and how. */
export interface ConnectOptions {
  /** A name or an address. Default: `'localhost'`. */
  host?: string | undefined
  port: number
  /** AF_INET or AF_INET6; default: whatever the name has. */
  family?: number | undefined
  /** What to bind to first. Addresses of the other family are left out then. */
  localAddress?: AddressLike | undefined
  /** Milliseconds for everything together: the lookup and every attempt. Default: see `setDefaultTimeout`. */
  timeout?: number | null | undefined
  signal?: AbortSignal | undefined
  /** Milliseconds that an attempt has for itself before the next begins; `false`: until it fails. Default: 250. */
  happyEyeballs?: number | false | undefined
  /** Fail with an AggregateError that holds the error of each attempt, also if there was only one. */
  allErrors?: boolean | undefined
}

/** The same for an AF_UNIX stream. */
export interface ConnectPathOptions {
  path: string | Uint8Array
  timeout?: number | null | undefined
  signal?: AbortSignal | undefined
}

/** Finds the addresses of one family, or with 0 of any. */
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
 * A connected stream socket. By name, both families are looked up at once and their addresses tried by Happy Eyeballs
 * (RFC 8305): an attempt has `happyEyeballs` ms for itself, then the next one begins beside it, IPv6 and IPv4
 * in turn; the first that answers wins, and the others are closed. `happyEyeballs: false` tries one after the other
 * in getaddrinfo's order. `timeout` is one deadline for everything.
 *
 * An `Address`, such as a server's getsockname(), stands for its own host and port or path.
 *
 * One failed attempt is its own error, several are an AggregateError with the `code` of the first. A name that
 * does not resolve is getaddrinfo's error, `EAI_NONAME`. When the time runs out, `cause` has what failed before.
 */
export function createConnection(options: ConnectOptions | ConnectPathOptions | Address): Promise<Socket> {
  return establish(options, resolveBySystem)
}

const resolveBySystem: Resolve = async (host, port, family, op) =>
  (await getaddrinfo(host, port, { family, type: SOCK_STREAM, ...op })).map(found => found.address)

/** createConnection with a resolver of the caller's. */
export async function establish(
  given: ConnectOptions | ConnectPathOptions | Address,
  resolve: Resolve,
): Promise<Socket> {
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
    race<Address, Socket>({
      lookups: lookUp(wanted, resolve, timeout, stop.signal),
      attempt: (address, lost) =>
        // The deadline is everybody's; only 0, which never waits, is each attempt's own.
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

/** The family that a local address leaves: 0 for a wildcard, which fits both. */
function localFamily(address: AddressLike): number {
  const family = familyOf(address)
  addresses.encode(address, family) // what is wrong with it is told before anybody is asked
  const host: unknown = Array.isArray(address) ? address[0] : memberOf(address as object, 'address')
  return host === '' || host === undefined ? 0 : family
}

/** The lookups to make, the preferred family's first. */
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
      const text = `getaddrinfo EAI_ADDRFAMILY ${host}: not an address of the family that was asked for`
      return [Promise.reject(new SocketError(text, 'EAI_ADDRFAMILY', undefined, 'getaddrinfo'))]
    }
    return [Promise.resolve([addresses.decode(addresses.encode([host, port], own))!])]
  }
  const op = timeout === 0 ? { timeout, signal } : { signal }
  const families = family !== 0 || attemptDelay === Infinity ? [family] : [AF_INET6, AF_INET]
  return families.map(each => resolve(host, port, each, op))
}

/** Runs under the deadline and the signal, which both end it through `stop`. */
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
    stop.abort() // a lookup that is still on its way is nobody's
  }
}

/** A name may have addresses of one family only. */
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
): Promise<Socket> {
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
