import { types } from 'node:util'
import { uncaught } from './uncaught'

/*
 * Uses AbortSignals through the methods of their class, which are stored when this module loads. Own properties and
 * overridden methods of a signal are code of the caller, which must not run inside the reactor.
 */
const { getOwnPropertyDescriptor, getPrototypeOf } = Object
const { apply } = Reflect
const addEventListener = methodOf('addEventListener')
const removeEventListener = methodOf('removeEventListener')
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

/** Returns true if the signal is aborted. Throws for any other object. */
export const isAborted = Function.prototype.call.bind(getterOf('aborted')) as (signal: AbortSignal) => boolean

/** Returns true if the value is an AbortSignal, also one of another realm. `instanceof` checks only the prototype. */
export function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object') return false
  // The getter also accepts a Proxy of a signal, but later calls would run its traps: refuse every Proxy.
  for (let each: unknown = value; each !== null; each = getPrototypeOf(each)) {
    if (types.isProxy(each)) return false
  }
  try {
    isAborted(value as AbortSignal)
    return true
  } catch {
    return false
  }
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

/** A function to call when a signal is aborted. */
interface Entry {
  readonly listener: () => void
  previous: Entry | null
  next: Entry | null
  /** False after the call, and from the removal on. */
  waiting: boolean
}

/**
 * What one signal calls, as a list. An EventTarget searches all of its listeners to add or to remove one. With ten
 * thousand sockets that wait with the same signal, each wait would cost 60 us.
 */
class Entries {
  first: Entry | null = null
  last: Entry | null = null
  /** True while the signal has `call` as a listener. */
  heard = false
  readonly call = (): void => {
    this.heard = false // a program can dispatch the event itself, and abort the signal later
    for (let entry = this.first; entry !== null; entry = this.first) {
      this.remove(entry)
      const { waiting } = entry
      entry.waiting = false
      try {
        if (waiting) entry.listener()
      } catch (error) {
        uncaught(error) // the others are still called
      }
    }
  }

  add(entry: Entry): void {
    entry.previous = this.last
    if (this.last === null) this.first = entry
    else this.last.next = entry
    this.last = entry
  }

  remove(entry: Entry): void {
    if (entry.previous === null) this.first = entry.next
    else entry.previous.next = entry.next
    if (entry.next === null) this.last = entry.previous
    else entry.next.previous = entry.previous
  }
}

const entriesOf = new WeakMap<AbortSignal, Entries>()
// eslint-disable-next-line @typescript-eslint/unbound-method -- they are applied to their object
const { get, set } = WeakMap.prototype

/** Calls the listener once, when the signal is aborted. Returns a function that removes it and never throws. */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  let entries = apply(get, entriesOf, [signal]) as Entries | undefined
  if (entries === undefined) apply(set, entriesOf, [signal, (entries = new Entries())])
  if (!entries.heard) apply(addEventListener, signal, ['abort', entries.call, ONCE])
  entries.heard = true
  const entry: Entry = { listener, previous: null, next: null, waiting: true }
  entries.add(entry)
  return () => {
    if (!entry.waiting) return
    entry.waiting = false
    try {
      entries.remove(entry)
      if (entries.first !== null) return
      entries.heard = false // first: if the removal fails half way, the next wait adds `call` again
      apply(removeEventListener, signal, ['abort', entries.call])
    } catch {
      // The stack is used up, or the caller deleted the constructor, which Node needs to recognise an EventTarget: the
      // entry or `call` stays, without effect.
    }
  }
}
