import { AF_INET, constants, Socket, SOCK_DGRAM, SOL_SOCKET, SO_TYPE } from '../../lib'
import { runPython } from '../helpers/child'
import { thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'

testIf(
  missing.linux() ?? missing.python(),
  'SO_GET_FILTER with a small buffer writes no further than it',
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

test('numbers and bytes', () => {
  const socket = new Socket(AF_INET, SOCK_DGRAM)
  expect(socket.getsockopt(SOL_SOCKET, SO_TYPE)).toBe(SOCK_DGRAM)
  expect([...socket.getsockopt(SOL_SOCKET, SO_TYPE, 16)]).toEqual([SOCK_DGRAM, 0, 0, 0])
  expect(thrown(() => socket.getsockopt(SOL_SOCKET, 9999)).code).toBe('ENOPROTOOPT')
  expect(thrown(() => socket.setsockopt(SOL_SOCKET, SO_TYPE, 'x' as never)).code).toBe('ERR_INVALID_ARG_TYPE')
  socket.close()
})

test('FIONREAD, as a number and in bytes', async () => {
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
