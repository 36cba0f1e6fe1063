import { readdirSync } from 'node:fs'
import {
  AF_INET,
  AF_UNIX,
  control,
  IP_RECVTTL,
  IPPROTO_IP,
  MessageBatch,
  MSG_TRUNC,
  Socket,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
} from '../../lib'
import { native } from '../../lib/binding/binding'
import { giveBack } from '../../lib/message/leftover'
import { Socket as Blocking } from '../../lib/sync'
import { failure, thrown } from '../helpers/errors'
import { keeper } from '../helpers/keep'
import { abstractName, drain } from '../helpers/pairs'
import { missing, testIf } from '../helpers/need'

const udp = (): Socket => new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
const text = (batch: MessageBatch): string[] =>
  Array.from({ length: batch.length }, (_, i) => String(batch.data(i)))

const keep = keeper()

test('recvmmsg receives messages of several senders, with their addresses, in one call', async () => {
  const server = keep(udp())
  const clients = [keep(udp()), keep(udp())]
  for (let i = 0; i < 6; i++) await clients[i % 2]!.sendto(Buffer.from(`m${i}`), server.getsockname())
  const batch = new MessageBatch({ count: 16, size: 100 })
  expect(await server.recvmmsg(batch)).toBe(6)
  expect(batch.length).toBe(6)
  expect(text(batch)).toEqual(['m0', 'm1', 'm2', 'm3', 'm4', 'm5'])
  expect([batch.bytes(5), batch.flags(5)]).toEqual([2, 0])
  expect([0, 1, 2].map(i => batch.address(i)!.equals(clients[i % 2]!.getsockname()))).toEqual([
    true,
    true,
    true,
  ])
})

test('sendmmsg returns a received batch to its senders unchanged', async () => {
  const [server, client] = [keep(udp()), keep(udp())]
  await client.connect(server.getsockname())
  for (const word of ['one', 'two', 'three']) await client.send(Buffer.from(word))
  const batch = new MessageBatch({ count: 8, size: 100 })
  await server.recvmmsg(batch)
  batch.data(1).write('TWO')
  expect(await server.sendmmsg(batch)).toBe(3)
  expect(drain(client).map(String)).toEqual(['one', 'TWO', 'three'])
})

test('sendmmsg sends messages to addresses in every form, in order, including empty messages', async () => {
  const [a, b, sender] = [keep(udp()), keep(udp()), keep(udp())]
  const { port } = a.getsockname() as { port: number } & ReturnType<Socket['getsockname']>
  const batch = new MessageBatch({ count: 4, size: 10 })
  batch.set(0, Buffer.from('zero'), ['127.0.0.1', port])
  batch.set(1, Buffer.alloc(0), b.getsockname())
  batch.set(2, new Uint16Array([0x4141]), { address: '127.0.0.1', port })
  expect(batch.length).toBe(3)
  expect(await sender.sendmmsg(batch)).toBe(3)
  expect(drain(a).map(String)).toEqual(['zero', 'AA'])
  expect((await b.recv(10)).length).toBe(0)
  batch.set(0, Buffer.from('again'), b.getsockname()) // the same index with another address
  expect([await sender.sendmmsg(batch), String(await b.recv(10))]).toEqual([3, 'again'])
  expect(batch.clear().length).toBe(0)
  expect(await sender.sendmmsg(batch)).toBe(0)
})

test('recvmmsg waits for the first message, and does not wait for more', async () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
  keep(a)
  keep(b)
  const batch = new MessageBatch({ count: 2, size: 4 })
  expect(b.tryRecvmmsg(batch)).toBeNull()
  const waiting = b.recvmmsg(batch)
  await a.send(Buffer.from('long message'))
  expect(await waiting).toBe(1)
  expect([String(batch.data(0)), batch.flags(0) & MSG_TRUNC]).toEqual(['long', MSG_TRUNC])
  for (const word of ['a', 'b', 'c']) await a.send(Buffer.from(word))
  expect([b.tryRecvmmsg(batch), text(batch)]).toEqual([2, ['a', 'b']])
  expect([b.tryRecvmmsg(batch), text(batch)]).toEqual([1, ['c']])
  expect((await failure(b.recvmmsg(batch, { timeout: 5 }))).code).toBe('ERR_SOCKET_TIMEOUT')
  expect((await failure(b.recvmmsg(batch, { timeout: 0 }))).code).toBe('EAGAIN')
})

