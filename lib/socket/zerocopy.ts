import { isMainThread } from 'node:worker_threads'
import { native } from '../binding/binding'
import { ERROR } from '../binding/shared'
import { constants, SOL_SOCKET } from '../constants'
import { aborted, canceled, closed, systemError, unsupported, withProgress } from '../errors'
import { elementsOf } from '../errors/argument'
import { errorQueueOf } from '../operations/error-queue'
import { SendZeroCopy, ZeroCopyEnd } from '../operations/zerocopy'
import { bytesOf, checkRentable, rent } from '../operations/zerocopy-memory'
import { reactor } from '../reactor'
import { Channel } from '../reactor/channel'
import { reclaimAfter } from '../reactor/finalizer'
import { ZeroCopySend, ZeroCopySender, type ZeroCopyStatistics } from '../reactor/zerocopy-sender'
import { performance } from '../runtime/clock'
import { isAborted } from '../runtime/signals'
import { byteLengthOf } from '../struct'
import type { Waiting } from '../validators'

const { SO_ZEROCOPY } = constants
/** The number of milliseconds that a closed socket may continue to send before its connection is reset. */
const LINGER_MS = 30_000

/** Describes the result of `sendZeroCopy`. */
export interface ZeroCopyResult {
  /** The number of bytes sent, always all of them. */
  bytes: number
  /** True if the kernel or this package copied the bytes. */
  copied: boolean
  /** The memory, which belongs to the caller again. */
  buffer: Uint8Array
}

/** Describes the result of `sendZeroCopy` with an array. */
export interface ZeroCopyBatchResult {
  /** The number of bytes sent, always all of them. */
  bytes: number
  /** True if the kernel or this package copied a part of the bytes. */
  copied: boolean
  /** The memory of each element, which belongs to the caller again. */
  buffers: Uint8Array[]
}

/**
 * Returns the zero-copy sender of a channel. The first call sets SO_ZEROCOPY, which fails on a socket without such
 * sends.
 */
function senderOf(channel: Channel): ZeroCopySender {
  // uncovered: only on a system without this constant
  if (SO_ZEROCOPY === undefined) throw unsupported('MSG_ZEROCOPY', 'send')
  const extras = channel.ensureExtras()
  if (extras.zeroCopy !== null) return extras.zeroCopy
  const result = native.setsockopt(channel.id, SOL_SOCKET, SO_ZEROCOPY, Int32Array.of(1), 4)
  if (result < 0) throw systemError('setsockopt', result, { subject: 'SO_ZEROCOPY' })
  const sender = new ZeroCopySender()
  if (!channel.shared) prepare(channel, sender)
  return (extras.zeroCopy = sender)
}

/** Prepares a channel for sends that the kernel completes later. */
function prepare(channel: Channel, sender: ZeroCopySender): void {
  const { id, fd } = channel
  tellHeap(sender, id)
  errorQueueOf(channel).claim(sender.claim)
  const end = (): void => linger(id, fd, sender)
  channel.ensureExtras().guard = {
    get busy() {
      return !sender.idle
    },
    close: end,
  }
  reclaimAfter(channel, end) // the same cleanup if the socket is garbage-collected open
}

/** Returns the counters of a socket's sends. */
export function statisticsOf(channel: Channel): ZeroCopyStatistics {
  const sender = channel.extras?.zeroCopy ?? null
  if (sender === null) return { sends: 0, bytes: 0, copied: 0, fallbacks: 0, pending: 0 }
  // After a timeout or an abort no operation reads the completions.
  if (!sender.idle && channel.fd >= 0 && channel.head(ERROR) === null)
    new ZeroCopyEnd(channel, () => sender.idle).attempt()
  return sender.statistics
}

// The memory of a worker's heap may be reused after the worker ends, while the kernel still sends from it. At the
// end of a process the kernel keeps the memory until it is done.
function tellHeap(sender: ZeroCopySender, id: number): void {
  if (!isMainThread) sender.onHeap = lent => void native.lentToKernel(id, lent ? 1 : 0)
}

/** The steps of one call, for both Socket classes. The caller runs the operations. */
export class ZeroCopyCall {
  readonly #channel: Channel
  readonly #sender: ZeroCopySender
  readonly #send: ZeroCopySend
  readonly #single: boolean
  readonly #stream: boolean
  /** Queues the bytes. */
  readonly sending: SendZeroCopy

