import { isIP } from 'node:net'
import {
  ownAddress,
  type Address,
  type AddressLike,
  type AnyInetAddress,
  type AnyUnixAddress,
} from '../address'
import { AF_INET, AF_INET6, AF_UNIX, SOCK_STREAM } from '../constants'
import { aborted, invalidType, outOfRange, SocketError, systemError, timedOut } from '../errors'
import { errnoOf } from '../errors/errno'
import { race } from './happy-eyeballs'
import { addresses } from '../host'
import { defaultTimeout } from '../reactor/timeouts'
import { checkEnd, checkFamily, checkPort, endOf, notOfFamily } from './endpoint'
import { checkOptionValues, type OptionValues } from './option-values'
import { SO_LINGER } from '../options/all'
import type { BaseSocket } from '../socket/base'
import { clearTimeout, setTimeout } from '../runtime/clock'
import { isAborted, onAbort } from '../runtime/signals'
import { checkOp, checkOptions, type Waiting } from '../validators'
import { checkBoolean } from '../errors/argument'
import { memberOf } from '../runtime/fields'
import { getaddrinfo } from '../names'
import { familyOf } from '../names/lookup'
import { Socket } from '../socket'

/** The options of createConnection for TCP. */
export interface ConnectOptions {
  /** A host name or an IP address. Default: `'localhost'`. */
  host?: string | undefined
  /** The port, or the name of a service such as `'http'`. */
  port: number | string
  /** `AF_INET` or `AF_INET6`. Default: every family that the name has. */
  family?: number | undefined
  /** The local address to bind to. Only remote addresses of its family are tried; a wildcard allows both families. */
  localAddress?: AddressLike<AnyInetAddress> | undefined
  /** Milliseconds for the lookup and all attempts together. Default: see `setDefaultTimeout`. */
  timeout?: number | null | undefined
  signal?: AbortSignal | undefined
  /** Milliseconds before the next attempt starts beside the current one; `false` waits until it fails. Default: 250. */
  happyEyeballs?: number | false | undefined
  /** If true, rejects with an AggregateError of all failed attempts, even if there was only one. */
  allErrors?: boolean | undefined
  path?: undefined
}

/** The options of createConnection for an AF_UNIX stream. */
export interface ConnectPathOptions {
  /** An AF_UNIX path, instead of host and port. `'\0name'` is an abstract name (Linux). */
  path: string | Uint8Array
  /** Milliseconds for the attempt. Default: see `setDefaultTimeout`. */
  timeout?: number | null | undefined
  signal?: AbortSignal | undefined
  host?: undefined
  port?: undefined
  family?: undefined
  localAddress?: undefined
  happyEyeballs?: undefined
  allErrors?: undefined
}

/** Options of createConnection where each value of `options` fits its option. */
export type TypedConnectOptions<O, T extends readonly unknown[]> = O & {
  /** Options to set on the socket of each attempt, before bind and connect: `[[options.TCP_NODELAY, true]]`. */
  options?: OptionValues<T> | undefined
}

/** Looks up the addresses of a host: of one family, or of all for `family` 0. */
export type Resolve = (
  host: string,
  port: number | string,
  family: number,
  op: { timeout?: number | null; signal: AbortSignal },
) => Promise<Address[]>

/** The options that only a connection to a host and port has. */
const OF_HOSTS = ['host', 'port', 'family', 'localAddress', 'happyEyeballs', 'allErrors'] as const
const FIELDS = [...OF_HOSTS, 'path', 'timeout', 'signal', 'options'] satisfies (keyof CheckedOptions)[]

/** What createConnection gets: `options` is checked where it is read. */
type CheckedOptions = (ConnectOptions | ConnectPathOptions) & { options?: unknown }

const ATTEMPT_DELAY = 250
const LOOKUP_DELAY = 250
const RESOLUTION_DELAY = 50

/**
 * Connects a stream socket to a host and port, or to an AF_UNIX path. An `Address`, such as a server's `getsockname()`,
 * can take the place of the options.
 *
 * One lookup returns all addresses of a host name, and they are tried by Happy Eyeballs (RFC 8305). If the lookup takes
 * longer than 250 ms, IPv4 is also looked up alone. If an attempt has not succeeded after `happyEyeballs` milliseconds,
 * the next one starts beside it; IPv6 and IPv4 take turns. The first connection wins, and the others are closed. With
 * `happyEyeballs: false` the addresses are tried one after the other, in getaddrinfo's order. `timeout` is one deadline
 * for everything. It is not kept: `timeout` of the socket is the default (see `setDefaultTimeout`).
 *
 * If one attempt failed, rejects with its error; if several failed, with an AggregateError that has the `code` of the
 * first. If the name does not resolve, rejects with getaddrinfo's error, such as `EAI_NONAME`. If the time runs out,
 * the error's `cause` holds the earlier errors. A TCP socket that the kernel connected to itself counts as refused:
 * that happens on loopback, if the kernel chooses the remote port as the local one.
 */
