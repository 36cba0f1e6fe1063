import { AsyncResource } from 'node:async_hooks'

const { apply } = Reflect

/**
 * Returns a function that runs `listener` in the async context of this call. Otherwise an AsyncLocalStorage in the
 * listener would have the store of another caller, or none.
 */
export function inContext<Arguments extends unknown[], Result>(
  listener: (...args: Arguments) => Result,
): (...args: Arguments) => Result {
  const context = new AsyncResource('bsd-sockets')
  // Spreading the arguments would run a changed iterator of arrays.
  return (...args) => context.runInAsyncScope(apply, undefined, listener, undefined, args) as Result
}
