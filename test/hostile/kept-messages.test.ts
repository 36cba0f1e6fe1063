/*
 * A loop over messages with a batch takes datagrams from the kernel that it has not returned yet. If the loop ends
 * early, no datagram may be lost or overtaken: the next receive of any kind returns the oldest one.
 */
import {
  AF_INET,
  MessageBatch,
  poll,
  select,
  Socket,
  SOCK_DGRAM,
  MSG_PEEK,
  MSG_TRUNC,
  POLLIN,
  type Message,
} from '../../lib'
import { Socket as Blocking } from '../../lib/sync'
import { failure, thrown } from '../helpers/errors'
import { drain } from '../helpers/pairs'

const words = ['m0', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7']

let receiver: Socket
let sender: Socket

const send = (socket: { localAddress: unknown }, ...texts: string[]): void => {
  for (const text of texts) sender.trySendto(Buffer.from(text), socket.localAddress as never)
}
const text = async (next: Promise<IteratorResult<Message>>): Promise<string> =>
  String(((await next) as IteratorYieldResult<Message>).value.data)
const fromSender = (address: unknown): boolean => sender.getsockname().equals(address)

/** Enters a loop, leaves it after the first message, and returns the message's text. */
async function first(loop: AsyncIterableIterator<Message>): Promise<string> {
  const got = await text(loop.next())
  await loop.return!()
  return got
}

/** Sends eight datagrams, and leaves a loop after the first. One more datagram is in the kernel. */
async function leaveEarly(): Promise<void> {
  send(receiver, ...words)
  expect(await first(receiver.messages({ batch: 8, size: 100, timeout: 1000 }))).toBe('m0')
  send(receiver, 'm8')
}

beforeEach(() => {
  receiver = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0]).receiveMeta({ ttl: true })
  sender = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
})

afterEach(() => {
  receiver.close()
  sender.close()
})

test('detach() says EBUSY until the datagrams of the loop have been received', async () => {
  await leaveEarly()
  expect(thrown(() => receiver.detach()).code).toBe('EBUSY')
  expect(drain(receiver).map(String)).toEqual([...words.slice(1), 'm8'])
  const same = Socket.adopt(receiver.detach())
  same.close()
})

test('readable(), poll and select report them, and a loop of readable() and tryRecv ends', async () => {
  send(receiver, 'm0', 'm1')
  await first(receiver.messages({ batch: 8 }))
  await receiver.readable({ timeout: 1000 })
  expect((await poll([{ socket: receiver, events: POLLIN }], 0))[0]!.revents).toBe(POLLIN)
  expect((await select([receiver], [], [], 0))[0]).toEqual([receiver])
  expect(String(receiver.tryRecv(10))).toBe('m1')
  expect(receiver.tryRecv(10)).toBeNull()
  expect((await failure(receiver.readable({ timeout: 20 }))).code).toBe('ERR_SOCKET_TIMEOUT')
})

// The loop takes the batch before the poller looks, so nothing in the kernel wakes the others.
test('readable(), poll and select that already wait are woken by the datagrams that a loop leaves', async () => {
  const waiting = [
    poll([{ socket: receiver, events: POLLIN }]), // a timeout would end in a last look
    select([receiver], [], []).then(([readable]) => readable),
  ]
  await new Promise(resolve => setImmediate(resolve))
  send(receiver, 'm0', 'm1', 'm2')
  const loop = receiver.messages({ batch: 8, size: 100 })
  expect(await text(loop.next())).toBe('m0')
  const readable = receiver.readable({ timeout: 5000 })
  expect((await Promise.all(waiting)).map(each => each.length)).toEqual([1, 1])
  await readable
  expect(drain(receiver).map(String)).toEqual(['m1', 'm2'])
})

