'use strict'

/*
 * The thread pool has one thread, and that is stuck in an open(2) of a FIFO. What needs no pool goes on; what does waits, and
 * leaves by timeout, signal and close() all the same.
 */
const assert = require('node:assert')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { Worker } = require('node:worker_threads')
const { scene, calm, outcome, unix, tcp, everything, pattern, folder } = require('../scene.js')

const SIZE = 8 << 20
const data = pattern(SIZE)
const one = run => scene(run, { env: { UV_THREADPOOL_SIZE: '1' } })

/** Sticks the thread; what it returns lets it go. */
async function stick(own) {
  const name = `${folder(own)}/fifo`
  assert.strictEqual(spawnSync('mkfifo', [name]).status, 0)
  const opened = fs.promises.open(name, 'r')
  return async () => {
    const writer = fs.openSync(name, 'r+')
    await (await opened).close()
    fs.closeSync(writer)
  }
}

/** A file of which nothing is in memory. */
function cold(own) {
  const name = `${folder(own)}/cold`
  fs.writeFileSync(name, data)
  const fd = fs.openSync(name, 'r+')
  own({ close: () => fs.closeSync(fd) })
  fs.fsyncSync(fd)
  const drop = ['of=/dev/fd/3', 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0']
  assert.strictEqual(spawnSync('dd', drop, { stdio: ['ignore', 'ignore', 'ignore', fd] }).status, 0)
  return fd
}

async function goesOn(tools, own) {
  const { bsd } = tools
  const warm = fs.openSync(__filename)
  own({ close: () => fs.closeSync(warm) })
  const free = await stick(own)
  const [a, b] = await tcp(tools, own) // listen, accept, connect
  const [c, d] = await tcp(tools, own)
  const relaying = bsd.relay(b, c)
  const listener = own(await bsd.createServer({ host: '127.0.0.1' }))
  own(await bsd.createConnection({ host: '127.0.0.1', port: listener.getsockname().port })) // a number needs no lookup
  await a.sendAll(data.subarray(0, 100_000))
  a.shutdown(bsd.SHUT_WR)
  assert((await everything(d)).data.equals(data.subarray(0, 100_000)))
  const sent = await d.sendfile(warm) // in memory
  d.shutdown(bsd.SHUT_WR)
  assert.strictEqual((await everything(a)).data.length, sent)
  assert.deepStrictEqual(await relaying, { aToB: 100_000, bToA: sent })
  assert.strictEqual(tools.native.stats().jobs, 0)
  await free()
}

const early = {
  timeout: ['ERR_SOCKET_TIMEOUT', () => ({ timeout: 30 })],
  signal: ['ABORT_ERR', () => ({ signal: AbortSignal.timeout(30) })],
  close: ['ECANCELED', socket => (setTimeout(() => socket.close(), 30), {})],
}

async function sendfile(tools, own, way) {
  const { native } = tools
  const [a, b] = unix(tools, own)
  const file = cold(own)
  const free = await stick(own)
  const [code, op] = early[way]
  const result = await outcome(a.sendfile(file, op(a)))
  assert.strictEqual(result, `${code} after 0`)
  for (let i = 0; native.stats().jobs > 0 && i < 10; i++) await tools.turn()
  assert.strictEqual(native.stats().jobs, 0) // it never begins
  if (way !== 'close') {
    assert.strictEqual(await a.send(Buffer.from('next')), 4) // nor is it in the way
    a.close()
  }
  await free()
  assert.strictEqual(String((await everything(b)).data), way === 'close' ? '' : 'next')
}

async function sendfileWaits(tools, own) {
  const [a, b] = unix(tools, own)
  const file = cold(own)
  const free = await stick(own)
  const sending = a.sendfile(file)
  const behind = a.send(Buffer.from('behind'))
  await calm(tools)
  const received = everything(b)
  await free()
  assert.strictEqual(await sending, SIZE)
  assert.strictEqual(await behind, 6)
  a.close()
  assert((await received).data.equals(Buffer.concat([data, Buffer.from('behind')])))
}

async function truncated(tools, own) {
  const [a, b] = unix(tools, own)
  const file = cold(own)
  const free = await stick(own)
  const sending = outcome(a.sendfile(file))
  await tools.turn()
  fs.ftruncateSync(file, 0) // before the job has begun
  await free()
  assert.strictEqual(await sending, 'ERR_FILE_TRUNCATED after 0')
  a.close()
  assert.strictEqual((await everything(b)).data.length, 0)
}

async function splice(tools, own, way) {
  const { native } = tools
  const [from, source] = unix(tools, own)
  const fd = fs.openSync(`${folder(own)}/target`, 'w+')
  own({ close: () => fs.closeSync(fd) })
  const free = await stick(own)
  await from.sendAll(data.subarray(0, 1000))
  const [code, op] = early[way]
  assert.strictEqual(await outcome(source.splice({ fd }, op(source))), `${code} after 0`)
  if (way !== 'close') assert((await source.recv(2000)).equals(data.subarray(0, 1000))) // still there
  for (let i = 0; native.stats().jobs > 0 && i < 10; i++) await tools.turn()
  assert.strictEqual(native.stats().jobs, 0)
  await free()
  assert.strictEqual(fs.fstatSync(fd).size, 0)
}

async function lookups(tools, own) {
  const { bsd } = tools
  const free = await stick(own)
  const stop = new AbortController()
  const waiting = [
    bsd.getaddrinfo('localhost', 80), // waits for the thread
    bsd.getaddrinfo('localhost', 80, { signal: stop.signal }), // waits for the one before
    bsd.createConnection({ host: 'localhost', port: 1, timeout: 30 }),
    bsd.getaddrinfo('localhost', 80, { signal: stop.signal }),
  ].map(outcome)
  assert.strictEqual(await waiting[2], 'ERR_SOCKET_TIMEOUT')
  await calm(tools)
  stop.abort()
  assert.deepStrictEqual([await waiting[1], await waiting[3]], ['ABORT_ERR', 'ABORT_ERR'])
  await free()
  await waiting[0]
}

/** A worker ends although its transfer has not had its turn. */
async function worker(tools, own) {
  const file = cold(own)
  const free = await stick(own)
  const script = `
    const { Socket } = require(${JSON.stringify(path.resolve(__dirname, '../../..'))})
    const [a] = Socket.pair()
    a.sendfile(${file}).catch(() => undefined)
    setImmediate(() => require('node:worker_threads').parentPort.postMessage('waits'))`
  const thread = new Worker(script, { eval: true })
  await new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject))
  await thread.terminate()
  await free()
}

module.exports = {
  'what needs no pool goes on': one(goesOn),
  'sendfile of a cold file waits, and so does what is behind it': one(sendfileWaits),
  'sendfile of a cold file that is cut off before its turn': one(truncated),
  'lookups': one(lookups),
  'a worker that is terminated': one(worker),
} // prettier-ignore
for (const way of Object.keys(early)) {
  module.exports[`sendfile of a cold file: ${way}`] = one((tools, own) => sendfile(tools, own, way))
  module.exports[`splice to a file: ${way}`] = one((tools, own) => splice(tools, own, way))
}
