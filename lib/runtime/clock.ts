/*
 * The timers and clocks that the package uses, as they are when this module loads. Test tools (sinon, jest) replace the
 * global functions later. With a clock that stands still, operations would wait for ever.
 */
const { setTimeout: startTimer, clearTimeout, setImmediate, queueMicrotask } = globalThis
const { hrtime } = process
const nextTick = process.nextTick.bind(process)

/** The monotonic clock, in milliseconds. */
const performance = { now: globalThis.performance.now.bind(globalThis.performance) }

/** The longest time of a timer in milliseconds, 24.8 days. Node fires a longer one after 1 ms. */
const MAX_TIMER = 0x7fffffff

/** Calls `callback` after `milliseconds`, rounded up. The time has no limit: a longer timer is armed several times. */
function setTimeout(callback: () => void, milliseconds: number): NodeJS.Timeout {
  if (milliseconds <= MAX_TIMER) return startTimer(callback, Math.ceil(milliseconds)) // 0.1 ms must not become 0
  // All parts are equally long, because `refresh` cannot change the time of a timer. It keeps `ref` and `unref`.
  let parts = Math.ceil(milliseconds / MAX_TIMER)
  const timer = startTimer(
    () => {
      if (--parts > 0) timer.refresh()
      else callback()
    },
    Math.ceil(milliseconds / parts),
  )
  return timer
}

export { clearTimeout, hrtime, nextTick, performance, queueMicrotask, setImmediate, setTimeout }
