import { constants } from '../../lib'
import { native } from '../../lib/binding/binding'
import { reactor } from '../../lib/reactor'
import { INDEX_MASK } from '../../lib/binding/shared'
import { thrown } from '../helpers/errors'

const { AF_UNIX, SOCK_STREAM, SOCK_DGRAM, SOL_SOCKET, SO_TYPE } = constants as Record<string, number>
const EBADF = -9
const EAGAIN = -11
const EINVAL = -22
const ENOTSOCK = -88

/** Makes a socket pair and returns the ids of its slots. */
function slots(type = SOCK_STREAM!): [number, number] {
  const fds = new Int32Array(2)
  expect(native.socketpair(AF_UNIX!, type, 0)).toBeGreaterThanOrEqual(0)
  const second = reactor.memory.state[5]!
  fds[1] = second
  fds[0] = second - 1
  return [reactor.adopt(fds[0], 0).id, reactor.adopt(fds[1], 0).id]
}

const buffer = Buffer.alloc(16)
const value = new Int32Array(1)

/** Every function that takes a slot, with valid arguments. */
const calls: [string, (slot: never) => number][] = [
  ['close', slot => native.close(slot)],
  ['detach', slot => native.detach(slot)],
  ['fcntl', slot => native.fcntl(slot, 1, 0)],
  ['watch', slot => native.watch(slot, 0, 0)],
  ['bind', slot => native.bind(slot, buffer)],
  ['connect', slot => native.connect(slot, buffer)],
  ['listen', slot => native.listen(slot, 1)],
  ['accept', slot => native.accept(slot)],
  ['getsockname', slot => native.getsockname(slot)],
  ['getpeername', slot => native.getpeername(slot)],
  ['shutdown', slot => native.shutdown(slot, 0)],
  ['recv', slot => native.recv(slot, buffer, 0, 0, 1)],
  ['recvfrom', slot => native.recvfrom(slot, buffer, 0, 0, 1)],
  ['recvmsg', slot => native.recvmsg(slot, [buffer], null, 0)],
  ['send', slot => native.send(slot, buffer, 0, 0, 1)],
  ['sendto', slot => native.sendto(slot, buffer, 0, buffer)],
  ['sendmsg', slot => native.sendmsg(slot, [buffer], null, 0, null)],
  ['getsockopt', slot => native.getsockopt(slot, SOL_SOCKET!, SO_TYPE!, value)],
  ['setsockopt', slot => native.setsockopt(slot, SOL_SOCKET!, 2, value, 4)],
  ['ioctl', slot => native.ioctl(slot, 0x541b, value)],
  ['sendfile', slot => native.sendfile(slot, 0, 0, 1, 1, 0, 0)],
  ['sendfileFrom', slot => native.sendfileFrom(slot, 0, 0, 1, 1, 0, 0)],
  ['transferJob', slot => native.transferJob(slot, 0, -1, 0, 1, 1)],
  ['cut', slot => native.abort(slot)],
  ['fileSize', slot => native.fileSize(slot)],
]

describe.each(calls)('%s', (_name, call) => {
  test('a slot that is no number throws a TypeError that names it, and one out of range a RangeError', () => {
    for (const bad of [undefined, null, '1', {}, 1n]) {
      expect(thrown(() => call(bad as never))).toMatchObject({
        name: 'TypeError',
        code: 'ERR_INVALID_ARG_TYPE',
      })
      expect(thrown(() => call(bad as never)).message).toContain('"slot"')
    }
    for (const bad of [NaN, Infinity, 1.5, 2 ** 53]) {
      expect(thrown(() => call(bad as never))).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
    }
  })

  test('a slot that is closed, of an older generation or unknown fails with EBADF', () => {
    const [a, b] = slots()
    native.close(a)
    const again = reactor.adopt(native.socket(AF_UNIX!, SOCK_STREAM!, 0), 0).id
    expect(again & INDEX_MASK).toBe(a & INDEX_MASK)
    expect(again).not.toBe(a)
    for (const stale of [a, INDEX_MASK, -1, -0x80000000]) expect(call(stale as never)).toBe(EBADF)
    expect(native.getsockopt(again, SOL_SOCKET!, SO_TYPE!, value)).toBe(4)
    native.close(again)
    native.close(b)
  })
})

test('functions return the result or the negative errno, and recv and send use offset and length', () => {
  const [a, b] = slots()
  const into = Buffer.alloc(8, '.')
  expect(native.recv(b, into, 0)).toBe(EAGAIN)
  expect(native.send(a, Buffer.from('xhellox'), 0, 1, 5)).toBe(5)
  expect(native.recv(b, into, 0, 2, 5)).toBe(5)
  expect(String(into)).toBe('..hello.')
  expect(native.listen(a, 1)).toBe(EINVAL)
  expect(native.fcntl(a, 1, 0)).toBe(1) // FD_CLOEXEC
  expect(native.fcntl(a, 9999, 0)).toBe(EINVAL)
  expect([native.close(a), native.close(a)]).toEqual([0, EBADF])
  expect(native.recv(b, into, 0, 0, 8)).toBe(0)
  expect(native.send(b, into, 0)).toBe(-32)
  native.close(b)
})

test('offset and length are checked against the present size of the memory', () => {
  const [a, b] = slots(SOCK_DGRAM)
  for (const [offset, size] of [
    [0, 17],
    [17, 0],
    [16, 1],
    [-1, 1],
    [1.5, 1],
    [0, NaN],
    [0, -1],
    [2 ** 52, 2 ** 52],
  ] as const) {
    for (const call of [native.recv, native.send, native.recvfrom]) {
      expect(thrown(() => call(a, buffer, 0, offset, size)).code).toBe('ERR_OUT_OF_RANGE')
    }
  }
  const gone = new Uint8Array(8)
  structuredClone(gone.buffer, { transfer: [gone.buffer] })
  expect(thrown(() => native.recv(a, gone, 0, 0, 8)).code).toBe('ERR_OUT_OF_RANGE')
  for (const bad of ['text', null, undefined, [1], new ArrayBuffer(8)]) {
    expect(thrown(() => native.send(a, bad as never, 0)).message).toContain('"buffer"')
    expect(thrown(() => native.sendmsg(a, [bad as never], null, 0, null)).message).toContain('"buffers"')
  }
  expect(thrown(() => native.recvmsg(a, Array(1025).fill(buffer), null, 0)).code).toBe('ERR_OUT_OF_RANGE')
  const getsockopt = (length: Int32Array): number =>
    native.raw.getsockopt(native.descriptor(a), SOL_SOCKET!, SO_TYPE!, value, length)
  for (const bad of [Int32Array.of(5), [4] as never])
    expect(thrown(() => getsockopt(bad)).message).toContain('"length"')
  expect(thrown(() => native.setsockopt(a, SOL_SOCKET!, 2, value, 5)).message).toContain('"length"')
  native.close(a)
  native.close(b)
})

test('detach returns the descriptor once, and the descriptor stays open', () => {
  const fd = native.socket(AF_UNIX!, SOCK_STREAM!, 0)
  const { id } = reactor.adopt(fd, 0)
  expect(reactor.memory.idAt(id & INDEX_MASK)).toBe(id)
  expect([native.detach(id), native.detach(id)]).toEqual([fd, EBADF])
  expect([native.closeFd(fd), native.closeFd(fd)]).toEqual([0, EBADF])
  expect(native.inspect(fd, new Int32Array(3))).toBe(EBADF)
  expect(native.inspect(0, new Int32Array(3))).toBe(ENOTSOCK)
})
