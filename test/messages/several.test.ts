/*
 * A loop over datagrams receives several with one system call. Each message gets memory of its own, and those that the
 * loop has not returned yet are the next ones for every other receive.
 */
import { setFlagsFromString } from 'node:v8'
import { runInThisContext } from 'node:vm'
import { MessageChannel } from 'node:worker_threads'
import {
  AF_INET,
  AF_INET6,
  constants,
  control,
  MSG_TRUNC,
  Socket,
  SOCK_DGRAM,
  SOCK_STREAM,
  type Message,
} from '../../lib'
import { native } from '../../lib/binding/binding'
import { roomFor } from '../../lib/message/several'
import { failure, thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { drain, pattern } from '../helpers/pairs'

let receiver: Socket
let sender: Socket

beforeEach(() => {
  receiver = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  sender = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
})

afterEach(() => {
  receiver.close()
  sender.close()
})

const send = (...parts: Uint8Array[]): void => {
  for (const part of parts) expect(sender.trySendto(part, receiver.localAddress)).toBe(part.length)
}

async function take(loop: AsyncIterable<Message>, count: number): Promise<Message[]> {
  const got: Message[] = []
  for await (const message of loop) if (got.push(message) === count) break
  return got
}

/** Returns how many messages each system call of a function asked for. */
async function asked(run: () => Promise<unknown>): Promise<number[]> {
  const { recvPacked } = native
  const counts: number[] = []
  native.recvPacked = (...given) => {
    counts.push(given[8])
    return recvPacked(...given)
  }
  try {
    await run()
  } finally {
    native.recvPacked = recvPacked
  }
  return counts
}

/** Counts the receives of a function that make system calls. */
const calls = async (run: () => Promise<unknown>): Promise<number> => (await asked(run)).length

/** Returns the buffers that the receives of a function are given, call by call. */
async function memories(run: () => Promise<unknown>): Promise<readonly Uint8Array[][]> {
  const { recvPacked } = native
  const given: Uint8Array[][] = []
  native.recvPacked = (slot, buffers, ...rest) => {
    given.push([...(buffers as Uint8Array[])])
    return recvPacked(slot, buffers, ...rest)
  }
  try {
    await run()
  } finally {
    native.recvPacked = recvPacked
  }
  return given
}

// The lengths are around the limits of the pool: what shares a piece, what has its own memory.
const lengths = [1, 0, 7, 8, 9, 4095, 4096, 4097, 3, 16383, 2000, 2000, 16384, 1, 60000, 0, 5]

test.each([undefined, 3, 64])('every datagram arrives whole and in order, batch %s', async batch => {
  const sent = lengths.map((length, i) => pattern(length + i).subarray(i))
  send(...sent)
  const got = await take(receiver.messages({ batch, timeout: 5000 }), sent.length)
  expect(got.map(({ data }) => data.length)).toEqual(lengths)
  got.forEach(({ data, bytes, flags, control, address }, i) => {
    expect([bytes, flags, control]).toEqual([data.length, 0, []])
    expect(data.equals(sent[i]!)).toBe(true)
    expect(address!.equals(sender.getsockname())).toBe(true)
  })
})

test('one system call receives all that has arrived', async () => {
  const loop = receiver.messages({ timeout: 5000 })
  const first = loop.next() // now the socket is watched
  send(pattern(10), pattern(10)) // two: after one that came alone the loop asks for one
  await first
  await loop.next()
  expect(
    await calls(async () => {
      const next = loop.next()
      send(...Array.from({ length: 20 }, () => pattern(10)))
      await next
      for (let i = 1; i < 20; i++) await loop.next()
      const waiting = loop.next()
      await loop.return!()
      expect((await waiting).done).toBe(true)
    }),
  ).toBe(3) // one before and one after it find nothing: a small batch does not prove that the queue is empty
})

test('what a program keeps of a small message is at most one piece of the pool', async () => {
  send(pattern(60000), pattern(20), pattern(60000), pattern(30))
  const got = await take(receiver.messages({ timeout: 5000 }), 4)
  expect(got.map(({ data }) => data.buffer.byteLength)).toEqual([60000, 16384, 60000, 16384])
})

// Each round is one system call. From the third round of a length on, its messages are received in place.
const rounds = [
  ...Array.from({ length: 4 }, () => [8192, 8192, 8192, 8192]),
  [8192, 8191, 8193, 8192], // shorter and longer than expected
  [8192, 4096, 4095, 8192],
  [3, 8192, 0, 20000],
  [5, 7],
  ...Array.from({ length: 3 }, () => [5000, 5000]),
  [60000, 5000, 5000, 1],
  ...Array.from({ length: 12 }, () => Array.from({ length: 30 }, () => 1201)), // more than a piece of the pool
  [1201, 1200, 1202, 5000, 0, 1201, 1201, 9, 1201],
  ...Array.from({ length: 4 }, () => [1201, 1201, 1201]),
  ...Array.from({ length: 16 }, () => [1201]),
  [64, 64, 1201],
  [64, 64],
  ...Array.from({ length: 4 }, () => [0, 0, 0]),
]

test('messages of one length are received in place, and later ones leave them as they are', async () => {
  const loop = receiver.messages({ timeout: 5000 })
  const got: Buffer[] = []
  const sent: Buffer[] = []
  let inPlace = 0
  for (const lengths of rounds) {
    const parts = lengths.map(length => Buffer.alloc(length, sent.length + length))
    send(...parts)
    sent.push(...parts)
    const given = await memories(async () => {
      for (const { length } of parts) {
        const { data } = ((await loop.next()) as IteratorYieldResult<Message>).value
        expect(data.length).toBe(length)
        got.push(data)
      }
    })
    const places = given.flatMap(buffers => buffers.slice(1))
    const within = (data: Buffer): boolean =>
      places.some(
        ({ buffer, byteOffset, length }) =>
          buffer === data.buffer &&
          byteOffset < data.byteOffset + data.length &&
          data.byteOffset < byteOffset + length,
      )
    inPlace += got.slice(-lengths.length).filter(within).length
    expect(got.slice(0, -lengths.length).filter(within)).toEqual([])
  }
  expect(inPlace).toBeGreaterThanOrEqual(8 + 10 * 30)
  got.forEach((data, i) => expect(data.equals(sent[i]!)).toBe(true))
  const large = got.filter(({ length }) => length >= 4096)
  expect(large.map(({ buffer }) => buffer.byteLength)).toEqual(large.map(({ length }) => length))
  expect(new Set(large.map(({ buffer }) => buffer)).size).toBe(large.length)
  const small = got.filter(({ length }) => length > 0 && length < 4096)
  expect(small.filter(({ buffer }) => buffer.byteLength !== 16384)).toEqual([])
})

test('the memory of a large message can be transferred away', async () => {
  const loop = receiver.messages({ timeout: 5000 })
  for (let round = 0; round < 4; round++) {
    const parts = [1, 2, 3].map(i => Buffer.alloc(8192, round + i))
    send(...parts)
    for (const part of parts) {
      const { data } = ((await loop.next()) as IteratorYieldResult<Message>).value
      const moved = structuredClone(data.buffer, { transfer: [data.buffer] })
      expect([data.length, part.equals(new Uint8Array(moved))]).toEqual([0, true])
    }
  }
})

/** Detaches memory, also if it is marked as untransferable. */
function detachMemory(memory: ArrayBufferLike): void {
  setFlagsFromString('--allow-natives-syntax')
  const detach = runInThisContext('memory => %ArrayBufferDetach(memory)') as (memory: ArrayBufferLike) => void
  detach(memory)
}

// Node 22 and Bun detach the memory in ArrayBuffer.prototype.transfer, although it is marked as untransferable. Node 24
// refuses, even here.
test('a program that detaches the memory of a small message loses no later message', async () => {
  const loop = receiver.messages({ timeout: 5000, size: 1999 }) // a new Room
  const places: number[] = []
  for (let round = 0; round < 8; round++) {
    const parts = [1, 2, 3].map(i => Buffer.alloc(1200, 10 * round + i))
    send(...parts)
    const got: Message[] = []
    const given = await memories(async () => {
      for (const part of parts) {
        const message = ((await loop.next()) as IteratorYieldResult<Message>).value
        expect(message.data.equals(part)).toBe(true)
        got.push(message)
      }
    })
    places.push(given[0]!.length - 1)
    try {
      if (round === 3) detachMemory(got[0]!.data.buffer)
    } catch (error) {
      expect((error as Error).name).toBe('TypeError')
      expect(got[0]!.data.length).toBe(1200)
    }
  }
  expect(places.map(Boolean)).toEqual([false, false, true, true, true, true, true, true])
})

test('a receive of 0 bytes loses no message after the memory of an empty one was detached', async () => {
  for (let round = 0; round < 3; round++) {
    send(Buffer.alloc(10, round))
    const { data, truncated } = await receiver.recvmsg(0)
    expect([data.length, truncated]).toEqual([0, true])
    try {
      detachMemory(data.buffer)
    } catch (error) {
      expect((error as Error).name).toBe('TypeError')
    }
  }
})

test('messages received in place are the next ones for every other receive', async () => {
  const loop = receiver.messages({ timeout: 5000 })
  for (let round = 0; round < 4; round++) {
    const parts = [1, 2, 3, 4].map(i => Buffer.alloc(8192, 10 * round + i))
    send(...parts)
    const first = ((await loop.next()) as IteratorYieldResult<Message>).value
    const others = [await receiver.recv(10000), (await receiver.recvmsg(10000)).data, receiver.tryRecv(8192)!]
    const got = [first.data, ...others]
    got.forEach((data, i) => expect(data.equals(parts[i]!)).toBe(true))
  }
})

test('no message changes when later ones arrive, on this socket or on another', async () => {
  using other = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  const kept: Message[] = []
  const loops = [receiver, other].map(socket => [socket, socket.messages({ timeout: 5000 })] as const)
  for (let round = 0; round < 40; round++)
    for (const [socket, loop] of loops) {
      for (let i = 0; i < 3; i++)
        sender.trySendto(Buffer.alloc(500 + i, kept.length + i), socket.localAddress)
      for (let i = 0; i < 3; i++) kept.push(((await loop.next()) as IteratorYieldResult<Message>).value)
    }
  kept.forEach(({ data }, i) => expect(data.equals(Buffer.alloc(500 + (i % 3), i))).toBe(true))
})

test('the memory of a message cannot be transferred away from the others', async () => {
  send(pattern(10), pattern(20))
  const [one, two] = await take(receiver.messages({ timeout: 5000 }), 2)
  expect(one!.data.buffer).toBe(two!.data.buffer)
  const { port1, port2 } = new MessageChannel()
  try {
    port1.postMessage(0, [one!.data.buffer]) // Node 20 copies it, later versions refuse
  } catch (error) {
    expect((error as Error).name).toBe('DataCloneError')
  }
  expect(one!.data.equals(pattern(10))).toBe(true)
  port1.close()
  port2.close()
  expect(two!.data.equals(pattern(20))).toBe(true)
})

test.each([10, 1200, 4096])(
  'a message of %i bytes is a Buffer like any other, in plain memory',
  async size => {
    setFlagsFromString('--allow-natives-syntax')
    const alike = runInThisContext('(one, other) => %HaveSameMap(one, other)') as (
      ...pair: Buffer[]
    ) => boolean
    for (let round = 0; round < 3; round++) {
      send(...Array.from({ length: 20 }, (_, i) => pattern(size + i).subarray(i)))
      const got = await take(receiver.messages({ timeout: 5000 }), 20)
      got.forEach(({ data }, i) => {
        expect(data.equals(pattern(size + i).subarray(i))).toBe(true)
        expect(alike(data, Buffer.allocUnsafeSlow(9).subarray(1))).toBe(true)
        expect(Reflect.ownKeys(data.buffer)).toEqual([])
      })
    }
  },
)

test('each message of one batch has its own sender', async () => {
  const others = [1, 2].map(() => new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0]))
  const turns = [sender, sender, others[0]!, sender, others[1]!, others[1]!, others[0]!]
  turns.forEach((from, i) => from.trySendto(pattern(20 + i), receiver.localAddress))
  const got = await take(receiver.messages({ timeout: 5000 }), turns.length)
  expect(got.map(({ address }) => address)).toEqual(turns.map(from => from.getsockname()))
  for (const other of others) other.close()
})