export function createConnection<const T extends readonly unknown[] = []>(
  options: TypedConnectOptions<ConnectOptions, T>,
): Promise<Socket<AnyInetAddress, 'stream'>>
/** Connects a stream socket to an AF_UNIX path. */
export function createConnection<const T extends readonly unknown[] = []>(
  options: TypedConnectOptions<ConnectPathOptions, T>,
): Promise<Socket<AnyUnixAddress, 'stream'>>
/** Connects a stream socket to the address of another socket, or to a host and port or a path. */
export function createConnection(
  options: ConnectOptions | ConnectPathOptions | Address,
): Promise<Socket<Address, 'stream'>>
export function createConnection(options: unknown): Promise<Socket<Address, 'stream'>> {
  return establish(options as ConnectOptions, resolveBySystem)
}

const resolveBySystem: Resolve = async (host, port, family, op) =>
  (await getaddrinfo(host, port, { family, type: SOCK_STREAM, ...op })).map(found => found.address)

/** Checks the options of both forms of createConnection. */
export function checkConnection(
  given: ConnectOptions | ConnectPathOptions | Address,
  unknown: readonly string[] = [],
): Target {
  checkEnd(given, 'createConnection')
  const options = endOf<ConnectOptions | ConnectPathOptions>(given)
  const own = checkOptions<CheckedOptions>(
    'options',
    options,
    FIELDS.filter(field => !unknown.includes(field)),
  )
  const waiting = checkOp({ timeout: own.timeout, signal: own.signal }, defaultTimeout())
  const configure = checkOptionValues('options.options', own.options)
  if (own.path === undefined) return { ...waiting, configure, path: null, wanted: checkWanted(own) }
  const other = OF_HOSTS.find(field => own[field] !== undefined)
  if (other !== undefined) throw invalidType('options.path', `given without ${other}`, own.path)
  return {
    ...waiting,
    configure,
    path: addresses.decode(addresses.encode({ path: own.path }, AF_UNIX))!,
    wanted: null,
  }
}

/** Checked options: a path, or a host and port. */
export type Target = Waiting & { readonly configure: ReturnType<typeof checkOptionValues> } & (
    { readonly path: Address; readonly wanted: null } | { readonly path: null; readonly wanted: Wanted }
  )

