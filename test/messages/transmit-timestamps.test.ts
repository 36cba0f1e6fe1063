import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  clock,
  constants,
  control,
  options,
  Socket,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
  type Address,
  type TimestampedSend,
} from '../../lib'
import { Socket as SyncSocket } from '../../lib/sync'
import { ensureBuilt } from '../helpers/built'
import { run } from '../helpers/child'
import { failure, thrown } from '../helpers/errors'
import { keeper } from '../helpers/keep'
import { missing, testIf } from '../helpers/need'
import { makeNetwork } from '../helpers/network'
import { pattern, receive } from '../helpers/pairs'

/* `sendmsg({ timestamp: true })` waits for the kernel's transmit timestamp. */
const linux = missing.linux()
const six = linux ?? missing.socket(AF_INET6, SOCK_DGRAM)
const c = constants as Record<string, number>
const [SW, ID, ONLY, SCHED, TX] = ['SOFTWARE', 'OPT_ID', 'OPT_TSONLY', 'TX_SCHED', 'TX_SOFTWARE'].map(
  name => c[`SOF_TIMESTAMPING_${name}`]!,
) as [number, number, number, number, number]
const data = Buffer.from('hello')
const timestamp = true

const keep = keeper()

function udp(host = '127.0.0.1'): [Socket, Address] {
  const socket = keep(new Socket(host.includes(':') ? AF_INET6 : AF_INET, SOCK_DGRAM)).bind([host, 0])
  return [socket, socket.getsockname()]
}

async function tcp(): Promise<[Socket, Socket]> {
  const listener = new Socket(AF_INET, SOCK_STREAM).bind(['127.0.0.1', 0]).listen()
  const a = keep(new Socket(AF_INET, SOCK_STREAM))
  const [b] = await Promise.all([listener.accept(), a.connect(listener.getsockname())])
  listener.close()
  return [a, keep(b)]
}

/** Runs a send, and checks that its timestamp is between the times before and after. */
async function timed(send: () => Promise<TimestampedSend> | TimestampedSend): Promise<TimestampedSend> {
  const before = clock.realtimeNs()
  const result = await send()
  expect(typeof result.timestamp).toBe('bigint')
  expect(result.timestamp).toBeGreaterThanOrEqual(before)
  expect(result.timestamp).toBeLessThanOrEqual(clock.realtimeNs())
  return result
}

for (const [host, reason] of [
  ['127.0.0.1', linux],
  ['::1', six],
] as const)
  testIf(reason, `UDP to ${host}: bytes and the time, unconnected and connected`, async () => {
    const [socket, address] = udp(host)
    expect((await timed(() => socket.sendmsg({ data, address, timestamp }))).bytes).toBe(5)
    await socket.connect(address)
    const parts = [data, data]
    expect((await timed(() => socket.sendmsg({ data: parts, timestamp }, { timeout: 5000 }))).bytes).toBe(10)
    expect(socket.tryReceiveErrors()).toBeNull()
  })

testIf(linux, 'many sends at once: each gets its own time, in order, and none is left over', async () => {
  const [socket, address] = udp()
  socket.set(options.SO_RCVBUF, 1 << 20)
  const results = await Promise.all(
    Array.from({ length: 200 }, () => socket.sendmsg({ data, address, timestamp })),
  )
  const times = results.map(each => each.timestamp)
  expect(times).toEqual([...times].sort((a, b) => (a < b ? -1 : 1)))
  expect(new Set(times).size).toBe(200)
  expect(socket.tryReceiveErrors()).toBeNull()
})

testIf(linux, 'TCP: with sends of other kinds before, between and after', async () => {
  const [a, b] = await tcp()
  await a.sendAll(pattern(1000))
  const sends = [
    a.sendmsg({ data, timestamp }),
    a.send(data),
    a.sendmsg({ data, timestamp }),
    a.sendmsg({ data: pattern(100_000), timestamp }),
    a.sendAll(pattern(300_000)),
    a.sendmsg({ data, timestamp }),
  ]
  const reading = receive(b, 1000 + 5 + 5 + 5 + 100_000 + 300_000 + 5)
  const results = (await Promise.all(sends)) as (TimestampedSend | number | undefined)[]
  const stamps = results.filter(each => typeof each === 'object')
  expect(stamps.map(each => each.bytes)).toEqual([5, 5, 100_000, 5])
  const times = stamps.map(each => each.timestamp)
  expect(times).toEqual([...times].sort((x, y) => (x < y ? -1 : 1)))
  expect(String((await reading).subarray(1000, 1015))).toBe('hellohellohello')
  expect(a.tryReceiveErrors()).toBeNull()
  await timed(() => a.sendmsg({ data, timestamp }))
})

