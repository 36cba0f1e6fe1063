// Compiled by types.test.ts, never run: the line below @ts-expect-error must be an error.
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  AF_UNSPEC,
  SOCK_DGRAM,
  SOCK_STREAM,
  Socket,
  createConnection,
  createServer,
  getaddrinfo,
  type Address,
  type AddressLike,
  type AnyInetAddress,
  type AnyUnixAddress,
  type ConnectOptions,
  type ConnectPathOptions,
  type InetAddress,
  type OutgoingMessage,
  type ServerOptions,
  type ServerPathOptions,
} from '../../lib'
import * as linux from '../../lib/linux'
import * as sync from '../../lib/sync'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function same<A, B>(answer: Same<A, B>): void
declare const data: Buffer

// What createServer and createConnection refuse at run time does not compile.

export async function servers(given: ServerOptions | ServerPathOptions, to?: string): Promise<void> {
  // @ts-expect-error a path or a port
  await createServer({ path: '/tmp/s', port: 0 })
  // @ts-expect-error a path or a host
  await createServer({ path: '/tmp/s', host: 'localhost' })
  // @ts-expect-error a path has no family
  await createServer({ path: '/tmp/s', family: AF_INET })
  // @ts-expect-error a path has one family
  await createServer({ path: '/tmp/s', dualstack: true })
  // @ts-expect-error a path is not shared
  await createServer({ path: '/tmp/s', reusePort: true })
  // @ts-expect-error only a path is removed
  await createServer({ port: 0, unlink: true })
  // @ts-expect-error only a path has permissions
  await createServer({ port: 0, mode: 0o600 })
  // @ts-expect-error an open descriptor is adopted: Socket.adopt(fd)
  await createServer({ fd: 3 })
  // @ts-expect-error a path or a port
  sync.createServer({ path: '/tmp/s', port: 0 })
  await createServer({ path: undefined, port: 0 })
  await createServer({ path: '/tmp/s', port: undefined, host: undefined, family: undefined })
  const either = await createServer(given)
  same<typeof either, Socket>(true)
  const chosen = await createServer(to === undefined ? { port: 0 } : { path: to, unlink: true })
  same<typeof chosen, Socket>(true)
  const blocking = sync.createServer(given)
  same<typeof blocking, sync.Socket>(true)
}

export async function clients(given: ConnectOptions | ConnectPathOptions, to?: string): Promise<void> {
  // @ts-expect-error a path or a port
  await createConnection({ path: '/tmp/s', port: 80 })
  // @ts-expect-error a path or a host
  await createConnection({ path: '/tmp/s', host: 'localhost' })
  // @ts-expect-error a path has no family
  await createConnection({ path: '/tmp/s', family: AF_INET })
  // @ts-expect-error a path has no other end
  await createConnection({ path: '/tmp/s', localAddress: '/tmp/c' })
  // @ts-expect-error a path is one attempt
  await createConnection({ path: '/tmp/s', happyEyeballs: false })
  // @ts-expect-error a path is one attempt
  await createConnection({ path: '/tmp/s', allErrors: true })
  // @ts-expect-error the local address has an IP address
  await createConnection({ port: 80, localAddress: '/tmp/c' })
  // @ts-expect-error a call that blocks takes no signal
  sync.createConnection({ path: '/tmp/s', signal: new AbortController().signal })
  // @ts-expect-error a path or a port
  sync.createConnection({ path: '/tmp/s', port: 80 })
  await createConnection({ path: undefined, port: 80, localAddress: ['127.0.0.1', 0] })
  await createConnection({ path: '/tmp/s', port: undefined, host: undefined, family: undefined })
  const either = await createConnection(given)
  same<typeof either, Socket<Address, 'stream'>>(true)
  await createConnection(to === undefined ? { port: 80 } : { path: to })
}

// A socket takes the addresses of its family, in every form.

