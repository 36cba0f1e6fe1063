import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  AF_INET,
  AF_UNIX,
  CMSG_LEN,
  CMSG_SPACE,
  constants,
  control,
  F_GETFD,
  FD_CLOEXEC,
  MSG_CTRUNC,
  MSG_PEEK,
  options,
  Socket,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
} from '../../lib'
import { fcntl } from '../../lib/raw'
import { Socket as SyncSocket } from '../../lib/sync'
import { native } from '../../lib/binding/binding'
import { reactor } from '../../lib/reactor'
import { receiveControl } from '../../lib/message/receive-control'
import { runPython } from '../helpers/child'
import { failure, thrown } from '../helpers/errors'
import { turn } from '../helpers/pairs'
import { missing, testIf } from '../helpers/need'

const linux = missing.linux()
const python = missing.python()
const bytes = (text: string): Buffer => Buffer.from(text)
const directory = process.platform === 'linux' ? '/proc/self/fd' : '/dev/fd'
const count = (): number => readdirSync(directory).length
const types = [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] as const

let file = -1
const same = (fd: number): boolean => fstatSync(fd).ino === fstatSync(file).ino

/** Calls `use` with a pair and closes it. Fails if a file descriptor is left open. */
async function withPair(type: number, use: (a: Socket, b: Socket) => Promise<void> | void): Promise<void> {
  const before = count()
  const [a, b] = Socket.pair(AF_UNIX, type)
  try {
    await use(a, b)
  } finally {
    a.close()
    b.close()
  }
  expect(count()).toBe(before)
}

