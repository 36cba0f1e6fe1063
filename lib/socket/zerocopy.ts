import { isMainThread } from 'node:worker_threads'
import { native } from '../binding/binding'
import { aborted, canceled, closed, systemError, unsupported, withProgress } from '../errors'
import { platform } from '../host'
import { errorQueueOf } from '../operations/error-queue'
import { SendAll } from '../operations/send'
import { SendZeroCopy, ZeroCopyEnd } from '../operations/zerocopy'
import { checkRentable, rent } from '../operations/zerocopy-memory'
import { reactor } from '../reactor'
import { Channel } from '../reactor/channel'
import { MAX_RECORDS_AT_ONCE } from '../reactor/error-queue'
import { reclaimAfter } from '../reactor/finalizer'
import { ZeroCopySend, ZeroCopySender } from '../reactor/zerocopy-sender'
import { isAborted } from '../runtime/signals'
import { byteLengthOf, octetsOf } from '../struct'
import type { Waiting } from '../validators'

const { SOL_SOCKET, SO_ZEROCOPY, SO_COOKIE } = platform.constants
/** How long a closed socket may go on sending before its connection is reset. */
const LINGER_MS = 30_000

/** How a sendZeroCopy ended. */
export interface ZeroCopyResult {
  /** Bytes sent: all of them. */
  bytes: number
  /** The kernel, or this package, copied them after all. */
  copied: boolean
  /** The memory, which is the caller's again. */
  buffer: Uint8Array
}

/**
 * Open sockets of this thread on which somebody numbers zero-copy sends, by SO_COOKIE. The kernel counts those of
 * all duplicates together, so only one of them may send: the others send ordinarily.
 */
const numbered = new Set<bigint>()

/** The sender of a channel. */
function senderOf(channel: Channel): ZeroCopySender {
  if (SO_ZEROCOPY === undefined) throw unsupported('MSG_ZEROCOPY', 'send')
  return (channel.ensureExtras().zeroCopy ??= new ZeroCopySender())
}

/** Whether the sends of this channel are the ones that the kernel numbers; asks for permission the first time. */
function owns(channel: Channel, sender: ZeroCopySender): boolean {
  if (channel.extras?.guard != null) return true
  const cookie = cookieOf(channel)
  if (numbered.has(cookie)) return false
  const before = Int32Array.of(0)
  native.getsockopt(channel.id, SOL_SOCKET!, SO_ZEROCOPY!, before, Int32Array.of(4))
  const result = native.setsockopt(channel.id, SOL_SOCKET!, SO_ZEROCOPY!, Int32Array.of(1), 4)
  if (result < 0) throw systemError('setsockopt', result, { subject: 'SO_ZEROCOPY' })
  numbered.add(cookie)
  const { id, fd } = channel
  tellHeap(sender, id)
  const errors = errorQueueOf(channel)
  errors.claim(sender.claim)
  // It was on: somebody may have sent before, and the kernel goes on counting from there.
  if (before[0] !== 0) {
    reactor.serveOthers(channel) // see ReceiveErrors
    while (errors.drain() === MAX_RECORDS_AT_ONCE);
    sender.learn()
  }
  const end = (): void => linger(id, fd, sender, () => numbered.delete(cookie))
  channel.ensureExtras().guard = {
    get busy() {
      return !sender.idle
    },
    close: end,
  }
  channel.onGone(() => {
    if (sender.idle) numbered.delete(cookie) // given away
  })
  reclaimAfter(channel, end) // it is no less important when nobody closes it
  return true
}

function cookieOf(channel: Channel): bigint {
  const cookie = BigUint64Array.of(0n)
  const result = native.getsockopt(channel.id, SOL_SOCKET!, SO_COOKIE!, cookie, Int32Array.of(8))
  if (result < 0) throw systemError('getsockopt', result, { subject: 'SO_COOKIE' })
  return cookie[0]!
}

// The memory of a worker's heap is others' after its end, while the kernel may still send from it. That of a
// process that ends is nobody's until the kernel is done.
function tellHeap(sender: ZeroCopySender, id: number): void {
  if (!isMainThread) sender.onHeap = rented => void native.lentToKernel(id, rented ? 1 : 0)
}

/** What is to be done for one send, in either flavour: `run` is the driver. */
export interface Plan {
  /** A send that copies, where zero-copy would only cost. */
  ordinary: SendAll | null
  send: SendZeroCopy | null
  end: ZeroCopyEnd
  /** Both ends of it. */
  succeed(bytes: number): ZeroCopyResult
  fail(error: unknown): unknown
}

/** Checks everything, then takes the memory. Nothing is taken when this throws. */
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
  if (!owns(channel, sender) || byteLengthOf(view) === 0 || !sender.worthwhile())
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
      // Without a number all bytes were queued, and what failed was the wait for their end.
      const { bytesSent = send.rental.bytes.length } = error as { bytesSent?: number }
      withProgress(error as Error, bytesSent)
      sender.ended(bytesSent, send.copied)
      // What the kernel still reads cannot be given back.
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
 * A socket is closed, or was collected open, while the kernel sends from our memory. The descriptor goes, its
 * number is free; a duplicate that nobody sees keeps the connection until the kernel is done, so that what was
 * queued arrives and the memory is not reused before. The peer sees the end once it has all, as it would
 * anyway. It is not told before: another duplicate may go on with the connection. A peer that does not take it
 * within half a minute is cut off, and so is that duplicate.
 */
function linger(closing: number, fd: number, sender: ZeroCopySender, ended: () => void): void {
  if (sender.idle) return ended()
  let id: number
  try {
    id = reactor.adoptDuplicate(fd, 'dup')
  } catch {
    native.abort(closing)
    return ended()
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
    .finally(() => {
      ended()
      reactor.close(rest)
    })
    .catch(() => undefined) // nobody is left to hear of it
}

/** The driver with promises. A timeout of 0 is one for queueing the bytes: nothing but waiting tells their end. */
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
