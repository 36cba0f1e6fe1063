/* Sockets do not see the bytes of other sockets, and a closed socket does not reach a later one. */
import { AF_INET, AF_UNIX, MSG_TRUNC, SO_RCVBUF, Socket, SOCK_DGRAM, SOL_SOCKET } from '../../lib'
import { thrown } from '../helpers/errors'
import { kinds, using } from '../helpers/pairs'
import { missing, testIf } from '../helpers/need'

const bytes = (text: string): Buffer => Buffer.from(text)
const tcp = kinds.find(kind => kind.name === 'tcp4')!

test('two sockets that become readable in one turn do not see each other’s bytes', async () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
  const [c, d] = Socket.pair(AF_UNIX, SOCK_DGRAM)
  const reads = [b.recv(4000), b.recv(4000), d.recv(4000)]
  a.trySend(bytes('1'))
  a.trySend(Buffer.alloc(2000, 'x'))
  c.trySend(bytes('mine'))
  const [first, second, other] = await Promise.all(reads)
  expect(String(first)).toBe('1')
  expect(second!.equals(Buffer.alloc(2000, 'x'))).toBe(true)
  expect(String(other)).toBe('mine')
  for (const socket of [a, b, c, d]) socket.close()
})

test('a read that waits behind readable() gets only the bytes of its socket', async () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
  const [c, d] = Socket.pair(AF_UNIX, SOCK_DGRAM)
  const waiting = [b.readable(), b.recvfrom(4000)] as const
  const other = d.recv(4000)
  a.trySend(Buffer.alloc(3000, 'x'))
  c.trySend(bytes('mine'))
  await waiting[0]
  expect((await waiting[1]).data.equals(Buffer.alloc(3000, 'x'))).toBe(true)
  expect(String(await other)).toBe('mine')
  for (const socket of [a, b, c, d]) socket.close()
})

test('300 sockets that become readable in one turn each get their own bytes', async () => {
  const pairs = Array.from({ length: 300 }, () => Socket.pair(AF_UNIX, SOCK_DGRAM))
  const reads = pairs.map(([, b], i) => Promise.all([b.recv(i % 3 === 0 ? 8192 : 100), b.recv(8192)]))
  pairs.forEach(([a], i) => {
    a.trySend(Buffer.alloc(100, i % 251))
    a.trySend(Buffer.alloc(1000, (i + 1) % 251))
  })
  const got = await Promise.all(reads)
  got.forEach(([first, second], i) => {
    expect(first.equals(Buffer.alloc(100, i % 251))).toBe(true)
    expect(second.equals(Buffer.alloc(1000, (i + 1) % 251))).toBe(true)
  })
  for (const [a, b] of pairs) {
    a.close()
    b.close()
  }
})

test('an operation on a closed socket never reaches a later socket, however often its slot is reused', () => {
  const old = new Socket(AF_INET, SOCK_DGRAM)
  old.close()
  const touched: number[] = []
  for (let i = 0; i < 2100; i++) {
    const fresh = new Socket(AF_INET, SOCK_DGRAM)
    const before = fresh.getsockopt(SOL_SOCKET, SO_RCVBUF)
    expect(thrown(() => old.setsockopt(SOL_SOCKET, SO_RCVBUF, 4096)).code).toBe('EBADF')
    if (fresh.getsockopt(SOL_SOCKET, SO_RCVBUF) !== before) touched.push(i)
    fresh.close()
  }
  expect(touched).toEqual([])
})

testIf(
  missing.linux(),
  'MSG_TRUNC on TCP, which discards the bytes, does not expose the bytes of another socket',
  () =>
    using(tcp.make, async ({ a, b }) => {
      const [c, d] = Socket.pair()
      c.trySend(Buffer.alloc(100, 'S'))
      await d.recv(100)
      await a.send(bytes('0123456789'))
      await b.readable()
      const got = await b.recv(100, MSG_TRUNC)
      expect(String(got)).not.toContain('S')
      c.close()
      d.close()
    }),
)
