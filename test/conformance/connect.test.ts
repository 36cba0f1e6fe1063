import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  AF_UNSPEC,
  constants,
  IPPROTO_TCP,
  Socket,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  TCP_NODELAY,
} from '../../lib'
import * as sync from '../../lib/sync'
import { ensureDist, run, runNode } from '../helpers/child'
import { failure, thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { abstractName, withPath } from '../helpers/pairs'
import { FEW_TURNS, turnsIn } from '../helpers/stalls'

const bytes = (text: string): Buffer => Buffer.from(text)

/** Returns a socket that holds a port of this host and does not listen on it. */
function refusing(): Socket {
  return new Socket(AF_INET).bind(['127.0.0.1', 0])
}

describe('connect', () => {
  test('a refused connection reports the errno and the address', async () => {
    const held = refusing()
    const { port } = held.getsockname() as unknown as { port: number }
    const socket = new Socket()
    const error = await failure(socket.connect(['127.0.0.1', port]))
    expect(error).toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect', address: '127.0.0.1', port })
    expect(error.errno).toBe(-111)
    expect(error.message).toBe(`connect ECONNREFUSED 127.0.0.1:${port}`)
    expect(socket.closed).toBe(false)
    socket.close()
    held.close()
  })

  test('connectEx resolves with the errno', async () => {
    const held = refusing()
    const listener = new Socket().bind(['127.0.0.1', 0]).listen()
    const socket = new Socket()
    const unix = new Socket(AF_UNIX)
    const other = new Socket()
    expect(await other.connectEx(held.getsockname())).toBe(111)
    expect(await socket.connectEx(listener.getsockname())).toBe(0)
    expect(await unix.connectEx('/nonexistent/socket')).toBe(2)
    expect((await failure(socket.connectEx(['no.address', 1]))).code).toBe('ERR_INVALID_ADDRESS')
    for (const one of [socket, other, unix, listener, held]) one.close()
  })

  const refusals: [string, number, number, string, string | null][] = [
    ['TCP', AF_INET, 0, '127.0.0.1', null],
    ['TCP over IPv6', AF_INET6, 0, '::1', missing.socket(AF_INET6, SOCK_STREAM)],
    [
      'MPTCP',
      AF_INET,
      constants.IPPROTO_MPTCP!,
      '127.0.0.1',
      missing.socket(AF_INET, SOCK_STREAM, constants.IPPROTO_MPTCP),
    ],
  ]
  for (const [name, family, protocol, address, absent] of refusals) {
    testIf(
      absent,
      `${name}: each connect to a closed port is refused, and the next one to an open port succeeds`,
      async () => {
        const held = new Socket(family).bind([address, 0])
        const { port } = held.getsockname() as unknown as { port: number }
        const sockets = [
          new Socket(family, SOCK_STREAM, protocol),
          new sync.Socket(family, SOCK_STREAM, protocol),
        ]
        for (const socket of sockets) {
          const errors = []
          for (let i = 0; i < 4; i++) errors.push(await socket.connectEx([address, port]))
          expect(errors).toEqual([111, 111, 111, 111])
        }
        held.listen()
        for (const socket of sockets) {
          await socket.connect([address, port])
          expect(socket.getpeername()).toMatchObject({ port })
          socket.close()
        }
        held.close()
      },
    )
  }

  test('a bound socket keeps its port over a refusal', async () => {
    const held = refusing()
    const socket = new Socket().bind(['127.77.1.1', 7701]) // with port 0 the kernel chooses another port
    const bound = String(socket.getsockname())
    for (let i = 0; i < 2; i++) {
      expect(await socket.connectEx(held.getsockname())).toBe(111)
      expect(String(socket.getsockname())).toBe(bound)
    }
    for (const each of [socket, held]) each.close()
  })

  test('a second connect fails with EISCONN', async () => {
    const listener = new Socket().bind(['127.0.0.1', 0]).listen()
    const socket = new Socket()
    await socket.connect(listener.getsockname())
    await socket.connectEx(listener.getsockname()) // on Linux the second call reports the outcome of the first one
    expect((await failure(socket.connect(listener.getsockname()))).code).toBe('EISCONN')
    socket.close()
    listener.close()
  })

  testIf(
    missing.linux() ?? missing.namespace(),
    'connect fails with ENETUNREACH if there is no route to the network',
    async () => {
      const script = `
      const { Socket } = require('./dist')
      const socket = new Socket()
      socket.connectEx(['192.0.2.1', 9]).then(errno => (console.log(errno), socket.close()))
    `
      ensureDist()
      expect(await run('unshare', ['-n', process.execPath, '-e', script])).toMatchObject({
        code: 0,
        stdout: '101\n',
        stderr: '',
      })
    },
  )

  test('a connect that times out leaves the socket open and the attempt in progress, and a signal closes the socket', async () => {
    const listener = new Socket().bind(['127.0.0.1', 0]).listen(0)
    const address = listener.getsockname()
    const fillers = [new Socket(), new Socket()]
    const filling = fillers.map(filler => failure(filler.connect(address)).catch(() => null))
    const late = new Socket()
    const error = await failure(late.connect(address, { timeout: 40 }))
    expect(error).toMatchObject({ code: 'ERR_SOCKET_TIMEOUT', name: 'TimeoutError' })
    expect(late.closed).toBe(false)
    expect(await late.connectEx(address, { timeout: 10 })).toBe(11)
    const controller = new AbortController()
    const waiting = failure(late.connect(address, { signal: controller.signal }))
    controller.abort()
    expect((await waiting).name).toBe('AbortError')
    expect(late.closed).toBe(true)
    for (const socket of [...fillers, listener]) socket.close()
    await Promise.all(filling)
  })

  test('an option that was set before connect is still set after it', async () => {
    const listener = new Socket().bind(['127.0.0.1', 0]).listen()
    const socket = new Socket()
    socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, true)
    const [peer] = await Promise.all([listener.accept(), socket.connect(listener.getsockname())])
    expect(socket.getsockopt(IPPROTO_TCP, TCP_NODELAY)).toBe(1)
    expect(String(peer.remoteAddress)).toBe(String(socket.localAddress))
    for (const one of [socket, peer, listener]) one.close()
  })

  for (const type of ['SOCK_STREAM', 'SOCK_SEQPACKET'] as const) {
    testIf(
      missing.linux(),
      `AF_UNIX ${type}: connect to a full backlog waits without spinning and connects once there is room`,
      async () => {
        const name = abstractName()
        const listener = new Socket(AF_UNIX, constants[type]).bind(name).listen(0)
        const sockets: Socket[] = []
        const connecting = Array.from({ length: 6 }, () => {
          const socket = new Socket(AF_UNIX, constants[type])
          sockets.push(socket)
          return socket.connect(name)
        })
        const blocked = new Socket(AF_UNIX, constants[type])
        expect((await failure(blocked.connect(name, { timeout: 0 }))).code).toBe('EAGAIN')
        const turns = await turnsIn(async () =>
          expect((await failure(blocked.connect(name, { timeout: 100 }))).code).toBe('ERR_SOCKET_TIMEOUT'),
        )
        expect(turns).toBeLessThan(FEW_TURNS)
        for (let i = 0; i < 6; i++) sockets.push(await listener.accept())
        await Promise.all(connecting)
        for (const socket of [...sockets, blocked, listener]) socket.close()
      },
    )
  }

  test('connect(AF_UNSPEC) dissolves a UDP connection', async () => {
    const [one, two] = [1, 2].map(() => new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])) as [
      Socket,
      Socket,
    ]
    const socket = new Socket(AF_INET, SOCK_DGRAM)
    await socket.connect(one.getsockname())
    expect(String(socket.getpeername())).toBe(String(one.getsockname()))
    await socket.connect({ family: AF_UNSPEC, data: new Uint8Array(14) })
    expect(thrown(() => socket.getpeername()).code).toBe('ENOTCONN')
    expect(socket.remoteAddress).toBeNull()
    await socket.connect(two.getsockname())
    await socket.send(bytes('two'))
    expect(String(await two.recv(10))).toBe('two')
    for (const one_ of [one, two, socket]) one_.close()
  })

  test('connect to a path fails with ENOENT if nothing is there and with ECONNREFUSED if no socket of its type listens there', () =>
    withPath(async file => {
      const socket = new Socket(AF_UNIX)
      expect(await failure(socket.connect(file))).toMatchObject({ code: 'ENOENT', path: file })
      const stale = new Socket(AF_UNIX).bind(file)
      expect((await failure(socket.connect(file))).code).toBe('ECONNREFUSED')
      stale.close()
      const record = new Socket(AF_UNIX, SOCK_SEQPACKET)
      expect((await failure(record.connect(file))).code).toBe('ECONNREFUSED')
      record.close()
      socket.close()
    }))
})