test('a piece of memory that other code has detached is not used for the next messages', async () => {
  const numbered = (first: number, count: number): Buffer[] =>
    Array.from({ length: count }, (_, i) => Buffer.alloc(200, first + i))
  let last = Buffer.alloc(0)
  for (let round = 0; round < 4; round++) {
    send(...numbered(round * 8, 8))
    last = (await take(receiver.messages(), 8)).at(-1)!.data
  }
  // A byte stream detaches the memory of its chunks. From Node 24 on it refuses memory that is marked as untransferable.
  const detach = (): unknown => new ReadableStream({ type: 'bytes', start: to => to.enqueue(last) })
  if (Number(process.versions.node.split('.')[0]) < 24) detach()
  else expect(detach).toThrow('not detachable')
  const other = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  const sent = numbered(100, 20)
  for (const part of sent) expect(sender.trySendto(part, other.localAddress)).toBe(200)
  expect((await take(other.messages(), 20)).map(each => each.data)).toEqual(sent)
  other.close()
})

test('after one piece of several has been detached, the others are used', async () => {
  const sizes = { timeout: 5000, size: 1998 } // a new Room
  const round = async (first: number): Promise<Message[]> => {
    const parts = Array.from({ length: 20 }, (_, i) => Buffer.alloc(1200, first + i)) // more than one piece
    send(...parts)
    const got = await take(receiver.messages(sizes), 20)
    expect(got.map(each => each.data)).toEqual(parts)
    return got
  }
  for (let i = 0; i < 3; i++) await round(20 * i)
  const last = (await round(60)).at(-1)!.data
  try {
    detachMemory(last.buffer)
  } catch (error) {
    expect((error as Error).name).toBe('TypeError') // Node 24 and later
  }
  await round(80)
  await round(100)
})

