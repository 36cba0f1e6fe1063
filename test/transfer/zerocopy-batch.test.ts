import { existsSync, readFileSync } from 'node:fs'
import { AF_INET, allocZeroCopy, Socket, SOCK_DGRAM, SOCK_STREAM } from '../../lib'
import { Socket as Blocking } from '../../lib/sync'
import { failure } from '../helpers/errors'
import { keeper } from '../helpers/keep'
import { missing, testIf } from '../helpers/need'
import { pattern, receive } from '../helpers/pairs'

const linux = missing.linux()
const within = { timeout: 5000 }
type Failure = Error & { code: string; bytesSent: number; buffers?: Uint8Array[]; buffer?: Uint8Array }

const keep = keeper()
const huge = '/sys/kernel/mm/transparent_hugepage/enabled'

/** Returns the number of KiB of this process that may have huge pages. */
const hugeMemory = (): number =>
  readFileSync('/proc/self/smaps', 'utf8')
    .split(/^(?=[\da-f]+-)/m)
    .filter(mapping => /^VmFlags:.* hg/m.test(mapping))
    .reduce((sum, mapping) => sum + Number(/^Size: +(\d+)/m.exec(mapping)![1]), 0)

/** Returns memory that no other buffer shares. */
const own = (size: number, fill: number): Uint8Array => new Uint8Array(size).fill(fill)

async function tcp(): Promise<[Socket, Socket]> {
  const listener = new Socket(AF_INET, SOCK_STREAM).bind(['127.0.0.1', 0]).listen()
  const a = keep(new Socket(AF_INET, SOCK_STREAM))
  const [b] = await Promise.all([listener.accept(), a.connect(listener.getsockname())])
  listener.close()
  return [a, keep(b)]
}

async function udp(): Promise<[Socket, Socket]> {
  const b = keep(new Socket(AF_INET, SOCK_DGRAM)).bind(['127.0.0.1', 0])
  const a = keep(new Socket(AF_INET, SOCK_DGRAM))
  await a.connect(b.getsockname())
  return [a, b]
}

testIf(linux, 'an array is sent in order over a stream, and every memory is returned', async () => {
  const [a, b] = await tcp()
  const whole = pattern(300_000)
  const memory = new ArrayBuffer(200_000)
  new Uint8Array(memory).set(whole.subarray(0, 200_000))
  const slab = allocZeroCopy(100_000)
  slab.set(whole.subarray(200_000))
  // Two views of one ArrayBuffer, an empty view, and memory that is not detached.
  const views = [new Uint8Array(memory, 0, 50_000), own(0, 0), new DataView(memory, 50_000), slab]
  const sending = a.sendZeroCopy(views, within)
  expect(memory.byteLength).toBe(0)
  expect(slab.length).toBe(100_000)
  expect(a.zeroCopyStatistics().pending).toBe(1)
  expect((await receive(b, 300_000)).equals(whole)).toBe(true)
  const { bytes, copied, buffers } = await sending
  expect([bytes, copied]).toEqual([300_000, true]) // loopback always copies
  expect(Buffer.concat(buffers).equals(whole)).toBe(true)
  expect(buffers.map(({ byteOffset, length }) => [byteOffset, length])).toEqual([
    [0, 50_000],
    [0, 0],
    [50_000, 150_000],
    [0, 100_000],
  ])
  expect(buffers[0]!.buffer).toBe(buffers[2]!.buffer)
  expect(a.zeroCopyStatistics()).toMatchObject({ sends: 1, bytes: 300_000, pending: 0 })
})

testIf(linux, 'an array over UDP is a datagram for each element, an empty one too', async () => {
  const [a, b] = await udp()
  const sending = a.sendZeroCopy([own(3000, 1), own(0, 0), own(2000, 2)], within)
  const got = [await b.recv(9000, within), await b.recv(9000, within), await b.recv(9000, within)]
  expect(got.map(({ length }) => length)).toEqual([3000, 0, 2000])
  expect((await sending).buffers.map(({ length }) => length)).toEqual([3000, 0, 2000])
})

testIf(linux, 'an array of more elements than one turn sends, and an empty array', async () => {
  const [a, b] = await tcp()
  const slab = allocZeroCopy(1 << 20)
  pattern(1 << 20).copy(slab)
  const parts = Array.from({ length: 256 }, (_, i) => slab.subarray(i << 12, (i + 1) << 12))
  const [{ bytes }, got] = await Promise.all([a.sendZeroCopy(parts, within), receive(b, 1 << 20)])
  expect([bytes, got.equals(slab)]).toEqual([1 << 20, true])
  expect(await a.sendZeroCopy([], within)).toEqual({ bytes: 0, copied: true, buffers: [] })
})

testIf(
  linux,
  'an array on a socket that another holder may have is copied, and nothing is detached',
  async () => {
    const [a, b] = await tcp()
    expect(a.fd).toBeGreaterThan(0)
    const views = [own(30_000, 1), own(20_000, 2)]
    const sending = a.sendZeroCopy(views, within)
    expect(views.map(({ length }) => length)).toEqual([30_000, 20_000])
    expect((await receive(b, 50_000)).lastIndexOf(1)).toBe(29_999)
    expect(await sending).toMatchObject({ bytes: 50_000, copied: true })
  },
)

