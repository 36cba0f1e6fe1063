import { AF_INET, AF_UNIX, MessageBatch, MSG_PEEK, Socket, SOCK_DGRAM, SOCK_SEQPACKET } from '../../lib'
import { failure } from '../helpers/errors'
import { run } from '../helpers/child'
import { missing, testIf } from '../helpers/need'
import { withPath } from '../helpers/pairs'

// A batch that is not full does not prove that the socket is empty. No receive after it may miss a message.

const udp = (): Socket => new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
const batchOf = (count: number): MessageBatch => new MessageBatch({ count, size: 16 })

/** Makes the poller watch the socket: it waits for a first message. */
async function watch(socket: Socket, peer: Socket): Promise<void> {
  const first = socket.recv(16)
  await peer.send(Buffer.from('first'))
  await first
}

describe.each([
  ['UDP', () => Promise.resolve([udp(), udp()] as const)],
  ['AF_UNIX datagrams', () => Promise.resolve(Socket.pair(AF_UNIX, SOCK_DGRAM))],
  ['AF_UNIX records', () => Promise.resolve(Socket.pair(AF_UNIX, SOCK_SEQPACKET))],
])('after a batch that is not full, over %s', (name, make) => {
  let a: Socket, b: Socket
  beforeEach(async () => {
    ;[a, b] = await make()
    if (name === 'UDP') {
      await a.connect(b.getsockname())
      await b.connect(a.getsockname())
    }
    await watch(b, a)
    await a.send(Buffer.from('second'))
    expect(await b.recvmmsg(batchOf(4))).toBe(1)
  })
  afterEach(() => {
    a.close()
    b.close()
  })

  test.each(['recvmmsg', 'recv', 'recvmsg'] as const)('%s waits, and wakes up', async next => {
    const batch = batchOf(4)
    const waiting =
      next === 'recvmmsg'
        ? b.recvmmsg(batch).then(() => batch.data(0))
        : next === 'recv'
          ? b.recv(16)
          : b.recvmsg(16).then(message => message.data)
    await a.send(Buffer.from('third'))
    expect(String(await waiting)).toBe('third')
  })

  test('a message that came before the wait is received', async () => {
    await a.send(Buffer.from('third'))
    expect(await b.recvmmsg(batchOf(4))).toBe(1)
    await a.send(Buffer.from('4'))
    expect(b.tryRecvmmsg(batchOf(4))).toBe(1)
    await a.send(Buffer.from('5'))
    expect(await b.recvmmsg(batchOf(4), { timeout: 0 })).toBe(1)
  })

  test('a full batch does not make the next receive wait', async () => {
    for (const text of ['1', '2', '3']) await a.send(Buffer.from(text))
    expect(await b.recvmmsg(batchOf(2))).toBe(2)
    expect(await b.recvmmsg(batchOf(2))).toBe(1)
  })

  test('MSG_PEEK leaves the message to the next receive', async () => {
    await a.send(Buffer.from('third'))
    await b.readable()
    expect(b.tryRecvmmsg(batchOf(4), MSG_PEEK)).toBeGreaterThan(0)
    expect(String(await b.recv(16))).toBe('third')
  })

  const untold = name === 'AF_UNIX datagrams' ? 'such a socket is not told of the end' : null
  testIf(untold, 'the end or the error of the peer ends the wait', async () => {
    const waiting = b.recvmmsg(batchOf(4))
    a.close()
    if (name === 'UDP') {
      await b.send(Buffer.from('to a closed port')).catch(() => {})
      expect((await failure(waiting)).code).toBe('ECONNREFUSED')
    } else {
      expect(await waiting).toBeGreaterThan(0) // empty records
    }
  })
})

testIf(missing.python(), 'batches of any size receive all of 20000 datagrams of another process', () =>
  withPath(async path => {
    const socket = new Socket(AF_UNIX, SOCK_DGRAM).bind(path)
    const sender = run('python3', [
      '-c',
      `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(sys.argv[1])
for i in range(20000): s.send(b'%d' % i)
`,
      path,
    ])
    const seen: number[] = []
    for (let turn = 0; seen.length < 20000; turn++) {
      if (turn % 3 === 0) {
        seen.push(Number(String(await socket.recv(16))))
        continue
      }
      const batch = batchOf([1, 3, 8, 64][turn % 4]!)
      const count = await socket.recvmmsg(batch)
      for (let i = 0; i < count; i++) seen.push(Number(String(batch.data(i))))
    }
    expect(seen.every((value, i) => value === i)).toBe(true)
    expect(await sender).toMatchObject({ code: 0, stderr: '' })
    socket.close()
  }),
)
