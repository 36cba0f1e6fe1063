import { mkdtempSync, openSync, closeSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  type FdHandle,
  Socket,
  AF_INET,
  SOCK_DGRAM,
  AF_UNIX,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_SNDBUF,
} from '../../lib'
import { failure, thrown } from '../helpers/errors'

const bytes = (text: string): Buffer => Buffer.from(text)

test('a pending sendFds sends the original file even if the caller closes its descriptor', async () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_STREAM)
  a.setsockopt(SOL_SOCKET, SO_SNDBUF, 4096)
  while (a.trySend(Buffer.alloc(4096)) !== null);
  const directory = mkdtempSync(path.join(tmpdir(), 'bsd-sockets-'))
  const name = path.join(directory, 'file')
  writeFileSync(name, 'mine')
  const file = openSync(name, 'r')
  const sent = a.sendFds(bytes('!'), [file])
  closeSync(file)
  const other = openSync('/dev/null', 'r') // reuses the number of the closed fd
  let fds: FdHandle[] = []
  while (fds.length === 0) fds = (await b.recvFds(65536, 1, { timeout: 2000 })).fds
  await sent
  const number = fds[0]!.release()
  const received = Socket.pair()
  await received[0].sendfile(number)
  expect(String(await received[1].recv(100))).toBe('mine')
  for (const fd of [number, other]) closeSync(fd)
  for (const socket of [a, b, ...received]) socket.close()
  rmSync(directory, { recursive: true })
})

test('adopt rejects a descriptor that another Socket owns with EBUSY', () => {
  const [a, b] = Socket.pair()
  expect(thrown(() => Socket.adopt(a as never))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  expect(thrown(() => Socket.adopt(a.fd))).toMatchObject({ code: 'EBUSY', syscall: 'adopt' })
  const fd = a.detach()
  const again = Socket.adopt(fd)
  expect(again.fd).toBe(fd)
  again.close()
  b.close()
})

test('sendFds on a socket that is not AF_UNIX fails with EOPNOTSUPP', async () => {
  const socket = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  await socket.connect(socket.getsockname())
  expect(await failure(socket.sendFds(Buffer.from('x'), [1]))).toMatchObject({ code: 'EOPNOTSUPP' })
  socket.close()
})
