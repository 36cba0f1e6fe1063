'use strict'

/* The actions on one direction of a link, and their allowed results. */
const assert = require('node:assert')
const fs = require('node:fs')
const bsd = require('../../../dist/index.js')

const turn = () => new Promise(resolve => setImmediate(resolve))

/** Returns options with a timeout, an abort signal or neither, and whether they may end the operation. */
function waiting(random) {
  switch (random.below(5)) {
    case 0:
      return { timeout: random.below(4) }
    case 1: {
      const controller = new AbortController()
      const turns = random.below(4)
      const later = async () => {
        for (let i = 0; i < turns; i++) await turn()
        controller.abort()
      }
      void later()
      return { signal: controller.signal }
    }
    case 2:
      return { timeout: 50 + random.below(200) }
    default:
      return {}
  }
}

const stopped = ['ERR_SOCKET_TIMEOUT', 'ABORT_ERR', 'EAGAIN']
const closed = ['ECANCELED', 'EBADF']
const gone = ['EPIPE', 'ECONNRESET', 'ECONNREFUSED', 'ENOTCONN', 'EDESTADDRREQ', 'ENOTSUP']

/** Checks that the state of the link allows the error. */
function allow(error, way, end, op) {
  const codes = []
  if (op.timeout !== undefined || op.signal !== undefined) codes.push(...stopped)
  if (end.closed) codes.push(...closed)
  if (end.shut && end === way.from) codes.push('EPIPE')
  if (end.peer.closed) codes.push(...gone)
  if (end.shut && end.peer.shut) codes.push(...gone)
  if (!way.kind.reliable) codes.push('ENOBUFS')
  if (!codes.includes(error.code)) {
    throw new Error(`${way}: ${error.code ?? error.name} is not among ${codes.join(' ') || 'nothing'}`, {
      cause: error,
    })
  }
}

const length = (random, way) =>
  way.kind.stream
    ? 1 + random.below(random.pick([10, 5000, 60000]))
    : 8 + random.below(random.pick([10, 1200, 4000]))

/** Ways to send, by name: (socket, bytes, op, random, way) → number of bytes or messages sent. */
const sends = {
  send: (socket, bytes, op) => socket.send(bytes, op),
  sendAll: async (socket, bytes, op) => (await socket.sendAll(bytes, op), bytes.length),
  sendmsg: (socket, bytes, op, random) => {
    const at = random.below(bytes.length)
    return socket.sendmsg({ data: [bytes.subarray(0, at), bytes.subarray(at)] }, op)
  },
  trySend: async (socket, bytes) => socket.trySend(bytes) ?? 0,
}
const streamSends = {
  sendfile: async (socket, bytes, op) => {
    const file = `file-${process.hrtime.bigint()}`
    fs.writeFileSync(file, bytes)
    const fd = fs.openSync(file)
    fs.unlinkSync(file)
    try {
      return await socket.sendfile(fd, { offset: 0, length: bytes.length, ...op })
    } finally {
      fs.closeSync(fd)
    }
  },
}
const tcpSends = {
  // The kernel uses the memory later, so it must not be shared.
  sendZeroCopy: async (socket, bytes, op) => {
    const own = Buffer.alloc(bytes.length)
    bytes.copy(own)
    return (await socket.sendZeroCopy(own, op)).bytes
  },
}
const unixSends = {
  sendFds: (socket, bytes, op) => {
    const [fd] = bsd.Socket.pair()
    const sent = socket.sendFds(bytes, [fd, 0], op)
    return sent.finally(() => fd.close())
  },
}

function sendsOf({ stream, tcp, unix }, renewed) {
  const all = {
    ...sends,
    ...(stream ? { sendfile: streamSends.sendfile } : {}),
    ...(tcp && !renewed ? tcpSends : {}),
    ...(unix ? unixSends : {}),
  }
  return Object.entries(all)
}

async function sendOn(way, random, note) {
  const { from: end, kind } = way
  if (way.sending || end.closed || (kind.stream && way.ended)) return
  way.sending = true
  end.busy++
  const [name, run] = random.pick(sendsOf(kind, end.renewed))
  const bytes = kind.stream ? way.next(length(random, way)) : way.message(length(random, way))
  const op = name === 'trySend' ? {} : waiting(random)
  note(`${way} ${name} ${bytes.length} ${JSON.stringify(op)}`)
  // The peer answers data after its close with a reset.
  if (end.peer.closed) way.back.clean = false
  let done = 0
  try {
    done = await run(end.socket, bytes, op, random, way)
    if (kind.stream)
      assert.ok(done <= bytes.length, `${way}: ${done} of ${bytes.length} bytes sent by ${name}`)
    else assert.ok(done === 0 || done === bytes.length, `${way}: a part of a message was sent by ${name}`)
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error
    allow(error, way, end, name === 'trySend' ? { timeout: 0 } : op)
    done = error.bytesSent ?? 0
    note(`${way} ${name} of ${bytes.length} ended: ${error.code}, ${done} sent`)
  } finally {
    way.sending = false
    end.busy--
  }
  if (kind.stream) way.sent += done
  else if (done > 0) way.sent++
  way.most = way.sent
  if (end.peer.closed) way.back.clean = way.clean = false
}

