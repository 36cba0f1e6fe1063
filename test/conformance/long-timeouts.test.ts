import {
  createConnection,
  createServer,
  getaddrinfo,
  poll,
  POLLIN,
  relay,
  select,
  serve,
  Socket,
} from '../../lib'
import * as sync from '../../lib/sync'
import { failure } from '../helpers/errors'

/*
 * Every timeout accepts more than 2^31-1 ms. An overflowing timer of Node would fire after 1 ms and print a warning. Each
 * test first waits for a later operation with a timeout of 20 ms.
 */
const LONG = 2 ** 31
const warnings: Error[] = []
const listen = (warning: Error): unknown => warnings.push(warning)
let a: Socket
let b: Socket
beforeEach(() => {
  warnings.length = 0
  process.on('warning', listen)
  ;[a, b] = Socket.pair()
})
afterEach(() => {
  process.off('warning', listen)
  a.close()
  b.close()
  expect(warnings).toEqual([])
})

test('an operation, poll and select wait on', async () => {
  const [c, d] = Socket.pair()
  const waiting = [
    a.recv(1, { timeout: LONG }),
    poll([{ socket: d, events: POLLIN }], { timeout: LONG }),
    select([d], [], [], LONG),
  ]
  let ended = 0
  for (const each of waiting) void each.then(() => ended++)
  const other = Socket.pair()
  expect((await failure(other[0].recv(1, { timeout: 20 }))).code).toBe('ERR_SOCKET_TIMEOUT')
  for (const each of other) each.close()
  expect(ended).toBe(0)
  await b.send(Buffer.from('x'))
  await c.send(Buffer.from('x'))
  await Promise.all(waiting)
  c.close()
  d.close()
})

test('lookups and createConnection, servers that drain, and relay', async () => {
  await getaddrinfo('localhost', null, { timeout: LONG })
  const listener = await createServer({ host: '127.0.0.1', port: 0 })
  const { port } = listener.getsockname()
  const server = serve(listener, async socket => {
    await socket.recv(1)
  })
  const client = await createConnection({ host: '127.0.0.1', port, timeout: LONG, happyEyeballs: LONG })
  const relaying = relay(a, client, { idleTimeout: LONG })
  let closed = false
  const closing = server.close({ drain: LONG }).then(() => (closed = true))
  const other = Socket.pair()
  expect((await failure(other[0].recv(1, { timeout: 20 }))).code).toBe('ERR_SOCKET_TIMEOUT')
  for (const each of other) each.close()
  expect(closed).toBe(false)
  await b.send(Buffer.from('x'))
  b.close()
  await Promise.all([closing, relaying])
  client.close()
})

test('the blocking forms', () => {
  const [c, d] = sync.Socket.pair()
  c.send(Buffer.from('x'))
  expect(sync.select([d], [], [], LONG)[0]).toEqual([d])
  expect(sync.poll([{ socket: d, events: POLLIN }], LONG)).toHaveLength(1)
  d.readable({ timeout: LONG })
  expect(String(d.recv(1, { timeout: LONG }))).toBe('x')
  c.close()
  d.close()
})
