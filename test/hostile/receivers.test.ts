/*
 * A stream, a dgram socket, `onMessage` or a server receives on a socket. Anything else that would also receive, or take
 * the descriptor away, throws EBUSY and loses nothing.
 */
import { once } from 'node:events'
import { AF_INET, AF_UNIX, serve, Socket, SOCK_DGRAM, SOCK_STREAM, type Datagram } from '../../lib'
import { failure, thrown } from '../helpers/errors'
import { turn } from '../helpers/pairs'

type Pair = [Socket, Socket]
const datagrams = (): Pair => Socket.pair(AF_UNIX as number, SOCK_DGRAM)
const stream = (): Pair => Socket.pair(AF_UNIX as number, SOCK_STREAM)
const udp = (): Pair => {
  const make = (): Socket => new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0] as never)
  return [make(), make()]
}
const handler = (_: Datagram): void => undefined

const receivers: [string, () => Pair, (socket: Socket) => unknown][] = [
  ['toDuplex', stream, socket => socket.toDuplex().on('error', () => undefined)],
  ['toWeb', stream, socket => socket.toWeb()],
  ['toDgram', datagrams, socket => socket.toDgram()],
  ['toDgram of a socket that is not bound', () => [new Socket(AF_INET, SOCK_DGRAM), new Socket(AF_INET, SOCK_DGRAM)], socket => socket.toDgram()],
  ['onMessage', datagrams, socket => socket.onMessage(() => undefined)],
  ['onMessage while it is paused', datagrams, socket => socket.onMessage(() => undefined).pause()],
  ['serve', datagrams, socket => serve(socket, handler)],
  ['serve with maxConnections', udp, socket => serve(socket, () => new Promise(() => undefined), { maxConnections: 1 })],
] // prettier-ignore

const takers: [string, (socket: Socket) => unknown][] = [
  ['recv', socket => failure(socket.recv(1))],
  ['recvmsg', socket => failure(socket.recvmsg(1))],
  ['tryRecv', socket => thrown(() => socket.tryRecv(1))],
  ['messages', socket => failure(Promise.resolve().then(() => socket.messages().next()))],
  ['detach', socket => thrown(() => socket.detach())],
  ['toDuplex', socket => thrown(() => socket.toDuplex())],
  ['toWeb', socket => thrown(() => socket.toWeb())],
]
const ofStreams: typeof takers = [['toNetSocket', socket => thrown(() => socket.toNetSocket())]]
const ofDatagrams: typeof takers = [
  ['toDgram', socket => thrown(() => socket.toDgram())],
  ['onMessage', socket => thrown(() => socket.onMessage(() => undefined))],
  ['serve', socket => thrown(() => serve(socket, handler))],
]

describe.each(receivers)('%s', (_name, make, receive) => {
  test('every other way to receive is EBUSY', async () => {
    const [socket, peer] = make()
    receive(socket)
    const both = socket.type === SOCK_STREAM ? ofStreams : ofDatagrams
    for (const [taker, take] of [...takers, ...both]) {
      const error = (await take(socket)) as { code: string }
      expect([taker, error.code]).toEqual([taker, 'EBUSY'])
    }
    expect(socket.closed).toBe(false)
    for (const each of [socket, peer]) each.close()
    await turn()
  })
})

test('a stream that holds data keeps the descriptor', async () => {
  const [a, b] = stream()
  const duplex = a.toDuplex()
  await b.sendAll(Buffer.from('kept'))
  await once(duplex, 'readable')
  expect(thrown(() => a.toNetSocket()).code).toBe('EBUSY')
  expect(thrown(() => a.detach()).code).toBe('EBUSY')
  expect(String(duplex.read())).toBe('kept')
  duplex.destroy()
  b.close()
})

test('after stop() the descriptor can be taken, with the datagrams that wait', async () => {
  const [a, b] = datagrams()
  a.onMessage(() => undefined).stop()
  await b.send(Buffer.from('x'))
  const taken = Socket.adopt(a.detach())
  expect(String(await taken.recv(9))).toBe('x')
  for (const each of [taken, b]) each.close()
})

