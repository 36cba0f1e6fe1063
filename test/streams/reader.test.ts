import { AF_INET, AF_UNIX, Socket, SOCK_DGRAM, SHUT_WR, type SocketReader } from '../../lib'
import * as blocking from '../../lib/sync'
import { failure, thrown, type Failure } from '../helpers/errors'
import { kinds, pattern, turn, using } from '../helpers/pairs'

const bytes = (text: string): Buffer => Buffer.from(text)
type Partial = Failure & { partial?: Buffer }

/** Calls `use` with a reader and the socket at the other end. */
async function reading(
  use: (reader: SocketReader, peer: Socket, socket: Socket) => Promise<void>,
  ...options: Parameters<Socket['reader']>
): Promise<void> {
  const [a, b] = Socket.pair()
  try {
    await use(a.reader(...options), b, a)
  } finally {
    a.close()
    b.close()
  }
}

/** Both readers through one interface, so that they run the same cases. */
interface Both {
  read(size?: number): unknown
  exactly(size: number): unknown
  until(delimiter: string | Buffer, options?: { max?: number }): unknown
  line(options?: { max?: number; encoding?: BufferEncoding }): unknown
  peek(size: number): unknown
  unread(data: Buffer): void
  readonly buffered: number
}

const open: { close(): void }[] = []
afterEach(() => {
  for (const socket of open.splice(0)) socket.close()
})

const classes = {
  promises: (): [Both, Socket | blocking.Socket] => {
    const [a, b] = Socket.pair()
    open.push(a, b)
    return [a.reader(), b]
  },
  blocking: (): [Both, Socket | blocking.Socket] => {
    const [a, b] = blocking.Socket.pair()
    open.push(a, b)
    return [a.reader({ timeout: 10000 }), b]
  },
}

