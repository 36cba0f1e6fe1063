'use strict'

/*
 * Receivers without space: a full datagram queue, a full stream and a full error queue.
 */
const assert = require('node:assert')
const { readFileSync } = require('node:fs')
const { scene, calm, outcome, thrown, tcp, unix, fill, folder } = require('../scene.js')

const bytes = text => Buffer.from(text)
/**
 * The number of messages that an unconnected sender may queue. net/unix/af_unix.c queues one more than the sysctl
 * says.
 */
const QUEUE = Number(readFileSync('/proc/sys/net/unix/max_dgram_qlen', 'utf8')) + 1

/** Returns two AF_UNIX datagram sockets. The second has a path. */
function datagrams({ bsd }, own, Socket = bsd.Socket) {
  const path = `${folder(own)}/s`
  const [a, b] = [0, 0].map(() => own(new Socket(bsd.AF_UNIX, bsd.SOCK_DGRAM)))
  b.bind(path)
  return { a, b, path }
}

async function queueOfDatagrams(tools, own, connected) {
  const { a, b, path } = datagrams(tools, own)
  if (connected) await a.connect(path)
  const send = (text, op) => (connected ? a.send(bytes(text), op) : a.sendto(bytes(text), path, op))
  let sent = 0
  const trySend = text => (connected ? a.trySend(bytes(text)) : a.trySendto(bytes(text), path))
  while (trySend(`early ${sent}`) !== null) sent++
  assert.strictEqual(sent, QUEUE)
  const stop = new AbortController()
  const order = []
  const note = (name, promise) => outcome(promise).then(result => order.push(`${name} ${result}`))
  const ends = [
    note('first', send('first')),
    note('late', send('late', { timeout: 30 })),
    note('stopped', send('stopped', { signal: stop.signal })),
    note('second', send('second', { timeout: 60_000 })),
    note('third', send('third')),
    note('now', send('now', { timeout: 0 })),
  ]
  await calm(tools)
  stop.abort()
  await Promise.all([ends[1], ends[2], ends[5]])
  assert.deepStrictEqual(order, ['now EAGAIN', 'late ERR_SOCKET_TIMEOUT', 'stopped ABORT_ERR'])
  const got = []
  while (got.at(-1) !== 'third') got.push(String(await b.recv(100)))
  assert.deepStrictEqual(
    got.splice(0, sent),
    Array.from({ length: sent }, (_, i) => `early ${i}`),
  )
  assert.deepStrictEqual(got, ['first', 'second', 'third']) // and no message whose send timed out
  await Promise.all(ends)
  assert.deepStrictEqual(order.slice(3), ['first fulfilled', 'second fulfilled', 'third fulfilled'])
  assert.strictEqual(b.tryRecv(100), null)
}

async function batchOfDatagrams(tools, own) {
  const { bsd, faults } = tools
  const { a, b, path } = datagrams(tools, own)
  await a.connect(path)
  const count = QUEUE + 5
  const batch = new bsd.MessageBatch({ count, size: 8 })
  for (let i = 0; i < count; i++) batch.set(i, bytes(`m${i}`))
  const error = await a.sendmmsg(batch, { timeout: 20 }).catch(reason => reason)
  assert.deepStrictEqual([error.code, error.messagesSent], ['ERR_SOCKET_TIMEOUT', QUEUE])
  const before = faults.calls()
  const rest = a.sendmmsg(batch)
  const got = []
  while (got.length < QUEUE + count) got.push(String(await b.recv(100)))
  assert.strictEqual(await rest, count)
  const all = Array.from({ length: count }, (_, i) => `m${i}`)
  assert.deepStrictEqual(got, [...all.slice(0, QUEUE), ...all])
  assert(faults.calls() - before < 300, 'it spins')
}

