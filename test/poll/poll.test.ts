import { closeSync, openSync } from 'node:fs'
import {
  constants,
  poll,
  select,
  Socket,
  SOCK_DGRAM,
  AF_UNIX,
  AF_INET,
  SOCK_STREAM,
  type PollEntry,
} from '../../lib'
import * as raw from '../../lib/raw'
import * as blocking from '../../lib/sync'
import { native } from '../../lib/binding/binding'
import { keep } from '../../lib/message/leftover'
import { failure, outcome, thrown } from '../helpers/errors'
import { runPython } from '../helpers/child'
import { missing, testIf } from '../helpers/need'
import { fill, kinds, turn, using } from '../helpers/pairs'

const { POLLIN, POLLOUT, POLLPRI, POLLNVAL, POLLHUP, POLLERR } = constants as Record<string, number>
const tcp = kinds.find(kind => kind.name === 'tcp4')!
const byte = Buffer.from('x')

/** Both flavours, for the tests that do not wait. */
const forms: [string, typeof poll, typeof select][] = [
  ['promises', poll, select],
  [
    'blocking',
    (entries, timeout) => Promise.resolve().then(() => blocking.poll(entries, timeout as number)),
    (r, w, x, timeout) => Promise.resolve().then(() => blocking.select(r, w, x, timeout as number)),
  ],
]

/** Duplicates a descriptor to a number of at least `least`. */
function high(fd: number, least: number): number {
  const copy = raw.fcntl(fd, constants.F_DUPFD_CLOEXEC!, least)
  if (copy < 0) throw new Error(`fcntl: ${copy}`)
  return copy
}

function pair<T>(use: (a: Socket, b: Socket) => Promise<T>): Promise<T> {
  const [a, b] = Socket.pair()
  return use(a, b).finally(() => {
    a.close()
    b.close()
  })
}

