import { unlinkSync } from 'node:fs'
import { isIP } from 'node:net'
import type { Address, AnyInetAddress, AnyUnixAddress } from '../address'
import { native } from '../binding/binding'
import { parseIPv6 } from '../address/text'
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  AI_PASSIVE,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_REUSEADDR,
  SO_REUSEPORT,
  type SocketKind,
  type SocketType,
} from '../constants'
import { invalidType } from '../errors'
import { addresses } from '../host'
import { addressInfo, type AddressInfo } from '../names/lookup'
import { driveLater, type Steps } from '../names/run'
import { copyOfView } from '../address/sockaddr'
import { Socket } from '../socket'
import type { BaseSocket } from '../socket/base'
import { check } from '../socket/option-calls'
import { checkOptions } from '../validators'
import { checkBoolean, checkInteger } from '../errors/argument'
import { checkEnd, checkFamily, checkPort, endOf, notOfFamily, portOf } from './endpoint'
import { checkOptionValues, type OptionValues } from './option-values'
import { takePassed } from './listen-fds'
import { lockPath, occupied, setMode, unlinkStale } from './unix-path'

/** The options of createServer for IPv4 and IPv6. */
export interface ServerOptions {
  /** An IP address or a host name. Default: all addresses of this host. */
  host?: string | undefined
  /** The port, or the name of a service such as `'http'`. Default 0: the kernel chooses a free port. */
  port?: number | string | undefined
  /** `AF_INET` or `AF_INET6`. Default: the family of the host's first address; `AF_INET` without a host. */
  family?: number | undefined
  /** `SOCK_STREAM` (the default), `SOCK_SEQPACKET`, or `SOCK_DGRAM`: a datagram socket is bound and does not listen. */
  type?: number | undefined
  /** The maximum number of waiting connections: see `Socket.listen`. */
  backlog?: number | undefined
  /** Sets SO_REUSEPORT: several sockets share the port, and the kernel distributes connections over them. */
  reusePort?: boolean | undefined
  /** If true, one AF_INET6 socket accepts both IPv6 and IPv4. */
  dualstack?: boolean | undefined
  path?: undefined
  unlink?: undefined
  mode?: undefined
}

/** The options of createServer for an AF_UNIX path. */
export interface ServerPathOptions {
  /** An AF_UNIX path, instead of host and port. `'\0name'` is an abstract name (Linux). */
  path: string | Uint8Array
  /** `SOCK_STREAM` (the default), `SOCK_SEQPACKET`, or `SOCK_DGRAM`: a datagram socket is bound and does not listen. */
  type?: number | undefined
  /** The maximum number of waiting connections: see `Socket.listen`. */
  backlog?: number | undefined
  /** If true, removes a stale socket at the path first: one that no process uses. Never removes any other file. */
  unlink?: boolean | undefined
  /** The exact permission bits of the path, regardless of the umask. */
  mode?: number | undefined
  host?: undefined
  port?: undefined
  family?: undefined
  reusePort?: undefined
  dualstack?: undefined
}

const FIELDS = [
  'host',
  'port',
  'family',
  'path',
  'type',
  'backlog',
  'reusePort',
  'dualstack',
  'unlink',
  'mode',
  'options',
] satisfies (keyof CheckedOptions)[]

/** The options that only IPv4 and IPv6 have, and those that only a path has. */
const INET_ONLY = ['host', 'port', 'family', 'reusePort', 'dualstack'] as const
const PATH_ONLY = ['unlink', 'mode'] as const

/** What createServer gets: `options` is checked where it is read. */
type CheckedOptions = (ServerOptions | ServerPathOptions) & { options?: unknown }

const TYPES: readonly number[] = [SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM]

/** A class of sockets: of `bsd-sockets` or of `bsd-sockets/sync`. */
export type Flavour<S extends BaseSocket> = new (family: number, type: number) => S

/** Options of createServer whose `type` tells the type of the socket, and where each value of `options` fits its option. */
export type TypedServerOptions<O, T extends readonly unknown[], K extends SocketKind> = Omit<O, 'type'> & {
  /** Options to set before bind: `[[options.SO_RCVBUF, 1 << 20]]`. They are set last, so they win over all others. */
  options?: OptionValues<T> | undefined
  type?: SocketType<K> | undefined
}

