import { native } from '../binding/binding'
import { WRITE } from '../binding/shared'
import { bufferGone, systemError, withProgress } from '../errors'
import { EAGAIN, EALREADY, EINPROGRESS } from '../errors/errno'
import { deviceLoss } from '../message/device'
import { peerOf } from '../message/peer'
import type { Channel } from '../reactor/channel'
import { Operation, YIELD } from '../reactor/operation'
import { byteLengthOf } from '../struct'

/** The number of bytes after which an attempt of sendAll yields to other sockets. */
const TURN_BYTES = 4 * 1024 * 1024
/** The maximum number of bytes for one call of sendAll on a stream. */
export const CHUNK_BYTES = 1024 * 1024

/**
 * Returns EAGAIN for a send that has started to connect and has sent nothing (MSG_FASTOPEN, TCP_FASTOPEN_CONNECT). The
 * same call sends the bytes when the socket is connected.
 */
export function whenConnected(result: number): number {
  return result === EINPROGRESS || result === EALREADY ? EAGAIN : result
}

abstract class SendOperation<T> extends Operation<T> {
  protected readonly length: number

  constructor(
    protected readonly channel: Channel,
    protected readonly data: ArrayBufferView,
    protected readonly flags: number,
  ) {
    super()
    this.length = byteLengthOf(data)
  }

  get direction(): typeof WRITE {
    return WRITE
  }

  get syscall(): string {
    return 'send'
  }

  /** True if the view has its length still: a resizable one may have grown. Throws if a part of its memory is gone. */
  protected isWhole(): boolean {
    const length = byteLengthOf(this.data)
    if (length < this.length) throw bufferGone(this.syscall)
    return length === this.length
  }

  failure(result: number): Error {
    return systemError(this.syscall, result, {
      address: peerOf(this.channel, result),
      device: deviceLoss(this.channel, result),
    })
  }
}

/** Sends data and returns the number of bytes, which on a stream may be fewer than given. send(2) */
export class Send extends SendOperation<number> {
  attempt(): number {
    const { channel, data, flags } = this
    // An offset and a length cost 20 ns. Without them native code takes the whole view.
    const result = this.isWhole()
      ? native.send(channel.id, data, flags)
      : native.send(channel.id, data, flags, 0, this.length)
    return whenConnected(result)
  }

  value(result: number): number {
    return result
  }
}

/** Sends to the connected peer for a call of sendto without an address. sendto(2) */
export class SendtoPeer extends Send {
  override get syscall(): string {
    return 'sendto'
  }
}

/** Sends a datagram to an address and returns the number of bytes. sendto(2) */
export class Sendto extends SendOperation<number> {
  constructor(
    channel: Channel,
    data: ArrayBufferView,
    flags: number,
    private readonly address: Uint8Array,
    // True for AF_UNIX datagram sockets. If the receiver is full, poll(2) still reports an unconnected sender as
    // writable.
    private readonly unixDatagram: boolean,
  ) {
    super(channel, data, flags)
  }

  override get syscall(): string {
    return 'sendto'
  }

  attempt(): number {
    const { channel, data, flags, address } = this
    const result = this.isWhole()
      ? native.sendto(channel.id, data, flags, address)
      : native.sendto(channel.id, data, flags, address, 0, this.length)
    return whenConnected(result)
  }

  value(result: number): number {
    return result
  }

  override failure(result: number): Error {
    return systemError('sendto', result, { address: this.channel.network.addresses.decode(this.address) })
  }

  override get spurious(): boolean {
    return this.unixDatagram
  }
}

/** Sends all data with at least one call, so that an empty datagram is sent. send(2) */
export class SendAll extends SendOperation<void> {
  #sent: number

  constructor(
    channel: Channel,
    data: ArrayBufferView,
    flags: number,
    /** True for streams. A stream sends in pieces and yields to other sockets. A message is sent in one call. */
    private readonly stream: boolean,
    /** The number of bytes that were sent already. */
    sent = 0,
  ) {
    super(channel, data, flags)
    this.#sent = sent
  }

  attempt(): number {
    this.isWhole()
    for (let moved = 0; moved < TURN_BYTES;) {
      const rest = this.length - this.#sent
      const result = native.send(
        this.channel.id,
        this.data,
        this.flags,
        this.#sent,
        this.stream ? Math.min(rest, CHUNK_BYTES) : rest,
      )
      if (result < 0) return whenConnected(result)
      moved += result
      this.#sent += result
      if (this.#sent >= this.length) return 0
    }
    return YIELD
  }

  value(): void {}

  override get progress(): number {
    return this.#sent
  }

  /** Called after an attempt that would block: returns null, or throws EAGAIN if a part was sent. */
  nothingSent(): null {
    if (this.#sent > 0) throw this.abandon(this.failure(EAGAIN))
    return null
  }

  override abandon(reason: Error): Error {
    return withProgress(reason, this.#sent)
  }
}
