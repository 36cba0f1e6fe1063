import { AF_UNIX, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM, Socket, SHUT_WR } from '../../lib'
import { native } from '../../lib/binding/binding'
import { errnoOf } from '../../lib/errors/errno'
import * as blocking from '../../lib/sync'
import { failure, thrown } from '../helpers/errors'
import { kinds, pattern, turn, using } from '../helpers/pairs'
import { missing, testIf } from '../helpers/need'

const empty = Buffer.alloc(0)

function listener(): Socket {
  return new Socket().bind(['127.0.0.1', 0]).listen()
}

async function collect<T>(iterator: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const each of iterator) all.push(each)
  return all
}

describe('connections', () => {
  test('connections() yields each connection, and ends when the listening socket is closed', async () => {
    const server = listener()
    const clients = [new Socket(), new Socket(), new Socket()]
    const served: string[] = []
    const serving = (async () => {
      for await (const connection of server.connections()) {
        served.push(String(connection.remoteAddress))
        connection.close()
        if (served.length === 3) setImmediate(() => server.close())
      }
    })()
    for (const client of clients) await client.connect(server.getsockname())
    await serving
    expect(served).toEqual(clients.map(client => String(client.getsockname())))
    for (const client of clients) client.close()
  })

  test('connections() of a closed socket yields nothing', async () => {
    const server = listener()
    server.close()
    expect(await collect(server.connections())).toEqual([])
  })

  test('connections() throws the error of accept, then ends', async () => {
    using unbound = new Socket()
    const iterator = unbound.connections()
    expect(await failure(iterator.next())).toMatchObject({ code: 'EINVAL', syscall: 'accept' })
    expect(await iterator.next()).toEqual({ value: undefined, done: true })
  })

  test('leaving a loop over connections() leaves the listening socket open', async () => {
    using server = listener()
    for (let i = 0; i < 2; i++) {
      using client = new Socket()
      await client.connect(server.getsockname())
      for await (const connection of server.connections()) {
        connection.close()
        if (connection.closed) break
      }
    }
    expect(server.closed).toBe(false)
  })

  test('return() cancels the pending accept, and no connection is lost', async () => {
    using server = listener()
    const left = server.connections()
    const waiting = left.next()
    await turn()
    expect(await left.return!()).toEqual({ value: undefined, done: true })
    expect(await waiting).toEqual({ value: undefined, done: true })
    using client = new Socket()
    await client.connect(server.getsockname())
    using accepted = (await server.connections().next()).value as Socket
    expect(accepted.remoteAddress!.equals(client.getsockname())).toBe(true)
  })

  test('connections() ends with the error of its signal or timeout', async () => {
    using server = listener()
    const control = new AbortController()
    const waiting = failure(collect(server.connections({ signal: control.signal })))
    await turn()
    control.abort()
    expect(await waiting).toMatchObject({ name: 'AbortError' })
    expect(await failure(collect(server.connections({ timeout: 5 })))).toMatchObject({
      code: 'ERR_SOCKET_TIMEOUT',
    })
  })
})

