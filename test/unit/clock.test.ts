/* Timers beyond 2^31-1 ms. Node would fire them after 1 ms, and print a warning. */
interface Started {
  run: () => void
  delay: number
  refreshed: number
}

/** Loads the clock with a setTimeout of Node that only records its calls. */
function load(): { set: (call: () => void, delay: number) => unknown; started: Started[] } {
  const started: Started[] = []
  const real = globalThis.setTimeout
  const timer = (run: () => void, delay: number): unknown => {
    const one = { run, delay, refreshed: 0 }
    started.push(one)
    return { refresh: () => one.refreshed++ }
  }
  globalThis.setTimeout = timer as never
  try {
    let set: unknown
    jest.isolateModules(() => {
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- a second copy of the module
      set = (require('../../lib/runtime/clock') as { setTimeout: unknown }).setTimeout
    })
    return { set: set as never, started }
  } finally {
    globalThis.setTimeout = real
  }
}

test.each([0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 33, 1e11])(
  'a timer of %p ms fires once, after that time',
  milliseconds => {
    const { set, started } = load()
    const fired = jest.fn()
    set(fired, milliseconds)
    expect(started).toHaveLength(1)
    const one = started[0]!
    expect(one.delay).toBeLessThanOrEqual(2 ** 31 - 1)
    let waited = one.delay
    for (one.run(); fired.mock.calls.length === 0; one.run()) waited += one.delay
    expect(waited).toBeGreaterThanOrEqual(milliseconds)
    expect(waited - milliseconds).toBeLessThan(100)
    expect(one.refreshed).toBe(Math.round(waited / (one.delay || 1)) - (one.delay === 0 ? 0 : 1))
  },
)

test('a timer of the longest possible time stays armed', () => {
  const { set, started } = load()
  const fired = jest.fn()
  set(fired, Number.MAX_VALUE)
  for (let i = 0; i < 1000; i++) started[0]!.run()
  expect([fired.mock.calls.length, started[0]!.refreshed]).toEqual([0, 1000])
})
