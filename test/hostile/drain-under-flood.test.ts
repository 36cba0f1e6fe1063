import {
  AF_INET,
  AF_UNIX,
  createServer,
  serve,
  Socket,
  SOCK_DGRAM,
  type Address,
  type Datagram,
  type ServeOptions,
  type Server,
} from '../../lib'
import { outcome } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { turn, withPath } from '../helpers/pairs'

const BACKLOG = 8
/** Limits the flood: a server that accepts all of it fails the test instead of exhausting the machine. */
const FLOOD = 400

/** Makes a client connect before each accept, so that the backlog of the listening socket is never empty. */
function flooded(listener: Socket, family: number): { clients: Socket[]; taken: () => number } {
  const address = listener.getsockname()
  const clients: Socket[] = []
  const { tryAccept } = listener
  let taken = 0
  const connect = (): void => {
    if (clients.length >= FLOOD) return
    const client = new Socket(family)
    clients.push(client)
    if (outcomeOf(() => client.tryConnect(address)) !== true) return
  }
  listener.tryAccept = function (this: Socket) {
    connect()
    const connection = tryAccept.call(this)
    if (connection !== null) taken++
    return connection
  }
  for (let i = 0; i < BACKLOG; i++) connect()
  return { clients, taken: () => taken }
}

function outcomeOf(call: () => unknown): unknown {
  try {
    return call()
  } catch (error) {
    return error
  }
}

async function drainUnderFlood(listener: Socket, family: number, options?: ServeOptions): Promise<number> {
  const flood = flooded(listener, family)
  let most = 0
  let running = 0
  const server: Server = serve(
    listener,
    async () => {
      most = Math.max(most, ++running)
      await new Promise(resolve => setImmediate(resolve))
      running--
    },
    options,
  )
  await server.close({ drain: true })
  for (const client of flood.clients) client.close()
  if (options?.maxConnections !== undefined) expect(most).toBeLessThanOrEqual(options.maxConnections)
  return flood.taken()
}

testIf(
  missing.linux(),
  'a closing TCP server accepts no more connections than its backlog held when it was closed',
  async () => {
    const listener = await createServer({ host: '127.0.0.1', backlog: BACKLOG })
    expect(await drainUnderFlood(listener, AF_INET)).toBeLessThanOrEqual(BACKLOG + 1)
  },
)

test('a closing AF_UNIX server accepts no more connections than its backlog can hold', () =>
  withPath(async path => {
    const listener = await createServer({ path, backlog: BACKLOG })
    expect(await drainUnderFlood(listener, AF_UNIX)).toBeLessThanOrEqual(BACKLOG + 1)
  }))

test('a closing server with maxConnections keeps to it, and accepts no more than its backlog held', async () => {
  const listener = await createServer({ host: '127.0.0.1', backlog: BACKLOG })
  const taken = await drainUnderFlood(listener, AF_INET, { maxConnections: 2 })
  expect(taken).toBeLessThanOrEqual(BACKLOG + 1)
})

/** Sends a datagram before each receive, so that the receive buffer is never empty. */
async function drainDatagrams(socket: Socket, client: Socket, flood: number): Promise<number> {
  const address = socket.getsockname()
  const { tryRecvmsg } = socket
  socket.tryRecvmsg = function (this: Socket, ...given) {
    if (flood-- > 0) outcomeOf(() => client.trySendto(Buffer.from('x'), address))
    return tryRecvmsg.apply(this, given)
  }
  for (let i = 0; i < BACKLOG; i++) client.trySendto(Buffer.from('x'), address)
  let served = 0
  const server = serve(socket, (_datagram: Datagram) => {
    served++
  })
  await server.close({ drain: true })
  client.close()
  return served
}

testIf(missing.linux(), 'a closing UDP server receives only what its receive buffer could hold', async () => {
  const [socket, client] = [new Socket(AF_INET, SOCK_DGRAM), new Socket(AF_INET, SOCK_DGRAM)]
  socket.bind(['127.0.0.1', 0])
  const served = await drainDatagrams(socket, client, FLOOD)
  expect(served).toBeGreaterThanOrEqual(BACKLOG)
  expect(served).toBeLessThan(FLOOD)
})

test('a closing AF_UNIX datagram server receives only what its receive buffer could hold', () =>
  withPath(async path => {
    const [socket, client] = [new Socket(AF_UNIX, SOCK_DGRAM), new Socket(AF_UNIX, SOCK_DGRAM)]
    socket.bind({ path })
    const served = await drainDatagrams(socket, client, 20000)
    expect(served).toBeGreaterThanOrEqual(BACKLOG)
    expect(served).toBeLessThan(20000)
  }))

test('connections in the backlog are accepted one by one as handlers end, and each is answered', async () => {
  const listener = await createServer({ host: '127.0.0.1', backlog: 64 })
  const clients = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const client = new Socket(AF_INET)
      await client.connect(listener.getsockname())
      await client.sendAll(Buffer.from([i]))
      return client
    }),
  )
  let open = 0
  let most = 0
  const server = serve(
    listener,
    async connection => {
      most = Math.max(most, ++open)
      await connection.sendAll(await connection.recv(1))
      open--
    },
    { maxConnections: 3 },
  )
  const closed = server.close({ drain: true })
  for (const [i, client] of clients.entries()) expect(await client.recv(9)).toEqual(Buffer.from([i]))
  await closed
  expect(most).toBe(3)
  for (const client of clients) client.close()
})

test('a connection accepted in the turn of close() is closed or served', async () => {
  for (const drain of [false, true]) {
    const listener = await createServer({ host: '127.0.0.1' })
    const address = listener.getsockname()
    let served = 0
    const server = serve(listener, async connection => {
      served++
      await connection.recv(1).catch(() => undefined)
    })
    const client = new Socket(AF_INET)
    await client.connect(address)
    const closed = server.close({ drain })
    client.close()
    await closed
    for (let i = 0; server.connections > 0 && i < 10; i++) await turn()
    expect(server.connections).toBe(0)
    expect(served).toBeLessThanOrEqual(1)
    expect(await outcome(connected(address))).toBe('ECONNREFUSED')
  }
})

async function connected(address: Address): Promise<void> {
  const late = new Socket(AF_INET)
  try {
    await late.connect(address)
  } finally {
    late.close()
  }
}