async function stream(tools, own, make) {
  const [a, b] = await make(tools, own)
  const { bytes: early } = fill(a)
  const stop = new AbortController()
  const sends = {
    first: a.sendAll(bytes('first ')),
    late: outcome(a.sendAll(bytes('late '), { timeout: 30 })),
    stopped: outcome(a.send(bytes('stopped '), { signal: stop.signal })),
    second: a.sendmsg({ data: [bytes('sec'), bytes('ond ')] }),
    third: a.send(bytes('third')),
  }
  await calm(tools)
  stop.abort()
  assert.deepStrictEqual([await sends.late, await sends.stopped], ['ERR_SOCKET_TIMEOUT after 0', 'ABORT_ERR'])
  const parts = []
  for (let got = 0; got < early + 'first second third'.length;) {
    parts.push(await b.recv(1 << 20))
    got += parts.at(-1).length
  }
  assert.strictEqual(String(Buffer.concat(parts).subarray(early)), 'first second third')
  await Promise.all(Object.values(sends))
}

/** Returns an address without a receiver: every datagram to it comes back as an ICMP error. */
function unused({ bsd }) {
  const socket = new bsd.Socket(bsd.AF_INET, bsd.SOCK_DGRAM).bind(['127.0.0.1', 0])
  const address = socket.getsockname()
  socket.close()
  return address
}

/** Sends to that address until the error queue is full. Returns the number of records. */
async function fillErrors(tools, socket) {
  const address = unused(tools)
  for (let i = 0; i < 200; i++) await outcome(socket.sendto(bytes(`lost ${i}`), address)) // each send reports the error of the one before
}

async function errors(tools, own, reading) {
  const { bsd } = tools
  const [a, b] = [0, 0].map(() => own(new bsd.Socket(bsd.AF_INET, bsd.SOCK_DGRAM)).bind(['127.0.0.1', 0]))
  a.receiveMeta({ errors: true }).set(bsd.options.SO_RCVBUF, 4096)
  const waiting = reading ? outcome(a.recv(10, { timeout: 5000 })) : null
  await fillErrors(tools, a)
  if (reading) assert.strictEqual(await waiting, 'ECONNREFUSED') // reported once; the other errors stay in the queue
  await outcome(a.recv(1, { timeout: 1 })) // takes the last pending error
  // With the error queue full, sends continue and receives wait. Neither may spin.
  for (let i = 0; i < 20; i++)
    assert.strictEqual(await a.sendto(bytes(`sent ${i}`), b.getsockname()), `sent ${i}`.length)
  for (let i = 0; i < 20; i++) assert.strictEqual(String(await b.recv(10)), `sent ${i}`)
  const received = outcome(a.recv(10, { timeout: 60_000 }))
  await calm(tools)
  let records = 0
  for (let some = a.tryReceiveErrors(); some !== null; some = a.tryReceiveErrors()) {
    for (const each of some) assert.strictEqual(each.code, 'ECONNREFUSED')
    records += some.length
  }
  assert(records > 0 && records < 200, `${records} records: the error queue was not full`)
  await b.sendto(bytes('back'), a.getsockname())
  assert.strictEqual(await received, 'fulfilled')
}

async function timestamps(tools, own) {
  const { bsd } = tools
  const [a, b] = [0, 0].map(() => own(new bsd.Socket(bsd.AF_INET, bsd.SOCK_DGRAM)).bind(['127.0.0.1', 0]))
  const { SOF_TIMESTAMPING_TX_SOFTWARE: sent, SOF_TIMESTAMPING_SOFTWARE: report } = bsd.constants
  a.setsockopt(bsd.SOL_SOCKET, bsd.constants.SO_TIMESTAMPING, sent | report)
  a.set(bsd.options.SO_RCVBUF, 4096)
  for (let i = 0; i < 300; i++) {
    assert.strictEqual(await a.sendto(bytes(`${i}`), b.getsockname()), `${i}`.length)
    assert.strictEqual(String(await b.recv(10)), `${i}`)
  }
  await calm(tools)
  const records = await a.receiveErrors()
  assert(records.length > 0 && records.length < 300)
  assert(records.every(each => each.stage === 'sent'))
}

