/*
 * A program may transfer the memory of what it received to a worker, which detaches it here. No other result may share
 * that memory, also not an empty one.
 */
import { Socket, AF_INET, AF_UNIX, SOCK_DGRAM, SOCK_STREAM, MSG_WAITALL } from '../../lib'
import { Socket as Blocking } from '../../lib/sync'
import { keeper } from '../helpers/keep'

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

/** Detaches the memory, as `postMessage(data, [data.buffer])` does. */
function transfer(data: Uint8Array): void {
  structuredClone(data, { transfer: [data.buffer as ArrayBuffer] })
}

async function firstOf(socket: Socket, ...rest: number[]): Promise<Buffer> {
  const options = { size: 10, ...(rest[0] === undefined ? {} : { batch: rest[0] }) }
  for await (const { data } of socket.messages(options)) return data
  throw new Error('the loop ended')
}

const empties: [string, () => Promise<Buffer> | Buffer][] = [
  ['recv of an empty datagram', () => withEmpty(1).recv(10)],
  ['recvfrom of an empty datagram', async () => (await withEmpty(1).recvfrom(10)).data],
  ['recvmsg of an empty datagram', async () => (await withEmpty(1).recvmsg(10)).data],
  ['recvmsg with fds', async () => (await withEmpty(1).recvmsg(10, { fds: 'receive' })).data],
  ['recvFds of an empty datagram', async () => (await withEmpty(1).recvFds(10, 1)).data],
  ['tryRecv of an empty datagram', () => withEmpty(1).tryRecv(10)!],
  ['messages()', () => firstOf(withEmpty(1))],
  ['messages() with batch: 1', () => firstOf(withEmpty(1), 1)],
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
        .catch((error: unknown) => (error as { partial: Buffer }).partial) as Promise<Buffer>,
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

test('messages that a loop has left are received after one of them was transferred', async () => {
  const [a, b] = [keep(new Socket(AF_INET, SOCK_DGRAM)), keep(new Socket(AF_INET, SOCK_DGRAM))]
  await a.connect(b.bind(['127.0.0.1', 0]).getsockname())
  for (const text of ['', '', '', 'x']) a.trySend(Buffer.from(text))
  transfer(await firstOf(b, 64))
  const got: string[] = []
  for (let i = 0; i < 3; i++) got.push(String(await b.recv(10)))
  expect(got).toEqual(['', '', 'x'])
})
