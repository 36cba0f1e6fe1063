import {
  AF_INET,
  AF_UNIX,
  createServer,
  serve,
  Socket,
  SOCK_DGRAM,
  type AddressLike,
  type ConnectionHandler,
  type Datagram,
  type ServeOptions,
  type Server,
} from '../../lib'
import { failure } from '../helpers/errors'
import { turn, withPath } from '../helpers/pairs'

const COUNT = 30
const bytes = (text: string): Buffer => Buffer.from(text)

/** Serves one request, and gives up while it waits for it when the server stops. */
const once: ConnectionHandler = async (connection, { stopping }) => {
  await connection.sendAll(await connection.recv(100, { signal: stopping }))
}

/** Serves requests until the server stops. */
const keepAlive: ConnectionHandler = async (connection, server) => {
  do await once(connection, server)
  while (!server.stopping.aborted)
}

/** Connects clients whose requests arrive before close() is called. */
async function requests(listener: Socket): Promise<Socket[]> {
  const clients: Socket[] = []
  for (let i = 0; i < COUNT; i++) {
    const client = new Socket(AF_INET)
    await client.connect(listener.getsockname())
    await client.sendAll(bytes(`request ${i}`))
    clients.push(client)
  }
  return clients
}

async function answered(clients: Socket[]): Promise<number> {
  const answers = await Promise.all(clients.map(client => client.recv(100).then(String, () => '')))
  for (const client of clients) client.close()
  return answers.filter((answer, i) => answer === `request ${i}`).length
}

describe.each([
  ['once', once],
  ['keepAlive', keepAlive],
] as const)('a handler (%s) that uses stopping', (_, handler) => {
  test.each([
    [0, undefined],
    [0, 3],
    [1, undefined],
    [1, 3],
    [5, 1],
  ])(
    'answers each request that has arrived: %i turns before close(), maxConnections %s',
    async (turns, max) => {
      const listener = await createServer({ host: '127.0.0.1', backlog: 1024 })
      const heard: unknown[] = []
      const options: ServeOptions = { onError: error => heard.push(error) }
      if (max !== undefined) options.maxConnections = max
      let server: Server | undefined
      if (turns > 0) server = serve(listener, handler, options)
      const clients = await requests(listener)
      server ??= serve(listener, handler, options)
      const answers = answered(clients)
      for (let i = 0; i < turns; i++) await turn()
      await server.close({ drain: 10000 })
      expect(await answers).toBe(COUNT)
      expect(heard).toEqual([]) // not even the AbortError of idle handlers
    },
  )
})

test('stopping ends waits only: what can be received at once is received, then AbortError', async () => {
  const seen: string[] = []
  const listener = await createServer({ host: '127.0.0.1' })
  const server = serve(listener, async (connection, { stopping }) => {
    await connection.readable()
    const closed = server.close({ drain: true })
    seen.push(String(await connection.recv(2, { signal: stopping })))
    seen.push((await connection.reader().line({ signal: stopping })) ?? '')
    seen.push((await failure(connection.reader().exactly(5, { signal: stopping }))).name)
    seen.push(String(await connection.recv(9, { signal: stopping })))
    seen.push((await failure(connection.recv(1, { signal: stopping }))).name)
    void closed
  })
  const client = new Socket(AF_INET)
  await client.connect(listener.getsockname())
  await client.sendAll(bytes('ab line\n1234'))
  await server.closed
  expect(seen).toEqual(['ab', ' line', 'AbortError', '1234', 'AbortError'])
  client.close()
})

