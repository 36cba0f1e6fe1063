'use strict'

/*
 * Helpers for the cases with real faults: sockets that are closed at the end, and checks of results.
 */
const assert = require('node:assert')
const { mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')

/** A case. Closes everything that was passed to `own` when it ends, in reverse order. */
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

/** Describes an error as text: its code, and the number of bytes if the error has one. */
function told(error) {
  const { code, bytesSent } = error
  return bytesSent === undefined ? code : `${code} after ${bytesSent}`
}

/** Returns the outcome of a promise: 'fulfilled', or its error as text of `told`. Handles the promise immediately. */
const outcome = promise => promise.then(() => 'fulfilled', told) // prettier-ignore

/** Returns the error with which a promise is rejected. */
const failure = promise =>
  promise.then(value => assert.fail(`fulfilled with ${String(value)}`), error => error) // prettier-ignore

/** Returns what a call throws, as text of `told`. */
function thrown(call) {
  try {
    call()
  } catch (error) {
    return told(error)
  }
  return 'returned'
}

/** Returns both ends of a TCP connection over loopback. */
async function tcp({ bsd }, own, Socket = bsd.Socket) {
  const listener = new bsd.Socket().bind(['127.0.0.1', 0]).listen()
  const a = own(new bsd.Socket())
  const [b] = await Promise.all([listener.accept(), a.connect(listener.getsockname())])
  listener.close()
  own(b)
  return Socket === bsd.Socket ? [a, b] : [a, b].map(each => own(Socket.adopt(each.detach())))
}

const unix = ({ bsd }, own) => bsd.Socket.pair().map(own)

/** Closes a TCP socket with a reset. */
function reset({ bsd }, socket) {
  socket.set(bsd.options.SO_LINGER, { on: true, seconds: 0 })
  socket.close()
}

/** Sends until the socket is full. Returns the bytes and the number of sends. */
function fill(socket, chunk = Buffer.alloc(8192, 'f')) {
  for (let [bytes, sends] = [0, 0]; ; sends++) {
    const sent = socket.trySend(chunk)
    if (sent === null) return { bytes, sends }
    bytes += sent
  }
}

/** Receives until EOF, or until a failure, which becomes `error`. */
async function everything(socket) {
  const parts = []
  try {
    for await (const part of socket.chunks()) parts.push(part)
  } catch (error) {
    return { data: Buffer.concat(parts), error: told(error) }
  }
  return { data: Buffer.concat(parts), error: null }
}

/** Returns bytes that identify their offset. */
function pattern(length) {
  const bytes = Buffer.allocUnsafe(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + (i >> 16)) & 0xff
  return bytes
}

/** Creates a folder that is removed at the end of the case. */
function folder(own) {
  const name = mkdtempSync(path.join(tmpdir(), 'bsd-sockets-faults-'))
  own({ close: () => rmSync(name, { recursive: true }) })
  return name
}

const wait = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))

/** Counts calls of setImmediate and setTimeout. libuv's count of loop turns includes wake-ups by V8's threads. */
let asked = 0
for (const name of ['setImmediate', 'setTimeout']) {
  const original = globalThis[name]
  globalThis[name] = Object.assign((...given) => (asked++, original(...given)), original)
}

/**
 * Watches a process that should be idle. Counts the system calls of the addon and the turns that the package
 * requests. A busy loop makes thousands of either in that time.
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
