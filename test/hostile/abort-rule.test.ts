import {
  AF_INET,
  allocZeroCopy,
  MessageBatch,
  relay,
  serve,
  Socket,
  SOCK_DGRAM,
  createConnection,
  createServer,
  getaddrinfo,
  poll,
  POLLIN,
  bpf,
  openPacket,
} from '../../lib'
import { failure, type Failure } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { turn } from '../helpers/pairs'

const reason = new Error('the reason')
const gone = ['127.0.0.1', 1] as [string, number]

/** Every call that takes a signal. The sockets are such that a system call would fail or change something. */
const calls: [string, (socket: Socket, signal: AbortSignal) => unknown][] = [
  ['connect', (s, signal) => s.connect(gone, { signal })],
  ['connectEx', (s, signal) => s.connectEx(gone, { signal })],
  ['accept', (s, signal) => s.accept({ signal })],
  ['recv', (s, signal) => s.recv(1, { signal })],
  ['recvInto', (s, signal) => s.recvInto(Buffer.alloc(1), { signal })],
  ['recvfrom', (s, signal) => s.recvfrom(1, { signal })],
  ['recvfromInto', (s, signal) => s.recvfromInto(Buffer.alloc(1), { signal })],
  ['recvmsg', (s, signal) => s.recvmsg(1, { signal })],
  ['recvFds', (s, signal) => s.recvFds(1, 1, { signal })],
  ['recvmmsg', (s, signal) => s.recvmmsg(new MessageBatch({ count: 1, size: 1 }), { signal })],
  ['send', (s, signal) => s.send(Buffer.from('x'), { signal })],
  ['sendAll', (s, signal) => s.sendAll(Buffer.from('x'), { signal })],
  ['sendto', (s, signal) => s.sendto(Buffer.from('x'), gone, { signal })],
  ['sendmsg', (s, signal) => s.sendmsg({ data: Buffer.from('x') }, { signal })],
  ['sendmmsg', (s, signal) => s.sendmmsg(new MessageBatch({ count: 1, size: 1 }), { signal })],
  ['sendfile of a descriptor that is not open', (s, signal) => s.sendfile(0x7ffffff, { signal })],
  ['sendZeroCopy', (s, signal) => s.sendZeroCopy(allocZeroCopy(16), { signal })],
  ['splice', (s, signal) => s.splice(0x7ffffff, { signal })],
  ['receiveErrors', (s, signal) => s.receiveErrors({ signal })],
  ['readable', (s, signal) => s.readable({ signal })],
  ['writable', (s, signal) => s.writable({ signal })],
  ['chunks', (s, signal) => s.chunks({ signal }).next()],
  ['messages', (s, signal) => s.messages({ signal }).next()],
  ['messages in batches', (s, signal) => s.messages({ signal, batch: 4 }).next()],
  ['connections', (s, signal) => s.connections({ signal }).next()],
  ['errors', (s, signal) => s.errors({ signal }).next()],
  ['poll', (s, signal) => poll([{ socket: s, events: POLLIN }], { signal })],
  ['createConnection', (_, signal) => createConnection({ host: '127.0.0.1', port: 1, signal })],
  ['getaddrinfo', (_, signal) => getaddrinfo('127.0.0.1', null, { signal })],
]

const failed = (call: () => unknown): Promise<Failure> => failure((async () => await call())())

for (const [name, call] of calls) {
  testIf(
    missing.linux(),
    `${name} with a signal that is already aborted rejects with AbortError`,
    async () => {
      for (const type of name === 'splice' ? [undefined] : [undefined, SOCK_DGRAM]) {
        const socket = new Socket(AF_INET, type)
        const error = await failed(() => call(socket, AbortSignal.abort(reason)))
        expect(error).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: reason })
        socket.close()
      }
    },
  )
}

const iterators: [
  string,
  number | undefined,
  (socket: Socket, signal: AbortSignal) => AsyncIterator<unknown>,
][] = [
  ['chunks', SOCK_DGRAM, (s, signal) => s.chunks({ signal })],
  ['messages', SOCK_DGRAM, (s, signal) => s.messages({ signal })],
  ['messages in batches', SOCK_DGRAM, (s, signal) => s.messages({ signal, batch: 4 })],
  ['connections', undefined, (s, signal) => s.connections({ signal })],
  ['errors', SOCK_DGRAM, (s, signal) => s.errors({ signal })],
]
for (const [name, type, iterate] of iterators) {
  testIf(
    missing.linux(),
    `${name} rejects with AbortError when its signal fires, and then has ended`,
    async () => {
      const socket = new Socket(AF_INET, type).bind(['127.0.0.1', 0])
      if (type === undefined) socket.listen()
      const controller = new AbortController()
      const iterator = iterate(socket, controller.signal)
      const next = failed(() => iterator.next())
      await turn()
      controller.abort(reason)
      expect(await next).toMatchObject({ name: 'AbortError', cause: reason })
      expect(await iterator.next()).toEqual({ done: true, value: undefined })
      const other = iterate(socket, new AbortController().signal)
      const ends = other.next()
      await turn()
      await other.return!()
      expect(await ends).toEqual({ done: true, value: undefined })
      socket.close()
    },
  )
}

testIf(missing.root(), 'frames rejects with AbortError when its signal fires', async () => {
  using packets = openPacket({ interface: 'lo', filter: bpf.parse('1\n6 0 0 0') })
  const controller = new AbortController()
  const next = failed(() => packets.frames({ signal: controller.signal }).next())
  await turn()
  controller.abort(reason)
  expect(await next).toMatchObject({ name: 'AbortError', cause: reason })
  const early = failed(() => packets.frames({ signal: AbortSignal.abort(reason) }).next())
  expect(await early).toMatchObject({ name: 'AbortError', cause: reason })
})

test('relay rejects with AbortError', async () => {
  const [a, b] = Socket.pair()
  const [c, d] = Socket.pair()
  const error = await failed(() => relay(b, c, { signal: AbortSignal.abort(reason) }))
  expect(error).toMatchObject({ name: 'AbortError', cause: reason })
  for (const each of [a, b, c, d]) each.close()
})

test('serve does not report the AbortError of its own `stopping`, but that of another signal', async () => {
  const listener = await createServer({ host: '127.0.0.1' })
  const errors: unknown[] = []
  let arrived = 0
  const server = serve(
    listener,
    async (connection, { stopping }) => {
      const own = ++arrived === 1
      await connection.recv(1, { signal: own ? AbortSignal.abort(reason) : stopping })
    },
    { onError: error => errors.push(error) },
  )
  const clients = [new Socket(AF_INET), new Socket(AF_INET)]
  for (const client of clients) await client.connect(server.address)
  while (arrived < 2) await turn()
  await server.close({ drain: true })
  expect(errors).toMatchObject([{ name: 'AbortError', cause: reason }])
  for (const client of clients) client.close()
})