test('sendmmsg waits for buffer space and continues with the next message', async () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_SEQPACKET)
  keep(a)
  keep(b)
  const batch = new MessageBatch({ count: 1024, size: 8192 })
  for (let i = 0; i < 1024; i++) batch.set(i, Buffer.alloc(8192, i & 0xff))
  let settled = false
  const sending = a.sendmmsg(batch).finally(() => (settled = true))
  const got: number[] = []
  while (got.length < 1024) {
    const part = await b.recv(8192)
    if (got.length === 0) expect(settled).toBe(false)
    got.push(part[0]!)
  }
  expect(await sending).toBe(1024)
  expect(got).toEqual(Array.from({ length: 1024 }, (_, i) => i & 0xff))
  const sent = a.trySendmmsg(batch)! // the messages that fit
  expect(sent).toBeGreaterThan(0)
  expect(sent).toBeLessThan(1024)
  expect(a.trySendmmsg(batch)).toBeNull()
  const late = await failure(a.sendmmsg(batch, { timeout: 5 }))
  expect([late.code, (late as { messagesSent?: number }).messagesSent]).toEqual(['ERR_SOCKET_TIMEOUT', 0])
})

test('the error of sendmmsg has the number of messages sent and the address of the next one', async () => {
  const [to, sender] = [keep(udp()), keep(udp())]
  const batch = new MessageBatch({ count: 3, size: 70000 })
  batch.set(0, Buffer.from('good'), to.getsockname())
  batch.set(1, Buffer.alloc(70000), to.getsockname())
  const error = await failure(sender.sendmmsg(batch))
  expect(error).toMatchObject({
    code: 'EMSGSIZE',
    syscall: 'sendmmsg',
    messagesSent: 1,
    address: '127.0.0.1',
  })
  expect(String(await to.recv(10))).toBe('good')
})

testIf(
  missing.linux(),
  'sendmmsg of an unconnected AF_UNIX datagram socket waits for a full receiver',
  async () => {
    const [to, sender] = [new Socket(AF_UNIX, SOCK_DGRAM), new Socket(AF_UNIX, SOCK_DGRAM)].map(keep)
    to!.bind(abstractName())
    const batch = new MessageBatch({ count: 100, size: 4 })
    for (let i = 0; i < 100; i++) batch.set(i, Int32Array.of(i), to!.getsockname())
    const sending = sender!.sendmmsg(batch)
    const got: number[] = []
    while (got.length < 100) got.push((await to!.recv(4)).readInt32LE())
    expect(await sending).toBe(100)
    expect(got).toEqual(Array.from({ length: 100 }, (_, i) => i))
  },
)

// A retry by timer would take a millisecond or more for each queue that the receiver empties, so thousands of turns.
testIf(missing.linux(), 'sendmmsg of a connected AF_UNIX datagram socket waits without a timer', async () => {
  const [to, sender] = [new Socket(AF_UNIX, SOCK_DGRAM), new Socket(AF_UNIX, SOCK_DGRAM)].map(keep)
  to!.bind(abstractName())
  await sender!.connect(to!.getsockname())
  const count = 1000
  const batch = new MessageBatch({ count, size: 4 })
  for (let i = 0; i < count; i++) batch.set(i, Int32Array.of(i))
  const sending = sender!.sendmmsg(batch)
  sending.catch(() => {}) // if the messages come too late, the comparison fails, and the test closes the socket
  const got: number[] = []
  for (let turns = 0; turns < count && got.length < count; turns++) {
    got.push(...drain(to!, 4).map(data => data.readInt32LE()))
    await new Promise(setImmediate)
  }
  expect(got).toEqual(Array.from({ length: count }, (_, i) => i))
  expect(await sending).toBe(count)
})

