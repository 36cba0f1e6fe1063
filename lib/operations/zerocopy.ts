import { native } from '../binding/binding'
import { ERROR, WRITE } from '../binding/shared'
import { constants, SOL_SOCKET } from '../constants'
import { systemError, withProgress } from '../errors'
import { EAGAIN, ENOBUFS } from '../errors/errno'
import { reactor } from '../reactor'
import type { Channel } from '../reactor/channel'
import { Operation, YIELD } from '../reactor/operation'
import type { ZeroCopySend, ZeroCopySender } from '../reactor/zerocopy-sender'
import { errorQueueOf } from './error-queue'

const { SO_ZEROCOPY } = constants
/** The number of bytes after which an attempt yields to other sockets. */
const TURN_BYTES = 16 * 1024 * 1024

/** Queues all bytes for sending. send(2) with MSG_ZEROCOPY */
export class SendZeroCopy extends Operation<number> {
  #sent = 0

  constructor(
    private readonly channel: Channel,
    private readonly sender: ZeroCopySender,
    private readonly send: ZeroCopySend,
    private readonly flags: number,
  ) {
    super()
  }

  get direction(): typeof WRITE {
    return WRITE
  }

  get syscall(): string {
    return 'send'
  }

  attempt(): number {
    const { bytes } = this.send.rental
    for (let turn = 0; turn < TURN_BYTES;) {
      const rest = bytes.length - this.#sent
      const result = this.#call(bytes, rest)
      if (result < 0) return result
      turn += result
      this.#sent += result
      if (this.#sent >= bytes.length) return this.#sent
    }
    return YIELD
  }

  #call(bytes: Uint8Array, rest: number): number {
    const { channel, flags, sender, send } = this
    // The numbers of completions are known only while there is a single holder.
    if (!channel.shared && this.#enabled()) {
      const result = native.sendZeroCopy(channel.id, bytes, flags, this.#sent, rest)
      if (result > 0) sender.accepted(send)
      if (result !== ENOBUFS) return result
      // ENOBUFS: no room for another notification. Send ordinarily, because room may never become free.
    }
    const result = native.send(channel.id, bytes, flags, this.#sent, rest)
    if (result !== EAGAIN) sender.refused(send)
    return result
  }

  // The kernel ignores MSG_ZEROCOPY without the option, and reports no completion. The program may have cleared it.
  #enabled(): boolean {
    const { id } = this.channel
    const value = Int32Array.of(0)
    if (native.getsockopt(id, SOL_SOCKET, SO_ZEROCOPY!, value) < 0) return false
    return value[0] !== 0 || native.setsockopt(id, SOL_SOCKET, SO_ZEROCOPY!, Int32Array.of(1), 4) >= 0
  }

  override get progress(): number {
    return this.#sent
  }

  value(result: number): number {
    this.send.queued = true
    return result
  }

  failure(result: number): Error {
    return systemError('send', result)
  }

  override abandon(reason: Error): Error {
    this.send.queued = true // no more bytes will be queued
    return withProgress(reason, this.#sent)
  }
}

/** Waits until the kernel no longer needs the memory of one send, or of all sends. */
export class ZeroCopyEnd extends Operation<void> {
  constructor(
    private readonly channel: Channel,
    private readonly isDone: () => boolean,
  ) {
    super()
  }

  get direction(): typeof ERROR {
    return ERROR
  }

  get syscall(): string {
    return 'recvmsg'
  }

  attempt(): number {
    if (this.isDone()) return 0
    reactor.serveOthers(this.channel) // see ReceiveErrors
    const result = errorQueueOf(this.channel).drain(this.isDone)
    if (this.isDone()) return 0
    return result < 0 ? result : EAGAIN
  }

  value(): void {}

  failure(result: number): Error {
    return systemError('recvmsg', result, { subject: 'MSG_ERRQUEUE' })
  }
}