describe('accept', () => {
  test('200 accepted connections have their addresses and are close-on-exec', async () => {
    const listener = new Socket().bind(['127.0.0.1', 0]).listen(256)
    const address = listener.getsockname()
    const clients = Array.from({ length: 200 }, () => new Socket())
    const [peers] = await Promise.all([
      Promise.all(clients.map(() => listener.accept())),
      Promise.all(clients.map(client => client.connect(address))),
    ])
    const remote = peers.map(peer => String(peer.remoteAddress)).sort()
    expect(remote).toEqual(clients.map(client => String(client.localAddress)).sort())
    expect(new Set(peers.map(peer => peer.fd)).size).toBe(200)
    expect(peers.every(peer => !peer.getInheritable() && !peer.closed)).toBe(true)
    for (const socket of [...clients, ...peers, listener]) socket.close()
  })

  test('accepts that wait are served in order, and tryAccept never goes before them', async () => {
    const listener = new Socket().bind(['127.0.0.1', 0]).listen()
    expect(listener.tryAccept()).toBeNull()
    const order: number[] = []
    const accepting = [0, 1, 2].map(i => listener.accept().then(peer => (order.push(i), peer)))
    const clients = [0, 1, 2].map(() => new Socket())
    for (const client of clients) await client.connect(listener.getsockname())
    expect(listener.tryAccept()).toBeNull()
    const peers = await Promise.all(accepting)
    expect(order).toEqual([0, 1, 2])
    for (const socket of [...clients, ...peers, listener]) socket.close()
  })

  test('accepts that wait fail with ECANCELED when the listening socket is closed, and with EINVAL when it is shut down', async () => {
    const listener = new Socket().bind(['127.0.0.1', 0]).listen()
    const waiting = [failure(listener.accept()), failure(listener.accept())]
    listener.close()
    expect((await Promise.all(waiting)).map(error => [error.code, error.syscall])).toEqual([
      ['ECANCELED', 'accept'],
      ['ECANCELED', 'accept'],
    ])
    const other = new Socket().bind(['127.0.0.1', 0]).listen()
    const stopped = failure(other.accept())
    other.shutdown(constants.SHUT_RD!)
    expect((await stopped).code).toBe('EINVAL')
    other.close()
  })

  testIf(
    missing.linux() ?? missing.prlimit(),
    'if no file descriptor is free, accept fails with EMFILE and the next accept gets the connection',
    async () => {
      const ended = await runNode(`
      const fs = require('node:fs')
      const { execFileSync } = require('node:child_process')
      async function main() {
        const listener = new Socket().bind(['127.0.0.1', 0]).listen()
        const waiting = listener.accept()
        const client = new Socket()
        const limit = fs.readdirSync('/proc/self/fd').length + 20
        execFileSync('prlimit', ['--pid', process.pid, '--nofile=' + limit + ':' + limit])
        const files = []
        try { for (;;) files.push(fs.openSync('/dev/null')) } catch {}
        await client.connect(listener.getsockname())
        const error = await waiting.catch(error => error)
        console.log(error.code, error.syscall)
        for (const file of files) fs.closeSync(file)
        const peer = await listener.accept({ timeout: 3000 })
        console.log(String(peer.remoteAddress) === String(client.localAddress))
        peer.close(); client.close(); listener.close()
      }
      main()
    `)
      expect(ended).toMatchObject({ code: 0, signal: null, stdout: 'EMFILE accept\ntrue\n', stderr: '' })
    },
  )
})

test('a second connect fails with EISCONN at once, also to another address', async () => {
  const [first, second] = [0, 0].map(() => new Socket().bind(['127.0.0.1', 0]).listen()) as [Socket, Socket]
  const socket = new Socket()
  await socket.connect(first.getsockname())
  expect((await failure(socket.connect(second.getsockname()))).code).toBe('EISCONN')
  expect(socket.getpeername().equals(first.getsockname())).toBe(true)
  for (const each of [socket, first, second]) each.close()
})