testIf(linux, 'TCP: the peer reads nothing: a timeout with bytesSent', async () => {
  const [a] = await tcp()
  await failure(a.sendAll(Buffer.alloc(1 << 24), { timeout: 100 })) // fills both buffers
  while ((a.trySend(Buffer.alloc(65536)) ?? 0) > 0);
  // Make room in the send queue without room in the window.
  a.set(options.SO_SNDBUF, 1 << 24)
  const error = await failure(a.sendmsg({ data, timestamp }, { timeout: 50 }))
  expect(error).toMatchObject({ code: 'ERR_SOCKET_TIMEOUT', syscall: 'sendmsg', bytesSent: 5 })
})

testIf(linux, 'TCP: the connection ends before the bytes are sent', async () => {
  const [a, b] = await tcp()
  await failure(a.sendAll(Buffer.alloc(1 << 24), { timeout: 100 }))
  while ((a.trySend(Buffer.alloc(65536)) ?? 0) > 0);
  a.set(options.SO_SNDBUF, 1 << 24)
  const sending = failure(a.sendmsg({ data, timestamp }))
  const waiting = failure(a.receiveErrors({ timeout: 50 }))
  expect((await waiting).code).toBe('ERR_SOCKET_TIMEOUT') // the send waits too
  b.reset()
  expect(await sending).toMatchObject({ code: 'ECONNRESET', bytesSent: 5 })
})

testIf(linux, 'TCP that is not connected: EPIPE, as a send', async () => {
  const socket = keep(new Socket())
  expect(await failure(socket.sendmsg({ data, timestamp }))).toMatchObject({ code: 'EPIPE' })
})

testIf(linux ?? missing.socket(AF_INET, SOCK_RAW, 1), 'raw sockets and AF_PACKET', async () => {
  const raw = keep(new Socket(AF_INET, SOCK_RAW, c['IPPROTO_ICMP']))
  const echo = Buffer.from([8, 0, 0xf7, 0xfd, 0, 1, 0, 1])
  await timed(() => raw.sendmsg({ data: echo, address: ['127.0.0.1', 0], timestamp }))
  const packet = keep(new Socket(c['AF_PACKET'], SOCK_RAW, 0))
  packet.bind({ family: c['AF_PACKET']!, interface: 1, protocol: 0 })
  const frame = Buffer.alloc(60)
  frame.writeUInt16BE(0x88b5, 12)
  expect((await timed(() => packet.sendmsg({ data: frame, timestamp }))).bytes).toBe(60)
})

testIf(linux, 'the blocking form', () => {
  const socket = keep(new SyncSocket(AF_INET, SOCK_DGRAM)).bind(['127.0.0.1', 0])
  const before = clock.realtimeNs()
  const sent = socket.sendmsg({ data, address: socket.getsockname(), timestamp }, { timeout: 5000 })
  expect(sent.bytes).toBe(5)
  expect(sent.timestamp).toBeGreaterThanOrEqual(before)
})

testIf(linux, 'SO_TIMESTAMPING keeps the bits and the records of the caller', async () => {
  const [socket, address] = udp()
  socket.set(options.SO_TIMESTAMPING, SW | TX | SCHED)
  await socket.sendto(data, address)
  await timed(() => socket.sendmsg({ data, address, timestamp }))
  await socket.sendto(data, address)
  const { flags } = socket.get(options.SO_TIMESTAMPING)
  expect(flags & (SW | TX | SCHED | ID | ONLY)).toBe(SW | TX | SCHED | ID)
  const records = socket.tryReceiveErrors()!
  const stages = records.map(each => each.stage)
  expect(stages).toEqual(['scheduled', 'sent', 'scheduled', 'scheduled', 'sent'])
  expect(records[0]!.data.length).toBeGreaterThan(5) // without OPT_TSONLY: the frame
})

testIf(linux, 'the caller’s own number and stages of this message', async () => {
  const [socket, address] = udp()
  const own = [control.timestamping(SCHED), control.timestampId(77)]
  const first = await socket
    .sendmsg({ data, address, control: own, timestamp })
    .catch((error: unknown) => error)
  if ((first as { code?: string }).code === 'EINVAL') return // before Linux 6.13
  expect(socket.tryReceiveErrors()).toMatchObject([{ stage: 'scheduled', id: 77 }])
})

testIf(linux, 'errors() that waits gets ICMP errors and not these timestamps', async () => {
  const [socket, address] = udp()
  socket.receiveMeta({ errors: true })
  const iterator = socket.errors()
  const next = iterator.next()
  for (let i = 0; i < 5; i++) await timed(() => socket.sendmsg({ data, address, timestamp }))
  const [other, closed] = udp()
  other.close()
  await socket.sendto(data, closed)
  expect((await next).value).toMatchObject({ origin: 'icmp', code: 'ECONNREFUSED' })
  await timed(() => socket.sendmsg({ data, address, timestamp }))
  await iterator.return!()
})

