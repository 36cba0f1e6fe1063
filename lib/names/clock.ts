import { native } from '../binding/binding'
import { systemError } from '../errors'

const now = new Int32Array(3)

/** The clock of the kernel's timestamps. */
export const clock = {
  /**
   * Returns the time in nanoseconds since 1970, from the clock of software timestamps (CLOCK_REALTIME), to compare with
   * `meta.timestamp` and `record.timestamp`. clock_gettime(2)
   *
   * The clock can jump when the system time is set. `Date.now()` is the same clock in milliseconds.
   */
  realtimeNs(): bigint {
    const result = native.realtime(now)
    if (result < 0) throw systemError('clock_gettime', result) // uncovered: the kernel always has this clock
    const seconds = (BigInt(now[1]!) << 32n) | BigInt(now[0]! >>> 0)
    return seconds * 1_000_000_000n + BigInt(now[2]!)
  },
}
