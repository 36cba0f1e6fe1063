'use strict'

/*
 * The state of the model: links of two connected sockets, and what was sent in each direction. Every byte follows
 * from the number of the direction and its position, so the model stores no data to check the received bytes.
 */
const assert = require('node:assert')
const bsd = require('../../../dist/index.js')

const { AF_INET, AF_INET6, AF_UNIX, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM } = bsd

/** Returns the bytes from `place` on of the stream or message with this number. */
function content(id, place, length) {
  const bytes = Buffer.allocUnsafe(length)
  for (let i = 0, p = place; i < length; i++, p++) bytes[i] = p * 31 + (p >> 8) * 7 + (p >> 16) * 13 + id * 97
  return bytes
}

const HEAD = 8

/** One direction between two sockets. */
class Direction {
  constructor(id, from, to, kind) {
    Object.assign(this, { id, from, to, kind })
    this.sent = 0 // bytes, or messages
    this.most = 0 // the most that may have been sent, with pending sends
    this.received = 0
    this.last = -1 // number of the last received message
    this.sequence = 0
    this.sending = this.receiving = false
    this.clean = true // no data may be lost
    this.ended = false // the sender has sent its last byte
    this.over = false // the receiver has got EOF
  }

  /** Returns the next bytes of the stream, and counts them as pending. */
  next(length) {
    this.most = this.sent + length
    return content(this.id, this.sent, length)
  }

  /** Returns the next message: its number, its length, and the bytes that follow from them. */
  message(length) {
    const number = this.sequence++
    const bytes = content(this.id * 7919 + number, 0, Math.max(HEAD, length))
    bytes.writeUInt32LE(number, 0)
    bytes.writeUInt32LE(bytes.length, 4)
    return bytes
  }

  /** Checks received data: in order, unaltered, and sent before. */
  arrived(bytes) {
    if (!this.kind.stream) return this.#message(bytes)
    const expected = content(this.id, this.received, bytes.length)
    assert.ok(bytes.equals(expected), `${this}: other bytes at ${this.received}, ${bytes.length} long`)
    this.received += bytes.length
    assert.ok(this.received <= this.most, `${this}: ${this.received} bytes came, ${this.most} were sent`)
  }

  /** Checks bytes of a stream that will arrive again. */
  peeked(bytes) {
    const expected = content(this.id, this.received, bytes.length)
    assert.ok(
      bytes.equals(expected),
      `${this}: other bytes at ${this.received}, ${bytes.length} long, peeked`,
    )
  }

  #message(bytes) {
    assert.ok(bytes.length >= HEAD, `${this}: a message of ${bytes.length} bytes`)
    const number = bytes.readUInt32LE(0)
    const length = bytes.readUInt32LE(4)
    assert.ok(number > this.last && number < this.sequence, `${this}: message ${number} after ${this.last}`)
    const expected = content(this.id * 7919 + number, 0, bytes.length)
    expected.writeUInt32LE(number, 0)
    expected.writeUInt32LE(length, 4)
    assert.ok(bytes.equals(expected), `${this}: message ${number} was altered`)
    assert.ok(bytes.length <= length, `${this}: message ${number} is longer than it was sent`)
    this.last = number
    this.received++
    return length
  }

  /** Called when the receiver has got EOF. */
  end() {
    assert.ok(this.ended || !this.clean, `${this}: EOF without a shutdown or close`)
    if (this.clean) assert.strictEqual(this.received, this.sent, `${this}: bytes were lost before the end`)
    this.over = true
  }

  toString() {
    return `${this.kind.name} #${this.id}`
  }
}

class End {
  constructor(socket) {
    this.socket = socket
    this.closed = false
    this.shut = false // for writing
    this.busy = 0 // pending operations
    this.renewed = false // the first Socket was replaced
  }
}

