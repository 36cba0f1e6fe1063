import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  bpf,
  control,
  createConnection,
  createServer,
  if_nametoindex,
  openPacket,
  relay,
  select,
  serve,
  Socket,
  AF_INET,
  AF_INET6,
  IPPROTO_IP,
  SOCK_DGRAM,
} from '../../lib'
import { IP_MTU_DISCOVER, IP_PMTUDISC_DONT } from '../../lib/linux'
import * as dgram from '../../lib/dgram'
import * as blocking from '../../lib/sync'
import { failure, thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { makeNetwork } from '../helpers/network'

// The message of an error must contain enough to correct its cause.
const udp = (): Socket => new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])

test('every API reports an unknown interface with the same message', async () => {
  const words = /no interface is called "nope0"/
  const six = new Socket(AF_INET6, SOCK_DGRAM)
  const four = udp()
  const calls: [call: () => unknown, code: string][] = [
    [() => if_nametoindex('nope0'), 'ENODEV'],
    [() => six.bind(['fe80::1%nope0', 0]), 'ERR_INVALID_ADDRESS'],
    [() => four.joinGroup('239.1.2.3', { interface: 'nope0' }), 'ENODEV'],
  ]
  for (const [call, code] of calls) {
    const error = thrown(call)
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(words)])
  }
  // The namespace of the socket decides which names exist, so only the send can know.
  const message = {
    data: Buffer.from('x'),
    address: four.getsockname(),
    control: [control.packetInfo({ interface: 'nope0' })],
  }
  const refused = await failure(four.sendmsg(message))
  expect([refused.code, refused.message]).toEqual(['ERR_INVALID_ADDRESS', expect.stringMatching(words)])
  six.close()
  four.close()
})

test('the error of select names the descriptor that is not open', async () => {
  const error = await failure(select([999], [], [], 0))
  expect([error.code, error.message]).toEqual(['EBADF', 'select EBADF descriptor 999'])
  expect(thrown(() => blocking.select([], [998], [], 0)).message).toBe('select EBADF descriptor 998')
})

test.each(['tcp port 80', 'arp', 'ip', "host 10.0.0.1 and 'x'", 'not port 22'])(
  'a filter expression is no program, and the message names its compiler: %s',
  async text => {
    const error = thrown(() => bpf.parse(text))
    expect([error.code, error.message]).toEqual(['ERR_OUT_OF_RANGE', expect.stringContaining('bpf.compile(')])
    const refused = await failure((async () => openPacket({ interface: 'lo', filter: text as never }))())
    expect([refused.code, refused.message]).toEqual([
      'ERR_INVALID_ARG_TYPE',
      expect.stringContaining('bpf.compile('),
    ])
  },
)

test('a single instruction is parsed as an instruction, not as a filter expression', () => {
  expect(bpf.parse('ret #0').instructions).toHaveLength(1)
  expect(thrown(() => bpf.parse('ld nothing')).message).not.toContain('bpf.compile')
})

test('toDuplex of an unconnected UDP socket fails immediately', async () => {
  const socket = udp()
  const error = thrown(() => socket.toDuplex())
  expect([error.code, error.message]).toEqual([
    'ENOTCONN',
    expect.stringContaining('connect the datagram socket first'),
  ])
  expect(socket.closed).toBe(false)
  await socket.connect(socket.getsockname())
  socket.toDuplex().destroy()
})

testIf(missing.linux(), 'splice and relay reject datagram sockets', async () => {
  const [a, b] = Socket.pair()
  const socket = udp()
  for (const call of [() => socket.splice(a), () => relay(a, socket), () => relay(socket, a)]) {
    const error = await failure(call())
    expect([error.code, error.message]).toEqual(['EINVAL', expect.stringContaining('datagram')])
  }
  expect(thrown(() => socket.trySplice(a)).code).toBe('EINVAL')
  for (const each of [a, b, socket]) each.close()
})

testIf(
  missing.linux(),
  'splice to a file names O_APPEND in its error, and with a timeout of 0 moves the available data',
  async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'bsd-sockets-'))
    const name = path.join(directory, 'file')
    const [a, b] = Socket.pair()
    const appending = openSync(name, 'a')
    const error = await failure(b.splice(appending))
    expect([error.code, error.message]).toEqual(['EINVAL', expect.stringContaining('O_APPEND')])
    closeSync(appending)
    const file = openSync(name, 'w')
    await a.send(Buffer.from('at once'))
    expect((await failure(b.splice(file, { timeout: 0 }))).code).toBe('EAGAIN')
    expect(readFileSync(name, 'utf8')).toBe('at once')
    await a.send(Buffer.from(' and the end'))
    a.close()
    expect(await b.splice(file, { timeout: 0 })).toBe(12)
    expect(readFileSync(name, 'utf8')).toBe('at once and the end')
    closeSync(file)
    b.close()
    rmSync(directory, { recursive: true })
  },
)