testIf(missing.linux(), 'sendmmsg sends and recvmmsg receives control messages', async () => {
  const [server, client] = [keep(udp()), keep(udp())]
  server.setsockopt(IPPROTO_IP, IP_RECVTTL, 1)
  const out = new MessageBatch({ count: 2, size: 10, controlSize: 64 })
  out.set(0, Buffer.from('a'), server.getsockname(), [control.ttl(9)])
  out.set(1, Buffer.from('b'), server.getsockname())
  expect(await client.sendmmsg(out)).toBe(2)
  const batch = new MessageBatch({ count: 4, size: 10, controlSize: 64 })
  for (let got = 0; got < 2;) got += await server.recvmmsg(batch)
  expect(batch.meta(0).ttl).toBe(9)
  expect(batch.control(1)).toHaveLength(1)
  const late = new MessageBatch({ count: 1, size: 10 })
  expect(thrown(() => late.set(0, Buffer.alloc(1), undefined, [control.ttl(9)])).code).toBe(
    'ERR_OUT_OF_RANGE',
  )
})

testIf(missing.linux(), 'recvmmsg closes descriptors that arrive in a batch', async () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
  keep(a)
  keep(b)
  const count = (): number => readdirSync('/proc/self/fd').length
  const batch = new MessageBatch({ count: 4, size: 10, controlSize: 64 })
  const before = count()
  await a.sendFds(Buffer.from('x'), [0, 1])
  await a.sendFds(Buffer.from('y'), [0, 1, 2])
  expect(await b.recvmmsg(batch)).toBe(2)
  expect(count()).toBe(before)
})

test('the promise and the blocking Socket share batches', () => {
  const [a, b] = Blocking.pair(AF_UNIX, SOCK_DGRAM)
  keep(a)
  keep(b)
  const batch = new MessageBatch({ count: 4, size: 10 }).set(0, Buffer.from('x')).set(1, Buffer.from('y'))
  expect(a.sendmmsg(batch)).toBe(2)
  expect(b.recvmmsg(batch.clear())).toBe(2)
  expect(text(batch)).toEqual(['x', 'y'])
  expect(thrown(() => b.recvmmsg(batch, { timeout: 3 })).code).toBe('ERR_SOCKET_TIMEOUT')
})

test('invalid arguments are rejected before any system call', async () => {
  const code = (call: () => unknown): string | undefined => thrown(call).code
  expect(code(() => new MessageBatch(undefined as never))).toBe('ERR_INVALID_ARG_TYPE')
  for (const [count, size] of [
    [0, 1],
    [1025, 1],
    [1.5, 1],
    [1, -1],
    [1024, 1 << 30],
  ] as const) {
    expect(code(() => new MessageBatch({ count, size }))).toBe('ERR_OUT_OF_RANGE')
  }
  const batch = new MessageBatch({ count: 2, size: 4 })
  expect(code(() => batch.set(2, Buffer.alloc(1)))).toBe('ERR_OUT_OF_RANGE')
  expect(code(() => batch.set(0, Buffer.alloc(5)))).toBe('ERR_OUT_OF_RANGE')
  expect(code(() => batch.set(0, 'text' as never))).toBe('ERR_INVALID_ARG_TYPE')
  expect(code(() => batch.data(-1))).toBe('ERR_OUT_OF_RANGE')
  const socket = keep(udp())
  expect((await failure(socket.recvmmsg({} as never))).code).toBe('ERR_INVALID_ARG_TYPE')
  batch.set(0, Buffer.from('x'), ['example.org', 1])
  expect((await failure(socket.sendmmsg(batch))).code).toBe('ERR_INVALID_ADDRESS')
  socket.close()
  expect((await failure(socket.recvmmsg(batch))).code).toBe('EBADF')
})

test('the native call rejects a batch without its fields', () => {
  const socket = keep(udp())
  const { data, names } = new MessageBatch({ count: 4, size: 4 }).slab
  const call = (): number =>
    native.recvmmsg(socket.channel.id, data, names, null, null as never, 4, 0, 0, 4, 0)
  expect(thrown(call)).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
})