class Link {
  constructor(kind, id, a, b) {
    this.kind = kind
    this.ends = [new End(a), new End(b)]
    const [one, two] = this.ends
    one.peer = two
    two.peer = one
    this.ways = [new Direction(id, one, two, kind), new Direction(id + 1, two, one, kind)]
    for (const way of this.ways) way.back = this.ways.find(each => each !== way)
  }

  get closed() {
    return this.ends.every(end => end.closed)
  }

  /** Closes one end, at any moment. */
  close(end) {
    if (end.closed) return
    const out = this.ways.find(way => way.from === end)
    const into = out.back
    // With unread or unsent data, close resets the connection. Then the peer may lose data in transit.
    const whole = into.received === into.sent && !into.sending && !into.receiving
    if (!whole || out.sending || !this.kind.ends) out.clean = false
    into.clean = false
    out.ended = true
    end.closed = true
    end.socket.close()
  }

  shut(end) {
    const out = this.ways.find(way => way.from === end)
    if (end.closed || end.shut || out.sending || !this.kind.ends || !this.kind.stream) return
    end.shut = out.ended = true
    try {
      end.socket.shutdown(bsd.SHUT_WR)
    } catch (error) {
      assert.ok(error.code === 'ENOTCONN' && end.peer.closed, error)
    }
  }
}

async function accepted(family, type, protocol, address) {
  const listener = new bsd.Socket(family, type, protocol).bind(address).listen()
  const a = new bsd.Socket(family, type, protocol)
  const [b] = await Promise.all([listener.accept(), a.connect(listener.getsockname())])
  listener.close()
  return [a, b]
}

async function connectedBothWays(family, one, two) {
  const a = new bsd.Socket(family, SOCK_DGRAM).bind(one)
  const b = new bsd.Socket(family, SOCK_DGRAM).bind(two)
  await a.connect(b.getsockname())
  await b.connect(a.getsockname())
  return [a, b]
}

let names = 0
const name = () => `\0bsd-sockets-model-${process.pid}-${names++}`
const stream = { stream: true, ends: true, reliable: true }
const record = { stream: false, ends: true, reliable: true }
const datagram = { stream: false, ends: false, reliable: true }

const kinds = [
  { name: 'tcp4', ...stream, tcp: true, make: () => accepted(AF_INET, SOCK_STREAM, 0, ['127.0.0.1', 0]) },
  { name: 'tcp6', ...stream, tcp: true, make: () => accepted(AF_INET6, SOCK_STREAM, 0, ['::1', 0]) },
  { name: 'unix stream', ...stream, unix: true, make: () => accepted(AF_UNIX, SOCK_STREAM, 0, name()) },
  { name: 'stream pair', ...stream, unix: true, make: async () => bsd.Socket.pair(AF_UNIX, SOCK_STREAM) },
  { name: 'seqpacket', ...record, unix: true, make: () => accepted(AF_UNIX, SOCK_SEQPACKET, 0, name()) },
  { name: 'seqpacket pair', ...record, unix: true, make: async () => bsd.Socket.pair(AF_UNIX, SOCK_SEQPACKET) },
  { name: 'dgram pair', ...datagram, unix: true, make: async () => bsd.Socket.pair(AF_UNIX, SOCK_DGRAM) },
  { name: 'unix dgram', ...datagram, unix: true, make: () => connectedBothWays(AF_UNIX, name(), name()) },
  { name: 'udp4', ...datagram, reliable: false, make: () => connectedBothWays(AF_INET, ['127.0.0.1', 0], ['127.0.0.1', 0]) },
  { name: 'udp6', ...datagram, reliable: false, make: () => connectedBothWays(AF_INET6, ['::1', 0], ['::1', 0]) },
] // prettier-ignore

let ids = 1
async function makeLink(random) {
  const kind = random.pick(kinds)
  const [a, b] = await kind.make()
  ids += 2
  return new Link(kind, ids, a, b)
}

module.exports = { accepted, content, kinds, makeLink }
