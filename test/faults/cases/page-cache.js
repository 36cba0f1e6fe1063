'use strict'

/*
 * Before a part of a file is sent, the kernel is asked whether the part is in the page cache. The answer counts for a
 * quarter of a millisecond, for this range of this file alone.
 */
const assert = require('node:assert')
const fs = require('node:fs')
const { scene, tcp, pattern, folder } = require('../scene.js')

const SIZE = 64 << 10
const data = pattern(SIZE)
/** Milliseconds. The clock goes back so far before each send, so that a slow machine changes nothing. */
const BACK = 1000
let elapsed = 0

function warm(own, name) {
  fs.writeFileSync(name, data)
  const fd = fs.openSync(name, 'r')
  own({ close: () => fs.closeSync(fd) })
  return fd
}

/** Returns a function that sends a range of a file, and resolves with how often the kernel was asked. */
async function sender(tools, own) {
  const [a, b] = await tcp(tools, own)
  elapsed += 100 * BACK // later than every answer so far
  own({ close: () => tools.faults.jump('monotonic', 0) })
  return async (fd, { offset = 0, length = SIZE, later = false } = {}) => {
    elapsed += later ? BACK / 2 : -BACK
    tools.faults.jump('monotonic', elapsed)
    tools.faults.fail({ call: 'cachestat' })
    assert.strictEqual(await a.sendfile(fd, { offset, length }), length)
    assert(b.tryRecv(length, tools.bsd.MSG_WAITALL).equals(data.subarray(offset, offset + length)))
    return tools.faults.made('cachestat')
  }
}

async function range(tools, own) {
  const fd = warm(own, `${folder(own)}/file`)
  const asked = await sender(tools, own)
  assert.strictEqual(await asked(fd, { offset: 4096, length: 8192 }), 1)
  assert.strictEqual(await asked(fd, { offset: 4096, length: 8192 }), 0)
  assert.strictEqual(await asked(fd, { offset: 8192, length: 4096 }), 0)
  assert.strictEqual(await asked(fd, { offset: 8192, length: 4097 }), 1, 'a byte behind the range')
  assert.strictEqual(await asked(fd, { offset: 4096, length: 4096 }), 1, 'before the range')
}

async function time(tools, own) {
  const fd = warm(own, `${folder(own)}/file`)
  const asked = await sender(tools, own)
  assert.strictEqual(await asked(fd), 1)
  assert.strictEqual(await asked(fd, { later: true }), 1)
  assert.strictEqual(await asked(fd), 0)
}

async function otherFile(tools, own) {
  const asked = await sender(tools, own)
  const at = folder(own)
  const first = warm(own, `${at}/first`)
  const second = warm(own, `${at}/second`)
  assert.strictEqual(await asked(first), 1)
  assert.strictEqual(await asked(second), 1)
  assert.strictEqual(await asked(second), 0)
  // A link is the same file.
  fs.linkSync(`${at}/second`, `${at}/link`)
  const link = fs.openSync(`${at}/link`)
  own({ close: () => fs.closeSync(link) })
  assert.strictEqual(await asked(link), 0)
}

/** The same number, another file: with the name of the first one, or with another. */
async function reused(tools, own) {
  const asked = await sender(tools, own)
  const at = folder(own)
  fs.writeFileSync(`${at}/first`, data)
  fs.writeFileSync(`${at}/second`, data)
  const first = fs.openSync(`${at}/first`)
  assert.strictEqual(await asked(first), 1)
  fs.closeSync(first)
  fs.renameSync(`${at}/second`, `${at}/first`)
  const second = fs.openSync(`${at}/first`)
  assert.strictEqual(second, first)
  assert.strictEqual(await asked(second), 1)
  fs.closeSync(second)
}

async function refused(tools, own) {
  const fd = warm(own, `${folder(own)}/file`)
  const asked = await sender(tools, own)
  const [a] = await tcp(tools, own)
  tools.faults.fail({ call: 'cachestat', error: 'EPERM' }, { call: 'preadv2', error: 'EOPNOTSUPP' })
  assert.strictEqual(a.trySendfile(fd), SIZE) // trySendfile may read if the kernel does not tell
  assert.strictEqual(await asked(fd), 1)
}

module.exports = {
  'the answer counts for the range and each part of it': scene(range),
  'the answer counts for a quarter of a millisecond': scene(time),
  'the answer counts for one file, by any name': scene(otherFile),
  'the answer does not count for another file with the same descriptor': scene(reused),
  'an answer that the kernel refuses does not count': scene(refused),
}
