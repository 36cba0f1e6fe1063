// An echo server and a client on the smallest addon, which show what Node-API and libuv leave to any package. The
// sockets come from bsd-sockets, which then gives its descriptors away.
import { createRequire } from 'node:module'

const addon = createRequire(import.meta.url)('../build/smallest.node')

export const { recv, send } = addon

/** Calls `listener(bytes)` for each arrival on a descriptor, which is then in `buffer`. */
export const onArrival = (fd, buffer, listener) => addon.watch(fd, buffer, listener)

/** Returns a function whose promise has the number of bytes of the next arrival. */
export function arrivals(fd, buffer) {
  let arrived
  let early = null
  onArrival(fd, buffer, bytes => {
    if (arrived === undefined) early = bytes
    else arrived(bytes)
    arrived = undefined
  })
  const executor = resolve => (arrived = resolve)
  return () => {
    if (early === null) return new Promise(executor)
    const bytes = early
    early = null
    return Promise.resolve(bytes)
  }
}
