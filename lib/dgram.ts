/**
 * The interface of node:dgram on the sockets of this package: for code that was written for node:dgram.
 */
import { AF_INET, AF_INET6, AF_UNIX, SOCK_DGRAM } from './constants'
import {
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_RCVBUF,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_SNDBUF,
  SOL_SOCKET,
} from './constants'
import { invalidType } from './errors'
import { checkOptionValues, type OptionValues } from './net/option-values'
import { checkCreationOptions } from './reactor/namespace'
import { ownFields } from './runtime/fields'
import { Socket as KernelSocket } from './socket'
import type { BaseSocket } from './socket/base'
import { badType } from './socket/dgram/errors'
import type { MessageListener } from './socket/dgram/ends'
import type { AddressList, LookupFunction } from './socket/dgram/base'
import { DgramSocket } from './socket/dgram/socket'
import { checkSignal } from './validators'

/** This module, for `import dgram from 'bsd-sockets/dgram'`. */
export * as default from './dgram'
export { DgramSocket as Socket } from './socket/dgram/socket'
export type { AddressList, LookupFamily, LookupFunction } from './socket/dgram/base'
export type { DgramOptions } from './socket/dgram'
export type { BindOptions } from './socket/dgram/bind'
export type { Payload, SendCallback } from './socket/dgram/arguments'
export type { AddressInfo, MessageListener, RemoteInfo } from './socket/dgram/ends'

/** The types of `createSocket`. `'unix'` is AF_UNIX, which node:dgram does not have. */
export type SocketKind = 'udp4' | 'udp6' | 'unix'
/** Another name of `SocketKind`, the one of node:dgram. */
export type SocketType = SocketKind

/** The options of `createSocket`. Unknown options have no effect, as in node:dgram. */
export interface SocketOptions<T extends readonly unknown[] = readonly unknown[]> {
  type: SocketKind
  /** Sets SO_REUSEADDR (on macOS SO_REUSEPORT, as node:dgram does). */
  reuseAddr?: boolean | undefined
  /** Sets SO_REUSEPORT: several sockets share the port, and on Linux the kernel distributes datagrams over them. */
  reusePort?: boolean | undefined
  /** Sets IPV6_V6ONLY: a `'udp6'` socket does not receive IPv4. */
  ipv6Only?: boolean | undefined
  /** Sets SO_RCVBUF, in bytes. */
  recvBufferSize?: number | undefined
  /** Sets SO_SNDBUF, in bytes. */
  sendBufferSize?: number | undefined
  /** Looks up host names, instead of dns.lookup. */
  lookup?: LookupFunction | undefined
  /** Closes the socket when it fires. */
  signal?: AbortSignal | undefined
  /** Addresses that `send` and `connect` refuse with `ERR_IP_BLOCKED`. */
  sendBlockList?: AddressList | undefined
  /** Addresses whose datagrams are dropped. */
  receiveBlockList?: AddressList | undefined
  /** The network namespace to create the socket in: see `new Socket`. node:dgram does not have it. Linux. */
  netns?: number | string | undefined
  /**
   * Options to set before bind: `[[options.SO_BINDTODEVICE, 'eth0']]`. They are set last, so they win over all others.
   * node:dgram does not have this option.
   */
  options?: OptionValues<T> | undefined
}

const families = new Map<unknown, number>([
  ['udp4', AF_INET],
  ['udp6', AF_INET6],
  ['unix', AF_UNIX],
])
const versions = { udp4: 4, udp6: 6, unix: 0 } as const

/**
 * Creates a datagram socket with the interface of node:dgram. `listener` is added for `'message'`.
 *
 * The kernel's socket is created when it is needed first. Throws `ERR_SOCKET_BAD_TYPE` for another type.
 */
export function createSocket<const T extends readonly unknown[] = []>(
  type: SocketKind | SocketOptions<T>,
  listener?: MessageListener,
): DgramSocket {
  const options = ownFields(typeof type === 'object' && type !== null ? type : { type }) as SocketOptions
  const family = families.get(options.type)
  if (family === undefined) throw badType()
  const { lookup, netns } = options
  const creation = netns === undefined ? {} : { netns }
  checkCreationOptions(creation)
  if (lookup !== undefined && typeof lookup !== 'function') throw invalidType('lookup', 'function', lookup)
  const socket = new DgramSocket({
    type: options.type,
    version: versions[options.type],
    open: () => new KernelSocket(family, SOCK_DGRAM, 0, creation),
    adopt: fd => KernelSocket.adopt(fd),
    prepare: preparation(family, options),
    lookup,
    signal: checkSignal('options.signal', options.signal),
    sendBlockList: checkList('sendBlockList', options.sendBlockList),
    receiveBlockList: checkList('receiveBlockList', options.receiveBlockList),
  })
  if (typeof listener === 'function') socket.on('message', listener)
  return socket
}

/** Checks the options that are set on the socket, and returns a function that sets them. */
function preparation(family: number, options: SocketOptions): (socket: BaseSocket) => void {
  const { reuseAddr, reusePort, ipv6Only, recvBufferSize, sendBufferSize } = options
  for (const [name, size] of Object.entries({ recvBufferSize, sendBufferSize })) {
    if (size !== undefined && typeof size !== 'number') throw invalidType(`options.${name}`, 'number', size)
  }
  const configure = checkOptionValues('options.options', options.options)
  // uncovered: the other branch is for another system
  const shared = process.platform === 'darwin' ? SO_REUSEPORT : SO_REUSEADDR
  return socket => {
    if (reuseAddr) socket.setsockopt(SOL_SOCKET, shared, 1)
    if (reusePort) socket.setsockopt(SOL_SOCKET, SO_REUSEPORT, 1)
    if (ipv6Only && family === AF_INET6) socket.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1)
    if (recvBufferSize) socket.setsockopt(SOL_SOCKET, SO_RCVBUF, recvBufferSize)
    if (sendBufferSize) socket.setsockopt(SOL_SOCKET, SO_SNDBUF, sendBufferSize)
    configure(socket)
  }
}

function checkList(name: string, list: AddressList | undefined): AddressList | undefined {
  if (list === undefined || typeof list?.check === 'function') return list
  throw invalidType(`options.${name}`, 'net.BlockList', list)
}
