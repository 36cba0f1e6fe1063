import { isMainThread } from 'node:worker_threads'
import { native } from '../binding/binding'
import { constants, SOL_SOCKET } from '../constants'
import { aborted, canceled, closed, systemError, unsupported, withProgress } from '../errors'
import { errorQueueOf } from '../operations/error-queue'
import { SendAll } from '../operations/send'
import { SendZeroCopy, ZeroCopyEnd } from '../operations/zerocopy'
import { checkRentable, rent } from '../operations/zerocopy-memory'
import { reactor } from '../reactor'
import { Channel } from '../reactor/channel'
import { reclaimAfter } from '../reactor/finalizer'
import { ZeroCopySend, ZeroCopySender } from '../reactor/zerocopy-sender'
import { performance } from '../runtime/clock'
import { isAborted } from '../runtime/signals'
import { byteLengthOf, octetsOf } from '../struct'
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

// The memory of a worker's heap may be reused after the worker ends, while the kernel still sends from it. At the
// end of a process the kernel keeps the memory until it is done.
function tellHeap(sender: ZeroCopySender, id: number): void {
  if (!isMainThread) sender.onHeap = lent => void native.lentToKernel(id, lent ? 1 : 0)
}

/** The steps of one send, for both Socket classes. The caller runs the operations. */
export interface Plan {
  /** A send that copies, used when zero-copy would only cost. Else null. */
  ordinary: SendAll | null
  send: SendZeroCopy | null
  end: ZeroCopyEnd
  /** Called with the number of bytes after the operations succeeded; returns the result. */
  succeed(bytes: number): ZeroCopyResult
  fail(error: unknown): unknown
}

/** Checks the arguments, then takes the memory. If this throws, the memory is not taken. */
export function planZeroCopy(
  channel: Channel,
  data: ArrayBufferView,
  { flags, signal }: Waiting,
  stream: boolean,
): Plan {
  const view = checkRentable(data)
  if (channel.fd < 0) throw closed('send')
  if (signal !== undefined && isAborted(signal)) throw aborted(signal)
  const sender = senderOf(channel)
  if (channel.shared || byteLengthOf(view) === 0 || !sender.worthwhile())
    return planOrdinary(channel, view, flags, stream, sender)
  const send = new ZeroCopySend(rent(view))
  return {
    ordinary: null,
    send: new SendZeroCopy(channel, sender, send, flags),
    end: new ZeroCopyEnd(channel, () => send.done),
    succeed(bytes) {
      sender.ended(bytes, send.copied)
      return { bytes, copied: send.copied, buffer: send.rental.giveBack() }
    },
    fail(error) {
      // Without bytesSent all bytes were queued, and the wait for completion failed.
      const { bytesSent = send.rental.bytes.length } = error as { bytesSent?: number }
      withProgress(error as Error, bytesSent)
      sender.ended(bytesSent, send.copied)
      // Memory that the kernel still reads cannot be returned.
      if (send.outstanding === 0) Object.assign(error as object, { buffer: send.rental.giveBack() })
      return error
    },
  }
}

function planOrdinary(
  channel: Channel,
  view: ArrayBufferView,
  flags: number,
  stream: boolean,
  sender: ZeroCopySender,
): Plan {
  const octets = octetsOf(view)
  return {
    ordinary: new SendAll(channel, view, flags, stream),
    send: null,
    end: new ZeroCopyEnd(channel, () => true),
    succeed() {
      sender.ended(octets.length, true)
      return { bytes: octets.length, copied: true, buffer: view instanceof Uint8Array ? view : octets }
    },
    fail: error => error,
  }
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
 * Runs a plan with promises. A timeout of 0 applies only to queueing the bytes, because completion always takes a
 * wait.
 */
export async function runZeroCopy(
  channel: Channel,
  plan: Plan,
  { timeout, signal }: Waiting,
): Promise<ZeroCopyResult> {
  const deadline = timeout === null ? Infinity : performance.now() + timeout
  const left = (): number | null =>
    timeout === null || timeout === 0 ? null : Math.max(1, deadline - performance.now())
  try {
    if (plan.send === null) {
      await reactor.submit(channel, plan.ordinary!, timeout, signal)
      return plan.succeed(0)
    }
    const bytes = await reactor.submit(channel, plan.send, timeout, signal)
    if (channel.fd < 0) throw canceled('send')
    await reactor.submit(channel, plan.end, left(), signal)
    return plan.succeed(bytes)
  } catch (error) {
    throw plan.fail(error)
  }
}
