'use strict'

/*
 * The process has no free descriptor (RLIMIT_NOFILE). Each call fails with EMFILE, loses nothing, and works when one
 * is free.
 */
const assert = require('node:assert')
const { closeSync, openSync } = require('node:fs')
const { scene, calm, outcome, thrown, tcp, unix, fill, everything, reset } = require('../scene.js')

const limit = '-n 64'
const full = run => scene(run, { limit })

/** Uses up all descriptors except a number. Returns a function that frees some of them, or all. */
function take(own, spare = 0) {
  const taken = []
  for (;;) {
    try {
      taken.push(openSync('/dev/null'))
    } catch (error) {
      assert.strictEqual(error.code, 'EMFILE')
      break
    }
  }
  const release = (count = taken.length) => taken.splice(0, count).forEach(fd => closeSync(fd))
  own({ close: release })
  release(spare)
  return release
}

/**
 * Runs with no free descriptor, then with one, and so on. Until it succeeds, it must fail with EMFILE and leak
 * nothing.
 */
async function untilItFits(own, run, most = 8) {
  for (let spare = 0; spare <= most; spare++) {
    const release = take(own, spare)
    const result = await run().then(() => 'fulfilled', error => error) // prettier-ignore
    release(spare === 0 ? 1 : 0) // the check of the open descriptors needs one
    if (spare > 0 && result !== 'fulfilled') assert.doesNotThrow(() => closeSync(openSync('/dev/null')))
    release()
    if (result === 'fulfilled') return spare
    assert.strictEqual(result.code, 'EMFILE', result.stack)
  }
  return assert.fail('it fails with every number of free descriptors')
}

/** Runs a call that needs descriptors only if it has to wait. */
const whileItWaits = promise =>
  promise.catch(error => {
    if (error.code !== 'ERR_SOCKET_TIMEOUT') throw error
  })

