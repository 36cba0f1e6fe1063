import { AF_INET, SOCK_DGRAM, SOCK_STREAM, Socket as PromiseSocket, constants, options } from '../../lib'
import { Socket as SyncSocket } from '../../lib/sync'
import { outcome } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'

/*
 * Cases that CPython's socket module handles and a thin binding easily misses, and faults that CPython's module has. A
 * test for such a fault names its row in docs/python-parity.md. If Python can show the fault at once, the test also
 * runs Python: when Python repairs it, the test fails and the page can be updated.
 */
const code = (call: () => unknown): Promise<string> => outcome((async () => call())())
const linux = missing.linux()

// `await` also takes the plain results of the blocking Socket.
describe.each([
  ['bsd-sockets', PromiseSocket],
  ['bsd-sockets/sync', SyncSocket as unknown as typeof PromiseSocket],
] as const)('%s', (_, Socket) => {
  test('getsockopt returns a number, or at most the requested bytes', () => {
    const socket = new Socket(AF_INET)
    const { SOL_SOCKET, SO_TYPE } = constants
    expect(socket.getsockopt(SOL_SOCKET!, SO_TYPE!)).toBe(SOCK_STREAM)
    expect(socket.getsockopt(SOL_SOCKET!, SO_TYPE!, 64)).toHaveLength(4)
    expect(socket.getsockopt(SOL_SOCKET!, SO_TYPE!, 2)).toHaveLength(2)
    socket.close()
  })

  testIf(
    linux,
    'bind to a used address needs SO_REUSEADDR on both sockets, and only one can listen',
    async () => {
      const first = new Socket(AF_INET).bind(['127.0.0.1', 0])
      const second = new Socket(AF_INET).set(options.SO_REUSEADDR, true)
      expect(await code(() => second.bind(first.getsockname()))).toBe('EADDRINUSE')
      first.set(options.SO_REUSEADDR, true)
      second.bind(first.getsockname())
      first.listen()
      expect(await code(() => second.listen())).toBe('EADDRINUSE')
      first.close()
      second.close()
    },
  )

  testIf(linux, 'IP_MULTICAST_TTL can be set and read as one byte or as an int', () => {
    const socket = new Socket(AF_INET, SOCK_DGRAM)
    const { IPPROTO_IP, IP_MULTICAST_TTL } = constants
    socket.setsockopt(IPPROTO_IP!, IP_MULTICAST_TTL!, Buffer.of(7))
    expect(socket.getsockopt(IPPROTO_IP!, IP_MULTICAST_TTL!)).toBe(7)
    socket.setsockopt(IPPROTO_IP!, IP_MULTICAST_TTL!, 9)
    expect([...socket.getsockopt(IPPROTO_IP!, IP_MULTICAST_TTL!, 1)]).toEqual([9])
    socket.close()
  })
})

// D11 in docs/python-parity.md.
test('getsockopt accepts a size above 1024 bytes', () => {
  const socket = new PromiseSocket(AF_INET)
  const { SOL_SOCKET, SO_TYPE } = constants
  expect(socket.getsockopt(SOL_SOCKET!, SO_TYPE!, 100_000)).toHaveLength(4)
  socket.close()
})
