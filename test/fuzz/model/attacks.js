'use strict'

/*
 * What another process or a careless caller does to the model's sockets. Each attack can run alone:
 *
 *   nonblock  another process shares the open sockets and toggles O_NONBLOCK continuously
 *   linger    another process sends unrequested descriptors whose close waits
 *   reuse     a descriptor is closed and its number reused while a send of the descriptor waits
 */
const assert = require('node:assert')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const bsd = require('../../../dist/index.js')
const { accepted } = require('./links.js')
const { turn } = require('./actions.js')

const { AF_INET, AF_UNIX, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM, Socket } = bsd
const names = ['nonblock', 'linger', 'reuse']

class Holder {
  #control
  #exit
  #last = Promise.resolve()

  constructor() {
    const [control, theirs] = Socket.pair(AF_UNIX, SOCK_SEQPACKET)
    const stdio = ['ignore', 'inherit', 'inherit', theirs.fd]
    const child = spawn(process.execPath, [path.join(__dirname, 'holder.js')], { stdio })
    this.#exit = once(child, 'exit')
    this.#control = control
    theirs.close()
  }

  /** Sends a command with descriptors to the other process, and waits until it is done. */
  order(word, sockets) {
    const run = async () => {
      const open = sockets.filter(each => !each.closed)
      if (open.length < sockets.length) return
      if (open.length > 0) await this.#control.sendFds(Buffer.from(word), open)
      else await this.#control.send(Buffer.from(word))
      assert.strictEqual(String(await this.#control.recv(64, { timeout: 20_000 })), 'done')
    }
    const done = this.#last.then(run)
    this.#last = done.catch(() => undefined)
    return done
  }

  async end() {
    this.#control.close()
    assert.deepStrictEqual(await this.#exit, [0, null], 'how the other process ended')
  }
}

const outcome = promise => promise.then(() => 'came', error => error.code) // prettier-ignore
const stopped = ['ERR_SOCKET_TIMEOUT', 'ABORT_ERR', 'EAGAIN']
const connected = () => accepted(AF_INET, SOCK_STREAM, 0, ['127.0.0.1', 0])
let numbers = 0

const scenes = {
  nonblock: [
    async function accepts(random, holder) {
      const listener = new Socket(AF_INET, SOCK_STREAM).bind(['127.0.0.1', 0]).listen()
      await holder.order('share', [listener])
      for (let i = 0; i < 4; i++) {
        const got = await outcome(listener.accept({ timeout: 1 + random.below(9) }))
        assert.ok(stopped.includes(got), got)
      }
      assert.strictEqual(listener.tryAccept(), null)
      listener.close()
    },

    async function fullBacklog(random, holder) {
      const listener = new Socket(AF_UNIX, SOCK_STREAM)
        .bind(`\0bsd-sockets-full-${process.pid}-${numbers++}`)
        .listen(0)
      const clients = Array.from({ length: 3 }, () => new Socket(AF_UNIX, SOCK_STREAM))
      await holder.order('share', clients)
      const connects = clients.map(client => outcome(client.connect(listener.getsockname(), { timeout: 5 })))
      for (const got of await Promise.all(connects)) assert.ok(['came', ...stopped].includes(got), got)
      for (const each of [listener, ...clients]) each.close()
    },

    async function fullQueue(random, holder) {
      const [a, b] = random.chance(50) ? await connected() : Socket.pair()
      await holder.order('share', [a, b])
      const name = `full-${numbers++}`
      fs.writeFileSync(name, Buffer.alloc(8 << 20))
      const fd = fs.openSync(name)
      fs.unlinkSync(name)
      const got = await outcome(
        random.chance(50)
          ? a.sendfile(fd, { offset: 0, length: 8 << 20, timeout: 20 })
          : a.sendAll(Buffer.alloc(8 << 20), { timeout: 20 }),
      )
      fs.closeSync(fd)
      // The job on the thread pool may end late, but it ends.
      assert.ok(stopped.includes(got), got)
      for (const each of [a, b]) each.close()
    },

    async function manyWait(random, holder) {
      const [a, b] = await connected()
      await holder.order('share', [a, b])
      const into = Buffer.alloc(16)
      const op = { timeout: 1 + random.below(9) }
      const waits = [a.recv(9, op), a.recvInto(into, op), a.recvmsg(9, op), a.recvfrom(9, op), a.readable(op)]
      for (const got of await Promise.all(waits.map(outcome))) assert.ok(stopped.includes(got), got)
      assert.strictEqual(a.tryRecv(9), null)
      for (const each of [a, b]) each.close()
    },
  ],

  linger: [
    async function unrequested(random, holder) {
      const type = random.pick([SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET])
      const [a, b] = Socket.pair(AF_UNIX, type)
      await holder.order('linger', [b])
      b.close()
      const op = { timeout: 5000 }
      const ways = [
        () => a.recv(64, op),
        () => a.recvInto(Buffer.alloc(64), op),
        () => a.recvfrom(64, op),
        () => a.recvmsg(64, op),
        () => a.recvmsg(64, { ...op, fds: 'receive' }),
        () => a.recvmsg(64, { ...op, controlSize: 0 }),
        () => a.recvFds(64, 0, op),
        () => a.recvmmsg(new bsd.MessageBatch({ count: 2, size: 64 }), op),
        async () => a.tryRecv(64),
        async () => undefined, // the close drops data that was not received
      ]
      const got = await random.pick(ways)()
      for (const handle of [...(got?.fds ?? []), ...(got?.meta?.fds ?? [])]) handle.close()
      a.close()
    },

    async function ownClose(random) {
      const [a, b] = await connected()
      while (a.trySend(Buffer.alloc(65536)) !== null) continue
      a.setsockopt(bsd.SOL_SOCKET, bsd.SO_LINGER, Buffer.from(Int32Array.of(1, 3).buffer))
      if (random.chance(50)) await turn()
      a.close()
      await turn()
      b.close()
    },
  ],

  reuse: [
    async function closedMeanwhile(random) {
      const [a, b] = Socket.pair(AF_UNIX, random.pick([SOCK_STREAM, SOCK_SEQPACKET]))
      const name = `right-${numbers++}`
      fs.writeFileSync(name, name)
      const fd = fs.openSync(name)
      fs.unlinkSync(name)
      const { ino } = fs.fstatSync(fd)
      const before = []
      if (random.chance(50)) {
        while (a.trySend(Buffer.alloc(4096)) !== null) continue
        if (random.chance(50)) before.push(a.send(Buffer.alloc(10)))
      } else {
        for (let i = 0; i < 64; i++) before.push(a.send(Buffer.alloc(1)))
      }
      const data = Buffer.from('right')
      const sent = random.chance(50)
        ? a.sendFds(data, [fd])
        : a.sendmsg({ data, control: [bsd.control.rights([fd])] })
      fs.closeSync(fd)
      const other = fs.openSync('/dev/null')
      let handle
      while (handle === undefined) {
        const { fds } = await b.recvFds(65536, 4, { timeout: 5000 })
        ;[handle] = fds
      }
      await Promise.all([...before, sent])
      assert.strictEqual(fs.fstatSync(handle.fd).ino, ino, 'the descriptor of another file was sent')
      fs.closeSync(other)
      for (const each of [handle, a, b]) each.close()
    },
  ],
}

/** Returns the attacks with these names: an action for each new link, and scenes to run now and then. */
function attacksOf(on) {
  const holder = on.includes('nonblock') || on.includes('linger') ? new Holder() : null
  return {
    slots: holder === null ? 0 : 1, // its control socket
    scenes: on.flatMap(name => scenes[name]),
    play: (scene, random) => scene(random, holder),
    share: on.includes('nonblock') ? link => holder.order('share', link.ends.map(end => end.socket)) : null,
    // A connection that another process has open may keep zero-copy memory in use, and so a slot.
    drop: () => holder?.order('drop', []),
    end: () => holder?.end(),
  } // prettier-ignore
}

module.exports = { attackNames: names, attacksOf }
