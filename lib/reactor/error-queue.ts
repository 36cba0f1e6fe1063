import type { ErrorRecord } from '../errqueue/record'

/** One drain reads no more than this; a reader gets no more at once. */
export const MAX_RECORDS_AT_ONCE = 64
/** How many records wait for a reader when somebody else is draining the queue. */
const KEPT = 1024

const never = (): boolean => false

/** Sees every record before the readers; true takes it. */
export type Claim = (record: ErrorRecord) => boolean

/**
 * The one place where a channel's error queue is read. The kernel has a single queue for ICMP errors,
 * timestamps and the ends of zero-copy sends, while each of these is awaited by somebody else: whoever drains
 * it drains it for all. What a claim takes goes there, the rest waits for the readers in its order.
 */
export class ErrorQueue {
  readonly #read: () => ErrorRecord | number
  readonly #claims = new Set<Claim>()
  #kept: ErrorRecord[] = []
  /** Records read so far, by whomever. */
  handed = 0

  /** `read` gives the next record, or −errno: EAGAIN when there is none. */
  constructor(read: () => ErrorRecord | number) {
    this.#read = read
  }

  /** Routes what the function takes past the readers, until the returned function is called. */
  claim(claim: Claim): () => void {
    this.#claims.add(claim)
    return () => void this.#claims.delete(claim)
  }

  /** Records that wait for a reader. */
  get size(): number {
    return this.#kept.length
  }

  /**
   * Reads what is there, a bounded number of records, and hands it out: how many, or −errno for none. Whoever has got
   * what he waits for has had enough: what is left is there for the next one, who reads before he waits.
   */
  drain(enough: () => boolean = never): number {
    for (let count = 0; count < MAX_RECORDS_AT_ONCE; count++) {
      const record = this.#read()
      if (typeof record === 'number') return count > 0 ? count : record
      this.#hand(record)
      if (enough()) return count + 1
    }
    return MAX_RECORDS_AT_ONCE
  }

  /** The oldest records, which are the caller's now. */
  take(max: number): ErrorRecord[] {
    return this.#kept.splice(0, max)
  }

  #hand(record: ErrorRecord): void {
    this.handed++
    for (const claim of this.#claims) if (claim(record)) return
    // Nobody reads: the oldest is the least interesting.
    if (this.#kept.push(record) > KEPT) this.#kept.shift()
  }
}
