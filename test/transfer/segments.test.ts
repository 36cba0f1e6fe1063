import {
  AF_INET,
  AF_INET6,
  control,
  IP_RECVTTL,
  IPPROTO_IP,
  IPPROTO_UDP,
  Socket,
  SOCK_DGRAM,
} from '../../lib'
import { UDP_GRO } from '../../lib/linux'
import { Socket as Blocking } from '../../lib/sync'
import { failure } from '../helpers/errors'
import { drain, pattern, turn } from '../helpers/pairs'
import { missing, testIf } from '../helpers/need'

const families = [
  ['IPv4', AF_INET, '127.0.0.1'],
  ['IPv6', AF_INET6, '::1'],
] as const
let open: Socket[] = []
afterEach(() => {
  for (const socket of open) socket.close()
  open = []
})
function udp(family: number, host: string): Socket {
  const socket = new Socket(family, SOCK_DGRAM).bind([host, 0])
  open.push(socket)
  return socket
}

test('a large segmented send lets the event loop run other callbacks', async () => {
  const to = udp(AF_INET, '127.0.0.1') // receives what fits its buffer; the kernel drops the other datagrams
  const from = udp(AF_INET, '127.0.0.1')
  const data = Buffer.alloc(20_000_000)
  let turns = 0
  let sending = true
  const sent = from.sendmsg({ data, segmentSize: 1000, address: to.getsockname() })
  void sent.finally(() => (sending = false))
  while (sending) {
    await turn()
    turns++
  }
  expect(await sent).toBe(data.length)
  expect(turns).toBeGreaterThan(3)
  expect(from.trySendmsg({ data, segmentSize: 1000, address: to.getsockname() })).toBe(data.length)
})

describe.each(families)('segmentSize over %s', (_name, family, host) => {
  const pair = async (): Promise<[Socket, Socket]> => {
    const [from, to] = [udp(family, host), udp(family, host)]
    await from.connect(to.getsockname())
    return [from, to]
  }

  test('cuts one send into datagrams, and the last one may be shorter', async () => {
    const [from, to] = await pair()
    const data = pattern(1000)
    expect(await from.sendmsg({ data, segmentSize: 300 })).toBe(1000)
    expect(drain(to).map(part => part.length)).toEqual([300, 300, 300, 100])
    expect(await from.sendmsg({ data: [data.subarray(0, 450), data.subarray(450)], segmentSize: 500 })).toBe(
      1000,
    )
    expect(Buffer.concat(drain(to)).equals(data)).toBe(true)
  })

  test('makes several system calls if one cannot send all segments', async () => {
    const [from, to] = await pair()
    const data = pattern(100_000) // more than one datagram can hold, and at 100 bytes more segments than one call can send
    const sizes = async (segmentSize: number): Promise<number[]> => {
      const seen: number[] = []
      const got: Buffer[] = []
      const sending = from.sendmsg({ data: data.subarray(0, 30_000), segmentSize })
      expect(await sending).toBe(30_000)
      for (const part of drain(to)) {
        seen.push(part.length)
        got.push(part)
      }
      expect(Buffer.concat(got).equals(data.subarray(0, 30_000))).toBe(true)
      return seen
    }
    expect(await sizes(200)).toEqual(Array.from({ length: 150 }, () => 200))
    expect(await from.sendmsg({ data, segmentSize: 40_000 })).toBe(100_000)
    expect(drain(to, 65536).map(part => part.length)).toEqual([40_000, 40_000, 20_000])
  })

  test('sends to an address, also data of one segment and empty data', async () => {
    const [from, to] = [udp(family, host), udp(family, host)]
    const address = to.getsockname()
    expect(await from.sendmsg({ data: pattern(10), segmentSize: 300, address })).toBe(10)
    expect(await from.sendmsg({ data: Buffer.alloc(0), segmentSize: 300, address })).toBe(0)
    expect(await from.sendmsg({ data: pattern(20), segmentSize: 8, address })).toBe(20)
    expect(drain(to).map(part => part.length)).toEqual([10, 0, 8, 8, 4])
  })
})

testIf(
  missing.linux(),
  'every call of a segmented send has the control messages, and GRO joins the segments',
  async () => {
    const [from, to] = [udp(AF_INET, '127.0.0.1'), udp(AF_INET, '127.0.0.1')]
    to.setsockopt(IPPROTO_IP, IP_RECVTTL, 1)
    to.setsockopt(IPPROTO_UDP, UDP_GRO, 1)
    const data = pattern(5000)
    await from.sendmsg({ data, segmentSize: 1200, address: to.getsockname(), control: [control.ttl(7)] })
    const message = await to.recvmsg(65536)
    expect(message.meta).toMatchObject({ ttl: 7, segmentSize: 1200 })
    expect([...message.segments()].map(part => part.length)).toEqual([1200, 1200, 1200, 1200, 200])
    expect(message.data.equals(data)).toBe(true)
  },
)

test('a segmented send rejects an invalid size, a datagram that is too long, and a detached buffer', async () => {
  const socket = udp(AF_INET, '127.0.0.1')
  const address = socket.getsockname()
  const data = pattern(100)
  expect((await failure(socket.sendmsg({ data, segmentSize: 0, address }))).code).toBe('ERR_OUT_OF_RANGE')
  expect((await failure(socket.sendmsg({ data, segmentSize: 65536, address }))).code).toBe('ERR_OUT_OF_RANGE')
  const long = await failure(socket.sendmsg({ data: pattern(70_000), segmentSize: 65_535, address }))
  expect(long).toMatchObject({ code: 'EMSGSIZE', bytesSent: 0 })
})

test('the blocking Socket sends segments', () => {
  const [from, to] = [0, 1].map(() => new Blocking(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0]))
  expect(from!.sendmsg({ data: pattern(50), segmentSize: 20, address: to!.getsockname() })).toBe(50)
  expect([to!.recv(100).length, to!.recv(100).length, to!.recv(100).length]).toEqual([20, 20, 10])
  from!.close()
  to!.close()
})