testIf(linux, 'a timeout, a signal and close() after the send: bytesSent', async () => {
  const network = await makeNetwork()
  try {
    // The kernel drops packets to a neighbor that does not answer, and reports no timestamp.
    await network.a.shell(`ip route add 10.99.0.0/24 dev ${network.a.interface.name}`)
    const make = (): Socket => keep(new Socket(AF_INET, SOCK_DGRAM, 0, { netns: network.a.netns }))
    const address = ['10.99.0.9', 9] as const
    const socket = make()
    const late = await failure(socket.sendmsg({ data, address: [...address], timestamp }, { timeout: 30 }))
    expect(late).toMatchObject({ code: 'ERR_SOCKET_TIMEOUT', syscall: 'sendmsg', bytesSent: 5 })
    const stop = new AbortController()
    const aborting = failure(
      socket.sendmsg({ data, address: [...address], timestamp }, { signal: stop.signal }),
    )
    const now = failure(socket.sendmsg({ data, address: [...address], timestamp }, { timeout: 0 }))
    expect(await now).toMatchObject({ code: 'EAGAIN', bytesSent: 5 })
    stop.abort()
    expect(await aborting).toMatchObject({ name: 'AbortError', bytesSent: 5 })
    const closing = failure(socket.sendmsg({ data, address: [...address], timestamp }))
    await new Promise(resolve => setImmediate(resolve))
    socket.close()
    expect(await closing).toMatchObject({ code: 'ECANCELED', bytesSent: 5 })
    // A packet over the veth pair has one.
    await timed(() => make().sendmsg({ data, address: [network.b.v4, 9], timestamp }, { timeout: 5000 }))
  } finally {
    await network.close()
  }
})

test('what has no timestamps is refused before anything is sent', async () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
  const code = linux === null ? 'EOPNOTSUPP' : 'ENOSYS'
  expect(await failure(a.sendmsg({ data, timestamp }))).toMatchObject({ code, syscall: 'sendmsg' })
  expect(b.tryRecv(1)).toBeNull()
  const bad = a.sendmsg({ data, timestamp: 1 } as never)
  expect(await failure(bad)).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  const cut = a.sendmsg({ data, timestamp, segmentSize: 3 } as never)
  expect(await failure(cut)).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  expect(thrown(() => a.trySendmsg({ data, timestamp } as never))).toMatchObject({
    code: 'ERR_INVALID_ARG_TYPE',
    message: expect.stringMatching(/use sendmsg/) as string,
  })
  expect(await a.sendmsg({ data, timestamp: false })).toBe(5)
  a.close()
  b.close()
})

/* Kernels before 6.13 do not know SCM_TS_OPT_ID, and those before 6.2 do not know SOF_TIMESTAMPING_OPT_ID_TCP. */
for (const name of ['SCM_TS_OPT_ID', 'SOF_TIMESTAMPING_OPT_ID_TCP'])
  testIf(linux, `without ${name}`, async () => {
    ensureBuilt()
    const ended = await run(process.execPath, ['-e', withoutConstant(name)])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout).toBe(`9 null ${name === 'SCM_TS_OPT_ID' ? 'EOPNOTSUPP' : 'sent'}\n9 null\n`)
  })

const withoutConstant = (name: string): string => `
  const path = require.resolve('./dist/constants')
  const real = require(path)
  require.cache[path].exports = { ...real, constants: { ...real.constants, ${name}: undefined } }
  const { AF_INET, SOCK_DGRAM, Socket, options } = require('./dist')
  const data = Buffer.from('hello')
  const three = async send => (await Promise.all([send(), send(), send()])).filter(each => each.timestamp > 0n).length
  async function main() {
    const socket = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
    const address = socket.getsockname()
    let got = 0
    for (let i = 0; i < 3; i++) {
      await socket.sendto(data, address)
      got += await three(() => socket.sendmsg({ data, address, timestamp: true }))
    }
    const left = socket.tryReceiveErrors()
    socket.set(options.SO_TIMESTAMPING, ${SW | TX})
    const sending = socket.sendmsg({ data, address, timestamp: true })
    console.log(got, left, await sending.then(() => 'sent', error => error.code))
    socket.close()
    const listener = new Socket(AF_INET).bind(['127.0.0.1', 0]).listen()
    const a = new Socket(AF_INET)
    const [b] = await Promise.all([listener.accept(), a.connect(listener.getsockname())])
    got = 0
    for (let i = 0; i < 3; i++) {
      await a.send(data)
      got += await three(() => a.sendmsg({ data, timestamp: true }))
    }
    console.log(got, a.tryReceiveErrors())
    for (const each of [a, b, listener]) each.close()
  }
  main()`
