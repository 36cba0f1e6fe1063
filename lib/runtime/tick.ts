import { executionAsyncResource } from 'node:async_hooks'
import { nextTick } from './clock'
import { engine } from './engine'

let kept: object | null = null

/*
 * Node makes an object for each process.nextTick. If a full garbage collection finds none of them, V8 forgets their hidden
 * class, and from then on each tick takes 0.2 us longer: a quarter of the time of `onMessage`. So one is kept from the start,
 * unless it holds an object of the program, such as the store of an AsyncLocalStorage.
 */
if (engine === 'Node') nextTick(keep)

function keep(): void {
  const tick = executionAsyncResource()
  const holds = Reflect.ownKeys(tick).some(key => typeof Reflect.get(tick, key) === 'object')
  if (!holds) kept = tick
}

/** Returns the tick that is kept, if there is one. */
export const keptTick = (): object | null => kept