test('sizes at the limits, and what does not fit', async () => {
  for (const size of [0, 1, 9, 4096]) {
    send(pattern(5000), pattern(3), pattern(4096))
    const got = await take(receiver.messages({ size, timeout: 5000 }), 3)
    expect(got.map(({ data }) => data.length)).toEqual([size, Math.min(3, size), Math.min(4096, size)])
    expect(got.map(({ truncated }) => truncated)).toEqual([true, size < 3, size < 4096])
    got.forEach(({ data }) => expect(data.equals(pattern(5000).subarray(0, data.length))).toBe(true))
  }
  send(pattern(5000), pattern(3))
  const got = await take(receiver.messages({ size: 10, flags: MSG_TRUNC, timeout: 5000 }), 2)
  expect(got.map(({ bytes, data }) => [bytes, data.length])).toEqual([
    [5000, 10],
    [3, 3],
  ])
  expect(thrown(() => receiver.messages({ size: 2 ** 30, batch: 2 })).code).toBe('ERR_OUT_OF_RANGE')
  send(pattern(3))
  expect((await take(receiver.messages({ size: 2 ** 30, timeout: 5000 }), 1))[0]!.bytes).toBe(3)
})

test('each message has its own control messages', async () => {
  receiver.receiveMeta({ ttl: true })
  const address = receiver.getsockname()
  for (const ttl of [9, 11, 13]) sender.trySendmsg({ data: pattern(4), address, control: [control.ttl(ttl)] })
  const got = await take(receiver.messages({ timeout: 5000 }), 3)
  expect(got.map(({ meta }) => meta.ttl)).toEqual([9, 11, 13])
  send(pattern(1), pattern(2))
  const narrow = await take(receiver.messages({ controlSize: 8, timeout: 5000 }), 2)
  expect(narrow.map(({ controlTruncated, control }) => [controlTruncated, control])).toEqual([
    [true, []],
    [true, []],
  ])
})

