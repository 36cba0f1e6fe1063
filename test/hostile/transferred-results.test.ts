/*
 * A program may transfer the memory of what it received to a worker, which detaches it here. No other result may share
 * that memory, also not an empty one.
 */
import { Socket, AF_INET, AF_UNIX, SOCK_DGRAM, SOCK_STREAM, MSG_WAITALL } from '../../lib'
import { Socket as Blocking } from '../../lib/sync'
import { keeper } from '../helpers/keep'
import { testIf } from '../helpers/need'

const keep = keeper()
const nothing = Buffer.alloc(0)

function pair(type: number): [Socket, Socket] {
  const [a, b] = Socket.pair(AF_UNIX, type)
  return [keep(a), keep(b)]
}

/** Returns a socket on which empty datagrams wait, and then an `x`. */
function withEmpty(count: number): Socket {
  const [a, b] = pair(SOCK_DGRAM)
  for (let i = 0; i < count; i++) a.trySend(nothing)
  a.trySend(Buffer.from('x'))
  return b
}

/** Returns a stream at its end. */
function atEnd(): Socket {
  const [a, b] = pair(SOCK_STREAM)
  a.close()
  return b
}

/** Detaches the memory, as `postMessage(data, [data.buffer])` does. Node refuses this for memory that small messages share. */
function transfer(data: Uint8Array): void {
  try {
    structuredClone(data, { transfer: [data.buffer as ArrayBuffer] })
  } catch (error) {
    expect(error).toMatchObject({ name: 'DataCloneError' })
  }
}

async function firstOf(socket: Socket, options = {}): Promise<Buffer> {
  const loop = socket.messages({ size: 10, ...options })
  const { value } = (await loop.next()) as { value: { data: Buffer } }
  await loop.return?.()
  return value.data
}

const empties: [string, () => Promise<Buffer> | Buffer][] = [
  ['recv of an empty datagram', () => withEmpty(1).recv(10)],
  ['recvfrom of an empty datagram', async () => (await withEmpty(1).recvfrom(10)).data],
  ['recvmsg of an empty datagram', async () => (await withEmpty(1).recvmsg(10)).data],
  ['recvmsg with fds', async () => (await withEmpty(1).recvmsg(10, { fds: 'receive' })).data],
  ['recvFds of an empty datagram', async () => (await withEmpty(1).recvFds(10, 1)).data],
  ['tryRecv of an empty datagram', () => withEmpty(1).tryRecv(10)!],
  ['messages()', () => firstOf(withEmpty(1))],
  ['messages() with batch: 1', () => firstOf(withEmpty(1), { batch: 1 })],
  [
    'onMessage',
    () =>
      new Promise(resolve => {
        const reception = withEmpty(1).onMessage(({ data }) => {
          reception.stop()
          resolve(data)
        })
      }),
  ],
  ['recv at the end of a stream', () => atEnd().recv(10)],
  ['recv with MSG_WAITALL at the end', () => atEnd().recv(10, { flags: MSG_WAITALL })],
  ['recv of no bytes', () => atEnd().recv(0)],
  ['recvmsg at the end', async () => (await atEnd().recvmsg(10)).data],
  ['read of a reader at the end', () => atEnd().reader().read()],
  ['exactly(0) of a reader', () => atEnd().reader().exactly(0)],
  ['peek of a reader at the end', () => atEnd().reader().peek(9)],
  [
    'the bytes before an unexpected end',
    () =>
      atEnd()
        .reader()
        .exactly(9)
        .catch((error: unknown) => (error as { partial: Buffer }).partial),
  ],
  [
    'recv of bsd-sockets/sync at the end',
    () => {
      const [a, b] = Blocking.pair()
      a.close()
      const data = b.recv(10)
      b.close()
      return data
    },
  ],
]

test.each(empties)('%s: the empty Buffer has memory of its own', async (_name, receive) => {
  for (let i = 0; i < 3; i++) {
    const data = await receive()
    expect(data.subarray(0)).toHaveLength(0)
    transfer(data)
  }
  expect(String(await withEmpty(0).recv(10))).toBe('x')
  for (const [, other] of empties) expect((await other()).subarray(0)).toHaveLength(0)
})

/** Binds and connects two sockets of UDP, which can receive several messages by one call. */
async function udp(): Promise<[Socket, Socket]> {
  const [a, b] = [keep(new Socket(AF_INET, SOCK_DGRAM)), keep(new Socket(AF_INET, SOCK_DGRAM))]
  await a.connect(b.bind(['127.0.0.1', 0]).getsockname())
  return [a, b]
}

test('messages that a loop has left are received after one of them was transferred', async () => {
  const [a, b] = await udp()
  for (const text of ['', '', '', 'x']) a.trySend(Buffer.from(text))
  transfer(await firstOf(b))
  const got: string[] = []
  for (let i = 0; i < 3; i++) got.push(String(await b.recv(10)))
  expect(got).toEqual(['', '', 'x'])
})

const noTransfer = 'transfer' in ArrayBuffer.prototype ? null : 'no ArrayBuffer.prototype.transfer'

testIf(noTransfer, 'a message that is left in memory which the program has detached is empty', async () => {
  const [a, b] = await udp()
  for (const text of ['a', 'b', 'c']) a.trySend(Buffer.from(text))
  const memory = (await firstOf(b)).buffer as ArrayBuffer & { transfer(): ArrayBuffer } // small messages share it
  const refused = ((): unknown => {
    try {
      memory.transfer()
      return null
    } catch (error) {
      return error // Node 24 and later
    }
  })()
  const left = refused === null ? ['', ''] : ['b', 'c']
  expect(String(await b.recv(10))).toBe(left[0])
  expect(String((await b.recvmsg(10)).data)).toBe(left[1])
  a.trySend(Buffer.from('d'))
  expect(String(await b.recv(10))).toBe('d')
})
