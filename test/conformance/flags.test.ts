import {
  AF_INET,
  constants,
  MessageBatch,
  MSG_DONTWAIT,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  Socket,
} from '../../lib'
import { SOCK_DGRAM } from '../../lib'
import * as raw from '../../lib/raw'
import * as sync from '../../lib/sync'
import { failure, outcome, thrown, type Failure } from '../helpers/errors'
import { fill } from '../helpers/pairs'

const { MSG_NOSIGNAL = 0, MSG_OOB = 0, MSG_EOR = 0, MSG_DONTROUTE = 0 } = constants
const UNKNOWN = 0x8000000 // no flag of Linux 6.18 or macOS 15

type Sockets = Socket | sync.Socket
/** Calls with flags, in both classes. */
const receives: [string, (socket: Socket, op: number) => unknown][] = [
  ['recv', (s, op) => s.recv(1, op)],
  ['recvInto', (s, op) => s.recvInto(Buffer.alloc(1), op)],
  ['recvfrom', (s, op) => s.recvfrom(1, op)],
  ['recvfromInto', (s, op) => s.recvfromInto(Buffer.alloc(1), op)],
  ['recvmsg', (s, op) => s.recvmsg(1, op)],
  ['recvFds', (s, op) => s.recvFds(1, 1, op)],
  ['recvmmsg', (s, op) => s.recvmmsg(new MessageBatch({ count: 1, size: 1 }), op)],
  ['readable', (s, op) => s.readable(op)],
]
const one = new MessageBatch({ count: 1, size: 1 })
one.set(0, Buffer.from('x'))
const sends: [string, (socket: Socket, op: number) => unknown][] = [
  ['send', (s, op) => s.send(Buffer.from('x'), op)],
  ['sendAll', (s, op) => s.sendAll(Buffer.from('x'), op)],
  ['sendmsg', (s, op) => s.sendmsg({ data: Buffer.from('x') }, op)],
  ['sendFds', (s, op) => s.sendFds(Buffer.from('x'), [0], op)],
  ['sendmmsg', (s, op) => s.sendmmsg(one, op)],
  ['writable', (s, op) => s.writable(op)],
]
const tries: [string, (socket: Sockets, flags: number) => unknown, boolean][] = [
  ['tryRecv', (s, f) => s.tryRecv(1, f), true],
  ['tryRecvInto', (s, f) => s.tryRecvInto(Buffer.alloc(1), f), true],
  ['tryRecvfrom', (s, f) => s.tryRecvfrom(1, f), true],
  ['tryRecvfromInto', (s, f) => s.tryRecvfromInto(Buffer.alloc(1), f), true],
  ['tryRecvmsg', (s, f) => s.tryRecvmsg(1, f), true],
  ['tryRecvFds', (s, f) => s.tryRecvFds(1, 1, f), true],
  ['tryRecvmmsg', (s, f) => s.tryRecvmmsg(new MessageBatch({ count: 1, size: 1 }), f), true],
  ['trySend', (s, f) => s.trySend(Buffer.from('x'), f), false],
  ['trySendAll', (s, f) => s.trySendAll(Buffer.from('x'), f), false],
  ['trySendmsg', (s, f) => s.trySendmsg({ data: Buffer.from('x') }, f), false],
  ['trySendFds', (s, f) => s.trySendFds(Buffer.from('x'), [0], f), false],
  ['trySendmmsg', (s, f) => s.trySendmmsg(one, f), false],
]

const failed = (call: () => unknown): Promise<Failure> => failure((async () => await call())())

