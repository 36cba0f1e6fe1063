'use strict'

/* Short scenes with their own sockets. Each ends with all sockets closed, or left to the garbage collector. */
const assert = require('node:assert')
const bsd = require('../../../dist/index.js')
const { accepted, content } = require('./links.js')
const { turn } = require('./actions.js')

const { AF_INET, AF_UNIX, SOCK_DGRAM, SOCK_STREAM, Socket } = bsd
const makeStream = random =>
  random.chance(50) ? Socket.pair() : accepted(AF_INET, SOCK_STREAM, 0, ['127.0.0.1', 0])

async function readAll(socket, id, total) {
  let got = 0
  for (;;) {
    const part = await socket.recv(65536, { timeout: 8000 })
    if (part.length === 0) break
    assert.ok(part.equals(content(id, got, part.length)), `other bytes at ${got}`)
    got += part.length
  }
  assert.strictEqual(got, total, 'bytes on the way through')
}

const expected = async (promise, ...codes) => {
  try {
    return await promise
  } catch (error) {
    if (!codes.includes(error.code)) throw error
    return undefined
  }
}

const scenes = {
  /** a → (b ⇄ c) → d and back. */
  async relay(random) {
    const [[a, b], [c, d]] = [await makeStream(random), await makeStream(random)]
    const there = random.below(200_000)
    const back = random.below(50_000)
    const relayed = bsd.relay(b, c)
    const write = async (socket, id, total) => {
      await socket.sendAll(content(id, 0, total), { timeout: 8000 })
      socket.shutdown(bsd.SHUT_WR)
    }
    await Promise.all([write(a, 5, there), write(d, 6, back), readAll(d, 5, there), readAll(a, 6, back)])
    assert.deepStrictEqual(await relayed, { aToB: there, bToA: back })
    for (const socket of [a, b, c, d]) socket.close()
  },

  /** A relay that is aborted or loses a socket loses no byte that it reported as moved. */
  async relayStopped(random) {
    const [[a, b], [c, d]] = [await makeStream(random), await makeStream(random)]
    const controller = new AbortController()
    const relayed = bsd.relay(b, c, { signal: controller.signal })
    const total = 1 + random.below(100_000)
    const sent = expected(
      a.sendAll(content(5, 0, total), { timeout: 100 }),
      'ERR_SOCKET_TIMEOUT',
      'EPIPE',
      'ECONNRESET',
    )
    let got = 0
    const turns = random.below(6)
    for (let i = 0; i < turns; i++) {
      await turn()
      const part = d.tryRecv(30_000)
      if (part === null || part.length === 0) continue
      assert.ok(part.equals(content(5, got, part.length)), `other bytes at ${got}`)
      got += part.length
    }
    if (random.chance(50)) controller.abort()
    else random.pick([b, c]).close()
    await expected(relayed, 'ABORT_ERR', 'ECANCELED', 'EBADF', 'EPIPE', 'ECONNRESET')
    for (const socket of [b, c]) socket.close()
    await sent
    for (const socket of [a, d]) socket.close()
  },

  async splice(random) {
    const [[a, b], [c, d]] = [await makeStream(random), await makeStream(random)]
    const total = 1 + random.below(150_000)
    const sent = a.sendAll(content(9, 0, total), { timeout: 8000 }).then(() => a.shutdown(bsd.SHUT_WR))
    const moved = b.splice(c, { timeout: 8000 }).then(bytes => {
      c.shutdown(bsd.SHUT_WR)
      return bytes
    })
    const [, bytes] = await Promise.all([sent, moved, readAll(d, 9, total)])
    assert.strictEqual(bytes, total)
    for (const socket of [a, b, c, d]) socket.close()
  },

  /** Sockets without references, which the garbage collector closes. */
  async forgotten(random) {
    for (let i = random.below(4); i >= 0; i--) {
      const [a, b] = random.chance(50)
        ? Socket.pair()
        : [new Socket(AF_INET, SOCK_DGRAM), new Socket(AF_UNIX, SOCK_STREAM)]
      if (random.chance(50) && a.family === AF_UNIX) a.trySend(Buffer.from('unread'))
      if (random.chance(30)) await expected(b.recv(1, { timeout: 0 }), 'EAGAIN', 'EINVAL', 'ENOTCONN')
    }
  },

  async refused(random) {
    const socket = new Socket(AF_INET, SOCK_STREAM).bind(['127.0.0.1', 0])
    const client = new Socket(AF_INET, SOCK_STREAM)
    const op = random.chance(30) ? { signal: AbortSignal.abort() } : {}
    const code = await client.connect(socket.getsockname(), op).then(() => 'connected', error => error.code)
    assert.ok(['ECONNREFUSED', ...(op.signal ? ['ABORT_ERR'] : [])].includes(code), code)
    client.close()
    socket.close()
  }, // prettier-ignore

  /** Accepts that time out, are aborted, are closed, or succeed. */
  async listener(random) {
    const listener = new Socket(AF_INET, SOCK_STREAM).bind(['127.0.0.1', 0]).listen(8)
    const codes = ['ERR_SOCKET_TIMEOUT', 'ABORT_ERR', 'ECANCELED', 'EAGAIN']
    const accepts = Array.from({ length: 1 + random.below(4) }, () =>
      expected(listener.accept(random.pick([{ timeout: random.below(5) }, { signal: AbortSignal.timeout(5) }, {}])), ...codes),
    ) // prettier-ignore
    const clients = Array.from({ length: random.below(5) }, () => new Socket(AF_INET, SOCK_STREAM))
    const address = listener.getsockname()
    const connects = clients.map(client =>
      expected(client.connect(address, { timeout: 500 }), 'ECONNREFUSED', 'ECONNRESET', 'ERR_SOCKET_TIMEOUT'),
    )
    for (let turns = random.below(5); turns > 0; turns--) await turn()
    listener.close()
    await Promise.all(connects)
    for (const each of await Promise.all(accepts)) each?.close()
    for (const client of clients) client.close()
  },

  /** A dozen operations wait, and close ends all of them. */
  async closedWhileWaiting(random) {
    const [a, b] = await makeStream(random)
    const waiting = [a.recv(1), a.recvmsg(10), a.readable(), a.recvInto(Buffer.alloc(4)), b.recv(1)]
    if (random.chance(50)) await turn()
    a.close()
    if (random.chance(50)) b.close()
    const ended = await Promise.all(waiting.slice(0, 4).map(each => each.then(() => 'came', error => error.code)))
    assert.deepStrictEqual(ended, Array(4).fill('ECANCELED'))
    const other = await waiting[4].then(data => data.length, error => error.code)
    assert.ok([0, 'ECANCELED', 'ECONNRESET'].includes(other), String(other))
    b.close()
  }, // prettier-ignore
}

module.exports = { scenes: Object.entries(scenes) }