export async function inet(udp: Socket<InetAddress, 'dgram'>, own: AnyInetAddress): Promise<void> {
  const from = await udp.recvfrom(1)
  for (const to of [own, from.address!, udp.getsockname()]) await udp.sendto(data, to)
  await udp.sendto(data, from.address)
  await udp.sendto(data, null)
  udp.bind(['', 0]).bind({ port: 0 }).bind({ address: '127.0.0.1', port: 0, scopeId: 0, flowinfo: 0 })
  await udp.connect({ family: AF_UNSPEC, data: new Uint8Array(14) })
  await udp.connect((await getaddrinfo('localhost', 80, { family: AF_INET }))[0]!.address)
  await udp.sendmsg({ data, address: ['127.0.0.1', 9] })
  await udp.sendmsg({ data, address: null, timestamp: true })
  udp.trySendmsg({ data, address: own })
  udp.trySendto(data, { port: 9 })
  udp.tryConnect(own)
  await udp.connectEx(['127.0.0.1', 9])
  // @ts-expect-error a path is for AF_UNIX
  udp.bind('/tmp/s')
  // @ts-expect-error the bytes of a path
  udp.bind(Buffer.from('/tmp/s'))
  // @ts-expect-error a path is for AF_UNIX
  udp.bind({ path: '/tmp/s' })
  // @ts-expect-error a path is for AF_UNIX
  await udp.connect('/tmp/s')
  // @ts-expect-error a path is for AF_UNIX
  await udp.connectEx('/tmp/s')
  // @ts-expect-error a path is for AF_UNIX
  udp.tryConnect('/tmp/s')
  // @ts-expect-error a path is for AF_UNIX
  await udp.sendto(data, '/tmp/s')
  // @ts-expect-error an address of another family
  await udp.sendto(data, { pid: 0, groups: 1 })
  // @ts-expect-error a path is for AF_UNIX
  udp.trySendto(data, '/tmp/s')
  // @ts-expect-error a path is for AF_UNIX
  await udp.sendmsg({ data, address: '/tmp/s' })
  // @ts-expect-error a path is for AF_UNIX
  await udp.sendmsg({ data, address: '/tmp/s', timestamp: true })
  // @ts-expect-error a path is for AF_UNIX
  udp.trySendmsg({ data, address: { path: '/tmp/s' } })
  // An address of a kind that only the running program knows.
  udp.bind(new Socket().getsockname())
  await udp.sendto(data, Socket.adopt(3).remoteAddress)
}

export async function unix(local: Socket<AnyUnixAddress, 'dgram'>): Promise<void> {
  local.bind('/tmp/s').bind('').bind(Buffer.from('/tmp/s')).bind({ path: '\0name' })
  local.bind(local.getsockname()).bind({ family: AF_UNIX, data: new Uint8Array(2) })
  await local.sendto(data, (await local.recvmsg(1)).address)
  // @ts-expect-error a host and a port
  local.bind(['127.0.0.1', 0])
  // @ts-expect-error a host and a port
  await local.sendto(data, { address: '127.0.0.1', port: 1 })
}

export function others(): void {
  new Socket(linux.AF_PACKET, linux.SOCK_RAW).bind({ interface: 'lo', protocol: 3 })
  new Socket(linux.AF_NETLINK, linux.SOCK_RAW).bind({ pid: 0, groups: 1 })
  new Socket(linux.AF_VSOCK, SOCK_STREAM).bind({ cid: 1, port: 5 })
  new Socket(linux.AF_CAN, linux.SOCK_RAW).bind({ interface: 0 })
  new Socket(linux.AF_ALG, linux.SOCK_SEQPACKET).bind({ type: 'hash', name: 'sha256' })
  new Socket(linux.AF_BLUETOOTH, linux.SOCK_SEQPACKET).bind({ bdaddr: '00:00:00:00:00:00', psm: 1 })
  new Socket(linux.AF_TIPC, SOCK_DGRAM).bind({ type: 1, lower: 1, upper: 2 })
  // @ts-expect-error a host and a port
  new Socket(linux.AF_VSOCK, SOCK_STREAM).bind(['127.0.0.1', 5])
  // @ts-expect-error an interface has a name
  new Socket(linux.AF_NETLINK, linux.SOCK_RAW).bind({ interface: 'lo' })
}

/** A socket of a family that only the running program knows takes every form. */
export async function unknown(any: Socket, given: AddressLike, v6: boolean): Promise<void> {
  any.bind('/tmp/s').bind(['', 0]).bind({ cid: 1, port: 2 }).bind(given)
  await any.sendmsg({ data, address: '/tmp/s' })
  new Socket().bind(['', 0]).bind('/tmp/s')
  new Socket(v6 ? AF_INET6 : AF_INET).bind(given)
  new Socket<AnyInetAddress>(v6 ? AF_INET6 : AF_INET).bind(['', 0])
}

/** Code for any one family passes on what it was given. */
export async function generic<A extends Address>(
  socket: Socket<A, 'dgram'>,
  to: AddressLike<A>,
  message: OutgoingMessage<A>,
): Promise<void> {
  socket.bind(to).bind(socket.getsockname())
  await socket.sendto(data, (await socket.recvfrom(1)).address)
  await socket.sendmsg(message)
  const general: Socket = socket
  general.bind(['', 0])
}

export function blocking(udp: sync.Socket<InetAddress, 'dgram'>, any: sync.Socket): void {
  udp.bind(['', 0])
  udp.sendto(data, udp.recvfrom(1).address)
  udp.sendmsg({ data, address: { port: 9 } })
  // @ts-expect-error a path is for AF_UNIX
  udp.bind('/tmp/s')
  // @ts-expect-error a path is for AF_UNIX
  udp.connect('/tmp/s')
  // @ts-expect-error a path is for AF_UNIX
  udp.connectEx('/tmp/s')
  // @ts-expect-error a path is for AF_UNIX
  udp.sendto(data, '/tmp/s')
  // @ts-expect-error a path is for AF_UNIX
  udp.sendmsg({ data, address: '/tmp/s' })
  any.connect('/tmp/s')
  any.connect(['127.0.0.1', 9])
}