  /** Checks the arguments, then takes the memory. */
  constructor(channel: Channel, data: unknown, { flags, signal }: Waiting, stream: boolean) {
    this.#single = !Array.isArray(data)
    const views = this.#single
      ? [checkRentable('data', data)]
      : elementsOf('data', data).map((each, i) => checkRentable(`data[${i}]`, each))
    if (channel.fd < 0) throw withProgress(closed('send'), 0)
    if (signal !== undefined && isAborted(signal)) throw withProgress(aborted(signal), 0)
    const sender = senderOf(channel)
    const lends = !channel.shared && views.some(view => byteLengthOf(view) > 0) && sender.worthwhile()
    const send = new ZeroCopySend(lends ? rent(views) : { pieces: views.map(bytesOf), heap: false }, !lends)
    this.#channel = channel
    this.#sender = sender
    this.#send = send
    this.#stream = stream
    this.sending = new SendZeroCopy(channel, sender, send, flags, stream, lends)
  }

  /** True while the kernel reads the memory. */
  get lent(): boolean {
    return this.#send.outstanding > 0
  }

  /**
   * True after a failure if earlier datagrams of the call are still on their way. They leave without the peer's help, so
   * the caller waits for them, and the error can return the memory.
   */
  get endsSoon(): boolean {
    return this.lent && !this.#stream && this.#channel.fd >= 0
  }

  /** Waits until the kernel no longer needs the memory. */
  end(): ZeroCopyEnd {
    const send = this.#send
    return new ZeroCopyEnd(this.#channel, () => send.done)
  }

  /** Called with the number of bytes after the operations succeeded; returns the result. */
  succeed(bytes: number): ZeroCopyResult | ZeroCopyBatchResult {
    const { copied } = this.#send
    this.#sender.ended(bytes, copied)
    return { bytes, copied, ...this.#memory() }
  }

  /** Adds the progress to an error. */
  fail(error: unknown): unknown {
    const { copied, rental } = this.#send
    // Without bytesSent all bytes were queued, and the wait for completion failed.
    const { bytesSent = total(rental.pieces) } = error as { bytesSent?: number }
    withProgress(error as Error, bytesSent)
    this.#sender.ended(bytesSent, copied)
    // Memory that the kernel still reads cannot be returned.
    return this.lent ? error : Object.assign(error as object, this.#memory())
  }

  #memory(): { buffer: Uint8Array } | { buffers: Uint8Array[] } {
    const { pieces } = this.#send.rental
    return this.#single ? { buffer: pieces[0]! } : { buffers: pieces.slice() }
  }
}

function total(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((bytes, piece) => bytes + byteLengthOf(piece), 0)
}

/*
 * Called when a socket is closed or garbage-collected while the kernel still sends from our memory. The descriptor
 * is closed as usual. A private duplicate keeps the connection until the kernel is done, so that the queued bytes
 * arrive and the memory is not reused before. The peer sees the end of the stream after all bytes, as usual. No
 * shutdown(2) is made, because another process or Socket may continue to use the connection. If the peer does not
 * accept the bytes within LINGER_MS, the connection is reset for all holders.
 */
function linger(closing: number, fd: number, sender: ZeroCopySender): void {
  if (sender.idle) return
  let id: number
  try {
    id = reactor.adoptDuplicate(fd, 'dup')
  } catch {
    native.abort(closing)
    return
  }
  const rest = new Channel(id, fd)
  tellHeap(sender, id)
  if (sender.heap) sender.onHeap(true)
  errorQueueOf(rest).claim(sender.claim)
  reactor.setRef(rest, false)
  const end = new ZeroCopyEnd(rest, () => sender.idle)
  void reactor
    .submit(rest, end, LINGER_MS, undefined)
    .catch(() => native.abort(id))
    .finally(() => reactor.close(rest))
    .catch(() => undefined) // no caller is left to report the error to
}

/**
 * Runs a call with promises. A timeout of 0 applies only to queueing the bytes, because completion always takes a wait.
 */
export async function runZeroCopy(
  channel: Channel,
  data: unknown,
  waiting: Waiting,
  stream: boolean,
): Promise<ZeroCopyResult | ZeroCopyBatchResult> {
  const { timeout, signal } = waiting
  const call = new ZeroCopyCall(channel, data, waiting, stream)
  const deadline = timeout === null || timeout === 0 ? null : performance.now() + timeout
  // The next turn of the event loop reads the error queue once for all sends of this turn.
  const end = (): Promise<void> =>
    reactor.wait(channel, call.end(), deadline && Math.max(1, deadline - performance.now()), signal, true)
  try {
    const sent = reactor.start(channel, call.sending, timeout, signal)
    const bytes = typeof sent === 'number' ? sent : await sent
    if (call.lent) {
      if (channel.fd < 0) throw canceled('send')
      if (signal !== undefined && isAborted(signal)) throw aborted(signal)
      await end()
    }
    return call.succeed(bytes)
  } catch (error) {
    if (call.endsSoon && (signal === undefined || !isAborted(signal))) await end().catch(() => undefined)
    throw call.fail(error)
  }
}
