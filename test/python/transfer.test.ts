import {
  AF_INET,
  AF_UNIX,
  SOCK_DGRAM,
  Socket as PromiseSocket,
  constants,
  MSG_CTRUNC,
  MSG_PEEK,
  MSG_TRUNC,
  MessageBatch,
  SHUT_WR,
} from '../../lib'
import { Socket as SyncSocket } from '../../lib/sync'
import * as raw from '../../lib/raw'
import { outcome, thrown, failure } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { runPython } from '../helpers/child'

/*
 * Cases that CPython's socket module handles and a thin binding easily misses, and faults that CPython's module has. A
 * test for such a fault names its row in docs/python-parity.md. If Python can show the fault at once, the test also
 * runs Python: when Python repairs it, the test fails and the page can be updated.
 */
const python = missing.linux() ?? missing.python()
const bytes = (text: string): Buffer => Buffer.from(text)
const code = (call: () => unknown): Promise<string> => outcome((async () => call())())

// `await` also takes the plain results of the blocking Socket.
describe.each([
  ['bsd-sockets', PromiseSocket],
  ['bsd-sockets/sync', SyncSocket as unknown as typeof PromiseSocket],
] as const)('%s', (_, Socket) => {
  test('a receive rejects an invalid size, and a receive of size 0 takes a datagram', async () => {
    const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
    for (const size of [-1, 1.5, NaN]) expect(await code(() => b.recv(size))).toBe('ERR_OUT_OF_RANGE')
    await a.send(bytes('gone'))
    await a.send(bytes('next'))
    expect((await b.recvfrom(0)).data).toHaveLength(0) // it is a call, and takes the datagram
    expect(String(await b.recv(10))).toBe('next')
    a.close()
    b.close()
  })
})

// D1 in docs/python-parity.md.
testIf(python, 'MSG_TRUNC returns only bytes that were received', async () => {
  const script = `
import socket
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
a.send(b'0123456789')
print(len(b.recv(4, socket.MSG_TRUNC)))`
  expect(await runPython(script)).toBe('10\n')
  const [a, b] = PromiseSocket.pair(AF_UNIX, SOCK_DGRAM)
  for (let i = 0; i < 3; i++) await a.send(bytes('0123456789'))
  expect(String(await b.recv(4, MSG_TRUNC))).toBe('0123')
  expect(await b.recvInto(Buffer.alloc(4), MSG_TRUNC)).toBe(10) // the length is a result of its own
  expect(await b.recvmsg(4)).toMatchObject({ bytes: 4, truncated: true })
  a.close()
  b.close()
})

// D3 in docs/python-parity.md.
test('recvFds and sendFds pass their flags to the kernel', async () => {
  const [a, b] = PromiseSocket.pair()
  await a.sendFds(bytes('xy'), [a])
  const peeked = await b.recvFds(1, 1, MSG_PEEK)
  const taken = await b.recvFds(2, 1)
  expect([String(peeked.data), String(taken.data)]).toEqual(['x', 'xy'])
  for (const fd of [...peeked.fds, ...taken.fds]) fd.close()
  const full = await failure(
    (async () => {
      for (;;) await a.sendFds(bytes('x'), [a], { flags: constants.MSG_DONTWAIT, timeout: 0 })
    })(),
  )
  expect(['EAGAIN', 'ETOOMANYREFS']).toContain(full.code)
  a.close()
  b.close()
})

// D4 in docs/python-parity.md.
test('received descriptors are close-on-exec', async () => {
  const [a, b] = PromiseSocket.pair()
  await a.sendFds(bytes('x'), [0])
  const { fds } = await b.recvFds(1, 1)
  expect(raw.fcntl(fds[0]!.fd, constants.F_GETFD!) & constants.FD_CLOEXEC!).toBe(constants.FD_CLOEXEC)
  fds[0]!.close()
  a.close()
  b.close()
})

