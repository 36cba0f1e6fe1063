import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { AddressLike } from './address'
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_REUSEADDR,
  SO_REUSEPORT,
} from './constants'
import { invalidType, type SocketError } from './errors'
import { addresses } from './internal/environment'
import { lookupError } from './connect'
import { checkInteger } from './internal/validate'
import { Socket } from './socket'

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
  /** SO_REUSEPORT: several sockets share the port. */
  reusePort?: boolean | undefined
  /** One AF_INET6 socket for both families. */
  dualstack?: boolean | undefined
  /** Removes a path on which nobody listens any more. Never one on which somebody does. */
  unlink?: boolean | undefined
  /** Permission bits of the path. */
  mode?: number | undefined
}

/**
 * A listening stream socket. SO_REUSEADDR is set, IPV6_V6ONLY is what `dualstack` says. `EADDRINUSE`, `EACCES`
 * with the address; the socket is closed when anything fails.
 */
export async function createServer(options: ServerOptions = {}): Promise<Socket> {
  if (typeof options !== 'object' || options === null) throw invalidType('options', 'object', options)
  if (options.backlog !== undefined) checkInteger('options.backlog', options.backlog, -0x80000000, 0x7fffffff)
  return options.path === undefined ? listenInet(options) : listenUnix(options.path, options)
}

async function listenInet(options: ServerOptions): Promise<Socket> {
  const { host = '', port = 0, dualstack = false, reusePort = false } = options
  if (typeof host !== 'string') throw invalidType('options.host', 'string', host)
  checkInteger('options.port', port, 0, 65535)
  const literal = host === '' ? host : await addressOf(host)
  const family = dualstack || isIP(literal) === 6 ? AF_INET6 : AF_INET
  const own = family === AF_INET6 && isIP(literal) === 4 ? `::ffff:${literal}` : literal
  return listening(family, [own, port], options, socket => {
    socket.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    if (reusePort) socket.setsockopt(SOL_SOCKET, SO_REUSEPORT, 1)
    if (family === AF_INET6) socket.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, dualstack ? 0 : 1)
  })
}

async function addressOf(host: string): Promise<string> {
  if (isIP(host) !== 0 || host.includes('%')) return host
  const found = await lookup(host).catch((cause: unknown) => {
    throw lookupError(host, cause)
  })
  return found.address
}

async function listenUnix(path: string | Uint8Array, options: ServerOptions): Promise<Socket> {
  addresses.encode({ path }, AF_UNIX) // refuses what bind would, before anything is touched
  const mode = options.mode === undefined ? null : checkInteger('options.mode', options.mode, 0, 0o7777)
  if (options.unlink === true) await unlinkStale(path)
  const name = Buffer.from(path)
  const named = name.length > 0 && name[0] !== 0
  let bound = false
  const socket = new Socket(AF_UNIX, SOCK_STREAM)
  try {
    socket.bind({ path })
    bound = true
    // Before listen: until then nobody gets in, whatever the umask made of the path.
    if (mode !== null && named) chmodSync(name, mode)
    return socket.listen(options.backlog)
  } catch (error) {
    socket.close()
    if (bound && named) unlinkSync(name)
    throw error
  }
}

// Asks whether anybody answers. A path that is no socket is left to bind, which refuses it.
async function unlinkStale(path: string | Uint8Array): Promise<void> {
  const name = Buffer.from(path)
  if (name.length === 0 || name[0] === 0) return
  if (lstatSync(name, { throwIfNoEntry: false })?.isSocket() !== true) return
  using probe = new Socket(AF_UNIX, SOCK_STREAM)
  try {
    await probe.connect({ path }, { timeout: 0 })
  } catch (error) {
    if ((error as SocketError).code === 'ECONNREFUSED') unlinkSync(name)
  }
}

function listening(
  family: number,
  address: AddressLike,
  options: ServerOptions,
  prepare: (socket: Socket) => void,
): Promise<Socket> {
  const socket = new Socket(family, SOCK_STREAM)
  try {
    prepare(socket)
    return Promise.resolve(socket.bind(address).listen(options.backlog))
  } catch (error) {
    socket.close()
    return Promise.reject(error as Error)
  }
}
