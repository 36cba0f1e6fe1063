import { readdirSync } from 'node:fs'
import { open } from 'node:fs/promises'
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  bpf,
  control,
  createConnection,
  createServer,
  getaddrinfo,
  getnameinfo,
  MessageBatch,
  type Message,
  options,
  poll,
  relay,
  serve,
  SHUT_WR,
  Socket,
  SOCK_DGRAM,
} from '../../lib'
import { append } from '../../lib/runtime/list'
import * as blocking from '../../lib/sync'
import { failure, outcome, thrown } from '../helpers/errors'
import { turn, withPath } from '../helpers/pairs'

/** Names of options and fields, with values that each call would refuse or use. */
const poison: Record<string, unknown> = {
  address: '203.0.113.1',
  port: 9,
  path: '/nonexistent/path',
  host: '203.0.113.1',
  family: 77,
  scopeId: 99,
  flowinfo: -1,
  interface: 'none0',
  index: -1,
  data: 'text',
  control: 7,
  segmentSize: -1,
  timeout: 'never',
  flags: 0x40000000,
  signal: { aborted: true },
  netns: '/nonexistent',
  mode: 0o777,
  unlink: true,
  backlog: 'many',
  reusePort: 'yes',
  dualstack: true,
  localAddress: 7,
  happyEyeballs: 'no',
  allErrors: true,
  maxConnections: -1,
  onError: 7,
  onProgress: 7,
  drain: 'slowly',
  offset: -1,
  length: -1,
  size: -1,
  count: -1,
  batch: -1,
  controlSize: -1,
  fds: 'all',
  source: 'nowhere',
  allowHalfOpen: 7,
  highWaterMark: -1,
  objectMode: 7,
  protocol: -1,
  type: 77,
  inet6: 7,
  socket: 7,
  fd: 0,
  events: -1,
  subject: 'poison',
  ttl: 'x',
  packetInfo: 'x',
  timestamp: 'x',
  request: 7,
  grows: 7,
  isProgram: 7,
  unheardOf: 1,
}

/** Adds the names to Object.prototype, enumerable like an assignment, while `run` runs. */
async function poisoned<T>(run: () => Promise<T>): Promise<T> {
  const prototype = Object.prototype as Record<string, unknown>
  Object.assign(prototype, poison)
  try {
    return await run()
  } finally {
    for (const name of Object.keys(poison)) Reflect.deleteProperty(prototype, name)
  }
}

test('an operation reads only own properties of its options', () =>
  poisoned(async () => {
    const [a, b] = Socket.pair()
    await a.send(Buffer.from('1'), {})
    expect(String(await b.recv(9, {}))).toBe('1')
    await a.sendmsg({ data: Buffer.from('2') }, {})
    expect(String((await b.recvmsg(9, {})).data)).toBe('2')
    expect(a.trySendmsg({ data: Buffer.from('3') })).toBe(1)
    expect(String(b.tryRecvmsg(9, {})!.data)).toBe('3')
    await a.sendFds(Buffer.from('4'), [0], {})
    const { fds } = await b.recvFds(9, 1, {})
    expect(fds).toHaveLength(1)
    fds[0]!.close()
    const file = await open(__filename)
    expect(await a.sendfile(file, { length: 1 })).toBe(1)
    await b.readable({})
    expect(await b.splice(a, { length: 1 })).toBe(1)
    await file.close()
    for (const socket of [a, b]) socket.close()
  }))

test('iterators and streams read only own properties of their options', () =>
  poisoned(async () => {
    const [a, b] = Socket.pair()
    await a.sendAll(Buffer.from('123'))
    const chunks = b.chunks({ size: 1 })
    expect(String((await chunks.next()).value)).toBe('1')
    const messages = b.messages({ size: 1 })
    const { value } = await messages.next()
    expect(String((value as Message).data)).toBe('2')
    a.shutdown(SHUT_WR)
    const duplex = b.toDuplex({})
    const parts: Buffer[] = []
    for await (const part of duplex) parts.push(part as Buffer)
    expect(String(Buffer.concat(parts))).toBe('3')
    duplex.destroy()
    const { readable } = a.toWeb({})
    await readable.cancel()
    a.close()
  }))

