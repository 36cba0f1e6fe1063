import {
  AF_INET,
  AF_INET6,
  control,
  options,
  serve,
  Socket,
  SOCK_DGRAM,
  type Datagram,
  type DatagramHandler,
  type Server,
} from '../../lib'
import { Socket as BlockingSocket } from '../../lib/sync'
import { thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { makeNamespace, makeNetwork, type Network } from '../helpers/network'

const bytes = (text: string): Buffer => Buffer.from(text)
interface Bound {
  port: number
}

const servers: Server[] = []
const clients: Socket[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await Promise.all(servers.splice(0).map(server => server.close()))
})

function serving(socket: Socket, handler: DatagramHandler): Server {
  const server = serve(socket, handler)
  servers.push(server)
  return server
}

const echo = (socket: Socket): Server => serving(socket, datagram => datagram.reply(datagram.data))

function udp(family: number, netns?: string): Socket {
  const socket = new Socket(family, SOCK_DGRAM, 0, { netns })
  clients.push(socket)
  return socket
}

/** Sends from a connected socket, which receives replies from this address only. */
async function ask(address: string, port: number, netns?: string): Promise<string> {
  const client = udp(address.includes(':') ? AF_INET6 : AF_INET, netns)
  await client.connect([address, port])
  await client.send(bytes(`asked ${address}`))
  return String(await client.recv(100, { timeout: 5000 }))
}

testIf(missing.linux(), 'a reply over IPv4 leaves from the address that was asked', async () => {
  const server = echo(udp(AF_INET).bind(['', 0]))
  const { port } = server.address as unknown as Bound
  for (const address of ['127.0.0.1', '127.0.0.2', '127.9.9.9'])
    expect(await ask(address, port)).toBe(`asked ${address}`)
})

const none = missing.network()

testIf(
  none,
  'a reply over IPv6 and from a dual-stack socket leaves from the address that was asked',
  async () => {
    const space = await makeNamespace()
    try {
      await space.shell('ip addr add fd00::7/128 dev lo nodad; ip addr add 10.7.0.1/32 dev lo')
      const { netns } = space
      const socket = udp(AF_INET6, netns).set(options.IPV6_V6ONLY, false).bind(['::', 0])
      const server = echo(socket)
      const { port } = server.address as unknown as Bound
      for (const address of ['::1', 'fd00::7', '127.0.0.1', '127.0.0.2', '10.7.0.1'])
        expect(await ask(address, port, netns)).toBe(`asked ${address}`)
      const mapped = udp(AF_INET6, netns).set(options.IPV6_V6ONLY, false)
      await mapped.connect(['::ffff:127.0.0.3', port])
      await mapped.send(bytes('mapped'))
      expect(String(await mapped.recv(100, { timeout: 5000 }))).toBe('mapped')
    } finally {
      await space.close()
    }
  },
)

describe('on a link', () => {
  let network: Network
  beforeAll(async () => {
    if (none === null) network = await makeNetwork()
  })
  afterAll(() => network?.close())

  testIf(
    none,
    'link-local, broadcast and multicast datagrams are answered from an address of the interface',
    async () => {
      const { a, b } = network
      await b.shell(
        `ip addr add 10.77.0.9/24 dev b0; ip addr add fd77::9/64 dev b0 nodad; ip route add 239.0.0.0/8 dev b0`,
      )
      const socket = udp(AF_INET6, b.netns).set(options.IPV6_V6ONLY, false)
      socket.bind(['::', 0])
      socket.joinGroup('239.1.2.3', { interface: b.interface.index })
      socket.joinGroup('ff02::1234', { interface: b.interface.index })
      const server = echo(socket)
      const { port } = server.address as unknown as Bound
      expect(await ask('10.77.0.9', port, a.netns)).toBe('asked 10.77.0.9')
      expect(await ask('fd77::9', port, a.netns)).toBe('asked fd77::9')
      expect(await ask(`${b.linkLocal}%${a.interface.index}`, port, a.netns)).toContain('asked fe80')
      for (const [to, from] of [
        ['10.77.0.255', b.v4],
        ['239.1.2.3', b.v4],
        [`ff02::1234%${a.interface.index}`, b.linkLocal],
      ] as const) {
        const client = udp(to.includes(':') ? AF_INET6 : AF_INET, a.netns)
        if (client.family === AF_INET) client.set(options.SO_BROADCAST, true)
        await client.sendto(bytes('all'), [to, port])
        const { address } = await client.recvfrom(100, { timeout: 5000 })
        expect(String(address)).toContain(from)
      }
    },
  )
})

test('a datagram has its decoded control messages', async () => {
  const seen: Datagram[] = []
  const socket = udp(AF_INET).bind(['', 0]).receiveMeta({ ttl: true })
  const server = serving(socket, async datagram => {
    seen.push(datagram)
    await datagram.reply(bytes('seen'))
  })
  await ask('127.0.0.1', (server.address as unknown as Bound).port)
  expect(seen[0]!.meta).toMatchObject({ destination: '127.0.0.1', ttl: 64 })
  expect([...seen[0]!.segments()].map(String)).toEqual(['asked 127.0.0.1'])
})

testIf(missing.linux(), 'segments() yields the datagrams that GRO merged', async () => {
  const parts: string[] = []
  const socket = udp(AF_INET).bind(['127.0.0.1', 0]).receiveMeta({ gro: true })
  const server = serving(socket, async datagram => {
    parts.push(...[...datagram.segments()].map(String))
    if (parts.length === 3) await datagram.reply(bytes('three'))
  })
  const client = udp(AF_INET)
  await client.sendmsg({ data: bytes('onetwo3'), address: server.address, segmentSize: 3 })
  expect(String(await client.recv(100, { timeout: 5000 }))).toBe('three')
  expect(parts).toEqual(['one', 'two', '3'])
})

testIf(missing.linux(), 'control.replyTo answers in /sync, and refuses a message without packetInfo', () => {
  const server = new BlockingSocket(AF_INET, SOCK_DGRAM).bind(['', 0])
  const client = new BlockingSocket(AF_INET, SOCK_DGRAM)
  client.connect(['127.0.0.5', (server.getsockname() as unknown as Bound).port])
  client.send(bytes('first'))
  const first = server.recvmsg(100, { timeout: 5000 })
  expect(thrown(() => control.replyTo(first.meta))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  server.receiveMeta({ packetInfo: true })
  client.send(bytes('second'))
  const { address, meta } = server.recvmsg(100, { timeout: 5000 })
  server.sendmsg({ data: bytes('reply'), address: address!, control: [control.replyTo(meta)] })
  expect(String(client.recv(100, { timeout: 5000 }))).toBe('reply')
  client.close()
  server.close()
})

test('reply and segments can be taken from the datagram', async () => {
  const server = serving(udp(AF_INET).bind(['127.0.0.1', 0]), ({ reply, segments }) =>
    reply(Buffer.concat([...segments(), bytes('!')])),
  )
  const client = udp(AF_INET)
  await client.connect(server.address)
  await client.send(bytes('hello'))
  expect(String(await client.recv(100))).toBe('hello!')
})
