import { isIP } from 'node:net'
import type { Address, AnyInetAddress, AnyUnixAddress } from '../address'
import { SOCK_STREAM, type SocketKind } from '../constants'
import { timedOut } from '../errors'
import { addressInfo, type AddressInfo } from '../names/lookup'
import { driveNow, runNow } from '../names/run'
import { performance } from '../runtime/clock'
import { Socket } from '../socket/sync'
import {
  checkConnection,
  failureOf,
  closedSelfConnected,
  literal,
  MAX_SELF,
  prepare,
  refusedBySelf,
  type ConnectOptions,
  type ConnectPathOptions,
  type TypedConnectOptions,
  type Wanted,
} from './connect'
import {
  serverSteps,
  type ServerOptions,
  type ServerPathOptions,
  type TypedServerOptions,
} from './create-server'
import { takePassed } from './listen-fds'
import { append } from '../runtime/list'

/** The options of createConnection that a call which blocks has: nothing can abort it, and attempts do not overlap. */
export type SyncConnectOptions = Omit<ConnectOptions, 'signal' | 'happyEyeballs'>
/** The options of createConnection for an AF_UNIX stream. */
export type SyncConnectPathOptions = Omit<ConnectPathOptions, 'signal'>

const UNKNOWN = ['signal', 'happyEyeballs']

/**
 * Creates a socket, binds it and listens, and blocks the calling thread while a name is looked up. See `createServer` of
 * `bsd-sockets`.
 */
export function createServer<const T extends readonly unknown[] = [], K extends SocketKind = 'stream'>(
  options?: TypedServerOptions<ServerOptions, T, K>,
): Socket<AnyInetAddress, NoInfer<K>>
/** Creates a socket that listens on an AF_UNIX path. The options `unlink` and `mode` prepare the path. */
export function createServer<const T extends readonly unknown[] = [], K extends SocketKind = 'stream'>(
  options: TypedServerOptions<ServerPathOptions, T, K>,
): Socket<AnyUnixAddress, NoInfer<K>>
/** Creates a socket that listens on the address of another socket. */
export function createServer(options: Address): Socket<Address, 'stream'>
/** Creates a socket as the options say. Their type does not tell which kind of socket that is. */
export function createServer(options: ServerOptions | ServerPathOptions | Address): Socket
export function createServer(options?: unknown): Socket {
  return driveNow(serverSteps(options as ServerOptions | Address | undefined, Socket))
}

/**
 * Connects a stream socket, and blocks the calling thread. The addresses of a host name are tried one after the other, in
 * getaddrinfo's order. `timeout` is one deadline for all attempts; the lookup has no limit, because C has no way to set
 * one. See `createConnection` of `bsd-sockets`.
 */
export function createConnection<const T extends readonly unknown[] = []>(
  options: TypedConnectOptions<SyncConnectOptions, T>,
): Socket<AnyInetAddress, 'stream'>
/** Connects a stream socket to an AF_UNIX path. */
export function createConnection<const T extends readonly unknown[] = []>(
  options: TypedConnectOptions<SyncConnectPathOptions, T>,
): Socket<AnyUnixAddress, 'stream'>
/** Connects a stream socket to the address of another socket, or to a host and port or a path. */
export function createConnection(
  options: SyncConnectOptions | SyncConnectPathOptions | Address,
): Socket<Address, 'stream'>
export function createConnection(options: unknown): Socket<Address, 'stream'> {
  const target = checkConnection(options as ConnectOptions | ConnectPathOptions | Address, UNKNOWN)
  const { timeout, configure, wanted } = target
  const late = timeout === null ? null : performance.now() + timeout
  const connect = (address: Address): Socket<Address, 'stream'> => {
    for (let i = 0; i < MAX_SELF; i++) {
      const socket = prepare<Socket<Address, 'stream'>>(Socket, {
        address,
        localAddress: wanted?.localAddress,
        configure,
      })
      try {
        socket.connect(address, { timeout: timeLeft(timeout, late) })
      } catch (error) {
        socket.close()
        throw error
      }
      if (!closedSelfConnected(socket)) return socket
    }
    throw refusedBySelf(address)
  }
  if (target.path !== null) return connect(target.path)
  const attempts: Error[] = []
  for (const address of find(target.wanted)) {
    try {
      return connect(address)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_SOCKET_TIMEOUT') {
        const reason = timedOut('connect', timeout!)
        throw attempts.length === 0 ? reason : Object.assign(reason, { cause: new AggregateError(attempts) })
      }
      append(attempts, error as Error)
    }
  }
  throw failureOf(target.wanted, { lookups: [], attempts })
}

/** Takes the sockets that a service manager passed to this process, by name. See `listenFds` of `bsd-sockets`. */
export function listenFds(): Map<string, Socket[]> {
  return takePassed(Socket)
}

/** Returns the time that is left: 0 only if the caller does not want to wait. */
function timeLeft(timeout: number | null, late: number | null): number | null {
  return late === null || timeout === 0 ? timeout : Math.max(1, late - performance.now())
}

function find({ host, port, family }: Wanted): Address[] {
  if (isIP(host) !== 0 && typeof port === 'number') {
    const own = literal(host, port, family)
    if (own instanceof Error) throw own
    return [own]
  }
  const found: AddressInfo[] = runNow(addressInfo(host, port, { family, type: SOCK_STREAM }))
  return found.map(each => each.address)
}
