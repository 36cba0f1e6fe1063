import {
  AF_INET,
  AF_UNIX,
  constants,
  MSG_DONTWAIT,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  MessageBatch,
  Socket,
} from '../../lib'
import { SOCK_DGRAM, SOCK_SEQPACKET } from '../../lib'
import * as sync from '../../lib/sync'
import { failure, outcome, thrown } from '../helpers/errors'
import { testIf } from '../helpers/need'
import { kinds, pattern, turn, using } from '../helpers/pairs'

const bytes = (text: string): Buffer => Buffer.from(text)

/** Every receive of a stream, with its result as text. */
const receives: [string, (socket: Socket, size: number, op: object) => Promise<string>][] = [
  ['recv', async (socket, size, op) => String(await socket.recv(size, op))],
  ['recvfrom', async (socket, size, op) => String((await socket.recvfrom(size, op)).data)],
  ['recvmsg', async (socket, size, op) => String((await socket.recvmsg(size, op)).data)],
  [
    'recvmsg into parts',
    async (socket, size, op) => {
      const parts = [new Uint8Array(1), new DataView(new ArrayBuffer(0)), Buffer.alloc(size - 1)]
      const message = await socket.recvmsg(parts, op)
      expect(Buffer.concat([parts[0] as Buffer, parts[2] as Buffer]).subarray(0, message.bytes)).toEqual(
        message.data,
      )
      return String(message.data)
    },
  ],
  [
    'recvInto',
    async (socket, size, op) => {
      const into = Buffer.alloc(size)
      return into.toString('utf8', 0, await socket.recvInto(into, op))
    },
  ],
  [
    'recvfromInto',
    async (socket, size, op) => {
      const into = Buffer.alloc(size)
      return into.toString('utf8', 0, (await socket.recvfromInto(into, op)).bytes)
    },
  ],
]

for (const kind of kinds.filter(({ stream }) => stream)) {
  for (const [name, receive] of receives) {
    testIf(kind.missing, `${kind.name}: ${name} with MSG_WAITALL waits until it is full`, () =>
      using(kind.make, async ({ a, b }) => {
        const all = receive(b, 8, { flags: MSG_WAITALL })
        for (const part of ['one', 'two', 'three']) {
          await a.send(bytes(part))
          await turn()
          await turn()
        }
        expect(await all).toBe('onetwoth')
        expect(String(await b.recv(10))).toBe('ree')
      }),
    )

    testIf(kind.missing, `${kind.name}: ${name} with MSG_WAITALL returns less at the end of the stream`, () =>
      using(kind.make, async ({ a, b }) => {
        const all = receive(b, 8, { flags: MSG_WAITALL })
        await a.send(bytes('abc'))
        a.close()
        expect(await all).toBe('abc')
        expect(await b.recv(1)).toHaveLength(0)
      }),
    )

    testIf(
      kind.missing,
      `${kind.name}: what ${name} leaves after a timeout, a signal and a full queue is next`,
      () =>
        using(kind.make, async ({ a, b }) => {
          await a.send(bytes('abc'))
          expect(await failure(receive(b, 8, { flags: MSG_WAITALL, timeout: 5 }))).toMatchObject({
            code: 'ERR_SOCKET_TIMEOUT',
          })
          expect(await outcome(receive(b, 8, { flags: MSG_WAITALL, timeout: 0 }))).toBe('EAGAIN')
          const controller = new AbortController()
          const aborted = receive(b, 8, { flags: MSG_WAITALL, signal: controller.signal })
          const behind = b.recv(2)
          await turn()
          controller.abort()
          expect(await failure(aborted)).toHaveProperty('name', 'AbortError')
          expect(String(await behind)).toBe('ab')
          await a.send(bytes('defghij'))
          expect(await receive(b, 8, { flags: MSG_WAITALL })).toBe('cdefghij')
        }),
    )
  }
}