describe('chunks', () => {
  for (const kind of kinds.filter(each => each.ends && each.stream)) {
    testIf(kind.missing, `${kind.name}: chunks() yields all data up to EOF`, () =>
      using(kind.make, async ({ a, b }) => {
        const data = pattern(300_000)
        const sent = a.sendAll(data).then(() => a.shutdown(SHUT_WR))
        const all = await collect(b.chunks({ size: 10_000 }))
        await sent
        expect(Buffer.concat(all).equals(data)).toBe(true)
        expect(Math.max(...all.map(chunk => chunk.length))).toBeLessThanOrEqual(10_000)
        expect(new Set(all.map(chunk => chunk.buffer)).size).toBeGreaterThan(1)
        expect(b.closed).toBe(false)
      }),
    )
  }

  test('a chunk does not change when later chunks arrive', async () => {
    const [a, b] = Socket.pair(AF_UNIX, SOCK_SEQPACKET)
    for (const text of ['one', 'two', 'three']) a.trySend(Buffer.from(text))
    a.close()
    const all = await collect(b.chunks())
    expect(all.map(String)).toEqual(['one', 'two', 'three'])
    b.close()
  })

  test('closing the socket ends chunks(), whether it waits or not', async () => {
    const [a, b] = Socket.pair()
    const waiting = collect(b.chunks())
    await turn()
    b.close()
    expect(await waiting).toEqual([])
    expect(await collect(b.chunks())).toEqual([])
    a.close()
  })

  test('chunks() throws ECONNRESET after a reset', async () => {
    const tcp = kinds.find(kind => kind.name === 'tcp4')!
    await using_(tcp.make, async (a, b) => {
      b.trySend(Buffer.from('unread'))
      const waiting = failure(collect(b.chunks()))
      a.close()
      expect(await waiting).toMatchObject({ code: 'ECONNRESET', syscall: 'recv' })
    })
  })

  test('chunks() on a seqpacket socket yields empty records, and ends at EOF', async () => {
    const [a, b] = Socket.pair(AF_UNIX, SOCK_SEQPACKET)
    a.trySend(Buffer.from('x'))
    a.trySend(empty)
    a.trySend(Buffer.from('y'))
    const chunks = b.chunks()
    expect((await chunks.next()).value).toHaveLength(1)
    expect((await chunks.next()).value).toHaveLength(0)
    a.trySend(empty)
    a.trySend(Buffer.from('z'))
    a.close()
    expect(await collect(chunks)).toHaveLength(3) // 'y', the empty record, 'z'
    b.close()
  })

  test('chunks() receives nothing before next() is called', async () => {
    const [a, b] = Socket.pair()
    const chunks = b.chunks({ size: 2 })
    a.trySend(Buffer.from('abcd'))
    expect(String((await chunks.next()).value)).toBe('ab')
    await turn()
    expect(String(b.tryRecv(9))).toBe('cd')
    a.close()
    b.close()
  })

  test.each(['chunks', 'messages'] as const)('return() of %s() ends three waiting next()', async kind => {
    const [a, b] = Socket.pair(AF_UNIX, kind === 'chunks' ? SOCK_STREAM : SOCK_DGRAM)
    const iterator = b[kind]()
    const three = [iterator.next(), iterator.next(), iterator.next()]
    await turn()
    await iterator.return!()
    a.trySend(Buffer.from('later'))
    const end = { value: undefined, done: true }
    expect(await Promise.all(three)).toEqual([end, end, end])
    expect(await iterator.next()).toEqual(end)
    expect(String(b.tryRecv(9))).toBe('later')
    expect(native.stats().slots).toBe(2)
    a.close()
    b.close()
  })

  test('concurrent next() calls are served in order, and return() cancels them all', async () => {
    const [a, b] = Socket.pair()
    const chunks = b.chunks({ size: 1 })
    const three = [chunks.next(), chunks.next(), chunks.next()]
    a.trySend(Buffer.from('12'))
    expect(await Promise.all(three.slice(0, 2))).toMatchObject([{ done: false }, { done: false }])
    await chunks.return!()
    expect(await three[2]).toMatchObject({ done: true })
    a.trySend(Buffer.from('3'))
    expect(String(await b.recv(1))).toBe('3')
    a.close()
    b.close()
  })

  test('chunks() rejects invalid options', () => {
    const [a, b] = Socket.pair()
    for (const bad of [{ size: 0 }, { size: 1.5 }, { timeout: -1 }]) {
      expect(thrown(() => a.chunks(bad)).code).toBe('ERR_OUT_OF_RANGE')
    }
    expect(thrown(() => a.chunks('1' as never)).code).toBe('ERR_INVALID_ARG_TYPE')
    expect(thrown(() => a.messages({ batch: 0 })).code).toBe('ERR_OUT_OF_RANGE')
    expect(thrown(() => a.messages({ fds: 'keep' as never })).code).toBe('ERR_INVALID_ARG_TYPE')
    a.close()
    b.close()
  })
})

