import { aborted, canceled, closed, systemError, unsupported } from '../errors'
import { native, platform, reactor } from '../internal/environment'
import { isMainThread } from 'node:worker_threads'
import { reclaimAfter } from '../internal/finalizer'
import { Channel } from '../internal/reactor'
import type { Waiting } from '../internal/validate'
import { errorQueueOf } from '../ops/errors'
import { SendAll } from '../ops/send'
import { SendZeroCopy, ZeroCopyEnd } from '../ops/zerocopy'
import { checkRentable, rent } from './memory'
import { ZeroCopySend, ZeroCopySender } from './sender'

const { SOL_SOCKET, SO_ZEROCOPY, SO_LINGER, SHUT_RDWR } = platform.constants
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

/** The sender of a channel; the first one asks the kernel for permission. */
export function senderOf(channel: Channel): ZeroCopySender {
  const known = channel.rare?.zeroCopy ?? null
  if (known !== null) return known
  if (SO_ZEROCOPY === undefined) throw unsupported('MSG_ZEROCOPY', 'send')
  if (channel.fd < 0) throw closed('send')
  const result = native.setsockopt(channel.id, SOL_SOCKET!, SO_ZEROCOPY, Int32Array.of(1), 4)
  if (result < 0) throw systemError('setsockopt', result, { subject: 'SO_ZEROCOPY' })
  const sender = new ZeroCopySender()
  const { id, fd } = channel
  tellHeap(sender, id)
  errorQueueOf(channel).claim(sender.claim)
  const end = (): void => linger(id, fd, sender)
  channel.some.guard = {
    get busy() {
      return !sender.idle
    },
    close: end,
  }
  reclaimAfter(channel, end) // it is no less important when nobody closes it
  return (channel.some.zeroCopy = sender)
}

// The memory of a worker's heap is others' after its end, while the kernel may still send from it. That of a
// process that ends is nobody's until the kernel is done.
function tellHeap(sender: ZeroCopySender, id: number): void {
  if (!isMainThread) sender.onHeap = rented => void native.rented(id, rented ? 1 : 0)
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
  if (signal?.aborted === true) throw aborted(signal)
  const sender = senderOf(channel)
  if (view.byteLength === 0 || !sender.worthwhile()) return planOrdinary(channel, view, flags, stream, sender)
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
      sender.ended((error as { bytesSent?: number }).bytesSent ?? send.rental.bytes.length, send.copied)
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
  const { buffer, byteOffset, byteLength } = view
  return {
    ordinary: new SendAll(channel, view, flags, stream),
    send: null,
    end: new ZeroCopyEnd(channel, () => true),
    succeed() {
      sender.ended(byteLength, true)
      const same = view instanceof Uint8Array ? view : new Uint8Array(buffer, byteOffset, byteLength)
      return { bytes: byteLength, copied: true, buffer: same }
    },
    fail: error => error,
  }
}

/*
 * A socket is closed, or was collected open, while the kernel sends from our memory. The descriptor goes, its number is free; a
 * duplicate that nobody sees keeps the connection until the kernel is done, so that what was queued arrives
 * and the memory is not reused before. A peer that does not take it within half a minute is cut off.
 */
function linger(closing: number, fd: number, sender: ZeroCopySender): void {
  if (sender.idle) return
  let id: number
  try {
    id = reactor.hold(fd, 'dup')
  } catch {
    reset(closing)
    return
  }
  const rest = new Channel(id, fd)
  tellHeap(sender, id)
  if (sender.heap) sender.onHeap(true)
  errorQueueOf(rest).claim(sender.claim)
  reactor.setRef(rest, false)
  native.shutdown(id, SHUT_RDWR!)
  const end = new ZeroCopyEnd(rest, () => sender.idle)
  void reactor
    .submit(rest, end, LINGER_MS, undefined)
    .catch(() => reset(id))
    .finally(() => reactor.close(rest))
}

function reset(id: number): void {
  native.setsockopt(id, SOL_SOCKET!, SO_LINGER!, Int32Array.of(1, 0), 8)
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
