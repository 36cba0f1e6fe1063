import { closeSync, openSync } from 'node:fs'
import { AF_UNIX, CMSG_LEN, CMSG_SPACE, constants, SHUT_WR, Socket, SOCK_DGRAM, SOCK_STREAM } from '../../lib'
import * as sync from '../../lib/sync'
import { failure, thrown } from '../helpers/errors'

for (const [name, Flavour] of [
  ['bsd-sockets', Socket],
  ['bsd-sockets/sync', sync.Socket as unknown as typeof Socket],
] as const) {
  for (const type of [SOCK_STREAM, SOCK_DGRAM]) {
    test(`${name}: sendFds without descriptors sends plain data, type ${type}`, async () => {
      const [a, b] = Flavour.pair(AF_UNIX, type)
      expect(await a.sendFds(Buffer.from('abc'), [])).toBe(3)
      expect(a.trySendFds(Buffer.alloc(0), [])).toBe(0)
      expect(b.tryRecvFds(8, 1)).toMatchObject({ data: Buffer.from('abc'), fds: [], flags: 0 })
      for (const each of [a, b]) each.close()
    })

    test(`${name}: recvFds for 0 descriptors closes those that come, and reports MSG_CTRUNC, type ${type}`, async () => {
      const [a, b] = Flavour.pair(AF_UNIX, type)
      await a.sendFds(Buffer.from('x'), [a, b])
      expect(await b.recvFds(8, 0)).toMatchObject({ fds: [], flags: constants.MSG_CTRUNC })
      await a.send(Buffer.from('y'))
      expect(await b.recvFds(8, 0)).toMatchObject({ fds: [], flags: 0 })
      await a.sendFds(Buffer.from('z'), [a])
      expect(await b.recvmsg(8)).toMatchObject({ controlTruncated: false })
      for (const each of [a, b]) each.close()
    })
  }

  test(`${name}: dup of a closed socket is EBADF`, () => {
    const socket = new Flavour()
    socket.close()
    for (const call of [() => socket.dup(), () => Flavour.dup(socket)])
      expect(thrown(call)).toMatchObject({ code: 'EBADF', syscall: 'dup', name: 'SocketError' })
    expect(thrown(() => Flavour.dup(-1)).code).toBe('ERR_OUT_OF_RANGE')
  })

  test(`${name}: adopt of a descriptor that an open Socket owns is EBUSY`, () => {
    const socket = new Flavour()
    expect(thrown(() => Flavour.adopt(socket.fd))).toMatchObject({ code: 'EBUSY', syscall: 'adopt' })
    expect(socket.closed).toBe(false)
    socket.close()
  })
}

test('CMSG_LEN and CMSG_SPACE accept every size whose result fits into an int', () => {
  const header = CMSG_LEN(0)
  const max = 0x7fffffff
  expect(CMSG_LEN(max - header)).toBe(max)
  expect(thrown(() => CMSG_LEN(max - header + 1)).code).toBe('ERR_OUT_OF_RANGE')
  const alignment = CMSG_SPACE(1) - CMSG_SPACE(0)
  const last = max - header - ((max - header) % alignment)
  for (let size = last - 8; size <= last; size++) {
    const padding = (alignment - (size % alignment)) % alignment
    expect(CMSG_SPACE(size)).toBe(header + size + padding)
  }
  expect(thrown(() => CMSG_SPACE(last + 1)).code).toBe('ERR_OUT_OF_RANGE')
})

test.each(['send', 'sendAll', 'sendfile'] as const)(
  'shutdown() ends a %s that waits: epoll does not report it to the writer of an AF_UNIX stream',
  async how => {
    const [a, b] = Socket.pair()
    while (a.trySend(Buffer.alloc(65536)) !== null);
    const file = openSync(__filename, 'r')
    const waiting = failure(how === 'sendfile' ? a.sendfile(file) : a[how](Buffer.alloc(1000)))
    const behind = failure(a.send(Buffer.alloc(1)))
    await new Promise(resolve => setImmediate(resolve))
    a.shutdown(SHUT_WR)
    expect(await waiting).toMatchObject({ code: 'EPIPE' })
    expect(await behind).toMatchObject({ code: 'EPIPE' })
    closeSync(file)
    a.close()
    b.close()
  },
)