describe.each(Object.entries(classes))('the reader of %s', (_, make) => {
  const outcomeOf = async (call: () => unknown): Promise<Partial> => failure((async () => call())())

  test('reads lines, exact sizes, up to a delimiter, and what is there', async () => {
    const [reader, peer] = make()
    await peer.sendAll(bytes('GET / HTTP/1.1\r\nhost: x\r\n\r\n\0\0\0\u0005helloA line\nrest'))
    expect(await reader.line()).toBe('GET / HTTP/1.1')
    expect(await reader.until('\r\n\r\n')).toEqual(bytes('host: x\r\n\r\n'))
    expect(((await reader.exactly(4)) as Buffer).readUInt32BE()).toBe(5)
    expect(await reader.exactly(5)).toEqual(bytes('hello'))
    expect(await reader.peek(6)).toEqual(bytes('A line'))
    expect(await reader.line()).toBe('A line')
    expect(reader.buffered).toBe(4)
    expect(await reader.read(2)).toEqual(bytes('re'))
    reader.unread(bytes('mo'))
    expect(await reader.read()).toEqual(bytes('most'))
    expect(reader.buffered).toBe(0)
    peer.close()
    expect(await reader.read()).toEqual(bytes(''))
    expect(await reader.line()).toBeNull()
  })

  test('a stream that ends too early gives ERR_UNEXPECTED_END with the bytes that arrived', async () => {
    const calls: [string, (reader: Both) => unknown][] = [
      ['5 bytes', reader => reader.exactly(5)],
      ['the delimiter', reader => reader.until('\0')],
      ['the end of the line', reader => reader.line()],
    ]
    for (const [what, call] of calls) {
      const [reader, peer] = make()
      await peer.sendAll(bytes('half'))
      peer.close()
      const error = await outcomeOf(() => call(reader))
      expect(error).toMatchObject({ name: 'SocketError', code: 'ERR_UNEXPECTED_END', partial: bytes('half') })
      expect(error.message).toContain(what)
      expect(reader.buffered).toBe(0)
      expect(await reader.read()).toHaveLength(0)
      expect((await outcomeOf(() => reader.exactly(1))).partial).toHaveLength(0)
    }
  })

  test('a delimiter of the wrong type is refused, before and after one that is text', async () => {
    const [reader, peer] = make()
    await peer.sendAll(bytes('line\n'))
    const refused = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }
    const wrong = [null, undefined, 10].map(value => () => reader.until(value as unknown as string))
    for (const call of wrong) expect(await outcomeOf(call)).toMatchObject(refused)
    expect(await reader.until('\n')).toEqual(bytes('line\n'))
    for (const call of wrong) expect(await outcomeOf(call)).toMatchObject(refused)
  })

  test('a part longer than max gives ERR_LIMIT_EXCEEDED and reads nothing', async () => {
    const [reader, peer] = make()
    await peer.sendAll(bytes('12345\n6'))
    for (const call of [() => reader.line({ max: 5 }), () => reader.until('\n', { max: 5 })]) {
      const error = await outcomeOf(call)
      expect(error).toMatchObject({ name: 'RangeError', code: 'ERR_LIMIT_EXCEEDED' })
    }
    expect(await reader.line({ max: 6 })).toBe('12345')
    await peer.sendAll(Buffer.alloc(70000, 'x'))
    expect(await outcomeOf(() => reader.line())).toMatchObject({ code: 'ERR_LIMIT_EXCEEDED' })
    expect(await reader.exactly(70001)).toEqual(Buffer.concat([bytes('6'), Buffer.alloc(70000, 'x')]))
  })

  test('what a reader received is the next receive of the socket, and the other way round', async () => {
    const [reader, peer] = make()
    await peer.sendAll(bytes('line\nbody'))
    expect(await reader.line()).toBe('line')
    reader.unread(bytes('<'))
    expect(await reader.exactly(2)).toEqual(bytes('<b'))
  })

  test('lines without text, with text in UTF-8 and latin1', async () => {
    const [reader, peer] = make()
    await peer.sendAll(Buffer.concat([bytes('\n\r\n\rä\n'), Buffer.from([0xe4, 10])]))
    expect(await reader.line()).toBe('')
    expect(await reader.line()).toBe('')
    expect(await reader.line()).toBe('\rä')
    expect(await reader.line({ encoding: 'latin1' })).toBe('ä')
  })

  test('invalid arguments are refused before anything is read', async () => {
    const [reader, peer] = make()
    await peer.sendAll(bytes('data'))
    const anything = reader as unknown as Record<string, (...args: unknown[]) => unknown>
    const range = [
      ['read', -1],
      ['exactly', 1.5],
      ['peek', 2 ** 31],
      ['until', ''],
      ['until', 'ä'],
      ['until', Buffer.alloc(0)],
      ['until', '\n', { max: 0 }],
      ['read', 1, { timeout: -1 }],
    ] as const
    for (const [name, ...args] of range)
      expect((await outcomeOf(() => anything[name]!(...args))).code).toBe('ERR_OUT_OF_RANGE')
    const types = [
      ['read', '1'],
      ['exactly', undefined],
      ['until', 10],
      ['until', '\n', { maximum: 1 }],
      ['line', { encoding: 'utf-9' }],
      ['line', 7],
      ['read', 1, { flags: 2 }],
      ['unread', 'text'],
    ] as const
    for (const [name, ...args] of types)
      expect((await outcomeOf(() => anything[name]!(...args))).code).toBe('ERR_INVALID_ARG_TYPE')
    expect(await reader.read()).toEqual(bytes('data'))
  })
})

describe.each(kinds.filter(({ stream, missing }) => stream && missing === null))('on $name', ({ make }) => {
  test('random parts of a stream that arrives in random pieces have every byte', () =>
    using(make, async ({ a, b }) => {
      const size = 2_000_000
      const sent = pattern(size)
      let seed = 7
      const random = (max: number): number => {
        seed = (seed * 1103515245 + 12345) & 0x7fffffff
        return seed % max
      }
      const sending = (async () => {
        for (let at = 0; at < size;) {
          const length = Math.min(size - at, 1 + random(random(3) === 0 ? 200_000 : 50))
          await b.sendAll(sent.subarray(at, at + length))
          at += length
          if (random(8) === 0) await turn()
        }
        b.shutdown(SHUT_WR)
      })()
      const reader = a.reader()
      const parts: Buffer[] = []
      for (let got = 0; got < size;) {
        const want = Math.min(size - got, 1 + random(random(3) === 0 ? 300_000 : 60))
        const how = random(5)
        let part: Buffer
        if (how === 0) {
          part = await reader.read(want)
        } else if (how === 1) {
          part = await a.recv(want)
        } else if (how === 2) {
          const delimiter = sent.subarray(got + want - Math.min(want, 3), got + want)
          part = await reader.until(delimiter, { max: size })
        } else {
          if (how === 3) expect((await reader.peek(want)).equals(sent.subarray(got, got + want))).toBe(true)
          part = await reader.exactly(want)
          expect(part.length).toBe(want)
        }
        parts.push(part)
        got += part.length
      }
      await sending
      expect(Buffer.concat(parts).equals(sent)).toBe(true)
      expect(await reader.line()).toBeNull()
    }))
})