test('close with backlog: false leaves the waiting connections to another holder of the socket', async () => {
  const listener = await createServer({ host: '127.0.0.1' })
  const other = listener.dup()
  const clients = await requests(listener)
  const server = serve(listener, once, { maxConnections: 1 })
  expect(await failure(server.close({ backlog: 1 as never }))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  await server.close({ drain: true, backlog: false })
  let served = 0
  const second = serve(other, async (connection, next) => {
    served++
    await once(connection, next)
  })
  expect(await answered(clients)).toBe(COUNT)
  expect(served).toBeGreaterThanOrEqual(COUNT - 1) // the first server may have accepted one
  await second.close()
})

/** Calls `use` with a bound datagram socket and a client. The client of AF_UNIX has a name, for the replies. */
type Datagrams = (use: (socket: Socket, client: Socket) => Promise<void>) => Promise<void>

const overUdp: Datagrams = async use => {
  const [socket, client] = [new Socket(AF_INET, SOCK_DGRAM), new Socket(AF_INET, SOCK_DGRAM)]
  socket.bind(['127.0.0.1', 0])
  client.bind(['127.0.0.1', 0])
  await use(socket, client)
}

const overUnix: Datagrams = use =>
  withPath(async path => {
    const [socket, client] = [new Socket(AF_UNIX, SOCK_DGRAM), new Socket(AF_UNIX, SOCK_DGRAM)]
    socket.bind({ path })
    client.bind({ path: `${path}-client` })
    await use(socket, client)
  })

/** The default of net.unix.max_dgram_qlen is 10. */
describe.each([
  ['UDP', overUdp, 100],
  ['AF_UNIX', overUnix, 10],
] as const)('a closing %s server', (_, datagrams, count) => {
  /** Sends datagrams that no one has received when this returns. */
  function sendAll(client: Socket, socket: Socket): void {
    for (let i = 0; i < count; i++) {
      expect(client.trySendto(Buffer.from([i]), socket.getsockname() as AddressLike)).toBe(1)
    }
  }

  function received(socket: Socket): number[] {
    const seen: number[] = []
    for (let next = socket.tryRecv(9); next !== null; next = socket.tryRecv(9)) seen.push(next[0]!)
    return seen
  }

  test.each([
    [0, undefined],
    [0, 3],
    [1, undefined],
    [1, 3],
    [5, 1],
  ])('answers each datagram that has arrived: %i turns before close(), maxConnections %s', (turns, max) =>
    datagrams(async (socket, client) => {
      let [running, most] = [0, 0]
      const heard: unknown[] = []
      const options: ServeOptions<Datagram> = { onError: error => heard.push(error) }
      if (max !== undefined) options.maxConnections = max
      sendAll(client, socket)
      const order: number[] = []
      const server = serve(
        socket,
        async (datagram: Datagram) => {
          most = Math.max(most, ++running)
          order.push(datagram.data[0]!)
          await turn()
          await datagram.reply(datagram.data)
          running--
        },
        options,
      )
      const answers: number[] = []
      const reading = (async () => {
        for await (const { data } of client.messages()) {
          answers.push(data[0]!)
          if (answers.length === count) break
        }
      })()
      for (let i = 0; i < turns; i++) await turn()
      await server.close({ drain: 10000 })
      expect(order).toEqual(Array.from({ length: count }, (_each, i) => i))
      await reading
      expect(answers).toHaveLength(count)
      expect(most).toBeLessThanOrEqual(max ?? Infinity)
      expect(heard).toEqual([])
      client.close()
    }),
  )

  test.each([[{ drain: true, backlog: false }], [{}]])('leaves the queue alone with %j', options =>
    datagrams(async (socket, client) => {
      const other = socket.dup()
      sendAll(client, socket)
      let served = 0
      const server = serve(
        socket,
        (_datagram: Datagram) => {
          served++
        },
        { maxConnections: 1 },
      )
      await server.close(options)
      expect(received(other)).toHaveLength(count - served)
      expect(served).toBeLessThanOrEqual(1) // the server may have received one
      other.close()
      client.close()
    }),
  )

  test('stops when the time of drain is over, with a handler that never ends', () =>
    datagrams(async (socket, client) => {
      sendAll(client, socket)
      let served = 0
      const never = new Promise(() => undefined)
      const server = serve(
        socket,
        (_datagram: Datagram) => {
          served++
          return never
        },
        { maxConnections: 2 },
      )
      await server.close({ drain: 20 })
      expect(served).toBe(2)
      expect(socket.closed).toBe(true)
      client.close()
    }))
})