module.exports = {
  'socket, pair, dup and accept fail with EMFILE and work again': full(async (tools, own) => {
    const { bsd, sync } = tools
    const { Socket } = bsd
    const [a] = unix(tools, own)
    const listener = own(new Socket()).bind(['127.0.0.1', 0]).listen()
    const client = own(new Socket())
    await client.connect(listener.getsockname())
    const release = take(own)
    const calls = {
      socket: () => new Socket(),
      socketpair: () => Socket.pair(),
      dup: () => a.dup(),
      accept: () => listener.tryAccept(),
    }
    for (const [syscall, call] of Object.entries(calls)) {
      assert.throws(call, { name: 'SocketError', code: 'EMFILE', syscall, errno: -24 })
    }
    assert.throws(() => new sync.Socket(), { code: 'EMFILE', syscall: 'socket' })
    release(1)
    assert.strictEqual(
      thrown(() => Socket.pair()),
      'EMFILE',
    ) // a pair takes two
    own(Socket.adopt(a.dup().detach())) // adopt needs no other descriptor
    release()
    own(await listener.accept())
  }),

  'the first wait of a process, which opens the poller, fails with EMFILE': scene(
    async (tools, own) => {
      const [a, b] = unix(tools, own)
      const release = take(own)
      assert.strictEqual(await outcome(b.recv(1)), 'EMFILE')
      release()
      const received = b.recv(1)
      await a.send(Buffer.from('x'))
      assert.strictEqual(String(await received), 'x')
    },
    { limit, cold: true },
  ),

  'each waiting accept is rejected once with EMFILE, and the connections stay in the backlog': full(
    async (tools, own) => {
      const { Socket } = tools.bsd
      const listener = own(new Socket()).bind(['127.0.0.1', 0]).listen()
      const clients = [0, 0, 0].map(() => own(new Socket()))
      const accepts = [0, 0].map(() => outcome(listener.accept()))
      const release = take(own)
      await Promise.all(clients.map(each => each.connect(listener.getsockname())))
      assert.deepStrictEqual(await Promise.all(accepts), ['EMFILE', 'EMFILE'])
      await assert.rejects(async () => {
      for await (const each of listener.connections()) each.close()
    }, { code: 'EMFILE', syscall: 'accept' }) // prettier-ignore
      await calm(tools)
      release()
      for (const client of clients) {
        const peer = own(await listener.accept())
        assert(peer.remoteAddress.equals(client.getsockname()))
      }
    },
  ),

  'a server continues when descriptors are free again, and does not spin until then': full(
    async (tools, own) => {
      const { bsd } = tools
      const heard = []
      const listener = await bsd.createServer({ host: '127.0.0.1' })
      const server = own(bsd.serve(listener, c => c.sendAll(Buffer.from('served')), { onError: e => heard.push(e.code) })) // prettier-ignore
      const clients = Array.from({ length: 5 }, () => own(new bsd.Socket()))
      const release = take(own)
      await Promise.all(clients.map(each => each.connect(server.address)))
      await calm(tools, 60, 300)
      assert.deepStrictEqual(heard, ['EMFILE'])
      release(2) // enough for two connections at a time
      for (const client of clients) assert.strictEqual(String((await everything(client)).data), 'served')
      release()
    },
  ),

  'received descriptors without a free number set MSG_CTRUNC, nothing leaks, and the data arrives': full(
    async (tools, own) => {
      const { bsd } = tools
      for (const [type, free] of [bsd.SOCK_STREAM, bsd.SOCK_DGRAM, bsd.SOCK_SEQPACKET].flatMap(t =>
        [0, 2, 5].map(n => [t, n]),
      )) {
        const [a, b] = bsd.Socket.pair(bsd.AF_UNIX, type).map(own)
        const five = () => a.sendFds(Buffer.from('five'), [a, a, a, a, a])
        const check = ({ fds, data, flags }) => {
          const got = fds.length
          for (const each of fds) each.close()
          const cut = (flags & bsd.MSG_CTRUNC) !== 0
          assert.deepStrictEqual({ got, cut, data: String(data) }, { got: free, cut: free < 5, data: 'five' })
        }
        await five()
        let release = take(own, free)
        check(await b.recvFds(10, 5))
        release()
        const waiting = b.recvFds(10, 5)
        await tools.turn()
        await five() // the kernel holds the files, without numbers in this process
        release = take(own, free)
        check(await waiting)
        release()
        await five()
        release = take(own, free)
        const message = await b.recvmsg(10) // the caller did not request them, so they are closed
        const kept = message.meta.fds ?? []
        assert.deepStrictEqual([String(message.data), kept.length], ['five', 0])
        release()
      }
    },
  ),

  'sendFds, sendfile, splice, relay, poll and createConnection fail without partial work': full(
    async (tools, own) => {
      const { bsd } = tools
      const file = openSync(__filename)
      own({ close: () => closeSync(file) })
      const [a, b] = unix(tools, own)
      const [c, d] = unix(tools, own)
      const [e] = unix(tools, own)
      fill(e)
      const { port } = own(new bsd.Socket()).bind(['127.0.0.1', 0]).listen().getsockname()
      const needs = {
        sendFds: () => whileItWaits(e.sendFds(Buffer.from('x'), [a, b, c], { timeout: 1 })),
        // Without a callback, only a transfer that waits keeps a duplicate of the file.
        sendfile: () => a.sendfile(file, { length: 100, onProgress: () => undefined }),
        splice: () => d.splice(b, { length: 5 }),
        relay: () => bsd.relay(d, b),
        poll: () => bsd.poll([{ socket: e, events: bsd.POLLIN }], 5),
        createConnection: () => bsd.createConnection({ host: '127.0.0.1', port }).then(each => each.close()),
      }
      await c.sendAll(Buffer.from('first and the rest'))
      const fits = {}
      const before = tools.descriptors()
      for (const [name, run] of Object.entries(needs)) {
        if (name === 'relay') for (const each of [c, a]) each.shutdown(bsd.SHUT_WR)
        fits[name] = await untilItFits(own, run)
        assert.strictEqual(tools.descriptors(), before, name)
      }
      for (const [name, count] of Object.entries(fits)) assert(count > 0, `${name} needs no descriptor`)
      assert.strictEqual(String((await everything(a)).data), 'first and the rest') // no data was lost
    },
  ),

  'close with zero-copy sends outstanding and no free descriptor resets the connection': full(
    async (tools, own) => {
      const [a, b] = await tcp(tools, own)
      const sending = outcome(a.sendZeroCopy(new Uint8Array(16 << 20)))
      await tools.turn()
      const release = take(own)
      a.close()
      assert.match(await sending, /^ECANCELED after [1-9]\d+$/)
      release()
      const { error } = await everything(b)
      assert.strictEqual(error, 'ECONNRESET') // otherwise the kernel could send memory that has been reused
      reset(tools, b)
    },
  ),
}
