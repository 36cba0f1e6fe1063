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
} from '../../lib'
import * as sync from '../../lib/sync'
import { run, runNode, runPython } from '../helpers/child'
import { failure, thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { abstractName, pattern, receive, turn, withPath } from '../helpers/pairs'
import { bytes, portOf, connect, echo, serving, gate, until } from './serving'

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
