import { types } from 'node:util'

/*
 * AbortSignals, by what the class itself has. Everything is taken when this module loads: own properties and
 * overridden methods of a signal are the caller's code, and that must not run inside the reactor.
 */
const { getOwnPropertyDescriptor, getPrototypeOf } = Object
const { apply } = Reflect
const addEventListener = methodOf('addEventListener')
const removeEventListener = methodOf('removeEventListener')
const getAborted = getterOf('aborted')
const getReason = getterOf('reason')
/** It inherits nothing: addEventListener reads more options than this one. */
const ONCE = Object.freeze({ __proto__: null, once: true })

function methodOf(name: 'addEventListener' | 'removeEventListener'): () => unknown {
  return getOwnPropertyDescriptor(EventTarget.prototype, name)!.value as () => unknown
}

function getterOf(name: 'aborted' | 'reason'): () => unknown {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is applied to a signal
  return getOwnPropertyDescriptor(AbortSignal.prototype, name)!.get!
}

/** Whether the value is an AbortSignal, of whatever context. `instanceof` believes the prototype. */
export function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object') return false
  // The getter reads through a Proxy, whose traps would run at each later use.
  for (let each: unknown = value; each !== null; each = getPrototypeOf(each)) {
    if (types.isProxy(each)) return false
  }
  try {
    apply(getAborted, value, [])
    return true
  } catch {
    return false
  }
}

/** Whether the signal has fired. */
export function isAborted(signal: AbortSignal): boolean {
  return apply(getAborted, signal, []) as boolean
}

/** Why the signal fired. */
export function reasonOf(signal: AbortSignal): unknown {
  return apply(getReason, signal, [])
}

/** Calls the listener once, when the signal fires. The function that this returns takes it back and never throws. */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  let waiting = true
  const tell = (): void => {
    if (waiting) listener()
  }
  apply(addEventListener, signal, ['abort', tell, ONCE])
  return () => {
    waiting = false
    try {
      apply(removeEventListener, signal, ['abort', tell])
    } catch {
      // The caller took away the constructor, by which Node knows an EventTarget: `tell` stays and does nothing.
    }
  }
}
