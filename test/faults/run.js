'use strict'

/*
 * Runs cases one after the other, and checks that each leaves no slot, no job, no descriptor and no busy loop.
 * Prints a line of JSON for each.
 *
 *   node run.js <file of cases> <name>...
 */
const { readdirSync } = require('node:fs')
const path = require('node:path')

const interposed = process.env.FAULTS_CONTROL !== ''
const faults = interposed ? require('./control.js') : { clear() {}, calls: () => 0 }
const [file, ...names] = process.argv.slice(2)
const cases = require(path.resolve(__dirname, 'cases', file))
/** The most calls that a case may make, unless it declares its own limit. */
const CALLS = 3000
/** The most CPU seconds that a case may use, unless it declares its own limit. Waiting takes no CPU. */
const CPU = 1
/** The most turns of the event loop that closed resources may take to end, such as a zero-copy send or a job. */
const LINGER = 1000

const turn = () => new Promise(resolve => setImmediate(resolve))
const descriptors = () => readdirSync('/proc/self/fd').length

/** Waits for a condition that is certain to become true. */
async function until(reached) {
  while (!reached()) await turn()
}

let bsd
const loaded = () => ({
  bsd: (bsd ??= require('../../dist/index.js')),
  sync: require('../../dist/sync.js'),
  native: require('../../dist/binding/binding.js').native,
})

/** Opens the poller, which stays open, before the first count. */
async function warmUp() {
  const [a, b] = bsd.Socket.pair()
  const received = b.recv(1)
  a.trySend(Buffer.from('x'))
  await received
  for (const each of [a, b]) each.close()
}

/** Returns what a case leaks. */
async function runCase({ run, calls = CALLS, cpu = interposed ? CPU : Infinity, cold = false }) {
  const tools = { ...loaded(), faults, turn, until, descriptors }
  const { native } = tools
  if (!cold) await warmUp()
  faults.clear()
  const before = { fds: descriptors(), calls: faults.calls(), cpu: process.cpuUsage() }
  await run(tools)
  faults.clear()
  for (let i = 0; i < LINGER && native.stats().slots + native.stats().jobs > 0; i++) await turn()
  await turn()
  const { user, system } = process.cpuUsage(before.cpu)
  const { slots, jobs } = native.stats()
  const left = { slots, jobs, fds: descriptors() - before.fds - (cold ? 1 : 0) }
  const used = { calls: faults.calls() - before.calls, cpu: (user + system) / 1e6 }
  const spun = used.calls > calls || used.cpu > cpu
  return { ...left, ...(spun ? { spun: used } : {}) }
}

async function main() {
  for (const name of names) {
    const left = await runCase(cases[name]).catch(error => ({ failed: error.stack ?? String(error) }))
    console.log(JSON.stringify({ name, ...left }))
  }
}

void main()
