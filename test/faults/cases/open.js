'use strict'

/*
 * Memory runs out while the addon is opened. The first allocation of the addon fails, then the second, and so on.
 * Either require() throws the error, or the package works.
 */
const assert = require('node:assert')
const path = require('node:path')
const { Worker } = require('node:worker_threads')
const { scene } = require('../scene.js')

const root = path.resolve(__dirname, '../../..')

/** Loads the package again with its own environment, as a test runner does for fresh modules. */
function load() {
  for (const name of Object.keys(require.cache)) {
    if (name.startsWith(`${root}/dist/`) || name.endsWith('.node')) delete require.cache[name]
  }
  return require(`${root}/dist/index.js`)
}

function works({ Socket }) {
  const [a, b] = Socket.pair()
  a.trySend(Buffer.from('works'))
  assert.strictEqual(String(b.tryRecv(10)), 'works')
  for (const each of [a, b]) each.close()
}

function sweep({ faults }) {
  let failures = 0
  for (let k = 0, hit = true; hit; k++) {
    faults.fail({ call: 'alloc', error: 'ENOMEM', skip: k, times: 1 })
    let error = null
    try {
      works(load())
    } catch (reason) {
      error = reason
    }
    hit = faults.injected('alloc') > 0
    faults.clear()
    if (error !== null) {
      assert(hit && error.code === 'ENOMEM', error.stack)
      failures++
    }
    works(load())
  }
  assert(failures > 1, `${failures} failures`)
}

/** Ends an environment that was only half open. */
async function inWorkers({ faults }) {
  for (let k = 0, hit = true; hit; k++) {
    faults.fail({ call: 'alloc', error: 'ENOMEM', skip: k, times: 1 })
    const script = `require('node:worker_threads').parentPort.postMessage(typeof require(${JSON.stringify(root)}).Socket)`
    const worker = new Worker(script, { eval: true })
    const said = []
    worker.on('message', message => said.push(message)).on('error', error => said.push(error.code))
    await new Promise(resolve => worker.on('exit', resolve))
    hit = faults.injected('alloc') > 0
    faults.clear()
    assert(said.length === 1 && ['function', ...(hit ? ['ENOMEM'] : [])].includes(said[0]), String(said))
  }
}

module.exports = {
  'opening the addon without memory throws, or the addon works': scene(sweep, {
    calls: Infinity,
    cpu: Infinity,
    alone: true,
  }),
  'opening the addon in workers without memory throws, or the addon works': scene(inWorkers, {
    calls: Infinity,
    cpu: Infinity,
    alone: true,
  }),
}
