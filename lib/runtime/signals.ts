import { types } from 'node:util'

/*
 * Uses AbortSignals through the methods of their class, which are stored when this module loads. Own properties and
 * overridden methods of a signal are code of the caller, which must not run inside the reactor.
 */
const { getOwnPropertyDescriptor, getPrototypeOf } = Object
const { apply } = Reflect
const addEventListener = methodOf('addEventListener')
const removeEventListener = methodOf('removeEventListener')
const getAborted = getterOf('aborted')
const getReason = getterOf('reason')
/** The options of addEventListener. Without a prototype, because addEventListener reads other options too. */
const ONCE = Object.freeze({ __proto__: null, once: true })

function methodOf(name: 'addEventListener' | 'removeEventListener'): () => unknown {
  return getOwnPropertyDescriptor(EventTarget.prototype, name)!.value as () => unknown
}

function getterOf(name: 'aborted' | 'reason'): () => unknown {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is applied to a signal
  return getOwnPropertyDescriptor(AbortSignal.prototype, name)!.get!
}

/** Returns true if the value is an AbortSignal, also one of another realm. `instanceof` checks only the prototype. */
export function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object') return false
  // The getter also accepts a Proxy of a signal, but later calls would run its traps: refuse every Proxy.
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

/** Returns true if the signal is aborted. */
export function isAborted(signal: AbortSignal): boolean {
  return apply(getAborted, signal, []) as boolean
}

/** Returns the reason of the abort. */
export function reasonOf(signal: AbortSignal): unknown {
  return apply(getReason, signal, [])
}

const gentle = new WeakSet<AbortSignal>()
// eslint-disable-next-line @typescript-eslint/unbound-method -- it is applied to its object
const { has } = WeakSet.prototype

/**
 * Makes a signal end waits only: a read that can complete at once still completes, before and after the abort. Data that
 * has arrived is then not lost to the reader.
 */
export function endWaitsOnly(signal: AbortSignal): void {
  gentle.add(signal)
}

/** Returns true if the signal ends waits only. */
export function endsWaitsOnly(signal: AbortSignal): boolean {
  return apply(has, gentle, [signal])
}

/** Calls the listener once, when the signal is aborted. Returns a function that removes it and never throws. */
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
      // The caller deleted the constructor, which Node needs to recognise an EventTarget: `tell` stays, without effect.
    }
  }
}
