import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  AF_INET,
  AF_UNIX,
  createConnection,
  createServer,
  serve,
  SHUT_WR,
  Socket,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  type Datagram,
  type ServeOptions,
  type Server,
} from '../../lib'
import * as sync from '../../lib/sync'
import { run, runNode, runPython } from '../helpers/child'
import { failure, outcome, thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { abstractName, pattern, receive, turn, withPath } from '../helpers/pairs'

const bytes = (text: string): Buffer => Buffer.from(text)
const portOf = (server: Server): number => (server.address as { port: number }).port
const connect = (server: Server): Promise<Socket> =>
  createConnection({ host: '127.0.0.1', port: portOf(server) })

/** A handler that sends everything back until the client's EOF. */
async function echo(connection: Socket): Promise<void> {
  for (;;) {
    const data = await connection.recv(65536)
    if (data.length === 0) return
    await connection.sendAll(data)
  }
}

async function serving(
  handler: (connection: Socket, server: Server) => unknown = echo,
  options?: ServeOptions,
): Promise<Server> {
  return serve(await createServer({ host: '127.0.0.1', backlog: 1024 }), handler, options)
}

/** A gate at which handlers wait. */
function gate() {
  let open!: () => void
  const opened = new Promise<void>(resolve => (open = resolve))
  return { opened, open }
}

/** Waits turn by turn until the condition is true. */
async function until(condition: () => boolean): Promise<void> {
  const late = Date.now() + 10000
  while (!condition()) {
    if (Date.now() > late) throw new Error(`never: ${String(condition)}`)
    await turn()
  }
}

describe('connections', () => {
  test('each connection has its own handler call and is closed when the handler ends', async () => {
    const server = await serving()
    expect(server.address.toJSON()).toMatchObject({ kind: 'inet', address: '127.0.0.1' })
    const clients = await Promise.all([connect(server), connect(server)])
    await Promise.all(clients.map((client, i) => client.sendAll(bytes(`hello ${i}`))))
    for (const [i, client] of clients.entries()) expect(String(await receive(client, 7))).toBe(`hello ${i}`)
    expect(server.connections).toBe(2)
    for (const client of clients) client.shutdown(SHUT_WR)
    for (const client of clients) expect(await client.recv(1)).toHaveLength(0)
    await until(() => server.connections === 0)
    for (const client of clients) client.close()
    await server.close()
    expect(server.socket.closed).toBe(true)
  })

  test('the connection is closed when a handler returns synchronously, but not after detach', async () => {
    let kept = -1
    const server = await serving(connection => {
      if (kept < 0) kept = connection.detach()
    })
    const [first, second] = [await connect(server), await connect(server)]
    expect(await second.recv(1)).toHaveLength(0)
    const mine = Socket.adopt(kept)
    await mine.sendAll(bytes('still here'))
    expect(String(await first.recv(100))).toBe('still here')
    for (const each of [first, second, mine]) each.close()
    await server.close()
  })

  test('an error of a handler is passed to onError, and the server continues', async () => {
    const heard: [string, unknown][] = []
    let n = 0
    const handlers = [
      () => {
        throw new Error('at once')
      },
      () => Promise.reject(new Error('later')),
      () => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- a handler can throw any value
        throw null
      },
      echo,
    ]
    const server = await serving(connection => handlers[n++]!(connection), {
      onError: (error, source) => heard.push([String((error as Error | null)?.message), source]),
    })
    for (let i = 0; i < 3; i++) {
      const client = await connect(server)
      expect(await client.recv(1)).toHaveLength(0)
      client.close()
    }
    const client = await connect(server)
    await client.sendAll(bytes('x'))
    expect(String(await client.recv(1))).toBe('x')
    client.close()
    expect(heard.map(([message]) => message)).toEqual(['at once', 'later', 'undefined'])
    expect(heard.every(([, source]) => (source as Socket).closed)).toBe(true)
    await server.close()
  })

  test('an error of a handler becomes a warning without onError, or if onError throws', async () => {
    const ended = await runNode(`
      const { createServer, createConnection, serve } = require('./dist')
      process.removeAllListeners('warning')
      const warned = () => new Promise(resolve => process.once('warning', resolve))
      async function main() {
        for (const options of [{}, { onError() { throw new Error('from onError') } }]) {
          const warning = warned()
          const server = serve(await createServer({ host: '127.0.0.1' }), () => Promise.reject(new Error('from the handler')), options)
          const client = await createConnection({ host: '127.0.0.1', port: server.address.port })
          const { name, code, message } = await warning
          console.log(name, code, message.split('\\n')[0])
          client.close()
          await server.close()
        }
      }
      main()`)
    expect(ended.stdout).toBe(
      'ServeWarning BSD_SOCKETS_SERVE serve: Error: from the handler\n' +
        'ServeWarning BSD_SOCKETS_SERVE serve: Error: from onError\n',
    )
  })

  test('connections above maxConnections wait in the backlog', async () => {
    const { opened, open } = gate()
    let [now, most, served] = [0, 0, 0]
    const server = await serving(
      async connection => {
        most = Math.max(most, ++now)
        await opened
        await echo(connection)
        now--
        served++
      },
      { maxConnections: 2 },
    )
    const clients = await Promise.all(Array.from({ length: 7 }, () => connect(server)))
    for (const client of clients) await client.sendAll(bytes('x'))
    for (let i = 0; i < 20; i++) await turn()
    expect([server.connections, now]).toEqual([2, 2])
    open()
    for (const client of clients) {
      expect(String(await client.recv(1))).toBe('x')
      client.close()
    }
    await until(() => served === 7)
    expect(most).toBe(2)
    await server.close()
  })

  testIf(
    missing.prlimit(),
    'a server without free descriptors pauses, reports EMFILE once, and continues',
    async () => {
      const ended = await runNode(`
      const fs = require('node:fs')
      const { createServer, serve } = require('./dist')
      const { execFileSync } = require('node:child_process')
      async function main() {
        const listener = await createServer({ host: '127.0.0.1' })
        const accept = listener.accept
        let attempts = 0
        listener.accept = function (op) { attempts++; return accept.call(this, op) }
        const heard = []
        const server = serve(listener, connection => connection.send(Buffer.from('x')), { onError: e => heard.push(e.code) })
        const client = new Socket(c.AF_INET)
        await new Promise(resolve => setImmediate(resolve))
        execFileSync('prlimit', ['--nofile=64:64', '--pid', String(process.pid)])
        const open = []
        try { for (;;) open.push(fs.openSync('/dev/null')) } catch (e) { assert.equal(e.code, 'EMFILE') }
        await client.connect(server.address)
        await new Promise(resolve => setTimeout(resolve, 300))
        assert.deepEqual(heard, ['EMFILE'])
        assert.ok(attempts < 12, String(attempts))
        for (const fd of open) fs.closeSync(fd)
        assert.equal(String(await client.recv(1)), 'x')
        client.close()
        await server.close()
        console.log('served')
      }
      main()`)
      expect(ended).toEqual({ code: 0, signal: null, stdout: 'served\n', stderr: '' })
    },
  )

  test('serve rejects a socket that does not listen, and other invalid arguments', async () => {
    using socket = new Socket(AF_INET)
    expect(thrown(() => serve(socket, echo))).toMatchObject({ code: 'EINVAL', syscall: 'accept' })
    using datagrams = new Socket(AF_INET, SOCK_DGRAM)
    for (const bad of [
      [null, echo],
      [{}, echo],
      [datagrams, null],
      [datagrams, echo, 7],
      [datagrams, echo, { onError: 7 }],
      [datagrams, echo, { signal: {} }],
      [datagrams, echo, { maxConnections: '1' }],
    ]) {
      expect(thrown(() => (serve as (...args: unknown[]) => unknown)(...bad)).code).toBe(
        'ERR_INVALID_ARG_TYPE',
      )
    }
    using blocking = new sync.Socket(AF_INET, SOCK_DGRAM)
    expect(thrown(() => serve(blocking as never, echo)).message).toContain('this one is of bsd-sockets/sync')
    for (const maxConnections of [0, -1, 1.5]) {
      expect(thrown(() => serve(datagrams, () => 0, { maxConnections })).code).toBe('ERR_OUT_OF_RANGE')
    }
    const server = await serving()
    expect(await failure(server.close({ drain: -1 }))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    expect(await failure(server.close({ drain: 'x' as never }))).toMatchObject({
      code: 'ERR_INVALID_ARG_TYPE',
    })
    expect(await failure(server.close(null as never))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
    expect(server.socket.closed).toBe(false)
    await server.close({})
  })

  test('the default timeout does not end the wait for connections', async () => {
    const listener = await createServer({ host: '127.0.0.1' })
    listener.timeout = 1
    const server = serve(listener, echo)
    await new Promise(resolve => setTimeout(resolve, 20))
    const client = await connect(server)
    await client.send(bytes('x'))
    expect(String(await client.recv(1))).toBe('x')
    client.close()
    await server.close()
  })

  test('serve accepts AF_UNIX stream and seqpacket connections', () =>
    withPath(async file => {
      const stream = serve(await createServer({ path: file }), echo)
      const client = await createConnection({ path: file })
      await client.send(bytes('stream'))
      expect(String(await client.recv(100))).toBe('stream')
      client.close()
      await stream.close()
      if (missing.socket(AF_UNIX, SOCK_SEQPACKET) !== null) return
      const packets = serve(new Socket(AF_UNIX, SOCK_SEQPACKET).bind(abstractName()).listen(), echo)
      const peer = new Socket(AF_UNIX, SOCK_SEQPACKET)
      await peer.connect(packets.address)
      await peer.send(bytes('one'))
      await peer.send(bytes('two'))
      expect([String(await peer.recv(100)), String(await peer.recv(100))]).toEqual(['one', 'two'])
      peer.close()
      await packets.close()
    }))
})

describe('close', () => {
  test('close closes all connections, and does not report the ECANCELED of their handlers', async () => {
    const heard: unknown[] = []
    const server = await serving(echo, { onError: error => heard.push(error) })
    const client = await connect(server)
    await until(() => server.connections === 1)
    await server.close()
    expect(await outcome(client.recv(1))).toMatch(/^(fulfilled|ECONNRESET)$/)
    client.close()
    await turn()
    expect(heard).toEqual([])
    expect(server.connections).toBe(0)
  })

  test('close with drain: true waits for every handler, and accepts no new connection', async () => {
    const server = await serving()
    const client = await connect(server)
    await client.sendAll(bytes('before '))
    await until(() => server.connections === 1)
    let over = false
    const closed = server.close({ drain: true }).then(() => (over = true))
    expect(await outcome(connect(server))).toBe('ECONNREFUSED')
    await client.sendAll(bytes('after'))
    client.shutdown(SHUT_WR)
    expect(over).toBe(false)
    expect(String(await receive(client, 1000))).toBe('before after')
    await closed
    client.close()
  })

  test('close with drain: true serves the connections in the backlog', async () => {
    const { opened, open } = gate()
    const server = await serving(
      async connection => {
        await opened
        await echo(connection)
      },
      { maxConnections: 1 },
    )
    const clients = await Promise.all(Array.from({ length: 5 }, () => connect(server)))
    for (const [i, client] of clients.entries()) {
      await client.sendAll(bytes(`client ${i}`))
      client.shutdown(SHUT_WR)
    }
    const closed = server.close({ drain: true })
    open()
    for (const [i, client] of clients.entries()) {
      expect(String(await receive(client, 1000))).toBe(`client ${i}`)
      client.close()
    }
    await closed
  })

  test('close with a drain time closes the connections after it, and a later close can shorten it', async () => {
    for (const end of [
      (server: Server) => server.close({ drain: 20 }),
      (server: Server) => {
        const first = server.close({ drain: true })
        void server.close({ drain: 20 })
        return first
      },
      (server: Server) => {
        void server.close({ drain: 100000 })
        return server.close()
      },
    ]) {
      const server = await serving()
      const client = await connect(server)
      await until(() => server.connections === 1)
      await end(server)
      expect(await outcome(client.recv(1))).toMatch(/^(fulfilled|ECONNRESET)$/)
      client.close()
    }
  })

  test('the stopping signal informs handlers that wait for their client', async () => {
    const server = await serving(async (connection, { stopping }) => {
      const last = await failure(connection.recv(1, { signal: stopping }))
      await connection.sendAll(bytes(last.name))
    })
    const client = await connect(server)
    await until(() => server.connections === 1)
    const closed = server.close({ drain: true })
    expect(String(await receive(client, 1000))).toBe('AbortError')
    client.close()
    await closed
  })

  test('a signal closes the server, even if it is already aborted', async () => {
    const controller = new AbortController()
    const server = await serving(echo, { signal: controller.signal })
    const client = await connect(server)
    await until(() => server.connections === 1)
    controller.abort()
    await server.closed
    expect(await outcome(client.recv(1))).toMatch(/^(fulfilled|ECONNRESET)$/)
    client.close()
    const never = await serving(echo, { signal: AbortSignal.abort() })
    await never.closed
    expect(never.socket.closed).toBe(true)
  })

  test('await using closes the server', async () => {
    let seen: Server
    {
      await using server = await serving()
      seen = server
      expect(seen.socket.closed).toBe(false)
    }
    expect(seen.socket.closed).toBe(true)
  })

  test('closing the listening socket stops the server, and handlers run to their end', async () => {
    const heard: unknown[] = []
    const server = await serving(echo, { onError: error => heard.push(error) })
    const client = await connect(server)
    await until(() => server.connections === 1)
    server.socket.close()
    await client.sendAll(bytes('x'))
    expect(String(await client.recv(1))).toBe('x')
    client.close()
    await server.closed
    expect(heard).toEqual([])
  })

  test('an idle server keeps only its own socket, and a second close returns the same promise', async () => {
    const server = await serving()
    const [first, second] = [server.close({ drain: true }), server.close({ drain: true })]
    expect(first).toBe(second)
    await first
    await server.closed
    await server.close()
  })
})

const limit = Number(spawnSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).stdout)

testIf(
  limit >= 2500 ? null : `needs 2500 descriptors, has ${limit}`,
  'a thousand concurrent connections lose no byte when the server drains midway',
  async () => {
    const [count, size] = [1000, 32 * 1024]
    const hashes: string[] = []
    const server = await serving(async connection => {
      const hash = createHash('sha256')
      for (;;) {
        const data = await connection.recv(16384)
        if (data.length === 0) break
        hash.update(data)
        await connection.sendAll(data)
      }
      hashes.push(hash.digest('hex'))
    }, { maxConnections: 600 }) // prettier-ignore
    const whole = pattern(size + count)
    const { opened, open } = gate()
    let halfway = 0
    const clients = Array.from({ length: count }, async (_, i) => {
      const client = await connect(server)
      const own = whole.subarray(i, i + size) // each client sends different bytes
      const back = createHash('sha256')
      let got = 0
      const receiving = (async () => {
        for (;;) {
          const data = await client.recv(16384)
          if (data.length === 0) return
          got += data.length
          back.update(data)
        }
      })()
      await client.sendAll(own.subarray(0, size / 2))
      halfway++
      await opened
      await client.sendAll(own.subarray(size / 2))
      client.shutdown(SHUT_WR)
      await receiving
      client.close()
      return [got, back.digest('hex'), createHash('sha256').update(own).digest('hex')] as const
    })
    await until(() => halfway === count)
    const closed = server.close({ drain: true })
    open()
    const ends = await Promise.all(clients)
    await closed
    expect(ends.every(([got]) => got === size)).toBe(true)
    expect(ends.map(([, back]) => back)).toEqual(ends.map(([, , sent]) => sent))
    expect(hashes.sort()).toEqual(ends.map(([, , sent]) => sent).sort())
    expect(new Set(hashes).size).toBeGreaterThan(900)
  },
  60000,
)

describe('datagrams', () => {
  const udp = (): Socket => new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])

  test('the handler gets each datagram with its sender, and can reply', async () => {
    const server = serve(udp(), async (datagram: Datagram) => {
      expect(datagram.truncated).toBe(false)
      await datagram.reply(bytes(`${String(datagram.data)} from ${String(datagram.address)}`))
    })
    const clients = [udp(), udp()]
    for (const client of clients) await client.sendto(bytes('hello'), server.address)
    for (const client of clients) {
      const { data, address } = await client.recvfrom(100)
      expect(String(data)).toBe(`hello from ${String(client.localAddress)}`)
      expect(address!.equals(server.address)).toBe(true)
      client.close()
    }
    await server.close()
    expect(server.socket.closed).toBe(true)
  })

  test('the data of a datagram does not change when later datagrams arrive', async () => {
    const kept: Buffer[] = []
    const server = serve(udp(), (datagram: Datagram) => void kept.push(datagram.data))
    const client = udp()
    for (const text of ['first', 'second', '']) await client.sendto(bytes(text), server.address)
    await until(() => kept.length === 3)
    expect(kept.map(String)).toEqual(['first', 'second', ''])
    client.close()
    await server.close()
  })

  test('maxConnections limits concurrent datagram handlers, and drain waits for them', async () => {
    const { opened, open } = gate()
    const server = serve(
      udp(),
      async (datagram: Datagram) => {
        await opened
        await datagram.reply(datagram.data)
      },
      { maxConnections: 3 },
    )
    const client = udp()
    for (let i = 0; i < 5; i++) await client.sendto(bytes(String(i)), server.address)
    for (let i = 0; i < 20; i++) await turn()
    expect(server.connections).toBe(3)
    const closed = server.close({ drain: true })
    open()
    const replies = [await client.recv(10), await client.recv(10), await client.recv(10)].map(String)
    expect(replies).toEqual(['0', '1', '2'])
    await closed
    client.close()
  })

  test('errors of datagram handlers are reported, and the server continues', async () => {
    const heard: [string, unknown][] = []
    const server = serve(
      udp(),
      (datagram: Datagram) => {
        if (datagram.data.length === 1) throw new Error('one')
        return datagram.reply(datagram.data)
      },
      { onError: (error, source) => heard.push([(error as Error).message, source]) },
    )
    const client = udp()
    await client.sendto(bytes('1'), server.address)
    await client.sendto(bytes('22'), server.address)
    expect(String(await client.recv(10))).toBe('22')
    expect(heard.map(([message, source]) => [message, String((source as Datagram).data)])).toEqual([
      ['one', '1'],
    ])
    client.close()
    await server.close()
  })

  test('AF_UNIX datagrams: a reply to a named sender arrives whole, to an unnamed one it fails with EDESTADDRREQ', () =>
    withPath(async file => {
      const outcomes: string[] = []
      const lengths: number[] = []
      const server = serve(new Socket(AF_UNIX, SOCK_DGRAM).bind(file), async (datagram: Datagram) => {
        lengths.push(datagram.data.length)
        outcomes.push(await outcome(datagram.reply(bytes('reply'))))
      })
      const named = new Socket(AF_UNIX, SOCK_DGRAM).bind(`${file}c`)
      await named.sendto(Buffer.alloc(150_000), server.address)
      expect(String(await named.recv(10))).toBe('reply')
      const unnamed = new Socket(AF_UNIX, SOCK_DGRAM)
      await unnamed.sendto(bytes('x'), server.address)
      await until(() => outcomes.length === 2)
      expect(outcomes).toEqual(['fulfilled', 'EDESTADDRREQ'])
      expect(lengths).toEqual([150_000, 1])
      named.close()
      unnamed.close()
      await server.close()
    }))

  test('a handler on a connected datagram pair replies to its peer', async () => {
    const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
    const server = serve(a, (datagram: Datagram) => datagram.reply(datagram.data))
    await b.send(bytes('x'))
    expect(String(await b.recv(10))).toBe('x')
    b.close()
    await server.close()
  })
})

