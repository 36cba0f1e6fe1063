import { nextTick } from '../../runtime/clock'
import type { SendCallback } from './arguments'
import { callError } from './errors'

/** Reports the result of a send to its callback. Without a callback an error is ignored, as in node:dgram. */
export function finish(
  result: number,
  callback: SendCallback | undefined,
  host?: string,
  port?: number,
): void {
  if (callback === undefined) return
  if (result >= 0) nextTick(callback, null, result)
  else nextTick(callback, callError('send', result, host, port))
}
