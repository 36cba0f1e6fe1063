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
} from '../../lib'
import * as raw from '../../lib/raw'
import { Socket as SyncSocket } from '../../lib/sync'
import { errnoOf } from '../../lib/errors/errno'
import { run, runNode } from '../helpers/child'
import { failure, thrown, type Failure } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { abstractName } from '../helpers/pairs'

/*
 * What Python's settimeout does, where ours must not do less: null waits, 0 never does, more waits that
 * long. Milliseconds here, in both flavours.
 */
const EAGAIN = -errnoOf('EAGAIN')
type Either = Socket | SyncSocket

/** What a call fails with, whether it throws or rejects. */
async function failed(call: () => unknown): Promise<Failure> {
  let value: unknown
  try {
    value = await call()
  } catch (error) {
    return error as Failure
  }
  throw new Error(`succeeded with ${String(value)}`)
}

describe.each([
  ['bsd-sockets', Socket],
  ['bsd-sockets/sync', SyncSocket],
] as const)('%s', (_, Flavour) => {
  let a: Either
  let b: Either
  beforeEach(() => {
    ;[a, b] = Flavour.pair(AF_UNIX, SOCK_STREAM)
  })
  afterEach(() => {
    a.close()
    b.close()
  })

  test('null, 0 and more, by the socket and by the call', async () => {
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

  test('the least time is a wait, never "now"', async () => {
    for (const timeout of [0.001, Number.MIN_VALUE, 0.4]) {
      expect(await failed(() => b.recv(1, { timeout }))).toMatchObject({ code: 'ERR_SOCKET_TIMEOUT' })
    }
  })

  test('times that are none', async () => {
    for (const timeout of [-1, NaN, Infinity, -Infinity, 2 ** 31, -Number.MIN_VALUE]) {
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

  test('the default is that of sockets made from then on, pairs, duplicates and accepted ones too', async () => {
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

  test('MSG_DONTWAIT does not turn a timeout into EAGAIN', async () => {
    const op = { flags: MSG_DONTWAIT, timeout: 10 }
    expect(await failed(() => b.recv(1, op))).toMatchObject({ code: 'ERR_SOCKET_TIMEOUT' })
  })

  test('an empty sendAll is still one call: a datagram goes out, a closed peer is noticed', async () => {
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

  test('connectEx: the errno of connect, EAGAIN for a timeout; the rest throws', async () => {
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

test('listen: a negative backlog counts as 0, one beyond an int is refused', () => {
  const socket = new Socket(AF_INET).bind(['127.0.0.1', 0])
  socket.listen(-5)
  expect(thrown(() => socket.listen(2 ** 31)).code).toBe('ERR_OUT_OF_RANGE')
  socket.close()
})

describe('sendAll has one deadline for the whole', () => {
  // A reader that takes a little every 20 ms: no single wait is long, all of them together are.
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

  testIf(missing.python(), 'blocking', async () => {
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

// Whoever else has the open socket may make it blocking: then nothing may hang that has a timeout, and the loop
// may not stand still.
test.each(['bsd-sockets', 'bsd-sockets/sync'])(
  '%s: O_NONBLOCK taken away by another holder',
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

test('every socket is non-blocking underneath, whatever its timeout', () => {
  const socket = new Socket(AF_INET, SOCK_DGRAM)
  for (const timeout of [null, 0, 5]) {
    socket.timeout = timeout
    expect(raw.fcntl(socket.fd, F_GETFL) & O_NONBLOCK).toBe(O_NONBLOCK)
  }
  expect(raw.fcntl(socket.fd, F_SETFL, O_NONBLOCK)).toBe(0)
  socket.close()
})

testIf(missing.linux(), 'the kernel’s ETIMEDOUT is another error than ours', async () => {
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
