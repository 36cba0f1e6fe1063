import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { AF_INET, AF_UNIX, relay, SHUT_RD, SHUT_WR, Socket, SOCK_SEQPACKET, SOCK_STREAM } from '../../lib'
import { Socket as Blocking } from '../../lib/sync'
import { run } from '../helpers/child'
import { failure, thrown } from '../helpers/errors'
import { fill, pattern, receive, turn } from '../helpers/pairs'
import { missing, testIf } from '../helpers/need'
import { keeper } from '../helpers/keep'

const linux = missing.linux()
const keep = keeper()

const pair = (): [Socket, Socket] => {
  const [a, b] = Socket.pair()
  return [keep(a), keep(b)]
}
async function tcp(): Promise<[Socket, Socket]> {
  const listener = new Socket(AF_INET, SOCK_STREAM).bind(['127.0.0.1', 0]).listen()
  const a = keep(new Socket(AF_INET, SOCK_STREAM))
  const [b] = await Promise.all([listener.accept(), a.connect(listener.getsockname())])
  listener.close()
  return [a, keep(b)]
}
const hash = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')
const fds = (): number => readdirSync('/proc/self/fd').length

for (const [name, make] of [
  ['AF_UNIX', async () => pair()],
  ['TCP', tcp],
] as const) {
  testIf(linux, `${name}: splice moves a stream to another socket until EOF`, async () => {
    const [from, a] = await make()
    const [b, to] = await make()
    const data = pattern(3_000_000)
    const before = fds()
    const progress: number[] = []
    const moving = a.splice(b, { onProgress: moved => progress.push(moved) })
    const sending = from.sendAll(data).then(() => from.shutdown(SHUT_WR))
    const got = await receive(to, data.length)
    expect([await moving, hash(got)]).toEqual([data.length, hash(data)])
    await sending
    expect(progress.at(-1)).toBe(data.length)
    expect([...progress].sort((x, y) => x - y)).toEqual(progress)
    expect(fds()).toBe(before)
  })
}

testIf(linux, 'splice stops after length bytes, and the next receive returns the rest', async () => {
  const [from, a] = pair()
  const [b, to] = pair()
  await from.send(Buffer.from('head and tail'))
  expect(await a.splice(b, { length: 4 })).toBe(4)
  expect([String(await to.recv(100)), String(await a.recv(100))]).toEqual(['head', ' and tail'])
  expect(await a.splice(b, { length: 0 })).toBe(0)
})

testIf(
  linux,
  'bytes returned by a second failed splice come before the bytes that the first one left',
  async () => {
    const [from, a] = pair()
    const [b] = pair()
    fill(b)
    const data = pattern(100_000)
    await from.sendAll(data)
    expect(await failure(a.splice(b, { timeout: 5 }))).toMatchObject({ bytesSent: 0 })
    expect(await failure(a.splice(b, { timeout: 5, length: 10 }))).toMatchObject({ bytesSent: 0 })
    expect(a.trySplice(b, { length: 10 })).toBeNull()
    expect(hash(await receive(a, data.length))).toBe(hash(data))
  },
)

testIf(linux, 'bytes that splice returns complete a receive that is already waiting', async () => {
  const [from, a] = pair()
  const [b] = pair()
  fill(b)
  await from.send(Buffer.from('first'))
  const stop = new AbortController()
  const moving = failure(a.splice(b, { signal: stop.signal }))
  await turn()
  const waiting = a.recv(100)
  stop.abort()
  expect(await moving).toMatchObject({ name: 'AbortError', bytesSent: 0 })
  expect(String(await waiting)).toBe('first')
})

testIf(linux, 'closing either socket cancels splice, whichever socket it waits for', async () => {
  for (const which of [0, 1]) {
    for (const full of [false, true]) {
      const [from, a] = pair()
      const [b] = pair()
      if (full) fill(b)
      if (full) await from.send(Buffer.from('x'))
      const moving = failure(a.splice(b))
      await turn()
      ;[a, b][which]!.close()
      expect(await moving).toMatchObject({ code: 'ECANCELED', syscall: 'splice', bytesSent: 0 })
      if (which === 1 && full) expect(String(await a.recv(10))).toBe('x')
    }
  }
})

