import dgram from 'node:dgram'
import { once } from 'node:events'
import { BlockList } from 'node:net'
import { createSocket, type Socket as DgramSocket, type RemoteInfo } from '../../lib/dgram'
import {
  AF_INET,
  AF_UNIX,
  createServer,
  options,
  SOCK_DGRAM,
  Socket,
  SOL_SOCKET,
  SO_REUSEPORT,
} from '../../lib'
import { thrown } from '../helpers/errors'
import { abstractName, withPath } from '../helpers/pairs'
import { makeNetwork } from '../helpers/network'
import { missing, testIf } from '../helpers/need'

type Received = [data: Buffer, sender: RemoteInfo, message: { meta: { destination?: unknown } }]
const next = async (socket: DgramSocket): Promise<Received> => (await once(socket, 'message')) as Received
const sent = (send: (done: (error: Error | null, bytes: number) => void) => void): Promise<number> =>
  new Promise((resolve, reject) => send((error, bytes) => (error ? reject(error) : resolve(bytes))))

async function bound(type: 'udp4' | 'udp6' = 'udp4'): Promise<DgramSocket> {
  const socket = createSocket(type).bind(0, type === 'udp4' ? '127.0.0.1' : '::1')
  await once(socket, 'listening')
  return socket
}

describe.each(['udp4', 'udp6'] as const)('%s', type => {
  it('exchanges datagrams with node:dgram, with the same rinfo', async () => {
    await using ours = await bound(type)
    const theirs = dgram.createSocket(type)
    const here = ours.address()
    theirs.send('question', here.port, here.address)
    const [data, sender] = await next(ours)
    const there = theirs.address()
    expect(String(data)).toBe('question')
    expect(sender).toEqual({ address: here.address, family: there.family, port: there.port, size: 8 })
    expect(here).toEqual({ ...there, address: here.address, port: here.port })
    ours.send(['ans', bytes('wer')], sender.port, sender.address)
    const [answer, server] = (await once(theirs, 'message')) as [Buffer, RemoteInfo]
    expect([String(answer), server]).toEqual(['answer', { ...here, size: 6 }])
    theirs.close()
  })
})

const bytes = (text: string): Buffer => Buffer.from(text)

it.each(['bsd-sockets/dgram', 'node:dgram'])(
  'bind() comes before a send() in the same turn: %s',
  async kind => {
    const create = (kind === 'node:dgram' ? dgram.createSocket : createSocket) as typeof createSocket
    const probe = await bound()
    const { port } = probe.address()
    await probe[Symbol.asyncDispose]()
    const client = create('udp4').bind(0, '127.0.0.1')
    await once(client, 'listening')
    const server = create('udp4').bind(port, '127.0.0.1')
    client.send('early', port, '127.0.0.1')
    expect(String((await next(server))[0])).toBe('early')
    client.close()
    server.close()
  },
)

it('bad addresses and sizes are errors of the call, also before the socket is bound', () => {
  const socket = createSocket('udp4')
  expect(() => socket.send('x', { address: 5 } as never)).toThrow(TypeError)
  expect(() => socket.connect(5, 7 as never)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
  )
  for (const group of [5, ['x']])
    expect(() => socket.addMembership(group as never)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    )
  for (const address of [Symbol('x'), 5, {}])
    expect(() => socket.bind(0, address as never)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    )
  for (const size of [1n, Symbol('x'), Object.create(null)])
    expect(() => socket.setSendBufferSize(size as never)).toThrow(
      expect.objectContaining({ code: 'ERR_SOCKET_BAD_BUFFER_SIZE' }),
    )
  socket.close()
})

it('binds to a path at once, and reports an error in the next tick', () =>
  withPath(async file => {
    const [first, second] = [createSocket('unix').bind(file), createSocket('unix').bind(file)]
    const [error] = (await once(second, 'error')) as [NodeJS.ErrnoException]
    expect([error.code, error.syscall]).toEqual(['EADDRINUSE', 'bind'])
    expect(first.address().address).toBe(file)
    first.close()
    second.close()
  }))

it('binds before the first send, and sends what waited in order', async () => {
  await using server = await bound()
  const { port } = server.address()
  const client = createSocket({ type: 'udp4' })
  client.send('one', port)
  client.send('-two-', 1, 3, port, '127.0.0.1')
  client.send(new DataView(bytes('three').buffer.slice(0, 0)), port, 'localhost')
  const texts = [String((await next(server))[0]), String((await next(server))[0])]
  expect([...texts, String((await next(server))[0])]).toEqual(['one', 'two', ''])
  client.close()
  await once(client, 'close')
})

it('a lookup that calls back at once loses no send', async () => {
  await using server = await bound()
  const hosts: string[] = []
  await using client = createSocket({
    type: 'udp4',
    lookup: (host, family, done) => {
      hosts.push(`${host} ${family}`)
      done(null, host === 'there' ? '127.0.0.1' : host, 4)
    },
  })
  client.send('x', server.address().port, 'there')
  expect(String((await next(server))[0])).toBe('x')
  expect(hosts).toEqual(['0.0.0.0 4', 'there 4'])
})

