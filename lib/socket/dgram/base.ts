import type { LookupOneOptions } from 'node:dns'
import { EventEmitter } from 'node:events'
import type { Address } from '../../address'
import { native } from '../../binding/binding'
import { SO_RCVBUF, SO_SNDBUF, SOL_SOCKET } from '../../constants'
import { EBADF, EINVAL } from '../../errors/errno'
import { nextTick } from '../../runtime/clock'
import { inContext } from '../../runtime/context'
import { append } from '../../runtime/list'
import { uncaught } from '../../runtime/uncaught'
import type { BaseSocket } from '../base'
import { changeMembership } from '../multicast'
import { checkStrings } from './arguments'
import { type AddressInfo, endOf } from './ends'
import * as errors from './errors'
import * as settings from './settings'

/**
 * The version of IP that a lookup is called with: the number 4 or 6, as in node:dgram. The types of Node declare an
 * object with options there. The type is both, so that functions for either are accepted.
 */
export type LookupFamily = (4 | 6) & LookupOneOptions

/** Looks up a host name, like dns.lookup. */
export type LookupFunction = (
  hostname: string,
  family: LookupFamily,
  callback: (error: Error | null, address: string, family?: number) => void,
) => void

/** A list of addresses, such as a net.BlockList. */
export interface AddressList {
  /** Returns whether the list has the address. */
  check(address: string, family?: 'ipv4' | 'ipv6'): boolean
}

/** What a DgramSocket consists of. */
export interface DgramParts {
  /** `'udp4'`, `'udp6'`, `'unix'`, or the name of another family. */
  readonly type: string
  /** The version of IP; 0 for other families. */
  readonly version: 0 | 4 | 6
  /** Creates the socket when it is needed first, with its options. */
  open(): BaseSocket
  /** Takes a descriptor over. */
  adopt(fd: number): BaseSocket
  /** Sets the options of a new or adopted socket. */
  prepare(socket: BaseSocket): void
  readonly lookup: LookupFunction | undefined
  readonly signal: AbortSignal | undefined
  readonly sendBlockList: AddressList | undefined
  readonly receiveBlockList: AddressList | undefined
}

export type State = 'no' | 'soon' | 'yes'

/** Sets the options of a new socket, and closes it if that fails. */
function prepared(socket: BaseSocket, parts: DgramParts): BaseSocket {
  try {
    parts.prepare(socket)
    return socket
  } catch (error) {
    socket.close()
    throw error
  }
}

/** The part of DgramSocket that sends and receives nothing: options, addresses and the end. */
export abstract class DgramBase extends EventEmitter {
  /** `'udp4'`, `'udp6'`, `'unix'`, or the name of another family, such as `'AF_NETLINK'`. */
  readonly type: string
  /** @internal */
  protected readonly parts: DgramParts
  /** @internal The socket, as soon as it is open. */
  protected inner: BaseSocket | null = null
  /** @internal */
  protected ended = false
  /** @internal */
  protected bound: State = 'no'
  /** @internal Whether the socket is connected. */
  protected linked: State = 'no'
  /** @internal Calls that wait until the socket is bound. */
  protected queue: (() => void)[] | null = null
  /** @internal True if `close` was called and the queue has not been served yet. */
  protected closing = false
  #refed = true

  /** @internal */
  constructor(parts: DgramParts) {
    super()
    this.type = parts.type
    this.parts = parts
  }

  // --- options ---

  /** Joins a multicast group, on the interface with an address (IPv4), a zone (`'::%eth0'`) or a name. ip(7), ipv6(7) */
  addMembership(multicastAddress: string, multicastInterface?: string): void {
    this.#change('addMembership', 'join', multicastAddress, null, multicastInterface)
  }

  /** Leaves a multicast group. Closing the socket also leaves all groups. */
  dropMembership(multicastAddress: string, multicastInterface?: string): void {
    this.#change('dropMembership', 'leave', multicastAddress, null, multicastInterface)
  }

  /** Joins a multicast group, and receives only what one sender sends to it. */
  addSourceSpecificMembership(
    sourceAddress: string,
    groupAddress: string,
    multicastInterface?: string,
  ): void {
    checkStrings({ sourceAddress, groupAddress })
    const call = 'addSourceSpecificMembership'
    this.#change(call, 'joinSource', groupAddress, sourceAddress, multicastInterface)
  }

  /** Leaves a group that `addSourceSpecificMembership` has joined. */
  dropSourceSpecificMembership(
    sourceAddress: string,
    groupAddress: string,
    multicastInterface?: string,
  ): void {
    checkStrings({ sourceAddress, groupAddress })
    const call = 'dropSourceSpecificMembership'
    this.#change(call, 'leaveSource', groupAddress, sourceAddress, multicastInterface)
  }

