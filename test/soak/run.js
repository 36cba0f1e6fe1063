'use strict'

/*
 * Opens thousands of connections that exchange data with hashes and are closed in every way, across worker threads
 * that are terminated now and then. Every byte is accounted for, and the numbers of descriptors and the memory stay
 * constant.
 *
 *   node --expose-gc test/soak/run.js --seed 1 --minutes 10 [--seconds 5] [--workers 4] [--connections 10000]
 *
 * The same seed makes the same connections with the same plans. The kernel decides which of them meet when.
 */
const assert = require('node:assert')
const { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')
const { parseArgs } = require('node:util')

const { Socket } = require('../../dist/index.js')
const { makeBlock } = require('./content.js')
const { kinds } = require('./ends.js')
const { Ledger } = require('./ledger.js')
const { Member, firstWorker } = require('./member.js')
const { Random } = require('../fuzz/model/random.js')
const { growth, kindsOfDescriptors, sample } = require('./samples.js')

const { values: given } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() & 0xffffff) },
    minutes: { type: 'string', default: '0' },
    seconds: { type: 'string', default: '0' },
    workers: { type: 'string', default: '4' },
    connections: { type: 'string', default: '10000' },
  },
})
const seed = Number(given.seed)
const seconds = Number(given.minutes) * 60 + Number(given.seconds) || 60
const ledger = new Ledger()

function fail(error) {
  console.log(error)
  console.log(`seed ${seed}`)
  process.exit(1)
}

/** Two descriptors per connection, and some for passed or lingering descriptors. Node raises the limit by itself. */
function possible(wanted) {
  const limit = Number(/Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))[1])
  return Math.min(wanted, (limit - 1000) >> 1)
}

/** Creates one listening socket of each kind, on which all workers accept. */
function listen(folder) {
  return kinds.map(({ name, family, type }) => {
    const socket = new Socket(family, type)
    socket.bind(name === 'tcp' ? ['127.0.0.1', 0] : path.join(folder, name)).listen(4096)
    return {
      name,
      socket,
      address: name === 'tcp' ? ['127.0.0.1', socket.getsockname().port] : path.join(folder, name),
    }
  })
}

/** Runs the workers, takes samples, and replaces a worker now and then. */
async function run(members, start) {
  const random = new Random(seed)
  const samples = []
  const began = performance.now()
  const passed = () => (performance.now() - began) / 1000
  const every = Math.min(30, Math.max(1.5, seconds / 5))
  for (let terminations = 1; passed() < seconds;) {
    await sleep(Math.min(1000, seconds * 10))
    samples.push(sample())
    if (passed() < every * terminations) continue
    terminations++
    const place = random.below(members.length)
    await members[place].terminate()
    members[place] = start()
  }
  return samples
}

async function soak(folder, share) {
  const block = path.join(folder, 'block')
  writeFileSync(block, makeBlock(seed))
  const file = openSync(block)
  const listening = listen(folder)
  const listeners = Object.fromEntries(
    listening.map(({ name, socket, address }) => [name, { fd: socket.fd, address }]),
  )
  const pauseMs = Math.min(8000, seconds * 40)
  let numbers = 0
  const start = () => new Member(numbers++, { seed, share, listeners, file, block, pauseMs }, ledger, fail)

  const members = Array.from({ length: Number(given.workers) }, start)
  const samples = await run(members, start)
  for (const command of ['stop', 'close']) await Promise.all(members.map(member => member.tell(command)))
  await Promise.all(members.map(member => member.end()))
  for (const { socket } of listening) socket.close()
  closeSync(file)
  return samples
}

async function main() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bsd-sockets-soak-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  await firstWorker()
  const before = kindsOfDescriptors()
  const open = possible(Number(given.connections))
  const samples = await soak(folder, Math.floor(open / Number(given.workers)))
  assert.deepStrictEqual(kindsOfDescriptors(), before)
  const accounts = ledger.close()
  const grown = growth(samples)
  console.log('ok: nothing lost, nothing left') // an error would have ended the process before
  console.log(JSON.stringify({ seed, seconds, open, terminated: ledger.gone.size, ...accounts, ...grown }))
  // The warm-up takes half a minute.
  const { warm, last } = grown.rssMiB
  if (seconds >= 300) assert.ok(last < warm * 1.1 + 32, `the memory has grown from ${warm} to ${last} MiB`)
}

main().catch(fail)