test('new Socket reads only own properties of its options', () =>
  poisoned(async () => {
    new Socket(AF_INET, SOCK_DGRAM, 0, {}).close()
    const server = serve(await createServer({ host: '127.0.0.1', port: 0 }), () => 0, {})
    expect((server.address as { address: string }).address).toBe('127.0.0.1')
    const client = await createConnection({
      host: '127.0.0.1',
      port: (server.address as { port: number }).port,
    })
    expect(await client.recv(1)).toHaveLength(0)
    client.close()
    await server.close({})
    await withPath(async path => {
      const listener = await createServer({ path })
      expect((await failure(createServer({ path }))).code).toBe('EADDRINUSE')
      const connection = await createConnection({ path })
      connection.close()
      listener.close()
    })
  }))

test('an address has only its own fields', () =>
  poisoned(async () => {
    using four = new Socket(AF_INET, SOCK_DGRAM).bind({ port: 0 })
    expect((four.getsockname() as { address: string }).address).toBe('0.0.0.0')
    using six = new Socket(AF_INET6, SOCK_DGRAM).bind({ address: '::1', port: 0 })
    expect(six.getsockname().toJSON()).toMatchObject({ address: '::1', scopeId: 0 })
    expect(thrown(() => four.bind({} as never)).code).toBe('ERR_INVALID_ARG_TYPE')
    using unix = new Socket(AF_UNIX, SOCK_DGRAM)
    expect(thrown(() => unix.bind({} as never)).code).toBe('ERR_INVALID_ARG_TYPE')
    expect((await getnameinfo(['127.0.0.1', 80], 3)).host).toBe('127.0.0.1')
    const [found] = await getaddrinfo('127.0.0.1', 80, {})
    expect(found!.family).toBe(AF_INET)
  }))

test('control messages, memberships, batches, filters and polls have only their own fields', () =>
  poisoned(async () => {
    using socket = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
    await socket.connect(socket.getsockname())
    expect(control.packetInfo({}).data.every(byte => byte === 0)).toBe(true)
    expect(thrown(() => control.rights([{} as never])).code).toBe('ERR_INVALID_ARG_TYPE')
    await socket.sendmsg({ data: Buffer.from('x'), control: [control.ttl(3)] })
    socket.receiveMeta({})
    expect(socket.set(options.SO_LINGER, { on: false, seconds: 0 }).get(options.IP_TTL)).toBeGreaterThan(0)
    expect(thrown(() => socket.set(options.SO_LINGER, {} as never)).code).toBe('ERR_INVALID_ARG_TYPE')
    const batch = new MessageBatch({ count: 1, size: 9 })
    expect([batch.size, batch.controlSize]).toEqual([9, 0])
    expect(await socket.recvmmsg(batch, {})).toBe(1)
    expect(bpf.assemble([{ op: 'ret', k: 1 }]).instructions).toHaveLength(1)
    socket.joinGroup('239.1.2.3', {}).leave()
    const [result] = await poll([{ socket, events: 4 }], {})
    expect(result).toMatchObject({ revents: 4 })
    const [a, b] = Socket.pair()
    const [c, d] = Socket.pair()
    for (const end of [a, d]) end.shutdown(SHUT_WR)
    expect(await relay(b, c, {})).toEqual({ aToB: 0, bToA: 0 })
    for (const each of [a, b, c, d]) each.close()
  }))

test('the blocking flavour reads only own properties of its options', () =>
  poisoned(async () => {
    const [a, b] = blocking.Socket.pair()
    a.sendmsg({ data: Buffer.from('12') }, {})
    expect([String(b.recv(1, {})), String(b.recvmsg(1, {}).data)]).toEqual(['1', '2'])
    expect(blocking.getaddrinfo('127.0.0.1', 80, {})[0]!.family).toBe(AF_INET)
    for (const each of [a, b]) each.close()
    await Promise.resolve()
  }))