testIf(
  linux,
  'detach fails with EBUSY while the package holds bytes that were read from the kernel',
  async () => {
    const [from, a] = pair()
    const [b] = pair()
    fill(b)
    await from.send(Buffer.from('hello'))
    const stop = new AbortController()
    const moving = failure(a.splice(b, { signal: stop.signal }))
    await turn()
    expect(thrown(() => a.detach())).toMatchObject({ code: 'EBUSY' })
    expect(thrown(() => a.toNetSocket())).toMatchObject({ code: 'EBUSY' })
    stop.abort()
    await moving
    expect(thrown(() => a.detach())).toMatchObject({ code: 'EBUSY' })
    expect(String(await a.recv(2))).toBe('he')
    const net = a.toNetSocket()
    expect(String((await once(net, 'data'))[0])).toBe('llo')
    net.destroy()
  },
)

testIf(linux, 'an immediate error of splice has the bytes moved, and a timeout error has the timeout', () => {
  const [from, a] = Blocking.pair()
  const [b, to] = Blocking.pair()
  try {
    expect(thrown(() => a.splice(b, { timeout: 3 })).message).toContain('after 3 ms')
    from.send(Buffer.from('x'))
    to.close()
    expect(thrown(() => a.trySplice(b))).toMatchObject({ code: 'EPIPE', bytesSent: 0 })
    expect(String(a.recv(9))).toBe('x')
  } finally {
    for (const socket of [from, a, b, to]) socket.close()
  }
})