// D12 in docs/python-parity.md.
testIf(
  missing.linux(),
  'sendmmsg and recvmmsg transfer batches, and connect to AF_UNSPEC dissolves the association',
  async () => {
    const receiver = new PromiseSocket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
    const socket = new PromiseSocket(AF_INET, SOCK_DGRAM)
    await socket.connect(receiver.getsockname())
    const batch = new MessageBatch({ count: 4, size: 100 })
    for (const [i, word] of ['one', 'two'].entries()) batch.set(i, bytes(word))
    expect(await socket.sendmmsg(batch)).toBe(2)
    const received = new MessageBatch({ count: 4, size: 100 })
    for (let got = 0; got < 2;) got += await receiver.recvmmsg(received)
    await socket.connect({ family: constants.AF_UNSPEC!, data: Buffer.alloc(14) })
    expect(thrown(() => socket.getpeername()).code).toBe('ENOTCONN')
    socket.close()
    receiver.close()
  },
)

// D13 in docs/python-parity.md.
test('the error of sendAll has the number of bytes sent', async () => {
  const [a, b] = PromiseSocket.pair()
  const error = await failure(a.sendAll(Buffer.alloc(1 << 24), { timeout: 1 }))
  expect(error.code).toBe('ERR_SOCKET_TIMEOUT')
  a.shutdown(SHUT_WR)
  let got = 0
  for await (const chunk of b.chunks()) got += chunk.length
  expect(error.bytesSent).toBe(got)
  a.close()
  b.close()
})

// D16 in docs/python-parity.md.
test('trySendfile sends a file on a socket with timeout 0, and a corked Duplex sends gathered parts in full', async () => {
  const [a, b] = PromiseSocket.pair()
  a.timeout = 0
  const file = openSync('package.json', 'r')
  const sent = a.trySendfile(file)
  expect(sent).toBeGreaterThan(0)
  expect(await b.recv(1 << 20)).toHaveLength(sent!)
  closeSync(file)
  const parts = [Buffer.alloc(400_000, 'a'), Buffer.alloc(400_000, 'b')]
  a.timeout = null
  const duplex = a.toDuplex()
  duplex.cork()
  for (const part of parts) duplex.write(part)
  duplex.end()
  const received: Buffer[] = []
  for await (const chunk of b.chunks()) received.push(chunk)
  expect(Buffer.concat(received).equals(Buffer.concat(parts))).toBe(true)
  b.close()
  duplex.destroy()
  await new Promise(resolve => duplex.once('close', resolve))
})

// D17 in docs/python-parity.md.
test('recvmsg reserves space for control messages by default', async () => {
  const [a, b] = PromiseSocket.pair()
  await a.sendFds(bytes('x'), [0])
  const message = await b.recvmsg(10, { fds: 'receive' })
  expect([message.flags & MSG_CTRUNC, message.meta.fds!.length]).toEqual([0, 1])
  message.meta.fds![0]!.close()
  a.close()
  b.close()
})

// D18 in docs/python-parity.md.
testIf(missing.linux(), 'sendfile works on every socket type that the kernel supports', async () => {
  const file = openSync('package.json', 'r')
  const [a, b] = PromiseSocket.pair(AF_UNIX, SOCK_DGRAM)
  expect(await a.sendfile(file, { length: 100 })).toBe(100)
  expect(await b.recv(1000)).toHaveLength(100)
  const nowhere = new PromiseSocket(AF_INET, SOCK_DGRAM)
  expect((await failure(nowhere.sendfile(file, { length: 100 }))).code).toBe('EDESTADDRREQ')
  closeSync(file)
  for (const socket of [a, b, nowhere]) socket.close()
})

// D19 in docs/python-parity.md.
testIf(python, 'sendfile sends a file that reports size 0', async () => {
  const script = `
import socket
a, b = socket.socketpair()
print(a.sendfile(open('/proc/self/status', 'rb')))`
  expect(await runPython(script)).toBe('0\n')
  const [a, b] = PromiseSocket.pair()
  const limits = openSync('/proc/self/limits', 'r') // the kernel cannot splice from it
  const size = await a.sendfile(limits)
  expect(await b.recv(65536)).toEqual(readFileSync('/proc/self/limits'))
  expect(size).toBe(readFileSync('/proc/self/limits').length)
  closeSync(limits)
  const zeros = openSync('/dev/zero', 'r')
  expect(await a.sendfile(zeros, { length: 1000 })).toBe(1000)
  closeSync(zeros)
  expect(await b.recv(5000)).toHaveLength(1000)
  a.close()
  b.close()
})