describe('file descriptors in messages', () => {
  beforeAll(() => (file = openSync(__filename, 'r')))
  afterAll(() => closeSync(file))

  test.each(types)('type %i: sent descriptors arrive close-on-exec, and the receiver owns them', type =>
    withPair(type, async (a, b) => {
      expect(await a.sendFds(bytes('x'), [file, { fd: file }])).toBe(1)
      const { data, fds, flags, address } = await b.recvFds(10, 5)
      expect([String(data), fds.length, flags & MSG_CTRUNC]).toEqual(['x', 2, 0])
      expect(address === null || address.kind === 'unnamed').toBe(true)
      for (const { fd } of fds) {
        expect(same(fd)).toBe(true)
        expect(fcntl(fd, F_GETFD, 0) & FD_CLOEXEC).toBe(FD_CLOEXEC)
      }
      const released = fds[0]!.release()
      expect(fds[0]!.fd).toBe(-1)
      closeSync(released)
      fds[1]!.close()
      fds[1]!.close()
    }),
  )

  test('253 descriptors fit into one message, and 254 are refused', () =>
    withPair(SOCK_STREAM, async (a, b) => {
      await a.sendFds(
        bytes('x'),
        Array.from({ length: 253 }, () => file),
      )
      const { fds } = await b.recvFds(1, 253)
      expect(fds).toHaveLength(253)
      for (const handle of fds) {
        expect(fcntl(handle.fd, F_GETFD, 0) & FD_CLOEXEC).toBe(FD_CLOEXEC)
        handle.close()
      }
      const error = await failure(
        a.sendFds(
          bytes('x'),
          Array.from({ length: 254 }, () => file),
        ),
      )
      expect(error).toMatchObject({ code: 'ERR_OUT_OF_RANGE', name: 'RangeError' })
      expect(error.message).toContain('253')
    }))

  test('surplus descriptors are closed and reported by MSG_CTRUNC, and unwanted ones are closed', () =>
    withPair(SOCK_DGRAM, async (a, b) => {
      const three = [file, file, file]
      await a.sendFds(bytes('x'), three)
      const before = count()
      const { fds, flags } = await b.recvFds(1, 1)
      expect([fds.length, flags & MSG_CTRUNC, count() - before]).toEqual([1, MSG_CTRUNC, 1])
      fds[0]!.close()
      await a.sendFds(bytes('x'), three)
      expect((await b.recvmsg(1)).meta.fds).toBeUndefined()
      await a.sendFds(bytes('x'), three)
      expect(await b.recvFds(1, 0)).toMatchObject({ fds: [] })
      await a.sendFds(bytes('x'), three)
      expect(await b.recv(1)).toHaveLength(1)
      expect(count()).toBe(before)
    }))

  testIf(
    linux,
    'CMSG_LEN limits the number of descriptors, CMSG_SPACE rounds it up, and the kernel closes the rest',
    () =>
      withPair(SOCK_DGRAM, async (a, b) => {
        for (const [controlSize, expected] of [
          [CMSG_LEN(4), 1],
          [CMSG_SPACE(4), 2],
          [CMSG_LEN(8) - 1, 1],
          [8, 0],
        ] as const) {
          await a.sendFds(bytes('x'), [file, file, file])
          const before = count()
          const message = await b.recvmsg(1, { controlSize, fds: 'receive' })
          expect([message.meta.fds!.length, message.controlTruncated, count() - before]).toEqual([
            expected,
            true,
            expected,
          ])
          for (const handle of message.meta.fds!) handle.close()
        }
      }),
  )

  test('two SCM_RIGHTS messages are received as one list, in order', () =>
    withPair(SOCK_STREAM, async (a, b) => {
      const other = openSync('/dev/null', 'r')
      await a.sendmsg({ data: bytes('x'), control: [control.rights([file]), control.rights([other, file])] })
      const { fds } = await b.recvFds(1, 9)
      expect(fds.map(({ fd }) => same(fd))).toEqual([true, false, true])
      for (const handle of fds) handle.close()
      closeSync(other)
    }))

  test('on a stream, descriptors need a byte of data, and a read ends at the message that carries them', () =>
    withPair(SOCK_STREAM, async (a, b) => {
      expect((await failure(a.sendFds(Buffer.alloc(0), [file]))).code).toBe('ERR_OUT_OF_RANGE')
      await a.send(bytes('aaaa'))
      await a.sendFds(bytes('b'), [file])
      await a.send(bytes('cccc'))
      await a.sendFds(bytes('d'), [file])
      await a.sendFds(bytes('e'), [file])
      const got: [string, number][] = []
      for (let i = 0; i < 3; i++) {
        const { data, fds } = await b.recvFds(100, 9)
        got.push([String(data), fds.length])
        for (const handle of fds) handle.close()
      }
      expect(got).toEqual([
        ['aaaab', 1],
        ['ccccd', 1],
        ['e', 1],
      ])
    }))

  test('each read with MSG_PEEK returns new duplicates of the descriptors', () =>
    withPair(SOCK_STREAM, async (a, b) => {
      await a.sendFds(bytes('x'), [file])
      const before = count()
      const peeked = [await b.recvFds(1, 1, MSG_PEEK), await b.recvFds(1, 1, MSG_PEEK)]
      expect((await b.recvmsg(1, { flags: MSG_PEEK })).meta.fds).toBeUndefined()
      expect(count() - before).toBe(2)
      const { fds } = await b.recvFds(1, 1)
      for (const handle of [...fds, ...peeked.flatMap(each => each.fds)]) {
        expect(same(handle.fd)).toBe(true)
        handle.close()
      }
    }))

  test('descriptors that the caller drops are closed by the garbage collector', async () => {
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc') as () => void
    await withPair(SOCK_DGRAM, async (a, b) => {
      const before = count()
      await (async () => {
        for (let i = 0; i < 20; i++) {
          await a.sendFds(bytes('x'), [file, file])
          expect((await b.recvFds(1, 2)).fds).toHaveLength(2)
          await a.sendFds(bytes('x'), [file])
          await b.recvmsg(1, { fds: 'receive' }) // meta.fds is not even read
        }
      })()
      for (let i = 0; i < 50 && count() > before; i++) {
        gc()
        await turn()
      }
      expect(count()).toBe(before)
    })
  })

  testIf(linux, 'if one received descriptor cannot be owned, the others are closed', () => {
    const before = count()
    const copies = [native.dupFd(file), native.dupFd(file), native.dupFd(file)]
    const buffer = Buffer.alloc(CMSG_SPACE(12))
    const rights = control.rights(copies)
    buffer.writeBigUInt64LE(BigInt(CMSG_LEN(12)))
    buffer.writeInt32LE(rights.level, 8)
    buffer.writeInt32LE(rights.type, 12)
    rights.data.copy(buffer, 16)
    const makeRoom = reactor.makeRoom.bind(reactor)
    let made = 0
    reactor.makeRoom = () => {
      if (++made === 2) throw new Error('out of memory')
      makeRoom()
    }
    try {
      expect(thrown(() => receiveControl(buffer, buffer.length, 9)).message).toBe('out of memory')
    } finally {
      reactor.makeRoom = makeRoom
    }
    expect(count()).toBe(before)
  })

  testIf(linux, 'a waiting sendFds holds duplicates, so the caller may close the descriptors', () =>
    withPair(SOCK_STREAM, async (a, b) => {
      while (a.trySend(Buffer.alloc(65536)) !== null);
      const copy = native.dupFd(file)
      const sending = a.sendFds(bytes('!'), [copy])
      closeSync(copy)
      for (;;) {
        const { data, fds } = await b.recvFds(1 << 20, 1)
        if (fds.length === 0) continue
        expect(data.at(-1)).toBe(0x21)
        expect(same(fds[0]!.fd)).toBe(true)
        fds[0]!.close()
        break
      }
      await sending
    }),
  )

  describe('pidfd', () => {
    const without = linux ?? (constants['SO_PASSPIDFD'] === undefined ? 'no SO_PASSPIDFD' : null)

    testIf(without, 'a pidfd is in meta.pidfd if the caller asked for it, beside the descriptors', () =>
      withPair(SOCK_STREAM, async (a, b) => {
        b.receiveMeta({ pidfd: true })
        await a.sendFds(bytes('x'), [file])
        const { meta } = await b.recvmsg(1, { fds: 'receive' })
        expect(meta.fds).toHaveLength(1)
        expect(same(meta.fds![0]!.fd)).toBe(true)
        expect(fcntl(meta.pidfd!.fd, F_GETFD, 0) & FD_CLOEXEC).toBe(FD_CLOEXEC)
        expect(same(meta.pidfd!.fd)).toBe(false)
        meta.fds![0]!.close()
        meta.pidfd!.close()
        await a.send(bytes('y'))
        const second = await b.recvmsg(1)
        second.meta.pidfd!.close()
        expect(second.meta.fds).toBeUndefined()
      }),
    )

    testIf(
      without,
      'a pidfd that the caller did not ask for is closed, and does not count as a descriptor',
      () =>
        withPair(SOCK_DGRAM, async (a, b) => {
          b.set(options.SO_PASSPIDFD, true)
          const before = count()
          await a.sendFds(bytes('x'), [file])
          const message = await b.recvmsg(1, { fds: 'receive' })
          expect([message.meta.fds!.length, message.meta.pidfd]).toEqual([1, undefined])
          message.meta.fds![0]!.close()
          await a.send(bytes('y'))
          expect((await b.recvFds(1, 9)).fds).toEqual([])
          await a.send(bytes('z'))
          await b.recv(1)
          b.receiveMeta({ pidfd: true })
          await a.send(bytes('w'))
          expect((await b.recvFds(1, 9)).fds).toEqual([])
          expect(count()).toBe(before)
        }),
    )
  })

  testIf(
    linux ?? (constants['SO_PASSRIGHTS'] === undefined ? 'no SO_PASSRIGHTS' : null),
    'if SO_PASSRIGHTS is off, sendFds of the peer fails with EPERM',
    () =>
      withPair(SOCK_DGRAM, async (a, b) => {
        b.set(options.SO_PASSRIGHTS, false)
        expect((await failure(a.sendFds(bytes('x'), [file]))).code).toBe('EPERM')
        b.set(options.SO_PASSRIGHTS, true)
        await a.sendFds(bytes('x'), [file])
        const { fds } = await b.recvFds(1, 1)
        fds[0]!.close()
      }),
  )

  test('the blocking flavour sends and receives descriptors', () => {
    const [a, b] = SyncSocket.pair()
    a.sendFds(bytes('x'), [file])
    const { fds } = b.recvFds(1, 1)
    expect(same(fds[0]!.fd)).toBe(true)
    fds[0]!.close()
    expect(thrown(() => a.sendFds(bytes('x'), [1 << 30])).code).toBe('EBADF')
    a.close()
    b.close()
  })

  describe('with Python', () => {
    testIf(python, 'Python and this package exchange descriptors', () =>
      withPair(SOCK_STREAM, async (a, b) => {
        await a.sendFds(bytes('take'), [file, file])
        const text = await runPython(
          `
import socket, os
s = socket.socket(fileno=3)
data, fds, flags, address = socket.recv_fds(s, 100, 10)
print(data, len(fds), os.pread(fds[0], 6, 0))
r, w = os.pipe()
os.write(w, b'from python')
socket.send_fds(s, [b'back'], [r])
`,
          [b.fd],
        )
        expect(text).toBe("b'take' 2 b'import'\n")
        const { data, fds } = await a.recvFds(100, 4)
        expect([String(data), fds.length]).toEqual(['back', 1])
        const buffer = Buffer.alloc(20)
        expect(String(buffer.subarray(0, readSync(fds[0]!.fd, buffer)))).toBe('from python')
        fds[0]!.close()
      }),
    )

    testIf(linux ?? python, 'Python and this package exchange credentials', () =>
      withPair(SOCK_DGRAM, async (a, b) => {
        const { pid } = process
        const [uid, gid] = [process.getuid!(), process.getgid!()]
        for (const socket of [a, b]) socket.receiveMeta({ credentials: true })
        await a.sendmsg({ data: bytes('me'), control: [control.credentials({ pid, uid, gid })] })
        const text = await runPython(
          `
import socket, struct, os
s = socket.socket(fileno=3)
data, control, flags, address = s.recvmsg(100, 100)
level, type, cmsg = control[0]
print(data, level == socket.SOL_SOCKET, type == socket.SCM_CREDENTIALS, *struct.unpack('3i', cmsg))
s.send(b'%d' % os.getpid())
`,
          [b.fd],
        )
        expect(text).toBe(`b'me' True True ${pid} ${uid} ${gid}\n`)
        const { data, meta } = await a.recvmsg(100)
        expect(meta.credentials).toEqual({ pid: Number(String(data)), uid, gid })
      }),
    )

    testIf(linux ?? python, 'Python and this package exchange packet information', async () => {
      const receiver = new Socket(AF_INET, SOCK_DGRAM)
        .bind(['127.0.0.1', 0])
        .receiveMeta({ packetInfo: true, ttl: true })
      const { port } = receiver.getsockname() as { port: number }
      const running = runPython(
        `
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('0.0.0.0', 0))
s.setsockopt(socket.IPPROTO_IP, 8, 1)
source = struct.pack('I4s4s', 0, socket.inet_aton('127.0.0.8'), bytes(4))
s.sendmsg([b'hello'], [(socket.IPPROTO_IP, 8, source),
                       (socket.IPPROTO_IP, socket.IP_TTL, struct.pack('i', 17))], 0, ('127.0.0.1', ${port}))
s.sendto(b'answer me', ('127.0.0.1', ${port}))
data, control, flags, address = s.recvmsg(100, 100)
index, local, to = struct.unpack('I4s4s', control[0][2])
print(data, address[0], index, socket.inet_ntoa(to))
`,
      )
      const { meta, address } = await receiver.recvmsg(100)
      expect(meta).toEqual({ destination: '127.0.0.1', localAddress: '127.0.0.1', interface: 1, ttl: 17 })
      expect(address).toMatchObject({ address: '127.0.0.8' })
      const second = await receiver.recvmsg(100)
      await receiver.sendmsg({
        data: bytes('here'),
        address: second.address!,
        control: [control.packetInfo({ source: '127.0.0.5' })],
      })
      expect(await running).toBe("b'here' 127.0.0.5 1 127.0.0.1\n")
      receiver.close()
    })
  })
})
