'use strict'

/** mulberry32: returns the same numbers for the same seed. */
class Random {
  constructor(seed) {
    this.state = seed | 0
  }

  u32() {
    this.state = (this.state + 0x6d2b79f5) | 0
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }

  /** 0 ≤ n < limit */
  below(limit) {
    return this.u32() % limit
  }

  chance(percent) {
    return this.below(100) < percent
  }

  pick(list) {
    return list[this.below(list.length)]
  }

  /** Returns a separate generator, because concurrent tasks must not share one. */
  fork() {
    return new Random(this.u32())
  }
}

module.exports = { Random }