test('poll that already waits is woken by bytes that a reader keeps', async () => {
  const [a, b] = Socket.pair()
  const waiting = poll([{ socket: b, events: POLLIN }])
  await new Promise(resolve => setImmediate(resolve))
  a.trySend(Buffer.from('line\nmore'))
  expect(String(await b.reader().line())).toBe('line')
  expect(await waiting).toHaveLength(1)
  a.close()
  b.close()
})

test('every way to receive returns them in order, with their senders and control messages', async () => {
  await leaveEarly()
  expect(String(await receiver.recv(10, { flags: MSG_PEEK }))).toBe('m1')
  expect(String(await receiver.recv(10))).toBe('m1')
  const { data, address } = await receiver.recvfrom(10)
  expect([String(data), fromSender(address)]).toEqual(['m2', true])
  const message = await receiver.recvmsg(10)
  expect([String(message.data), message.meta.ttl, message.flags]).toEqual(['m3', 64, 0])
  expect(fromSender(message.address)).toBe(true)
  const into = Buffer.alloc(2)
  expect([receiver.tryRecvInto(into), String(into)]).toEqual([2, 'm4'])
  const cut = receiver.tryRecvmsg(1, MSG_TRUNC)!
  expect([String(cut.data), cut.bytes, cut.truncated]).toEqual(['m', 2, true])
  const batch = new MessageBatch({ count: 8, size: 10, controlSize: 64 })
  expect(await receiver.recvmmsg(batch)).toBe(2)
  expect([0, 1].map(i => [String(batch.data(i)), batch.meta(i).ttl, fromSender(batch.address(i))])).toEqual([
    ['m6', 64, true],
    ['m7', 64, true],
  ])
  expect(drain(receiver).map(String)).toEqual(['m8'])
})

test('a receive that waits behind the loop gets the next one', async () => {
  const loop = receiver.messages({ batch: 8 })
  const one = text(loop.next())
  const second = receiver.recvfrom(10)
  const third = receiver.recvmsg(10)
  send(receiver, 'm0', 'm1', 'm2', 'm3')
  expect(await one).toBe('m0')
  expect(String((await second).data)).toBe('m1')
  expect(String((await third).data)).toBe('m2')
  expect(await text(loop.next())).toBe('m3')
})

test('a loop with smaller messages cuts them and says so', async () => {
  send(receiver, 'first', 'second', 'third')
  await first(receiver.messages({ batch: 8 }))
  const [one, two] = [receiver.messages({ batch: 4, size: 3 }), receiver.messages({ size: 3 })]
  for (const [loop, text] of [
    [one, 'sec'],
    [two, 'thi'],
  ] as const) {
    const { value } = (await loop.next()) as IteratorYieldResult<Message>
    expect([String(value.data), value.truncated]).toEqual([text, true])
  }
})

test('a loop that peeks keeps nothing', async () => {
  send(receiver, 'm0', 'm1')
  expect(await first(receiver.messages({ batch: 8, flags: MSG_PEEK }))).toBe('m0')
  expect(drain(receiver).map(String)).toEqual(['m0', 'm1'])
})

test('an empty datagram among them does not end anything', async () => {
  await receiver.connect(sender.getsockname())
  send(receiver, 'm0', '', 'm2')
  const got: string[] = []
  for await (const { data } of receiver.messages({ batch: 8 })) if (got.push(String(data)) === 2) break
  expect(String(await receiver.recv(9))).toBe('m2')
  expect(got).toEqual(['m0', ''])
})

test('the blocking flavour keeps them too', () => {
  using blocking = new Blocking(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  send(blocking, ...words)
  const { value } = blocking.messages({ batch: 8 }).next() as IteratorYieldResult<Message>
  expect(String(value.data)).toBe('m0')
  expect(thrown(() => blocking.detach()).code).toBe('EBUSY')
  blocking.readable({ timeout: 0 })
  expect(String(blocking.recv(9))).toBe('m1')
  expect(String(blocking.recvfrom(9).data)).toBe('m2')
  expect(drain(blocking as never).map(String)).toEqual(words.slice(3))
})
