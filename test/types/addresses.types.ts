// Compiled by types.test.ts, never run: the line below @ts-expect-error must be an error.
import * as main from '../../lib'
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  AF_VSOCK,
  MessageBatch,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  Socket,
  createConnection,
  createServer,
  getaddrinfo,
  serve,
} from '../../lib'
import type {
  Address,
  AnyInetAddress,
  AnyUnixAddress,
  Datagram,
  Family,
  Inet6Address,
  InetAddress,
  Message,
  NetlinkAddress,
  PacketAddress,
  Server,
  SocketType,
  VsockAddress,
} from '../../lib'
import * as darwin from '../../lib/darwin'
import * as linux from '../../lib/linux'
import * as sync from '../../lib/sync'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function same<A, B>(answer: Same<A, B>): void
declare const bytes: Buffer

export function ofFamilies(): void {
  const port: number = new Socket(AF_INET, SOCK_DGRAM).getsockname().port
  const host: string = new Socket(AF_INET6).getsockname().address
  const scope: number = new Socket(AF_INET6).getsockname().scopeId
  const path: string = new Socket(AF_UNIX, SOCK_STREAM).getsockname().path
  const cid: number = new Socket(AF_VSOCK).getsockname().cid
  const pid: number = new Socket(linux.AF_NETLINK, linux.SOCK_RAW).getsockname().pid
  const index: number = new Socket(linux.AF_PACKET, linux.SOCK_RAW).getsockname().index
  const ofSync: number = new sync.Socket(sync.AF_INET).getsockname().port
  const ofDarwin: string = new sync.Socket(darwin.AF_UNIX).getsockname().path
  void [port, host, scope, path, cid, pid, index, ofSync, ofDarwin]

  const udp = new Socket(AF_INET, SOCK_DGRAM)
  same<typeof udp, Socket<InetAddress, 'dgram'>>(true)
  const local = new Socket(main.AF_LOCAL, SOCK_SEQPACKET)
  same<typeof local, Socket<AnyUnixAddress, 'seqpacket'>>(true)
  const chosen = new Socket<AnyInetAddress>(Math.random() < 0.5 ? AF_INET : AF_INET6)
  const either: number = chosen.getsockname().port
  void either
  // @ts-expect-error an IPv4 address has no path
  void udp.getsockname().path
  // @ts-expect-error an AF_UNIX address has no port
  void local.getsockname().port
}

export function constants(): void {
  same<typeof AF_INET, Family<InetAddress>>(true)
  same<typeof AF_INET6, Family<Inet6Address>>(true)
  same<typeof AF_UNIX, Family<AnyUnixAddress>>(true)
  same<typeof linux.AF_PACKET, Family<PacketAddress>>(true)
  same<typeof linux.AF_NETLINK, Family<NetlinkAddress>>(true)
  same<typeof linux.AF_VSOCK, Family<VsockAddress>>(true)
  same<typeof SOCK_DGRAM, SocketType<'dgram'>>(true)
  same<typeof main.AF_UNSPEC, number>(true)
  same<typeof main.constants.AF_INET, number | undefined>(true)
  // A family is a number everywhere else.
  const number: number = AF_INET
  const flags: number = SOCK_DGRAM | linux.SOCK_CLOEXEC
  const names: Record<number, string> = { [AF_INET]: 'IPv4', [AF_INET6]: 'IPv6' }
  const text: string | undefined = names[AF_INET]
  const any: Family = AF_INET
  const inet: Family<AnyInetAddress>[] = [AF_INET, AF_INET6]
  void [number, flags, text, any, inet]
  // @ts-expect-error a number carries no type of addresses
  const claimed: Family<InetAddress> = 2
  // @ts-expect-error the addresses of AF_UNIX have no port
  const wrong: Family<InetAddress> = AF_UNIX
  void [claimed, wrong]
}

export function unknownFamilies(family: number, fd: number): void {
  const socket = new Socket(family)
  same<typeof socket, Socket>(true)
  const address = socket.getsockname()
  same<typeof address, Address>(true)
  same<typeof address.port, number | undefined>(true)
  same<typeof address.address, string | undefined>(true)
  same<typeof address.path, string | undefined>(true)
  same<typeof address.interface, string | null | undefined>(true)
  same<typeof address.index, number | undefined>(true)
  same<typeof address.cid, number | null | undefined>(true)
  same<typeof address.name, Buffer | string | bigint | null | undefined>(true)
  const { scopeId, hardwareAddress, pid, groups, data } = address
  void [scopeId, hardwareAddress, pid, groups, data]
  // @ts-expect-error no kind of address has this field
  void address.hostname
  if (address.kind === 'inet6') same<typeof address.scopeId, number>(true)
  if (address.kind === 'unix') {
    const path: string = address.path
    const never: undefined = address.port
    void [path, never]
  }
  const own = Socket.adopt(fd)
  same<typeof own, Socket>(true)
  same<ReturnType<typeof own.getpeername>, Address>(true)
  same<typeof own.remoteAddress, Address | null>(true)
  const made = new Socket()
  same<typeof made, Socket>(true)
}

