const { apply } = Reflect
// eslint-disable-next-line @typescript-eslint/unbound-method -- it is applied to its object
const { then } = Promise.prototype

/**
 * Calls one of the functions when the promise has settled. Uses the original `then`, saved when this module loads: if
 * other code breaks it later, no data and no callback is lost.
 */
export function whenSettled<T>(
  promise: Promise<T>,
  fulfilled: (value: T) => void,
  rejected?: (reason: unknown) => void,
): void {
  apply(then, promise, [fulfilled, rejected])
}
