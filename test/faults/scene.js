'use strict'

/*
 * What the cases with real faults are made of: sockets that are closed at the end, and looks at what came of them.
 */
const assert = require('node:assert')
const { mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')

/** A case: whatever `own` was given is closed when it ends, the last thing first. */
function scene(run, options = {}) {
  const body = async tools => {
    const opened = []
    const own = thing => (opened.push(thing), thing)
    try {
      await run(tools, own)
    } finally {
      for (const thing of opened.reverse()) await thing.close()
    }
  }
  return { ...options, run: body }
}

/** An error in the words of a comparison: its code, and how far it got if it says so. */
function told(error) {
  const { code, bytesSent } = error
  return bytesSent === undefined ? code : `${code} after ${bytesSent}`
}

/** What becomes of a promise: 'fulfilled', or its error as `told` has it. Begins to look at once. */
const outcome = promise => promise.then(() => 'fulfilled', told) // prettier-ignore

/** What a promise is rejected with. */
const failure = promise =>
  promise.then(value => assert.fail(`fulfilled with ${String(value)}`), error => error) // prettier-ignore

/** What a call throws, as `told` has it. */
function thrown(call) {
  try {
    call()
  } catch (error) {
    return told(error)
  }
  return 'returned'
}

/** Two ends of a TCP connection over loopback. */
async function tcp({ bsd }, own, Socket = bsd.Socket) {
  const listener = new bsd.Socket().bind(['127.0.0.1', 0]).listen()
  const a = own(new bsd.Socket())
  const [b] = await Promise.all([listener.accept(), a.connect(listener.getsockname())])
  listener.close()
  own(b)
  return Socket === bsd.Socket ? [a, b] : [a, b].map(each => own(Socket.adopt(each.detach())))
}

const unix = ({ bsd }, own) => bsd.Socket.pair().map(own)

/** Closes a TCP socket with a reset instead of an end. */
function reset({ bsd }, socket) {
  socket.set(bsd.options.SO_LINGER, { on: true, seconds: 0 })
  socket.close()
}

/** Sends until nothing more fits: how many bytes, and in how many sends. */
function fill(socket, chunk = Buffer.alloc(8192, 'f')) {
  for (let [bytes, sends] = [0, 0]; ; sends++) {
    const sent = socket.trySend(chunk)
    if (sent === null) return { bytes, sends }
    bytes += sent
  }
}

/** Everything up to the end of the stream, or to its failure, which then is `error`. */
async function everything(socket) {
  const parts = []
  try {
    for await (const part of socket.chunks()) parts.push(part)
  } catch (error) {
    return { data: Buffer.concat(parts), error: told(error) }
  }
  return { data: Buffer.concat(parts), error: null }
}

/** Bytes that are different at every place. */
function pattern(length) {
  const bytes = Buffer.allocUnsafe(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + (i >> 16)) & 0xff
  return bytes
}

/** A folder that goes with the scene. */
function folder(own) {
  const name = mkdtempSync(path.join(tmpdir(), 'bsd-sockets-faults-'))
  own({ close: () => rmSync(name, { recursive: true }) })
  return name
}

const wait = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))

/** How often somebody has asked for another turn of the loop. Its own count says less: V8's threads wake it as well. */
let asked = 0
for (const name of ['setImmediate', 'setTimeout']) {
  const original = globalThis[name]
  globalThis[name] = Object.assign((...given) => (asked++, original(...given)), original)
}

/**
 * Looks for a while at what ought to be idle: how often the addon calls the system is counted, and how often the package
 * asks for a turn. Whatever spins makes thousands of either in that time.
 */
async function calm({ faults }, most = 60, milliseconds = 100) {
  const before = { calls: faults.calls(), asked }
  await wait(milliseconds)
  const made = { calls: faults.calls() - before.calls, asked: asked - before.asked }
  assert(made.calls <= most && made.asked <= most, `it spins: ${JSON.stringify(made)}`)
}

module.exports = {
  scene, told, outcome, failure, thrown, tcp, unix, reset, fill, everything, pattern, folder, wait, calm,
} // prettier-ignore
