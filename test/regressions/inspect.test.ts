import { closeSync } from 'node:fs'
import { inspect } from 'node:util'
import { AF_INET, Message, MessageBatch, Socket, SOCK_DGRAM, type FdHandle } from '../../lib'

const udp = (): Socket => new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])

test('inspect prints the first messages of a batch, not its memory', async () => {
  const socket = udp()
  const batch = new MessageBatch({ count: 8, size: 2000, controlSize: 64 })
  expect(inspect(batch)).toBe('MessageBatch(0 of 8, 2000 bytes each) []')
  for (let i = 0; i < 5; i++) await socket.sendto(Buffer.from('hello'), socket.getsockname())
  await socket.recvmmsg(batch)
  const text = inspect(batch)
  expect(text).toMatch(/^MessageBatch\(5 of 8, 2000 bytes each\) \[/)
  expect(text).toMatch(/ and 2 more$/)
  expect(text.match(/<Buffer 68 65 6c 6c 6f>/g)).toHaveLength(3)
  expect(text).toContain("address: '127.0.0.1'")
  expect(text).not.toContain('slab')
  socket.close()
})

test('inspect prints a message with its decoded control messages', async () => {
  const socket = udp()
  await socket.sendto(Buffer.from('hello'), socket.getsockname())
  expect(inspect(await socket.recvmsg(100))).toMatch(
    /^Message \{\s+data: <Buffer .*>,\s+address: \S+ \{.*\}\s+\}$/,
  )
  socket.receiveMeta({ ttl: true })
  await socket.sendto(Buffer.from('hello'), socket.getsockname())
  const text = inspect(await socket.recvmsg(3))
  expect(text).toMatch(/flags: \d+/) // MSG_TRUNC: the datagram was truncated
  expect(text).toMatch(/meta: \{ ttl: 64 \}/)
  socket.close()
})

test('a message gives its segments, and inspect prints unknown control messages undecoded', async () => {
  const socket = udp()
  await socket.sendto(Buffer.from('hello'), socket.getsockname())
  const message = await socket.recvmsg(100)
  expect([...message.segments()]).toEqual([message.data])
  expect([message.truncated, message.controlTruncated]).toEqual([false, false])
  const unknown = new Message({
    data: Buffer.alloc(1),
    bytes: 4,
    address: null,
    flags: 0,
    control: [{ level: 9999, type: 1, data: Buffer.alloc(2) }],
    fds: null,
    pidfd: null,
  })
  expect(inspect(unknown)).toMatch(/bytes: 4.*address: null.*control: \[.*level: 9999/s)
  socket.close()
})

test('an FdHandle prints its number, closes at the end of its block, and can be released once', async () => {
  const [a, b] = Socket.pair()
  a.trySendFds(Buffer.from('x'), [0, 0])
  const { fds } = b.tryRecvFds(1, 2)!
  const [first, second] = fds as [FdHandle, FdHandle]
  expect(inspect(first)).toBe(`FdHandle { fd: ${first.fd} }`)
  first[Symbol.dispose]()
  expect([first.fd, first.release(), inspect(first)]).toEqual([-1, -1, 'FdHandle { fd: -1 }'])
  first.close()
  const fd = second.release()
  expect([second.fd, second.release()]).toEqual([-1, -1])
  closeSync(fd)
  a.close()
  b.close()
})