test('the text of an error contains nothing of Object.prototype', () =>
  poisoned(async () => {
    const [a, b] = Socket.pair()
    const error = await failure(a.recv(1, { timeout: 0 }))
    expect(error.message).not.toContain('poison')
    expect(Object.keys(error)).not.toContain('address')
    for (const each of [a, b]) each.close()
  }))

test('every option is read once', async () => {
  const counts: Record<string, number> = {}
  const counted = <T extends object>(fields: T): T => {
    const own = {} as T
    for (const [name, value] of Object.entries(fields)) {
      Object.defineProperty(own, name, {
        enumerable: true,
        get() {
          counts[name] = (counts[name] ?? 0) + 1
          return value as unknown
        },
      })
    }
    return own
  }
  const once = (names: string[]): void => {
    expect(counts).toEqual(Object.fromEntries(names.map(name => [name, 1])))
    for (const name of names) Reflect.deleteProperty(counts, name)
  }
  const [a, b] = Socket.pair()
  await a.sendmsg(counted({ data: Buffer.from('12'), control: [] }))
  once(['data', 'control'])
  await b.recvmsg(1, counted({ flags: 0, timeout: 50, controlSize: 10, fds: 'close' as const }))
  once(['flags', 'timeout', 'controlSize', 'fds'])
  await b.chunks(counted({ size: 1, timeout: 50, flags: 0 })).next()
  once(['size', 'timeout', 'flags'])
  await getaddrinfo(
    '127.0.0.1',
    80,
    counted({ flags: 0, family: AF_INET, type: 1, protocol: 0, timeout: 5000 }),
  )
  once(['flags', 'family', 'type', 'protocol', 'timeout'])
  await poll([counted({ socket: a, events: 4 })])
  once(['socket', 'events'])
  using datagrams = new Socket(AF_INET6, SOCK_DGRAM)
  datagrams.bind(counted({ address: '::1', port: 0, scopeId: 0, flowinfo: 0 }))
  once(['address', 'port', 'scopeId', 'flowinfo'])
  const listener = await createServer(counted({ host: '127.0.0.1', port: 0, backlog: 1, reusePort: false }))
  once(['host', 'port', 'backlog', 'reusePort'])
  const { port } = listener.getsockname() as { port: number }
  const local = counted({ address: '127.0.0.1', port: 0 })
  const client = await createConnection({ host: '127.0.0.1', port, localAddress: local })
  once(['address', 'port'])
  for (const each of [a, b, listener, client]) each.close()
})

test('objects with a descriptor defined by their class are accepted', async () => {
  const [a, b] = Socket.pair()
  const file = await open(__filename)
  expect(await a.sendFds(Buffer.from('x'), [file, b])).toBe(1)
  const { fds } = await b.recvFds(1, 2)
  expect(fds).toHaveLength(2)
  expect(await poll([{ fd: fds[0]! }], 0)).toHaveLength(1)
  Socket.dup(b).close()
  for (const each of [...fds, a, b]) each.close()
  await file.close()
})

