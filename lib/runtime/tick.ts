import { executionAsyncResource } from 'node:async_hooks'
import { nextTick } from './clock'
import { engine } from './engine'

const { ownKeys } = Reflect
let called = false
let kept: object | null = null

/**
 * Keeps one of the objects that Node makes for each process.nextTick, from the first call on. Otherwise a full garbage
 * collection can find none of them, and V8 forgets their hidden class. In some runs of a program each tick then took 0.2 us longer,
 * a quarter of the time of `onMessage`; see bench/notes.md. Only what makes a tick for each message calls it: in a program with async hooks,
 * executionAsyncResource() makes each later callback of the process slower.
 */
export function keepTick(): void {
  // uncovered: the other branch is for Bun and Deno
  if (called || engine !== 'Node') return
  called = true
  nextTick(keep)
}

// A tick that holds something of the program, such as the store of an AsyncLocalStorage, is not kept.
function keep(): void {
  const tick = executionAsyncResource() as Record<PropertyKey, unknown>
  if (tick.callback !== keep) return // uncovered: only if Node's internals change
  const keys = ownKeys(tick)
  for (let i = 0; i < keys.length; i++) {
    const value = tick[keys[i]!]
    const holds = typeof value === 'function' ? value !== keep : typeof value === 'object' && value !== null
    if (holds) return
  }
  kept = tick
}

/** Returns the tick that is kept, if there is one. */
export const keptTick = (): object | null => kept
