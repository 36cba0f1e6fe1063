// What servers and clients on the smallest addon share. They show what Node-API and libuv leave to any package. The
// sockets come from bsd-sockets, which then gives its descriptors away.
import { createRequire } from 'node:module'
import { types } from 'node:util'

const addon = createRequire(import.meta.url)('../build/smallest.node')

export const {
  recv,
  send,
  close,
  accept,
  recvMany,
  recvEach,
  sendMany,
  sendFile,
  cached,
  sendZeroCopy,
  completions,
} = addon

const EAGAIN = -11
const TURN = 64

/** Calls `listener(bytes)` for each arrival on a descriptor, which is then in `buffer`. */
export const onArrival = (fd, buffer, listener) => addon.watch(fd, buffer, listener)

/**
 * Calls `listener()` while a descriptor is readable, and again at once if it returns true. All ticks and microtasks run
 * after each call.
 */
export const onReadable = (fd, listener) => addon.watch(fd, null, listener)

const COPIED = 96 // up to this number of bytes a loop is faster than `set`
const { isUint8Array } = types
/** For each descriptor, whether a receive waits. Without one, C receives nothing: the bytes would have no owner. */
const waits = new Int32Array(1024)

/**
 * Returns the inbox of a descriptor, a listener for arrivals in it, and a function that receives into a Buffer: its promise
 * has the number of bytes. It does what an awaited receive must do, and nothing else: C receives only while one
 * waits, the caller's memory is used only then, and must be bytes. One at a time.
 */
function awaited(fd, size) {
  const inbox = Buffer.allocUnsafeSlow(size)
  let into
  let settle
  const executor = resolve => (settle = resolve)
  const tell = bytes => {
    waits[fd] = 0
    if (bytes > COPIED) into.set(inbox.subarray(0, bytes))
    else for (let i = 0; i < bytes; i++) into[i] = inbox[i]
    settle(bytes)
  }
  const receive = buffer => {
    if (!isUint8Array(buffer) || buffer.length < size) throw new TypeError('buffer')
    into = buffer
    waits[fd] = 1
    return new Promise(executor)
  }
  return { inbox, tell, receive }
}

/** Returns a function that receives into a Buffer of `size` bytes: its promise has the number of bytes. */
export function arrivals(fd, size = 4096) {
  const { inbox, tell, receive } = awaited(fd, size)
  addon.watch(fd, inbox, tell, 0, waits)
  return receive
}

/**
 * Gathers sockets behind one epoll: the arrivals of all of them in a turn of the event loop are received in C, and told
 * by one callback. Returns a function that does for one more socket the same as `onArrival`. With `waits`, only those of
 * descriptors that have a 1 there.
 */
export function gatheringCalls(waits) {
  const told = new Int32Array(2 * 64)
  const listeners = []
  const epoll = addon.epoll()
  addon.watch(
    epoll,
    told,
    count => {
      for (let i = 0; i < count; i++) listeners[told[2 * i]](told[2 * i + 1])
    },
    2,
    waits,
  )
  return (fd, buffer, listener) => {
    listeners[addon.join(fd, buffer, epoll)] = listener
  }
}

/** Gathers sockets behind one epoll. Of a descriptor the result makes the same as `arrivals`. */
export function gathering() {
  const join = gatheringCalls(waits)
  return (fd, size = 4096) => {
    const { inbox, tell, receive } = awaited(fd, size)
    join(fd, inbox, tell)
    return receive
  }
}

/**
 * Returns a function that makes one attempt and returns its result, or a promise of the result after the descriptor is
 * ready. `writable` is 1 for sends. After 64 calls, or calls whose results `cost` 64, the next one waits without an attempt, so that
 * the event loop gets its turn. The poll handle stays started, so a caller that does not wait would keep the loop busy.
 */
export function attempts(fd, writable, attempt, cost = () => 1) {
  let settle = null
  let left = TURN
  const executor = resolve => (settle = resolve)
  const wait = () => {
    left = TURN
    return new Promise(executor)
  }
  const ready = () => {
    if (settle === null) return
    const result = attempt()
    if (result === EAGAIN) return
    left -= cost(result)
    const resolve = settle
    settle = null
    resolve(result)
  }
  addon.watch(fd, null, ready, writable)
  return () => {
    if (left <= 0) return wait()
    const result = attempt()
    left -= cost(result)
    return result === EAGAIN ? wait() : result
  }
}
