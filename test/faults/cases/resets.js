'use strict'

/*
 * The peer resets the connection at every step of its life. The socket reports ECONNRESET once, then EPIPE and EOF.
 * Data sent before the reset is still received, and the error has the number of bytes sent. SIGPIPE does not end the
 * process.
 */
const assert = require('node:assert')
const { closeSync, openSync, writeFileSync } = require('node:fs')
const {
  scene,
  calm,
  outcome,
  failure,
  thrown,
  tcp,
  reset,
  fill,
  everything,
  pattern,
  folder,
} = require('../scene.js')

const bytes = text => Buffer.from(text)
const LARGE = 16 << 20
const large = pattern(LARGE)
const broken = /^(ECONNRESET|EPIPE)$/

/** Checks that a socket after its reset returns the same results to all calls, and waits for nothing. */
async function isDead(socket) {
  assert.strictEqual(await outcome(socket.send(bytes('x'))), 'EPIPE')
  assert.strictEqual(await outcome(socket.sendmsg({ data: bytes('x') })), 'EPIPE')
  assert.strictEqual(await outcome(socket.sendAll(bytes('x'))), 'EPIPE after 0')
  assert.strictEqual((await socket.recv(1)).length, 0)
}

/** Returns both ends of a connection whose sender is sending and whose receiver has read nothing. */
async function midway(tools, own, start) {
  const [a, b] = await tcp(tools, own)
  const ended = failure(start(a))
  await b.readable()
  await tools.turn()
  return { a, b, ended }
}

/** Checks that a send fails midway with `bytesSent`. The peer has not received more than that. */
async function sender(tools, own, start) {
  const { a, b, ended } = await midway(tools, own, start)
  const got = await b.recv(1000)
  assert(got.equals(large.subarray(0, got.length)))
  reset(tools, b)
  const error = await ended
  assert.match(error.code, broken)
  assert(error.bytesSent >= got.length && error.bytesSent < LARGE, String(error.bytesSent))
  await isDead(a)
  return error
}

function file(own) {
  const name = `${folder(own)}/large`
  writeFileSync(name, large)
  const fd = openSync(name)
  own({ close: () => closeSync(fd) })
  return fd
}