describe.each(forms)('%s', (_, poll, select) => {
  test('select returns the same objects that it was given', () =>
    pair(async (a, b) => {
      a.trySend(byte)
      const holder = { fd: b.fd, mine: true }
      const [readable, writable, exceptional] = await select([a, holder, b.fd, b], [a], [a], 5000)
      expect(readable).toHaveLength(3)
      expect(readable[0]).toBe(holder)
      expect(readable[1]).toBe(b.fd)
      expect(readable[2]).toBe(b)
      expect(writable).toHaveLength(1)
      expect(writable[0]).toBe(a)
      expect(exceptional).toEqual([])
    }))

  test('poll returns its entries with revents', () =>
    pair(async (a, b) => {
      a.trySend(byte)
      const ready = await poll(
        [
          { socket: a, events: POLLIN! },
          { socket: b, events: POLLIN!, name: 'b' },
          { fd: a.fd, events: POLLOUT! },
        ] as (PollEntry & { name?: string })[],
        5000,
      )
      expect(ready).toHaveLength(2)
      expect(ready[0]!.socket).toBe(b)
      expect(ready[0]).toMatchObject({ revents: POLLIN, name: 'b' })
      expect(ready[1]).toMatchObject({ fd: a.fd, revents: POLLOUT })
    }))

  test('an entry without events polls for all events', () =>
    pair(async (a, b) => {
      a.trySend(byte)
      expect((await poll([{ socket: b }]))[0]!.revents).toBe(POLLIN! | POLLOUT!)
    }))

  test('timeout 0 does not wait, and a wait that times out returns nothing and is never too short', () =>
    pair(async a => {
      expect(await poll([{ socket: a, events: POLLIN! }], 0)).toEqual([])
      expect(await select([a], [], [], 0)).toEqual([[], [], []])
      for (const wait of [0.3, 1, 12.5, 30]) {
        const start = performance.now()
        expect(await poll([{ socket: a, events: POLLIN! }], wait)).toEqual([])
        expect(performance.now() - start).toBeGreaterThanOrEqual(wait)
      }
    }))

  test('poll and select without entries sleep', async () => {
    const start = performance.now()
    expect(await poll([], 15)).toEqual([])
    expect(await select([], [], [], 15)).toEqual([[], [], []])
    expect(performance.now() - start).toBeGreaterThanOrEqual(30)
  })

  test('descriptors above 1024 work', () =>
    pair(async (a, b) => {
      const far = high(b.fd, 3000)
      try {
        expect(far).toBeGreaterThanOrEqual(3000)
        expect(await select([far], [], [], 0)).toEqual([[], [], []])
        a.trySend(byte)
        expect(await select([far], [far], [], 5000)).toEqual([[far], [far], []])
        expect(await poll([{ fd: far, events: POLLIN! }], 5000)).toEqual([
          { fd: far, events: POLLIN, revents: POLLIN },
        ])
      } finally {
        raw.close(far)
      }
    }))

  test('a descriptor that is not open is POLLNVAL for poll and EBADF for select', async () => {
    expect(await poll([{ fd: 1001, events: POLLIN! }], null)).toEqual([
      { fd: 1001, events: POLLIN, revents: POLLNVAL },
    ])
    expect(await failure(select([1001], [], []))).toMatchObject({ code: 'EBADF', syscall: 'select' })
  })

  test('a closed socket is POLLNVAL for poll and EBADF for select', () =>
    pair(async a => {
      a.close()
      expect(await poll([{ socket: a, events: POLLIN! }])).toMatchObject([{ revents: POLLNVAL }])
      expect(await failure(select([], [], [a]))).toMatchObject({ code: 'EBADF', syscall: 'select' })
    }))

  test('a socket may be given twice, and in several lists', () =>
    pair(async (a, b) => {
      a.trySend(byte)
      expect(
        await poll([
          { fd: b.fd, events: POLLIN! },
          { fd: b.fd, events: POLLOUT! },
          { socket: b, events: 0 },
        ]),
      ).toMatchObject([{ revents: POLLIN }, { revents: POLLOUT }])
      expect(await select([b, b], [b], [b])).toEqual([[b, b], [b], []])
    }))

  test('a regular file is always ready', async () => {
    const fd = openSync(__filename, 'r')
    try {
      expect(await select([fd], [fd], [], null)).toEqual([[fd], [fd], []])
      expect(await select([], [], [fd], 5)).toEqual([[], [], []])
    } finally {
      closeSync(fd)
    }
  })

  test('urgent data is exceptional', () =>
    using(tcp.make, async ({ a, b }) => {
      a.trySend(Buffer.from('!'), constants.MSG_OOB)
      expect(await select([], [], [b], 5000)).toEqual([[], [], [b]])
      expect(await poll([{ socket: b, events: POLLPRI! }], 5000)).toMatchObject([{ revents: POLLPRI }])
    }))

  test('a hang-up is readable, and does not end a wait for urgent data', () =>
    pair(async (a, b) => {
      a.close()
      expect(await select([b], [], [], null)).toEqual([[b], [], []])
      expect((await poll([{ socket: b, events: 0 }]))[0]!.revents & POLLHUP!).toBe(POLLHUP)
      const looks = jest.spyOn(native, 'poll')
      expect(await select([], [], [b], 100)).toEqual([[], [], []])
      expect(looks.mock.calls.length).toBeLessThan(40)
      looks.mockRestore()
    }))

  test('data that the socket object still holds makes it readable', () =>
    pair(async (_a, b) => {
      keep(b.channel, Buffer.from('kept'))
      expect(await select([b], [], [], null)).toEqual([[b], [], []])
      expect((await b.recv(9)).toString()).toBe('kept')
      expect(await select([b], [], [], 0)).toEqual([[], [], []])
    }))

  test('invalid arguments are refused', async () => {
    const bad = 'ERR_INVALID_ARG_TYPE'
    const range = 'ERR_OUT_OF_RANGE'
    const wrong = (value: unknown): never => value as never
    expect(await outcome(poll(wrong('x')))).toBe(bad)
    expect(await outcome(poll([wrong(3)]))).toBe(bad)
    expect(await outcome(poll([{ events: 1 }]))).toBe(bad)
    expect(await outcome(poll([{ fd: 1, socket: { fd: 1 } }]))).toBe(bad)
    expect(await outcome(poll([{ fd: -1 }]))).toBe(range)
    expect(await outcome(poll([{ fd: 1, events: 0x10000 }]))).toBe(range)
    expect(await outcome(poll([], -1))).toBe(range)
    expect(await outcome(poll([], NaN))).toBe(range)
    expect(await outcome(poll([], wrong('1')))).toBe(bad)
    expect(await outcome(select(wrong(undefined), [], []))).toBe(bad)
    expect(await outcome(select([], [wrong('0')], []))).toBe(bad)
    expect(await outcome(select([], [], [1.5]))).toBe(range)
  })
})

