import { closed, systemError, timedOut } from '../errors'
import { native } from '../binding/binding'
import { reactor } from './index'
import { EAGAIN, EINTR } from '../errors/errno'
import { DIRECT } from '../binding/memory'
import { YIELD, type Operation } from './operation'
import type { Channel } from './channel'
import { STATE_ADDRESS, WRITE, ERROR } from '../binding/shared'
import { POLLIN, POLLOUT } from '../constants'
import { performance } from '../runtime/clock'

const MAX_BACKOFF = 16
/** The longest pause after readiness that led to no progress, as a power of two: 16 ms. */
export const MAX_STALL = 4
/** Milliseconds that one call of poll(2) may sleep. A worker can be terminated only between two calls into C++. */
export const SLICE = 200
/** A call of poll(2) that took at least this many milliseconds has waited, and was not ready at once. */
export const WAITED = 0.5
/** An empty set for poll(2), which then only sleeps. */
export const noDescriptors: Int32Array = new Int32Array(0)

/**
 * Runs an operation on the calling thread until it ends, and blocks the thread meanwhile. It waits with poll(2)
 * against a monotonic deadline, so a POSIX signal does not change the length of the wait.
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
      sleep(noDescriptors, backoff)
      backoff = Math.min(backoff * 2, MAX_BACKOFF)
    } else {
      const { progress } = operation
      idle = progress === moved ? idle + 1 : 0
      moved = progress
      // poll(2) may return at once each time, without progress: unread error records, a hang-up, spurious readiness.
      // Pause between the calls, so that the loop does not use the whole CPU.
      if (idle > 2) sleep(noDescriptors, 1 << Math.min(idle - 2, MAX_STALL))
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

/** Returns a timeout for poll(2), rounded up: 0 would return at once, and the caller would spin. */
export function milliseconds(wait: number): number {
  return wait === Infinity ? -1 : Math.min(Math.ceil(wait), 0x7fffffff)
}

/** Waits with poll(2) for `wait` milliseconds, in slices. Returns early when a descriptor is ready. */
export function pollFor(descriptors: Int32Array, wait: number): void {
  for (let left = wait; ; left -= SLICE) {
    const result = native.poll(descriptors, milliseconds(Math.min(left, SLICE)))
    if (result < 0 && result !== EINTR) throw systemError('poll', result)
    if (result !== 0 || left <= SLICE) return
  }
}
