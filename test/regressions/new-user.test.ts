/*
 * What somebody who had not seen the package before ran into.
 */
import { AF_INET, createConnection, createServer, Socket, SOCK_DGRAM, type ServerOptions } from '../../lib'
import { Socket as Blocking } from '../../lib/sync'
import { failure, thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'

test('createConnection takes an address as it is, and refuses a field that it does not know', async () => {
  const server = await createServer({ host: '127.0.0.9' })
  const connection = await createConnection(server.getsockname())
  expect(connection.getpeername().equals(server.getsockname())).toBe(true)
  const { address, port } = server.getsockname() as unknown as { address: string; port: number }
  const error = await failure(createConnection({ address, port }))
  expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  expect(error.message).toMatch(/options\.address.*host, port/)
  const wrong = createServer({ address: '127.0.0.5' } as ServerOptions)
  expect((await failure(wrong)).message).toMatch(/options\.address.*host, port/)
  server.close()
  connection.close()
})

test('createServer takes an address, of any kind that listens', async () => {
  const first = await createServer({ host: '127.0.0.1' })
  const taken = await failure(createServer(first.getsockname()))
  expect(taken).toMatchObject({ code: 'EADDRINUSE', address: '127.0.0.1' })
  first.close()
})

test('nobody owns a descriptor twice', () => {
  const [a, b] = Socket.pair()
  expect(thrown(() => Socket.adopt(a as never))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  expect(thrown(() => Socket.adopt(a.fd))).toMatchObject({ code: 'EBUSY', syscall: 'adopt' })
  const fd = a.detach()
  const again = Socket.adopt(fd)
  expect(again.fd).toBe(fd)
  again.close()
  b.close()
})

test('descriptors do not travel over anything but AF_UNIX', async () => {
  const socket = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  await socket.connect(socket.getsockname())
  expect(await failure(socket.sendFds(Buffer.from('x'), [1]))).toMatchObject({ code: 'EOPNOTSUPP' })
  socket.close()
})

test('a bare number stands for flags, also where there are none to pass on', async () => {
  const [a, b] = Socket.pair()
  expect((await failure(a.sendfile(-1, 0))).code).toBe('ERR_OUT_OF_RANGE')
  expect((await failure(a.splice(-1, 0))).code).toBe('ERR_OUT_OF_RANGE')
  a.close()
  b.close()
})

testIf(missing.linux(), 'the blocking flavour loops over the error queue too', () => {
  const closed = new Blocking(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  const address = closed.getsockname()
  closed.close()
  const socket = new Blocking(AF_INET, SOCK_DGRAM).receiveMeta({ errors: true })
  socket.sendto(Buffer.from('x'), address)
  for (const record of socket.errors({ timeout: 2000 })) {
    expect(record).toMatchObject({ origin: 'icmp', code: 'ECONNREFUSED' })
    socket.close()
  }
  expect(socket.closed).toBe(true)
})
