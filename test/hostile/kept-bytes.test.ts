/*
 * A reader, a loop with a batch, and `unread` leave bytes of a stream in the socket. Every later receive must return
 * them in order, and lose none.
 */
import { AF_INET, MSG_PEEK, MSG_WAITALL, Socket } from '../../lib'
import { Socket as Blocking } from '../../lib/sync'

const bytes = (text: string): Buffer => Buffer.from(text)

async function connected(): Promise<[Socket, Socket]> {
  const listener = new Socket(AF_INET).bind(['127.0.0.1', 0]).listen()
  const client = new Socket(AF_INET)
  const [server] = await Promise.all([listener.accept(), client.connect(listener.getsockname())])
  listener.close()
  return [client, server]
}

test('a loop with a batch cuts the bytes that a reader has received, and drops none', async () => {
  const [socket, peer] = await connected()
  await peer.sendAll(bytes('head\nabcdefghijk'))
  peer.close()
  expect(await socket.reader().line()).toBe('head')
  const parts: [string, number, boolean][] = []
  for await (const { data, bytes: length, truncated } of socket.messages({
    batch: 2,
    size: 4,
    timeout: 5000,
  }))
    parts.push([String(data), length, truncated])
  expect(parts).toEqual([
    ['abcd', 4, false],
    ['efgh', 4, false],
    ['ijk', 3, false],
  ])
  socket.close()
})

test('a loop with a batch drops none of the bytes that a loop with larger messages has left', async () => {
  const [socket, peer] = await connected()
  await peer.sendAll(bytes('abcdefghij'))
  peer.close()
  const large = socket.messages({ batch: 4, size: 4, timeout: 5000 })
  await large.next()
  await large.return!()
  let rest = ''
  for await (const { data } of socket.messages({ batch: 4, size: 3, timeout: 5000 })) rest += String(data)
  expect(rest).toBe('efghij')
  socket.close()
})

test.each([
  ['recv', async (socket: Socket) => socket.recv(3, { flags: MSG_PEEK | MSG_WAITALL, timeout: 5000 })],
  ['recvmsg', async (socket: Socket) => (await socket.recvmsg(3, MSG_PEEK | MSG_WAITALL)).data],
  ['tryRecv', async (socket: Socket) => Promise.resolve(socket.tryRecv(3, MSG_PEEK | MSG_WAITALL))],
])('%s with MSG_PEEK | MSG_WAITALL looks at all bytes that were given back, in order', async (_, peek) => {
  const [socket, peer] = Socket.pair()
  await peer.sendAll(bytes('defg'))
  for (const part of ['c', 'b', 'a']) socket.reader().unread(bytes(part))
  expect(await peek(socket)).toEqual(bytes('abc'))
  expect(await socket.recv(7, MSG_WAITALL)).toEqual(bytes('abcdefg'))
  for (const each of [socket, peer]) each.close()
})

test('a blocking peek looks at bytes that were given back, and at those behind them', () => {
  const [socket, peer] = Blocking.pair()
  peer.sendAll(bytes('cd'))
  for (const part of ['b', 'a']) socket.reader().unread(bytes(part))
  expect(socket.recv(4, { flags: MSG_PEEK | MSG_WAITALL, timeout: 5000 })).toEqual(bytes('abcd'))
  for (const each of [socket, peer]) each.close()
})
