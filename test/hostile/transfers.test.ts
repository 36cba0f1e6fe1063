import { readdirSync } from 'node:fs'
import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { type FdHandle, Socket } from '../../lib'
import { failure } from '../helpers/errors'
import { testIf } from '../helpers/need'
import { turn } from '../helpers/pairs'
import {
  endWorker,
  HELD,
  longestStall,
  needsFuse,
  needsFuseBlock,
  silentFiles,
  type Helper,
} from '../helpers/stalls'

/* No transfer of a file whose server never answers may block the event loop or the thread pool. */
jest.setTimeout(30000)

// After the server has ended, the blocked threads return one by one and close their descriptors.
const open = (): number => (needsFuse === null ? readdirSync('/proc/self/fd').length : 0)
let before = 0
beforeAll(() => void (before = open()))
afterEach(async () => {
  while (open() > before) await turn()
})

async function files(
  count: number,
  mode: 'r' | 'w' = 'r',
  answered = 0,
  kind: 'fuse' | 'fuseblk' = 'fuse',
): Promise<{ server: Helper; handles: FdHandle[] }> {
  const [a, b] = Socket.pair()
  const server = silentFiles(a.fd, count, mode, answered, kind)
  await server.ready
  const handles: FdHandle[] = []
  while (handles.length < count) handles.push(...(await b.recvFds(1, 5)).fds)
  a.close()
  b.close()
  return { server, handles }
}

const leaving = {
  timeout: ['ERR_SOCKET_TIMEOUT', (): object => ({ timeout: 50 })],
  signal: ['ABORT_ERR', (): object => ({ signal: AbortSignal.timeout(50) })],
  close: ['ECANCELED', (socket: Socket): object => (setTimeout(() => socket.close(), 50), {})],
} as const

for (const [way, [code, op]] of Object.entries(leaving)) {
  testIf(needsFuse, `sendfile of a file that never answers ends by ${way}`, async () => {
    const { server, handles } = await files(1)
    const [a, b] = Socket.pair()
    const stall = await longestStall(async () => {
      const error = await failure(a.sendfile(handles[0]!, op(a)))
      expect(error).toMatchObject({ code, bytesSent: 0 })
      if (way !== 'close') {
        await a.sendAll(Buffer.from('next'), { timeout: 2000 })
        a.close()
      }
      expect(String(await b.recv(100, { timeout: 2000 }))).toBe(way === 'close' ? '' : 'next')
      handles[0]!.close()
    })
    expect(stall).toBeLessThan(HELD)
    b.close()
    await server.end()
  })

  testIf(needsFuse, `splice to a file that never answers ends by ${way}`, async () => {
    const { server, handles } = await files(1, 'w')
    const [from, source] = Socket.pair()
    await from.sendAll(Buffer.alloc(1000))
    const stall = await longestStall(async () => {
      expect((await failure(source.splice(handles[0]!, op(source)))).code).toBe(code)
      handles[0]!.close()
    })
    expect(stall).toBeLessThan(HELD)
    from.close()
    source.close()
    await server.end()
  })
}

testIf(
  needsFuse,
  'if a file stops answering, bytesSent is the number of bytes that the peer receives',
  async () => {
    const { server, handles } = await files(1, 'r', 262144)
    const [a, b] = Socket.pair()
    const received = (async () => {
      let got = 0
      for await (const part of b.chunks()) got += part.length
      return got
    })()
    const error = await failure(a.sendfile(handles[0]!, { timeout: 500 }))
    expect(error.code).toBe('ERR_SOCKET_TIMEOUT')
    await server.end() // the data that the thread read late must not be sent
    await turn()
    a.close()
    expect(await received).toBe(error.bytesSent)
    handles[0]!.close()
    b.close()
  },
)

testIf(
  needsFuse,
  'trySendfile and sendfile with timeout 0 never read a file that is not in the page cache',
  async () => {
    const { server, handles } = await files(1)
    const [a, b] = Socket.pair()
    const stall = await longestStall(async () => {
      expect(a.trySendfile(handles[0]!)).toBeNull()
      expect((await failure(a.sendfile(handles[0]!, { timeout: 0 }))).code).toBe('EAGAIN')
    })
    expect(stall).toBeLessThan(HELD)
    handles[0]!.close()
    a.close()
    b.close()
    await server.end()
  },
)

testIf(
  needsFuseBlock,
  'a file of a FUSE file system on a block device is not read on the event loop, although its pages are in the cache',
  async () => {
    const { server, handles } = await files(1, 'r', 0, 'fuseblk')
    const [a, b] = Socket.pair()
    const stall = await longestStall(async () => {
      expect(a.trySendfile(handles[0]!, { length: 65536 })).toBeNull()
      const error = await failure(a.sendfile(handles[0]!, { length: 65536, timeout: 50 }))
      expect(error).toMatchObject({ code: 'ERR_SOCKET_TIMEOUT', bytesSent: 0 })
    })
    expect(stall).toBeLessThan(HELD)
    handles[0]!.close()
    a.close()
    b.close()
    await server.end()
  },
)

testIf(needsFuse, 'many transfers that never end leave threads of the pool for fs and dns', async () => {
  const { server, handles } = await files(12)
  const pairs = handles.map(() => Socket.pair())
  const stop = new AbortController()
  const sending = pairs.map(([a], i) => failure(a.sendfile(handles[i]!, { signal: stop.signal })))
  await turn()
  const stall = await longestStall(async () => {
    await readFile(__filename)
    await lookup('127.0.0.1')
    await Promise.all([1, 2, 3, 4].map(() => readFile(__filename)))
  })
  expect(stall).toBeLessThan(HELD)
  stop.abort()
  for (const error of await Promise.all(sending)) expect(error.name).toBe('AbortError')
  for (const handle of handles) handle.close()
  for (const socket of pairs.flat()) socket.close()
  await server.end()
})

testIf(needsFuse, 'a worker ends although its transfer never ends', async () => {
  const { server, handles } = await files(1)
  await endWorker(`
    globalThis.kept = Socket.pair()
    kept[0].sendfile(${handles[0]!.fd}).catch(() => undefined)`)
  handles[0]!.close()
  await server.end()
})
