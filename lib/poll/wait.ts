import { aborted, systemError, type SocketError } from '../errors'
import { native } from '../binding/binding'
import { reactor } from '../reactor'
import { EAGAIN, EINTR } from '../errors/errno'
import { Operation } from '../reactor/operation'
import { MAX_STALL, milliseconds, noDescriptors, pollFor, SLICE, WAITED } from '../reactor/blocking'
import type { PollSet } from './set'
import { Channel } from '../reactor/channel'
import { READ } from '../binding/shared'
import { performance, setImmediate } from '../runtime/clock'
import { isAborted } from '../runtime/signals'
import type { Waiting } from '../validators'

/**
 * Polls a set. The reactor waits on one descriptor, a poller that is readable while any element of the set is ready.
 */
class PollMany extends Operation<void> {
  constructor(private readonly set: PollSet) {
    super()
  }

  get direction(): typeof READ {
    return READ
  }

  get syscall(): string {
    return 'poll'
  }

  attempt(): number {
    const ready = this.set.look(0)
    return ready === 0 ? EAGAIN : ready
  }

  value(): void {}

  failure(result: number): Error {
    return systemError('poll', result)
  }
}

/** How many calls in a row may resolve at once before the event loop gets a turn. */
const BUDGET = 64
let budget = BUDGET

/**
 * Waits until an element of the set is ready, a socket of the set is closed, or the timeout expires. Afterwards the set
 * has the result.
 */
export async function waitFor(set: PollSet, { timeout, signal }: Waiting): Promise<void> {
  const deadline = timeout === null ? Infinity : performance.now() + timeout
  if (--budget <= 0) {
    await new Promise(resolve => setImmediate(resolve))
    budget = BUDGET
  }
  if (signal !== undefined && isAborted(signal)) throw aborted(signal)
  const ready = set.look(0)
  if (ready < 0) throw systemError('poll', ready)
  if (ready > 0 || timeout === 0) return
  const channel = gather(set)
  const wake = new Error('a socket of the set was closed, or keeps received data')
  let operation: PollMany
  const onWake = (): void => reactor.cancel(channel, operation, wake)
  const watches = set.channels.flatMap(each => [each.onGone(onWake), each.onKept(onWake)])
  try {
    for (;;) {
      operation = new PollMany(set)
      const left = deadline === Infinity ? null : Math.max(deadline - performance.now(), 0.001)
      try {
        return await reactor.submit(channel, operation, left, signal)
      } catch (error) {
        const early = (error as SocketError).code === 'ERR_SOCKET_TIMEOUT'
        if (error !== wake && !early) throw error
        // A timer of Node may fire early: then wait again. If it was in time, look once more at what is ready now.
        if (set.look(0) > 0 || performance.now() >= deadline) return
      }
    }
  } finally {
    for (const unwatch of watches) unwatch()
    reactor.close(channel)
  }
}

function gather(set: PollSet): Channel {
  reactor.makeRoom()
  const fd = set.gather()
  if (fd < 0) throw systemError('poll', fd)
  const result = native.adoptAsIs(fd)
  if (result >= 0) return new Channel(result, fd)
  native.closeFd(fd)
  throw systemError('poll', result)
}

/** Blocks the calling thread until an element of the set is ready or the timeout expires. */
export function blockOn(set: PollSet, timeout: number | null): void {
  const deadline = timeout === null ? Infinity : performance.now() + timeout
  for (let idle = 0; ; idle++) {
    const left = deadline - performance.now()
    // An event that was not requested, such as a hang-up, makes poll return at once each time: pause in between.
    if (idle > 1 && left > 0) pollFor(noDescriptors, Math.min(left, 1 << Math.min(idle, MAX_STALL)))
    const begin = performance.now()
    const ready = set.look(milliseconds(Math.max(0, Math.min(SLICE, deadline - begin))))
    if (ready > 0) return
    if (ready < 0 && ready !== EINTR) throw systemError('poll', ready)
    const now = performance.now()
    if (ready === 0 && now >= deadline) return
    if (now - begin > WAITED) idle = 0
  }
}