describe('waiting in poll and select', () => {
  test('select waits until data arrives, while the event loop turns', () =>
    pair(async (a, b) => {
      const ready = select([b], [], [])
      let ticks = 0
      for (; ticks < 5; ticks++) await turn()
      a.trySend(byte)
      expect(await ready).toEqual([[b], [], []])
      expect(ticks).toBe(5)
    }))

  test('poll waits until there is room to send', () =>
    pair(async (a, b) => {
      fill(a)
      expect(await select([], [a], [], 0)).toEqual([[], [], []])
      const ready = poll([{ socket: a, events: POLLOUT! }], 5000)
      while (b.tryRecv(65536) !== null);
      expect(await ready).toMatchObject([{ revents: POLLOUT }])
    }))

  test('select waits for a connection, a datagram and the end of a stream', async () => {
    using listener = new Socket(AF_INET, SOCK_STREAM).bind(['127.0.0.1', 0]).listen()
    using receiver = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
    const [x, y] = Socket.pair(AF_UNIX)
    const watch = [listener, receiver, x]
    const connection = select(watch, [], [])
    using client = new Socket()
    await client.connect(listener.getsockname())
    expect(await connection).toEqual([[listener], [], []])
    listener.tryAccept()!.close()
    const datagram = select(watch, [], [])
    using sender = new Socket(AF_INET, SOCK_DGRAM)
    sender.trySendto(byte, receiver.getsockname())
    expect(await datagram).toEqual([[receiver], [], []])
    receiver.tryRecv(1)
    const end = select(watch, [], [])
    y.close()
    expect(await end).toEqual([[x], [], []])
    x.close()
  })

  test('readable data does not end a wait for room to send', () =>
    pair(async (a, b) => {
      fill(a)
      b.trySend(byte)
      const looks = jest.spyOn(native, 'poll')
      expect(await select([], [a], [], 60)).toEqual([[], [], []])
      expect(looks.mock.calls.length).toBeLessThan(8)
      looks.mockRestore()
    }))

  test('data that another receive took is not reported', () =>
    pair(async (a, b) => {
      const ready = poll([{ socket: b, events: POLLIN! }], 60)
      a.trySend(byte)
      b.tryRecv(1)
      expect(await ready).toEqual([])
      const again = poll([{ socket: b, events: POLLIN! }], 5000)
      await turn()
      a.trySend(byte)
      b.tryRecv(1)
      await turn()
      a.trySend(byte)
      expect(await again).toMatchObject([{ revents: POLLIN }])
    }))

  test('closing a socket ends the wait', () =>
    pair(async (a, b) => {
      const polled = poll([
        { socket: a, events: POLLIN! },
        { socket: b, events: POLLIN! },
      ])
      const selected = failure(select([a, b], [], []))
      await turn()
      a.close()
      expect(await polled).toMatchObject([
        { socket: a, revents: POLLNVAL },
        { socket: b, revents: POLLIN! | POLLHUP! },
      ])
      expect(await selected).toMatchObject({ code: 'ECANCELED', syscall: 'select' })
    }))

  test('detaching a socket ends the wait', () =>
    pair(async a => {
      const polled = poll([{ socket: a, events: POLLIN! }])
      await turn()
      const fd = a.detach()
      expect(await polled).toMatchObject([{ revents: POLLNVAL }])
      raw.close(fd)
    }))

  test('a signal ends the wait', () =>
    pair(async a => {
      const control = new AbortController()
      const waiting = failure(select([a], [], [], { signal: control.signal }))
      await turn()
      control.abort(new Error('why'))
      expect(await waiting).toMatchObject({
        name: 'AbortError',
        code: 'ABORT_ERR',
        cause: { message: 'why' },
      })
      expect(await failure(poll([], { signal: control.signal }))).toMatchObject({ name: 'AbortError' })
      expect(await poll([{ socket: a, events: POLLIN! }], { timeout: 5 })).toEqual([])
    }))

  test('many polls and a receive can wait for the same socket', () =>
    pair(async (a, b) => {
      const polls = Array.from({ length: 20 }, () => poll([{ socket: b, events: POLLIN! }]))
      const data = b.recv(1)
      await turn()
      a.trySend(Buffer.from('xy'))
      expect((await data).toString()).toBe('x')
      for (const each of polls) expect(await each).toMatchObject([{ revents: POLLIN }])
      expect(native.stats().slots).toBe(2)
    }))

  test('polls that are always ready let the event loop turn', () =>
    pair(async a => {
      let others = 0
      setImmediate(() => others++)
      for (let i = 0; i < 200; i++) await select([], [a], [])
      expect(others).toBe(1)
    }))

  test('a refused connection is reported as POLLERR or POLLHUP', async () => {
    using listener = new Socket().bind(['127.0.0.1', 0])
    using client = new Socket()
    client.connectEx(listener.getsockname()).catch(() => undefined)
    const [entry] = await poll([{ socket: client, events: POLLOUT! }])
    expect(entry!.revents & (POLLERR! | POLLHUP!)).not.toBe(0)
  })
})