testIf(linux, 'splice moves data to a file and a pipe, and rejects an invalid descriptor', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bsd-'))
  const file = path.join(folder, 'out')
  try {
    const [from, a] = pair()
    const data = pattern(2_500_000)
    const handle = await open(file, 'w')
    const moving = a.splice(handle)
    await from.sendAll(data)
    from.close()
    expect(await moving).toBe(data.length)
    await handle.close()
    expect(hash(readFileSync(file))).toBe(hash(data))
    const fifo = path.join(folder, 'fifo')
    await run('mkfifo', [fifo])
    const ends = openSync(fifo, 'a+') // as a shell's >> opens it; splice(2) would refuse O_APPEND on a file
    const [x, y] = pair()
    await x.send(Buffer.from('through a pipe'))
    expect(await y.splice({ fd: ends }, { length: 14 })).toBe(14)
    closeSync(ends)
    expect((await failure(y.splice({ fd: ends }))).code).toBe('EBADF')
    expect((await failure(y.splice('x' as never))).code).toBe('ERR_INVALID_ARG_TYPE')
    expect((await failure(y.splice(x, { length: -1 }))).code).toBe('ERR_OUT_OF_RANGE')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

testIf(linux, 'splice waits for a full receiver, and a timeout or signal loses no byte', async () => {
  const [from, a] = pair()
  const [b, to] = pair()
  const { bytes } = fill(b)
  await from.send(Buffer.from('kept'))
  const late = await failure(a.splice(b, { timeout: 10 }))
  expect([late.code, late.bytesSent]).toEqual(['ERR_SOCKET_TIMEOUT', 0])
  expect(String(await a.recv(100))).toBe('kept')
  await from.send(Buffer.from('kept by recvmsg'))
  expect((await failure(a.splice(b, { timeout: 10 }))).code).toBe('ERR_SOCKET_TIMEOUT')
  const scattered = [Buffer.alloc(4), Buffer.alloc(100)]
  expect(await a.recvmsg(scattered)).toMatchObject({ bytes: 15, flags: 0, control: [] })
  expect(String(Buffer.concat(scattered).subarray(0, 15))).toBe('kept by recvmsg')
  await from.send(Buffer.from('kept too'))
  const controller = new AbortController()
  const moving = failure(a.splice(b, { signal: controller.signal }))
  await turn()
  controller.abort()
  expect((await moving).name).toBe('AbortError')
  expect(String(await a.recv(4))).toBe('kept')
  // The next transfer sends the returned bytes first.
  const again = a.splice(b, { length: 8 })
  await from.send(Buffer.from('more'))
  expect((await receive(to, bytes + 8)).subarray(-8).toString()).toBe(' toomore')
  expect(await again).toBe(8)
})

testIf(linux, 'splice to a closed receiver fails, and keeps the bytes in the source', async () => {
  const [from, a] = pair()
  const [b, to] = pair()
  to.close()
  await from.send(Buffer.from('undelivered'))
  expect(await failure(a.splice(b))).toMatchObject({ code: 'EPIPE', syscall: 'splice', bytesSent: 0 })
  expect(String(await a.recv(100))).toBe('undelivered')
})

testIf(linux, 'trySplice and the blocking splice move the available bytes', async () => {
  const [from, a] = pair()
  const [b, to] = pair()
  expect(a.trySplice(b)).toBeNull()
  await from.send(Buffer.from('now'))
  expect([a.trySplice(b), String(await to.recv(10))]).toEqual([3, 'now'])
  fill(b)
  await from.send(Buffer.from('never'))
  expect([a.trySplice(b), String(await a.recv(10))]).toEqual([null, 'never'])
  from.close()
  expect(a.trySplice(b)).toBe(0)

  const [c, d] = Blocking.pair().map(keep) as [Blocking, Blocking]
  const [e, f] = Blocking.pair().map(keep) as [Blocking, Blocking]
  c.send(Buffer.from('blocking'))
  c.shutdown(SHUT_WR)
  expect([d.splice(e), String(f.recv(10))]).toEqual([8, 'blocking'])
  const [g, h] = Blocking.pair().map(keep) as [Blocking, Blocking]
  expect(thrown(() => g.splice(h, { timeout: 5 })).code).toBe('ERR_SOCKET_TIMEOUT')
})

for (const [name, make] of [
  ['TCP to AF_UNIX', async (): Promise<[Socket, Socket, Socket, Socket]> => [...(await tcp()), ...pair()]],
  [
    'messages, which splice cannot move',
    async (): Promise<[Socket, Socket, Socket, Socket]> => {
      const [a, b] = Socket.pair(AF_UNIX, SOCK_SEQPACKET)
      return [keep(a), keep(b), ...pair()]
    },
  ],
] as const) {
  test(`relay forwards both directions with half-close (${name})`, async () => {
    const [client, a, b, server] = await make()
    const relaying = relay(a, b)
    const [up, down] = [pattern(40_000), pattern(50_000)]
    const send = async (socket: Socket, data: Buffer): Promise<void> => {
      for (let at = 0; at < data.length; at += 5000) await socket.sendAll(data.subarray(at, at + 5000))
      socket.shutdown(SHUT_WR)
    }
    const serving = (async () => {
      const request = await receive(server, up.length)
      expect((await server.recv(1)).length).toBe(0) // the client's EOF arrives while the server still sends
      await send(server, down)
      return request
    })()
    await send(client, up)
    const answer = await receive(client, down.length)
    expect([hash(await serving), hash(answer)]).toEqual([hash(up), hash(down)])
    expect(await relaying).toEqual({ aToB: up.length, bToA: down.length })
  })
}

test('an aborted signal stops both directions of relay, and a failure of one direction stops the other', async () => {
  const [client, a] = pair()
  const [b, server] = pair()
  const controller = new AbortController()
  const relaying = failure(relay(a, b, { signal: controller.signal }))
  await client.send(Buffer.from('x'))
  expect(String(await server.recv(1))).toBe('x')
  controller.abort(new Error('enough'))
  expect(await relaying).toMatchObject({ name: 'AbortError', cause: { message: 'enough' } })
  await client.send(Buffer.from('y'))
  expect(String(await a.recv(1))).toBe('y') // the sockets stay open and idle
  const broken = failure(relay(a, b))
  b.close()
  expect((await broken).code).toBe('ECANCELED')
  expect((await failure(relay(a, {} as never))).code).toBe('ERR_INVALID_ARG_TYPE')
})

test('relay moves 8 MiB to a slow reader without loss', async () => {
  const [client, a] = await tcp()
  const [b, server] = await tcp()
  const data = pattern(8 << 20)
  const relaying = relay(a, b)
  const sending = client.sendAll(data).then(() => client.shutdown(SHUT_WR))
  const got = createHash('sha256')
  for (;;) {
    const part = await server.recv(100_000)
    if (part.length === 0) break
    got.update(part)
    await new Promise(setImmediate)
  }
  server.shutdown(SHUT_WR)
  await sending
  expect([got.digest('hex'), await relaying]).toEqual([hash(data), { aToB: data.length, bToA: 0 }])
})

describe('relay', () => {
  const kindsOfRelay = [
    ['splice', pair],
    ['copy', (): [Socket, Socket] => Socket.pair(AF_UNIX, SOCK_SEQPACKET).map(keep) as [Socket, Socket]],
  ] as const

  test.each(kindsOfRelay)('idleTimeout ends it when no side has moved bytes (%s)', async (_, make) => {
    const [client, a] = make()
    const [b, server] = pair()
    const begun = performance.now()
    const relaying = failure(relay(a, b, { idleTimeout: 120 }))
    let last = begun
    for (let i = 0; i < 5; i++) {
      await new Promise(resolve => setTimeout(resolve, 60))
      last = performance.now()
      if (i % 2 === 0) await client.send(Buffer.from('ping'))
      else await server.send(Buffer.from('ping'))
      await (i % 2 === 0 ? server : client).recv(10)
    }
    const error = await relaying
    expect(error).toMatchObject({ code: 'ERR_SOCKET_TIMEOUT', syscall: 'relay', aToB: 12, bToA: 8 })
    expect(error).not.toHaveProperty('side')
    expect(performance.now() - last).toBeGreaterThanOrEqual(119)
    await client.send(Buffer.from('y'))
    expect(String(await a.recv(1))).toBe('y')
  })

  test.each([0, -1, NaN])('idleTimeout %p is out of range', async idleTimeout => {
    const [a, b] = pair()
    expect(await failure(relay(a, b, { idleTimeout }))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
  })

  test('the error says which side failed, and has the bytes of both directions', async () => {
    for (const side of ['a', 'b'] as const) {
      const [client, a] = await tcp()
      const [b, server] = await tcp()
      const relaying = failure(relay(a, b))
      await client.sendAll(Buffer.alloc(1000))
      await receive(server, 1000)
      await server.sendAll(Buffer.alloc(2000))
      await receive(client, 2000)
      ;(side === 'a' ? client : server).reset()
      const error = await relaying
      expect(error).toMatchObject({ code: 'ECONNRESET', side, aToB: 1000, bToA: 2000 })
      expect(error.message).toContain(`side ${side}`)
    }
  })

  test.each(kindsOfRelay)(
    'a target that no longer takes data is the side that failed (%s)',
    async (_, make) => {
      const [client, a] = make()
      const [b, server] = pair()
      server.shutdown(SHUT_RD)
      const relaying = failure(relay(a, b))
      await client.send(Buffer.alloc(100))
      expect(await relaying).toMatchObject({ code: 'EPIPE', side: 'b', aToB: 0, bToA: 0 })
      expect(await a.recv(1000)).toHaveLength(100)
    },
  )

  test('a side that the caller closes is the side of the error', async () => {
    for (const side of ['a', 'b'] as const) {
      const [, a] = pair()
      const [b] = pair()
      const relaying = failure(relay(a, b))
      ;(side === 'a' ? a : b).close()
      expect(await relaying).toMatchObject({ code: 'ECANCELED', side })
    }
  })
})