for (const [flavour, Flavour] of [
  ['bsd-sockets', Socket],
  ['bsd-sockets/sync', sync.Socket as unknown as typeof Socket],
] as const) {
  const pair = (): [Socket, Socket] => Flavour.pair()

  for (const [name, call] of receives) {
    test(`${flavour}: ${name} refuses flags of a send, and names them`, async () => {
      const [a, b] = pair()
      await a.send(Buffer.from('x'))
      const error = await failed(() => call(b, 500))
      expect(error).toMatchObject({ code: 'ERR_OUT_OF_RANGE', name: 'RangeError' })
      expect(error.message).toContain('MSG_EOR')
      expect(error.message).toContain('MSG_DONTROUTE')
      expect(error.message).not.toContain('MSG_WAITALL')
      expect(error.message).toContain('{ timeout: 500 }')
      expect(String(b.tryRecv(2))).toBe('x')
      for (const each of [a, b]) each.close()
    })

    test(`${flavour}: ${name} with MSG_DONTWAIT is EAGAIN if there is nothing`, async () => {
      const [a, b] = pair()
      expect((await failed(() => call(b, MSG_DONTWAIT))).code).toBe('EAGAIN')
      await a.send(Buffer.from('x'))
      await call(b, MSG_DONTWAIT | MSG_NOSIGNAL | UNKNOWN)
      for (const each of [a, b]) each.close()
    })
  }

  for (const [name, call] of sends) {
    test(`${flavour}: ${name} refuses flags of a receive, and names them`, async () => {
      const [a, b] = pair()
      const error = await failed(() => call(a, 1000))
      expect(error).toMatchObject({ code: 'ERR_OUT_OF_RANGE', name: 'RangeError' })
      expect(error.message).toContain('MSG_WAITALL')
      expect(error.message).toContain('MSG_TRUNC')
      expect(error.message).not.toContain('MSG_EOR')
      expect(error.message).toContain('{ timeout: 1000 }')
      expect(b.tryRecv(1)).toBeNull()
      for (const each of [a, b]) each.close()
    })

    test(`${flavour}: ${name} with MSG_DONTWAIT is EAGAIN if the peer does not read`, async () => {
      const [a, b] = pair()
      await call(a, MSG_DONTWAIT | MSG_NOSIGNAL)
      fill(a)
      expect((await failed(() => call(a, MSG_DONTWAIT))).code).toBe('EAGAIN')
      for (const each of [a, b]) each.close()
    })
  }

  test(`${flavour}: an Op with flags of the other direction is refused without advice about a timeout`, async () => {
    const [a, b] = pair()
    const error = await failed(() => b.recv(1, { flags: MSG_EOR }))
    expect(error.message).toBe(
      `The value of "flags" is out of range. It must be flags of a receive, without MSG_EOR. Received ${MSG_EOR}`,
    )
    expect((await failed(() => a.send(Buffer.alloc(1), { flags: MSG_PEEK }))).code).toBe('ERR_OUT_OF_RANGE')
    for (const each of [a, b]) each.close()
  })

  test(`${flavour}: accept and connect with MSG_DONTWAIT do not wait`, async () => {
    const listener = new Flavour(AF_INET).bind(['127.0.0.1', 0]).listen()
    expect((await failed(() => listener.accept(MSG_DONTWAIT))).code).toBe('EAGAIN')
    const client = new Flavour(AF_INET)
    expect((await failed(() => client.connect(listener.getsockname(), MSG_DONTWAIT))).code).toBe(
      'EINPROGRESS',
    )
    for (const each of [listener, client]) each.close()
  })
}

for (const [name, call, receiving] of tries) {
  test(`${name} refuses flags of the other direction`, () => {
    const [a, b] = Socket.pair()
    for (const flags of receiving ? [MSG_EOR, MSG_DONTROUTE] : [MSG_PEEK, MSG_TRUNC, MSG_WAITALL])
      expect(thrown(() => call(a, flags)).code).toBe('ERR_OUT_OF_RANGE')
    if (receiving) expect(call(b, MSG_DONTWAIT | MSG_NOSIGNAL)).toBeNull()
    else expect(call(a, MSG_DONTWAIT | MSG_NOSIGNAL)).not.toBeNull()
    for (const each of [a, b]) each.close()
  })
}

test('MSG_DONTWAIT is EAGAIN behind an operation that waits', async () => {
  const [a, b] = Socket.pair()
  const waiting = b.recv(1)
  expect(await outcome(b.recv(1, MSG_DONTWAIT))).toBe('EAGAIN')
  await a.send(Buffer.from('x'))
  expect(String(await waiting)).toBe('x')
  for (const each of [a, b]) each.close()
})

test('sendAll with MSG_DONTWAIT sends what fits, and reports it', async () => {
  const [a, b] = Socket.pair()
  const error = await failure(a.sendAll(Buffer.alloc(1 << 24), MSG_DONTWAIT))
  expect(error.code).toBe('EAGAIN')
  expect(error.bytesSent).toBeGreaterThan(0)
  for (const each of [a, b]) each.close()
})

test('MSG_OOB is allowed both ways', async () => {
  const listener = new Socket(AF_INET).bind(['127.0.0.1', 0]).listen()
  const client = new Socket(AF_INET)
  const [server] = await Promise.all([listener.accept(), client.connect(listener.getsockname())])
  await client.send(Buffer.from('!'), MSG_OOB)
  expect(String(await server.recv(1, MSG_OOB))).toBe('!')
  for (const each of [listener, client, server]) each.close()
})

test('raw passes every flag on', () => {
  const fd = raw.socket(AF_INET, SOCK_DGRAM, 0)
  expect(raw.recv(fd, Buffer.alloc(1), MSG_DONTWAIT | MSG_EOR)).toBe(-constants.EAGAIN!)
  raw.close(fd)
})
