'use strict'

/*
 * close() is called inside everything that calls back, while other operations wait. The waiting operations are
 * rejected with ECANCELED, a second close() does nothing, and no descriptor, slot or job is left.
 */
const assert = require('node:assert')
const fs = require('node:fs')
const { scene, outcome, failure, unix, tcp, fill, everything, pattern, folder } = require('../scene.js')

const bytes = text => Buffer.from(text)
const x = bytes('x')
const large = pattern(8 << 20)

/** Starts two operations in each direction that wait, and returns their outcomes. */
function busy(socket) {
  fill(socket)
  return Promise.all([socket.recv(1), socket.readable(), socket.send(x), socket.sendAll(x)].map(outcome))
}
const canceled = ['ECANCELED', 'ECANCELED', 'ECANCELED', 'ECANCELED after 0']
const canceledOrNever = /^(ECANCELED|EBADF)( after 0)?$/

/** Closes the socket twice, and calls methods of the closed socket. */
function close(socket) {
  socket.close()
  socket.close()
  assert.strictEqual(socket.closed, true)
  assert.throws(() => socket.tryRecv(1), { code: 'EBADF' })
}

/** Closes a busy socket inside `when`, which runs a callback. */
const during = when =>
  scene(async (tools, own) => {
    const [a, b] = unix(tools, own)
    const waiting = busy(a)
    await when(() => close(a), { a, b, tools, own })
    assert.deepStrictEqual(await waiting, canceled)
    const { data } = await everything(b)
    assert(data.every(byte => byte === 0x66)) // no byte of the cancelled sends
  })

/** Runs a loop that closes its own socket. The loop ends after the given number of turns. */
const loop = (make, turns = 1) =>
  scene(async (tools, own) => {
    const { over, socket } = await make(tools, own)
    let seen = 0
    for await (const _ of over(socket)) {
      if (++seen === turns) close(socket)
      _.close?.()
    }
    assert.strictEqual(seen, turns)
  })

function file(own, contents) {
  const name = `${folder(own)}/file`
  fs.writeFileSync(name, contents)
  const fd = fs.openSync(name, 'r+')
  own({ close: () => fs.closeSync(fd) })
  return fd
}

const timers = { setTimeout, setImmediate, nextTick: process.nextTick, microtask: queueMicrotask }
for (const [name, call] of Object.entries(timers)) {
  exports[name] = during(end => new Promise(resolve => call(() => resolve(end()))))
}