export function general(udp: Socket<InetAddress, 'dgram'>, blocking: sync.Socket<AnyUnixAddress>): void {
  const socket: Socket = udp
  const inet: Socket<AnyInetAddress> = udp
  const other: sync.Socket = blocking
  void [socket, inet, other]
  // @ts-expect-error another family
  const unix: Socket<AnyUnixAddress> = udp
  // @ts-expect-error another type
  const stream: Socket<InetAddress, 'stream'> = udp
  // @ts-expect-error a general socket may have another family
  const special: Socket<InetAddress> = socket
  void [unix, stream, special]
}

export async function kept(udp: Socket<InetAddress, 'dgram'>, list: Socket<AnyUnixAddress>): Promise<void> {
  same<ReturnType<typeof udp.getpeername>, InetAddress>(true)
  same<typeof udp.localAddress, InetAddress | null>(true)
  same<typeof udp.remoteAddress, InetAddress | null>(true)
  const bound = udp.bind(['127.0.0.1', 0])
  same<typeof bound, Socket<InetAddress, 'dgram'>>(true)
  const copy = udp.dup()
  same<typeof copy, Socket<InetAddress, 'dgram'>>(true)
  const duplicate = Socket.dup(udp)
  same<typeof duplicate, Socket<InetAddress, 'dgram'>>(true)
  const byNumber = Socket.dup(5)
  same<typeof byNumber, Socket>(true)
  const { address } = await udp.recvfrom(10)
  same<typeof address, InetAddress | null>(true)
  same<Awaited<ReturnType<typeof udp.recvfromInto>>['address'], InetAddress | null>(true)
  same<NonNullable<ReturnType<typeof udp.tryRecvfrom>>['address'], InetAddress | null>(true)
  same<NonNullable<ReturnType<typeof udp.tryRecvfromInto>>['address'], InetAddress | null>(true)
  const message = await udp.recvmsg(10)
  same<typeof message, Message<InetAddress>>(true)
  same<typeof message.address, InetAddress | null>(true)
  same<ReturnType<typeof udp.tryRecvmsg>, Message<InetAddress> | null>(true)
  for await (const each of udp.messages()) same<typeof each, Message<InetAddress>>(true)
  const accepted = await list.accept()
  same<typeof accepted, Socket<AnyUnixAddress>>(true)
  same<ReturnType<typeof list.tryAccept>, Socket<AnyUnixAddress> | null>(true)
  for await (const each of list.connections()) same<typeof each, Socket<AnyUnixAddress>>(true)
  const received = await list.recvFds(1, 1)
  same<typeof received.address, AnyUnixAddress | null>(true)
}

export function keptInSync(udp: sync.Socket<InetAddress, 'dgram'>, list: sync.Socket<AnyUnixAddress>): void {
  same<typeof udp.localAddress, InetAddress | null>(true)
  const copy = udp.dup()
  same<typeof copy, sync.Socket<InetAddress, 'dgram'>>(true)
  const duplicate = sync.Socket.dup(udp)
  same<typeof duplicate, sync.Socket<InetAddress, 'dgram'>>(true)
  same<ReturnType<typeof udp.recvfrom>['address'], InetAddress | null>(true)
  same<ReturnType<typeof udp.recvfromInto>['address'], InetAddress | null>(true)
  same<ReturnType<typeof udp.recvmsg>, Message<InetAddress>>(true)
  for (const each of udp.messages()) same<typeof each, Message<InetAddress>>(true)
  same<ReturnType<typeof list.accept>, sync.Socket<AnyUnixAddress>>(true)
  for (const each of list.connections()) same<typeof each, sync.Socket<AnyUnixAddress>>(true)
  same<ReturnType<typeof list.recvFds>['address'], AnyUnixAddress | null>(true)
}

export function pairs(type: number): void {
  const [a] = Socket.pair()
  same<typeof a, Socket<AnyUnixAddress, 'stream'>>(true)
  const [b] = Socket.pair(AF_UNIX, SOCK_SEQPACKET)
  same<typeof b, Socket<AnyUnixAddress, 'seqpacket'>>(true)
  const [c] = Socket.pair(AF_UNIX, type)
  same<typeof c, Socket<AnyUnixAddress>>(true)
  const [d] = Socket.pair(Number('1'), type)
  same<typeof d, Socket>(true)
  const [e] = sync.Socket.pair()
  same<typeof e, sync.Socket<AnyUnixAddress, 'stream'>>(true)
}

