import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { AddressLike } from './address'
import { AF_INET, AF_INET6, AF_UNIX, SOCK_STREAM } from './constants'
import { aborted, invalidType, SocketError, timedOut } from './errors'
import { defaultTimeout } from './internal/timeouts'
import { checkInteger, checkOp } from './internal/validate'
import { Socket } from './socket'

/** Where createConnection connects to over TCP, and how. */
export interface ConnectOptions {
  /** A name or an address. Default: `'localhost'`. */
  host?: string | undefined
  port: number
  /** AF_INET or AF_INET6; default: whatever the name has. */
  family?: number | undefined
  /** What to bind to first. */
  localAddress?: AddressLike | undefined
  /** Milliseconds for everything together: the lookup and every attempt. */
  timeout?: number | null | undefined
  signal?: AbortSignal | undefined
  /** Fail with an AggregateError that holds the error of each attempt, also if there was only one. */
  allErrors?: boolean | undefined
}

/** The same for an AF_UNIX stream. */
export interface ConnectPathOptions {
  path: string | Uint8Array
  timeout?: number | null | undefined
  signal?: AbortSignal | undefined
}

/**
 * A connected stream socket: looks the name up and tries its addresses in their order until one answers,
 * under one deadline. One failed attempt is its own error, several are an AggregateError. A name
 * that does not resolve is `EAI_NONAME`, with the resolver's own error as `cause`.
 */
export async function createConnection(options: ConnectOptions | ConnectPathOptions): Promise<Socket> {
  if (typeof options !== 'object' || options === null) throw invalidType('options', 'object', options)
  const { timeout, signal } = checkOp({ timeout: options.timeout, signal: options.signal }, defaultTimeout())
  const deadline = timeout === null ? Infinity : performance.now() + timeout
  const left = (): number | null => (deadline === Infinity ? null : Math.max(1, deadline - performance.now()))
  if ('path' in options && options.path !== undefined) {
    return connectOne(AF_UNIX, { path: options.path }, undefined, left(), signal)
  }
  const { host = 'localhost', port, family, localAddress, allErrors = false } = options as ConnectOptions
  if (typeof host !== 'string') throw invalidType('options.host', 'string', host)
  checkInteger('options.port', port, 0, 65535)
  if (signal?.aborted === true) throw aborted(signal)
  const errors: Error[] = []
  for (const entry of await within(resolve(host, family), timeout, signal)) {
    if (performance.now() >= deadline) throw timedOut('connect', timeout!)
    try {
      return await connectOne(entry.family, { address: entry.address, port }, localAddress, left(), signal)
    } catch (error) {
      const { name, code } = error as SocketError
      if (name === 'AbortError') throw error
      if (code === 'ERR_SOCKET_TIMEOUT') throw timedOut('connect', timeout!)
      errors.push(error as Error)
    }
  }
  if (errors.length === 1 && !allErrors) throw errors[0]!
  throw new AggregateError(
    errors,
    `connect: every address of ${host} failed: ${errors.map(e => e.message).join('; ')}`,
  )
}

/** The lookup, as long as there is time for it; the resolver cannot be stopped, but nobody waits for it. */
async function within<T>(
  lookup: Promise<T>,
  timeout: number | null,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (timeout === null && signal === undefined) return lookup
  let timer: NodeJS.Timeout | undefined
  let onAbort: (() => void) | undefined
  const early = new Promise<never>((_resolve, reject) => {
    if (timeout !== null)
      timer = setTimeout(() => reject(timedOut('getaddrinfo', timeout)), Math.ceil(timeout))
    onAbort = () => reject(aborted(signal!))
    signal?.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([lookup, early])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort!)
  }
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

async function resolve(
  host: string,
  family: number | undefined,
): Promise<{ address: string; family: number }[]> {
  if (family !== undefined && family !== AF_INET && family !== AF_INET6) {
    throw invalidType('options.family', 'AF_INET or AF_INET6', family)
  }
  const version = isIP(host)
  if (version !== 0) {
    const own = version === 6 ? AF_INET6 : AF_INET
    if (family === undefined || family === own) return [{ address: host, family: own }]
    const text = `getaddrinfo EAI_ADDRFAMILY ${host}: not an address of the family that was asked for`
    throw new SocketError(text, 'EAI_ADDRFAMILY', undefined, 'getaddrinfo')
  }
  const wanted = family === undefined ? 0 : family === AF_INET6 ? 6 : 4
  const found = await lookup(host, { all: true, family: wanted, verbatim: true }).catch((cause: unknown) => {
    throw lookupError(host, cause)
  })
  return found.map(entry => ({ address: entry.address, family: entry.family === 6 ? AF_INET6 : AF_INET }))
}

/** The resolver's error under getaddrinfo's own name for it. */
export function lookupError(host: string, cause: unknown): unknown {
  const { code } = cause as NodeJS.ErrnoException
  if (code === undefined || code.startsWith('ERR_')) return cause // an argument that no resolver was asked about
  const name = code === 'ENOTFOUND' ? 'EAI_NONAME' : code
  const error = new SocketError(`getaddrinfo ${name} ${host}`, name, undefined, 'getaddrinfo')
  error.cause = cause
  return error
}
