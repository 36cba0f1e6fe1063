'use strict'

/*
 * A peer stalls. Operations that wait for it end by their timeout, their signal or close(), with the right error.
 * The error has the number of bytes moved, and the peer receives exactly that many.
 */
const assert = require('node:assert')
const { closeSync, openSync, writeFileSync } = require('node:fs')
const { scene, failure, tcp, fill, everything, pattern, folder } = require('../scene.js')

const LARGE = 16 << 20
const large = pattern(LARGE)
const x = Buffer.from('x')

/** Returns a pair whose first socket has no data to read. */
const dry = async ({ bsd }, own, Socket) => Socket.pair(bsd.AF_UNIX, bsd.SOCK_STREAM).map(own)
/** Returns a pair whose first socket has a full send buffer. */
async function full(tools, own, Socket) {
  const [a, b] = await dry(tools, own, Socket)
  fill(a)
  return [a, b]
}
const reading = run => async (tools, own, Socket) => {
  const [socket] = await dry(tools, own, Socket)
  return { socket, start: op => run(socket, op, tools) }
}
const writing = run => async (tools, own, Socket) => {
  const [socket] = await full(tools, own, Socket)
  return { socket, start: op => run(socket, op, tools) }
}
/** Sends a lot of data to a peer that reads only later. */
const sending = (pair, run) => async (tools, own, Socket) => {
  const [socket, peer] = await pair(tools, own, Socket)
  return { socket, peer, start: op => run(socket, op, own) }
}

function largeFile(own) {
  const name = `${folder(own)}/large`
  writeFileSync(name, large)
  const file = openSync(name)
  own({ close: () => closeSync(file) })
  return file
}

async function backlogged({ bsd }, own, Socket, family, address) {
  const listener = own(new bsd.Socket(family)).bind(address).listen(0)
  for (let i = 0; i < 3; i++) {
    const early = own(new bsd.Socket(family))
    await early.connect(listener.getsockname(), { timeout: 5 }).catch(() => undefined)
  }
  const socket = own(new Socket(family))
  return { socket, start: op => socket.connect(listener.getsockname(), op) }
}

const kinds = {
  recv: reading((a, op) => a.recv(1, op)),
  recvInto: reading((a, op) => a.recvInto(Buffer.alloc(1), op)),
  recvfrom: reading((a, op) => a.recvfrom(1, op)),
  recvmsg: reading((a, op) => a.recvmsg(1, op)),
  recvmmsg: reading((a, op, { bsd }) => a.recvmmsg(new bsd.MessageBatch({ count: 2, size: 2 }), op)),
  recvFds: reading((a, op) => a.recvFds(1, 1, op)),
  readable: reading((a, op) => a.readable(op)),
  send: writing((a, op) => a.send(x, op)),
  sendmsg: writing((a, op) => a.sendmsg({ data: x }, op)),
  sendFds: writing((a, op) => a.sendFds(x, [a], op)),
  sendmmsg: writing((a, op, { bsd }) => {
    const batch = new bsd.MessageBatch({ count: 2, size: 2 })
    for (const i of [0, 1]) batch.set(i, x)
    return a.sendmmsg(batch, op)
  }),
  writable: writing((a, op) => a.writable(op)),
  async accept({ bsd }, own, Socket) {
    const socket = own(new Socket(bsd.AF_INET)).bind(['127.0.0.1', 0]).listen()
    return { socket, start: op => socket.accept(op) }
  },
  async receiveErrors({ bsd }, own, Socket) {
    const socket = own(new Socket(bsd.AF_INET, bsd.SOCK_DGRAM)).receiveMeta({ errors: true })
    return { socket, start: op => socket.receiveErrors(op) }
  },
  'connect to a full TCP backlog': (tools, own, Socket) =>
    backlogged(tools, own, Socket, tools.bsd.AF_INET, ['127.0.0.1', 0]),
  'connect to a full AF_UNIX backlog': (tools, own, Socket) =>
    backlogged(tools, own, Socket, tools.bsd.AF_UNIX, `${folder(own)}/s`),
  async 'splice from an empty source'(tools, own, Socket) {
    const [socket] = await dry(tools, own, Socket)
    const [to] = await dry(tools, own, Socket)
    return { socket, start: op => socket.splice(to, op) }
  },
  async 'splice to a full target'(tools, own, Socket) {
    const [socket, from] = await dry(tools, own, Socket)
    const [to] = await full(tools, own, Socket)
    from.trySend(x)
    return { socket, start: op => socket.splice(to, op) }
  },
  'sendAll': sending(dry, (a, op) => a.sendAll(large, op)),
  'sendAll, TCP': sending(tcp, (a, op) => a.sendAll(large, op)),
  'sendfile': sending(dry, (a, op, own) => a.sendfile(largeFile(own), op)),
  'sendfile, TCP': sending(tcp, (a, op, own) => a.sendfile(largeFile(own), op)),
  'sendZeroCopy': sending(tcp, (a, op) => a.sendZeroCopy(new Uint8Array(large), op)),
  async 'splice that has moved some bytes'(tools, own, Socket) {
    const [from, source] = await dry(tools, own, Socket)
    const [socket, peer] = await dry(tools, own, Socket)
    let sent = 0
    const feed = () => {
      for (let more = 1; more > 0; sent += more) more = from.trySend(large.subarray(sent))
    }
    feed()
    // Data that was read and not delivered stays with the source.
    const check = bytesSent => {
      const rest = []
      for (let part = source.tryRecv(1 << 20); part?.length > 0; part = source.tryRecv(1 << 20)) rest.push(part)
      assert(Buffer.concat(rest).equals(large.subarray(bytesSent, sent)))
    }
    return { socket, peer, check, start: op => source.splice(socket, { ...op, onProgress: feed }) }
  },
} // prettier-ignore

