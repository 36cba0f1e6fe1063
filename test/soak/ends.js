'use strict'

/* One end of a connection: what and how it sends, how it receives, and how it is closed. */
const assert = require('node:assert')
const { createHash } = require('node:crypto')
const fs = require('node:fs')

const bsd = require('../../dist/index.js')
const { Content, LONGEST, ROUND } = require('./content.js')
const { Random } = require('../fuzz/model/random.js')

const { AF_INET, AF_UNIX, SOCK_SEQPACKET, SOCK_STREAM } = bsd
const kinds = [
  { name: 'unix', family: AF_UNIX, type: SOCK_STREAM },
  { name: 'seqpacket', family: AF_UNIX, type: SOCK_SEQPACKET },
  { name: 'tcp', family: AF_INET, type: SOCK_STREAM },
]
/** The buffer size of one receive. Each of thousands of waiting receives holds a buffer. */
const ROOM = 16 * 1024

/** The plan of a connection. Both ends compute it from the seed and the numbers in its first message. */
function plan(seed, worker, serial) {
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(worker, 0x85ebca6b) ^ serial)
  random.u32()
  const whole = random.chance(60)
  return {
    death: whole ? random.pick(['orderly', 'orderly', 'half']) : random.pick(Object.keys(deaths)),
    whole,
    killer: random.pick(['client', 'server']),
    sides: Object.fromEntries(
      ['client', 'server'].map(side => [side, { start: random.below(ROUND), steps: 1 + random.below(8) }]),
    ),
    seeds: { client: random.u32(), server: random.u32() },
  }
}

class End {
  constructor(socket, kind, side, planned, { block, file, pause }) {
    const other = side === 'client' ? 'server' : 'client'
    Object.assign(this, { socket, kind, side, planned, file, pause, killer: planned.killer === side })
    this.random = new Random(planned.seeds[side])
    this.out = new Content(block, planned.sides[side].start)
    this.into = new Content(block, planned.sides[other].start)
    // An end that shuts down early sends less. An end that is destroyed stops midway.
    const early = this.killer && planned.death !== 'orderly'
    this.steps = early ? planned.sides[side].steps >> 1 : planned.sides[side].steps
    this.sent = this.most = this.received = 0
    this.hashes = { sent: createHash('sha256'), received: createHash('sha256') }
    this.controller = planned.death === 'abort' && this.killer ? new AbortController() : null
    this.op = this.controller === null ? {} : { signal: this.controller.signal }
    this.broken = this.dead = this.ended = false
    this.descriptors = { sent: 0, received: 0 }
  }

  /** Runs until the end is closed. A promise with an unexpected result is an error. */
  async live() {
    try {
      await Promise.all([this.#write(), this.#read()])
    } finally {
      this.socket.close()
    }
    const hashes = [this.hashes.sent.digest('base64'), this.hashes.received.digest('base64')]
    // The received bytes must be the beginning of what the other end sends.
    assert.strictEqual(hashes[1], this.into.hash(this.received), 'the received bytes')
    const { sent, most, received, descriptors } = this
    const whole = this.ended && !this.broken && !this.dead
    return { sent, most, received, whole, descriptors, sentHash: hashes[0], receivedHash: hashes[1] }
  }

  async #write() {
    for (let step = 0; step < this.steps && !this.broken; step++) {
      await this.send(this.random.pick(sendsOf(this.kind)))
      await this.pause(this.random)
    }
    if (this.broken) return
    if (this.killer && !this.planned.whole) return deaths[this.planned.death](this)
    await this.allowing(() => this.socket.shutdown(bsd.SHUT_WR))
  }

  /** Sends one piece, and records how many bytes were sent and how many may have been sent. */
  async send(how, length = this.#length()) {
    const bytes = this.out.piece(this.sent, length)
    this.most = this.sent + length
    let done = 0
    const error = await this.allowing(async () => {
      done = await how(this, bytes)
    })
    if (error !== undefined) {
      done = error.bytesSent ?? 0
      assert.ok(Number.isInteger(done) && done >= 0 && done <= length, `bytesSent is ${done} of ${length}`)
      if (this.kind.type === SOCK_SEQPACKET) assert.strictEqual(done, 0, 'a part of a message')
    }
    assert.ok(done > 0 || error !== undefined, 'a send of nothing')
    assert.ok(this.kind.type === SOCK_STREAM || done === length || done === 0, 'a part of a message')
    this.hashes.sent.update(bytes.subarray(0, done))
    this.sent += done
    // The thread pool may have sent more bytes while the socket was closed.
    if (error === undefined || how !== sends.sendfile) this.most = this.sent
  }

  #length() {
    const most = this.kind.type === SOCK_SEQPACKET ? [100, 4000, ROOM] : [100, 4000, 30_000, 30_000, 100_000]
    return 1 + this.random.below(this.random.pick(most))
  }