it('connects, refuses other destinations then, and disconnects', async () => {
  await using server = await bound()
  await using client = createSocket('udp4')
  const { port } = server.address()
  client.connect(port)
  await once(client, 'connect')
  expect(client.remoteAddress()).toEqual({ address: '127.0.0.1', family: 'IPv4', port })
  expect(await sent(done => client.send('abcdef', 1, 3, done))).toBe(3)
  expect(String((await next(server))[0])).toBe('bcd')
  expect(thrown(() => client.send('x', port)).code).toBe('ERR_SOCKET_DGRAM_IS_CONNECTED')
  expect(thrown(() => client.connect(port)).code).toBe('ERR_SOCKET_DGRAM_IS_CONNECTED')
  client.disconnect()
  expect(thrown(() => client.disconnect()).code).toBe('ERR_SOCKET_DGRAM_NOT_CONNECTED')
  expect(thrown(() => client.remoteAddress()).code).toBe('ERR_SOCKET_DGRAM_NOT_CONNECTED')
})

it('throws the errors of node:dgram', async () => {
  const codes = (create: (type: never) => DgramSocket): unknown[] => {
    const socket = create('udp4' as never)
    const found = [
      () => create('tcp' as never),
      () => socket.send(1 as never, 1),
      () => socket.send([1] as never, 1),
      () => socket.send('x', 70000),
      () => socket.send('x', 0),
      () => socket.send('x', 1, 5, 1, '127.0.0.1'),
      () => socket.send('x', 1, 1 as never),
      () => socket.connect(0),
      () => socket.setTTL('1' as never),
      () => socket.setTTL(64),
      () => socket.setBroadcast(true),
      () => socket.getRecvBufferSize(),
      () => socket.setSendBufferSize(-1),
      () => socket.addMembership(undefined as never),
      () => socket.addMembership('1.2.3'),
      () => socket.addSourceSpecificMembership(1 as never, '224.0.0.1'),
      () => socket.close(),
      () => socket.close(),
      () => socket.bind(),
    ].map(call => {
      try {
        call()
        return 'ok'
      } catch (error) {
        const { name, code, message } = error as Error & { code: string }
        return `${name} ${code} ${message}`
      }
    })
    return found
  }
  const [badType, ...rest] = codes(dgram.createSocket as never)
  expect(codes(createSocket)).toEqual([`${String(badType)}, unix`, ...rest])
})

it('emits the error of a bind, and can be bound then', async () => {
  await using first = await bound()
  await using second = createSocket('udp4')
  second.bind(first.address().port, '127.0.0.1')
  const [error] = (await once(second, 'error').catch((reason: unknown) => [reason])) as [
    NodeJS.ErrnoException,
  ]
  expect(error.message).toBe(`bind EADDRINUSE 127.0.0.1:${first.address().port}`)
  await new Promise<void>(resolve => second.bind(0, resolve))
  expect(second.address().port).toBeGreaterThan(0)
})

it('emits receive errors, and goes on receiving', async () => {
  const gone = await bound()
  const { port } = gone.address()
  await gone[Symbol.asyncDispose]()
  await using client = createSocket('udp4')
  await new Promise<void>(resolve => client.connect(port, '127.0.0.1', () => resolve()))
  const failed = once(client, 'error').catch((reason: unknown) => [reason])
  client.send('x')
  expect((await failed)[0]).toMatchObject({ code: 'ECONNREFUSED', syscall: 'recvmsg' })
  const again = createSocket('udp4').bind(port, '127.0.0.1')
  await once(again, 'listening')
  again.send('hello', client.address().port, '127.0.0.1')
  expect(String((await next(client))[0])).toBe('hello')
  again.close()
})

it('calls back with the error of a send', async () => {
  await using client = createSocket('udp4')
  const error = await sent(done => client.send(Buffer.alloc(70000), 9, '127.0.0.1', done)).catch(
    (reason: unknown) => reason,
  )
  expect(error).toMatchObject({ message: 'send EMSGSIZE 127.0.0.1:9', syscall: 'send', port: 9 })
})

it('sets the options of the socket, before bind and later', async () => {
  await using socket = createSocket({
    type: 'udp4',
    reusePort: true,
    recvBufferSize: 10000,
    options: [[options.IP_RECVTTL, true]],
  }).bind(0, '127.0.0.1')
  await once(socket, 'listening')
  await using other = createSocket({ type: 'udp4', reusePort: true }).bind(socket.address().port, '127.0.0.1')
  await once(other, 'listening')
  expect(other.address()).toEqual(socket.address())
  expect([10000, 20000]).toContain(socket.getRecvBufferSize())
  socket.setSendBufferSize(20000)
  expect([20000, 40000]).toContain(socket.getSendBufferSize())
  expect([socket.setTTL(9), socket.setMulticastTTL(3), socket.setMulticastLoopback(false)]).toEqual([
    9,
    3,
    false,
  ])
  expect(thrown(() => socket.setTTL(0)).message).toBe('setTTL EINVAL')
})

