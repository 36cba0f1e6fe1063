import { once } from 'node:events'
import {
  AF_INET,
  AF_UNIX,
  select,
  serve,
  Socket,
  SOCK_DGRAM,
  createConnection,
  createServer,
} from '../../lib/index'

/*
 * Test tools (sinon, jest) replace the global timers and `performance`. Such a clock stands still until the test moves
 * it. The sockets use the clock that the package found when it was loaded.
 */
beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick'] }) // the streams of Node itself need nextTick
})
afterEach(() => {
  jest.useRealTimers()
})

test('more operations than one turn of the event loop has complete', async () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
  for (let i = 0; i < 200; i++) {
    const received = b.recv(10)
    await a.send(Buffer.from([i]))
    expect(await received).toEqual(Buffer.from([i]))
  }
  a.close()
  b.close()
})

test('a timeout of an operation fires', async () => {
  const [a, b] = Socket.pair()
  await expect(a.recv(1, { timeout: 5 })).rejects.toMatchObject({ code: 'ERR_SOCKET_TIMEOUT' })
  a.timeout = 5
  await expect(a.recv(1)).rejects.toMatchObject({ code: 'ERR_SOCKET_TIMEOUT' })
  a.close()
  b.close()
})

test('select ends at its timeout', async () => {
  const [a, b] = Socket.pair()
  expect(await select([a], [], [], 5)).toEqual([[], [], []])
  a.close()
  b.close()
})

test('a server answers, and draining ends', async () => {
  const listener = await createServer({ host: '127.0.0.1', port: 0 })
  const server = serve(listener, async socket => {
    for await (const chunk of socket.chunks()) await socket.sendAll(chunk)
  })
  const client = await createConnection({
    host: '127.0.0.1',
    port: listener.getsockname().port,
    timeout: 5000,
  })
  await client.sendAll(Buffer.from('hello'))
  expect(String(await client.recv(10))).toBe('hello')
  await server.close({ drain: 5 })
  client.close()
})

test('the timeout of a stream fires', async () => {
  const [a, b] = Socket.pair()
  const stream = a.toDuplex()
  stream.setTimeout(5)
  await once(stream, 'timeout')
  stream.destroy()
  b.close()
})

test('a blocking poll of a datagram socket ends at its timeout', async () => {
  const socket = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  socket.busyPoll(100)
  await expect(socket.recv(1, { timeout: 5 })).rejects.toMatchObject({ code: 'ERR_SOCKET_TIMEOUT' })
  socket.close()
})
