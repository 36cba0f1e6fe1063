// What servers and clients on the smallest addon share. They show what Node-API and libuv leave to any package. The
// sockets come from bsd-sockets, which then gives its descriptors away.
import { createRequire } from 'node:module'

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
  sendZeroCopy,
  completions,
} = addon

const EAGAIN = -11
const TURN = 64

/** Calls `listener(bytes)` for each arrival on a descriptor, which is then in `buffer`. */
export const onArrival = (fd, buffer, listener) => addon.watch(fd, buffer, listener)

/** Returns a listener for arrivals, and a function whose promise has the number of bytes of the next arrival. */
function awaited() {
  let arrived
  let early = null
  const executor = resolve => (arrived = resolve)
  const tell = bytes => {
    if (arrived === undefined) early = bytes
    else arrived(bytes)
    arrived = undefined
  }
  const next = () => {
    if (early === null) return new Promise(executor)
    const bytes = early
    early = null
    return Promise.resolve(bytes)
  }
  return { tell, next }
}

/** Returns a function whose promise has the number of bytes of the next arrival. */
export function arrivals(fd, buffer) {
  const { tell, next } = awaited()
  onArrival(fd, buffer, tell)
  return next
}

/**
 * Gathers sockets behind one epoll: the arrivals of all of them in a turn of the event loop are received in C, and told
 * by one callback. Returns a function that does for one more socket the same as `onArrival`.
 */
export function gatheringCalls() {
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
  )
  return (fd, buffer, listener) => {
    listeners[addon.join(fd, buffer, epoll)] = listener
  }
}

/** Gathers sockets behind one epoll. Of a descriptor and a buffer the result makes the same as `arrivals`. */
export function gathering() {
  const join = gatheringCalls()
  return (fd, buffer) => {
    const { tell, next } = awaited()
    join(fd, buffer, tell)
    return next
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
