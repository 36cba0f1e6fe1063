import type { Native } from '../../../lib/binding/binding'
import { READ } from '../../../lib/binding/shared'
import { Channel } from '../../../lib/reactor/channel'
import { Operation } from '../../../lib/reactor/operation'
import type * as turnsModule from '../../../lib/reactor/turns'
import { Waiting } from '../../../lib/reactor/waiting'

// Any call throws if the caller has used up the stack. The same call succeeds later.
const usedUp = (): never => {
  throw new RangeError('Maximum call stack size exceeded')
}

class Read extends Operation<number> {
  readonly direction = READ
  readonly syscall = 'read'
  attempt = (): number => 0
  value = (result: number): number => result
  failure = (): Error => new Error()
}

// The package stores the functions of the clock when it is loaded.
function turnsWith(setImmediate: typeof globalThis.setImmediate): typeof turnsModule {
  let turns!: typeof turnsModule
  const real = globalThis.setImmediate
  globalThis.setImmediate = setImmediate
  jest.isolateModules(() => (turns = jest.requireActual<typeof turnsModule>('../../../lib/reactor/turns')))
  globalThis.setImmediate = real
  return turns
}

test('a socket that could not be deferred is deferred by the next call', async () => {
  const { Turns } = turnsWith(
    jest.fn(setImmediate).mockImplementationOnce(usedUp) as unknown as typeof setImmediate,
  )
  const served = new Promise<Channel>(resolve => {
    const poller = { deferRead: jest.fn(), disarm: jest.fn() }
    const turns = new Turns(poller, resolve)
    const channel = new Channel(0, 3)
    expect(() => turns.defer(channel, READ)).toThrow(RangeError)
    turns.defer(channel, READ)
  })
  expect((await served).fd).toBe(3)
})

test('unref() that failed can be repeated', () => {
  const ref = jest.fn()
  const waiting = new Waiting({ ref } as unknown as Native)
  const channel = new Channel(0, 3)
  waiting.add(channel, new Read())
  ref.mockImplementationOnce(usedUp)
  expect(() => waiting.setRef(channel, false)).toThrow(RangeError)
  waiting.setRef(channel, false)
  expect(ref.mock.calls).toEqual([[true], [false], [false]])
})

// The constructor of a promise rejects it if the executor throws, and then no function of this promise is known.
test('an operation without a promise settles no promise of another operation', async () => {
  const settled = jest.fn()
  const other = new Read()
  other.promise().then(settled, settled)
  const real = globalThis.Promise
  const operation = new Read()
  globalThis.Promise = function () {
    return real.reject(new RangeError('Maximum call stack size exceeded'))
  } as unknown as PromiseConstructor
  const promise = operation.promise()
  globalThis.Promise = real
  await expect(promise).rejects.toThrow(RangeError)
  expect([operation.settles, other.settles]).toEqual([false, true])
  expect(() => operation.reject(new Error())).toThrow('not submitted')
  await Promise.resolve()
  expect(settled).not.toHaveBeenCalled()
})
