import type { Address } from '../address'
import { systemError } from '../errors'
import { errnoOf } from '../errors/errno'
import { segmentsOf, type Message, type MessageMeta } from '../message'
import { control } from '../message/control'
import type { Socket } from '../socket'
import type { Op } from '../validators'

/** One received datagram, and a way to reply. */
export class Datagram<A extends Address = Address> {
  readonly #socket: Socket
  readonly #message: Message<A>
  /** The bytes, in a new Buffer. */
  readonly data: Buffer
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
  segments(): Iterable<Buffer> {
    return segmentsOf(this.data, this.meta.segmentSize)
  }

  /**
   * Sends a datagram to the sender of this one. Resolves with the number of bytes. Rejects with `EDESTADDRREQ` if the
   * sender has no address.
   *
   * The reply leaves from the address that the sender asked, because most senders drop a reply from another one. Does
   * so on IPv4, IPv6 and dual-stack sockets.
   */
  reply(data: ArrayBufferView, op?: Op | number): Promise<number> {
    const { address } = this
    if (address !== null && address.kind !== 'unnamed') {
      if (this.meta.destination === undefined) return this.#socket.sendto(data, address, op)
      return this.#socket.sendmsg({ data, address, control: [control.replyTo(this.meta)] }, op)
    }
    if (this.#socket.remoteAddress !== null) return this.#socket.send(data, op)
    return Promise.reject(
      systemError('sendto', errnoOf('EDESTADDRREQ'), { refused: 'the sender has no address' }),
    )
  }
}
