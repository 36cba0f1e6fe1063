import { native } from '../binding/binding'
import { ERROR, STATE_SECOND, WRITE } from '../binding/shared'
import { constants, SOL_SOCKET } from '../constants'
import { bufferGone, systemError, withProgress } from '../errors'
import { EAGAIN, ENOBUFS } from '../errors/errno'
import { deviceLoss } from '../message/device'
import { peerOf } from '../message/peer'
import { reactor } from '../reactor'
import type { Channel } from '../reactor/channel'
import { Operation, YIELD } from '../reactor/operation'
import type { ZeroCopySend, ZeroCopySender } from '../reactor/zerocopy-sender'
import { append } from '../runtime/list'
import { byteLengthOf } from '../struct'
import { errorQueueOf } from './error-queue'
import { whenConnected } from './send'

const { SO_ZEROCOPY } = constants
/** The number of bytes and of system calls after which an attempt yields to other sockets. */
const TURN_BYTES = 16 * 1024 * 1024
const TURN_CALLS = 64
/** The most bytes that one call copies into a stream. */
const COPY_BYTES = 1024 * 1024

/** Queues all bytes for sending, with one call for each piece. send(2) with MSG_ZEROCOPY */
export class SendZeroCopy extends Operation<number> {
  readonly #lengths: readonly number[]
  /** The piece to send now, and how many of its bytes have been sent. */
  #piece = 0
  #offset = 0
  #sent = 0

  constructor(
    private readonly channel: Channel,
    private readonly sender: ZeroCopySender,
    private readonly send: ZeroCopySend,
    private readonly flags: number,
    private readonly stream: boolean,
    /** False for a send that copies. */
    private readonly lends: boolean,
  ) {
    super()
    this.#lengths = send.rental.pieces.map(byteLengthOf)
  }

  get direction(): typeof WRITE {
    return WRITE
  }

  get syscall(): string {
    return 'send'
  }

  attempt(): number {
    const lends = this.lends && this.#maySend()
    const end = this.#sent + TURN_BYTES
    for (let calls = 0; this.#piece < this.#lengths.length;) {
      if (calls >= TURN_CALLS || this.#sent >= end) return YIELD
      const first = this.#piece
      const length = this.#lengths[first]!
      // The caller may have detached memory that was not taken.
      if (byteLengthOf(this.send.rental.pieces[first]!) !== length) throw bufferGone('send')
      const result = lends && length > 0 ? this.#lend(TURN_CALLS - calls, end - this.#sent) : this.#copy()
      if (result < 0) return whenConnected(result)
      calls += Math.max(1, this.#piece - first)
    }
    return this.#sent
  }

  // Sends the next pieces with the flag, from one call into C++: at most `calls` pieces, and no piece after `bytes`.
  #lend(calls: number, bytes: number): number {
    const { channel, flags, sender, send } = this
    const { pieces } = send.rental
    const run: Uint8Array[] = []
    for (let i = this.#piece; i < pieces.length && run.length < calls && bytes > 0; i++) {
      const length = this.#lengths[i]!
      if (length === 0 || byteLengthOf(pieces[i]!) !== length) break
      append(run, pieces[i]!)
      bytes -= length
    }
    const { state } = reactor.memory
    state[STATE_SECOND] = 0 // the call does not set it if the slot is gone
    const rest = this.#lengths[this.#piece]! - this.#offset
    const result = native.sendZeroCopy(channel.id, run, flags, this.#offset, rest)
    const whole = state[STATE_SECOND]
    const part = whole < run.length && result > 0 // of the piece after those
    sender.accepted(send, part ? whole + 1 : whole)
    for (let i = 0; i < whole; i++) this.#advance(this.#lengths[this.#piece]! - this.#offset)
    if (part) this.#advance(result)
    // ENOBUFS: no room for another notification. Send ordinarily, because room may never become free.
    return result === ENOBUFS ? this.#copy() : result
  }

  // Sends the rest of the piece without the flag.
  #copy(): number {
    const { channel, flags, sender, send } = this
    const length = this.#lengths[this.#piece]!
    const rest = length - this.#offset
    const part = this.stream ? Math.min(rest, COPY_BYTES) : rest
    const result = native.send(channel.id, send.rental.pieces[this.#piece]!, flags, this.#offset, part)
    if (result !== EAGAIN && this.lends && length > 0) sender.refused(send)
    if (result >= 0) this.#advance(result)
    return result
  }

  // Counts bytes of the piece as sent.
  #advance(bytes: number): void {
    this.#sent += bytes
    this.#offset += bytes
    if (this.#offset < this.#lengths[this.#piece]!) return
    this.#piece++
    this.#offset = 0
  }

  // The numbers of completions are known only while there is a single holder. The kernel ignores MSG_ZEROCOPY without the
  // option, and reports no completion. A single holder is also the only one that can clear the option.
  #maySend(): boolean {
    const { channel, sender } = this
    if (channel.shared) return false
    sender.enabled ||= native.setsockopt(channel.id, SOL_SOCKET, SO_ZEROCOPY!, Int32Array.of(1), 4) >= 0
    return sender.enabled
  }

  override get progress(): number {
    return this.#sent
  }

  value(result: number): number {
    this.send.queued = true
    return result
  }

  failure(result: number): Error {
    return systemError('send', result, {
      address: peerOf(this.channel, result),
      device: deviceLoss(this.channel, result),
    })
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
