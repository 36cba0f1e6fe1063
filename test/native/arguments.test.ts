import { constants } from '../../lib'
import { native } from '../../lib/binding/binding'
import { reactor } from '../../lib/reactor'
import { thrown } from '../helpers/errors'

/*
 * Every argument of every native function, on an open socket. A missing argument or one of a wrong type throws an error
 * that names it, and the function does nothing.
 */
const { AF_UNIX, SOCK_STREAM } = constants as Record<string, number>
const ABSENT = Symbol('absent')

interface Kind {
  good: () => unknown
  types: unknown[]
  ranges: unknown[]
}

const kinds: Record<string, Kind> = {
  /** A 32-bit integer. */
  int: { good: () => 0, types: [ABSENT, undefined, null, '1', {}, 1n], ranges: [NaN, 0.5, 2 ** 40, -(2 ** 31) - 1] },
  /** An integer that may be absent, and is then 0. */
  flags: { good: () => 0, types: [null, '1'], ranges: [NaN, 2 ** 40] },
  /** The id of another slot. */
  id: { good: () => -1, types: [ABSENT, undefined, null, '1', {}, 1n], ranges: [NaN, 0.5, 2 ** 53, -(2 ** 53)] },
  /** An integer that is not negative. */
  size: { good: () => 1, types: [ABSENT, null, '1'], ranges: [NaN, 0.5, -1, 2 ** 54] },
  choice: { good: () => 1, types: [ABSENT, null, '1'], ranges: [NaN, 0.5, -1, 3] },
  /** An offset into a buffer or a file. If it is absent, the whole buffer is used, or the file's own offset. */
  offset: { good: () => 1, types: ['1', {}], ranges: [NaN, 0.5, -1, 2 ** 54] },
  bytes: { good: () => new Uint8Array(128), types: [ABSENT, null, 5, 'text', [1], new ArrayBuffer(4)], ranges: [] },
  optional: { good: () => null, types: [5, 'text', [1]], ranges: [] },
  /** An `int *` or a `socklen_t *`. */
  reference: {
    good: () => Int32Array.of(1),
    types: [ABSENT, null, 5, new Uint32Array(4), new Int32Array(0)],
    ranges: [],
  },
  /** A buffer for an address, which may be absent, and its length. */
  address: { good: () => new Uint8Array(128), types: [5, 'text'], ranges: [] },
  length: {
    good: () => Int32Array.of(128),
    types: [ABSENT, null, 5, new Uint32Array(4), new Int32Array(0)],
    ranges: [Int32Array.of(-1), Int32Array.of(129)],
  },
  integers: { good: () => null, types: [5, new Uint32Array(64), new Int32Array(1)], ranges: [] },
  buffers: { good: () => [], types: [ABSENT, null, 5, [5], [null]], ranges: [Array(1025).fill(new Uint8Array(1))] },
  /** The same where an offset and a length in the buffer follow. */
  parts: { good: () => new Uint8Array(128), types: [ABSENT, null, 5, [5], [null]], ranges: [] },
} // prettier-ignore

const io = [
  'bind address:bytes',
  'connect address:bytes',
  'listen backlog:int',
  'accept address:address addressLength:length',
  'getsockname address:address addressLength:length',
  'getpeername address:address addressLength:length',
  'shutdown how:int',
  'fcntl command:int argument:int',
  'recv buffer:bytes flags:int offset:offset length:size',
  'recvfrom buffer:bytes flags:int offset:offset length:size address:address addressLength:length',
  'send buffer:bytes flags:flags offset:offset length:size',
  'sendto buffer:bytes flags:int address:bytes offset:offset length:size',
  'sendmsg buffers:buffers control:optional flags:int address:optional',
  'setsockopt level:int name:int value:optional length:size',
  'setProgram level:int name:int instructions:bytes',
  'ioctl request:int argument:bytes',
]

/** The first argument, the slot or the file descriptor, is left out of these rows. */
const bySlot = [
  ...io,
  'getsockopt level:int name:int value:bytes',
  'recvmsg buffers:buffers control:optional flags:int',
  'recvmsg buffers:parts control:optional flags:int offset:offset length:size',
  'watch writing:int again:int',
  'lentToKernel lentToKernel:int',
  'sendZeroCopy buffers:buffers flags:flags',
  'sendZeroCopy buffers:parts flags:flags offset:offset length:size',
  'recvmmsg data:bytes names:optional control:optional fields:reference size:size controlSize:size first:size count:size flags:int',
  'recvPacked buffers:parts names:optional control:optional fields:reference size:size controlSize:size stride:size count:size flags:int expected:size',
  'sendmmsg data:bytes names:optional control:optional fields:reference size:size controlSize:size first:size count:size flags:int',
  'sendfile file:id offset:size count:size part:size microseconds:size uncached:choice',
  'sendfileFrom fd:int offset:size count:size part:size microseconds:size uncached:choice',
  'transferJob to:id other:id offset:offset count:size ticket:int',
  'splice to:id count:size',
  'read buffer:bytes',
  'write buffer:bytes',
  'interfaceIndex name:bytes',
  'interfaceName index:size into:bytes',
  'interfaceOfAddress address:bytes',
  'hardwareTimestamps name:bytes config:integers set:int',
  'ringOpen block_size:size blocks:size frame_size:size timeout:size',
  'ringTake into:bytes',
]
const byDescriptor = [
  'inspect kind:integers',
  'adopt traits:size',
  'socketIn domain:int type:int protocol:int',
  'lookupIn kind:size first:optional second:optional number:int number:int number:int number:int',
]
const plain = [
  'socket domain:int type:int protocol:int',
  'socketpair domain:int type:int protocol:int fds:integers',
  'pipe size:size',
  'poll descriptors:bytes timeout:int',
  'gather descriptors:bytes',
  'if_nametoindex name:bytes',
  'if_indextoname index:size into:bytes',
  'if_nameindex into:bytes',
  'lookup kind:size first:optional second:optional number:int number:int number:int number:int',
  'lookupJob ticket:int kind:size first:optional second:optional number:int number:int number:int number:int',
  'takeReply into:bytes',
  'gethostname into:bytes',
  'sethostname name:bytes',
  'realtime into:integers',
  'setTable table:bytes',
  'allocate size:size',
]
const raw = [
  ...io,
  'getsockopt level:int name:int value:bytes length:reference',
  'recvmsg buffers:buffers control:optional flags:int address:address addressLength:length info:integers',
  'sendfile file:int offset:offset count:size',
  'splice inOffset:offset out:int outOffset:offset count:size flags:int',
]
const rawPlain = [
  'socket domain:int type:int protocol:int',
  'socketpair domain:int type:int protocol:int fds:integers',
]