test('a delimiter that arrives byte by byte is found, also if unread puts bytes in front meanwhile', () =>
  reading(async (reader, peer) => {
    const part = reader.until('-=-=-')
    for (const byte of bytes('x-=-=-=-')) {
      await peer.send(Buffer.of(byte))
      await turn()
    }
    expect(await part).toEqual(bytes('x-=-=-'))
    const next = reader.until('ab')
    await turn()
    reader.unread(bytes('ab'))
    expect(await next).toEqual(bytes('ab'))
    expect(await reader.exactly(2)).toEqual(bytes('=-'))
  }))

test('a timeout, a signal and timeout 0 lose nothing, and the timeout is one deadline for the call', () =>
  reading(async (reader, peer) => {
    const dripping = setInterval(() => void peer.send(bytes('.')), 5)
    const late = await failure(reader.exactly(1e6, { timeout: 60 }))
    expect(late).toMatchObject({ code: 'ERR_SOCKET_TIMEOUT' })
    clearInterval(dripping)
    const had = reader.buffered
    expect(had).toBeGreaterThan(0)
    const controller = new AbortController()
    const aborted = failure(reader.line({ signal: controller.signal }))
    await peer.send(bytes('more'))
    await turn()
    controller.abort()
    expect((await aborted).name).toBe('AbortError')
    expect(await failure(reader.exactly(1e6, { timeout: 0 }))).toMatchObject({ code: 'EAGAIN' })
    expect(await failure(reader.read(1, { signal: AbortSignal.abort() }))).toMatchObject({
      name: 'AbortError',
    })
    expect(String(await reader.read(1e6))).toMatch(/^\.+more$/)
  }))

test('calls wait for each other in order, and for the receives of the socket', () =>
  reading(async (reader, peer, socket) => {
    const calls = [reader.line(), socket.recv(3), reader.exactly(2), reader.line(), socket.reader().line()]
    await turn()
    for (const piece of ['on', 'e\nabc', 'de', 'two\nth', 'ree\n']) {
      await peer.sendAll(bytes(piece))
      await turn()
    }
    expect((await Promise.all(calls)).map(String)).toEqual(['one', 'abc', 'de', 'two', 'three'])
  }))

test('the options of the reader are the defaults of its calls', () =>
  reading(
    async (reader, peer) => {
      expect(await failure(reader.read())).toMatchObject({ code: 'ERR_SOCKET_TIMEOUT' })
      await peer.send(bytes('12345\n'))
      expect(await failure(reader.line())).toMatchObject({ code: 'ERR_LIMIT_EXCEEDED' })
      expect(await reader.line({ max: 6, timeout: null })).toBe('12345')
    },
    { timeout: 1, max: 4 },
  ))

test('for await yields the rest of the stream, ends when the socket is closed, and rejects with an AbortError', () =>
  reading(async (reader, peer, socket) => {
    await peer.sendAll(bytes('head\nrest'))
    expect(await reader.line()).toBe('head')
    const parts: Buffer[] = []
    for await (const part of reader) {
      parts.push(part)
      if (parts.length === 1) await peer.sendAll(bytes(' of it'))
      else break
    }
    expect(parts.map(String)).toEqual(['rest', ' of it'])
    const controller = new AbortController()
    const looped = failure(
      (async () => {
        for await (const part of socket.reader({ signal: controller.signal })) parts.push(part)
      })(),
    )
    await turn()
    controller.abort()
    expect((await looped).name).toBe('AbortError')
    const ended = (async () => {
      for await (const part of reader) parts.push(part)
    })()
    await turn()
    socket.close()
    await ended
    expect(parts).toHaveLength(2)
    expect(await failure(reader.line())).toMatchObject({ code: 'EBADF' })
    expect(thrown(() => reader.unread(bytes('x')))).toMatchObject({ code: 'EBADF' })
  }))

