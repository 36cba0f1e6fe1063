/*
 * The timers and clocks that the package uses, as they are when this module loads. Test tools (sinon, jest) replace the
 * global functions later. With a clock that stands still, operations would wait for ever.
 */
const { setTimeout, clearTimeout, setImmediate, queueMicrotask } = globalThis
const { hrtime } = process

/** The monotonic clock, in milliseconds. */
const performance = { now: globalThis.performance.now.bind(globalThis.performance) }

export { clearTimeout, hrtime, performance, queueMicrotask, setImmediate, setTimeout }