/** Receives a datagram into memory that was detached meanwhile, so that the next receive returns it. */
async function leaveOne(server: Socket, client: Socket): Promise<void> {
  const buffer = new Uint8Array(new ArrayBuffer(100))
  const receiving = server.recvfromInto(buffer)
  structuredClone(buffer.buffer, { transfer: [buffer.buffer] })
  await client.sendto(Buffer.from('left'), server.getsockname())
  expect((await failure(receiving)).code).toBe('ERR_BUFFER_DETACHED')
}

test('a message that an earlier receive could not deliver comes first, alone in its batch', async () => {
  const [server, client] = [keep(udp()), keep(udp())]
  await leaveOne(server, client)
  const batch = new MessageBatch({ count: 4, size: 100 })
  expect(await server.recvmmsg(batch, { timeout: 1000 })).toBe(1) // the kernel's queue is empty
  expect([text(batch), batch.flags(0)]).toEqual([['left'], 0])
  expect(batch.address(0)!.equals(client.getsockname())).toBe(true)
  await leaveOne(server, client)
  await client.sendto(Buffer.from('next'), server.getsockname())
  expect([server.tryRecvmmsg(batch), text(batch)]).toEqual([1, ['left']])
  expect([server.tryRecvmmsg(batch), text(batch)]).toEqual([1, ['next']])
})

test.each([1, 8])(
  'a message that an earlier receive could not deliver comes first in a loop with a batch of %d',
  async batch => {
    const [server, client] = [keep(udp()), keep(udp())]
    await leaveOne(server, client)
    await client.sendto(Buffer.from('next'), server.getsockname())
    const seen: string[] = []
    for await (const { data, address } of server.messages({ batch, timeout: 1000 })) {
      seen.push(`${String(data)} ${address!.equals(client.getsockname())}`)
      if (seen.length === 2) break
    }
    expect(seen).toEqual(['left true', 'next true'])
  },
)

test('bytes that a transfer returned come first on a stream', async () => {
  const [a, b] = [...Socket.pair(), ...Socket.pair()].map(keep) as [Socket, Socket]
  giveBack(b.channel, Buffer.from('given back'))
  await a.send(Buffer.from(' and more'))
  const batch = new MessageBatch({ count: 2, size: 6 })
  const got: string[] = []
  for (let i = 0; i < 4; i++) {
    const messages = b.tryRecvmmsg(batch)!
    got.push(text(batch).slice(0, messages).join(''))
    if (got.join('').length === 19) break
  }
  expect(got.join('')).toBe('given back and more')
})

test('a batch without addresses receives and sends none', async () => {
  using receiver = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  using sender = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  for (const text of ['one', 'two']) await sender.sendto(Buffer.from(text), receiver.getsockname())
  const batch = new MessageBatch({ count: 4, size: 10, addresses: false })
  expect(await receiver.recvmmsg(batch)).toBe(2)
  expect([0, 1].map(i => [String(batch.data(i)), batch.address(i)])).toEqual([
    ['one', null],
    ['two', null],
  ])
  expect((await failure(receiver.sendmmsg(batch))).code).toBe('EDESTADDRREQ') // they have no sender to return to
  await receiver.connect(sender.getsockname())
  expect(await receiver.sendmmsg(batch)).toBe(2)
  expect([sender.tryRecv(10), sender.tryRecv(10)].map(String)).toEqual(['one', 'two'])
  expect(thrown(() => batch.set(0, Buffer.from('x'), ['127.0.0.1', 1])).code).toBe('ERR_OUT_OF_RANGE')
  expect(batch.set(0, Buffer.from('x'), null).address(0)).toBeNull()
  expect(thrown(() => new MessageBatch({ count: 1, size: 1, addresses: 1 as never })).code).toBe(
    'ERR_INVALID_ARG_TYPE',
  )
  // Messages that a loop has left have senders, which such a batch drops.
  for (const text of ['a', 'b', 'c']) await sender.sendto(Buffer.from(text), receiver.getsockname())
  const loop = receiver.messages()
  const first = await loop.next()
  expect(first.done === true ? null : String(first.value.data)).toBe('a')
  await loop.return?.()
  expect(await receiver.recvmmsg(batch)).toBe(2)
  expect([String(batch.data(1)), batch.address(1)]).toEqual(['c', null])
})