/** Does the work of createConnection, with any resolver. */
export async function establish(
  given: ConnectOptions | ConnectPathOptions | Address,
  resolve: Resolve,
): Promise<Socket<Address, 'stream'>> {
  const target = checkConnection(given)
  const { timeout, signal, configure } = target
  if (target.path !== null)
    return connectOne({ address: target.path, localAddress: undefined, configure, timeout, signal })
  if (signal !== undefined && isAborted(signal)) throw aborted(signal)
  const { wanted } = target
  const errors = { lookups: [] as Error[], attempts: [] as Error[] }
  const stop = new AbortController()
  const socket = await limited(timeout, signal, stop, errors, () =>
    race<Address, Socket<Address, 'stream'>>({
      clock: undefined,
      lookups: lookUp(wanted, resolve, timeout, stop.signal),
      attempt: (address, lost) =>
        // All attempts share the deadline. Only a timeout of 0, which never waits, is passed to each attempt.
        connectOne({
          address,
          localAddress: wanted.localAddress,
          configure,
          timeout: timeout === 0 ? 0 : null,
          signal: lost,
        }),
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

export interface Wanted {
  host: string
  port: number | string
  family: number
  localAddress: AddressLike | undefined
  attemptDelay: number
  allErrors: boolean
}

function checkWanted(options: ConnectOptions): Wanted {
  const { host = 'localhost', port, family, happyEyeballs = ATTEMPT_DELAY, allErrors = false } = options
  const localAddress = options.localAddress === undefined ? undefined : ownAddress(options.localAddress)
  if (typeof host !== 'string') throw invalidType('options.host', 'string', host)
  const checkedPort = checkPort(port)
  const checkedFamily = checkFamily(family)
  if (happyEyeballs !== false) {
    if (typeof happyEyeballs !== 'number') {
      throw invalidType('options.happyEyeballs', 'a number of milliseconds or false', happyEyeballs)
    }
    if (!(happyEyeballs >= 0 && happyEyeballs < Infinity)) {
      throw outOfRange('options.happyEyeballs', 'a finite number >= 0, or false', happyEyeballs)
    }
  }
  return {
    host,
    port: checkedPort,
    family: checkedFamily || (localAddress === undefined ? 0 : localFamily(localAddress)),
    localAddress,
    attemptDelay: happyEyeballs === false ? Infinity : happyEyeballs,
    allErrors: checkBoolean('options.allErrors', allErrors),
  }
}

/** Returns the family that a local address allows: 0 for a wildcard, which fits both. */
function localFamily(address: AddressLike): number {
  const family = familyOf(address)
  addresses.encode(address, family) // reject a bad address before any lookup
  const host: unknown = Array.isArray(address) ? address[0] : memberOf(address as object, 'address')
  return host === '' || host === undefined ? 0 : family
}

/** Starts the lookup. The race takes one list for each family: first the family of the first address. */
function lookUp(
  { host, port, family, attemptDelay }: Wanted,
  resolve: Resolve,
  timeout: number | null,
  signal: AbortSignal,
): Promise<Address[]>[] {
  const op = timeout === 0 ? { timeout, signal } : { signal }
  if (isIP(host) !== 0 && typeof port === 'number') {
    const own = literal(host, port, family)
    return [own instanceof Error ? Promise.reject(own) : Promise.resolve([own])]
  }
  const found = resolve(host, port, family, op)
  if (attemptDelay === Infinity || family !== 0) return [found]
  let early = false
  const alone = impatient(found, signal, () => resolve(host, port, AF_INET, op)).then(list => {
    early = true
    return list
  })
  const isFirst = (list: Address[]) => (each: Address) =>
    early ? each.family === AF_INET6 : each.family === list[0]!.family
  const preferred = found.then(list => list.filter(isFirst(list)))
  // The first list reports the error of the lookup.
  const others = found.then(
    list => list.filter(each => !isFirst(list)(each)),
    () => [],
  )
  return [preferred, Promise.race([others, alone])]
}

/**
 * Makes a second lookup, if the first one takes long: a name server may answer for IPv4 only, and the first lookup waits
 * for both families. The result is never rejected, and remains pending if the first lookup ends in time.
 */
function impatient(
  first: Promise<Address[]>,
  signal: AbortSignal,
  second: () => Promise<Address[]>,
): Promise<Address[]> {
  return new Promise(resolve => {
    const timer = setTimeout(() => void second().then(resolve, () => undefined), LOOKUP_DELAY)
    const stop = (): void => clearTimeout(timer)
    first.then(stop, stop)
    onAbort(signal, stop)
  })
}

/** Returns the address of a numeric host, or the error if it is not of the family that the caller wants. */
export function literal(host: string, port: number, family: number): Address | SocketError {
  const own = isIP(host) === 6 ? AF_INET6 : AF_INET
  if (family !== 0 && family !== own) return notOfFamily(host)
  return addresses.decode(addresses.encode([host, port], own))!
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

/** Returns the error of a connection that could not be made. */
export function failureOf(
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

/** One attempt to connect. */
interface Attempt {
  address: Address
  localAddress: AddressLike | undefined
  configure(socket: BaseSocket): void
  timeout: number | null
  signal: AbortSignal | undefined
}

async function connectOne(attempt: Attempt): Promise<Socket<Address, 'stream'>> {
  const { address, timeout, signal } = attempt
  for (let i = 0; i < MAX_SELF; i++) {
    const socket = prepare<Socket<Address, 'stream'>>(Socket, attempt)
    try {
      await socket.connect(address, { timeout, signal })
    } catch (error) {
      socket.close()
      throw error
    }
    if (!closedSelfConnected(socket)) return socket
  }
  throw refusedBySelf(address)
}

/** How often an attempt is repeated after the kernel has connected the socket to itself. */
export const MAX_SELF = 3

/** Creates a socket with the options of the caller, bound to the local address, if one is given. */
export function prepare<S extends BaseSocket>(
  Flavour: new (family: number, type: number) => S,
  { address, localAddress, configure }: Pick<Attempt, 'address' | 'localAddress' | 'configure'>,
): S {
  const socket = new Flavour(address.family, SOCK_STREAM)
  try {
    configure(socket)
    if (localAddress !== undefined) socket.bind(localAddress)
    return socket
  } catch (error) {
    socket.close()
    throw error
  }
}

/**
 * Returns true, and closes the socket, if both ends of a TCP connection are the same. TCP allows two sockets to connect
 * to each other at the same time. So a socket whose own port is the remote port can connect to itself, although no
 * process listens there.
 */
export function closedSelfConnected(socket: BaseSocket): boolean {
  if (socket.family !== AF_INET && socket.family !== AF_INET6) return false
  if (socket.localAddress?.equals(socket.remoteAddress) !== true) return false
  // A reset: in TIME-WAIT the port would stay in use for a minute.
  socket.set(SO_LINGER, { on: true, seconds: 0 })
  socket.close()
  return true
}

/** Returns the error that a connection without a listening socket would have had. */
export function refusedBySelf(address: Address): SocketError {
  return systemError('connect', errnoOf('ECONNREFUSED'), { address })
}