/**
 * Creates a socket, binds it and listens. A datagram socket does not listen.
 *
 * SO_REUSEADDR is set, except on datagram sockets: there another process could take datagrams away. IPV6_V6ONLY follows
 * `dualstack`, and is off for an IPv4-mapped address. A host name is looked up, and its first address is used. Errors
 * such as `EADDRINUSE` and `EACCES` name the address. On failure the socket is closed, and a path that it created is
 * removed.
 *
 * With `mode`, the path never has wider permissions, not even between bind and listen. (On macOS the path exists with
 * other permissions first, but no process can connect before `mode` is set.)
 *
 * With `unlink`, a stale socket is renamed first and tested again. If a process started to use it meanwhile, it is
 * renamed back. A stream socket that is bound but does not listen yet looks stale and is removed, unless another
 * createServer with `unlink` created it.
 */
export function createServer<const T extends readonly unknown[] = [], K extends SocketKind = 'stream'>(
  options?: TypedServerOptions<ServerOptions, T, K>,
): Promise<Socket<AnyInetAddress, NoInfer<K>>>
/** Creates a socket that listens on an AF_UNIX path. The options `unlink` and `mode` prepare the path. */
export function createServer<const T extends readonly unknown[] = [], K extends SocketKind = 'stream'>(
  options: TypedServerOptions<ServerPathOptions, T, K>,
): Promise<Socket<AnyUnixAddress, NoInfer<K>>>
/** Creates a socket that listens on the address of another socket. */
export function createServer(options: Address): Promise<Socket<Address, 'stream'>>
/** Creates a socket as the options say. Their type does not tell which kind of socket that is. */
export function createServer(options: ServerOptions | ServerPathOptions | Address): Promise<Socket>
export async function createServer(given?: unknown): Promise<Socket> {
  return driveLater(serverSteps(given as CheckedOptions | Address | undefined, Socket), {
    flags: 0,
    timeout: null,
    signal: undefined,
  })
}

/**
 * Takes the sockets that a service manager passed to this process, by name. sd_listen_fds(3), systemd.socket(5)
 *
 * The manager sets `LISTEN_FDS` (how many descriptors, from 3 on), `LISTEN_PID` (for which process), and
 * `LISTEN_FDNAMES` (the values of `FileDescriptorName=`, by default the name of the socket unit). A socket without a
 * name is called `'unknown'`. Sockets of one name are in the order of their descriptors.
 *
 * The sockets become close-on-exec and non-blocking, and the variables are removed from `process.env`. So child processes
 * do not take the sockets for theirs, and a second call returns an empty map. The map is empty too if no socket was
 * passed to this process. Throws `ENOTSOCK` or `EBADF` if a descriptor is no socket or not open, and `ERR_OUT_OF_RANGE`
 * if a variable is malformed. Nothing is taken then.
 *
 * @example
 * const [passed] = listenFds().get('http') ?? []
 * const server = serve(passed ?? (await createServer({ port: 8080 })), handler)
 */
export function listenFds(): Map<string, Socket[]> {
  return takePassed(Socket)
}

/** True if this system supports the option `dualstack` of createServer: one AF_INET6 socket for both families. */
export function hasDualstackIPv6(): boolean {
  try {
    using socket = new Socket(AF_INET6, SOCK_STREAM)
    socket.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 0)
    return true
  } catch {
    return false
  }
}

/** Checks the options, then yields the lookups and pauses that the server needs. Both forms of createServer run this. */
export function* serverSteps<S extends BaseSocket>(
  given: CheckedOptions | Address | undefined,
  Flavour: Flavour<S>,
): Steps<S> {
  if (given !== undefined) checkEnd(given, 'createServer')
  const options = checkOptions('options', given && endOf<CheckedOptions>(given), FIELDS)
  const { backlog, type = SOCK_STREAM } = options
  if (!TYPES.includes(type))
    throw invalidType('options.type', 'SOCK_STREAM, SOCK_SEQPACKET or SOCK_DGRAM', type)
  if (backlog !== undefined) {
    checkInteger('options.backlog', backlog, -0x80000000, 0x7fffffff)
    if (type === SOCK_DGRAM) throw invalidType('options.backlog', 'left out for SOCK_DGRAM', backlog)
  }
  const configure = checkOptionValues('options.options', options.options)
  const make: Make<S> = family => {
    const socket = new Flavour(family, type)
    return {
      socket,
      configure: () => configure(socket),
      listen: () => (type === SOCK_DGRAM ? socket : socket.listen(backlog)),
    }
  }
  if (options.path === undefined) {
    const other = PATH_ONLY.find(name => isGiven(options[name]))
    if (other !== undefined) throw invalidType(`options.${other}`, 'left out without a path', options[other])
    return yield* listenInet(options, type, make)
  }
  const other = INET_ONLY.find(name => isGiven(options[name]))
  if (other !== undefined) throw invalidType('options.path', `given without ${other}`, options.path)
  return yield* listenUnix(options.path, options, make)
}

