'use strict'

/*
 * The thread pool has one thread, which is blocked in open(2) of a FIFO. No operation uses the pool: all continue,
 * including transfers and lookups.
 */
const assert = require('node:assert')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const { scene, calm, outcome, unix, tcp, everything, pattern, folder } = require('../scene.js')

const SIZE = 8 << 20
const data = pattern(SIZE)
const one = run => scene(run, { env: { UV_THREADPOOL_SIZE: '1' } })

/** Blocks the thread. Returns a function that releases it. */
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

/** Creates a file that is not in the page cache. */
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
  own(await bsd.createConnection({ host: '127.0.0.1', port: listener.getsockname().port })) // a numeric address needs no lookup
  await a.sendAll(data.subarray(0, 100_000))
  a.shutdown(bsd.SHUT_WR)
  assert((await everything(d)).data.equals(data.subarray(0, 100_000)))
  const sent = await d.sendfile(warm) // in the page cache
  d.shutdown(bsd.SHUT_WR)
  assert.strictEqual((await everything(a)).data.length, sent)
  assert.deepStrictEqual(await relaying, { aToB: 100_000, bToA: sent })
  assert.strictEqual(tools.native.stats().jobs, 0)
  await free()
}

async function sendfile(tools, own) {
  const [a, b] = unix(tools, own)
  const file = cold(own)
  const free = await stick(own)
  const received = everything(b)
  assert.strictEqual(await a.sendfile(file), SIZE)
  assert.strictEqual(await a.send(Buffer.from('behind')), 6)
  a.close()
  assert((await received).data.equals(Buffer.concat([data, Buffer.from('behind')])))
  await free()
}

async function splice(tools, own) {
  const [from, source] = unix(tools, own)
  const fd = fs.openSync(`${folder(own)}/target`, 'w+')
  own({ close: () => fs.closeSync(fd) })
  const free = await stick(own)
  await from.sendAll(data.subarray(0, 1000))
  from.close()
  assert.strictEqual(await source.splice({ fd }), 1000)
  await free()
  assert.strictEqual(fs.fstatSync(fd).size, 1000)
}

async function lookups(tools, own) {
  const { bsd } = tools
  const free = await stick(own)
  const [found] = await bsd.getaddrinfo('localhost', 80)
  assert.strictEqual(found.address.port, 80)
  const stop = new AbortController()
  const waiting = outcome(bsd.getaddrinfo('localhost', 80, { signal: stop.signal }))
  stop.abort()
  assert.strictEqual(await waiting, 'ABORT_ERR')
  await calm(tools)
  await free()
}

module.exports = {
  'operations that need no thread pool continue while the pool is blocked': one(goesOn),
  'sendfile of a file outside the page cache continues while the pool is blocked': one(sendfile),
  'splice to a file continues while the pool is blocked': one(splice),
  'lookups continue while the pool is blocked': one(lookups),
} // prettier-ignore