testIf(
  missing.network(),
  'a segment that is too large for the device is sent as single datagrams, and GSO stays enabled',
  async () => {
    const network = await makeNetwork()
    const [from, to] = [network.a, network.b].map(({ v4, netns }) =>
      new Socket(AF_INET, SOCK_DGRAM, 0, { netns }).bind([v4, 0]),
    ) as [Socket, Socket]
    try {
      from.setsockopt(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT) // allows fragments
      const send = async (segmentSize: number): Promise<number[]> => {
        const data = Buffer.alloc(6000)
        expect(await from.sendmsg({ data, segmentSize, address: to.getsockname() })).toBe(6000)
        const sizes: number[] = []
        for (let sum = 0; sum < 6000; sum += sizes.at(-1)!)
          sizes.push((await to.recv(10_000, { timeout: 2000 })).length)
        return sizes
      }
      expect(await send(2000)).toEqual([2000, 2000, 2000])
      expect(from.channel.extras?.unsegmented ?? false).toBe(false)
      expect(await send(1200)).toEqual([1200, 1200, 1200, 1200, 1200])
    } finally {
      from.close()
      to.close()
      await network.close()
    }
  },
)

test('the error of a connected socket names the remote address', async () => {
  const closed = udp()
  const to = closed.getsockname() as unknown as { address: string; port: number }
  const socket = udp()
  await socket.connect(closed.getsockname())
  closed.close()
  const operations: ((socket: Socket) => Promise<unknown>)[] = [
    socket => socket.send(Buffer.from('x')),
    socket => socket.sendAll(Buffer.from('x')),
    socket => socket.sendmsg({ data: Buffer.from('x') }),
    socket => socket.recv(1, { timeout: 2000 }),
    socket => socket.recvInto(Buffer.alloc(1), { timeout: 2000 }),
    socket => socket.recvmsg(1, { timeout: 2000 }),
  ]
  for (const operation of operations) {
    await socket.send(Buffer.from('lost')) // the next operation reports the ICMP error
    await socket.readable({ timeout: 2000 })
    expect(await failure(operation(socket))).toMatchObject({
      code: 'ECONNREFUSED',
      address: to.address,
      port: to.port,
      message: expect.stringContaining(`ECONNREFUSED ${to.address}:${to.port}`) as string,
    })
  }
  expect((await failure(socket.recv(1, { timeout: 0 }))).address).toBeUndefined()
  socket.close()
})

test('arguments of node:net, and a server that is still a promise, are refused with the call to make instead', async () => {
  const server = createServer({ host: '127.0.0.1' })
  expect(thrown(() => serve(server as never, () => undefined)).message).toContain('await it first')
  ;(await server).close()
  const handler = (): undefined => undefined
  const calls: [call: () => unknown, cure: string][] = [
    [() => createServer(8080 as never), '{ port: 8080 }'],
    [() => createConnection(80 as never), '{ port: 80 }'],
    [() => createServer(handler as never), 'serve(await createServer({ port }), handler)'],
    [() => createServer({ hostname: 'localhost' } as never), 'unknown option "hostname"; known: host, port'],
    [() => blocking.createServer(8080 as never), '{ port: 8080 }'],
    [() => blocking.createConnection(80 as never), '{ port: 80 }'],
    [() => dgram.createSocket('tcp' as never), 'udp4, udp6, unix'],
  ]
  for (const [call, cure] of calls) {
    const error = await failure((async () => call())())
    expect(error.name).toBe('TypeError')
    expect(error.message).toContain(cure)
  }
})

test('a descriptor or path that is not what the call needs is described', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'bsd-'))
  const file = path.join(directory, 'file')
  writeFileSync(file, 'x')
  const [folder, closedToReads] = [openSync(directory, 'r'), openSync(file, 'a')]
  const [a, b] = Socket.pair()
  const [one, two] = blocking.Socket.pair()
  const none = 0x7ffffff
  const data = Buffer.from('x')
  const calls: [call: () => unknown, code: string, text: string][] = [
    [() => a.sendfile(folder), 'EINVAL', `descriptor ${folder} is a directory`],
    [() => a.sendfile(closedToReads), 'EBADF', `descriptor ${closedToReads} is not open for reading`],
    [() => one.sendfile(closedToReads), 'EBADF', `descriptor ${closedToReads} is not open for reading`],
    [() => a.sendfile(none), 'EBADF', `descriptor ${none} is not open`],
    [() => a.sendFds(data, [folder, none]), 'EBADF', `descriptor ${none} is not open`],
    [() => one.sendFds(data, [folder, none]), 'EBADF', `descriptor ${none} is not open`],
    [() => createServer({ path: file, unlink: true }), 'EADDRINUSE', `${file} (exists and is not a socket)`],
  ]
  for (const [call, code, text] of calls) {
    const error = await failure((async () => call())())
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(text)])
  }
  expect(readFileSync(file, 'utf8')).toBe('x')
  for (const socket of [a, b, one, two]) socket.close()
  closeSync(folder)
  closeSync(closedToReads)
  rmSync(directory, { recursive: true })
})
