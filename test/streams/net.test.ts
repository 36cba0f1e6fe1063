import { once } from 'node:events'
import net from 'node:net'
import { AF_INET, AF_UNIX, SOCK_DGRAM, SOCK_SEQPACKET, Socket } from '../../lib'
import { keep } from '../../lib/message/leftover'
import { failure, thrown } from '../helpers/errors'
import { kinds, pattern, receive, turn, using } from '../helpers/pairs'
import { testIf } from '../helpers/need'

for (const kind of kinds.filter(each => each.stream)) {
  testIf(kind.missing, `${kind.name}: toNetSocket continues the connection as a net.Socket`, () =>
    using(kind.make, async ({ a, b }) => {
      b.trySend(Buffer.from('early '))
      await a.readable() // the package watches the socket until toNetSocket
      const socket = a.toNetSocket()
      expect(socket).toBeInstanceOf(net.Socket)
      expect([a.closed, a.fd]).toEqual([true, -1])
      if (!kind.unix) expect(socket.remotePort).toBe((b.getsockname() as unknown as { port: number }).port)
      b.trySend(Buffer.from('late'))
      socket.setEncoding('utf8')
      let text = ''
      while (text !== 'early late') text += ((await once(socket, 'data')) as [string])[0]
      const data = pattern(500_000)
      socket.end(data)
      expect((await receive(b, data.length)).equals(data)).toBe(true)
      b.close()
      socket.resume()
      await once(socket, 'close')
    }),
  )
}

test('toNetSocket passes on bytes that were received but not delivered', async () => {
  const [a, b] = Socket.pair()
  keep(a.channel, Buffer.from('kept '))
  b.trySend(Buffer.from('new'))
  const socket = a.toNetSocket().setEncoding('utf8')
  let text = ''
  while (text !== 'kept new') text += ((await once(socket, 'data')) as [string])[0]
  b.close()
  socket.destroy()
  await once(socket, 'close')
})

test('toNetSocket rejects a socket that Node cannot adopt, and leaves it open', async () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_SEQPACKET)
  using datagram = new Socket(AF_INET, SOCK_DGRAM)
  using listener = new Socket(AF_INET).bind(['127.0.0.1', 0]).listen()
  for (const socket of [a, datagram, listener]) {
    const error = thrown(() => socket.toNetSocket())
    expect(error).toMatchObject({ code: 'ERR_FEATURE_UNAVAILABLE', syscall: 'toNetSocket' })
    expect(socket.closed).toBe(false)
  }
  expect(thrown(() => a.toNetSocket()).message).toContain('AF_UNIX SOCK_SEQPACKET')
  expect(thrown(() => listener.toNetSocket()).message).toContain('net.Server')
  a.close()
  expect(thrown(() => a.toNetSocket()).code).toBe('EBADF')
  const [c, d] = Socket.pair()
  const waiting = failure(c.recv(1))
  await turn()
  expect(thrown(() => c.toNetSocket()).code).toBe('EBUSY')
  c.close()
  expect((await waiting).code).toBe('ECANCELED')
  for (const socket of [b, d]) socket.close()
})
