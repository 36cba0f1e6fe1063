// Compiled by types.test.ts, never run: the line below @ts-expect-error must be an error.
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  SOCK_DGRAM,
  SOCK_STREAM,
  Socket,
  SocketError,
  capabilities,
  createConnection,
  supports,
} from '../../lib'
import type { Address, Membership } from '../../lib'
import type * as main from '../../lib'
import type * as linux from '../../lib/linux'
import { Socket as SyncSocket } from '../../lib/sync'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function same<A, B>(answer: Same<A, B>): void

export async function asynchronous(socket: Socket, bytes: Uint8Array): Promise<void> {
  const data = await socket.recv(10)
  same<typeof data, ReturnType<typeof Buffer.alloc>>(true)
  const count = await socket.recvInto(bytes)
  same<typeof count, number>(true)
  const from = await socket.recvfrom(10)
  same<typeof from.address, Address | null>(true)

  // @ts-expect-error a size is a number
  await socket.recv('10')
  // @ts-expect-error the size is required
  await socket.recv()
  // @ts-expect-error text must be encoded first
  await socket.send('text')
  // @ts-expect-error text must be encoded first
  await socket.sendAll('text')
  // @ts-expect-error a plain array is not memory
  await socket.recvInto([1, 2, 3])
  // @ts-expect-error an option that does not exist
  await socket.recv(10, { timeuot: 1 })

  await socket.send(bytes)
  await socket.send(new DataView(new ArrayBuffer(1)))
  await socket.recv(10, 1000)
  await socket.recv(10, { timeout: 1000, signal: AbortSignal.timeout(1) })

  const accepted = await socket.accept()
  same<typeof accepted, Socket>(true)
}

export async function timestamps(socket: Socket, blocking: SyncSocket, data: Uint8Array): Promise<void> {
  const plain = await socket.sendmsg({ data })
  same<typeof plain, number>(true)
  const off = await socket.sendmsg({ data, timestamp: false })
  same<typeof off, number>(true)
  const stamped = await socket.sendmsg({ data, timestamp: true }, { timeout: 1000 })
  same<typeof stamped, main.TimestampedSend>(true)
  const blocked = blocking.sendmsg({ data, timestamp: true })
  same<typeof blocked.timestamp, bigint>(true)
  const message: main.OutgoingMessage = { data }
  same<Awaited<ReturnType<typeof socket.sendmsg>>, main.TimestampedSend>(true)
  void socket.sendmsg(message)
  // @ts-expect-error trySendmsg does not wait
  socket.trySendmsg({ data, timestamp: true })
  // @ts-expect-error one timestamp for many datagrams
  void socket.sendmsg({ data, timestamp: true, segmentSize: 100 })
}

export function properties(socket: Socket): void {
  same<typeof socket.fd, number>(true)
  // @ts-expect-error the descriptor is read-only
  socket.fd = 3
  socket.timeout = 100
}

export function disposable(): void {
  using socket = new Socket(AF_INET, SOCK_STREAM)
  using blocking = new SyncSocket(AF_INET)
  void socket.fd
  void blocking.fd
}

export function multicast(socket: Socket, blocking: SyncSocket): void {
  using membership = socket.joinGroup('239.1.1.1', { interface: 'lo', source: '10.0.0.1' })
  same<typeof membership, Membership>(true)
  same<typeof membership.source, string | null>(true)
  blocking.joinGroup('ff12::1', { interface: 1 }).block('fe80::1')
  // @ts-expect-error a group is a string
  socket.joinGroup(5)
  // @ts-expect-error an option that does not exist
  socket.joinGroup('239.1.1.1', { iface: 'lo' })
  // @ts-expect-error another source needs another membership
  membership.interface = 2
}

export function families(six: boolean, family: number): void {
  const own = new Socket(AF_INET, SOCK_DGRAM)
  same<typeof own, Socket<main.InetAddress, 'dgram'>>(true)
  const either = new Socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM)
  same<typeof either, Socket<Address, 'dgram'>>(true)
  const blocking = new SyncSocket(six ? AF_INET6 : AF_INET, SOCK_DGRAM)
  same<typeof blocking, SyncSocket<Address, 'dgram'>>(true)
  const any = new Socket(family, six ? SOCK_STREAM : SOCK_DGRAM)
  same<typeof any, Socket<Address, 'stream' | 'dgram'>>(true)
  const [first] = Socket.pair(six ? AF_INET : AF_UNIX, SOCK_DGRAM)
  same<typeof first, Socket<Address, 'dgram'>>(true)
  const [second] = SyncSocket.pair(six ? AF_INET : AF_UNIX, SOCK_DGRAM)
  same<typeof second, SyncSocket<Address, 'dgram'>>(true)
}

export function paths(port: number): void {
  void createConnection({ path: '/run/a' })
  // @ts-expect-error a path has no port
  void createConnection({ path: '/run/a', port })
}

export function elsewhere(): void {
  void new Socket(AF_INET, SOCK_STREAM, 0, { netns: 'blue' })
  void new SyncSocket(AF_INET, SOCK_STREAM, 0, { netns: 3 })
  // @ts-expect-error needs a descriptor, a path or a name
  void new Socket(AF_INET, SOCK_STREAM, 0, { netns: true })
}

export function features(): void {
  same<ReturnType<typeof supports>, boolean>(true)
  supports('gso')
  // @ts-expect-error unknown feature
  supports('GSO')
  // @ts-expect-error the result is frozen
  capabilities()[0] = undefined
}

export function synchronous(socket: SyncSocket): void {
  const data = socket.recv(10)
  same<typeof data, ReturnType<typeof Buffer.alloc>>(true)
  // @ts-expect-error no code can abort the signal while the thread waits
  socket.recv(10, { signal: AbortSignal.timeout(1) })
}

export function constants(): void {
  // In the subpath, constants are numbers. In the main entry, constants of only one system may be undefined.
  same<typeof linux.SO_BINDTODEVICE, number>(true)
  same<typeof linux.SO_PEERPIDFD, number>(true)
  same<typeof main.SO_ERROR, number>(true)
}

export function errors(error: unknown): void {
  if (!(error instanceof SocketError)) return
  const { code, errno } = error
  same<typeof code, string>(true)
  same<typeof errno, number | undefined>(true)
}
