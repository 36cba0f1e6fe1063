import { constants as system } from 'node:os'
import { AF_INET, constants, IPPROTO_TCP, Socket, SOCK_DGRAM, SOL_SOCKET, SO_TYPE } from '../../lib'
import { native } from '../../lib/binding/binding'
import { reactor } from '../../lib/reactor'
import { runPython } from '../helpers/child'
import { thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { withSlot } from './slot'

const { SOCK_STREAM } = constants as Record<string, number>
const code = (name: string): number => -(system.errno as Record<string, number>)[name]!

testIf(
  missing.linux() ?? missing.python(),
  'SO_GET_FILTER with a small buffer writes nothing behind it',
  async () => {
    const socket = new Socket(AF_INET, SOCK_DGRAM)
    await runPython(
      `
import socket, struct, ctypes
s = socket.socket(fileno=3)
code = b''.join(struct.pack('HBBI', 0, 0, 0, k) for k in range(9)) + struct.pack('HBBI', 6, 0, 0, 0xffff)
memory = ctypes.create_string_buffer(code)
s.setsockopt(socket.SOL_SOCKET, 26, struct.pack('HL', 10, ctypes.addressof(memory)))
`,
      [socket.fd],
    )
    const { SO_GET_FILTER } = constants as { SO_GET_FILTER: number }
    expect(thrown(() => socket.getsockopt(SOL_SOCKET, SO_GET_FILTER, 16)).code).toBe('EINVAL')
    const program = socket.getsockopt(SOL_SOCKET, SO_GET_FILTER, 80)
    expect(program.length).toBe(80)
    expect(program.readUInt16LE(72)).toBe(6)
    expect(socket.getsockopt(SOL_SOCKET, SO_GET_FILTER, 200).length).toBe(80)
    socket.close()
  },
)

test('getsockopt returns a number or bytes, and setsockopt refuses text', () => {
  const socket = new Socket(AF_INET, SOCK_DGRAM)
  expect(socket.getsockopt(SOL_SOCKET, SO_TYPE)).toBe(SOCK_DGRAM)
  expect([...socket.getsockopt(SOL_SOCKET, SO_TYPE, 16)]).toEqual([SOCK_DGRAM, 0, 0, 0])
  expect(thrown(() => socket.getsockopt(SOL_SOCKET, 9999)).code).toBe('ENOPROTOOPT')
  expect(thrown(() => socket.setsockopt(SOL_SOCKET, SO_TYPE, 'x' as never)).code).toBe('ERR_INVALID_ARG_TYPE')
  socket.close()
})

test('ioctl with FIONREAD returns a number, or fills bytes', async () => {
  const FIONREAD = constants.FIONREAD!
  const [a, b] = Socket.pair()
  await a.send(Buffer.alloc(1234))
  expect(b.ioctl(FIONREAD)).toBe(1234)
  const bytes = new Int32Array(1)
  expect([b.ioctl(FIONREAD, bytes), bytes[0]]).toEqual([0, 1234])
  expect(thrown(() => b.ioctl(0x12345678)).code).toMatch(/^E/)
  a.close()
  b.close()
})

describe('options', () => {
  test('the kernel writes no more than the length, and a length beyond the buffer is refused', () => {
    withSlot(slot => {
      const value = new Uint8Array(4).fill(9)
      expect(native.getsockopt(slot, SOL_SOCKET, SO_TYPE, value.subarray(0, 1))).toBe(1)
      expect([...value]).toEqual([SOCK_DGRAM, 9, 9, 9])
      const { raw } = native
      const [fd, length] = [native.descriptor(slot), Int32Array.of(2)]
      value.fill(9)
      expect(raw.getsockopt(fd, SOL_SOCKET, SO_TYPE, value, length)).toBe(0)
      expect([[...value], length[0]]).toEqual([[SOCK_DGRAM, 0, 9, 9], 2])
      for (const wrong of [-1, 5]) {
        const call = () => raw.getsockopt(fd, SOL_SOCKET, SO_TYPE, value, Int32Array.of(wrong))
        expect(thrown(call).code).toBe('ERR_OUT_OF_RANGE')
      }
      expect(native.setsockopt(slot, SOL_SOCKET, 2, null, 4)).toBeLessThan(0)
      expect(native.ioctl(slot, 0x541b, new Uint8Array((1 << 14) + 1))).toBe(code('EINVAL'))
      expect(native.ioctl(slot, 0x541b, new Uint8Array(0))).toBe(
        process.platform === 'linux' ? 0 : code('ENOTTY'),
      )
    })
  })

  testIf(missing.linux(), 'a filter of an invalid length, or one that is too long, fails with EINVAL', () => {
    const SO_ATTACH_FILTER = constants.SO_ATTACH_FILTER!
    withSlot(slot => {
      for (const size of [7, 8 * 65536]) {
        expect(native.setProgram(slot, SOL_SOCKET, SO_ATTACH_FILTER, new Uint8Array(size))).toBe(
          code('EINVAL'),
        )
      }
    })
  })

  testIf(
    missing.linux(),
    'an ioctl that is not in the list of safe requests fails with EPERM before the kernel sees it',
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
  'an option value that contains an address is refused, because the kernel would map memory there',
  () => {
    const TCP_ZEROCOPY_RECEIVE = 35
    const { id } = reactor.adopt(native.socket(AF_INET, SOCK_STREAM!, 0), 0)
    const get = (value: Uint8Array): number => native.getsockopt(id, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, value)
    expect(get(new Uint8Array(24).fill(1, 0, 8))).toBe(code('EPERM'))
    expect(get(new Uint8Array(25))).toBe(code('EPERM')) // the fields behind the first 24 bytes hold more addresses
    for (const size of [4, 24]) expect(get(new Uint8Array(size))).not.toBe(code('EPERM'))
    native.close(id)
  },
)