async function sendBatch(way, random, note) {
  const { from: end, kind } = way
  if (way.sending || end.closed || kind.stream) return
  way.sending = true
  end.busy++
  const count = 1 + random.below(8)
  const batch = new bsd.MessageBatch({ count, size: 1300 })
  for (let i = 0; i < count; i++) batch.set(i, way.message(8 + random.below(1200)))
  const op = waiting(random)
  note(`${way} sendmmsg ${count} ${JSON.stringify(op)}`)
  try {
    way.sent += await end.socket.sendmmsg(batch, op)
  } catch (error) {
    allow(error, way, end, op)
    way.sent += error.messagesSent ?? 0
  } finally {
    way.sending = false
    end.busy--
  }
}

/** Ways to receive, by name: (socket, size, op) → the received pieces, or null. */
const receives = {
  recv: async (socket, size, op) => [await socket.recv(size, op)],
  recvInto: async (socket, size, op) => {
    const into = Buffer.alloc(size)
    return [into.subarray(0, await socket.recvInto(into, op))]
  },
  recvfrom: async (socket, size, op) => [(await socket.recvfrom(size, op)).data],
  recvmsg: async (socket, size, op, random) => {
    const parts = random.chance(50) ? size : [Buffer.alloc(size >> 1), Buffer.alloc(size - (size >> 1))]
    const message = await socket.recvmsg(parts, { ...op, fds: random.pick(['receive', 'close']) })
    for (const handle of message.meta.fds ?? []) if (random.chance(70)) handle.close()
    return [message.data]
  },
  tryRecv: async (socket, size) => {
    const data = socket.tryRecv(size)
    return data === null ? null : [data]
  },
  readable: async (socket, size, op) => {
    await socket.readable(op)
    const data = socket.tryRecv(size)
    return data === null ? null : [data]
  },
  twoAtOnce: async (socket, size, op) => {
    const both = await Promise.allSettled([socket.recv(size, op), socket.recv(size, op)])
    const good = both.filter(each => each.status === 'fulfilled').map(each => each.value)
    if (good.length === 0) throw both[0].reason
    return good
  },
}
const unixReceives = {
  recvFds: async (socket, size, op, random) => {
    const { data, fds } = await socket.recvFds(size, 4, op)
    for (const handle of fds) {
      fs.fstatSync(handle.fd)
      if (random.chance(70)) handle.close() // the garbage collector closes the others
    }
    return [data]
  },
}
const messageReceives = {
  recvmmsg: async (socket, size, op) => {
    const batch = new bsd.MessageBatch({ count: 8, size })
    const count = await socket.recvmmsg(batch, op)
    return Array.from({ length: count }, (_, i) => Buffer.from(batch.data(i)))
  },
}

/** Returns the bytes of a frame, or those of a stream that ended before the frame was complete. */
async function framed(call) {
  try {
    return [await call]
  } catch (error) {
    if (error.code !== 'ERR_UNEXPECTED_END') throw error
    return [error.partial, Buffer.alloc(0)]
  }
}

const { MSG_PEEK, MSG_WAITALL } = bsd
const peeked = (way, data) => {
  way.peeked(data)
  return null
}

