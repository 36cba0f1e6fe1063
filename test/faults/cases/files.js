'use strict'

/*
 * Files change during a transfer. If the file becomes shorter, the error has the number of bytes sent. If it becomes
 * longer, the new part is not sent. Data that is written during the transfer may be sent in its new state.
 */
const assert = require('node:assert')
const fs = require('node:fs')
const { scene, failure, outcome, unix, tcp, fill, everything, pattern, folder } = require('../scene.js')

const SIZE = 24 << 20
const data = pattern(SIZE)
/** The RLIMIT_FSIZE of one case, in bytes. */
const MOST = 2 << 20

function file(own, contents = data) {
  const name = `${folder(own)}/file`
  fs.writeFileSync(name, contents)
  const fd = fs.openSync(name, 'r+')
  own({ close: () => fs.closeSync(fd) })
  return { name, fd }
}

/** Starts a sendfile that has sent some data and waits for its peer. Then calls `change` with the file. */
async function midway(tools, own, make, change, options = {}) {
  const [a, b] = await make(tools, own)
  const { name, fd } = file(own)
  let sent = 0
  const progress = new Promise(resolve => {
    options = { ...options, onProgress: now => ((sent = now), resolve()) }
  })
  const sending = outcome(a.sendfile(fd, options))
  await progress
  for (let i = 0; i < 5; i++) await tools.turn() // until the peer's receive buffer is full
  assert(sent > 0 && sent < SIZE)
  change(fd, sent, name)
  const receiving = everything(b)
  const result = await sending
  a.close()
  return { result, sent, received: (await receiving).data }
}

// The part of a page behind the new end becomes zeros, even in data already queued. Pages may be large.
const shorter = how =>
  scene(async (tools, own) => {
    for (const make of [unix, tcp]) {
      let size = 0
      const cut = (fd, sent) => fs.ftruncateSync(fd, (size = how(sent)))
      const { result, received, sent } = await midway(tools, own, make, cut)
      assert.strictEqual(result, `ERR_FILE_TRUNCATED after ${received.length}`)
      assert(received.length >= Math.max(sent, size) && received.length < SIZE)
      assert(received.every((byte, i) => byte === data[i] || byte === 0))
    }
  })

/** Checks that only the data that existed at the start is sent. */
const unharmed = (change, expected = data, options = {}) =>
  scene(async (tools, own) => {
    const { result, received } = await midway(tools, own, unix, change, options)
    assert.strictEqual(result, 'fulfilled')
    assert(received.equals(expected))
  })

async function inside(tools, own) {
  const { bsd, sync } = tools
  const { name } = file(own, data.subarray(0, 4 << 20))
  for (const Socket of [bsd.Socket, sync.Socket]) {
    const [a, b] = Socket.pair().map(own)
    fs.writeFileSync(name, data.subarray(0, 4 << 20))
    const fd = fs.openSync(name, 'r+')
    let got = 0
    const onProgress = () => {
      fs.ftruncateSync(fd, 0)
      for (let part = b.tryRecv(1 << 20); part !== null; part = b.tryRecv(1 << 20)) got += part.length
    }
    const error = await failure((async () => a.sendfile(fd, { onProgress }))())
    onProgress()
    assert.deepStrictEqual([error.code, error.bytesSent], ['ERR_FILE_TRUNCATED', got])
    fs.closeSync(fd)
  }
}

async function gone(tools, own) {
  const [a, b] = unix(tools, own)
  const { name, fd } = file(own, Buffer.alloc(0))
  assert.strictEqual(await a.sendfile(fd), 0) // an empty file is no error
  fs.writeFileSync(name, 'twelve bytes')
  assert.strictEqual(await a.sendfile(fd, { offset: 12 }), 0)
  assert.strictEqual(await a.sendfile(fd, { offset: 100 }), 0)
  assert.strictEqual(await a.sendfile(fd, { offset: 7, length: 100 }), 5)
  a.close()
  assert.strictEqual(String((await everything(b)).data), 'bytes')
}

