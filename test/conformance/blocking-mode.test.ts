import { closeSync } from 'node:fs'
import { spawn, spawnSync } from 'node:child_process'
import { AF_INET, AF_UNIX, Socket, SOCK_DGRAM } from '../../lib'
import { Socket as BlockingSocket } from '../../lib/sync'
import { failure, outcome, thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { fill, kinds, turn, using } from '../helpers/pairs'

const bytes = (text: string): Buffer => Buffer.from(text)
const inet = kinds.find(({ name }) => name === 'tcp4')!

/** Returns what a child process sees: whether the descriptor is blocking. */
function seenByChild(fd: number): string {
  const script = 'import os; print(os.get_blocking(3))'
  return spawnSync('python3', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit', fd], encoding: 'utf8' })
    .stdout
}

testIf(missing.python(), 'a child process sees the mode of the open file', () => {
  for (const Class of [Socket, BlockingSocket]) {
    const [a, b] = Class.pair()
    expect(seenByChild(a.fd)).toBe('False\n')
    expect(a.setBlocking(true)).toBe(a)
    expect(seenByChild(a.fd)).toBe('True\n')
    a.setBlocking(false)
    const { fd } = a
    expect(seenByChild(fd)).toBe('False\n')
    expect(a.detach({ blocking: true })).toBe(fd)
    expect(seenByChild(fd)).toBe('True\n')
    closeSync(fd)
    b.close()
  }
})

testIf(missing.python(), 'a child reads from a detached blocking descriptor as usual', async () => {
  const [a, b] = Socket.pair()
  const fd = b.detach({ blocking: true })
  const script = 'import os; print(os.read(3, 100).decode())'
  const child = spawn('python3', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit', fd] })
  let said = ''
  child.stdout!.on('data', data => (said += String(data)))
  const ended = new Promise(resolve => child.on('close', resolve))
  closeSync(fd)
  await a.send(bytes('hello'))
  expect(await ended).toBe(0)
  expect(said).toBe('hello\n')
  a.close()
})

test.each(kinds.filter(({ missing: reason }) => reason === null))(
  'operations on a blocking descriptor do not block the event loop: $name',
  ({ make, backpressure, stream }) =>
    using(make, async ({ a, b }) => {
      a.setBlocking(true)
      const waiting = a.recv(10)
      await turn()
      await b.send(bytes('late'))
      expect(String(await waiting)).toBe('late')
      expect(a.tryRecv(10)).toBeNull()
      if (!backpressure) return
      fill(a)
      expect(await failure(a.send(Buffer.alloc(8192), { timeout: 5 }))).toMatchObject({
        code: 'ERR_SOCKET_TIMEOUT',
      })
      if (!stream) return
      const error = await failure(a.sendAll(Buffer.alloc(1 << 24), { timeout: 5 }))
      expect(error.code).toBe('ERR_SOCKET_TIMEOUT')
      expect(error.bytesSent).toBeLessThan(1 << 24) // TCP may free room later
    }),
)

testIf(missing.linux(), 'accept on a blocking listening socket does not block the event loop', async () => {
  const listener = new Socket(AF_INET).bind(['127.0.0.1', 0]).listen().setBlocking(true)
  const accepting = listener.accept()
  await turn()
  const client = new Socket(AF_INET)
  await client.connect(listener.getsockname())
  const served = await accepting
  expect(listener.tryAccept()).toBeNull()
  for (const socket of [listener, client, served]) socket.close()
})

test('invalid arguments, closed sockets, and a detach that fails change nothing', async () => {
  const [a, b] = Socket.pair()
  expect(thrown(() => a.setBlocking(1 as never)).code).toBe('ERR_INVALID_ARG_TYPE')
  expect(thrown(() => a.detach({ blocking: 1 as never })).code).toBe('ERR_INVALID_ARG_TYPE')
  expect(thrown(() => a.detach({ blocked: true } as never)).code).toBe('ERR_INVALID_ARG_TYPE')
  const waiting = outcome(a.recv(1))
  expect(thrown(() => a.detach({ blocking: true })).code).toBe('EBUSY')
  if (missing.python() === null) expect(seenByChild(a.fd)).toBe('False\n')
  a.close()
  expect(await waiting).toBe('ECANCELED')
  expect(thrown(() => a.setBlocking(true)).code).toBe('EBADF')
  expect(a.detach({ blocking: true })).toBe(-1)
  b.close()
})

describe('reset', () => {
  test('the peer gets ECONNRESET, waiting operations ECANCELED, and unsent data does not delay it', () =>
    using(inet.make, async ({ a, b }) => {
      const receiving = outcome(a.recv(1))
      fill(a)
      const sending = outcome(a.sendAll(Buffer.alloc(1 << 20)))
      a.reset()
      expect(a.closed).toBe(true)
      expect(await Promise.all([receiving, sending])).toEqual(['ECANCELED', 'ECANCELED'])
      let code = 'fulfilled'
      while (code === 'fulfilled') code = await outcome(b.recv(65536))
      expect(code).toBe('ECONNRESET')
      a.reset()
    }))

  test('in /sync, on a socket that connects, on a listening socket and on other kinds it closes', async () => {
    const listener = new BlockingSocket(AF_INET).bind(['127.0.0.1', 0]).listen()
    const client = new BlockingSocket(AF_INET)
    client.connect(listener.getsockname())
    const served = listener.accept({ timeout: 5000 })
    client.reset()
    expect(thrown(() => served.recv(1, { timeout: 5000 })).code).toBe('ECONNRESET')
    served.close()
    listener.reset()
    const [a, b] = Socket.pair()
    await a.send(bytes('sent'))
    a.reset()
    expect(String(await b.recv(10))).toBe('sent')
    expect(await b.recv(10)).toHaveLength(0)
    b.reset()
    for (const socket of [
      new Socket(AF_UNIX, SOCK_DGRAM),
      new Socket(AF_INET, SOCK_DGRAM),
      new Socket(AF_INET),
    ]) {
      socket.reset()
      expect(socket.closed).toBe(true)
    }
  })
})