/** Ways to receive from a stream that may read ahead, or keep bytes for the next receive. */
const streamReceives = {
  read: async (socket, size, op) => [await socket.reader().read(size, op)],
  exactly: (socket, size, op) => framed(socket.reader(op).exactly(size)),
  until: (socket, size, op, random) =>
    framed(socket.reader({ max: 1 << 20 }).until(Buffer.of(random.below(256)), op)),
  limited: async (socket, size, op) => {
    try {
      return await framed(socket.reader().until('\0\0\0', { max: size, ...op }))
    } catch (error) {
      if (error.code === 'ERR_LIMIT_EXCEEDED') return null
      throw error
    }
  },
  peek: async (socket, size, op, random, way) => peeked(way, await socket.reader().peek(size, op)),
  unread: async (socket, size, op, random, way) => {
    const [data] = await receives.recv(socket, size, op)
    for (let end = data.length; end > 0;) {
      const start = random.below(end)
      socket.reader().unread(data.subarray(start, end))
      end = start
    }
    return data.length === 0 ? [data] : peeked(way, data)
  },
  all: async (socket, size, op) => [await socket.recv(size, { ...op, flags: MSG_WAITALL })],
  allInto: async (socket, size, op) => {
    const into = Buffer.alloc(size)
    return [into.subarray(0, await socket.recvInto(into, { ...op, flags: MSG_WAITALL }))]
  },
  allMessage: (socket, size, op, random) =>
    receives.recvmsg(socket, size, { ...op, flags: MSG_WAITALL }, random),
  tryAll: async (socket, size) => {
    const data = socket.tryRecv(size, MSG_WAITALL)
    return data === null ? null : [data]
  },
  peekAll: async (socket, size, op, random, way) =>
    peeked(way, await socket.recv(size, { ...op, flags: MSG_PEEK | MSG_WAITALL })),
  batch: async (socket, size, op, random) => {
    const loop = socket.messages({ batch: 1 + random.below(4), size: Math.ceil(size / 8), ...op })
    const pieces = []
    for (let i = random.below(3); i >= 0; i--) {
      const { value } = await loop.next().catch(error => {
        if (i < 2 && pieces.length > 0 && stopped.includes(error.code)) return {}
        throw error
      })
      if (value === undefined) break
      pieces.push(value.data)
    }
    await loop.return()
    return pieces
  },
  splice: async (socket, size, op) => {
    const [a, b] = bsd.Socket.pair()
    const sent = socket.splice(a, { length: size, ...op })
    const moved = await sent.catch(error => {
      if (!(error.bytesSent > 0)) throw error
      return error.bytesSent
    }).finally(() => a.close()) // prettier-ignore
    const data = await b.recv(size, MSG_WAITALL)
    b.close()
    assert.strictEqual(data.length, moved)
    return [data]
  },
  behind: async (socket, size, op) => {
    // A reader that waits, and a receive behind it.
    const reader = socket.reader(op)
    const both = await Promise.allSettled([reader.exactly(1 + (size >> 3)), reader.read(size), socket.recv(size, op)])
    const good = []
    for (const { status, value, reason } of both) {
      if (status === 'fulfilled') good.push(value)
      else if (reason.code === 'ERR_UNEXPECTED_END') good.push(reason.partial)
    }
    if (good.length === 0) throw both[0].reason
    return good
  }, // prettier-ignore
}

async function receiveOn(way, random, note) {
  const { to: end, kind } = way
  if (way.receiving || end.closed || way.over) return
  way.receiving = true
  end.busy++
  const more = kind.stream ? streamReceives : messageReceives
  const all = { ...receives, ...(kind.unix ? unixReceives : {}), ...more }
  const [name, run] = random.pick(Object.entries(all))
  const size = kind.stream
    ? 1 + random.below(random.pick([20, 8000, 70000]))
    : random.pick([8, 64, 4100, 4100])
  const op = name.startsWith('try') ? { timeout: 0 } : waiting(random)
  note(`${way} ${name} ${size} ${JSON.stringify(op)}`)
  try {
    const pieces = await run(end.socket, size, op, random, way)
    for (const piece of pieces ?? []) {
      if (piece.length > 0) way.arrived(piece)
      else if (kind.ends) way.end()
    }
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error
    allow(error, way, end, op)
    if (gone.includes(error.code) && kind.ends) way.over = true
  } finally {
    way.receiving = false
    end.busy--
  }
}

/** Replaces a Socket by another one for the same open socket. The first one is closed or detached. */
function renew(link, end, random, note) {
  if (end.closed || end.busy > 0) return
  const { socket } = end
  if (link.kind.stream && socket.reader().buffered > 0) return // only this Socket has these bytes
  // The kernel numbers the zero-copy sends of an open socket, so only its first Socket may use zero-copy.
  end.renewed = true
  const how = random.pick(['dup', 'Socket.dup', 'adopt'])
  note(`${link.ways[0]} ${how}`)
  if (how === 'adopt') {
    let fd
    try {
      fd = socket.detach()
    } catch (error) {
      assert.strictEqual(error.code, 'EBUSY', error) // the thread pool still uses the fd after an abort, or the kernel still uses the memory
      return
    }
    end.socket = bsd.Socket.adopt(fd)
  } else {
    end.socket = how === 'dup' ? socket.dup() : bsd.Socket.dup(socket)
    socket.close()
  }
  assert.ok(
    socket.closed && socket.fd === -1 && !end.socket.closed,
    'the old one is closed, the new one is not',
  )
}

module.exports = { receiveOn, renew, sendBatch, sendOn, turn }