describe('on one pair', () => {
  let a: Socket
  let b: Socket
  beforeAll(() => void ([a, b] = Socket.pair()))
  afterAll(() => [a, b].forEach(each => each.close()))

  test('tryX with MSG_WAITALL returns null until it is full, and takes nothing', async () => {
    await a.send(bytes('abc'))
    const into = Buffer.alloc(4)
    for (const attempt of [
      () => b.tryRecv(4, MSG_WAITALL),
      () => b.tryRecvInto(into, MSG_WAITALL),
      () => b.tryRecvfrom(4, MSG_WAITALL),
      () => b.tryRecvfromInto(into, MSG_WAITALL),
      () => b.tryRecvmsg(4, MSG_WAITALL),
      () => b.tryRecvFds(4, 1, MSG_WAITALL),
    ])
      expect(attempt()).toBeNull()
    expect(String(into)).toBe('\0\0\0\0')
    expect(String(b.tryRecv(4))).toBe('abc')
    await a.send(bytes('abcd'))
    expect(b.tryRecvInto(into, MSG_WAITALL)).toBe(4)
    expect(String(into)).toBe('abcd')
  })

  test('MSG_WAITALL | MSG_DONTWAIT takes what is there, as in C', async () => {
    await a.send(bytes('abc'))
    expect(String(await b.recv(4, MSG_WAITALL | MSG_DONTWAIT))).toBe('abc')
    expect(await outcome(b.recv(4, MSG_WAITALL | MSG_DONTWAIT))).toBe('EAGAIN')
  })

  test('a large receive with MSG_WAITALL is exact, while other sockets get their turn', async () => {
    const data = pattern(20_000_000)
    const [all] = await Promise.all([b.recv(data.length, MSG_WAITALL), a.sendAll(data)])
    expect(all.equals(data)).toBe(true)
  })

  test('chunks with MSG_WAITALL are full, and the last one may be shorter', async () => {
    const [c, d] = Socket.pair()
    const sizes: number[] = []
    await c.send(Buffer.alloc(10))
    c.close()
    for await (const chunk of d.chunks({ size: 4, flags: MSG_WAITALL })) sizes.push(chunk.length)
    d.close()
    expect(sizes).toEqual([4, 4, 2])
  })

  test('a buffer that is detached during a receive with MSG_WAITALL loses no byte', async () => {
    const into = new Uint8Array(4)
    const all = b.recvInto(into, MSG_WAITALL)
    await a.send(bytes('ab'))
    await turn()
    await turn()
    structuredClone(into.buffer, { transfer: [into.buffer] })
    await a.send(bytes('cd'))
    expect(await outcome(all)).toBe('ERR_BUFFER_DETACHED')
    expect(String(await b.recv(4, MSG_WAITALL))).toBe('abcd')
  })

  test('a reset after a part rejects, and the next receive returns that part', async () => {
    const listener = new Socket(AF_INET).bind(['127.0.0.1', 0]).listen()
    const client = new Socket(AF_INET)
    const [server] = await Promise.all([listener.accept(), client.connect(listener.getsockname())])
    const all = client.recv(8, MSG_WAITALL)
    await server.send(bytes('abc'))
    await turn()
    await turn()
    server.setsockopt(constants.SOL_SOCKET!, constants.SO_LINGER!, Buffer.from(Int32Array.of(1, 0).buffer))
    server.close()
    expect(await outcome(all)).toBe('ECONNRESET')
    expect(String(await client.recv(8))).toBe('abc')
    for (const each of [client, listener]) each.close()
  })

  test('recvFds with MSG_WAITALL returns with the descriptors, and recv reads on behind them', async () => {
    await a.sendFds(bytes('ab'), [a])
    await a.send(bytes('cd'))
    const { data, fds } = await b.recvFds(4, 1, MSG_WAITALL)
    expect([String(data), fds.length]).toEqual(['ab', 1])
    fds[0]!.close()
    expect(String(await b.recv(2))).toBe('cd')
    await a.send(bytes('x'))
    await a.sendFds(bytes('ab'), [a])
    await a.send(bytes('cd'))
    expect(String(await b.recv(5, MSG_WAITALL))).toBe('xabcd')
  })

  test('MSG_PEEK | MSG_WAITALL waits until it can peek at all bytes, or the stream has ended', async () => {
    const [c, d] = Socket.pair()
    const peek = d.recv(4, MSG_PEEK | MSG_WAITALL)
    for (const part of ['ab', 'cd']) await c.send(bytes(part))
    expect(String(await peek)).toBe('abcd')
    expect(String(await d.recv(3, MSG_WAITALL))).toBe('abc')
    expect(d.tryRecv(2, MSG_PEEK | MSG_WAITALL)).toBeNull()
    expect(d.tryRecvmsg(2, MSG_PEEK | MSG_WAITALL)).toBeNull()
    const last = d.recvmsg(2, MSG_PEEK | MSG_WAITALL)
    c.close()
    expect(String((await last).data)).toBe('d')
    expect(String(await d.recv(3))).toBe('d')
    d.close()
  })

  test('MSG_TRUNC | MSG_WAITALL returns the bytes', async () => {
    const all = b.recv(4, MSG_TRUNC | MSG_WAITALL)
    for (const part of ['ab', 'cd']) await a.send(bytes(part))
    expect(await all).toHaveLength(4)
  })

  test('messages ignore MSG_WAITALL, and recvmmsg on a stream refuses it', async () => {
    for (const type of [SOCK_DGRAM, SOCK_SEQPACKET]) {
      const [c, d] = Socket.pair(AF_UNIX, type)
      await c.send(bytes('abc'))
      expect(String(await d.recv(8, MSG_WAITALL))).toBe('abc')
      for (const each of [c, d]) each.close()
    }
    const batch = new MessageBatch({ count: 2, size: 8 })
    expect(await outcome(b.recvmmsg(batch, MSG_WAITALL))).toBe('ERR_OUT_OF_RANGE')
  })
})

test('bsd-sockets/sync: MSG_WAITALL waits until it is full, and a timeout leaves the bytes', () => {
  const [c, d] = sync.Socket.pair()
  c.send(bytes('abc'))
  for (const receive of [
    () => d.recv(8, { flags: MSG_WAITALL, timeout: 5 }),
    () => d.recvInto(Buffer.alloc(8), { flags: MSG_WAITALL, timeout: 5 }),
    () => d.recvmsg(8, { flags: MSG_WAITALL, timeout: 5 }),
    () => d.recv(8, { flags: MSG_WAITALL | MSG_PEEK, timeout: 5 }),
    () => d.recvmsg([Buffer.alloc(2), Buffer.alloc(6)], { flags: MSG_WAITALL | MSG_PEEK, timeout: 5 }),
  ])
    expect(thrown(receive).code).toBe('ERR_SOCKET_TIMEOUT')
  expect(thrown(() => d.recv(8, { flags: MSG_WAITALL, timeout: 0 })).code).toBe('EAGAIN')
  c.send(bytes('de'))
  expect(String(d.recv(5, MSG_WAITALL | MSG_PEEK))).toBe('abcde')
  const parts = [Buffer.alloc(4), Buffer.alloc(1)]
  d.recvmsg(parts, MSG_WAITALL | MSG_PEEK)
  expect(parts.map(String)).toEqual(['abcd', 'e'])
  expect(String(d.recv(5, MSG_WAITALL))).toBe('abcde')
  c.send(bytes('xy'))
  c.close()
  expect(String(d.recv(5, MSG_WAITALL))).toBe('xy')
  d.close()
})
