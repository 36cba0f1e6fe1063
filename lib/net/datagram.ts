import type { Address } from '../address'
import { AF_INET, AF_INET6, AF_UNIX } from '../constants'
import { systemError } from '../errors'
import { errnoOf } from '../errors/errno'
import { segmentsOf, type Message, type MessageMeta } from '../message'
import { control } from '../message/control'
import type { NonSharedBuffer } from '../runtime/buffer'
import { ownField } from '../runtime/fields'
import { Recvmsg } from '../operations/message'
import { reactor } from '../reactor'
import type { Socket } from '../socket'
import type { Op } from '../validators'

const MAX_DATAGRAM = 65536
const MAX_UNIX_DATAGRAM = 256 * 1024

/** One received datagram, and a way to reply. */
export class Datagram<A extends Address = Address> {
  readonly #socket: Socket
  readonly #message: Message<A>
  /** The functions that `segments` and `reply` return, created when they are first read. */
  #segments: Datagram['segments'] | null = null
  #bound: Datagram['reply'] | null = null
  /** The bytes, in a new Buffer. */
  readonly data: NonSharedBuffer
  /** The address of the sender; `null` if it has none. */
  readonly address: A | null
  /** True if the datagram was longer than 64 KiB (AF_UNIX: 256 KiB). The kernel dropped the rest. */
  readonly truncated: boolean

  /** @internal */
  constructor(socket: Socket, message: Message<A>) {
    this.#socket = socket
    this.#message = message
    this.data = Buffer.from(message.data) // a copy: the next datagram overwrites the memory of the message
    this.address = message.address
    this.truncated = message.truncated
  }

  /**
   * The decoded control messages: see `receiveMeta`. If the socket is bound to all addresses (`0.0.0.0` or `::`), it
   * has `destination`, the address that the sender asked, and `interface`.
   */
  get meta(): MessageMeta {
    return this.#message.meta
  }

  /** Yields the datagrams that GRO merged, in order, after `receiveMeta({ gro: true })`. Otherwise yields `data` once. */
  get segments(): () => Iterable<NonSharedBuffer> {
    return (this.#segments ??= () => segmentsOf(this.data, ownField(this.meta, 'segmentSize')))
  }

  /**
   * Sends a datagram to the sender of this one. Resolves with the number of bytes. Rejects with `EDESTADDRREQ` if the
   * sender has no address.
   *
   * The reply leaves from the address that the sender asked, because most senders drop a reply from another one. Does
   * so on IPv4, IPv6 and dual-stack sockets. The function belongs to this datagram: `({ data, reply }) => reply(data)`
   * is a handler.
   */
  get reply(): (data: ArrayBufferView, op?: Op | number) => Promise<number> {
    return (this.#bound ??= (data, op) => this.#reply(data, op))
  }

  #reply(data: ArrayBufferView, op?: Op | number): Promise<number> {
    const { address } = this
    if (address !== null && address.kind !== 'unnamed') {
      if (ownField(this.meta, 'destination') === undefined) return this.#socket.sendto(data, address, op)
      return this.#socket.sendmsg({ data, address, control: [control.replyTo(this.meta)] }, op)
    }
    if (this.#socket.remoteAddress !== null) return this.#socket.send(data, op)
    return Promise.reject(
      systemError('sendto', errnoOf('EDESTADDRREQ'), { refused: 'the sender has no address' }),
    )
  }
}

/**
 * Receives the datagrams of a server.
 *
 * @internal
 */
export class Receiver<A extends Address> {
  readonly #socket: Socket<A>
  /** Each datagram is received into the same memory. */
  readonly #room: Buffer

  constructor(socket: Socket<A>) {
    if (isUnbound(socket)) socket.receiveMeta({ packetInfo: true })
    this.#socket = socket
    this.#room = Buffer.allocUnsafeSlow(socket.family === AF_UNIX ? MAX_UNIX_DATAGRAM : MAX_DATAGRAM)
  }

  async receive(signal: AbortSignal): Promise<Datagram<A>> {
    const message = await reactor.submit(this.#socket.channel, this.#operation(), null, signal)
    return new Datagram(this.#socket, message)
  }

  /** Receives a datagram without waiting, or returns `null`. Must not be called while `receive` is under way. */
  tryReceive(): Datagram<A> | null {
    const message = reactor.attemptNow(this.#socket.channel, this.#operation())
    return message === null ? null : new Datagram(this.#socket, message)
  }

  // Not through the methods of the socket, which refuse other receives while the server has it.
  #operation(): Recvmsg<A> {
    const into = [this.#room]
    return new Recvmsg<A>(this.#socket.channel, { into, flags: 0, control: null, maxFds: null, pidfd: true })
  }
}

/** True for an IP socket that is bound to no address, so that only the datagram tells which one the sender asked. */
function isUnbound(socket: Socket): boolean {
  if (socket.family !== AF_INET && socket.family !== AF_INET6) return false
  const { address } = socket.getsockname() as { address?: unknown }
  return address === '0.0.0.0' || address === '::' || address === '::ffff:0.0.0.0'
}