module.exports = {
  'connect to a full backlog fails with ECONNREFUSED when the listener closes': scene(async (tools, own) => {
    const { Socket } = tools.bsd
    const listener = own(new Socket()).bind(['127.0.0.1', 0]).listen(0)
    const address = listener.getsockname()
    const early = [0, 0].map(() => own(new Socket()))
    for (const each of early) await outcome(each.connect(address, { timeout: 20 }))
    const late = own(new Socket())
    const connecting = outcome(late.connect(address))
    await tools.turn()
    listener.close()
    assert.strictEqual(await connecting, 'ECONNREFUSED') // after the SYN is retransmitted
    assert.strictEqual(await outcome(early[0].recv(1)), 'ECONNRESET') // this one was connected and in the backlog
    await isDead(early[0])
  }),

  'accept returns a connection that was reset in the backlog, with its address': scene(async (tools, own) => {
    const { Socket } = tools.bsd
    const listener = own(new Socket()).bind(['127.0.0.1', 0]).listen()
    for (const first of ['', 'sent before']) {
      for (const waiting of [true, false]) {
        const client = own(new Socket())
        const accepted = waiting ? listener.accept() : null
        await client.connect(listener.getsockname())
        const address = client.getsockname()
        if (first !== '') await client.send(bytes(first))
        reset(tools, client)
        const peer = own(await (accepted ?? listener.accept()))
        assert(peer.remoteAddress.equals(address))
        if (first !== '') assert.strictEqual(String(await peer.recv(100)), first)
        assert.strictEqual(await outcome(peer.recv(1)), 'ECONNRESET')
        await isDead(peer)
      }
    }
  }),

  'a server continues with the next connection after one was reset in the backlog': scene(
    async (tools, own) => {
      const { bsd } = tools
      const heard = []
      const listener = await bsd.createServer({ host: '127.0.0.1' })
      const clients = Array.from({ length: 5 }, () => own(new bsd.Socket()))
      for (const each of clients) await each.connect(listener.getsockname())
      for (const each of clients.slice(0, 4)) reset(tools, each)
      const handler = async connection => connection.sendAll(await connection.recv(10))
      const server = own(bsd.serve(listener, handler, { onError: error => heard.push(error.code) }))
      await clients[4].send(bytes('alive'))
      assert.strictEqual(String((await everything(clients[4])).data), 'alive')
      assert.deepStrictEqual(heard, Array(4).fill('ECONNRESET'))
      assert.strictEqual(server.connections, 0)
    },
  ),

  'pending receives get the data, then the error once, then EOF': scene(async (tools, own) => {
    const { bsd } = tools
    const receives = {
      recv: a => a.recv(100),
      recvInto: a => a.recvInto(Buffer.alloc(100)),
      recvfrom: a => a.recvfrom(100),
      recvmsg: a => a.recvmsg(100),
      recvmmsg: a => a.recvmmsg(new bsd.MessageBatch({ count: 2, size: 100 })),
    }
    for (const [syscall, receive] of Object.entries(receives)) {
      const [a, b] = await tcp(tools, own)
      const waiting = [receive(a), failure(receive(a)), receive(a), receive(a)]
      await tools.turn()
      await b.send(bytes('data'))
      await waiting[0]
      reset(tools, b)
      const error = await waiting[1]
      assert.deepStrictEqual([error.code, error.syscall.slice(0, 4)], ['ECONNRESET', 'recv'], syscall)
      await Promise.all(waiting) // EOF for the other receives
      await isDead(a)
    }
    const [a, b] = await tcp(tools, own)
    await b.send(bytes('unread'))
    reset(tools, b)
    await calm(tools)
    assert.deepStrictEqual(await everything(a), { data: bytes('unread'), error: 'ECONNRESET' })
  }),

  'all pending sends fail': scene(async (tools, own) => {
    const [a, b] = await tcp(tools, own)
    fill(a)
    const sends = [
      a.send(bytes('1')),
      a.sendAll(bytes('2')),
      a.sendmsg({ data: bytes('3') }),
      a.writable(),
    ].map(outcome)
    await tools.turn()
    reset(tools, b)
    const [first, ...rest] = await Promise.all(sends)
    assert.match(first, broken)
    assert.deepStrictEqual(rest, ['EPIPE after 0', 'EPIPE', 'fulfilled'])
    await isDead(a)
  }),

  'sendAll fails midway with bytesSent': scene((tools, own) => sender(tools, own, a => a.sendAll(large))),
  'sendfile fails midway with bytesSent': scene((tools, own) =>
    sender(tools, own, a => a.sendfile(file(own))),
  ),
  'sendZeroCopy returns its memory, immediately or when the kernel reports completion': scene(
    async (tools, own) => {
      const sent = new Uint8Array(large)
      const error = await sender(tools, own, a => a.sendZeroCopy(sent))
      assert.strictEqual(sent.length, 0) // the kernel still uses the memory
      if (error.buffer !== undefined) assert(Buffer.from(error.buffer).equals(large))
    },
  ),
  'several outstanding sendZeroCopy return their memory': scene(async (tools, own) => {
    const [a, b] = await tcp(tools, own)
    const sends = Array.from({ length: 20 }, () => outcome(a.sendZeroCopy(new Uint8Array(1 << 20))))
    await b.readable()
    reset(tools, b)
    const results = await Promise.all(sends)
    for (const each of results) assert.match(each, /^(fulfilled|(ECONNRESET|EPIPE) after \d+)$/)
    assert(results.filter(each => each !== 'fulfilled').length > 0)
    await tools.until(() => a.zeroCopyStatistics().pending === 0) // the kernel has released all of the memory
    await isDead(a)
  }),

  'splice delivers the data that its source sent before a reset': scene(async (tools, own) => {
    const [from, source] = await tcp(tools, own)
    const [target, to] = await tcp(tools, own)
    const ended = failure(source.splice(target))
    await from.sendAll(large.subarray(0, 100_000))
    const got = []
    for (let length = 0; length < 100_000; length += got.at(-1).length) got.push(await to.recv(1 << 20))
    reset(tools, from)
    const error = await ended
    assert.deepStrictEqual([error.code, error.syscall, error.bytesSent], ['ECONNRESET', 'splice', 100_000])
    assert(Buffer.concat(got).equals(large.subarray(0, 100_000)))
    await isDead(source)
  }),

  'splice leaves the remaining data in the source when its target resets': scene(async (tools, own) => {
    const [from, source] = await tcp(tools, own)
    const [target, to] = await tcp(tools, own)
    const ended = failure(source.splice(target))
    const sent = outcome(from.sendAll(large.subarray(0, 8 << 20)))
    await to.readable()
    for (let i = 0; i < 10; i++) await tools.turn()
    reset(tools, to)
    const error = await ended
    assert.match(error.code, broken)
    const rest = everything(source)
    assert.strictEqual(await sent, 'fulfilled')
    from.shutdown(tools.bsd.SHUT_WR)
    assert((await rest).data.equals(large.subarray(error.bytesSent, 8 << 20)))
  }),

  'relay stops both directions when either side resets': scene(async (tools, own) => {
    const { bsd } = tools
    for (const which of [0, 1]) {
      const [client, a] = await tcp(tools, own)
      const [b, server] = await tcp(tools, own)
      const ends = [client, server]
      const relaying = failure(bsd.relay(a, b))
      await client.sendAll(bytes('request'))
      assert.strictEqual(String(await server.recv(100)), 'request')
      await server.sendAll(bytes('answer'))
      assert.strictEqual(String(await client.recv(100)), 'answer')
      reset(tools, ends[which])
      assert.match((await relaying).code, broken)
      for (const each of [a, b]) each.close() // the caller closes the sockets
      assert.deepStrictEqual(await everything(ends[1 - which]), { data: bytes(''), error: null })
    }
  }),

  'a reset after shutdown is reported once': scene(async (tools, own) => {
    const { bsd } = tools
    const [a, b] = await tcp(tools, own)
    a.shutdown(bsd.SHUT_WR)
    const waiting = outcome(a.recv(1))
    assert.strictEqual((await b.recv(1)).length, 0)
    reset(tools, b)
    assert.strictEqual(await waiting, 'ECONNRESET')
    await isDead(a)
    assert.strictEqual(
      thrown(() => a.shutdown(bsd.SHUT_RDWR)),
      'ENOTCONN',
    )
    const [c, d] = await tcp(tools, own)
    c.shutdown(bsd.SHUT_RDWR)
    reset(tools, d)
    assert.match(await outcome(c.send(bytes('x'))), broken)
    await isDead(c)
  }),

  'sends do not raise SIGPIPE, even after a SIGPIPE listener was removed': scene(
    async (tools, own) => {
      const { bsd, sync } = tools
      const listener = () => undefined
      process.on('SIGPIPE', listener).removeListener('SIGPIPE', listener)
      const [a, b] = bsd.Socket.pair().map(own)
      b.close()
      await isDead(a)
      const batch = new bsd.MessageBatch({ count: 1, size: 1 })
      batch.set(0, bytes('x'))
      assert.strictEqual(await outcome(a.sendmmsg(batch)), 'EPIPE')
      assert.strictEqual(await outcome(a.sendFds(bytes('x'), [a])), 'EPIPE')
      assert.strictEqual(
        thrown(() => own(sync.Socket.dup(a)).send(bytes('x'))),
        'EPIPE',
      )
      const [c, d] = await tcp(tools, own)
      reset(tools, d)
      assert.match(await outcome(c.sendZeroCopy(new Uint8Array(100))), /^(ECONNRESET|EPIPE) after 0$/)
      await isDead(c)
    },
    { alone: true },
  ),

  'blocking operations report a reset once, then EPIPE and EOF': scene(async (tools, own) => {
    const { sync, bsd } = tools
    const fd = file(own)
    const calls = {
      sendAll: a => a.sendAll(large),
      sendfile: a => a.sendfile(fd),
      sendZeroCopy: a => a.sendZeroCopy(new Uint8Array(large)),
    }
    for (const call of Object.values(calls)) {
      const [a, b] = await tcp(tools, own, sync.Socket)
      assert.match(
        thrown(() => a.sendAll(large, { timeout: 5 })),
        /^ERR_SOCKET_TIMEOUT/,
      )
      reset(tools, b)
      assert.match(
        thrown(() => call(a)),
        /^(ECONNRESET|EPIPE) after 0$/,
      )
      assert.match(
        thrown(() => a.send(bytes('x'))),
        broken,
      )
      assert.strictEqual(a.recv(1).length, 0)
    }
    const [from, source] = await tcp(tools, own, sync.Socket)
    const [target, to] = bsd.Socket.pair().map(own)
    from.send(bytes('before'))
    reset(tools, from)
    assert.strictEqual(
      thrown(() => source.splice(target)),
      'ECONNRESET after 6',
    )
    assert.strictEqual(String(await to.recv(10)), 'before')
  }),
}
