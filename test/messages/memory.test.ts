import { AF_INET, AF_UNIX, SOCK_DGRAM, Socket } from '../../lib'
import { failure, outcome } from '../helpers/errors'
import { fill } from '../helpers/pairs'

/*
 * Buffers that are transferred while a message waits. The message fails, and the memory that has a new owner is neither
 * written nor sent.
 */
const gone = (view: Uint8Array): void =>
  void structuredClone(view, { transfer: [view.buffer as ArrayBuffer] })

test('recvmsg fails if one of its buffers is transferred while it waits', async () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
  const parts = [new Uint8Array(2), new Uint8Array(8)]
  const first = failure(b.recvmsg(parts))
  const second = b.recvmsg([new Uint8Array(2), new Uint8Array(8)])
  gone(parts[1]!)
  await a.send(Buffer.from('not lost'))
  expect(await first).toMatchObject({ name: 'TypeError', code: 'ERR_BUFFER_DETACHED' })
  const { data, bytes } = await second
  expect([String(data), bytes]).toEqual(['not lost', 8]) // 8 bytes over both buffers
  for (const socket of [a, b]) socket.close()
})

test('sendmsg fails if one of its buffers is transferred while it waits', async () => {
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

test('recvmsg returns a single buffer itself, and joins several buffers', async () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
  const buffer = Buffer.alloc(8)
  a.trySend(Buffer.from('one'))
  const { data } = b.tryRecvmsg(buffer)!
  expect([data.buffer === buffer.buffer, String(data)]).toEqual([true, 'one'])
  a.trySend(Buffer.from('1234'))
  expect(String(b.tryRecvmsg([Buffer.alloc(1), Buffer.alloc(2)])!.data)).toBe('123')
  for (const socket of [a, b]) socket.close()
})

test('a waiting sendFds closes its duplicates when it is aborted, times out or is closed', async () => {
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
  expect((await d.recv(1)).length).toBe(0) // end of stream: no duplicate of the peer is open
  for (const socket of [b, d]) socket.close()
})

test('the error of a datagram that cannot be sent has its destination', async () => {
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