testIf(missing.root(), 'the largest extension headers of IPv6 are received whole', async () => {
  const options = Buffer.alloc(2048)
  options[1] = options.length / 8 - 1
  for (let at = 2; at < options.length; at += 2 + options[at + 1]!)
    options.set([0x1e, Math.min(255, options.length - at - 2)], at)
  using to = new Socket(AF_INET6, SOCK_DGRAM).bind(['::1', 0])
  using from = new Socket(AF_INET6, SOCK_DGRAM)
  to.setsockopt(constants.IPPROTO_IPV6!, constants.IPV6_RECVDSTOPTS!, 1)
  const header = { level: constants.IPPROTO_IPV6!, type: constants.IPV6_DSTOPTS!, data: options }
  for (const length of [1, 2])
    from.trySendmsg({ data: pattern(length), address: to.getsockname(), control: [header] })
  for (const { controlTruncated, control } of await take(to.messages({ timeout: 5000 }), 2)) {
    expect(controlTruncated).toBe(false)
    expect(control[0]!.data.subarray(1).equals(options.subarray(1))).toBe(true)
  }
})

test('loops share memory of the usual size, and a large one is freed with its loop', () => {
  const usual = roomFor(60, 65536, 4096)
  const large = roomFor(1024, 65536, 4096)
  expect(roomFor(60, 65536, 4096)).toBe(usual)
  expect(roomFor(1024, 65536, 4096)).not.toBe(large)
})