type Call = (...values: unknown[]) => unknown

/** Makes one call for each invalid value of each argument. */
function refuses(calls: object, row: string, first: unknown[]): void {
  const [name, ...rest] = row.split(' ')
  const call = (calls as Record<string, Call>)[name!]!
  const parameters = rest.map(each => each.split(':') as [string, string])
  for (const [index, [parameter, kind]] of parameters.entries()) {
    const { types, ranges } = kinds[kind]!
    const good = parameters.map(each => kinds[each[1]]!.good())
    for (const bad of [...types, ...ranges]) {
      const values = bad === ABSENT ? good.slice(0, index) : good.with(index, bad)
      const error = thrown(() => call(...first, ...values))
      const code = types.includes(bad) ? 'ERR_INVALID_ARG_TYPE' : 'ERR_OUT_OF_RANGE'
      expect([row, bad, error.code]).toEqual([row, bad, code])
      // If several arguments are missing, the error may name any of them.
      const missing = bad === ABSENT ? parameters.slice(index) : [[parameter]]
      expect(missing.map(each => `"${each[0]}"`)).toContain(/"\w+"/.exec(error.message)?.[0])
    }
  }
}

describe('functions that take a slot', () => {
  test.each(bySlot)('the arguments are checked: %s', row => {
    const { id } = reactor.adopt(native.socket(AF_UNIX!, SOCK_STREAM!, 0), 0)
    refuses(native, row, [id])
    expect(native.listen(id, 1)).toBe(-22) // the socket is neither bound nor connected
    native.close(id)
  })
})

describe('functions that take a file descriptor', () => {
  const rows = [
    ...byDescriptor.map(row => [row, native] as const),
    ...raw.map(row => [row, native.raw] as const),
  ]
  test.each(rows)('the arguments are checked: %s', (row, calls) => {
    const fd = native.socket(AF_UNIX!, SOCK_STREAM!, 0)
    refuses(calls, row, [fd])
    for (const bad of [undefined, null, '1', 1n]) {
      expect(
        thrown(() => (calls as unknown as Record<string, Call>)[row.split(' ')[0]!]!(bad)).message,
      ).toContain('"fd"')
    }
    expect(native.closeFd(fd)).toBe(0)
  })
})

describe('functions that take neither a slot nor a file descriptor', () => {
  test.each(plain)('the arguments are checked: %s', row => refuses(native, row, []))
  test.each(rawPlain)('the arguments of raw are checked: %s', row => refuses(native.raw, row, []))
})

describe('the error names the first of several invalid arguments, and detached memory has no length', () => {
  const { AF_UNIX: family, SOCK_STREAM: type } = constants as Record<string, number>
  const gone = (): Int32Array => {
    const memory = new Int32Array(4)
    structuredClone(memory.buffer, { transfer: [memory.buffer] })
    return memory
  }

  test.each<[string, (fd: number) => unknown, string]>([
    ['two of a wrong type', fd => native.raw.getsockopt(fd, '1' as never, null as never, null as never, gone()), '"level"'],
    ['two out of range', fd => native.raw.fcntl(fd, 0.5, 2 ** 40), '"command"'],
    ['a length in memory that has gone', fd => native.raw.getsockopt(fd, 1, 3, new Uint8Array(4), gone()), '"length"'],
    ['results in memory that has gone', fd => native.inspect(fd, gone()), '"kind"'],
  ])('%s', (_, call, named) => {
    const fd = native.socket(family!, type!, 0)
    expect(thrown(() => call(fd)).message).toContain(named)
    expect(native.closeFd(fd)).toBe(0)
  }) // prettier-ignore

  test('an optional argument may be undefined', () => {
    const { id } = reactor.adopt(native.socket(family!, type!, 0), 0)
    const call = native.send as Call
    expect(call(id, new Uint8Array(1), 0, undefined)).toBe(call(id, new Uint8Array(1), 0))
    native.close(id)
  })

  test('an error thrown by a getter of the caller is passed on', () => {
    const fd = native.socket(family!, type!, 0)
    const list = Object.defineProperty([] as Uint8Array[], 0, {
      get() {
        throw new Error('mine')
      },
    })
    expect(thrown(() => native.raw.sendmsg(fd, list, null, 0, null)).message).toBe('mine')
    expect(native.closeFd(fd)).toBe(0)
  })
})
