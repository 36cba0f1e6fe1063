'use strict'

/*
 * Runs one case with the interposer, and sees to it that nothing is left: no slot, no job, no descriptor, no spin.
 *
 *   node run.js <file of cases> <name>
 */
const { readdirSync } = require('node:fs')
const path = require('node:path')

const faults = require('./control.js')
const cases = require(path.resolve(__dirname, 'cases', process.argv[2]))
const found = cases[process.argv[3]]
/** More calls than any case has reason to make, unless it says so. */
const CALLS = 3000
/** Seconds of this process's own time, likewise: what waits costs nothing. */
const CPU = 1

const turn = () => new Promise(resolve => setImmediate(resolve))
const descriptors = () => readdirSync('/proc/self/fd').length

/** Waits for something that is sure to come. */
async function until(reached) {
  while (!reached()) await turn()
}

async function main() {
  const { run, calls = CALLS, cpu = CPU, cold = false } = typeof found === 'function' ? { run: found } : found
  const bsd = require('../../dist/index.js')
  const sync = require('../../dist/sync.js')
  const { native } = require('../../dist/internal/environment.js')
  if (!cold) {
    const [a, b] = bsd.Socket.pair() // opens what stays open: the poller
    const received = b.recv(1)
    a.trySend(Buffer.from('x'))
    await received
    for (const each of [a, b]) each.close()
  }
  faults.clear()
  const before = { fds: descriptors(), calls: faults.calls(), cpu: process.cpuUsage() }
  const tools = { bsd, sync, native, faults, turn, until, descriptors }
  await run(tools)
  faults.clear()
  await turn()
  const { user, system } = process.cpuUsage(before.cpu)
  const { slots, jobs } = native.stats()
  const left = { slots, jobs, fds: descriptors() - before.fds - (cold ? 2 : 0) }
  const used = { calls: faults.calls() - before.calls, cpu: (user + system) / 1e6 }
  const spun = used.calls > calls || used.cpu > cpu
  console.log(JSON.stringify({ ...left, ...(spun ? { spun: used } : {}) }))
}

main().catch(error => {
  console.log(error)
  process.exitCode = 1
})
