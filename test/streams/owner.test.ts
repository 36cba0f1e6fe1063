import { AF_INET, AF_UNIX, MessageBatch, MSG_PEEK, SOCK_DGRAM, Socket } from '../../lib'
import { outcome, thrown } from '../helpers/errors'

/*
 * A socket has one receiver. A second one would get a part of the data, and neither would see the gap.
 */
const next = <T>(values: AsyncIterable<T>): Promise<unknown> => values[Symbol.asyncIterator]().next()

const batch = (): MessageBatch => new MessageBatch({ count: 2, size: 10 })

/** Every way to receive on a socket, by name. */
const receives: Record<string, (socket: Socket) => Promise<unknown>> = {
  recv: socket => socket.recv(1),
  recvInto: socket => socket.recvInto(Buffer.alloc(1)),
  recvfrom: socket => socket.recvfrom(1),
  recvfromInto: socket => socket.recvfromInto(Buffer.alloc(1)),
  recvmsg: socket => socket.recvmsg(1),
  recvFds: socket => socket.recvFds(1, 1),
  recvmmsg: socket => socket.recvmmsg(batch()),
  chunks: async socket => next(socket.chunks()),
  messages: async socket => next(socket.messages()),
}
const tries: Record<string, (socket: Socket) => unknown> = {
  tryRecv: socket => socket.tryRecv(1),
  tryRecvInto: socket => socket.tryRecvInto(Buffer.alloc(1)),
  tryRecvfrom: socket => socket.tryRecvfrom(1),
  tryRecvfromInto: socket => socket.tryRecvfromInto(Buffer.alloc(1)),
  tryRecvmsg: socket => socket.tryRecvmsg(1),
  tryRecvFds: socket => socket.tryRecvFds(1, 1),
  tryRecvmmsg: socket => socket.tryRecvmmsg(batch()),
  toDuplex: socket => socket.toDuplex(),
  toWeb: socket => socket.toWeb(),
}
const ofStreams: typeof receives = {
  reader: socket => socket.reader().line(),
  'iteration of a reader': async socket => next(socket.reader()),
  splice: socket => socket.splice(1),
}
const ofDatagrams: typeof tries = {
  onMessage: socket => socket.onMessage(() => undefined),
  toDgram: socket => socket.toDgram(),
}

describe.each(['toDuplex', 'toWeb', 'toDgram'] as const)('after %s', call => {
  const isDatagram = call === 'toDgram'
  let [peer, socket] = [] as unknown as [Socket, Socket]
  let made: { readable?: AsyncIterable<Uint8Array>; close?: () => void }
  const received: string[] = []
  beforeAll(() => {
    ;[peer, socket] = isDatagram ? Socket.pair(AF_UNIX, SOCK_DGRAM) : Socket.pair()
    if (call === 'toDgram') made = socket.toDgram().on('message', data => received.push(String(data)))
    else if (call === 'toWeb') made = socket.toWeb()
    else made = { readable: socket.toDuplex() }
  })
  afterAll(() => {
    for (const each of [peer, socket]) each.close()
  })

  test.each(Object.entries({ ...receives, ...(isDatagram ? {} : ofStreams) }))(
    '%s rejects with EBUSY',
    async (_, receive) => expect(await outcome(receive(socket))).toBe('EBUSY'),
  )

  test.each(Object.entries({ ...tries, ...(isDatagram ? ofDatagrams : {}) }))(
    '%s throws EBUSY, which names the call',
    (_, receive) => {
      const error = thrown(() => receive(socket))
      expect(error).toMatchObject({ code: 'EBUSY' })
      expect(error.message).toContain(`${call}()`)
    },
  )

  test('what was made receives everything, and a closed socket is closed', async () => {
    for (const text of ['one', 'two']) await peer.send(Buffer.from(text))
    if (isDatagram) while (received.length < 2) await new Promise(resolve => setImmediate(resolve))
    else {
      peer.close()
      for await (const chunk of made.readable!) received.push(Buffer.from(chunk).toString())
    }
    expect(received.join('')).toBe('onetwo')
    socket.close()
    expect(await outcome(socket.recv(1))).toBe('EBADF')
  })
})

test('a loop that began before ends with EBUSY, and a receive that waits gets the first data', async () => {
  const [peer, socket] = Socket.pair()
  const chunks = socket.chunks()
  const first = chunks.next()
  const duplex = socket.toDuplex()
  await peer.sendAll(Buffer.from('first'))
  expect(String((await first).value)).toBe('first')
  expect(await outcome(chunks.next())).toBe('EBUSY')
  await peer.sendAll(Buffer.from('second'))
  expect(String(((await next(duplex)) as { value: Buffer }).value)).toBe('second')
  peer.close()
  duplex.destroy()
})

test('MSG_PEEK takes nothing, so it is possible beside a stream', async () => {
  const [peer, socket] = Socket.pair()
  const { readable } = socket.toWeb()
  await peer.send(Buffer.from('x'))
  expect(String(await socket.recv(1, MSG_PEEK))).toBe('x')
  expect(Buffer.from((await readable.getReader().read()).value!).toString()).toBe('x')
  for (const each of [peer, socket]) each.close()
})

test('a call that fails leaves the socket free', async () => {
  using stream = new Socket()
  using datagrams = new Socket(AF_INET, SOCK_DGRAM)
  expect(thrown(() => datagrams.toDuplex()).code).toBe('ENOTCONN')
  expect(thrown(() => stream.toDgram()).code).toBe('EOPNOTSUPP')
  expect(thrown(() => datagrams.onMessage(5 as never)).code).toBe('ERR_INVALID_ARG_TYPE')
  datagrams.bind(['127.0.0.1', 0])
  expect(datagrams.tryRecv(1)).toBeNull()
})