/** False for an option that is off. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== false
}

/** Creates the socket. `configure` sets the caller's options; `listen` listens, unless it is a datagram socket. */
type Make<S> = (family: number) => { socket: S; configure: () => void; listen: () => S }

function* listenInet<S extends BaseSocket>(options: ServerOptions, type: number, make: Make<S>): Steps<S> {
  const { host = '', dualstack = false, reusePort = false } = options
  checkBoolean('options.dualstack', dualstack)
  checkBoolean('options.reusePort', reusePort)
  if (typeof host !== 'string') throw invalidType('options.host', 'string', host)
  const wanted = checkFamily(options.family)
  if (dualstack && wanted === AF_INET) throw invalidType('options.family', 'AF_INET6 with dualstack', wanted)
  const service = checkPort(options.port ?? 0)
  const port = typeof service === 'number' ? service : yield* portOf(service, type)
  const literal =
    host === '' || isIP(host) !== 0 ? host : yield* addressOf(host, dualstack ? 0 : wanted, type)
  const version = isIP(literal)
  const six = dualstack || version === 6 || (host === '' && wanted === AF_INET6)
  if (!dualstack && wanted !== 0 && (wanted === AF_INET6) !== six) throw notOfFamily(host)
  const own = six && version === 4 ? `::ffff:${literal}` : literal
  const { socket, configure, listen } = make(six ? AF_INET6 : AF_INET)
  try {
    if (type !== SOCK_DGRAM) socket.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    if (reusePort) socket.setsockopt(SOL_SOCKET, SO_REUSEPORT, 1)
    if (six) socket.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, dualstack || isMapped(own) ? 0 : 1)
    configure()
    socket.bind([own, port])
    return listen()
  } catch (error) {
    socket.close()
    throw error
  }
}

/** True for an IPv4-mapped address. A socket with IPV6_V6ONLY cannot bind to it. */
function isMapped(address: string): boolean {
  const bytes = parseIPv6(address.split('%', 1)[0]!)
  return bytes?.every((byte, i) => i > 11 || byte === (i < 10 ? 0 : 0xff)) === true
}

function* addressOf(host: string, family: number, type: number): Steps<string> {
  const found = (yield addressInfo(host, null, { family, type }, AI_PASSIVE)) as AddressInfo[]
  const { address, scopeId = 0 } = found[0]!.address as { address: string; scopeId?: number }
  return scopeId === 0 ? address : `${address}%${scopeId}`
}

function* listenUnix<S extends BaseSocket>(
  given: string | Uint8Array,
  options: ServerPathOptions,
  make: Make<S>,
): Steps<S> {
  // One copy for the checks, the file and the call: the caller may change its bytes while this waits for the lock.
  const path = ArrayBuffer.isView(given) ? Uint8Array.from(copyOfView(given)) : given
  addresses.encode({ path }, AF_UNIX) // reject a bad path before any file is touched
  const { unlink = false } = options
  checkBoolean('options.unlink', unlink)
  const mode = options.mode === undefined ? null : checkInteger('options.mode', options.mode, 0, 0o7777)
  const name = Buffer.from(path)
  const named = name.length > 0 && name[0] !== 0
  const listen = (): S => bindUnix(path, named ? name : null, mode, make)
  if (!unlink || !named) return listen()
  using _lock = yield* lockPath(name)
  unlinkStale(name)
  try {
    return listen()
  } catch (error) {
    throw occupied(name, error)
  }
}

/** Returns a bound socket, which listens unless it is a datagram socket. `name` is null for an abstract name. */
function bindUnix<S extends BaseSocket>(
  path: string | Uint8Array,
  name: Buffer | null,
  mode: number | null,
  make: Make<S>,
): S {
  const { socket, configure, listen } = make(AF_UNIX)
  let bound = false
  try {
    configure()
    // Linux creates the path with the mode of the socket's inode, less the umask: it is never wider than `mode`.
    if (mode !== null && process.platform === 'linux')
      check(socket, 'fchmod', native.fchmod(socket.channel.id, mode))
    socket.bind({ path })
    bound = true
    // Restore the bits that the umask removed. Before listen no process can connect.
    if (mode !== null && name !== null) setMode(name, mode)
    return listen()
  } catch (error) {
    socket.close()
    if (bound && name !== null) unlinkSync(name)
    throw error
  }
}
