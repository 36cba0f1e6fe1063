import { AF_UNIX, SHUT_WR, SO_SNDBUF, SOCK_DGRAM, SOCK_SEQPACKET, SOL_SOCKET, Socket } from '../../lib'
import { testIf, missing } from '../helpers/need'
import { pattern as bytes, turn } from '../helpers/pairs'

/*
 * sendAll tries one call at once, and an operation sends what the kernel did not take.
 */
const MIB = 1024 * 1024

/** Returns a pair with a small send buffer. */
function narrow(): [Socket, Socket] {
  const [a, b] = Socket.pair()
  a.setsockopt(SOL_SOCKET, SO_SNDBUF, 16 * 1024)
  return [a, b]
}

async function everything(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of socket.chunks()) parts.push(part)
  return Buffer.concat(parts)
}

test.each([0, 1, 16 * 1024, 100_000, MIB, MIB + 1, 5 * MIB])('%d bytes arrive in order', async size => {
  const [a, b] = narrow()
  const data = bytes(size)
  const received = everything(b)
  await Promise.all([a.sendAll(data), a.sendAll(Buffer.from('second'))])
  await a.sendAll(Buffer.from('third'))
  a.shutdown(SHUT_WR)
  expect((await received).equals(Buffer.concat([data, Buffer.from('secondthird')]))).toBe(true)
  a.close()
  b.close()
})

test.each([false, true])(
  'bytesSent is what the peer can receive, if the time is over (timeout of the call: %p)',
  async own => {
    const [a, b] = narrow()
    const data = bytes(MIB)
    if (!own) a.timeout = 20
    const error = await a.sendAll(data, own ? { timeout: 20 } : undefined).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'ERR_SOCKET_TIMEOUT' })
    a.close()
    const received = await everything(b)
    expect(error).toMatchObject({ bytesSent: received.length })
    expect(received.length).toBeGreaterThan(0)
    expect(received.equals(data.subarray(0, received.length))).toBe(true)
    b.close()
  },
)

test('a timeout of 0 rejects with EAGAIN and the bytes that were sent', async () => {
  const [a, b] = narrow()
  a.timeout = 0
  const error = await a.sendAll(bytes(MIB)).catch((reason: unknown) => reason)
  a.close()
  expect(error).toMatchObject({ code: 'EAGAIN', bytesSent: (await everything(b)).length })
  const [c, d] = Socket.pair()
  c.timeout = 0
  while (c.trySend(bytes(4096)) !== null);
  await expect(c.sendAll(bytes(4096))).rejects.toMatchObject({ code: 'EAGAIN', bytesSent: 0 })
  for (const socket of [b, c, d]) socket.close()
})

test('an error of the first call and of a later one has bytesSent', async () => {
  const [a, b] = narrow()
  const sending = a.sendAll(bytes(MIB)).catch((reason: unknown) => reason)
  await turn()
  const received = b.tryRecv(1000)
  b.close()
  const error = (await sending) as { code: string; bytesSent: number }
  expect(['EPIPE', 'ECONNRESET']).toContain(error.code)
  expect(error.bytesSent).toBeGreaterThanOrEqual(received!.length)
  expect(error.bytesSent).toBeLessThan(MIB)
  await expect(a.sendAll(bytes(1))).rejects.toMatchObject({ code: 'EPIPE', bytesSent: 0 })
  a.close()
  await expect(a.sendAll(bytes(1))).rejects.toMatchObject({ code: 'EBADF' })
})

testIf(missing.linux(), 'an empty message is sent once, a large one in one piece', async () => {
  for (const type of [SOCK_DGRAM, SOCK_SEQPACKET]) {
    const [a, b] = Socket.pair(AF_UNIX, type)
    await a.sendAll(Buffer.alloc(0))
    await a.sendAll(bytes(50_000))
    expect(b.tryRecv(10)).toHaveLength(0)
    expect(b.tryRecv(MIB)).toHaveLength(50_000)
    expect(b.tryRecv(10)).toBeNull()
    a.close()
    b.close()
  }
})

test('many sends that succeed at once let the event loop have its turns', async () => {
  const [a, b] = Socket.pair()
  let turns = 0
  let ended = false
  const counting = (async () => {
    for (; !ended; turns++) await turn()
  })()
  for (let i = 0; i < 1000; i++) {
    await a.sendAll(Buffer.from('x'))
    b.tryRecv(1)
  }
  ended = true
  await counting
  expect(turns).toBeGreaterThan(10)
  a.close()
  b.close()
})

test('memory that is detached while the rest waits rejects, and closes nothing', async () => {
  const [a, b] = narrow()
  const data = new Uint8Array(MIB)
  const sending = a.sendAll(data).catch((reason: unknown) => reason)
  structuredClone(data.buffer, { transfer: [data.buffer] })
  while (b.tryRecv(MIB) !== null) await turn()
  expect(await sending).toMatchObject({ code: 'ERR_BUFFER_DETACHED' })
  a.close()
  b.close()
})
