import { EAGAIN } from '../errors/errno'
import { performance } from '../runtime/clock'
import type { Channel } from './channel'
import type { Operation } from './operation'

/** True if reads of this socket are repeated for some milliseconds before they wait: see `busyPoll`. */
export function spins(channel: Channel): boolean {
  return channel.extras !== null && channel.extras.spin > 0
}

/** Repeats an attempt until it does not return EAGAIN, at most for the time of the socket and of the operation. */
export function spin(channel: Channel, operation: Operation<unknown>, timeout: number | null): number {
  const end = performance.now() + Math.min(channel.ensureExtras().spin, timeout ?? Infinity)
  let result: number
  do result = operation.attempt()
  while (result === EAGAIN && performance.now() < end)
  return result
}
