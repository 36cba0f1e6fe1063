import { Socket, AF_INET, SOCK_DGRAM, AF_UNIX, SOCK_STREAM } from '../../lib'
import { failure, thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'

const bytes = (text: string): Buffer => Buffer.from(text)

test('a receive fills the current length of a view that grew since the last receive', async () => {
  const Resizable = ArrayBuffer as unknown as new (
    n: number,
    o: object,
  ) => ArrayBuffer & { resize(n: number): void }
  const memory = new Resizable(8, { maxByteLength: 64 })
  const view = new Uint8Array(memory)
  const [a, b] = Socket.pair()
  for (const [size, text] of [
    [8, 'eight by'],
    [60, 'A'.repeat(60)],
  ] as const) {
    memory.resize(size)
    const received = b.recvInto(view)
    await a.send(bytes(text))
    expect(await received).toBe(size)
    expect(Buffer.from(view).toString()).toBe(text)
  }
  a.close()
  b.close()
})

testIf(missing.linux(), 'ioctl rejects a request whose argument contains a pointer with EPERM', () => {
  const socket = new Socket(AF_INET, SOCK_DGRAM)
  const SIOCGIFCONF = 0x8912
  const SIOCETHTOOL = 0x8946
  for (const request of [SIOCGIFCONF, SIOCETHTOOL, 0x89f0, 0x8b01]) {
    expect(thrown(() => socket.ioctl(request, Buffer.alloc(40, 0x41)))).toMatchObject({ code: 'EPERM' })
  }
  socket.close()
})

testIf(
  missing.linux(),
  'connect to a path in detached memory fails with an errno instead of an error of V8',
  async () => {
    const path = new Uint8Array(new ArrayBuffer(8)).fill(97)
    structuredClone(path.buffer, { transfer: [path.buffer] })
    const socket = new Socket(AF_UNIX, SOCK_STREAM)
    expect((await failure(socket.connect(path))).code).toMatch(/^E[A-Z]+$/)
    socket.close()
  },
)