testIf(
  missing.python(),
  'poll and select report the same as in Python, in every state of a socket',
  async () => {
    const states: Record<string, (a: Socket, b: Socket) => void> = {
      idle: () => undefined,
      readable: (_a, b) => b.trySend(byte),
      full: a => fill(a),
      'the peer sends no more': (_a, b) => b.shutdown(constants.SHUT_WR!),
      'we send no more': a => a.shutdown(constants.SHUT_WR!),
      'the peer has gone': (_a, b) => b.close(),
      'gone, with data left': (_a, b) => (b.trySend(byte), b.close()),
      'gone, with data unread': (a, b) => (a.trySend(byte), b.close()),
    }
    const script = `
import select, sys
p = select.poll()
for fd in map(int, sys.argv[1:]): p.register(fd, select.POLLIN | select.POLLPRI | select.POLLOUT)
fds = [int(x) for x in sys.argv[1:]]
print(dict(p.poll(0)), *select.select(fds, fds, fds, 0), sep=' | ')`
    for (const make of [
      (): Promise<[Socket, Socket]> => Promise.resolve(Socket.pair()),
      () => tcp.make().then(({ a, b }): [Socket, Socket] => [a, b]),
    ]) {
      const pairs = await Promise.all(Object.values(states).map(make))
      Object.values(states).forEach((change, i) => change(...(pairs[i] as [Socket, Socket])))
      using unconnected = new Socket()
      using listener = new Socket().bind(['127.0.0.1', 0]).listen()
      const sockets = [...pairs.map(([a]) => a), unconnected, listener]
      const numbers = sockets.map((_, i) => i + 3)
      const argv = `import sys; sys.argv[1:] = ${JSON.stringify(numbers.map(String))}`
      const python = await runPython(
        argv + script,
        sockets.map(({ fd }) => fd),
      )
      const polled = await poll(
        sockets.map((socket, i) => ({ socket, number: i + 3 })),
        0,
      )
      const selected = await select(sockets, sockets, sockets, 0)
      const dictionary = polled.map(({ number, revents }) => `${number}: ${revents}`).join(', ')
      const lists = selected.map(list => `[${list.map(each => sockets.indexOf(each) + 3).join(', ')}]`)
      expect(`{${dictionary}} | ${lists.join(' | ')}\n`).toBe(python)
      for (const socket of pairs.flat()) socket.close()
    }
  },
)

test('the blocking poll refuses a signal', () => {
  expect(thrown(() => blocking.poll([], { signal: new AbortController().signal } as never)).code).toBe(
    'ERR_INVALID_ARG_TYPE',
  )
})
