'use strict'

/*
 * A worker of the soak test. Keeps `share` connections open as their client, and accepts connections that all
 * workers open. Reports each closed end to the main thread, in batches.
 */
const { readFileSync } = require('node:fs')
const { setTimeout: sleep } = require('node:timers/promises')
const { parentPort, workerData } = require('node:worker_threads')

const { Socket } = require('../../dist/index.js')
const { native } = require('../../dist/binding/binding.js')
const { End, kinds, plan } = require('./ends.js')
const { Random } = require('../fuzz/model/random.js')

const { number, seed, share, listeners, file, block, pauseMs } = workerData
const OPENING = 100
const PATIENCE_MS = 60_000

let stopping = false
let [clients, servers, opening, serial] = [0, 0, 0, 0]
const means = {
  block: readFileSync(block),
  file,
  pause: random => (stopping || pauseMs === 0 ? undefined : sleep(random.below(pauseMs))),
}
const random = new Random(Math.imul(seed, 31) + number)

let reports = []
const report = entry => reports.push(entry)
const flush = () => {
  if (reports.length > 0) parentPort.postMessage({ reports })
  reports = []
}
const flushing = setInterval(flush, 50)

function fail(error) {
  parentPort.postMessage({ failure: `worker ${number}: ${error.stack}` })
}

/** Receives a short message completely. Returns null if the other side closed first. */
async function receiveAll(socket, length) {
  let got = Buffer.alloc(0)
  try {
    while (got.length < length) {
      const part = await socket.recv(length - got.length)
      if (part.length === 0) return null
      got = Buffer.concat([got, part])
    }
    return got
  } catch (error) {
    if (error.code === 'ECONNRESET') return null
    throw error
  }
}

const integers = (...values) => Buffer.from(Uint32Array.from(values).buffer)
const known = (id, side, kind, { death, whole }) => ({
  id,
  side,
  worker: number,
  kind: kind.name,
  death,
  planned: whole,
})
const nothing = { sent: 0, most: 0, received: 0, whole: false, descriptors: { sent: 0, received: 0 } }

/** Opens a connection, sends its number, and receives the number of the end that accepted it. */
async function open() {
  const kind = random.pick(kinds)
  const me = serial++
  const planned = plan(seed, number, me)
  const socket = new Socket(kind.family, kind.type)
  let accepter = null
  try {
    await socket.connect(listeners[kind.name].address)
    await socket.sendAll(integers(number, me)).catch(error => {
      if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') throw error
    })
    accepter = await receiveAll(socket, 4)
  } finally {
    opening--
    if (accepter === null) socket.close()
    fill()
  }
  const entry = known(`${number}/${me}`, 'client', kind, planned)
  if (accepter === null) return report({ ...entry, ...nothing, peer: null })
  const lived = await new End(socket, kind, 'client', planned, means).live()
  report({ ...entry, ...lived, peer: accepter.readUInt32LE() })
}

async function serve(socket, kind) {
  const hello = await receiveAll(socket, 8)
  if (hello === null) {
    socket.close()
    return parentPort.postMessage({ nameless: 1 })
  }
  const [peer, serial] = [hello.readUInt32LE(0), hello.readUInt32LE(4)]
  const planned = plan(seed, peer, serial)
  const end = new End(socket, kind, 'server', planned, means)
  await end.allowing(() => socket.sendAll(integers(number)))
  report({ ...known(`${peer}/${serial}`, 'server', kind, planned), ...(await end.live()), peer })
}

function fill() {
  for (; !stopping && clients < share && opening < OPENING;) {
    clients++
    opening++
    open()
      .catch(fail)
      .finally(() => {
        clients--
        fill()
      })
  }
}

async function accept(listener, kind) {
  for await (const socket of listener.connections()) {
    servers++
    serve(socket, kind)
      .catch(fail)
      .finally(() => servers--)
  }
}

async function until(what, holds) {
  const deadline = performance.now() + PATIENCE_MS
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`after ${PATIENCE_MS} ms still ${what()}`)
    await sleep(20)
  }
}

const mine = kinds.map(kind => {
  const listener = Socket.dup(listeners[kind.name].fd)
  accept(listener, kind).catch(fail)
  return listener
})
fill()

const commands = {
  /** Opens no new connections, and waits for the end of the open ones. */
  async stop() {
    stopping = true
    await until(
      () => `${clients} clients`,
      () => clients === 0,
    )
    flush()
  },
  async close() {
    await until(
      () => `${servers} servers`,
      () => servers === 0,
    )
    for (const listener of mine) listener.close()
    flush()
    clearInterval(flushing)
    // The kernel releases the remaining zero-copy sends later.
    const left = () => native.stats().slots + native.stats().jobs
    await until(
      () => JSON.stringify(native.stats()),
      () => left() === 0,
    )
  },
  /** Exits after the main thread has received all reports: a message right before the exit could be lost. */
  end: () => parentPort.close(),
}

parentPort.on('message', command => {
  Promise.resolve(commands[command]()).then(
    () => command !== 'end' && parentPort.postMessage({ done: command }),
    fail,
  )
})
parentPort.postMessage({ done: 'start' })
