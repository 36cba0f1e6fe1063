import { AF_INET, constants, MSG_DONTWAIT, options, Socket, SOL_SOCKET } from '../../lib'
import * as raw from '../../lib/raw'
import * as sync from '../../lib/sync'
import { outcome, thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { turn } from '../helpers/pairs'

const timeval = Buffer.from(BigInt64Array.of(1n, 0n).buffer)
const names = ['SO_RCVTIMEO', 'SO_SNDTIMEO', 'SO_RCVTIMEO_NEW', 'SO_SNDTIMEO_NEW'] as const

for (const [flavour, Flavour] of [
  ['bsd-sockets', Socket],
  ['bsd-sockets/sync', sync.Socket as unknown as typeof Socket],
] as const) {
  for (const name of names) {
    testIf(missing.linux(), `${flavour}: ${name} is refused, and the error says what to use`, () => {
      const socket = new Flavour(AF_INET)
      for (const set of [
        () => socket.set(options[name], 1000),
        () => socket.setsockopt(SOL_SOCKET, constants[name]!, timeval),
      ]) {
        const error = thrown(set)
        expect(error).toMatchObject({ code: 'EPERM', syscall: 'setsockopt' })
        expect(error.message).toMatch(new RegExp(`${name} \\(bsd-sockets refuses this.*socket\\.timeout`))
      }
      expect(socket.get(options[name])).toBe(0)
      expect(raw.setsockopt(socket.fd, SOL_SOCKET, constants[name]!, timeval)).toBe(0)
      expect(socket.get(options[name])).toBe(1000)
      socket.close()
      expect(thrown(() => socket.setsockopt(SOL_SOCKET, constants[name]!, timeval)).code).toBe('EBADF')
    })
  }
}

testIf(missing.linux(), 'SO_RCVLOWAT: a receive on TCP waits for that many bytes, or the end', async () => {
  const listener = new Socket(AF_INET).set(options.SO_RCVLOWAT, 10).bind(['127.0.0.1', 0]).listen()
  const client = new Socket(AF_INET)
  const [server] = await Promise.all([listener.accept(), client.connect(listener.getsockname())])
  await client.send(Buffer.from('abcd'))
  for (const receive of [
    () => server.recv(100, { timeout: 5 }),
    () => server.recvInto(Buffer.alloc(100), { timeout: 5 }),
    () => server.recvmsg(100, { timeout: 5 }),
  ])
    expect(await outcome(receive())).toBe('ERR_SOCKET_TIMEOUT')
  expect(server.tryRecv(100)).toBeNull()
  const waiting = server.recv(100)
  await turn()
  await client.send(Buffer.from('efghij'))
  expect(String(await waiting)).toBe('abcdefghij')
  await client.send(Buffer.from('k'))
  expect(String(await server.recv(100, MSG_DONTWAIT))).toBe('k')
  const last = server.recv(100)
  await client.send(Buffer.from('z'))
  client.close()
  expect(String(await last)).toBe('z')
  server.set(options.SO_RCVLOWAT, 1)
  for (const each of [server, listener]) each.close()
})