describe('Python’s clients', () => {
  testIf(missing.python(), 'many concurrent Python clients over TCP, UDP and AF_UNIX are served', () =>
    withPath(async file => {
      const upper = async (connection: Socket): Promise<void> => {
        const request = await connection.recv(1024)
        await connection.sendAll(bytes(String(request).toUpperCase()))
      }
      const tcp = await serving(upper)
      const unix = serve(await createServer({ path: file }), upper)
      const udp = serve(new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0]), (datagram: Datagram) =>
        datagram.reply(bytes(String(datagram.data).toUpperCase())),
      )
      const said = await runPython(`
import socket, threading
def tcp(i):
    with socket.create_connection(('127.0.0.1', ${portOf(tcp)})) as s:
        s.sendall(b'tcp %d' % i); assert s.recv(99) == b'TCP %d' % i; assert s.recv(99) == b''
def unix(i):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(${JSON.stringify(file)}); s.sendall(b'unix %d' % i); assert s.recv(99) == b'UNIX %d' % i
def udp(i):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b'udp %d' % i, ('127.0.0.1', ${portOf(udp)})); assert s.recv(99) == b'UDP %d' % i
done = []
def run(f, i): f(i); done.append(i)
threads = [threading.Thread(target=run, args=(f, i)) for i in range(20) for f in (tcp, unix, udp)]
[t.start() for t in threads]; [t.join() for t in threads]
print(len(done))`)
      expect(said).toBe('60\n')
      await Promise.all([tcp, unix, udp].map(server => server.close({ drain: true })))
    }),
  )
})

test('a process exits by itself after its server was closed', async () => {
  const ended = await run(process.execPath, [
    '-e',
    `const { createServer, serve } = require('./dist')
     createServer({ host: '127.0.0.1' }).then(async s => { await serve(s, () => 0).close(); console.log('over') })`,
  ])
  expect(ended).toEqual({ code: 0, signal: null, stdout: 'over\n', stderr: '' })
})
