import { AF_INET, AF_UNIX, SOCK_DGRAM, Socket } from '../../lib'
import { failure, outcome } from '../helpers/errors'
import { fill } from '../helpers/pairs'

/*
 * Memory that is transferred while a message waits, of any of the parts: the message fails, and nothing is written to
 * or sent from what is somebody else's now.
 */
const gone = (view: Uint8Array): void =>
  void structuredClone(view, { transfer: [view.buffer as ArrayBuffer] })

test('a part that a message was to be received into', async () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
  const parts = [new Uint8Array(2), new Uint8Array(8)]
  const first = failure(b.recvmsg(parts))
  const second = b.recvmsg([new Uint8Array(2), new Uint8Array(8)])
  gone(parts[1]!)
  await a.send(Buffer.from('not lost'))
  expect(await first).toMatchObject({ name: 'TypeError', code: 'ERR_BUFFER_DETACHED' })
  const { data, bytes } = await second
  expect([String(data), bytes]).toEqual(['not lost', 8]) // over both parts
  for (const socket of [a, b]) socket.close()
})

test('a part of a message that was to be sent', async () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
  const { sends } = fill(a)
  const part = new Uint8Array(4)
  const first = failure(a.sendmsg({ data: [Buffer.from('x'), part] }))
  const second = a.sendmsg({ data: Buffer.from('second') })
  gone(part)
  for (let i = 0; i < sends; i++) await b.recv(65536)
  expect(await first).toMatchObject({ name: 'TypeError', code: 'ERR_BUFFER_DETACHED' })
  await second
  expect(String(await b.recv(100))).toBe('second')
  for (const socket of [a, b]) socket.close()
})

test('one buffer is given back as it is, several are joined', async () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
  const buffer = Buffer.alloc(8)
  a.trySend(Buffer.from('one'))
  const { data } = b.tryRecvmsg(buffer)!
  expect([data.buffer === buffer.buffer, String(data)]).toEqual([true, 'one'])
  a.trySend(Buffer.from('1234'))
  expect(String(b.tryRecvmsg([Buffer.alloc(1), Buffer.alloc(2)])!.data)).toBe('123')
  for (const socket of [a, b]) socket.close()
})

test('what waits to pass on descriptors holds copies of its own, and gives them back however it ends', async () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
  const [c, d] = Socket.pair()
  fill(a)
  const stop = new AbortController()
  const aborted = outcome(a.sendFds(Buffer.from('x'), [c.fd], { signal: stop.signal }))
  const late = outcome(a.sendFds(Buffer.from('x'), [c], { timeout: 1 }))
  const closed = outcome(a.sendFds(Buffer.from('x'), [c]))
  stop.abort()
  expect([await aborted, await late]).toEqual(['ABORT_ERR', 'ERR_SOCKET_TIMEOUT'])
  a.close()
  expect(await closed).toBe('ECANCELED')
  c.close()
  expect((await d.recv(1)).length).toBe(0) // nobody has the other end any more
  for (const socket of [b, d]) socket.close()
})

test('a datagram that is refused names who was to get it', async () => {
  const socket = new Socket(AF_INET, SOCK_DGRAM)
  const error = await failure(socket.sendmsg({ data: Buffer.alloc(70_000), address: ['127.0.0.1', 9] }))
  expect(error).toMatchObject({ code: 'EMSGSIZE', syscall: 'sendmsg', address: '127.0.0.1', port: 9 })
  const segmented = await failure(
    socket.sendmsg({ data: Buffer.alloc(4), segmentSize: 2, address: ['255.255.255.255', 9] }),
  )
  expect(segmented).toMatchObject({
    code: 'EACCES',
    syscall: 'sendmsg',
    address: '255.255.255.255',
    bytesSent: 0,
  })
  expect(await failure(socket.sendmsg({ data: Buffer.alloc(4), segmentSize: 2 }))).toMatchObject({
    code: expect.stringMatching(/EDESTADDRREQ|ENOTCONN/),
  })
  socket.close()
})
