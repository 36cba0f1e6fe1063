import { queueMicrotask } from './clock'

/** Throws an error from a microtask, as an uncaught exception, so that the code that runs now continues. */
export function uncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
