import { AF_INET, AF_UNIX, SOCK_DGRAM, SOCK_STREAM, Socket } from '../../lib'
import { Socket as Blocking } from '../../lib/sync'
import { missing, testIf } from '../helpers/need'

const open: { close(): void }[] = []
afterEach(() => {
  for (const socket of open.splice(0)) socket.close()
})

function pair(): [Socket, Socket] {
  const ends = Socket.pair(AF_UNIX, SOCK_DGRAM)
  open.push(...ends)
  return ends
}
const text = (i: number): string => `${i}:`.padEnd(1 + ((i * 37) % 900), String(i % 10))
const bytes = (i: number): Buffer => Buffer.from(text(i))

// Small messages share one piece of memory. A later receive must not change an earlier message.
test('a received message does not change when later messages arrive', async () => {
  const [a, b] = pair()
  const got: Buffer[] = []
  for (let i = 0; i < 1000; i++) {
    const late = i % 3 === 0 // starts to wait before the send, which uses the other receive path
    const waiting = late ? b.recvmsg(1200) : null
    if (late) await new Promise(setImmediate)
    await a.send(bytes(i))
    if (waiting !== null) got.push((await waiting).data)
    else if (i % 3 === 1) got.push(await b.recv(2000))
    else got.push(b.tryRecv(9000)!)
  }
  expect(got.map(String)).toEqual(Array.from({ length: 1000 }, (_, i) => text(i)))
  expect(got.every(each => each.byteOffset % 8 === 0)).toBe(true)
})

test('a receive that finds no data does not change what later receives return', async () => {
  const [a, b] = pair()
  expect(b.tryRecv(100)).toBe(null)
  expect(b.tryRecv(50)).toBe(null)
  await a.send(Buffer.from('one'))
  const one = b.tryRecv(100)!
  expect(b.tryRecv(100)).toBe(null)
  await a.send(Buffer.from('two'))
  const two = b.tryRecv(3)!
  expect([String(one), String(two)]).toEqual(['one', 'two'])
})

test('the memory of a small message cannot be transferred, because other messages share it', async () => {
  const [a, b] = pair()
  await a.send(Buffer.from('mine'))
  const mine = await b.recv(100)
  try {
    structuredClone(mine, { transfer: [mine.buffer] })
  } catch (error) {
    expect((error as Error).name).toBe('DataCloneError') // Node 21 and later throw; Node 20 copies the memory
  }
  await a.send(Buffer.from('next'))
  expect(String(await b.recv(100))).toBe('next')
  expect(String(mine)).toBe('mine')
})

test('a message of 4 KiB or more has its own memory, which a zero-copy send can use', async () => {
  const [a, b] = pair()
  for (const [length, shared] of [
    [4095, true],
    [4096, false],
    [8192, false],
    [9000, false],
  ] as const) {
    await a.send(Buffer.alloc(length, length & 0xff))
    const got = await b.recv(9000)
    await a.send(Buffer.alloc(length, length & 0xff))
    const also = await b.recv(length)
    for (const each of [got, also]) expect(each.equals(Buffer.alloc(length, length & 0xff))).toBe(true)
    expect(also.buffer.byteLength > length).toBe(shared)
  }
})

testIf(missing.linux(), 'a zero-copy send of a small message fails, and the error says why', async () => {
  const listener = new Socket(AF_INET, SOCK_STREAM).bind(['127.0.0.1', 0]).listen()
  const sender = new Socket(AF_INET, SOCK_STREAM)
  open.push(listener, sender)
  await sender.connect(listener.getsockname())
  const [a, b] = pair()
  await a.send(Buffer.alloc(100))
  const lending = sender.sendZeroCopy(await b.recv(8192))
  await expect(lending).rejects.toThrow('not a part of the pool that Buffers share')
})

test('a message received by the blocking Socket does not change when later messages arrive', () => {
  const [a, b] = Blocking.pair(AF_UNIX, SOCK_DGRAM)
  open.push(a, b)
  const got = [1, 2, 3].map(i => (a.send(bytes(i)), b.recv(1000)))
  expect(got.map(String)).toEqual([1, 2, 3].map(text))
})

// The address of a sender that sends repeatedly is decoded once.
test('datagrams of alternating senders have the right addresses', async () => {
  const socket = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  const senders = ['127.0.0.2', '127.0.0.3'].map(host => new Socket(AF_INET, SOCK_DGRAM).bind([host, 0]))
  open.push(socket, ...senders)
  for (const i of [0, 0, 1, 0, 1, 1]) {
    await senders[i]!.sendto(Buffer.from('x'), socket.getsockname())
    const { address } = await socket.recvfrom(10)
    expect(address!.toJSON()).toEqual(senders[i]!.getsockname().toJSON())
  }
})
