import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  AF_INET,
  AF_UNIX,
  IPPROTO_IP,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  SHUT_RDWR,
  SO_PEEK_OFF,
  SO_RCVBUF,
  SO_SNDBUF,
  Socket,
  SOCK_DGRAM,
  SOL_SOCKET,
} from '../../lib'
import { IP_RECVERR, MSG_ERRQUEUE, SO_SNDBUFFORCE } from '../../lib/linux'
import { native } from '../../lib/binding/binding'
import { Socket as SyncSocket } from '../../lib/sync'
import { failure, thrown } from '../helpers/errors'
import { kinds, turn, using } from '../helpers/pairs'
import { missing, testIf } from '../helpers/need'

const bytes = (text: string): Buffer => Buffer.from(text)
const tcp = kinds.find(kind => kind.name === 'tcp4')!
const udp = kinds.find(kind => kind.name === 'udp4')!

/** What two sockets could do to each other, and what a socket must not remember. */

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

test('nor does a read behind readable()', async () => {
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

test('300 sockets that become readable in one turn all get their own', async () => {
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

test('a closed socket never reaches a later one, however often its place is used again', () => {
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

describe('a file that sendfile was given is given back', () => {
  const use = async (run: (file: number) => Promise<void> | void): Promise<void> => {
    const directory = mkdtempSync(path.join(tmpdir(), 'bsd-'))
    writeFileSync(path.join(directory, 'f'), 'content')
    const file = openSync(path.join(directory, 'f'), 'r')
    const before = native.stats().slots
    await run(file)
    const after = native.stats().slots
    closeSync(file)
    rmSync(directory, { recursive: true })
    expect(after - before).toBe(0)
  }
  const closed = <T extends { close(): void }>(socket: T): T => {
    socket.close()
    return socket
  }

  test('on a closed socket', () =>
    use(async file => {
      expect((await failure(closed(new Socket()).sendfile(file))).code).toBe('EBADF')
    }))

  test('by trySendfile on a closed socket', () =>
    use(file => {
      expect(thrown(() => closed(new Socket()).trySendfile(file)).code).toBe('EBADF')
    }))

  test('by a blocking sendfile on a closed socket', () =>
    use(file => {
      expect(thrown(() => closed(new SyncSocket()).sendfile(file)).code).toBe('EBADF')
    }))

  test('by trySendfile behind a write that waits', async () => {
    const [a, b] = Socket.pair()
    while (a.trySend(Buffer.alloc(65536)) !== null);
    const waiting = failure(a.send(bytes('x')))
    await use(file => {
      expect(a.trySendfile(file)).toBeNull()
    })
    a.close()
    await waiting
    b.close()
  })
})

describe('what is remembered about an empty socket', () => {
  // A datagram that is there although its edge has been served: only an attempt finds it.
  const ready = async (socket: Socket, send: () => Promise<unknown>): Promise<void> => {
    await failure(socket.recv(1, { timeout: 1 }))
    await send()
    await turn()
    await turn()
    await new Promise(resolve => setTimeout(resolve, 5))
    await turn()
    expect(socket.tryRecv(1, MSG_PEEK)).not.toBeNull()
  }

  testIf(missing.linux(), 'an empty error queue says nothing about the data', () =>
    using(udp.make, async ({ a, b }) => {
      await ready(b, () => a.send(bytes('data')))
      expect((await failure(b.recv(10, { flags: MSG_ERRQUEUE, timeout: 0 }))).code).toBe('EAGAIN')
      expect(String(await b.recv(10, { timeout: 2000 }))).toBe('data')
    }),
  )

  testIf(missing.linux(), 'nor does an empty socket say anything about out-of-band data', () =>
    using(tcp.make, async ({ a, b }) => {
      await failure(b.recv(1, { timeout: 1 }))
      await a.send(bytes('!'), MSG_OOB) // in the same turn: the edge has not been seen yet
      expect(String(await b.recv(1, { flags: MSG_OOB, timeout: 2000 }))).toBe('!')
    }),
  )

  testIf(missing.linux(), 'nothing behind SO_PEEK_OFF does not mean that nothing is there', async () => {
    const [a, b] = Socket.pair()
    await ready(b, () => a.send(bytes('data')))
    b.setsockopt(SOL_SOCKET, SO_PEEK_OFF!, 4)
    expect((await failure(b.recv(10, { flags: MSG_PEEK, timeout: 0 }))).code).toBe('EAGAIN')
    expect(String(await b.recv(10, { timeout: 2000 }))).toBe('data')
    a.close()
    b.close()
  })

  testIf(missing.linux(), 'a read of one byte too many does not hide what came meanwhile', async () => {
    const [a, b] = Socket.pair()
    await failure(b.recv(1, { timeout: 1 }))
    for (let i = 0; i < 200; i++) {
      a.trySend(bytes('one'))
      expect(String(await b.recv(10))).toBe('one')
      a.trySend(bytes('two'))
      expect(String(await b.recv(10, { timeout: 2000 }))).toBe('two')
    }
    a.close()
    b.close()
  })
})

testIf(
  missing.linux() ?? missing.root(),
  'sendAll with timeout 0 that stops half way is EAGAIN, not a timeout',
  async () => {
    const [a, b] = Socket.pair()
    a.setsockopt(SOL_SOCKET, SO_SNDBUFFORCE, 16 * 1024 * 1024)
    const error = await failure(a.sendAll(Buffer.alloc(256 * 1024 * 1024), { timeout: 0 }))
    expect(error.code).toBe('EAGAIN')
    expect(error.bytesSent).toBeGreaterThan(4 * 1024 * 1024)
    a.close()
    b.close()
  },
)

testIf(missing.linux(), 'bytes that MSG_TRUNC discards on TCP are not somebody else’s', () =>
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

testIf(missing.linux(), 'a blocking receive does not spin while the error queue has something', async () => {
  const nobody = new SyncSocket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  const address = nobody.getsockname()
  nobody.close()
  const socket = new SyncSocket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  socket.setsockopt(IPPROTO_IP, IP_RECVERR, 1)
  socket.sendto(bytes('x'), address)
  expect(thrown(() => socket.recv(10, { timeout: 1000 })).code).toBe('ECONNREFUSED')
  const { poll } = native
  let polls = 0
  native.poll = (descriptors, timeout) => {
    polls++
    return poll(descriptors, timeout)
  }
  try {
    expect(thrown(() => socket.recv(10, { timeout: 300 })).code).toBe('ERR_SOCKET_TIMEOUT')
  } finally {
    native.poll = poll
  }
  socket.close()
  expect(polls).toBeLessThan(100)
})

test('a descriptor that somebody else has closed: close() says so, once', () => {
  const socket = new Socket()
  native.closeFd(socket.fd)
  expect(thrown(() => socket.close()).code).toBe('EBADF')
  expect([socket.closed, socket.fd]).toEqual([true, -1])
  socket.close()
})

test('a connection that is shut down both ways still closes once', async () => {
  const [a, b] = Socket.pair()
  a.shutdown(SHUT_RDWR)
  expect((await b.recv(1)).length).toBe(0)
  expect((await failure(b.send(bytes('x')))).code).toBe('EPIPE')
  b.setsockopt(SOL_SOCKET, SO_SNDBUF, 4096)
  a.close()
  b.close()
})
