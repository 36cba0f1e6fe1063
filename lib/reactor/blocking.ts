import { closed, systemError, timedOut } from '../errors'
import { native } from '../binding/binding'
import { reactor } from './index'
import { EAGAIN, EINTR } from '../errors/errno'
import { DIRECT } from '../binding/memory'
import { YIELD, type Operation } from './operation'
import type { Channel } from './channel'
import { STATE_ADDRESS, WRITE, ERROR } from '../binding/shared'

const POLLIN = native.constants.POLLIN!
const POLLOUT = native.constants.POLLOUT!
const MAX_BACKOFF = 16
export const MAX_STALL = 4 // powers of two: 16 ms
/**
 * How long one call may sleep: a worker is terminated, and a process ended, only between two calls into C++.
 */
export const SLICE = 200
/** What took so many milliseconds was a wait. */
export const WAITED = 0.5
export const nobody = new Int32Array(0)

/**
 * The blocking driver: runs an operation to its end on the calling thread. poll(2) waits, against a
 * monotonic deadline, so a signal neither shortens nor lengthens the wait.
 */
export function block<T>(channel: Channel, operation: Operation<T>, timeout: number | null): T {
  if (channel.fd < 0) throw operation.abandon(closed(operation.syscall))
  const deadline = timeout === null ? Infinity : performance.now() + timeout
  let backoff = 1
  let idle = 0
  let moved = -1
  for (;;) {
    const result = attempt(operation)
    if (result >= 0) return operation.value(result, -1, DIRECT, reactor.memory.state[STATE_ADDRESS]!)
    if (result === YIELD) continue
    if (result !== EAGAIN || timeout === 0) throw operation.abandon(operation.failure(result))
    if (deadline <= performance.now()) throw operation.abandon(timedOut(operation.syscall, timeout!))
    const sleep = (descriptors: Int32Array, max: number): void => {
      try {
        operation.hold()
        pollFor(descriptors, Math.max(0, Math.min(deadline - performance.now(), max)))
      } catch (error) {
        throw operation.abandon(error as Error)
      }
    }
    if (operation.direction === WRITE && operation.spurious) {
      sleep(nobody, backoff)
      backoff = Math.min(backoff * 2, MAX_BACKOFF)
    } else {
      const { progress } = operation
      idle = progress === moved ? idle + 1 : 0
      moved = progress
      // An error queue that nobody reads, an end that somebody else is to hear of, or a readiness that lies makes
      // poll return at once, again and again.
      if (idle > 2) sleep(nobody, 1 << Math.min(idle - 2, MAX_STALL))
      const begin = performance.now()
      sleep(Int32Array.of(channel.fd, eventsOf(operation), 0), Infinity)
      if (performance.now() - begin > WAITED) idle = 0
    }
  }
}

function attempt(operation: Operation<unknown>): number {
  try {
    return operation.attempt()
  } catch (error) {
    throw operation.abandon(error as Error)
  }
}

function eventsOf(operation: Operation<unknown>): number {
  if (operation.direction === WRITE) return POLLOUT
  return operation.direction === ERROR ? 0 : POLLIN // poll always reports POLLERR
}

// Rounded up: a wait of a fraction of a millisecond must not become a spin.
export function milliseconds(wait: number): number {
  return wait === Infinity ? -1 : Math.min(Math.ceil(wait), 0x7fffffff)
}

export function pollFor(descriptors: Int32Array, wait: number): void {
  for (let left = wait; ; left -= SLICE) {
    const result = native.poll(descriptors, milliseconds(Math.min(left, SLICE)))
    if (result < 0 && result !== EINTR) throw systemError('poll', result)
    if (result !== 0 || left <= SLICE) return
  }
}
