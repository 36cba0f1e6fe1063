import { getEventListeners } from 'node:events'
import { onAbort } from '../../lib/runtime/signals'
import type * as signals from '../../lib/runtime/signals'
import { Socket } from '../../lib'
import { failure } from '../helpers/errors'

const make = (): { controller: AbortController; signal: AbortSignal; listeners: () => number } => {
  const controller = new AbortController()
  const { signal } = controller
  return { controller, signal, listeners: () => getEventListeners(signal, 'abort').length }
}

test('operations that wait with the same signal share one listener, and the last of them removes it', async () => {
  const { controller, signal, listeners } = make()
  const pairs = Array.from({ length: 50 }, () => Socket.pair())
  const received = pairs.map(([a]) => a.recv(1, { signal }))
  expect(listeners()).toBe(1)
  for (const [, b] of pairs) await b.send(Buffer.from('x'))
  for (const each of received) expect(String(await each)).toBe('x')
  expect(listeners()).toBe(0)
  const waiting = pairs.map(([a]) => failure(a.recv(1, { signal })))
  expect(listeners()).toBe(1)
  controller.abort()
  for (const each of waiting) expect((await each).name).toBe('AbortError')
  for (const [a, b] of pairs) {
    a.close()
    b.close()
  }
})

test('listeners are called in order, once each, and not after their removal', () => {
  const { controller, signal } = make()
  const called: number[] = []
  const forget = [0, 1, 2, 3, 4].map(i => onAbort(signal, () => void called.push(i)))
  for (const i of [0, 2, 4]) forget[i]!()
  forget[2]!() // a second removal does nothing
  const last = onAbort(signal, () => void called.push(5))
  controller.abort()
  for (const each of [...forget, last]) each()
  expect(called).toEqual([1, 3, 5])
})

test('a listener may remove itself and others while the signal is aborted', () => {
  const { controller, signal, listeners } = make()
  const called: number[] = []
  const forget: (() => void)[] = []
  const hear = (i: number, remove: number[]): void => {
    forget[i] = onAbort(signal, () => {
      called.push(i)
      for (const each of remove) forget[each]!()
    })
  }
  hear(0, [])
  hear(1, [0, 1, 2])
  hear(2, [])
  hear(3, [3])
  controller.abort()
  expect(called).toEqual([0, 1, 3])
  expect(listeners()).toBe(0)
})

test('an event that the program dispatches itself calls each listener, and the abort calls the later ones', () => {
  const { controller, signal } = make()
  const called: number[] = []
  onAbort(signal, () => void called.push(0))
  signal.dispatchEvent(new Event('abort'))
  onAbort(signal, () => void called.push(1))
  controller.abort()
  expect(called).toEqual([0, 1])
})

test('if the removal of the listener fails half way, the next wait adds it again', () => {
  const { prototype } = EventTarget
  const remove = Object.getOwnPropertyDescriptor(prototype, 'removeEventListener')!
  const fails = function (this: EventTarget, ...given: unknown[]): void {
    Reflect.apply(remove.value as () => void, this, given)
    throw new RangeError('Maximum call stack size exceeded')
  }
  Object.defineProperty(prototype, 'removeEventListener', { ...remove, value: fails })
  let hear = onAbort
  jest.isolateModules(() => {
    hear = jest.requireActual<typeof signals>('../../lib/runtime/signals').onAbort
  })
  Object.defineProperty(prototype, 'removeEventListener', remove)
  const { controller, signal } = make()
  hear(signal, () => {})()
  let called = 0
  hear(signal, () => called++)
  controller.abort()
  expect(called).toBe(1)
})
