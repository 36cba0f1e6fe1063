'use strict'

/*
 * Runs cases, one after the other, and sees to it that each leaves nothing: no slot, no job, no descriptor, no spin. Says
 * a line of JSON for each.
 *
 *   node run.js <file of cases> <name>...
 */
const { readdirSync } = require('node:fs')
const path = require('node:path')

const interposed = process.env.FAULTS_CONTROL !== ''
const faults = interposed ? require('./control.js') : { clear() {}, calls: () => 0 }
const [file, ...names] = process.argv.slice(2)
const cases = require(path.resolve(__dirname, 'cases', file))
/** More calls than any case has reason to make, unless it says so. */
const CALLS = 3000
/** Seconds of this process's own time, likewise: what waits costs nothing. */
const CPU = 1
/** Turns of the loop that what was closed may take to end: a zero-copy send, a job. */
const LINGER = 1000

const turn = () => new Promise(resolve => setImmediate(resolve))
const descriptors = () => readdirSync('/proc/self/fd').length

/** Waits for something that is sure to come. */
async function until(reached) {
  while (!reached()) await turn()
}

let bsd
const loaded = () => ({
  bsd: (bsd ??= require('../../dist/index.js')),
  sync: require('../../dist/sync.js'),
  native: require('../../dist/binding/binding.js').native,
})

/** Opens what stays open: the poller. */
async function warmUp() {
  const [a, b] = bsd.Socket.pair()
  const received = b.recv(1)
  a.trySend(Buffer.from('x'))
  await received
  for (const each of [a, b]) each.close()
}

/** What a case leaves behind. */
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
