import { openSync, closeSync } from 'node:fs'
import { FdHandle, Socket, AF_INET, SOCK_DGRAM } from '../../lib'
import { native } from '../../lib/binding/binding'
import { reactor } from '../../lib/reactor'
import { failure } from '../helpers/errors'

const bytes = (text: string): Buffer => Buffer.from(text)

test('a slot that is reused 3000 times never gets an id that means "none"', () => {
  for (let i = 0; i < 3000; i++) new Socket(AF_INET, SOCK_DGRAM).close()
  const file = openSync('/dev/null', 'r')
  for (let i = 0; i < 3000; i++) native.close(reactor.adoptDuplicate(file, 'dup'))
  for (let i = 0; i < 3000; i++) new FdHandle(native.dupFd(file)).close()
  closeSync(file)
})

test.each([
  ['AF_UNIX', () => Promise.resolve(Socket.pair())],
  [
    'TCP',
    async () => {
      const listener = new Socket().bind(['127.0.0.1', 0]).listen()
      const client = new Socket()
      const accepted = listener.accept()
      await client.connect(listener.getsockname())
      const server = await accepted
      listener.close()
      return [client, server] as [Socket, Socket]
    },
  ],
])('%s: a receive that completed while a send was deferred does not take later data', async (_name, make) => {
  const [a, b] = await make()
  const first = a.recv(100)
  // More sends than the budget, so that the channel is deferred, and data for the read that is armed.
  const sends = Array.from({ length: 80 }, () => a.send(bytes('x')))
  b.trySend(bytes('hello'))
  expect(String(await first)).toBe('hello')
  await Promise.all(sends)
  await b.send(bytes('not lost'))
  await new Promise(resolve => setImmediate(resolve))
  expect(String(await a.recv(100, { timeout: 2000 }))).toBe('not lost')
  a.close()
  b.close()
})

test.each([
  ['send', (socket: Socket) => socket.send(bytes('x'))],
  ['sendAll', (socket: Socket) => socket.sendAll(bytes('x'))],
  ['recvmsg', (socket: Socket) => socket.recvmsg(1)],
])('%s that fails repeatedly lets the event loop run other callbacks', async (name, operation) => {
  const [a, b] = name === 'recvmsg' ? [new Socket(), new Socket()] : Socket.pair() // not connected
  b.close()
  let failures = 0
  let turned = false
  setImmediate(() => (turned = true))
  while (!turned && failures < 10_000) {
    await failure(operation(a))
    failures++
  }
  expect([turned, failures > 1]).toEqual([true, true])
  a.close()
})