describe('accessors in place of the first elements of Array.prototype', () => {
  const PLANTED = 70
  let touched = 0

  /** Runs `run` while every array that is filled by `push` or by an index calls the setter. */
  async function planted<T>(run: () => Promise<T> | T): Promise<T> {
    const accessor = {
      configurable: true,
      get: (): unknown => {
        touched++
        return 'poison'
      },
      set: (): void => {
        touched++
      },
    }
    const rows = Object.fromEntries(Array.from({ length: PLANTED }, (_, i) => [i, accessor]))
    touched = 0
    Object.defineProperties(Array.prototype, rows)
    try {
      return await run()
    } finally {
      for (let i = 0; i < PLANTED; i++) Reflect.deleteProperty(Array.prototype, i)
    }
  }

  const openFds = (): number => readdirSync(process.platform === 'linux' ? '/proc/self/fd' : '/dev/fd').length

  test('a list can be filled, and the accessors are not called', async () => {
    const list: number[] = []
    await planted(() => {
      append(list, 7)
      append(list, 8)
    })
    expect([list, touched]).toEqual([[7, 8], 0])
    expect(Object.getOwnPropertyDescriptor(list, 1)).toEqual({
      value: 8,
      writable: true,
      enumerable: true,
      configurable: true,
    })
  })

  test('received descriptors reach the caller or are closed', async () => {
    const before = openFds()
    const [a, b] = Socket.pair()
    const [kept, surplus] = await planted(async () => {
      await a.sendFds(Buffer.from('x'), [0, 0, 0])
      const first = await b.recvFds(9, 3)
      await a.sendFds(Buffer.from('x'), [0, 0])
      return [first.fds, await b.recvmsg(9)]
    })
    expect(touched).toBe(0)
    expect(kept).toHaveLength(3)
    expect(surplus.control).toHaveLength(0)
    for (const handle of kept) handle.close()
    for (const socket of [a, b]) socket.close()
    expect(openFds()).toBe(before)
  })

  test('descriptors that a waiting send holds are closed', async () => {
    const before = openFds()
    const [a, b] = Socket.pair()
    while (a.trySend(Buffer.alloc(1 << 16)) !== null);
    const error = await planted(() => failure(a.sendFds(Buffer.from('x'), [0, 0], { timeout: 5 })))
    expect([error.code, touched]).toEqual(['ERR_SOCKET_TIMEOUT', 0])
    for (const socket of [a, b]) socket.close()
    expect(openFds()).toBe(before)
  })

  test('close() settles every operation, and deferred operations are served', async () => {
    const [a, b] = Socket.pair()
    const codes = await planted(async () => {
      const waiting = Promise.all(Array.from({ length: 3 }, () => outcome(b.recv(1))))
      await turn()
      b.close()
      return waiting
    })
    expect([codes, touched]).toEqual([['ECANCELED', 'ECANCELED', 'ECANCELED'], 0])
    a.close()
    const [c, d] = Socket.pair()
    const bytes = await planted(async () => {
      await c.send(Buffer.alloc(200))
      let sum = 0
      for (let i = 0; i < 200; i++) sum += (await d.recv(1)).length
      return sum
    })
    expect([bytes, touched]).toEqual([200, 0])
    for (const socket of [c, d]) socket.close()
  })

  test('control messages, records of errors and batches are complete', async () => {
    using socket = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0]).receiveMeta({ ttl: true })
    const to = socket.getsockname()
    const batch = new MessageBatch({ count: 4, size: 9, controlSize: 64 })
    const [message, bare] = await planted(async () => {
      await socket.sendmsg({
        data: [Buffer.from('1'), Buffer.from('2')],
        address: to,
        control: [control.ttl(9)],
      })
      const one = await socket.recvmsg(9)
      batch.set(0, Buffer.from('3'), to, [control.ttl(8)])
      await socket.sendmmsg(batch)
      await socket.recvmmsg(batch)
      return [one, batch.meta(0)]
    })
    expect([String(message.data), message.meta.ttl, bare.ttl, touched]).toEqual(['12', 9, 8, 0])
    using errors = new Socket(AF_INET, SOCK_DGRAM)
    if (process.platform !== 'linux') return
    errors.receiveMeta({ errors: true })
    await errors.connect(['127.0.0.1', 9])
    const records = await planted(async () => {
      errors.trySend(Buffer.from('x'))
      return errors.receiveErrors({ timeout: 2000 })
    })
    expect([records[0]!.code, touched]).toEqual(['ECONNREFUSED', 0])
  })

  test('connections, pairs, lookups, polls and filters work', async () => {
    const [pair, found, results, program] = await planted(async () => {
      const listener = await createServer({ host: '127.0.0.1', port: 0 })
      const { port } = listener.getsockname() as { port: number }
      const client = await createConnection({ host: 'localhost', port, timeout: 5000 })
      const ready = await poll([{ socket: listener, events: 1 }], 1000)
      client.close()
      listener.close()
      const parsed = bpf.parse('1\n6 0 0 1\n')
      return [Socket.pair(), await getaddrinfo('127.0.0.1', 80), ready, parsed] as const
    })
    expect(touched).toBe(0)
    expect([found.length > 0, results.length, program.instructions.length]).toEqual([true, 1, 1])
    for (const socket of pair) socket.close()
  })
})
