import { AsyncResource } from 'node:async_hooks'

/**
 * Runs the caller's function in the async context of this call, whatever event leads to it: an AsyncLocalStorage would
 * otherwise have the store of another caller, or none.
 */
export function inContext<Arguments extends unknown[], Result>(
  listener: (...args: Arguments) => Result,
): (...args: Arguments) => Result {
  const context = new AsyncResource('bsd-sockets')
  return (...args) => context.runInAsyncScope(listener, undefined, ...args)
}
