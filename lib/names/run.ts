import { aborted, systemError, timedOut } from '../errors'
import { native } from '../binding/binding'
import { reactor } from '../reactor'
import { EAGAIN } from '../errors/errno'
import { clearTimeout, setTimeout } from '../runtime/clock'
import { isAborted, onAbort } from '../runtime/signals'
import { needStack } from '../runtime/stack'
import type { Waiting } from '../validators'
import { inNamespace } from '../reactor/namespace'
import type { Lookup } from './lookup'
import { readReply } from './reply'

/** Runs a lookup on the calling thread, and blocks it. */
export function runNow<T>(lookup: Lookup<T>): T {
  const { kind, first, second, numbers } = lookup
  return answer(lookup, native.lookup(kind, first, second, ...numbers))
}

/** Runs a lookup in a network namespace, and blocks the calling thread. */
export function runIn<T>(lookup: Lookup<T>, netns: number | string): T {
  const { kind, first, second, numbers } = lookup
  const size = inNamespace(netns, namespace => native.lookupIn(namespace, kind, first, second, ...numbers))
  return answer(lookup, size)
}

/**
 * Runs a lookup on another thread. A lookup that has started cannot be stopped: after a timeout or an abort it runs
 * to its end, and its result is ignored. The process stays alive until then.
 */
export function runLater<T>(lookup: Lookup<T>, { timeout, signal }: Waiting): Promise<T> {
  const { call, kind, first, second, numbers } = lookup
  if (signal !== undefined && isAborted(signal)) return Promise.reject(aborted(signal))
  if (timeout === 0) return Promise.reject(systemError(call, EAGAIN))
  needStack() // or nothing could stop a timer of a call that failed
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    let unsubscribe: (() => void) | null = null
    let forget: (() => void) | null = null
    const leave = (reason: Error): void => {
      forget?.()
      done()
      reject(reason)
    }
    const done = (): void => {
      clearTimeout(timer)
      unsubscribe?.()
    }
    const settle = (result: number): void => {
      done()
      try {
        resolve(answer(lookup, result))
      } catch (error) {
        reject(error as Error)
      }
    }
    try {
      if (signal !== undefined) unsubscribe = onAbort(signal, () => leave(aborted(signal)))
      forget = reactor.jobs.submit(
        ticket => native.lookupJob(ticket, kind, first, second, ...numbers),
        settle,
      )
      if (timeout !== null) timer = setTimeout(() => leave(timedOut(call, timeout)), timeout)
    } catch (error) {
      leave(error as Error)
    }
  })
}

function answer<T>(lookup: Lookup<T>, size: number): T {
  if (size < 0) throw systemError(lookup.call, size)
  const bytes = Buffer.from(new ArrayBuffer(size)) // not from the pool: the integers must be aligned
  native.takeReply(bytes)
  const { status, error, entries } = readReply(bytes)
  if (status !== 0) throw lookup.failure(status, error)
  return lookup.value(entries)
}

/** Work that is made of lookups and pauses: yields a lookup, or milliseconds to wait. Its caller makes them. */
export type Steps<T> = Generator<Lookup<unknown> | number, T, unknown>

/** Runs the work. Its lookups run on other threads. */
export async function driveLater<T>(steps: Steps<T>, waiting: Waiting): Promise<T> {
  let step = steps.next()
  while (step.done !== true) {
    let result: unknown
    try {
      const { value } = step
      result = typeof value === 'number' ? await sleep(value) : await runLater(value, waiting)
    } catch (error) {
      step = steps.throw(error)
      continue
    }
    step = steps.next(result)
  }
  return step.value
}

/** Runs the work on the calling thread, and blocks it. */
export function driveNow<T>(steps: Steps<T>): T {
  let step = steps.next()
  while (step.done !== true) {
    let result: unknown
    try {
      const { value } = step
      result = typeof value === 'number' ? Atomics.wait(pause, 0, 0, value) : runNow(value)
    } catch (error) {
      step = steps.throw(error)
      continue
    }
    step = steps.next(result)
  }
  return step.value
}

const pause = new Int32Array(new SharedArrayBuffer(4))

function sleep(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}
