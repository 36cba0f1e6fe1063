import { Socket } from '../../lib'
import { run } from '../helpers/child'
import { failure, thrown } from '../helpers/errors'

let pair: [Socket, Socket]
beforeEach(() => (pair = Socket.pair()))
afterEach(() => pair.forEach(socket => socket.close()))

test('data that arrives within the busy-poll time is received without the event loop', async () => {
  const [a, b] = pair
  b.busyPoll(1_000_000)
  const child = run('sh', ['-c', 'printf x >&3'], { fds: [a.fd] })
  // No event is registered, because the read polls until the child has written.
  expect(String(await b.recv(10))).toBe('x')
  expect(b.channel.watched).toBe(false)
  expect((await child).code).toBe(0)
})

test('the event loop runs after 64 consecutive reads', async () => {
  const [a, b] = pair
  b.busyPoll(50)
  let turns = 0
  let running = true
  const count = (): void => {
    turns++
    if (running) setImmediate(count)
  }
  setImmediate(count)
  for (let i = 0; i < 64 * 20; i++) {
    a.trySend(Buffer.from('x'))
    await b.recv(1)
  }
  running = false
  expect(turns).toBeGreaterThanOrEqual(15)
})

test('a timeout shorter than the busy-poll time is kept, and 0 switches busy polling off', async () => {
  const [, b] = pair
  expect(b.busyPoll(1_000_000)).toBe(b)
  expect((await failure(b.recv(1, { timeout: 5 }))).code).toBe('ERR_SOCKET_TIMEOUT')
  b.busyPoll(0)
  const waiting = failure(b.recv(1))
  b.close()
  expect((await waiting).code).toBe('ECANCELED')
})

test.each([-1, 1.5, NaN, 2e6])('busyPoll(%p) fails with ERR_OUT_OF_RANGE', value => {
  expect(thrown(() => pair[0].busyPoll(value)).code).toBe('ERR_OUT_OF_RANGE')
})
