import * as lib from '../../lib'
import {
  AF_INET,
  AF_UNIX,
  MessageBatch,
  Socket,
  SOCK_DGRAM,
  getaddrinfo,
  poll,
  relay,
  serve,
} from '../../lib'
import * as blocking from '../../lib/sync'
import { failure, thrown, type Failure } from '../helpers/errors'
import { flavours } from '../helpers/flavours'

// A misspelled option must not be ignored: a wait with a deadline would become a wait without one.
type Call = (socket: never, op: object) => unknown
type Calls = Record<string, Call>

const bytes = Buffer.alloc(1)
const batch = new MessageBatch({ count: 1, size: 1 })

const operations = (): Record<string, (socket: Socket & blocking.Socket, op: never) => unknown> => ({
  connect: (socket, op) => socket.connect(['127.0.0.1', 1], op),
  connectEx: (socket, op) => socket.connectEx(['127.0.0.1', 1], op),
  accept: (socket, op) => socket.accept(op),
  recv: (socket, op) => socket.recv(1, op),
  recvInto: (socket, op) => socket.recvInto(bytes, op),
  recvfrom: (socket, op) => socket.recvfrom(1, op),
  recvfromInto: (socket, op) => socket.recvfromInto(bytes, op),
  recvmsg: (socket, op) => socket.recvmsg(1, op),
  recvmmsg: (socket, op) => socket.recvmmsg(batch, op),
  recvFds: (socket, op) => socket.recvFds(1, 1, op),
  send: (socket, op) => socket.send(bytes, op),
  sendAll: (socket, op) => socket.sendAll(bytes, op),
  sendto: (socket, op) => socket.sendto(bytes, ['127.0.0.1', 1], op),
  sendmsg: (socket, op) => socket.sendmsg({ data: bytes }, op),
  sendmmsg: (socket, op) => socket.sendmmsg(batch, op),
  sendFds: (socket, op) => socket.sendFds(bytes, [0], op),
  sendfile: (socket, op) => socket.sendfile(0, op),
  sendZeroCopy: (socket, op) => socket.sendZeroCopy(bytes, op),
  splice: (socket, op) => socket.splice(0, op),
  receiveErrors: (socket, op) => socket.receiveErrors(op),
  readable: (socket, op) => socket.readable(op),
  writable: (socket, op) => socket.writable(op),
  trySplice: (socket, op) => socket.trySplice(0, op),
  trySendfile: (socket, op) => socket.trySendfile(0, op),
  tryRecvmsg: (socket, op) => socket.tryRecvmsg(1, op),
  chunks: (socket, op) => socket.chunks(op),
  messages: (socket, op) => socket.messages(op),
  connections: (socket, op) => socket.connections(op),
  errors: (socket, op) => socket.errors(op),
  joinGroup: (socket, op) => socket.joinGroup('239.1.2.3', op),
})
const names = Object.keys(operations())
const refused = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }

const outcomeOf = (call: () => unknown): Promise<Failure> => failure((async () => call())())

test.each(names)('%s rejects an unknown option by its name', async name => {
  for (const [, Class] of flavours) {
    const socket = new Class(AF_INET, SOCK_DGRAM)
    const call = (operations() as unknown as Calls)[name]!
    const error = await outcomeOf(() => call(socket as never, { timeOut: 5 }))
    expect(error).toMatchObject(refused)
    expect(error.message).toContain('timeOut')
    socket.close()
  }
})

test('functions that are no methods reject an unknown option by its name', async () => {
  const socket = new Socket(AF_INET, SOCK_DGRAM)
  const op = { timeOut: 5 } as never
  for (const call of [
    () => getaddrinfo('127.0.0.1', 80, op),
    () => lib.getfqdn('localhost', op),
    () => blocking.getaddrinfo('127.0.0.1', 80, op),
    () => poll([], op),
    () => relay(socket, socket, op),
    () => serve(socket, () => undefined, op),
    () => lib.openPacket({ interface: 'lo', ...(op as object) }),
  ]) {
    const error = await outcomeOf(call)
    expect(error).toMatchObject(refused)
    expect(error.message).toContain('timeOut')
  }
  socket.close()
})

test('a property of Object.prototype is not taken as an option, and a class instance is accepted as options', async () => {
  const [a, b] = Socket.pair()
  await a.send(bytes)
  const prototype = Object.prototype as { pollution?: number }
  prototype.pollution = 1
  try {
    expect(await b.recv(1, { timeout: 1000 })).toHaveLength(1)
  } finally {
    delete prototype.pollution
  }
  class Options {
    timeout = 0
  }
  expect((await failure(b.recv(1, new Options()))).code).toBe('EAGAIN')
  expect(thrown(() => b.tryRecvmsg(1, { fds: 'keep' } as never)).message).toContain('op.fds')
  a.close()
  b.close()
})

test('a signal passed instead of the options object is rejected', async () => {
  const { signal } = new AbortController()
  for (const [, Class] of flavours) {
    const socket = new Class(AF_INET, SOCK_DGRAM)
    for (const name of ['connect', 'recv', 'recvmsg', 'send', 'sendto', 'readable']) {
      const call = (operations() as unknown as Calls)[name]!
      const error = await outcomeOf(() => call(socket as never, signal))
      expect(error).toMatchObject(refused)
      expect(error.message).toContain('{ signal }')
    }
    socket.close()
  }
})

test('a message, a batch and a new socket reject unknown options', () => {
  const socket = new Socket(AF_INET, SOCK_DGRAM)
  const calls: (() => unknown)[] = [
    () => socket.trySendmsg({ data: bytes, adress: ['127.0.0.1', 1] } as never),
    () => new MessageBatch({ count: 1, size: 1, contrlSize: 64 } as never),
    () => new Socket(AF_INET, SOCK_DGRAM, 0, { netsn: 'blue' } as never),
    () => new blocking.Socket(AF_INET, SOCK_DGRAM, 0, { netsn: 'blue' } as never),
  ]
  const unknown = ['message.adress', 'options.contrlSize', 'options.netsn', 'options.netsn']
  for (const [i, call] of calls.entries()) {
    const error = thrown(call)
    expect(error).toMatchObject(refused)
    expect(error.message).toContain(unknown[i])
  }
  socket.close()
})

test('segmentSize on a socket that is not UDP fails with ENOPROTOOPT', () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
  const error = thrown(() => a.trySendmsg({ data: Buffer.alloc(10), segmentSize: 3 }))
  expect(error).toMatchObject({ code: 'ENOPROTOOPT', syscall: 'sendmsg' })
  expect(error.message).toContain('segmentSize is for UDP')
  a.close()
  b.close()
})
