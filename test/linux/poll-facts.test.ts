import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { AF_INET, IPPROTO_IP, MSG_OOB, SHUT_RD, Socket, SOCK_DGRAM, SOL_SOCKET } from '../../lib'
import { IP_RECVERR, MSG_ERRQUEUE, SO_RCVLOWAT } from '../../lib/linux'
import { native } from '../../lib/binding/binding'
import { ensureDist, root, run } from '../helpers/child'
import { failure } from '../helpers/errors'
import { kinds, using } from '../helpers/pairs'
import { missing, testIf } from '../helpers/need'
import { FEW_TURNS, turnsIn } from '../helpers/stalls'

const linux = missing.linux()
const [IN, PRI, OUT, ERR, HUP, RDHUP] = [1, 2, 4, 8, 0x10, 0x2000]
const mask = (socket: Socket): number => {
  const entry = Int32Array.of(socket.fd, IN | PRI | OUT | RDHUP, 0)
  native.poll(entry, 0)
  return entry[2]!
}
const tcp = kinds.find(kind => kind.name === 'tcp4')!
const unix = kinds.find(kind => kind.name === 'unix stream')!

describe('poll(2) events', () => {
  testIf(linux, 'the events of an unconnected, a listening and a shut down socket', () => {
    const socket = new Socket()
    expect(mask(socket)).toBe(OUT | HUP)
    socket.bind(['127.0.0.1', 0])
    expect(mask(socket)).toBe(OUT | HUP)
    socket.listen()
    expect(mask(socket)).toBe(0)
    socket.shutdown(SHUT_RD)
    expect(mask(socket)).toBe(OUT | HUP)
    socket.close()
  })

  testIf(linux, "the events after the peer's FIN, after its reset, and after SHUT_RD", async () => {
    await using(tcp.make, async ({ a, b }) => {
      b.close()
      await a.readable()
      expect(mask(a)).toBe(IN | OUT | RDHUP)
    })
    await using(tcp.make, async ({ a, b }) => {
      await a.send(Buffer.of(1))
      await b.readable()
      b.close()
      await a.readable()
      expect(mask(a) & (ERR | HUP)).toBe(ERR | HUP)
      expect((await failure(a.recv(1))).code).toBe('ECONNRESET')
      expect((await a.recv(1)).length).toBe(0)
    })
    await using(tcp.make, async ({ a, b }) => {
      a.shutdown(SHUT_RD)
      expect(mask(a)).toBe(IN | OUT | RDHUP)
      await b.send(Buffer.from('late'))
      expect(String(await a.recv(10))).toBe('late')
    })
  })

  testIf(linux, 'out-of-band data sets no POLLIN on TCP, and does on AF_UNIX', async () => {
    for (const [kind, expected] of [
      [tcp, PRI],
      [unix, IN | PRI],
    ] as const) {
      await using(kind.make, async ({ a, b }) => {
        await a.send(Buffer.of(1), MSG_OOB)
        await b.readable({ timeout: 20 }).catch(() => undefined)
        expect(mask(b) & (IN | PRI)).toBe(expected)
      })
    }
  })

  testIf(linux, 'with SO_RCVLOWAT 100, a socket with 50 bytes is not readable', () =>
    using(tcp.make, async ({ a, b }) => {
      b.setsockopt(SOL_SOCKET, SO_RCVLOWAT, 100)
      await a.send(Buffer.alloc(50))
      expect((await failure(b.readable({ timeout: 20 }))).code).toBe('ERR_SOCKET_TIMEOUT')
      await a.send(Buffer.alloc(60))
      await b.readable()
      expect((await b.recv(200)).length).toBe(110)
    }),
  )
})

testIf(linux, 'a record in the error queue wakes a receive once and causes no spinning', async () => {
  const closed = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  const address = closed.getsockname()
  closed.close()
  const socket = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  socket.setsockopt(IPPROTO_IP, IP_RECVERR, 1)
  const refused = failure(socket.recv(10))
  await socket.sendto(Buffer.of(1), address)
  expect((await refused).code).toBe('ECONNREFUSED')
  expect(mask(socket) & ERR).toBe(ERR)
  const turns = await turnsIn(async () =>
    expect((await failure(socket.recv(10, { timeout: 300 }))).code).toBe('ERR_SOCKET_TIMEOUT'),
  )
  expect(turns).toBeLessThan(FEW_TURNS)
  expect(socket.tryRecv(100, MSG_ERRQUEUE)).toHaveLength(1)
  expect(mask(socket) & ERR).toBe(0)
  socket.close()
})

testIf(
  linux ?? missing.strace(),
  '20,000 round trips with both ends waiting make fewer than 100 calls of epoll_ctl',
  async () => {
    ensureDist()
    const directory = mkdtempSync(path.join(tmpdir(), 'bsd-'))
    const log = path.join(directory, 'strace')
    const script = `
    const { Socket } = require(${JSON.stringify(path.join(root, 'dist'))})
    const [a, b] = Socket.pair()
    const ping = Buffer.from('ping')
    async function echo() { for (let i = 0; i < 20000; i++) { await b.recv(4); await b.send(ping) } }
    async function main() { for (let i = 0; i < 20000; i++) { await a.send(ping); await a.recv(4) } console.log('done') }
    Promise.all([echo(), main()]).then(() => { a.close(); b.close() })
  `
    const ended = await run(
      'strace',
      ['-f', '--seccomp-bpf', '-e', 'trace=epoll_ctl', '-o', log, process.execPath, '-e', script],
      { timeout: 60000 },
    )
    const calls = readFileSync(log, 'utf8')
      .split('\n')
      .filter(line => line.includes('epoll_ctl(')).length
    rmSync(directory, { recursive: true })
    expect(ended).toMatchObject({ code: 0, stdout: 'done\n' })
    expect(calls).toBeLessThan(100)
  },
  60000,
)
