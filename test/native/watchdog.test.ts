import { readFileSync } from 'node:fs'
import { prelude, ensureDist, run } from '../helpers/child'
import { missing, testIf } from '../helpers/need'

/*
 * The watchdog interrupts a call that does not end, and then the thread sets O_NONBLOCK before each call for a second. A
 * thread that only waits for a processor is not blocked.
 */
const needs = missing.linux() ?? missing.program('taskset', '-V')

// Two other threads compete for the only processor, so that calls of the main thread are preempted for many milliseconds.
const script = `
const { readFileSync, openSync, writeFileSync, rmSync, mkdtempSync } = require('node:fs')
const { Worker } = require('node:worker_threads')
const raw = require('./dist/raw')
const directory = mkdtempSync(require('node:os').tmpdir() + '/bsd-watchdog-')
writeFileSync(directory + '/file', Buffer.alloc(64 * 1024))
const file = openSync(directory + '/file', 'r')
rmSync(directory, { recursive: true })
const [out, into] = Socket.pair()
const spin = new Int32Array(new SharedArrayBuffer(4))
const busy = 'const [spin] = [require("node:worker_threads").workerData]; while (Atomics.load(spin, 0) === 0);'
const workers = [1, 2].map(() => new Worker(busy, { eval: true, workerData: spin }))
const preempted = () => Number(/nonvoluntary_ctxt_switches:\\t(\\d+)/.exec(readFileSync('/proc/thread-self/status', 'latin1'))[1])
const isBlocking = () => (raw.fcntl(out.fd, c.F_GETFL) & c.O_NONBLOCK) === 0
const room = Buffer.alloc(64 * 1024)
setTimeout(() => {
  raw.fcntl(out.fd, c.F_SETFL, raw.fcntl(out.fd, c.F_GETFL) & ~c.O_NONBLOCK)
  assert(isBlocking())
  for (const end = preempted() + 100; preempted() < end;)
    for (let i = 0; i < 100; i++) {
      const sent = out.trySendfile(file, { length: 16 * 1024 }) // null after an interruption
      if (sent !== null) into.tryRecvInto(room)
    }
  console.log(isBlocking() ? 'not interrupted' : 'interrupted')
  Atomics.store(spin, 0, 1)
  out.close()
  into.close()
}, 10)
`

testIf(
  needs,
  'a call whose thread waits for a processor is not interrupted',
  async () => {
    ensureDist()
    const [, core = '0'] = /Cpus_allowed_list:\t(\d+)/.exec(readFileSync('/proc/self/status', 'latin1')) ?? []
    const ended = await run('taskset', ['-c', core, process.execPath, '-e', prelude + script], {
      timeout: 20_000,
    })
    expect(ended).toEqual({ code: 0, signal: null, stdout: 'not interrupted\n', stderr: '' })
  },
  30_000,
)
