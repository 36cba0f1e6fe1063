import { constants as system } from 'node:os'
import { constants } from '../../lib'
import { native } from '../../lib/binding/binding'
import { thrown } from '../helpers/errors'
import { withSlot } from './slot'

const { AF_UNIX, SOCK_STREAM } = constants as Record<string, number>
const code = (name: string): number => -(system.errno as Record<string, number>)[name]!

describe('poll and gather', () => {
  test('poll reports POLLNVAL for a number that is no descriptor, gather fails with EBADF, and with EEXIST for a duplicate', () => {
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

  test('poll without descriptors returns 0 and waits no longer than the timeout', () => {
    expect(native.poll(new Int32Array(0), 0)).toBe(0)
    expect(native.poll(new Int32Array(2), 1)).toBe(0)
  })
})

describe('file descriptors', () => {
  test('fcntl accepts commands whose argument is a number, and refuses others with EINVAL', () => {
    withSlot((slot, fd) => {
      const F_DUPFD = 0
      const copy = native.fcntl(slot, F_DUPFD, 0)
      expect(copy).toBeGreaterThan(fd)
      expect(native.raw.fcntl(copy, 1, 0)).toBe(0) // F_GETFD: F_DUPFD does not set FD_CLOEXEC
      expect(native.raw.fcntl(copy, 2, 1)).toBe(0)
      expect(native.raw.fcntl(copy, 1, 0)).toBe(1)
      expect(native.closeFd(copy)).toBe(0)
      expect(native.fcntl(slot, constants['F_GETLK'] ?? 9999, 0)).toBe(code('EINVAL')) // its argument is a struct
    })
  })

  test('adopt makes a descriptor non-blocking, and fails with EBADF for a number that is none', () => {
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
})