  #change(
    syscall: string,
    change: Parameters<typeof changeMembership>[1],
    group: string,
    source: string | null,
    device: string | undefined,
  ): void {
    this.check()
    if (!group) throw errors.missing('multicastAddress')
    checkStrings({ multicastAddress: group, multicastInterface: device ?? '' })
    let result: number
    try {
      result = changeMembership(this.open(), change, group, source, device)
    } catch (error) {
      throw errors.nodeError(error, syscall)
    }
    if (result < 0) throw errors.callError(syscall, result)
  }

  /** Sets SO_BROADCAST: with `true`, the socket may send to broadcast addresses. socket(7) */
  setBroadcast(flag: boolean): void {
    this.#set('setBroadcast', settings.broadcast(flag))
  }

  /** Sets the TTL, or the hop limit of IPv6, from 1 to 255. Returns it. ip(7) */
  setTTL(ttl: number): number {
    this.#set('setTTL', settings.unicastTtl(ttl, this.parts.version))
    return ttl
  }

  /** Sets the TTL of multicast datagrams, from 0 to 255. Returns it. ip(7) */
  setMulticastTTL(ttl: number): number {
    this.#set('setMulticastTTL', settings.multicastTtl(ttl, this.parts.version))
    return ttl
  }

  /** Sets whether multicast datagrams are also delivered on this host. Returns `flag`. ip(7) */
  setMulticastLoopback(flag: boolean): boolean {
    this.#set('setMulticastLoopback', settings.multicastLoopback(flag, this.parts.version))
    return flag
  }

  /** Sets the interface that multicast datagrams leave by: one of its IPv4 addresses, or `'::%eth0'`. ip(7) */
  setMulticastInterface(multicastInterface: string): void {
    this.check()
    checkStrings({ interfaceAddress: multicastInterface })
    const { channel } = this.#opened('setMulticastInterface')
    this.#set('setMulticastInterface', settings.multicastInterface(multicastInterface, channel.id))
  }

  #set(syscall: string, option: settings.Setting): void {
    this.check()
    if (option === null) throw errors.refused(syscall)
    const { channel } = this.#opened(syscall)
    const { level, name, value } = option
    const result = native.setsockopt(channel.id, level, name, value, value.byteLength)
    if (result < 0) throw errors.callError(syscall, result)
  }

  /** Returns SO_RCVBUF in bytes. Linux reports twice what was set. */
  getRecvBufferSize(): number {
    return this.#bufferSize('recv', SO_RCVBUF)
  }

  /** Returns SO_SNDBUF in bytes. Linux reports twice what was set. */
  getSendBufferSize(): number {
    return this.#bufferSize('send', SO_SNDBUF)
  }

  /** Sets SO_RCVBUF in bytes. */
  setRecvBufferSize(size: number): void {
    this.#bufferSize('recv', SO_RCVBUF, size)
  }

  /** Sets SO_SNDBUF in bytes. */
  setSendBufferSize(size: number): void {
    this.#bufferSize('send', SO_SNDBUF, size)
  }

  #bufferSize(which: 'recv' | 'send', name: number, size?: number): number {
    if (size !== undefined && (typeof size !== 'number' || size >>> 0 !== size)) throw errors.badBufferSize()
    if (size !== undefined && size > 0x7fffffff) throw errors.bufferSizeError(which, EINVAL)
    const open = this.ended || this.bound !== 'yes' ? null : this.inner
    const value = Int32Array.of(size ?? 0)
    const id = open === null ? -1 : open.channel.id
    const result =
      open === null
        ? EBADF
        : size === undefined
          ? native.getsockopt(id, SOL_SOCKET, name, value)
          : native.setsockopt(id, SOL_SOCKET, name, value, 4)
    if (result < 0) throw errors.bufferSizeError(which, result)
    return value[0]!
  }

  // --- addresses and the end ---

  /** Returns the local address. getsockname(2) */
  address(): AddressInfo {
    this.check()
    const socket = this.#opened('getsockname')
    const { localAddress } = socket
    if (localAddress === null) throw errors.callError('getsockname', EBADF)
    return endOf(localAddress)
  }

  /** Returns the address of the peer that `connect` has set. getpeername(2) */
  remoteAddress(): AddressInfo {
    this.check()
    const peer: Address | null = this.linked === 'yes' ? this.open().remoteAddress : null
    if (peer === null) throw errors.notConnected()
    return endOf(peer)
  }

  /** Makes the open socket keep the process alive, which is the default. */
  ref(): this {
    this.#refed = true
    this.inner?.ref()
    return this
  }

  /** Stops the open socket from keeping the process alive. */
  unref(): this {
    this.#refed = false
    this.inner?.unref()
    return this
  }

  /** Closes the socket, after the sends that wait for a bind. `'close'` is emitted then, and `callback` is called. */
  close(callback?: () => void): this {
    if (typeof callback === 'function') this.on('close', callback)
    if (this.queue !== null) {
      this.closing = true
      append(this.queue, () => this.end())
      return this
    }
    this.check()
    this.end()
    return this
  }

  /** Closes the socket at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.ended ? Promise.resolve() : new Promise(resolve => void this.close(resolve))
  }

  /** @internal Makes the calls that have waited. Code of the caller, such as a lookup, may throw in one of them. */
  protected serveQueue(): void {
    const queue = this.queue
    this.queue = null
    for (let i = 0; queue !== null && i < queue.length && !this.ended; i++) {
      try {
        queue[i]!()
      } catch (error) {
        uncaught(error)
      }
    }
  }

  /** @internal */
  protected end(): void {
    if (this.ended) return
    this.ended = true
    this.inner?.close()
    nextTick(() => this.emit('close'))
  }

  /** @internal */
  protected check(): void {
    if (this.ended) throw errors.notRunning()
  }

  /** @internal Returns the socket, and opens it if needed. */
  protected open(): BaseSocket {
    if (this.ended) throw errors.notRunning()
    if (this.inner !== null) return this.inner
    return this.keep(prepared(this.parts.open(), this.parts))
  }

  /** Returns the socket. An IP socket that is not bound has no descriptor yet in node:dgram. */
  #opened(syscall: string): BaseSocket {
    if (this.inner === null) throw errors.callError(syscall, EBADF)
    return this.inner
  }

  /** @internal Becomes the owner of a socket. */
  protected keep(socket: BaseSocket): BaseSocket {
    this.inner = socket
    if (!this.#refed) socket.unref()
    socket.channel.onGone(inContext(() => this.end()))
    return socket
  }
}