test('splice takes the buffered bytes first, and detach refuses to lose them', () =>
  reading(async (reader, peer, socket) => {
    await peer.sendAll(bytes('line\nbody'))
    await reader.line()
    expect(thrown(() => socket.detach())).toMatchObject({ code: 'EBUSY' })
    const [from, to] = Socket.pair()
    const moved = socket.splice(from)
    peer.shutdown(SHUT_WR)
    expect(await moved).toBe(4)
    expect(String(await to.recv(10))).toBe('body')
    from.close()
    to.close()
  }))

test('memory is allocated for bytes that arrive, not for the size that the peer announces', () =>
  reading(async (reader, peer) => {
    await peer.send(bytes('x'))
    const before = process.memoryUsage().arrayBuffers
    const waiting = failure(reader.exactly(0x7fffffff, { timeout: 20 }))
    await turn()
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20)
    await waiting
    expect(reader.buffered).toBe(1)
  }))

test('a large part is the caller’s own memory, also if the caller transfers it', () =>
  reading(async (reader, peer) => {
    const sent = pattern(300_000)
    const sending = peer.sendAll(sent)
    const first = await reader.exactly(200_000)
    expect(first.equals(sent.subarray(0, 200_000))).toBe(true)
    structuredClone(first.buffer, { transfer: [first.buffer] })
    await sending
    expect((await reader.exactly(100_000)).equals(sent.subarray(200_000))).toBe(true)
  }))

test('a small part is the caller’s own memory: no later read and no unread changes it, and writes into it change none', () =>
  reading(async (reader, peer) => {
    const parts: Buffer[] = []
    for (const text of ['one;', 'two;', 'three;']) {
      peer.trySend(bytes(text))
      const part = await reader.until(';')
      expect(String(part)).toBe(text)
      parts.push(part)
    }
    reader.unread(parts[0]!)
    parts[0]!.fill('x')
    peer.trySend(bytes('four;'))
    expect(String(await reader.exactly(4))).toBe('one;')
    expect(String(await reader.read())).toBe('four;')
    expect(parts.map(String)).toEqual(['xxxx', 'two;', 'three;'])
  }))

test('an empty part can be transferred, and other readers still receive', () =>
  reading(async (reader, peer, socket) => {
    const none = await reader.exactly(0)
    structuredClone(none.buffer, { transfer: [none.buffer] })
    peer.trySend(bytes('bytes'))
    expect(String(await socket.reader().exactly(5))).toBe('bytes')
    peer.shutdown(SHUT_WR)
    const end = await reader.read()
    expect(end.length).toBe(0)
    structuredClone(end.buffer, { transfer: [end.buffer] })
    expect((await socket.reader().read()).length).toBe(0)
  }))

test('a delimiter is not found in memory behind the bytes that arrived', () =>
  reading(async (reader, peer) => {
    peer.trySend(Buffer.concat([Buffer.alloc(100, 'a'), bytes(';'), Buffer.alloc(899, 'b')]))
    await reader.peek(1000)
    expect((await reader.until(';')).length).toBe(101)
    reader.unread(Buffer.alloc(300, 'c')) // makes room in front, which holds old bytes
    const early = await failure(reader.until(';', { timeout: 20 }))
    expect(early.code).toBe('ERR_SOCKET_TIMEOUT')
    expect(reader.buffered).toBe(300 + 899)
    peer.trySend(bytes('d;e;'))
    expect((await reader.until(';')).length).toBe(300 + 899 + 2)
    expect(String(await reader.until(';'))).toBe('e;')
  }))

test('only streams have readers', () => {
  for (const socket of [
    new Socket(AF_INET, SOCK_DGRAM),
    new Socket(AF_UNIX, SOCK_DGRAM),
    new blocking.Socket(AF_INET, SOCK_DGRAM),
  ]) {
    expect(thrown(() => socket.reader())).toMatchObject({ code: 'EOPNOTSUPP', syscall: 'reader' })
    socket.close()
  }
})

test('the blocking reader iterates over the rest and refuses a signal', () => {
  const [a, b] = blocking.Socket.pair()
  b.sendAll(bytes('one\ntwo'))
  b.shutdown(SHUT_WR)
  const reader = a.reader()
  expect(reader.line()).toBe('one')
  expect([...reader].map(String)).toEqual(['two'])
  const { signal } = new AbortController()
  for (const call of [() => a.reader({ signal } as object), () => reader.line({ signal } as object)])
    expect(thrown(call)).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  expect(thrown(() => a.reader({ timeout: 1 }).exactly(1, { timeout: 1 })).code).toBe('ERR_UNEXPECTED_END')
  a.close()
  b.close()
})