describe('messages', () => {
  test('messages() yields datagrams with their senders, including empty ones', async () => {
    using receiver = new Socket(2, SOCK_DGRAM).bind(['127.0.0.1', 0])
    using sender = new Socket(2, SOCK_DGRAM).bind(['127.0.0.1', 0])
    for (const text of ['one', '', 'three']) await sender.sendto(Buffer.from(text), receiver.getsockname())
    const got: string[] = []
    for await (const message of receiver.messages({ batch: 8 })) {
      expect(message.address!.equals(sender.getsockname())).toBe(true)
      got.push(String(message.data))
      if (got.length === 3) receiver.close()
    }
    expect(got).toEqual(['one', '', 'three'])
  })

  test('messages that a loop with a batch leaves are yielded by the next loop', async () => {
    using receiver = new Socket(2, SOCK_DGRAM).bind(['127.0.0.1', 0]).receiveMeta({ ttl: true })
    using sender = new Socket(2, SOCK_DGRAM).bind(['127.0.0.1', 0])
    const words = Array.from({ length: 20 }, (_, i) => `m${i}`)
    for (const word of words) await sender.sendto(Buffer.from(word), receiver.getsockname())
    const got: string[] = []
    for await (const message of receiver.messages({ batch: 8, size: 100 })) {
      expect([message.bytes, message.meta.ttl, message.truncated]).toEqual([message.data.length, 64, false])
      if (got.push(String(message.data)) === 3) break
    }
    for await (const message of receiver.messages({ batch: 8, size: 100 })) {
      if (got.push(String(message.data)) === 20) break
    }
    expect(got).toEqual(words)
    expect(receiver.tryRecv(1)).toBeNull()
    expect(thrown(() => receiver.messages({ batch: 2, fds: 'keep' as never })).code).toBe(
      'ERR_INVALID_ARG_TYPE',
    )
  })

  test('messages() yields descriptors and reports truncation', async () => {
    const [a, b] = Socket.pair(AF_UNIX, SOCK_SEQPACKET)
    const [c, d] = Socket.pair()
    a.trySendFds(Buffer.from('long'), [c])
    a.close()
    for await (const message of b.messages({ size: 2, fds: 'receive' })) {
      expect(message).toMatchObject({ truncated: true, bytes: 2 })
      const [handle] = message.meta.fds!
      const same = Socket.adopt(handle!.release())
      same.trySend(Buffer.from('through'))
      same.close()
    }
    expect(String(await d.recv(10))).toBe('through')
    for (const socket of [b, c, d]) socket.close()
  })

  test('return() of messages() ends a pending wait without leaking a slot', async () => {
    const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
    const messages = b.messages()
    const waiting = messages.next()
    await turn()
    await messages.return!()
    expect(await waiting).toMatchObject({ done: true })
    expect(native.stats().slots).toBe(2)
    a.close()
    b.close()
  })
})

describe('blocking', () => {
  test('the blocking Socket has the same loops', () => {
    const [a, b] = blocking.Socket.pair()
    a.sendAll(pattern(1000))
    a.close()
    const all = [...b.chunks({ size: 300 })]
    expect(all.map(chunk => chunk.length)).toEqual([300, 300, 300, 100])
    b.close()
    expect([...b.chunks()]).toEqual([])
    const [c, d] = blocking.Socket.pair(AF_UNIX, SOCK_SEQPACKET)
    c.send(Buffer.from('m'))
    c.close()
    expect([...d.messages()].map(message => String(message.data))).toEqual(['m'])
    d.close()
    const server = new blocking.Socket().bind(['127.0.0.1', 0]).listen()
    const client = new blocking.Socket()
    client.connect(server.getsockname())
    for (const connection of server.connections()) {
      expect(connection.remoteAddress!.equals(client.getsockname())).toBe(true)
      connection.close()
      server.close()
    }
    client.close()
  })
})

function using_(
  make: (typeof kinds)[number]['make'],
  run: (a: Socket, b: Socket) => Promise<void>,
): Promise<void> {
  return using(make, ({ a, b }) => run(a, b))
}

testIf(missing.linux(), 'chunks() ends at EOF for a family without FIONREAD', async () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_SEQPACKET)
  await a.send(Buffer.from('last'))
  a.close()
  const { ioctl } = native
  native.ioctl = () => errnoOf('ENOTTY')
  try {
    expect((await collect(b.messages({ timeout: 1000 }))).map(({ data }) => String(data))).toEqual(['last'])
  } finally {
    native.ioctl = ioctl
  }
  b.close()
})
