import { nodeBinary } from '../helpers/child'
import { AsyncLocalStorage } from 'node:async_hooks'
import { open } from 'node:fs/promises'
import { once } from 'node:events'
import { AF_UNIX, createConnection, createServer, serve, Socket, SOCK_DGRAM } from '../../lib'
import { abstractName, drain, turn } from '../helpers/pairs'
import { missing, testIf } from '../helpers/need'

const storage = new AsyncLocalStorage<string>()
const CHUNKS = 6

/** Receives in an async context of its own until the peer has closed. */
async function reader(socket: Socket): Promise<void> {
  while ((await socket.recv(65536)).length > 0) await turn()
}

testIf(
  missing.linux(),
  'onProgress of sendfile runs in the async context of the call, each time',
  async () => {
    const [a, b] = Socket.pair()
    const file = await open(nodeBinary)
    const seen = new Set<string | undefined>()
    let calls = 0
    const read = storage.run('reader', () => reader(b))
    await storage.run('caller', () =>
      a.sendfile(file, {
        length: 8 << 20,
        onProgress: () => {
          calls++
          seen.add(storage.getStore())
        },
      }),
    )
    a.close()
    await read
    b.close()
    await file.close()
    expect(calls).toBeGreaterThan(1)
    expect([...seen]).toEqual(['caller'])
  },
)

testIf(missing.linux(), 'onProgress of splice runs in the async context of the call, each time', async () => {
  const [a, b] = Socket.pair()
  const [c, d] = Socket.pair()
  const seen: (string | undefined)[] = []
  const moved = storage.run('caller', () =>
    b.splice(c, { length: CHUNKS, onProgress: () => seen.push(storage.getStore()) }),
  )
  for (let i = 0; i < CHUNKS; i++) {
    await storage.run('sender', () => a.send(Buffer.from('x')))
    while (drain(d).length === 0) await turn()
  }
  await moved
  for (const socket of [a, b, c, d]) socket.close()
  expect(seen).toEqual(Array<string>(CHUNKS).fill('caller'))
})

test('handlers and onError of serve run in the async context of the call, also during a drain', async () => {
  const seen: (string | undefined)[] = []
  const listener = await createServer({ host: '127.0.0.1' })
  const { port } = listener.getsockname() as { port: number }
  const server = storage.run('server', () =>
    serve(
      listener,
      () => {
        seen.push(storage.getStore())
        throw new Error('for onError')
      },
      { onError: () => seen.push(storage.getStore()), maxConnections: 1 },
    ),
  )
  const clients = await storage.run('client', () =>
    Promise.all(Array.from({ length: 4 }, () => createConnection({ host: '127.0.0.1', port }))),
  )
  await storage.run('closer', () => server.close({ drain: true }))
  for (const client of clients) client.close()
  expect(seen).toEqual(Array<string>(8).fill('server'))
})

test('a datagram handler runs in the async context of serve', async () => {
  const name = abstractName()
  const socket = new Socket(AF_UNIX, SOCK_DGRAM)
  const target = missing.linux() === null ? name : null
  if (target === null) return socket.close()
  socket.bind(target)
  const heard = new Promise<string | undefined>(resolve => {
    storage.run('server', () => serve(socket, () => resolve(storage.getStore())))
  })
  const client = new Socket(AF_UNIX, SOCK_DGRAM)
  await storage.run('client', () => client.sendto(Buffer.from('x'), target))
  expect(await heard).toBe('server')
  client.close()
  socket.close()
})

test('listeners of a stream run in the async context of toDuplex', async () => {
  const [a, b] = Socket.pair()
  const seen: [string, string | undefined][] = []
  const note = (event: string) => () => seen.push([event, storage.getStore()])
  const duplex = storage.run('stream', () => b.toDuplex())
  storage.run('listener', () => {
    duplex.on('data', note('data')).on('end', note('end')).on('close', note('close'))
  })
  for (let i = 0; i < 3; i++) {
    await storage.run('peer', () => a.send(Buffer.from('x')))
    while (duplex.bytesRead <= i) await turn()
    storage.run('other', () => duplex.pause().resume())
  }
  const closed = once(duplex, 'close')
  storage.run('peer', () => a.close())
  duplex.end()
  await closed
  expect(seen.map(([event]) => event)).toEqual(['data', 'data', 'data', 'end', 'close'])
  expect(new Set(seen.slice(0, 3).map(([, context]) => context))).toEqual(new Set(['stream']))
})
