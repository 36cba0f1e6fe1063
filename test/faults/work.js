'use strict'

/*
 * Uses a part of every feature of the package and compares every byte. The sweeps run it again and again while one
 * call after the other fails. If a call fails, it closes everything that it opened.
 */
const assert = require('node:assert')
const { closeSync, openSync } = require('node:fs')

const bytes = Buffer.from(Uint8Array.from({ length: 30_000 }, (_, i) => (i * 31 + (i >> 8) * 7) & 0xff))
const file = __filename

/** Marks a promise as handled, because another failure may prevent the await. */
function pending(promise) {
  promise.catch(() => undefined)
  return promise
}

/** Collects the data of a stream up to EOF. */
async function rest(socket) {
  const parts = []
  for await (const part of socket.chunks()) parts.push(part)
  return Buffer.concat(parts)
}

const parts = {
  async tcp({ bsd }, own) {
    const { Socket, SHUT_WR } = bsd
    const listener = own(new Socket()).bind(['127.0.0.1', 0]).listen()
    const client = own(new Socket())
    const accepted = pending(listener.accept().then(own))
    await client.connect(listener.getsockname())
    const server = await accepted
    client.set(bsd.options.TCP_NODELAY, true)
    assert.strictEqual(client.get(bsd.options.TCP_NODELAY), true)
    assert(client.getpeername().equals(listener.getsockname()))
    const received = pending(rest(server))
    await client.sendAll(bytes.subarray(0, 20_000))
    for (let sent = 20_000; sent < bytes.length;) sent += await client.send(bytes.subarray(sent))
    client.shutdown(SHUT_WR)
    assert(bytes.equals(await received))
  },

  async records({ bsd }, own) {
    const [a, b] = bsd.Socket.pair(bsd.AF_UNIX, bsd.SOCK_SEQPACKET).map(own)
    const message = pending(b.recvmsg(100))
    await a.sendmsg({ data: [Buffer.from('one '), Buffer.from('record')] })
    assert.strictEqual(String((await message).data), 'one record')
    const descriptors = pending(b.recvFds(10, 2))
    await a.sendFds(Buffer.from('x'), [a, b])
    const { fds } = await descriptors
    assert.strictEqual(fds.length, 2)
    for (const handle of fds) own(handle)
  },

  async datagrams({ bsd }, own) {
    const [a, b] = [0, 0].map(() => own(new bsd.Socket(bsd.AF_INET, bsd.SOCK_DGRAM)).bind(['127.0.0.1', 0]))
    const got = pending(b.recvfrom(100))
    await a.sendto(Buffer.from('hello'), b.getsockname())
    assert.strictEqual(String((await got).data), 'hello')
    const out = new bsd.MessageBatch({ count: 4, size: 10 })
    for (let i = 0; i < 4; i++) out.set(i, Buffer.from([i]), b.getsockname())
    assert.strictEqual(await a.sendmmsg(out), 4)
    const into = new bsd.MessageBatch({ count: 4, size: 10 })
    for (let seen = 0; seen < 4;) {
      const count = await b.recvmmsg(into)
      for (let i = 0; i < count; i++) assert.strictEqual(into.data(i)[0], seen++)
    }
  },

  async file({ bsd }, own) {
    const [a, b] = bsd.Socket.pair().map(own)
    const source = openSync(file, 'r')
    own({ close: () => closeSync(source) })
    const received = pending(rest(b))
    const sent = await a.sendfile(source, { onProgress: () => undefined }) // keeps a duplicate of the file
    a.shutdown(bsd.SHUT_WR)
    assert.strictEqual((await received).length, sent)
  },

  async relayed({ bsd }, own) {
    const [[a, b], [c, d]] = [bsd.Socket.pair().map(own), bsd.Socket.pair().map(own)]
    const received = rest(d)
    const send = async () => {
      await a.sendAll(bytes)
      a.shutdown(bsd.SHUT_WR)
      assert(bytes.equals(await received))
      d.shutdown(bsd.SHUT_WR)
    }
    await Promise.all([bsd.relay(b, c), pending(received), send()])
  },

  async names({ bsd }) {
    const [first] = await bsd.getaddrinfo('127.0.0.1', 80)
    assert.strictEqual(first.address.port, 80)
    assert((await bsd.getifaddrs()).length > 0)
    assert(bsd.if_nameindex().length > 0)
  },

  async many({ bsd }, own) {
    const pairs = Array.from({ length: 40 }, () => bsd.Socket.pair().map(own)) // the table grows
    const received = pairs.map(([, b]) => pending(b.recv(10)))
    for (const [a] of pairs) await a.send(Buffer.from('x'))
    await Promise.all(received)
    const ready = await bsd.poll(pairs.map(([a]) => ({ socket: a, events: bsd.POLLOUT })), 1000) // prettier-ignore
    assert.strictEqual(ready.length, 40)
  },

  async blocking({ sync }, own) {
    const { Socket, SHUT_WR } = sync
    const [a, b] = Socket.pair().map(own)
    a.sendAll(bytes.subarray(0, 1000))
    a.shutdown(SHUT_WR ?? 1)
    const got = []
    for (let part = b.recv(300); part.length > 0; part = b.recv(300)) got.push(part)
    assert(bytes.subarray(0, 1000).equals(Buffer.concat(got)))
  },
}

/** Runs all parts, or some of them. Closes everything, then rejects with the first error. */
async function work(tools, names = Object.keys(parts)) {
  for (const name of names) {
    const opened = []
    const own = thing => (opened.push(thing), thing)
    const failures = []
    await parts[name](tools, own).catch(error => failures.push(error))
    for (const thing of opened) {
      try {
        thing.close()
      } catch (error) {
        failures.push(error)
      }
    }
    await tools.turn()
    if (failures.length > 0) throw failures[0]
  }
}

module.exports = { work, parts: Object.keys(parts), bytes }
