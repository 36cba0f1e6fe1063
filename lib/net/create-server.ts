import { fchmodSync, unlinkSync } from 'node:fs'
import { isIP } from 'node:net'
import type { Address, AnyInetAddress, AnyUnixAddress } from '../address'
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  AI_PASSIVE,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_REUSEADDR,
  SO_REUSEPORT,
} from '../constants'
import { invalidType } from '../errors'
import { addresses } from '../host'
import { endOf } from './endpoint'
import { checkInteger, checkOptions } from '../validators'
import { getaddrinfo } from '../names'
import { Socket } from '../socket'
import { setMode, unlinkStale, withPathLock } from './unix-path'

/** The options of createServer. */
export interface ServerOptions {
  /** An IP address or a host name. Default: all addresses of this host. */
  host?: string | undefined
  /** The port. Default 0: the kernel chooses a free one. */
  port?: number | undefined
  /** An AF_UNIX path, instead of host and port. `'\0name'` is an abstract name (Linux). */
  path?: string | Uint8Array | undefined
  /** The maximum number of waiting connections: see `Socket.listen`. */
  backlog?: number | undefined
  /** Sets SO_REUSEPORT: several sockets share the port, and the kernel distributes connections over them. */
  reusePort?: boolean | undefined
  /** If true, one AF_INET6 socket accepts both IPv6 and IPv4. */
  dualstack?: boolean | undefined
  /** If true, removes a stale socket at the path first: one without a listener. Never removes any other file. */
  unlink?: boolean | undefined
  /** The exact permission bits of the path, regardless of the umask. */
  mode?: number | undefined
}

/** The options of createServer for an AF_UNIX path. */
export interface ServerPathOptions extends ServerOptions {
  path: string | Uint8Array
  host?: undefined
  port?: undefined
}

const FIELDS = [
  'host',
  'port',
  'path',
  'backlog',
  'reusePort',
  'dualstack',
  'unlink',
  'mode',
] satisfies (keyof ServerOptions)[]

/**
 * Creates a stream socket, binds it and listens. SO_REUSEADDR is set, and IPV6_V6ONLY follows `dualstack`. A host
 * name is looked up, and its first address is used. Errors such as `EADDRINUSE` and `EACCES` name the address. On
 * failure the socket is closed, and a path that it created is removed.
 *
 * With `mode`, the path never has wider permissions, not even between bind and listen. (On macOS the path exists with
 * other permissions first, but no process can connect before `mode` is set.)
 *
 * With `unlink`, a stale socket is renamed first and tested again. If a process started to listen on it meanwhile, it
 * is renamed back. A socket that is bound but does not listen yet looks stale and is removed, unless another
 * createServer with `unlink` created it.
 */
export function createServer(
  options?: ServerOptions & { path?: undefined },
): Promise<Socket<AnyInetAddress, 'stream'>>
/** Creates a socket that listens on an AF_UNIX path. The options `unlink` and `mode` prepare the path. */
export function createServer(options: ServerPathOptions): Promise<Socket<AnyUnixAddress, 'stream'>>
/** Creates a socket that listens on the address of another socket, or on a host and port or a path. */
export function createServer(options: ServerOptions | Address): Promise<Socket<Address, 'stream'>>
export async function createServer(given?: ServerOptions | Address): Promise<Socket<Address, 'stream'>> {
  const options = checkOptions('options', given && endOf<ServerOptions>(given), FIELDS)
  const { path, host, port, backlog } = options
  if (backlog !== undefined) checkInteger('options.backlog', backlog, -0x80000000, 0x7fffffff)
  if (path === undefined) return listenInet(options)
  if (host !== undefined || port !== undefined)
    throw invalidType('options.path', 'given without host and port', path)
  return listenUnix(path, options)
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

async function listenInet(options: ServerOptions): Promise<Socket<AnyInetAddress, 'stream'>> {
  const { host = '', port = 0, dualstack = false, reusePort = false } = options
  if (typeof host !== 'string') throw invalidType('options.host', 'string', host)
  checkInteger('options.port', port, 0, 65535)
  const literal = host === '' || isIP(host) !== 0 ? host : await addressOf(host)
  const family = dualstack || isIP(literal) === 6 ? AF_INET6 : AF_INET
  const own = family === AF_INET6 && isIP(literal) === 4 ? `::ffff:${literal}` : literal
  const socket = new Socket(family, SOCK_STREAM)
  try {
    socket.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    if (reusePort) socket.setsockopt(SOL_SOCKET, SO_REUSEPORT, 1)
    if (family === AF_INET6) socket.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, dualstack ? 0 : 1)
    return socket.bind([own, port]).listen(options.backlog)
  } catch (error) {
    socket.close()
    throw error
  }
}

async function addressOf(host: string): Promise<string> {
  const [found] = await getaddrinfo(host, null, { type: SOCK_STREAM, flags: AI_PASSIVE })
  const { address, scopeId = 0 } = found!.address
  return scopeId === 0 ? address : `${address}%${scopeId}`
}

async function listenUnix(
  path: string | Uint8Array,
  options: ServerOptions,
): Promise<Socket<AnyUnixAddress, 'stream'>> {
  addresses.encode({ path }, AF_UNIX) // reject a bad path before any file is touched
  const mode = options.mode === undefined ? null : checkInteger('options.mode', options.mode, 0, 0o7777)
  const name = Buffer.from(path)
  const named = name.length > 0 && name[0] !== 0
  const listen = (): Socket<AnyUnixAddress, 'stream'> =>
    bindUnix(path, named ? name : null, mode, options.backlog)
  if (options.unlink !== true || !named) return listen()
  return withPathLock(name, async () => {
    await unlinkStale(name)
    return listen()
  })
}

/** Returns a bound, listening socket. `name` is null for an abstract name. */
function bindUnix(
  path: string | Uint8Array,
  name: Buffer | null,
  mode: number | null,
  backlog: number | undefined,
): Socket<AnyUnixAddress, 'stream'> {
  const socket = new Socket(AF_UNIX, SOCK_STREAM)
  let bound = false
  try {
    // Linux creates the path with the mode of the socket's inode, less the umask: it is never wider than `mode`.
    if (mode !== null && process.platform === 'linux') fchmodSync(socket.fd, mode)
    socket.bind({ path })
    bound = true
    // Restore the bits that the umask removed. Before listen no process can connect.
    if (mode !== null && name !== null) setMode(name, mode)
    return socket.listen(backlog)
  } catch (error) {
    socket.close()
    if (bound && name !== null) unlinkSync(name)
    throw error
  }
}
