/**
 * The sockets that the kernel has and Node hides: see the README for a first look and docs/ for the rest.
 */
export { Socket } from './socket'
export { SocketError } from './errors'
export { createConnection } from './connect'
export { createServer } from './serve'
export { checksum, htonl, htons, inet_aton, inet_ntoa, inet_ntop, inet_pton, ntohl, ntohs } from './bytes'
export { if_indextoname, if_nameindex, if_nametoindex } from './interfaces'
export { getDefaultTimeout, setDefaultTimeout } from './internal/timeouts'
export type { Address, AddressLike } from './address'
export type { ConnectOptions, ConnectPathOptions } from './connect'
export type { ServerOptions } from './serve'
export type { FileLike } from './internal/base'
export type { SendfileOptions } from './internal/operations'
export type { Op } from './internal/validate'
export * from './constants'
