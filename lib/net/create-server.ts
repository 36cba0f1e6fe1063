import { fchmodSync, unlinkSync } from 'node:fs'
import { isIP } from 'node:net'
import type { Address, AddressLike } from '../address'
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

/** Where createServer listens, and how. */
export interface ServerOptions {
  /** An address, a name, or nothing for all addresses. */
  host?: string | undefined
  /** 0, the default, lets the kernel choose. */
  port?: number | undefined
  /** An AF_UNIX path instead of host and port; `'\0name'` is abstract (Linux). */
  path?: string | Uint8Array | undefined
  /** See `Socket.listen`. */
  backlog?: number | undefined
  /** SO_REUSEPORT: several sockets share the port, and the kernel spreads connections over them. */
  reusePort?: boolean | undefined
  /** One AF_INET6 socket for both families. */
  dualstack?: boolean | undefined
  /** Removes the path's socket if nobody listens on it any more. Never one on which somebody does, nor any other file. */
  unlink?: boolean | undefined
  /** Permission bits of the path, exactly, whatever the umask. */
  mode?: number | undefined
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
 * A listening stream socket. SO_REUSEADDR is set, IPV6_V6ONLY is what `dualstack` says. A name is looked up, and its
 * first address used. `EADDRINUSE`, `EACCES` with the address; the socket is closed, and a path that it made is gone,
 * when anything fails.
 *
 * With `mode` the path never has more permissions than that, at no moment (on macOS nobody can connect before it is
 * set). With `unlink` a stale socket is moved aside first and asked again, so that one on which somebody begins to
 * listen meanwhile is put back. A socket that is bound but does not listen yet is taken for a stale one, unless
 * it is another createServer's with `unlink`.
 */
export async function createServer(given?: ServerOptions | Address): Promise<Socket> {
  const options = checkOptions('options', given && endOf<ServerOptions>(given), FIELDS)
  const { path, host, port, backlog } = options
  if (backlog !== undefined) checkInteger('options.backlog', backlog, -0x80000000, 0x7fffffff)
  if (path === undefined) return listenInet(options)
  if (host !== undefined || port !== undefined)
    throw invalidType('options.path', 'given without host and port', path)
  return listenUnix(path, options)
}

/** Whether one AF_INET6 socket can serve both families here: `dualstack` of createServer. */
export function hasDualstackIPv6(): boolean {
  try {
    using socket = new Socket(AF_INET6, SOCK_STREAM)
    socket.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 0)
    return true
  } catch {
    return false
  }
}

async function listenInet(options: ServerOptions): Promise<Socket> {
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
  const { address, scopeId = 0 } = found!.address as { address: string; scopeId?: number } & AddressLike
  return scopeId === 0 ? address : `${address}%${scopeId}`
}

async function listenUnix(path: string | Uint8Array, options: ServerOptions): Promise<Socket> {
  addresses.encode({ path }, AF_UNIX) // refuses what bind would, before anything is touched
  const mode = options.mode === undefined ? null : checkInteger('options.mode', options.mode, 0, 0o7777)
  const name = Buffer.from(path)
  const named = name.length > 0 && name[0] !== 0
  const listen = (): Socket => bindUnix(path, named ? name : null, mode, options.backlog)
  if (options.unlink !== true || !named) return listen()
  return withPathLock(name, async () => {
    await unlinkStale(name)
    return listen()
  })
}

/** Bound and listening; `name` is null for an abstract name. */
function bindUnix(
  path: string | Uint8Array,
  name: Buffer | null,
  mode: number | null,
  backlog: number | undefined,
): Socket {
  const socket = new Socket(AF_UNIX, SOCK_STREAM)
  let bound = false
  try {
    // Linux makes the path with the mode of the socket itself, less the umask: so it is never open wider.
    if (mode !== null && process.platform === 'linux') fchmodSync(socket.fd, mode)
    socket.bind({ path })
    bound = true
    // What the umask took is given back before listen: until then nobody gets in.
    if (mode !== null && name !== null) setMode(name, mode)
    return socket.listen(backlog)
  } catch (error) {
    socket.close()
    if (bound && name !== null) unlinkSync(name)
    throw error
  }
}