Object.assign(exports, {
  'close in an abort listener that runs before the listener of the package': during((end, { a }) => {
    const stop = new AbortController()
    stop.signal.addEventListener('abort', end)
    const waiting = outcome(a.recv(1, { signal: stop.signal }))
    stop.abort()
    return waiting.then(result => assert.strictEqual(result, 'ECANCELED'))
  }),

  'close in an abort listener that runs after the listener of the package': during((end, { a }) => {
    const stop = new AbortController()
    const waiting = outcome(a.recv(1, { signal: stop.signal }))
    stop.signal.addEventListener('abort', end)
    stop.abort()
    return waiting.then(result => assert.strictEqual(result, 'ABORT_ERR'))
  }),

  'close when a waiting operation is rejected by its timeout, its signal or close': scene(async (tools, own) => {
    for (const op of [() => ({ timeout: 1 }), () => ({ signal: AbortSignal.timeout(1) }), socket => (setImmediate(() => socket.close()), {})]) {
      const [a] = unix(tools, own)
      const handled = a.recv(1, op(a)).catch(() => close(a))
      const behind = busy(a)
      await handled
      assert.deepStrictEqual(await behind, canceled)
    }
  }),

  'close when an operation is fulfilled, with others pending in the same turn': scene(async (tools, own) => {
    for (const make of [unix, tcp]) {
      const [a, b] = await make(tools, own)
      const first = a.recv(1).then(() => close(a))
      const behind = [a.recv(1), a.recvInto(Buffer.alloc(1)), a.recvmsg(1), a.readable()].map(outcome)
      await b.send(bytes('much more than that'))
      await first
      for (const each of await Promise.all(behind)) assert.match(each, /^(ECANCELED|fulfilled)$/)
    }
  }),

  'close when an accept is fulfilled': scene(async (tools, own) => {
    const { Socket } = tools.bsd
    const listener = own(new Socket()).bind(['127.0.0.1', 0]).listen()
    const address = listener.getsockname()
    const clients = [0, 0, 0].map(() => own(new Socket()))
    const first = listener.accept().then(peer => (peer.close(), close(listener)))
    const behind = [0, 0, 0].map(() => listener.accept().then(peer => peer.close()))
    await Promise.all(clients.map(each => outcome(each.connect(address))))
    await first
    for (const each of behind) assert.match(await outcome(each), /^(ECANCELED|fulfilled)$/)
  }),

  'close when a connect is fulfilled or rejected': scene(async (tools, own) => {
    const { Socket } = tools.bsd
    const listener = own(new Socket()).bind(['127.0.0.1', 0]).listen()
    const client = own(new Socket())
    await client.connect(listener.getsockname()).then(() => close(client))
    const refused = own(new Socket())
    const unused = listener.getsockname()
    listener.close()
    await refused.connect(unused).catch(() => close(refused))
    const late = own(new Socket())
    const waiting = outcome(late.connect(unused))
    late.close()
    assert.match(await waiting, /^(ECANCELED|ECONNREFUSED)$/)
  }),

  'close in the progress callback of sendfile': scene(async (tools, own) => {
    const [a, b] = unix(tools, own)
    const error = await failure(a.sendfile(file(own, large), { onProgress: () => close(a) }))
    assert.strictEqual(error.code, 'ECANCELED')
    assert.strictEqual((await everything(b)).data.length, error.bytesSent)
    const { sync } = tools
    const [c, d] = sync.Socket.pair().map(own)
    const blocked = await failure((async () => c.sendfile(file(own, large), { onProgress: () => close(c) }))())
    assert.match(blocked.code, /^(EBADF|ECANCELED)$/)
    assert.strictEqual((await everything(d)).data.length, blocked.bytesSent)
  }),

  'close of the source or the target in the progress callback of splice': scene(async (tools, own) => {
    for (const which of [0, 1]) {
      for (const { Socket } of [tools.bsd, tools.sync]) {
        const [from, a] = Socket.pair().map(own)
        const [b, to] = Socket.pair().map(own)
        from.trySend(bytes('some bytes'))
        const onProgress = () => close([a, b][which])
        const error = await failure((async () => a.splice(b, { onProgress }))())
        assert.deepStrictEqual([error.code, error.bytesSent], [Socket === tools.bsd.Socket ? 'ECANCELED' : 'EBADF', 10])
        assert.strictEqual(String(to.tryRecv(20)), 'some bytes')
      }
    }
  }),

  'close of one or both sockets during a relay': scene(async (tools, own) => {
    const { bsd } = tools
    for (const which of [[0], [1], [0, 1], [1, 0]]) {
      const [client, a] = unix(tools, own)
      const [b, server] = unix(tools, own)
      const relaying = outcome(bsd.relay(a, b))
      const closing = server.recv(10).then(() => which.forEach(i => close([a, b][i])))
      await client.send(x)
      await closing
      assert.match(await relaying, /^ECANCELED after [01]$/) // the bytes of the direction that failed first
    }
  }),

  'close when a zero-copy send completes, with others outstanding': scene(async (tools, own) => {
    const [a, b] = await tcp(tools, own)
    const sends = Array.from({ length: 10 }, () => a.sendZeroCopy(new Uint8Array(100_000)))
    const first = sends[0].then(() => close(a))
    const rest = Promise.all(sends.slice(1).map(outcome))
    const received = everything(b)
    await first
    let told = 100_000
    for (const each of await rest) told += each === 'fulfilled' ? 100_000 : Number(/^ECANCELED after (\d+)$/.exec(each)[1])
    assert.strictEqual((await received).data.length, told) // the queued data arrives
  }),

  'close in a getter of an argument': scene(async (tools, own) => {
    const { bsd } = tools
    const target = file(own, x)
    const looks = {
      timeout: a => a.recv(1, { get timeout() { return close(a), 50 } }),
      signal: a => a.send(x, { get signal() { return close(a), undefined } }),
      address: a => a.sendto(x, { get port() { return close(a), 9 }, address: '127.0.0.1' }),
      data: a => a.sendmsg({ get data() { return close(a), x } }),
      control: a => a.sendmsg({ data: x, get control() { return close(a), [] } }),
      fds: a => a.sendFds(x, [{ get fd() { return close(a), 0 } }]),
      file: a => a.sendfile({ get fd() { return close(a), target } }),
      to: a => a.splice({ get fd() { return close(a), target } }),
      length: a => a.splice(a, { get length() { return close(a), 5 } }),
      entry: a => bsd.poll([{ get socket() { return close(a), a }, events: bsd.POLLIN }], 50),
    } // prettier-ignore
    for (const [name, look] of Object.entries(looks)) {
      for (const family of name === 'address' ? [bsd.AF_INET] : [bsd.AF_UNIX]) {
        const a = own(new bsd.Socket(family, name === 'address' ? bsd.SOCK_DGRAM : bsd.SOCK_STREAM))
        const result = await outcome((async () => look(a))())
        assert.match(result, name === 'entry' ? /^fulfilled$/ : canceledOrNever, name)
      }
    }
  }),

  'close in the loop body of chunks()': loop((tools, own) => {
    const [a, b] = unix(tools, own)
    b.trySend(bytes('two parts'))
    return { socket: a, over: socket => socket.chunks({ size: 4 }) }
  }),
  'close in the loop body of messages()': loop((tools, own) => {
    const [a, b] = tools.bsd.Socket.pair(tools.bsd.AF_UNIX, tools.bsd.SOCK_DGRAM).map(own)
    for (let i = 0; i < 3; i++) b.trySend(x)
    return { socket: a, over: socket => socket.messages() }
  }, 2),
  'close in the loop body of messages({ batch })': loop(async ({ bsd }, own) => {
    const [a, b] = [0, 0].map(() => own(new bsd.Socket(bsd.AF_INET, bsd.SOCK_DGRAM)).bind(['127.0.0.1', 0]))
    for (let i = 0; i < 10; i++) await b.sendto(x, a.getsockname())
    return { socket: a, over: socket => socket.messages({ batch: 8 }) }
  }, 3),
  'close in the loop body of connections()': loop(async ({ bsd }, own) => {
    const listener = own(new bsd.Socket()).bind(['127.0.0.1', 0]).listen()
    for (let i = 0; i < 3; i++) await own(new bsd.Socket()).connect(listener.getsockname())
    return { socket: listener, over: socket => socket.connections() }
  }),
  'close in the loop body of errors()': loop(async ({ bsd }, own) => {
    const socket = own(new bsd.Socket(bsd.AF_INET, bsd.SOCK_DGRAM)).receiveMeta({ errors: true })
    const unused = new bsd.Socket(bsd.AF_INET, bsd.SOCK_DGRAM).bind(['127.0.0.1', 0])
    const address = unused.getsockname()
    unused.close()
    for (let i = 0; i < 5; i++) await outcome(socket.sendto(x, address))
    return { socket, over: each => each.errors() }
  }, 2),

  'close when a batch was received or sent': scene(async (tools, own) => {
    const { bsd } = tools
    const [a, b] = bsd.Socket.pair(bsd.AF_UNIX, bsd.SOCK_DGRAM).map(own)
    const out = new bsd.MessageBatch({ count: 4, size: 8 })
    for (let i = 0; i < 4; i++) out.set(i, bytes(`m${i}`))
    const into = new bsd.MessageBatch({ count: 4, size: 8 })
    const received = b.recvmmsg(into).then(count => (close(b), count))
    await a.sendmmsg(out).then(() => close(a))
    assert.deepStrictEqual(Array.from({ length: await received }, (_, i) => String(into.data(i))), ['m0', 'm1', 'm2', 'm3'])
  }),

  'close of the connection, the listener or the server in a handler': scene(async (tools, own) => {
    const { bsd } = tools
    const ends = [c => close(c), (_, s) => close(s.socket), (_, s) => s.close(), (_, s) => void s.close({ drain: true }), (c, s) => (close(c), void s.close())]
    for (const end of ends) {
      const heard = []
      const onError = error => heard.push(error)
      const server = bsd.serve(await bsd.createServer({ host: '127.0.0.1' }), end, { onError })
      const clients = [0, 0, 0].map(() => own(new bsd.Socket()))
      await Promise.all(clients.map(each => outcome(each.connect(server.address))))
      for (const each of clients) await outcome(each.recv(1))
      await server.close()
      await server.closed
      assert.deepStrictEqual([heard, server.connections], [[], 0])
    }
  }),

  'close in onError of a server, and abort of its signal in a handler': scene(async (tools, own) => {
    const { bsd } = tools
    const stop = new AbortController()
    let server = null
    const onError = (_, connection) => (close(connection), void server.close())
    for (const handler of [() => Promise.reject(new Error('meant')), () => stop.abort()]) {
      server = bsd.serve(await bsd.createServer({ host: '127.0.0.1' }), handler, { onError, signal: stop.signal })
      await own(new bsd.Socket()).connect(server.address)
      await server.closed
    }
  }),

  'close in a handler of datagrams, which then replies': scene(async (tools, own) => {
    const { bsd } = tools
    const socket = new bsd.Socket(bsd.AF_INET, bsd.SOCK_DGRAM).bind(['127.0.0.1', 0])
    const replies = []
    const server = bsd.serve(socket, async datagram => {
      close(socket)
      replies.push(await outcome(datagram.reply(x)))
    }, { onError: error => replies.push(error) }) // prettier-ignore
    const client = own(new bsd.Socket(bsd.AF_INET, bsd.SOCK_DGRAM))
    await client.sendto(x, server.address)
    await server.closed
    assert.deepStrictEqual(replies, ['EBADF'])
  }),

  'close in the listeners of a Duplex: data, end, drain, the callback of write, error, close': scene(async (tools, own) => {
    for (const event of ['data', 'end', 'drain', 'write', 'error', 'close']) {
      const [a, b] = unix(tools, own)
      const duplex = a.toDuplex()
      const over = new Promise(resolve => duplex.on('close', resolve))
      duplex.on('error', () => undefined)
      if (event === 'write') duplex.write(x, () => close(a))
      else duplex.on(event, () => close(a))
      if (event === 'drain') duplex.write(large)
      if (event === 'error') duplex.destroy(new Error('meant'))
      if (event === 'close') duplex.destroy()
      if (event === 'data' || event === 'end') {
        duplex.resume()
        await b.send(x)
        if (event === 'end') b.shutdown(tools.bsd.SHUT_WR)
      }
      await Promise.all([over, everything(b)])
    }
  }),

  'close of Web Streams between two chunks': scene(async (tools, own) => {
    const [a, b] = unix(tools, own)
    const { readable, writable } = a.toWeb()
    await b.send(x)
    const reader = readable.getReader()
    await reader.read().then(() => close(a))
    await outcome(reader.read())
    await outcome(writable.getWriter().write(x))
    await everything(b)
  }),

  'close while poll and select wait for the socket': scene(async (tools, own) => {
    const { bsd } = tools
    const [a, b] = unix(tools, own)
    const polled = bsd.poll([{ socket: a, events: bsd.POLLIN }, { socket: b, events: bsd.POLLIN }])
    const selected = outcome(bsd.select([a], [], []))
    setImmediate(() => close(a))
    const [first] = await polled
    assert.strictEqual(first.revents & bsd.POLLNVAL, bsd.POLLNVAL)
    assert.strictEqual(await selected, 'ECANCELED')
  }),
}) // prettier-ignore