it('closes on a signal; ref, unref and close return the socket', async () => {
  const controller = new AbortController()
  const socket = createSocket({ type: 'udp4', signal: controller.signal }).bind(0, '127.0.0.1')
  expect(socket.unref().ref()).toBe(socket)
  await once(socket, 'listening')
  controller.abort()
  await once(socket, 'close')
  expect(thrown(() => socket.address()).code).toBe('ERR_SOCKET_DGRAM_NOT_RUNNING')
})

it('drops and refuses blocked addresses', async () => {
  const list = new BlockList()
  list.addAddress('127.0.0.1')
  await using socket = createSocket({ type: 'udp4', sendBlockList: list })
  const error = await sent(done => socket.send('x', 9, '127.0.0.1', done)).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'ERR_IP_BLOCKED' })
})

it('AF_UNIX: sends to paths and abstract names, and replies to rinfo', () =>
  withPath(async path => {
    await using server = createSocket('unix').bind(path)
    await once(server, 'listening')
    expect(server.address()).toEqual({ address: path, family: 'unix', port: 0 })
    await using client = createSocket({ type: 'unix' })
    const own = process.platform === 'linux' ? abstractName() : `${path}-client`
    client.bind(own)
    await once(client, 'listening')
    client.send('question', path)
    const [data, sender] = await next(server)
    expect([String(data), sender]).toEqual(['question', { address: own, family: 'unix', port: 0, size: 8 }])
    server.send('answer', sender.port, sender.address)
    expect(String((await next(client))[0])).toBe('answer')
    client.connect(path)
    await once(client, 'connect')
    expect(client.remoteAddress().address).toBe(path)
    client.send('again')
    expect(String((await next(server))[0])).toBe('again')
  }))

it('toDgram keeps the options of the socket, and gives the message with its control messages', async () => {
  const socket = new Socket(AF_INET, SOCK_DGRAM).receiveMeta({ packetInfo: true })
  const server = socket.toDgram()
  await new Promise<void>(resolve => server.bind(0, '0.0.0.0', resolve))
  const client = createSocket('udp4')
  client.send('x', server.address().port, '127.0.0.1')
  const [, , message] = await next(server)
  expect(message.meta.destination).toBe('127.0.0.1')
  client.close()
  socket.close()
  await once(server, 'close')
  expect(thrown(() => server.send('x', 1)).code).toBe('ERR_SOCKET_DGRAM_NOT_RUNNING')
})

it('toDgram of a bound or connected socket receives at once', async () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
  const [left, right] = [a.toDgram(), b.toDgram()]
  left.send('x')
  expect(String((await next(right))[0])).toBe('x')
  left.close()
  right.close()
  const server = (await createServer({ host: '127.0.0.1', type: SOCK_DGRAM, reusePort: true })).toDgram()
  await once(server, 'listening')
  expect(thrown(() => server.bind()).code).toBe('ERR_SOCKET_ALREADY_BOUND')
  server.close()
})

it('takes a descriptor over with bind({ fd }), and leaves one of another type to the caller', async () => {
  const given = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  given.setsockopt(SOL_SOCKET, SO_REUSEPORT, 1)
  const { port } = given.getsockname()
  await using socket = createSocket('udp4').bind({ fd: given.detach() })
  await once(socket, 'listening')
  expect(socket.address().port).toBe(port)
  const stream = new Socket(AF_INET)
  const fd = stream.detach()
  expect(thrown(() => createSocket('udp4').bind({ fd })).code).toBe('ERR_INVALID_FD_TYPE')
  Socket.adopt(fd).close()
})

describe('multicast', () => {
  testIf(missing.network(), 'joins and leaves groups in a namespace', async () => {
    const network = await makeNetwork()
    try {
      const { netns, v4: address, interface: card } = network.a
      for (const device of [address, card.name]) {
        const server = createSocket({ type: 'udp4', reuseAddr: true, netns }).bind(0)
        await once(server, 'listening')
        server.addMembership('239.1.2.3', device)
        server.setMulticastInterface(address)
        server.send('hello', server.address().port, '239.1.2.3')
        const [data, sender] = await next(server)
        expect([String(data), sender.address]).toEqual(['hello', address])
        server.dropMembership('239.1.2.3', device)
        expect(thrown(() => server.dropMembership('239.1.2.3', device)).code).toBe('EADDRNOTAVAIL')
        server.addSourceSpecificMembership(address, '239.1.2.3', device)
        server.send('again', server.address().port, '239.1.2.3')
        expect(String((await next(server))[0])).toBe('again')
        server.dropSourceSpecificMembership(address, '239.1.2.3', device)
        server.close()
      }
    } finally {
      await network.close()
    }
  })
})