  async #read() {
    while (!this.broken && !this.dead) {
      const how = this.random.pick(receivesOf(this.kind))
      let data = null
      await this.allowing(async () => {
        data = await how(this)
      })
      if (data === null) return
      if (data.length === 0) {
        this.ended = true
        return
      }
      this.hashes.received.update(data)
      this.received += data.length
    }
  }

  /** Runs a call that may fail because one of the two ends was closed. Returns the error. */
  async allowing(run) {
    try {
      await run()
      return undefined
    } catch (error) {
      const codes = this.dead
        ? ['ECANCELED', 'EBADF', 'ABORT_ERR', 'EPIPE', 'ECONNRESET']
        : ['EPIPE', 'ECONNRESET', 'ENOTCONN']
      if (!codes.includes(error.code)) throw error
      this.broken = true
      return error
    }
  }
}

const own = bytes => {
  const copy = Buffer.from(new ArrayBuffer(bytes.length))
  bytes.copy(copy)
  return copy
}
const slab = bytes => {
  const copy = bsd.allocZeroCopy(bytes.length)
  bytes.copy(copy)
  return copy
}

/** Sends with one method: (end, bytes) → number of bytes sent. */
const sends = {
  send: ({ socket, op }, bytes) => socket.send(bytes, op),
  async sendAll({ socket, op }, bytes) {
    assert.strictEqual(await socket.sendAll(bytes, op), undefined)
    return bytes.length
  },
  sendmsg({ socket, op, random }, bytes) {
    const at = random.below(bytes.length)
    return socket.sendmsg({ data: [bytes.subarray(0, at), bytes.subarray(at)] }, op)
  },
  /** Sends the descriptor of a file, twice. */
  async sendFds({ socket, op, file, descriptors }, bytes) {
    const done = await socket.sendmsg({ data: bytes, control: [bsd.control.rights([file, file])] }, op)
    descriptors.sent += 2
    return done
  },
  async sendfile({ socket, op, file, out, sent }, bytes) {
    const done = await socket.sendfile(file, { offset: out.offset(sent), length: bytes.length, ...op })
    assert.strictEqual(done, bytes.length)
    return done
  },
  async sendZeroCopy({ socket, op, random }, bytes) {
    const result = await socket.sendZeroCopy((random.chance(50) ? own : slab)(bytes), op)
    assert.strictEqual(result.bytes, bytes.length)
    assert.ok(bytes.equals(result.buffer), 'the memory that comes back')
    return result.bytes
  },
}

function sendsOf({ family, type }) {
  const { send, sendAll, sendmsg, sendFds, sendfile, sendZeroCopy } = sends
  if (type === SOCK_SEQPACKET) return [send, sendAll, sendmsg, sendFds]
  return [send, sendAll, sendmsg, sendfile, family === AF_UNIX ? sendFds : sendZeroCopy]
}

/** Receives with one method: end → data. A message must not be longer than its buffer. */
const receives = {
  recv: ({ socket, op }) => socket.recv(ROOM, op),
  async recvInto({ socket, op }) {
    const into = Buffer.allocUnsafe(ROOM)
    return into.subarray(0, await socket.recvInto(into, op))
  },
  recvmsg: async ({ socket, op }) => (await socket.recvmsg(ROOM, { fds: 'close', ...op })).data,
  async recvFds(end) {
    const { data, fds } = await end.socket.recvFds(ROOM, 2, end.op)
    end.descriptors.received += fds.length
    const { ino } = fs.fstatSync(end.file)
    for (const handle of fds) {
      assert.strictEqual(fs.fstatSync(handle.fd).ino, ino, 'another file than was sent')
      handle.close()
    }
    return data
  },
}

function receivesOf({ family }) {
  const { recv, recvInto, recvmsg, recvFds } = receives
  return family === AF_UNIX ? [recvInto, recvmsg, recvFds] : [recv, recvInto, recvmsg]
}

const die = (end, kill) => {
  end.dead = true
  kill(end.socket)
}
/** More bytes than the socket buffers usually hold, so that a send is likely to wait. TCP buffers are large. */
const long = ({ kind, random }) =>
  kind.type === SOCK_SEQPACKET ? ROOM : random.pick([250_000, 250_000, LONGEST])

/** The ways in which the destroying end closes, by name. A receive is always waiting. */
const deaths = {
  close: end => die(end, socket => socket.close()),
  async closeSending(end) {
    const sending = end.send(end.random.pick(sendsOf(end.kind)), long(end))
    if (end.random.chance(50)) await new Promise(setImmediate)
    die(end, socket => socket.close())
    await sending
  },
  reset: end => die(end, socket => socket.set(bsd.options.SO_LINGER, { on: true, seconds: 0 }).close()),
  async abort(end) {
    const sending = end.send(end.random.pick(sendsOf(end.kind)), long(end))
    if (end.random.chance(50)) await new Promise(setImmediate)
    die(end, () => end.controller.abort())
    await sending
  },
}

module.exports = { End, kinds, plan }