test('a call that fails claims nothing', async () => {
  const [a, b] = datagrams()
  expect(thrown(() => serve(a, handler, { maxConnections: -1 })).code).toBe('ERR_OUT_OF_RANGE')
  expect(thrown(() => a.toDgram({ lookup: 7 } as never)).code).toBe('ERR_INVALID_ARG_TYPE')
  expect(thrown(() => a.onMessage(7 as never)).code).toBe('ERR_INVALID_ARG_TYPE')
  await b.send(Buffer.from('x'))
  expect(String(await a.recv(9))).toBe('x')
  for (const each of [a, b]) each.close()
})

const values = [10n, Symbol('s'), 'x', -1, NaN, true, null, {}, [], () => 1, new Date()]
const fields = ['size', 'fds', 'onError', 'signal', 'unknown']

test.each(fields)('onMessage: a wrong value of %s is an error that names it', field => {
  const [a, b] = datagrams()
  for (const value of values) {
    if (field === 'onError' && typeof value === 'function') continue
    const error = thrown(() => a.onMessage(() => undefined, { [field]: value }))
    expect(error.code).toMatch(/^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE)$/)
    expect(error.message).toContain(field)
  }
  for (const each of [a, b]) each.close()
})

test.each(['listener', 'options'])('onMessage: a wrong %s is an error that names it', argument => {
  const [a, b] = datagrams()
  for (const value of values) {
    if (typeof value === (argument === 'listener' ? 'function' : 'object') && value !== null) continue
    const call = (): unknown =>
      argument === 'listener' ? a.onMessage(value as never) : a.onMessage(() => undefined, value as never)
    const error = thrown(call)
    expect([error.code, error.message]).toEqual(['ERR_INVALID_ARG_TYPE', expect.stringContaining(argument)])
  }
  for (const each of [a, b]) each.close()
})

describe('code of the caller that runs in the middle', () => {
  const again: [string, (socket: Socket, options: object) => unknown][] = [
    ['onMessage', (socket, options) => socket.onMessage(() => undefined, options)],
    ['toDgram', (socket, options) => socket.toDgram(options)],
  ]
  test.each(again)('a getter of the options that calls %s again gets EBUSY', (_name, call) => {
    const [a, b] = datagrams()
    let inner: string | undefined
    const options = Object.defineProperty({}, 'signal', {
      enumerable: true,
      get: () => void (inner ??= thrown(() => call(a, {})).code),
    })
    call(a, options)
    expect(inner).toBe('EBUSY')
    for (const each of [a, b]) each.close()
  })

  test('a getter of the options that closes the socket: EBADF, and nothing is claimed', () => {
    const [a, b] = datagrams()
    const options = Object.defineProperty({}, 'size', { enumerable: true, get: () => a.close() })
    expect(thrown(() => a.onMessage(() => undefined, options)).code).toBe('EBADF')
    b.close()
  })

  test('a listener may stop the reception, start another one, and close the socket', async () => {
    const [a, b] = datagrams()
    for (const text of ['1', '2', '3', '4']) await b.send(Buffer.from(text))
    const got: string[] = []
    await new Promise<void>(resolve => {
      const first = a.onMessage(({ data }) => {
        got.push(`first ${String(data)}`)
        first.stop()
        a.onMessage(message => {
          got.push(`second ${String(message.data)}`)
          if (got.length < 3) return
          a.close()
          resolve()
        })
      })
    })
    for (let i = 0; i < 3; i++) await turn()
    expect(got).toEqual(['first 1', 'second 2', 'second 3'])
    b.close()
  })

  test("a 'message' listener of a dgram socket may close it and make another receive nothing", async () => {
    const [a, b] = datagrams()
    for (const text of ['1', '2']) await b.send(Buffer.from(text))
    const got: string[] = []
    const socket = a.toDgram()
    socket.on('message', data => {
      got.push(String(data))
      socket.close()
    })
    await new Promise<void>(resolve => void socket.once('close', resolve))
    for (let i = 0; i < 3; i++) await turn()
    expect([got, a.closed]).toEqual([['1'], true])
    b.close()
  })
})

test('reply is the same function each time', async () => {
  const [a, b] = udp()
  const seen = new Promise<boolean>(resolve => {
    const server = serve(a, (datagram: Datagram) => {
      const { reply } = datagram
      resolve(reply === datagram.reply)
      void server.close()
    })
  })
  await b.sendto(Buffer.from('x'), a.getsockname())
  expect(await seen).toBe(true)
  b.close()
  await turn()
})