export async function servers(options: main.ServerOptions): Promise<void> {
  const tcp = await createServer({ host: 'localhost' })
  same<typeof tcp, Socket<AnyInetAddress, 'stream'>>(true)
  const { address, port, scopeId } = tcp.getsockname()
  same<[typeof address, typeof port, typeof scopeId], [string, number, number | undefined]>(true)
  const anyPort = await createServer()
  same<typeof anyPort, Socket<AnyInetAddress, 'stream'>>(true)
  same<Awaited<ReturnType<typeof tcp.accept>>, Socket<AnyInetAddress, 'stream'>>(true)
  const unix = await createServer({ path: '/tmp/s', unlink: true })
  same<typeof unix, Socket<AnyUnixAddress, 'stream'>>(true)
  const path: string = unix.getsockname().path
  const either = await createServer(options)
  same<typeof either, Socket>(true)
  const udp = await createServer({
    host: 'localhost',
    type: SOCK_DGRAM,
    options: [[main.options.SO_RCVBUF, 1 << 20]],
  })
  same<typeof udp, Socket<AnyInetAddress, 'dgram'>>(true)
  const records = sync.createServer({ path: '/tmp/s', type: main.SOCK_SEQPACKET })
  same<typeof records, sync.Socket<AnyUnixAddress, 'seqpacket'>>(true)
  await createServer({
    options: [
      [main.options.SO_REUSEPORT, true],
      [main.options.SO_RCVBUF, 5],
    ],
  })
  // @ts-expect-error the value does not fit the option
  await createServer({ options: [[main.options.SO_RCVBUF, 'much']] })
  // @ts-expect-error the option can only be read
  await createServer({ options: [[main.options.SO_ERROR, 5]] })
  void path
}

export async function clients(options: main.ConnectOptions | main.ConnectPathOptions): Promise<void> {
  const tcp = await createConnection({ host: 'localhost', port: 80 })
  same<typeof tcp, Socket<AnyInetAddress, 'stream'>>(true)
  const unix = await createConnection({ path: '/tmp/s' })
  same<typeof unix, Socket<AnyUnixAddress, 'stream'>>(true)
  const either = await createConnection(options)
  same<typeof either, Socket<Address, 'stream'>>(true)
  const again = await createConnection(tcp.getpeername())
  same<typeof again, Socket<AnyInetAddress, 'stream'>>(true)
  const unknown = await createConnection(Socket.adopt(3).getpeername())
  same<typeof unknown, Socket<Address, 'stream'>>(true)
  const [found] = await getaddrinfo('localhost', 80)
  const port: number = found!.address.port
  void port
  const quick = sync.createConnection({ port: 'http', options: [[main.options.TCP_NODELAY, true]] })
  same<typeof quick, sync.Socket<AnyInetAddress, 'stream'>>(true)
  // @ts-expect-error the value does not fit the option
  await createConnection({ port: 1, options: [[main.options.TCP_NODELAY, 'yes']] })
  // @ts-expect-error the port is missing
  await createConnection({ host: 'localhost' })
}

export async function serving(tcp: Socket<InetAddress, 'stream'>, unknown: Socket): Promise<void> {
  serve(tcp, async (connection, server) => {
    same<typeof connection, Socket<InetAddress, 'stream'>>(true)
    same<typeof server, Server<InetAddress>>(true)
    await connection.sendAll(bytes)
  })
  const udp = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  const onError = (error: unknown, source: Datagram<InetAddress> | null): void => void [error, source]
  const server = serve(
    udp,
    async (datagram, running) => {
      same<typeof datagram, Datagram<InetAddress>>(true)
      same<typeof running, Server<InetAddress>>(true)
      same<typeof datagram.address, InetAddress | null>(true)
      await datagram.reply(datagram.data)
    },
    { onError },
  )
  same<typeof server, Server<InetAddress>>(true)
  const port: number = server.address.port
  const name: number = server.socket.getsockname().port
  void [port, name]
  serve(await createServer({ host: '::1' }), connection => {
    const from: string | undefined = connection.remoteAddress?.address
    return from
  })
  serve(unknown, connection => void connection.recv(1))
  serve(unknown, (datagram: Datagram) => void datagram.reply(bytes))
  const general: Server = server
  await general.close()
  serve(udp, datagram => {
    // @ts-expect-error a datagram has no recv
    void datagram.recv
  })
  serve(tcp, connection => {
    // @ts-expect-error a connection has no reply
    void connection.reply
  })
}

export async function back(udp: Socket<InetAddress>, any: Socket, blocking: sync.Socket): Promise<void> {
  const { data, address } = await udp.recvfrom(10)
  await udp.sendto(data, address)
  await any.sendto(data, (await any.recvfrom(1)).address)
  await any.sendmsg({ data, address: (await any.recvmsg(1)).address })
  any.trySendto(data, null)
  any.trySendmsg({ data, address: null })
  blocking.sendto(data, blocking.recvfrom(1).address)
  blocking.sendmsg({ data, address: blocking.recvmsg(1).address })
  new MessageBatch({ count: 1, size: 1 }).set(0, data, address)
  any.bind(any.getsockname())
  await any.connect(any.getpeername())
  // @ts-expect-error a socket is bound to an address
  any.bind(null)
  // @ts-expect-error to disconnect, pass { family: AF_UNSPEC, data }
  await any.connect(null)
}

export class Own extends Socket<InetAddress> {
  constructor() {
    super(AF_INET, SOCK_STREAM)
  }
  override accept(): Promise<this> {
    const port: number = this.getsockname().port
    void port
    return super.accept()
  }
}
