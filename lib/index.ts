/**
 * The sockets that the kernel has and Node hides: see the README for a first look and docs/ for the rest.
 */
export { Socket } from './socket'
export { SocketError } from './errors'
export { getDefaultTimeout, setDefaultTimeout } from './internal/timeouts'
export type { Address, AddressLike } from './address'
export type { FileLike } from './internal/base'
export type { SendfileOptions } from './internal/operations'
export type { Op } from './internal/validate'
export * from './constants'