const ways = {
  'timeout': ['ERR_SOCKET_TIMEOUT', 'TimeoutError'],
  'signal': ['ABORT_ERR', 'AbortError'],
  'close': ['ECANCELED', 'SocketError'],
} // prettier-ignore

/** Checks the bytes: the peer receives as many as the error says, and the right ones. */
async function account({ socket, peer, check }, error) {
  if (peer === undefined) return
  const { bytesSent } = error
  assert(bytesSent > 0 && bytesSent < LARGE, `${error.stack} ${bytesSent}`)
  check?.(bytesSent)
  socket.close()
  const { data, error: end } = await everything(peer)
  assert.strictEqual(end, null)
  assert(data.equals(large.subarray(0, bytesSent)), `${data.length} arrived, bytesSent is ${bytesSent}`)
}

async function stall(tools, own, kind, way) {
  const made = await kinds[kind](tools, own, tools.bsd.Socket)
  const stop = new AbortController()
  const op = way === 'timeout' ? { timeout: 25 } : way === 'signal' ? { signal: stop.signal } : {}
  const ended = failure(made.start(op))
  for (let i = 0; way !== 'timeout' && i < 5; i++) await tools.turn()
  if (way === 'signal') stop.abort()
  if (way === 'close') made.socket.close()
  const error = await ended
  assert.deepStrictEqual([error.code, error.name], ways[way], error.stack)
  await account(made, error)
}

async function relays(tools, own, way) {
  const { bsd } = tools
  const [client, a] = await tcp(tools, own)
  const [b, server] = await tcp(tools, own)
  const stop = new AbortController()
  for (const each of [client, b]) each.set(bsd.options.SO_SNDBUF, 65536)
  for (const each of [a, server]) each.set(bsd.options.SO_RCVBUF, 65536)
  const ended = failure(bsd.relay(a, b, { signal: stop.signal }))
  const sending = client.sendAll(large, { timeout: 100 }).catch(error => error)
  const { bytesSent } = await sending // the peer reads nothing
  way === 'signal' ? stop.abort() : b.close()
  const error = await ended
  assert.strictEqual(error.code, ways[way][0])
  b.close()
  const arrived = await everything(server)
  assert(arrived.data.equals(large.subarray(0, arrived.data.length)))
  client.shutdown(bsd.SHUT_WR)
  const rest = await everything(a) // the data in transit, and the data that was not read
  assert(rest.data.equals(large.subarray(arrived.data.length, bytesSent)))
}

for (const kind of Object.keys(kinds)) {
  exports[`${kind}: a stalled operation ends by its timeout, its signal and close`] = scene(
    async (tools, own) => {
      for (const way of Object.keys(ways)) await stall(tools, own, kind, way)
    },
  )
}
for (const way of ['signal', 'close'])
  exports[`a stalled relay ends by ${way} and loses no byte`] = scene((tools, own) => relays(tools, own, way))

exports['every stalled operation of the blocking Socket ends by its timeout'] = scene(async (tools, own) => {
  const { bsd, sync } = tools
  for (const kind of Object.keys(kinds)) {
    const made = await kinds[kind](tools, own, sync.Socket)
    const error = await failure((async () => made.start({ timeout: 25 }))())
    assert.deepStrictEqual([error.code, error.name], ways.timeout, `${kind}: ${error.stack}`)
    // Zero-copy sends that are queued send EOF on the next turn of the event loop, so the peer must not block.
    const peer = made.peer && own(bsd.Socket.adopt(made.peer.detach()))
    await account({ ...made, peer }, error)
  }
}) // prettier-ignore
