import {
  AF_INET,
  AF_UNIX,
  SHUT_RDWR,
  SOCK_STREAM,
  Socket as PromiseSocket,
  constants,
  createConnection,
  createServer,
} from '../../lib'
import { Socket as SyncSocket } from '../../lib/sync'
import * as raw from '../../lib/raw'
import { runNode } from '../helpers/child'
import { outcome, failure } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { withPath } from '../helpers/pairs'

/*
 * Cases that CPython's socket module handles and a thin binding easily misses, and faults that CPython's module has. A
 * test for such a fault names its row in docs/python-parity.md. If Python can show the fault at once, the test also
 * runs Python: when Python repairs it, the test fails and the page can be updated.
 */
const bytes = (text: string): Buffer => Buffer.from(text)
const code = (call: () => unknown): Promise<string> => outcome((async () => call())())
const linux = missing.linux()

// `await` also takes the plain results of the blocking Socket.
describe.each([
  ['bsd-sockets', PromiseSocket],
  ['bsd-sockets/sync', SyncSocket as unknown as typeof PromiseSocket],
] as const)('%s', (_, Socket) => {
  test('close can be called twice, and later operations fail with EBADF', async () => {
    const socket = new Socket(AF_INET)
    socket.close()
    socket.close()
    expect(socket.fd).toBe(-1)
    for (const call of [
      () => socket.recv(0),
      () => socket.send(bytes('x')),
      () => socket.accept(),
      () => socket.getsockopt(1, 1),
      () => socket.getsockname(),
      () => socket.listen(),
    ]) {
      expect(await code(call)).toBe('EBADF')
    }
    expect(socket.detach()).toBe(-1)
  })

  testIf(linux, 'an accepted socket is non-blocking, and child processes do not inherit it', async () => {
    const listener = new Socket(AF_INET).bind(['127.0.0.1', 0]).listen()
    const client = new Socket(AF_INET)
    await client.connect(listener.getsockname())
    const server = await listener.accept()
    for (const socket of [listener, client, server, client.dup()]) {
      expect(socket.getInheritable()).toBe(false)
      expect(raw.fcntl(socket.fd, constants.F_GETFL!) & constants.O_NONBLOCK!).not.toBe(0)
      socket.close()
    }
  })

  test('a send to a closed peer fails with EPIPE, and no signal ends the process', async () => {
    const [a, b] = Socket.pair()
    b.close()
    expect(await code(() => a.send(bytes('x')))).toBe('EPIPE')
    a.close()
  })

  testIf(linux, 'Socket.pair creates AF_UNIX streams, and fails with EOPNOTSUPP for AF_INET', async () => {
    const [a, b] = Socket.pair()
    expect([a.family, a.type]).toEqual([AF_UNIX, SOCK_STREAM])
    expect(await code(() => Socket.pair(AF_INET))).toBe('EOPNOTSUPP')
    a.close()
    b.close()
  })

  testIf(
    linux,
    'connectEx without waiting returns EINPROGRESS, and SO_ERROR then holds the result',
    async () => {
      const listener = new Socket(AF_INET).bind(['127.0.0.1', 0]).listen()
      const address = listener.getsockname()
      const socket = new Socket(AF_INET)
      const { EINPROGRESS, EISCONN, ECONNREFUSED, SOL_SOCKET, SO_ERROR } = constants
      expect(await socket.connectEx(address, { timeout: 0 })).toBe(EINPROGRESS)
      await socket.writable()
      expect(await socket.connectEx(address)).toBe(0)
      expect(await socket.connectEx(address)).toBe(EISCONN)
      listener.close()
      const refused = new Socket(AF_INET)
      await refused.connectEx(address, { timeout: 0 })
      await refused.writable()
      expect(refused.getsockopt(SOL_SOCKET!, SO_ERROR!)).toBe(ECONNREFUSED)
      expect(refused.getsockopt(SOL_SOCKET!, SO_ERROR!)).toBe(0) // reading takes it
      socket.close()
      refused.close()
    },
  )
})

// The blocking form waits in poll(2), which a signal interrupts.
testIf(linux, 'a blocking receive continues after signals', async () => {
  const ended = await runNode(`
    const { Socket: Blocking } = require('./dist/sync')
    const { spawn } = require('node:child_process')
    process.on('SIGUSR1', () => {})
    const [a, b] = Blocking.pair()
    b.setInheritable(true)
    const stdio = ['ignore', 'ignore', 'ignore', b.fd]
    const script = 'for i in 1 2 3 4 5 6 7 8; do kill -USR1 $PPID; done; printf late >&3'
    spawn('sh', ['-c', script], { stdio })
    console.log(String(a.recv(10, { timeout: 10000 })))
    for (const socket of [a, b]) socket.close()`)
  expect(ended).toEqual({ code: 0, signal: null, stdout: 'late\n', stderr: '' })
})

testIf(linux, 'shutdown completes a pending receive with EOF and a pending accept with EINVAL', async () => {
  const [a, b] = PromiseSocket.pair()
  const waiting = b.recv(10)
  b.shutdown(SHUT_RDWR)
  expect(await waiting).toHaveLength(0)
  const listener = new PromiseSocket(AF_INET).bind(['127.0.0.1', 0]).listen()
  const accepting = outcome(listener.accept())
  listener.shutdown(SHUT_RDWR)
  expect(await accepting).toBe('EINVAL')
  for (const socket of [a, b, listener]) socket.close()
})

// D14 in docs/python-parity.md.
test('createConnection has one deadline for all attempts, and allErrors reports every failure', async () => {
  const server = await createServer({ host: '127.0.0.1' })
  const { port } = server.getsockname() as { port: number }
  server.close()
  const refused = await failure(createConnection({ host: '127.0.0.1', port, allErrors: true }))
  expect(refused).toMatchObject({ name: 'AggregateError', errors: [{ code: 'ECONNREFUSED' }] })
  const late = await failure(createConnection({ host: '127.0.0.1', port, timeout: 0 }))
  expect(['EAGAIN', 'ECONNREFUSED', 'EINPROGRESS']).toContain(late.code)
})

// D15 in docs/python-parity.md.
test('createServer removes a stale path only with unlink: true', () =>
  withPath(async path => {
    ;(await createServer({ path })).close()
    expect((await failure(createServer({ path }))).code).toBe('EADDRINUSE')
    ;(await createServer({ path, unlink: true })).close()
  }))
