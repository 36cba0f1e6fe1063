import { AF_UNIX, constants, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM } from '../../lib'
import { Socket } from '../../lib/sync'
import { thrown } from '../helpers/errors'
import { pattern } from '../helpers/pairs'
import { spawn } from 'node:child_process'

const bytes = (text: string): Buffer => Buffer.from(text)

for (const [name, type] of [
  ['stream', SOCK_STREAM],
  ['seqpacket', SOCK_SEQPACKET],
  ['dgram', SOCK_DGRAM],
] as const) {
  test(`${name}: a read returns the data that is there, and otherwise times out`, () => {
    const [a, b] = Socket.pair(AF_UNIX, type)
    expect(a.send(bytes('hello'))).toBe(5)
    b.readable()
    expect(String(b.recv(10, constants.MSG_PEEK))).toBe('hello')
    const into = new Float64Array(1)
    expect(b.recvInto(into)).toBe(5)
    const began = performance.now()
    expect(thrown(() => b.recv(1, { timeout: 30 }))).toMatchObject({
      code: 'ERR_SOCKET_TIMEOUT',
      name: 'TimeoutError',
    })
    expect(performance.now() - began).toBeGreaterThan(25)
    expect(thrown(() => b.recv(1, { timeout: 0 })).code).toBe('EAGAIN')
    b.timeout = 0
    expect(thrown(() => b.recvfrom(1)).code).toBe('EAGAIN')
    expect(b.tryRecv(1)).toBeNull()
    a.close()
    if (type !== SOCK_DGRAM) expect(b.recv(1)).toHaveLength(0)
    b.close()
    expect(thrown(() => b.recv(1)).code).toBe('EBADF')
    expect(thrown(() => b.send(bytes('x'))).code).toBe('EBADF')
  })
}

test('sendAll that times out because the peer does not read reports in bytesSent how much was sent', () => {
  const [a, b] = Socket.pair()
  const error = thrown(() => a.sendAll(Buffer.alloc(1 << 24), { timeout: 20 }))
  expect(error.code).toBe('ERR_SOCKET_TIMEOUT')
  let got = 0
  for (let part = b.tryRecv(1 << 20); part !== null; part = b.tryRecv(1 << 20)) got += part.length
  expect(got).toBe(error.bytesSent)
  a.close()
  b.close()
})

test('one thread can connect and accept, a wait for another connection times out, and connectEx returns the errno of a refusal', () => {
  const listener = new Socket().bind(['127.0.0.1', 0]).listen()
  const address = listener.getsockname()
  const client = new Socket()
  client.connect(address)
  const peer = listener.accept()
  expect(String(peer.remoteAddress)).toBe(String(client.localAddress))
  expect(thrown(() => listener.accept({ timeout: 10 })).code).toBe('ERR_SOCKET_TIMEOUT')
  listener.close()
  const late = new Socket()
  expect(late.connectEx(address)).toBe(111)
  for (const socket of [client, peer, late]) socket.close()
})

test('sendAll and recv exchange 100,000 bytes with a process that echoes', () => {
  const [a, b] = Socket.pair()
  spawn('cat', [], { stdio: [b.fd, b.fd, 'ignore'] })
  b.close()
  const large = pattern(100_000)
  const got: Buffer[] = []
  a.sendAll(large)
  for (let length = 0; length < large.length;) {
    got.push(a.recv(65536, { timeout: 5000 }))
    length += got.at(-1)!.length
  }
  expect(Buffer.concat(got).equals(large)).toBe(true)
  a.close()
})