async function zeroCopies(tools, own) {
  const { bsd } = tools
  const [a, b] = await tcp(tools, own)
  a.set(bsd.options.SO_RCVBUF, 4096)
  const [count, size] = [150, 20_000]
  const sends = Array.from({ length: count }, (_, i) => a.sendZeroCopy(new Uint8Array(size).fill(i)))
  for (let got = 0; got < count * size;) {
    const part = await b.recv(1 << 20)
    for (let at = 0; at < part.length; at += 1000) assert.strictEqual(part[at], Math.floor((got + at) / size))
    got += part.length
  }
  for (const [i, each] of (await Promise.all(sends)).entries()) {
    assert.deepStrictEqual([each.bytes, each.buffer[0], each.buffer.length], [size, i, size]) // every buffer is returned
  }
  assert.strictEqual(a.zeroCopyStatistics().pending, 0)
}

async function zeroCopyBesideErrors(tools, own) {
  const { bsd } = tools
  const [a, b] = [0, 0].map(() => own(new bsd.Socket(bsd.AF_INET, bsd.SOCK_DGRAM)).bind(['127.0.0.1', 0]))
  a.receiveMeta({ errors: true }).set(bsd.options.SO_RCVBUF, 4096)
  await fillErrors(tools, a)
  await outcome(a.recv(1, { timeout: 1 }))
  await a.connect(b.getsockname())
  const sending = a.sendZeroCopy(new Uint8Array(1000).fill(7))
  assert.strictEqual((await b.recv(2000)).length, 1000)
  assert.strictEqual((await sending).bytes, 1000) // its record was not lost although the queue was full
  assert((await a.receiveErrors()).length > 0) // nor were the other records
}

async function blocking(tools, own) {
  const { sync } = tools
  const { a, b, path } = datagrams(tools, own, sync.Socket)
  for (let i = 0; i < QUEUE; i++) a.sendto(bytes('x'), path)
  const before = tools.faults.calls()
  assert.strictEqual(
    thrown(() => a.sendto(bytes('late'), path, { timeout: 100 })),
    'ERR_SOCKET_TIMEOUT',
  )
  a.connect(path)
  assert.strictEqual(
    thrown(() => a.send(bytes('late'), { timeout: 100 })),
    'ERR_SOCKET_TIMEOUT',
  )
  for (let i = 0; i < QUEUE; i++) assert.strictEqual(String(b.recv(9)), 'x')
  assert.strictEqual(b.tryRecv(9), null)
  const [c] = sync.Socket.pair().map(own)
  assert.match(
    thrown(() => c.sendAll(Buffer.alloc(8 << 20), { timeout: 100 })),
    /^ERR_SOCKET_TIMEOUT after [1-9]/,
  )
  assert(tools.faults.calls() - before < 200, 'it spins')
}

module.exports = {
  'sends of a connected AF_UNIX socket wait for a full datagram queue': scene((tools, own) =>
    queueOfDatagrams(tools, own, true),
  ),
  'sends to an AF_UNIX address wait for a full datagram queue': scene((tools, own) =>
    queueOfDatagrams(tools, own, false),
  ),
  'a batch of AF_UNIX datagrams waits for a full datagram queue': scene(batchOfDatagrams),
  'sends to a full AF_UNIX stream wait': scene((tools, own) => stream(tools, own, unix)),
  'sends to a full TCP stream wait': scene((tools, own) => stream(tools, own, tcp)),
  'blocking sends to a full receiver wait': scene(blocking),
  'a full error queue of ICMP errors does not spin without a receive': scene((tools, own) =>
    errors(tools, own, false),
  ),
  'a full error queue of ICMP errors does not spin with a pending receive': scene((tools, own) =>
    errors(tools, own, true),
  ),
  'a full error queue of timestamps does not spin': scene(timestamps),
  'zero-copy sends whose completions fill the error queue all complete': scene(zeroCopies),
  'a zero-copy send completes although the error queue is full': scene(zeroCopyBesideErrors),
}