testIf(
  linux,
  'a datagram that fails: bytesSent counts those before it, and the memory is returned',
  async () => {
    const [a, b] = await udp()
    const views = [own(1000, 1), own(70_000, 2), own(1000, 3)] // the second is too long
    const error = (await failure(a.sendZeroCopy(views, within))) as Failure
    expect(views.map(({ length }) => length)).toEqual([0, 0, 0])
    expect(error).toMatchObject({ code: 'EMSGSIZE', bytesSent: 1000 })
    expect(error.buffers?.map(({ length }) => length)).toEqual([1000, 70_000, 1000])
    expect(a.zeroCopyStatistics().pending).toBe(0)
    expect((await b.recv(9000, within)).length).toBe(1000)
    expect(b.tryRecv(9000)).toBeNull()
  },
)

testIf(linux, 'an array whose stream cannot take all bytes in time returns no memory', async () => {
  const [a, b] = await tcp()
  const views = [own(8 << 20, 1), own(8 << 20, 2)]
  const error = (await failure(a.sendZeroCopy(views, { timeout: 20 }))) as Failure
  expect(error.code).toBe('ERR_SOCKET_TIMEOUT')
  expect(error.bytesSent).toBeLessThan(16 << 20)
  expect([error.buffer, error.buffers]).toEqual([undefined, undefined])
  expect(await receive(b, error.bytesSent)).toHaveLength(error.bytesSent)
})

testIf(linux, 'a bad element names its place, and no memory is taken', async () => {
  const [a] = await tcp()
  const good = own(100, 1)
  for (const bad of ['text', Buffer.from('pooled'), new Uint8Array(new SharedArrayBuffer(10)), undefined]) {
    const error = (await failure(a.sendZeroCopy([good, bad as Uint8Array]))) as Failure
    expect(error).toMatchObject({
      code: 'ERR_INVALID_ARG_TYPE',
      message: expect.stringContaining('data[1]') as string,
    })
    expect(good.length).toBe(100)
  }
})

testIf(linux, 'memory that the runtime refuses to detach: the error returns what was taken', async () => {
  const [a] = await tcp()
  const { WebAssembly } = globalThis as unknown as {
    WebAssembly: { Memory: new (options: object) => { buffer: ArrayBuffer } }
  }
  const wasm = new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer, 0, 10)
  const error = (await failure(a.sendZeroCopy([own(100, 7), wasm]))) as Failure
  expect(error.code).toBe('ERR_INVALID_ARG_TYPE')
  expect(error.buffers).toEqual([own(100, 7), own(10, 0)])
})

testIf(linux, 'code of the caller in an array runs before the checks: it may close the socket', async () => {
  const [a] = await tcp()
  const good = own(100, 1)
  const views = [good, good]
  Object.defineProperty(views, 1, {
    get: () => {
      a.close()
      return good
    },
  })
  expect((await failure(a.sendZeroCopy(views))).code).toBe('EBADF')
  expect(good.length).toBe(100)
})

testIf(linux, 'memory that the caller detaches before all is copied ends the send', async () => {
  const [a, b] = await tcp()
  expect(a.fd).toBeGreaterThan(0) // another holder may have the socket: sendZeroCopy copies
  const memory = new ArrayBuffer(80 << 10)
  const views = Array.from({ length: 80 }, (_, i) => new Uint8Array(memory, i << 10, 1 << 10))
  const sending = failure(a.sendZeroCopy(views, within)) // one turn sends 64 of them
  structuredClone(memory, { transfer: [memory] })
  expect(await sending).toMatchObject({ code: 'ERR_BUFFER_DETACHED', bytesSent: 64 << 10 })
  expect(await receive(b, 64 << 10)).toHaveLength(64 << 10)
})

testIf(linux, 'sends of one turn complete together, each with its own memory', async () => {
  const [a, b] = await tcp()
  const slab = allocZeroCopy(100_000)
  const sends = Array.from({ length: 10 }, (_, i) =>
    a.sendZeroCopy(slab.subarray(i * 10_000, (i + 1) * 10_000), within),
  )
  expect(a.zeroCopyStatistics().pending).toBe(10)
  await receive(b, 100_000)
  const results = await Promise.all(sends)
  expect(results.map(({ buffer }) => buffer.byteOffset)).toEqual(sends.map((_, i) => i * 10_000))
})

testIf(linux, 'bsd-sockets/sync sends arrays', () => {
  const b = keep(new Blocking(AF_INET, SOCK_DGRAM)).bind(['127.0.0.1', 0])
  const a = keep(new Blocking(AF_INET, SOCK_DGRAM))
  a.connect(b.getsockname())
  const { bytes, buffers } = a.sendZeroCopy([own(3000, 1), own(2000, 2)], within)
  expect([bytes, buffers.map(({ length }) => length)]).toEqual([5000, [3000, 2000]])
  expect([b.recv(9000).length, b.recv(9000).length]).toEqual([3000, 2000])
  expect(() => a.sendZeroCopy([own(1000, 1), own(70_000, 2)], within)).toThrow(
    expect.objectContaining({ code: 'EMSGSIZE', bytesSent: 1000, buffers: expect.any(Array) as unknown }),
  )
})

testIf(linux ?? (existsSync(huge) ? null : 'no huge pages'), 'allocZeroCopy asks for huge pages', () => {
  const before = hugeMemory()
  const slab = allocZeroCopy(8 << 20)
  expect(hugeMemory() - before).toBeGreaterThanOrEqual(8 << 10)
  expect(slab.every(byte => byte === 0)).toBe(true)
})