async function spliced(tools, own) {
  const [from, source] = unix(tools, own)
  const { name, fd } = file(own, Buffer.alloc(0))
  const moved = source.splice({ fd })
  const half = 8 << 20
  await from.sendAll(data.subarray(0, half))
  await tools.until(() => fs.fstatSync(fd).size === half)
  fs.ftruncateSync(fd, 100) // later data goes to its own offset, as with write(2)
  await from.sendAll(data.subarray(half, half + 1000))
  from.close()
  assert.strictEqual(await moved, half + 1000)
  const written = fs.readFileSync(name)
  assert.strictEqual(written.length, half + 1000)
  assert(written.subarray(0, 100).equals(data.subarray(0, 100)))
  assert(written.subarray(100, half).equals(Buffer.alloc(half - 100)))
  assert(written.subarray(half).equals(data.subarray(half, half + 1000)))
}

async function noLarger(tools, own) {
  const [from, source] = unix(tools, own)
  const { name, fd } = file(own, Buffer.alloc(0))
  const moved = failure(source.splice({ fd }))
  const sent = 3 << 20
  const sending = from.sendAll(data.subarray(0, sent))
  const error = await moved
  assert.deepStrictEqual([error.code, error.syscall, error.bytesSent], ['EFBIG', 'splice', MOST])
  assert(fs.readFileSync(name).equals(data.subarray(0, MOST)))
  const rest = everything(source)
  await sending
  from.close()
  assert((await rest).data.equals(data.subarray(MOST, sent))) // the data that did not fit is still in the socket
}

async function noRoom(tools, own) {
  const [from, source] = unix(tools, own)
  const fd = fs.openSync('/dev/full', fs.constants.O_WRONLY | fs.constants.O_NONBLOCK)
  own({ close: () => fs.closeSync(fd) })
  await from.send(Buffer.from('kept'))
  const error = await failure(source.splice({ fd }))
  assert.deepStrictEqual([error.syscall, error.bytesSent], ['splice', 0], error.stack)
  assert.match(error.code, /^(ENOSPC|EINVAL)$/) // EINVAL: the device does not support splice
  assert.strictEqual(String(await source.recv(10)), 'kept')
}

async function pipes(tools, own) {
  const { bsd } = tools
  const [from, source] = unix(tools, own)
  const [read, write] = bsd.Socket.pair()
  own(read)
  const fd = write.detach()
  const target = bsd.Socket.adopt(fd)
  fill(target)
  await from.send(Buffer.from('kept'))
  const moving = failure(source.splice({ fd }))
  await tools.turn()
  read.close() // closes the reading end of the pipe
  const error = await moving
  assert.deepStrictEqual([error.code, error.bytesSent], ['EPIPE', 0])
  target.close()
  assert.strictEqual(String(await source.recv(10)), 'kept')
}

module.exports = {
  'sendfile rejects with the bytes sent when the unsent part is cut off': shorter(sent => sent + 1000),
  'sendfile rejects with the bytes sent when the sent part is cut off as well': shorter(() => 1),
  'sendfile rejects with the bytes sent when the whole file is cut off': shorter(() => 0),
  'sendfile, also blocking, rejects with the bytes sent when its progress callback cuts the file': scene(inside),
  'sendfile sends the original length of a file that is cut and then extended': unharmed(
    (fd, sent) => {
      fs.ftruncateSync(fd, Math.max(0, sent - 1000))
      fs.ftruncateSync(fd, SIZE)
      fs.writeSync(fd, data, 0, SIZE, 0)
    },
  ),
  'sendfile stops at its original length when the file becomes longer': unharmed(fd => fs.writeSync(fd, data, 0, 1 << 20, SIZE)),
  'sendfile stops at the original end of a file that becomes longer': unharmed(fd => fs.writeSync(fd, data, 0, 1 << 20, SIZE), data, { length: SIZE * 2 }),
  'sendfile completes when the file is removed and its descriptor closed': unharmed((fd, sent, name) => fs.unlinkSync(name)),
  'sendfile completes when the file is written to': unharmed(
    fd => fs.writeSync(fd, Buffer.from('new'), 0, 3, SIZE - 3),
    Buffer.concat([data.subarray(0, SIZE - 3), Buffer.from('new')]),
  ),
  'sendfile from the end of a file and from an empty file': scene(gone),
  'splice to a file that is cut off writes to its own offset': scene(spliced),
  'splice to a file fails at RLIMIT_FSIZE and keeps the data': scene(noLarger, { limit: `-f ${MOST / 512}` }),
  'splice to a full device fails and keeps the data': scene(noRoom),
  'splice to a pipe fails with EPIPE when the reader closes': scene(pipes),
} // prettier-ignore
