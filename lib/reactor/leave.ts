import { aborted, timedOut } from '../errors'
import { clearTimeout, setTimeout } from '../runtime/clock'
import { endsWaitsOnly, onAbort } from '../runtime/signals'
import { needStack } from '../runtime/stack'
import type { Channel } from './channel'
import type { Leave, Operation } from './operation'

/*
 * How an operation leaves its queue early: a timeout or a signal. The reactor does what these functions decide.
 */

/** What the reactor does when a timer or a signal fires. */
interface Driver {
  serveOthers(channel: Channel): void
  cancel(channel: Channel, operation: Operation<unknown>, reason: Error): void
}

/**
 * Cancels the operation after `timeout` milliseconds, or when the signal is aborted. May throw. A timer or a listener that
 * could not be removed has no effect: the operation, which may be in use again, has another `leave` then.
 */
export function setLeave(
  driver: Driver,
  channel: Channel,
  operation: Operation<unknown>,
  timeout: number | null,
  signal: AbortSignal | undefined,
): void {
  needStack() // or nothing could stop a timer of a call that failed
  const leave: Leave = (operation.leave = { timer: null, forget: null, reason: null })
  // The signal first, because onAbort may throw: no timer must be left running then.
  if (signal !== undefined)
    leave.forget = onAbort(signal, () => {
      if (operation.leave !== leave) return
      if (endsWaitsOnly(signal)) driver.serveOthers(channel)
      driver.cancel(channel, operation, aborted(signal))
    })
  if (timeout !== null) {
    leave.timer = setTimeout(() => {
      if (operation.leave === leave) driver.cancel(channel, operation, timedOut(operation.syscall, timeout))
    }, timeout)
    if (!channel.refed) leave.timer.unref()
  }
}

/** Stops the timer and removes the listener from the signal: the operation has left its queue. May throw. */
export function clearLeave(operation: Operation<unknown>): void {
  if (operation.leave === null) return
  const { timer, forget } = operation.leave
  operation.leave = null
  if (timer !== null) clearTimeout(timer)
  forget?.()
}

/**
 * Gives work on another thread some time to end first: the `grace` of the operation. Then calls `quit`. Returns false if
 * there is no work to wait for.
 */
export function waitForJob(operation: Operation<unknown>, reason: Error, quit: () => void): boolean {
  if (!operation.busy || operation.grace === 0) return false
  const leave = (operation.leave ??= { timer: null, forget: null, reason: null })
  if (leave.reason !== null) return true
  leave.reason = reason
  if (leave.timer !== null) clearTimeout(leave.timer)
  leave.timer = setTimeout(quit, operation.grace)
  return true
}
