'use strict'

/* The length of getsockopt(2) is in memory that another thread changes between the check and the call. */
const { Worker } = require('node:worker_threads')
const { bsd, raw } = require('./pair.cjs')

const shared = new Int32Array(new SharedArrayBuffer(8))
const text = `
  const { workerData: shared } = require('node:worker_threads')
  while (Atomics.load(shared, 1) === 0) { shared[0] = 8; shared[0] = 4096 }`
new Worker(text, { eval: true, workerData: shared }).on('online', () => {
  const fds = new Int32Array(2)
  raw.socketpair(bsd.AF_UNIX, bsd.SOCK_STREAM, 0, fds)
  const value = new Uint8Array(new ArrayBuffer(8))
  const end = Date.now() + 5000
  let calls = 0
  while (Date.now() < end) {
    try {
      raw.getsockopt(fds[0], bsd.SOL_SOCKET, bsd.SO_PEERCRED, value, shared)
    } catch {
      // the check read the larger number
    }
    calls++
  }
  Atomics.store(shared, 1, 1)
  console.log('calls:', calls > 0)
})
