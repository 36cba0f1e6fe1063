'use strict'

const { readFileSync, writeSync } = require('node:fs')
const { isMainThread, Worker, workerData } = require('node:worker_threads')

/*
 * Watches the event loop from another thread. A call that does not return is also reported, with the system call of
 * the main thread. `watch` returns functions that name the current action and return the longest pause.
 */
const BEAT = 50 // milliseconds

/** @param hang milliseconds without a beat after which the process ends */
async function watch(hang) {
  const beats = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(__filename, { workerData: { beats, hang } })
  await new Promise(resolve => worker.once('online', resolve))
  worker.unref()
  let last = performance.now()
  let longest = 0
  const beat = () => {
    const now = performance.now()
    longest = Math.max(longest, now - last - BEAT)
    last = now
    Atomics.add(beats, 0, 1)
  }
  setInterval(beat, BEAT).unref()
  return {
    tell: text => worker.postMessage(text),
    longest() {
      beat()
      return Math.round(longest)
    },
  }
}

function look({ beats, hang }) {
  let where = ''
  let before = -1
  let since = Date.now()
  require('node:worker_threads').parentPort.on('message', text => (where = text))
  setInterval(() => {
    const beat = Atomics.load(beats, 0)
    if (beat !== before) {
      before = beat
      since = Date.now()
    } else if (Date.now() - since > hang) {
      const call = readFileSync(`/proc/self/task/${process.pid}/syscall`, 'utf8').trim()
      writeSync(1, `${where}: the event loop has stood still for ${hang} ms, in system call ${call}\n`)
      process.kill(process.pid, 'SIGKILL')
    }
  }, BEAT)
}

if (!isMainThread && workerData?.beats !== undefined) look(workerData)

module.exports = { watch }
