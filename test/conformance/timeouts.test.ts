import {
  AF_INET,
  AF_UNIX,
  constants,
  F_GETFL,
  F_SETFL,
  getDefaultTimeout,
  MSG_DONTWAIT,
  O_NONBLOCK,
  setDefaultTimeout,
  Socket,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../../lib'
import { SO_SNDBUFFORCE } from '../../lib/linux'
import * as raw from '../../lib/raw'
import { Socket as SyncSocket } from '../../lib/sync'
import { errnoOf } from '../../lib/errors/errno'
import { run, runNode } from '../helpers/child'
import { failure, thrown, type Failure } from '../helpers/errors'
import { flavours } from '../helpers/flavours'
import { missing, testIf } from '../helpers/need'
import { abstractName } from '../helpers/pairs'

/*
 * Timeouts as in Python's settimeout: null waits without a limit, 0 never waits, a larger number waits that long.
 * Here they are in milliseconds, in both flavours.
 */
const EAGAIN = -errnoOf('EAGAIN')
type Either = Socket | SyncSocket

/** Resolves with the error of a call that throws or rejects. */
async function failed(call: () => unknown): Promise<Failure> {
  let value: unknown
  try {
    value = await call()
  } catch (error) {
    return error as Failure
  }
  throw new Error(`succeeded with ${String(value)}`)
}

describe.each(flavours)('%s', (_, Flavour) => {
  let a: Either
  let b: Either
  beforeEach(() => {
    ;[a, b] = Flavour.pair(AF_UNIX, SOCK_STREAM)
  })
  afterEach(() => {
    a.close()
    b.close()
  })

  test('a timeout of null, 0 or more can be set for the socket and for each call', async () => {
    expect(b.timeout).toBeNull()
    b.timeout = 0
    expect(await failed(() => b.recv(1))).toMatchObject({ code: 'EAGAIN', errno: -EAGAIN, syscall: 'recv' })
    b.timeout = 20
    expect(await failed(() => b.recv(1))).toMatchObject({ name: 'TimeoutError', code: 'ERR_SOCKET_TIMEOUT' })
    expect(await failed(() => b.recv(1, { timeout: 0 }))).toMatchObject({ code: 'EAGAIN' })
    a.trySend(Buffer.from('x'))
    b.timeout = 0
    expect(String(await b.recv(1))).toBe('x')
  })

  test('the smallest positive timeout waits, unlike 0', async () => {
    for (const timeout of [0.001, Number.MIN_VALUE, 0.4]) {
      expect(await failed(() => b.recv(1, { timeout }))).toMatchObject({ code: 'ERR_SOCKET_TIMEOUT' })
    }
  })

  test('an invalid timeout throws ERR_OUT_OF_RANGE or ERR_INVALID_ARG_TYPE', async () => {
    for (const timeout of [-1, NaN, Infinity, -Infinity, -Number.MIN_VALUE]) {
      expect(await failed(() => b.recv(1, { timeout }))).toMatchObject({ name: 'RangeError' })
      expect(thrown(() => (b.timeout = timeout)).code).toBe('ERR_OUT_OF_RANGE')
      expect(thrown(() => setDefaultTimeout(timeout)).code).toBe('ERR_OUT_OF_RANGE')
    }
    for (const timeout of ['1', true, {}, 1n]) {
      expect(await failed(() => b.recv(1, { timeout: timeout as never }))).toMatchObject({
        name: 'TypeError',
      })
      expect(thrown(() => setDefaultTimeout(timeout as never)).code).toBe('ERR_INVALID_ARG_TYPE')
    }
    expect(thrown(() => setDefaultTimeout(undefined as never)).code).toBe('ERR_INVALID_ARG_TYPE')
    expect([b.timeout, getDefaultTimeout()]).toEqual([null, null])
  })

  test('a timeout beyond 24.8 days is accepted', async () => {
    for (const timeout of [2 ** 31, 2 ** 40, Number.MAX_VALUE]) {
      a.trySend(Buffer.from('x'))
      expect(String(await b.recv(1, { timeout }))).toBe('x')
      b.timeout = timeout
      a.trySend(Buffer.from('x'))
      expect([b.timeout, String(await b.recv(1))]).toEqual([timeout, 'x'])
      setDefaultTimeout(timeout)
      setDefaultTimeout(null)
    }
  })

  test('setDefaultTimeout applies to sockets made afterwards, also by pair, dup and accept', async () => {
    setDefaultTimeout(15)
    try {
      const made = new Flavour(AF_INET, SOCK_DGRAM)
      const [one, two] = Flavour.pair()
      const listener = new Flavour(AF_INET).bind(['127.0.0.1', 0]).listen()
      const client = new Flavour(AF_INET)
      await client.connect(listener.getsockname())
      const accepted = await listener.accept()
      const copy = made.dup()
      expect([made, one, two, listener, accepted, copy].map(each => each.timeout)).toEqual(Array(6).fill(15))
      expect(b.timeout).toBeNull()
      expect(await failed(() => made.recv(1))).toMatchObject({ code: 'ERR_SOCKET_TIMEOUT' })
      for (const each of [made, one, two, listener, client, accepted, copy]) each.close()
    } finally {
      setDefaultTimeout(null)
    }
  })

  test('MSG_DONTWAIT does not wait, even with a timeout', async () => {
    for (const timeout of [10, null, undefined]) {
      const op = { flags: MSG_DONTWAIT, timeout }
      expect(await failed(() => b.recv(1, op))).toMatchObject({ code: 'EAGAIN', syscall: 'recv' })
    }
  })

  test('sendAll of no bytes still calls send: a datagram is sent, and a closed peer is reported', async () => {
    const [from, to] = Flavour.pair(AF_UNIX, SOCK_DGRAM)
    await from.sendAll(Buffer.alloc(0))
    expect(await to.recv(10)).toHaveLength(0)
    to.close()
    expect(await failed(() => from.sendAll(Buffer.alloc(0)))).toHaveProperty(
      'code',
      expect.stringMatching(/^E/),
    )
    from.close()
  })

  test('connectEx resolves with the errno of connect, with EAGAIN for a timeout, and rejects for invalid arguments', async () => {
    const free = new Flavour(AF_INET).bind(['127.0.0.1', 0])
    const socket = new Flavour(AF_INET)
    expect(await socket.connectEx(free.getsockname())).toBe(-errnoOf('ECONNREFUSED'))
    expect(await failed(() => socket.connectEx(['name.example', 1]))).toMatchObject({
      code: 'ERR_INVALID_ADDRESS',
    })
    expect(await failed(() => socket.connectEx(['127.0.0.1', 1], { timeout: -1 }))).toMatchObject({
      name: 'RangeError',
    })
    socket.close()
    free.close()
    const name = missing.linux() === null ? abstractName() : null
    if (name === null) return
    const listener = new Flavour(AF_UNIX).bind(name).listen(0)
    const first = new Flavour(AF_UNIX)
    expect(await first.connectEx(name)).toBe(0)
    const full = new Flavour(AF_UNIX)
    expect(await full.connectEx(name, { timeout: 0 })).toBe(EAGAIN)
    expect(await full.connectEx(name, { timeout: 20 })).toBe(EAGAIN)
    for (const each of [listener, first, full]) each.close()
  })
})

test('listen takes a negative backlog as 0 and refuses one that does not fit an int', () => {
  const socket = new Socket(AF_INET).bind(['127.0.0.1', 0])
  socket.listen(-5)
  expect(thrown(() => socket.listen(2 ** 31)).code).toBe('ERR_OUT_OF_RANGE')
  socket.close()
})

describe('sendAll has one deadline for all its sends', () => {
  // The reader reads a little every 20 ms. Each wait is short; together they take longer than the timeout.
  const reader = `
import socket, time
s = socket.socket(fileno=3); s.setblocking(True)
try:
    while s.recv(4096): time.sleep(0.02)
except OSError: pass`
  const size = 8 << 20

  testIf(missing.python(), 'with promises', async () => {
    const [a, b] = Socket.pair()
    const child = run('python3', ['-c', reader], { fds: [b.fd] })
    b.close()
    const error = await failure(a.sendAll(Buffer.alloc(size), { timeout: 200 }))
    expect(error).toMatchObject({ code: 'ERR_SOCKET_TIMEOUT', syscall: 'send' })
    expect(error.bytesSent).toBeGreaterThan(0)
    expect(error.bytesSent).toBeLessThan(size)
    a.close()
    expect(await child).toMatchObject({ code: 0 })
  })

  testIf(missing.python(), 'in the blocking flavour', async () => {
    const [a, b] = SyncSocket.pair()
    const child = run('python3', ['-c', reader], { fds: [b.fd] })
    b.close()
    const error = thrown(() => a.sendAll(Buffer.alloc(size), { timeout: 200 }))
    expect(error).toMatchObject({ code: 'ERR_SOCKET_TIMEOUT', syscall: 'send' })
    expect(error.bytesSent).toBeGreaterThan(0)
    expect(error.bytesSent).toBeLessThan(size)
    a.close()
    expect(await child).toMatchObject({ code: 0 })
  })
})

// Another holder of the open socket may clear O_NONBLOCK. Even then, an operation with a timeout must not hang,
// and the event loop must not block.
test.each(['bsd-sockets', 'bsd-sockets/sync'])(
  '%s: timeouts hold and nothing blocks after another holder has cleared O_NONBLOCK',
  async flavour => {
    const ended = await runNode(
      `
    const { Socket: Flavour } = require(${JSON.stringify(flavour === 'bsd-sockets' ? './dist' : './dist/sync')})
    const raw = require('./dist/raw')
    async function main() {
      const [a, b] = Flavour.pair()
      raw.fcntl(b.fd, c.F_SETFL, raw.fcntl(b.fd, c.F_GETFL) & ~c.O_NONBLOCK)
      try { await b.recv(1, { timeout: 20 }) } catch (e) { console.log(e.code) }
      a.trySend(Buffer.from('x'))
      console.log(String(await b.recv(1, { timeout: 1000 })))
      console.log(b.tryRecv(1))
      a.close(); b.close()
    }
    main()`,
      { timeout: 8000 },
    )
    expect(ended).toEqual({ code: 0, signal: null, stdout: 'ERR_SOCKET_TIMEOUT\nx\nnull\n', stderr: '' })
  },
)

test('the descriptor of every socket is non-blocking, for any timeout', () => {
  const socket = new Socket(AF_INET, SOCK_DGRAM)
  for (const timeout of [null, 0, 5]) {
    socket.timeout = timeout
    expect(raw.fcntl(socket.fd, F_GETFL) & O_NONBLOCK).toBe(O_NONBLOCK)
  }
  expect(raw.fcntl(socket.fd, F_SETFL, O_NONBLOCK)).toBe(0)
  socket.close()
})

testIf(missing.linux(), 'ETIMEDOUT of the kernel is a SocketError, not the error of a timeout', async () => {
  const { IPPROTO_TCP, TCP_USER_TIMEOUT } = constants
  const listener = new Socket(AF_INET).bind(['127.0.0.1', 0]).listen(0)
  const held: Socket[] = []
  let error: Failure
  do {
    const socket = new Socket(AF_INET)
    held.push(socket)
    socket.setsockopt(IPPROTO_TCP!, TCP_USER_TIMEOUT!, 100)
    error = await socket.connect(listener.getsockname(), { timeout: 15000 }).then(
      () => new Error('connected'),
      (reason: Failure) => reason,
    )
  } while (error.message === 'connected')
  expect(error).toMatchObject({ name: 'SocketError', code: 'ETIMEDOUT', errno: errnoOf('ETIMEDOUT') })
  for (const socket of [listener, ...held]) socket.close()
})

testIf(
  missing.linux() ?? missing.root(),
  'sendAll with timeout 0 that sends a part fails with EAGAIN, not with a timeout',
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
