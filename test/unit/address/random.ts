/** A small seeded generator (mulberry32), so that a failure can be repeated. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }

  /** Returns an integer n with 0 ≤ n < limit. */
  below(limit: number): number {
    return this.u32() % limit
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256))
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T
  }

  /** Returns up to `longest` characters of the alphabet. */
  text(alphabet: string, longest: number): string {
    return Array.from({ length: this.below(longest + 1) }, () => this.pick([...alphabet])).join('')
  }
}
