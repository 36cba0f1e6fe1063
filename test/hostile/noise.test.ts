import { AF_INET, options, Socket, SOCK_DGRAM } from '../../lib'
import * as blocking from '../../lib/sync'
import { runNode } from '../helpers/child'
import { failure } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { turn } from '../helpers/pairs'

/** Makes a connected socket whose peer does not exist yet. Its sends cause ICMP errors. */
function orphan(): { socket: Socket; peer: () => Socket } {
  const probe = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  const address = probe.getsockname()
  probe.close()
  const socket = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  socket.tryConnect(address)
  return { socket, peer: () => new Socket(AF_INET, SOCK_DGRAM).bind(address) }
}

const linux = missing.linux()

testIf(linux, 'readable() does not resolve because of an unread error queue', async () => {
  const { socket, peer } = orphan()
  socket.receiveMeta({ errors: true })
  await socket.send(Buffer.from('x'))
  expect((await failure(socket.recv(1))).code).toBe('ECONNREFUSED')
  // recv has reported the error. Its record stays in the queue, and poll(2) reports POLLERR until it is read.
  let turns = 0
  const end = Date.now() + 60
  while (Date.now() < end) {
    expect((await failure(socket.readable({ timeout: 20 }))).code).toBe('ERR_SOCKET_TIMEOUT')
    turns++
  }
  expect(turns).toBeLessThan(10)
  using other = peer()
  const ready = socket.readable()
  await other.sendto(Buffer.from('y'), socket.getsockname())
  await ready
  expect(String(await socket.recv(9))).toBe('y')
  expect(await socket.receiveErrors()).toHaveLength(1)
  socket.close()
})

testIf(linux, 'timestamps in the error queue do not resolve readable()', async () => {
  const { socket, peer } = orphan()
  using other = peer()
  socket.set(options.SO_TIMESTAMPING, { flags: (1 << 1) | (1 << 4), bindPhc: 0 })
  const ready = socket.readable({ timeout: 100 })
  for (let i = 0; i < 20; i++) {
    await socket.send(Buffer.from('x'))
    await turn()
  }
  expect((await failure(ready)).code).toBe('ERR_SOCKET_TIMEOUT')
  expect(other.closed).toBe(false)
  socket.close()
})

testIf(
  linux,
  'a pending error ends readable(), and either readable() or the next call reports it',
  async () => {
    const plain = orphan().socket
    await plain.send(Buffer.from('x'))
    await plain.readable({ timeout: 1000 })
    expect((await failure(plain.recv(1))).code).toBe('ECONNREFUSED')
    plain.close()
    const { socket } = orphan()
    socket.receiveMeta({ errors: true })
    await socket.send(Buffer.from('x'))
    expect(await failure(socket.readable({ timeout: 1000 }))).toMatchObject({
      code: 'ECONNREFUSED',
      syscall: 'poll',
    })
    expect((await failure(socket.readable({ timeout: 20 }))).code).toBe('ERR_SOCKET_TIMEOUT')
    socket.close()
  },
)

testIf(linux, 'the blocking readable() does not return because of an unread error queue', () => {
  const { socket } = orphan()
  socket.receiveMeta({ errors: true })
  socket.trySend(Buffer.from('x'))
  const twin = blocking.Socket.dup(socket)
  let code = ''
  try {
    for (let i = 0; i < 2; i++) twin.readable({ timeout: 1000 / (i * 20 + 1) })
  } catch (error) {
    code = (error as { code: string }).code
  }
  expect(code).toBe('ECONNREFUSED')
  for (const each of [socket, twin]) each.close()
})

/** Collects the warnings of the process in `warned`. */
const warnings = `
  const warned = []
  process.removeAllListeners('warning')
  process.on('warning', warning => warned.push(warning.code + ' ' + warning.message.split('\\n')[0]))
`

test('serve emits no warnings for connections that peers reset', async () => {
  const ended = await runNode(`
    ${warnings}
    const { createServer, serve, options } = require('./dist')
    async function main() {
      let served = 0
      const server = serve(await createServer({ host: '127.0.0.1', backlog: 128 }), async connection => {
        served++
        for (;;) await connection.send(Buffer.alloc(65536))
      })
      for (let i = 0; i < 100; i++) {
        const client = new Socket(c.AF_INET)
        await client.connect(server.address)
        await client.recv(1)
        client.set(options.SO_LINGER, { on: true, seconds: 0 })
        client.close()
      }
      while (server.connections > 0) await new Promise(resolve => setImmediate(resolve))
      await server.close()
      console.log(served, warned.length)
    }
    main()`)
  expect(ended).toMatchObject({ code: 0, stdout: '100 0\n', stderr: '' })
})

test('repeated errors of handlers are reported at growing intervals, with their number', async () => {
  const ended = await runNode(`
    ${warnings}
    const { createServer, serve } = require('./dist')
    async function main() {
      let n = 0
      const server = serve(await createServer({ host: '127.0.0.1', backlog: 128 }), () => {
        throw Object.assign(new Error('bad request ' + n), { code: 'E' + n++ % 500 })
      })
      for (let i = 0; i < 300; i++) {
        const client = new Socket(c.AF_INET)
        await client.connect(server.address)
        await client.recv(1)
        client.close()
      }
      n = 0
      await server.close()
      console.log(warned.length < 100, warned.some(text => /10 times/.test(text)))
    }
    main()`)
  expect(ended).toMatchObject({ code: 0, stdout: 'true true\n', stderr: '' })
})

test('thousands of lost sockets cause only a few warnings', async () => {
  const ended = await runNode(
    `
    ${warnings}
    const { setTimeout: sleep } = require('node:timers/promises')
    const fs = require('node:fs')
    const count = () => fs.readdirSync(process.platform === 'linux' ? '/proc/self/fd' : '/dev/fd').length
    async function main() {
      const before = count()
      for (let round = 0; round < 8; round++) {
        for (let i = 0; i < 250; i++) new Socket()
        for (let i = 0; i < 20 && count() > before + 5; i++) { gc(); await sleep(2) }
      }
      console.log(count() <= before + 5, warned.length)
      for (const text of warned) console.log(text.replace(/descriptor \\d+/, 'descriptor N'))
    }
    main()`,
    { flags: ['--expose-gc'], timeout: 20000 },
  )
  const [first, ...texts] = ended.stdout.trimEnd().split('\n')
  expect(first).toBe('true 4')
  expect(texts[0]).toMatch(/^SOCKET_NOT_CLOSED The socket on descriptor N was garbage-collected while open/)
  expect(texts[3]).toMatch(/1000/)
})