test('a socket that may have other holders leaves the other datagrams to them', async () => {
  using second = receiver.dup()
  send(pattern(1), pattern(2), pattern(3))
  const loop = receiver.messages({ timeout: 5000 })
  expect(((await loop.next()) as IteratorYieldResult<Message>).value.bytes).toBe(1)
  expect(drain(second).map(({ length }) => length)).toEqual([2, 3])
  send(pattern(4), pattern(5), pattern(6))
  await take(receiver.messages({ batch: 2, timeout: 5000 }), 1)
  expect(drain(second).map(({ length }) => length)).toEqual([6]) // an explicit batch is taken
  expect(drain(receiver).map(({ length }) => length)).toEqual([5])
})

test('with batch 1 nothing is left in the process', async () => {
  send(pattern(1), pattern(2))
  await take(receiver.messages({ batch: 1, timeout: 5000 }), 1)
  const same = Socket.adopt(receiver.detach())
  expect(same.tryRecv(10)).toEqual(pattern(2))
  same.close()
  receiver = new Socket(AF_INET, SOCK_DGRAM)
})

test('a pending error is reported after the datagrams that came before it', async () => {
  const gone = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  const target = gone.getsockname()
  await receiver.connect(target)
  gone.trySendto(pattern(3), receiver.localAddress)
  const loop = receiver.messages({ timeout: 5000 })
  expect(((await loop.next()) as IteratorYieldResult<Message>).value.bytes).toBe(3)
  gone.close()
  const next = failure(loop.next())
  receiver.trySend(pattern(1)) // nothing listens there now: ICMP
  expect((await next).code).toBe('ECONNREFUSED')
})

describe.each([undefined, 5])('batch %s', batch => {
  const all = batch ?? 64
  const few = Math.min(8, all)
  const numbers = Array.from({ length: 3 + 80 }, (_, i) => `${i}`)
  let loop: AsyncIterableIterator<Message>
  let got: string[]

  beforeEach(() => {
    loop = receiver.messages({ size: 10, batch })
    got = []
  })

  /** Receives while this number of messages arrives at once. */
  async function receive(count: number): Promise<void> {
    const first = loop.next()
    send(...numbers.slice(got.length, got.length + count).map(each => Buffer.from(each)))
    for (let i = 0; i < count; i++) {
      const next = await (i === 0 ? first : loop.next())
      got.push(String((next as IteratorYieldResult<Message>).value.data))
    }
  }

  test('a loop asks for one message if the last one came alone', async () => {
    const alone = async (): Promise<void> => {
      for (let i = 0; i < 3; i++) await receive(1)
    }
    expect(await asked(alone)).toEqual([all, all, few, 1, few, 1])
    const together = await asked(() => receive(80))
    expect(together.slice(0, 5)).toEqual([few, 1, few, all, all])
    expect(got).toEqual(numbers)
  })

  test('messages that come in pairs do not come alone', async () => {
    const pairs = async (): Promise<void> => {
      for (let i = 0; i < 3; i++) await receive(2)
    }
    expect(await asked(pairs)).toEqual([all, all, all, all, all, all])
    expect(got).toEqual(numbers.slice(0, 6))
  })
})

test('a stream with a batch has one end', async () => {
  const [a, b] = Socket.pair()
  a.trySend(pattern(10))
  a.close()
  const got: Message[] = []
  for await (const message of b.messages({ batch: 8, timeout: 5000 })) got.push(message)
  expect(got.map(({ bytes }) => bytes)).toEqual([10])
  b.close()
  using server = new Socket(AF_INET6, SOCK_STREAM).bind(['::1', 0]).listen()
  using client = new Socket(AF_INET6, SOCK_STREAM)
  await client.connect(server.getsockname())
  const peer = await server.accept()
  peer.trySend(pattern(10))
  peer.close()
  const received: Message[] = []
  for await (const message of client.messages({ batch: 8, timeout: 5000 })) received.push(message)
  expect(received.map(({ bytes }) => bytes)).toEqual([10])
})
