import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  INADDR_ANY,
  SHUT_RDWR,
  SOCK_DGRAM,
  SOCK_STREAM,
  Socket as PromiseSocket,
  constants,
  options,
} from '../../lib'
import { Socket as SyncSocket } from '../../lib/sync'
import * as raw from '../../lib/raw'
import { runNode } from '../helpers/child'
import { outcome, thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'

/*
 * What CPython's sockets get right and a thin binding easily misses, in both flavours. `await` takes the
 * plain results of the blocking one as well. What is not here is in test/conformance/ (timeouts, close, accept,
 * queues), test/messages/ (descriptors, control messages), test/poll/ and test/names/.
 */
const bytes = (text: string): Buffer => Buffer.from(text)
const code = (call: () => unknown): Promise<string> => outcome((async () => call())())
const linux = missing.linux()

describe.each([
  ['bsd-sockets', PromiseSocket],
  ['bsd-sockets/sync', SyncSocket as unknown as typeof PromiseSocket],
] as const)('%s', (_, Socket) => {
  test('E-05, E-06: close is idempotent, and afterwards everything is EBADF', async () => {
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

  testIf(linux, 'E-17, E-18: an accepted socket has what it needs, and nobody inherits it', async () => {
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

  test('E-22: an option as a number and as bytes, trimmed to what came', () => {
    const socket = new Socket(AF_INET)
    const { SOL_SOCKET, SO_TYPE } = constants
    expect(socket.getsockopt(SOL_SOCKET!, SO_TYPE!)).toBe(SOCK_STREAM)
    expect(socket.getsockopt(SOL_SOCKET!, SO_TYPE!, 64)).toHaveLength(4)
    expect(socket.getsockopt(SOL_SOCKET!, SO_TYPE!, 2)).toHaveLength(2)
    socket.close()
  })

  test('E-24: sizes', async () => {
    const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
    for (const size of [-1, 1.5, NaN]) expect(await code(() => b.recv(size))).toBe('ERR_OUT_OF_RANGE')
    await a.send(bytes('gone'))
    await a.send(bytes('next'))
    expect((await b.recvfrom(0)).data).toHaveLength(0) // it is a call, and takes the datagram
    expect(String(await b.recv(10))).toBe('next')
    a.close()
    b.close()
  })

  test('E-25: nobody who sent it is null', async () => {
    const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
    await a.send(bytes('x'))
    expect(await b.recvfrom(10)).toMatchObject({ address: null })
    const [c, d] = Socket.pair()
    await c.send(bytes('x'))
    expect(await d.recvfrom(10)).toMatchObject({ address: null })
    for (const socket of [a, b, c, d]) socket.close()
  })

  testIf(linux, 'E-32: abstract names end where they end', async () => {
    const name = `\0edge-${process.pid}`
    const [first, second, sender] = [name, `${name}\0`, ''].map(each =>
      new Socket(AF_UNIX, SOCK_DGRAM).bind(each),
    )
    await sender!.sendto(bytes('one'), name)
    await sender!.sendto(bytes('two'), `${name}\0`)
    expect(String(await first!.recv(10))).toBe('one')
    const { data, address } = await second!.recvfrom(10)
    expect([String(data), address!.kind]).toEqual(['two', 'abstract']) // E-32: '' has a name of the kernel's
    for (const socket of [first, second, sender]) socket!.close()
  })

  test('E-33: without a name it is unnamed', () => {
    const socket = new Socket(AF_UNIX)
    expect(socket.getsockname().kind).toBe('unnamed')
    expect(thrown(() => socket.getpeername()).code).toBe('ENOTCONN')
    socket.close()
  })

  test('E-34…36: wildcards, the other version of IP, ports', async () => {
    const socket = new Socket(AF_INET, SOCK_DGRAM)
    expect(await code(() => socket.bind(['::1', 0]))).toBe('ERR_INVALID_ADDRESS')
    for (const port of [-1, 65536, 1e9]) {
      expect(await code(() => socket.bind(['127.0.0.1', port]))).toBe('ERR_OUT_OF_RANGE')
    }
    expect(socket.bind(['', 0]).getsockname()).toMatchObject({ address: '0.0.0.0' })
    expect(INADDR_ANY).toBe(0)
    socket.close()
    if (missing.socket(AF_INET6, SOCK_DGRAM) !== null) return
    const six = new Socket(AF_INET6, SOCK_DGRAM).bind(['', 0])
    expect(six.getsockname()).toMatchObject({ address: '::' })
    six.close()
  })

  test('E-42: a peer that is gone is EPIPE, and no signal ends the process', async () => {
    const [a, b] = Socket.pair()
    b.close()
    expect(await code(() => a.send(bytes('x')))).toBe('EPIPE')
    a.close()
  })

  testIf(linux, 'E-55: pairs are AF_UNIX', async () => {
    const [a, b] = Socket.pair()
    expect([a.family, a.type]).toEqual([AF_UNIX, SOCK_STREAM])
    expect(await code(() => Socket.pair(AF_INET))).toBe('EOPNOTSUPP')
    a.close()
    b.close()
  })

  testIf(linux, 'E-21, E-56, E-58: a connect that does not wait', async () => {
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
  })

  testIf(linux, 'E-57: SO_REUSEADDR takes two', async () => {
    const first = new Socket(AF_INET).bind(['127.0.0.1', 0])
    const second = new Socket(AF_INET).set(options.SO_REUSEADDR, true)
    expect(await code(() => second.bind(first.getsockname()))).toBe('EADDRINUSE')
    first.set(options.SO_REUSEADDR, true)
    second.bind(first.getsockname())
    first.listen()
    expect(await code(() => second.listen())).toBe('EADDRINUSE')
    first.close()
    second.close()
  })

  testIf(linux, 'E-60: IP_MULTICAST_TTL as a byte and as an int', () => {
    const socket = new Socket(AF_INET, SOCK_DGRAM)
    const { IPPROTO_IP, IP_MULTICAST_TTL } = constants
    socket.setsockopt(IPPROTO_IP!, IP_MULTICAST_TTL!, Buffer.of(7))
    expect(socket.getsockopt(IPPROTO_IP!, IP_MULTICAST_TTL!)).toBe(7)
    socket.setsockopt(IPPROTO_IP!, IP_MULTICAST_TTL!, 9)
    expect([...socket.getsockopt(IPPROTO_IP!, IP_MULTICAST_TTL!, 1)]).toEqual([9])
    socket.close()
  })
})

// The blocking form waits in poll(2), which a signal interrupts.
testIf(linux, 'E-01, E-02: signals in the middle of a blocking call change nothing', async () => {
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

testIf(linux, 'E-08: shutdown wakes who waits for data or for a connection', async () => {
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
