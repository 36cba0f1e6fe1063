import { constants as system } from 'node:os'
import { AF_INET, constants, if_nameindex, IPPROTO_TCP, SOCK_DGRAM, Socket } from '../../lib'
import { native } from '../../lib/binding/binding'
import { reactor } from '../../lib/reactor'
import { thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'

const { AF_UNIX, SOCK_STREAM, SOL_SOCKET, SO_TYPE } = constants as Record<string, number>

const code = (name: string): number => -(system.errno as Record<string, number>)[name]!
const text = (value: string): Uint8Array => Buffer.from(value)

/** A slot of a socket that is closed with the test. */
function withSlot(use: (slot: number, fd: number) => void): void {
  const { id } = reactor.adopt(native.socket(AF_INET, SOCK_DGRAM, 0), 0)
  use(id, native.descriptor(id))
  native.close(id)
}

describe('interfaces', () => {
  const [first] = if_nameindex()

  test('names that cannot be one, and a room that is too small', () => {
    const { name, index } = first!
    expect(native.if_nametoindex(text(name))).toBe(index)
    expect(native.if_nametoindex(text('x'.repeat(16)))).toBe(code('ENODEV'))
    expect(native.if_nametoindex(text(''))).toBe(code('ENODEV'))
    expect(native.if_indextoname(index, new Uint8Array(1))).toBe(1)
    expect(native.if_indextoname(index, new Uint8Array(0))).toBe(0)
    expect(native.if_indextoname(2 ** 30, new Uint8Array(16))).toBe(code('ENXIO'))
    for (const room of [0, 1, 4]) expect(native.if_nameindex(new Uint8Array(room))).toBe(code('ENOBUFS'))
  })

  test('in the network namespace of a socket', () => {
    withSlot(slot => {
      expect(native.interfaceIndex(slot, text(first!.name))).toBe(first!.index)
      for (const name of ['', 'x'.repeat(16), 'a\0b', 'nobody-has-it']) {
        expect(native.interfaceIndex(slot, text(name))).toBe(code('ENODEV'))
      }
      expect(native.interfaceOfAddress(slot, new Uint8Array(3))).toBe(code('EINVAL'))
      expect(native.interfaceOfAddress(slot, Uint8Array.of(255, 1, 2, 3))).toBe(code('ENODEV'))
    })
  })
})

describe('poll and gather', () => {
  test('a number that is none, and one that comes twice', () => {
    withSlot((_slot, fd) => {
      const POLLIN = 1
      const fields = Int32Array.of(fd, POLLIN, 0, 1 << 20, POLLIN, 0)
      expect(native.poll(fields, 0)).toBe(1)
      expect([fields[2], fields[5]]).toEqual([0, 0x20]) // POLLNVAL
      expect(native.gather(fields)).toBe(code('EBADF'))
      if (process.platform !== 'linux') return
      expect(native.gather(Int32Array.of(fd, POLLIN, 0, fd, POLLIN, 0))).toBe(code('EEXIST'))
      const poller = native.gather(Int32Array.of(fd, POLLIN, 0))
      expect(native.closeFd(poller)).toBe(0)
    })
  })

  test('no descriptors: nothing is ready, and the wait is no longer than asked', () => {
    expect(native.poll(new Int32Array(0), 0)).toBe(0)
    expect(native.poll(new Int32Array(2), 1)).toBe(0)
  })
})

describe('lookups', () => {
  const GETSERVBYNAME = 4

  test('text is at most what C has room for, and a reply is taken once', () => {
    const long = text('x'.repeat(1025))
    expect(thrown(() => native.lookup(GETSERVBYNAME, long, null, 0, 0, 0, 0)).message).toContain('"first"')
    expect(thrown(() => native.lookup(GETSERVBYNAME, null, long, 0, 0, 0, 0)).message).toContain('"second"')
    expect(thrown(() => native.lookup(GETSERVBYNAME, text('x'), 5 as never, 0, 0, 0, 0)).message).toContain(
      '"second"',
    )
    const size = native.lookup(GETSERVBYNAME, text('no-such-service'), null, 0, 0, 0, 0)
    expect(size).toBe(8)
    expect(native.takeReply(new Uint8Array(4))).toBe(4)
    expect(native.takeReply(new Uint8Array(8))).toBe(0)
  })

  test('the name of this host, as far as there is room', () => {
    const whole = new Uint8Array(256)
    const length = native.gethostname(whole)
    expect(length).toBeGreaterThan(0)
    const part = new Uint8Array(1)
    expect([native.gethostname(part), part[0]]).toEqual([1, whole[0]])
    expect(native.gethostname(new Uint8Array(0))).toBe(0)
  })
})

describe('the slab of a batch', () => {
  // data, names, control, fields, size, controlSize, first, count
  const slab = (change: Record<string, unknown> = {}): unknown[] =>
    Object.values({
      data: new Uint8Array(2 * 16),
      names: new Uint8Array(2 * 128),
      control: new Uint8Array(2 * 32),
      fields: new Int32Array(2 * 4),
      size: 16,
      controlSize: 32,
      first: 0,
      count: 2,
      flags: 0,
      ...change,
    })

  test.each([
    ['data', { data: new Uint8Array(31) }],
    ['names', { names: new Uint8Array(255) }],
    ['control', { control: new Uint8Array(63) }],
    ['no control', { control: null }],
    ['size', { size: 17 }],
    ['first', { first: 1, fields: new Int32Array(12) }],
  ])('%s has no room for every message: nothing is sent or received', (_name, change) => {
    withSlot(slot => {
      for (const call of [native.recvmmsg, native.sendmmsg] as ((...values: unknown[]) => unknown)[]) {
        expect(thrown(() => call(slot, ...slab(change))).code).toBe('ERR_OUT_OF_RANGE')
      }
    })
  })

  test('lengths that JavaScript wrote are held to the room there is', () => {
    const [a, b] = Socket.pair(constants.AF_UNIX, SOCK_DGRAM)
    const sender = reactor.adopt(native.dupFd(a.fd), 0).id
    const fields = Int32Array.of(1000, 0, 0, -5, -1, 0, 0, 0)
    const send = native.sendmmsg as (...values: unknown[]) => number
    expect(send(sender, ...slab({ fields }))).toBe(2)
    expect([b.tryRecv(100)?.length, b.tryRecv(100)?.length]).toEqual([16, 0])
    native.close(sender)
    a.close()
    b.close()
  })
})

describe('options', () => {
  test('bytes behind the value are refused, and the kernel writes no further than it is told', () => {
    withSlot(slot => {
      const value = new Uint8Array(4).fill(9)
      const length = Int32Array.of(1)
      expect(native.getsockopt(slot, SOL_SOCKET!, SO_TYPE!, value, length)).toBe(0)
      expect([...value]).toEqual([SOCK_DGRAM, 9, 9, 9])
      expect(
        thrown(() => native.getsockopt(slot, SOL_SOCKET!, SO_TYPE!, value, Int32Array.of(-1))).code,
      ).toBe('ERR_OUT_OF_RANGE')
      expect(native.setsockopt(slot, SOL_SOCKET!, 2, null, 4)).toBeLessThan(0)
      expect(native.ioctl(slot, 0x541b, new Uint8Array((1 << 14) + 1))).toBe(code('EINVAL'))
      expect(native.ioctl(slot, 0x541b, new Uint8Array(0))).toBe(
        process.platform === 'linux' ? 0 : code('ENOTTY'),
      )
    })
  })

  testIf(missing.linux(), 'a filter of a broken length, and one that is too long', () => {
    const SO_ATTACH_FILTER = constants.SO_ATTACH_FILTER!
    withSlot(slot => {
      for (const size of [7, 8 * 65536]) {
        expect(native.setProgram(slot, SOL_SOCKET!, SO_ATTACH_FILTER, new Uint8Array(size))).toBe(
          code('EINVAL'),
        )
      }
    })
  })

  testIf(
    missing.linux(),
    'ioctls that are not known to be plain are refused before the kernel sees them',
    () => {
      withSlot(slot => {
        for (const request of [0x8912, 0x8946, 0x8940, 0x8941, 0x89f0, 0x89ff, 0x8b00, 0x8bff, 0x8c00]) {
          expect(native.ioctl(slot, request, new Uint8Array(64))).toBe(code('EPERM'))
        }
        for (const request of [0x8910, 0x8921]) {
          expect(native.ioctl(slot, request, new Uint8Array(64))).not.toBe(code('EPERM'))
        }
      })
    },
  )
})

testIf(
  missing.linux(),
  'an address inside the value of an option is refused: the kernel would map over it',
  () => {
    const TCP_ZEROCOPY_RECEIVE = 35
    const { id } = reactor.adopt(native.socket(AF_INET, SOCK_STREAM!, 0), 0)
    const get = (value: Uint8Array): number =>
      native.getsockopt(id, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, value, Int32Array.of(value.length))
    expect(get(new Uint8Array(24).fill(1, 0, 8))).toBe(code('EPERM'))
    expect(get(new Uint8Array(25))).toBe(code('EPERM')) // behind them are more
    for (const size of [4, 24]) expect(get(new Uint8Array(size))).not.toBe(code('EPERM'))
    native.close(id)
  },
)

describe('kinds and flags of descriptors', () => {
  test('fcntl knows commands with a number, for a pipe and a memory file as well', () => {
    withSlot((slot, fd) => {
      const F_DUPFD = 0
      const copy = native.fcntl(slot, F_DUPFD, 0)
      expect(copy).toBeGreaterThan(fd)
      expect(native.raw.fcntl(copy, 1, 0)).toBe(0) // F_GETFD: F_DUPFD knows nothing of close-on-exec
      expect(native.raw.fcntl(copy, 2, 1)).toBe(0)
      expect(native.raw.fcntl(copy, 1, 0)).toBe(1)
      expect(native.closeFd(copy)).toBe(0)
      expect(native.fcntl(slot, constants['F_GETLK'] ?? 9999, 0)).toBe(code('EINVAL')) // a struct
    })
  })

  test('a descriptor that blocks does not when it is adopted; one that is none is EBADF', () => {
    const [fd, other] = (() => {
      const fds = new Int32Array(2)
      expect(native.raw.socketpair(AF_UNIX!, SOCK_STREAM!, 0, fds)).toBe(0)
      return fds
    })() as unknown as [number, number]
    const [F_GETFL, F_SETFL] = [3, 4]
    const before = native.raw.fcntl(fd, F_GETFL, 0)
    expect(native.raw.fcntl(fd, F_SETFL, 0)).toBe(0)
    const slot = native.adopt(fd, 0)
    expect(native.fcntl(slot, F_GETFL, 0)).toBe(before)
    expect([native.close(slot), native.closeFd(other)]).toEqual([0, 0])
    expect(native.adopt(1 << 20, 0)).toBe(code('EBADF'))
    expect(thrown(() => native.adopt(0, 4)).code).toBe('ERR_OUT_OF_RANGE')
  })

  test('memory that was detached has no length, an array of 16 bits two bytes an element', () => {
    const [a, b] = Socket.pair()
    const slot = reactor.adopt(native.dupFd(a.fd), 0).id
    const gone = new Uint8Array(8)
    structuredClone(gone.buffer, { transfer: [gone.buffer] })
    const views = [
      new Int16Array(3),
      new Float64Array(1),
      new BigUint64Array(1),
      new DataView(new ArrayBuffer(5)),
    ]
    expect(native.sendmsg(slot, [gone, ...views], null, 0, null)).toBe(6 + 8 + 8 + 5)
    expect(native.sendmsg(slot, [new Uint8ClampedArray(2), new Uint32Array(1), new Float32Array(1)], null, 0, null)).toBe(10) // prettier-ignore
    expect(b.tryRecv(100)?.length).toBe(37)
    native.close(slot)
    a.close()
    b.close()
  })
})
