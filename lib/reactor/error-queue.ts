import type { ErrorRecord } from '../errqueue/record'
import { EAGAIN } from '../errors/errno'
import { SafeSet } from '../runtime/collections'
import { append } from '../runtime/list'

/** The maximum number of records that one drain reads, and that one reader gets at once. */
export const MAX_RECORDS_AT_ONCE = 64
/** The maximum number of records that are kept for a reader. */
const KEPT = 1024

const never = (): boolean => false

/** Called with every record before the readers see it. Returns true to take the record. */
export type Claim = (record: ErrorRecord) => boolean

/**
 * Reads a socket's error queue for all its users. The kernel puts ICMP errors, transmit timestamps and zero-copy
 * completions into a single queue, but different operations wait for each of these. A claim takes the records that are
 * meant for it. All other records are kept, in their order, for receiveErrors().
 */
export class ErrorQueue {
  readonly #read: () => ErrorRecord | number
  readonly #claims = new SafeSet<Claim>()
  #kept: ErrorRecord[] = []
  /** How many records have been read so far. */
  handed = 0
  /** Inside of `once`: true if the kernel has no more records. */
  #empty: boolean | null = null

  /** `read` returns the next record, or −errno: EAGAIN if the queue is empty. */
  constructor(read: () => ErrorRecord | number) {
    this.#read = read
  }

  /** Passes each record to `claim` first. Returns a function that ends this. */
  claim(claim: Claim): () => void {
    this.#claims.add(claim)
    return () => void this.#claims.delete(claim)
  }

  /** The number of records that wait for a reader. */
  get size(): number {
    return this.#kept.length
  }

  /**
   * Reads records until the queue is empty, `enough` returns true, or MAX_RECORDS_AT_ONCE are read. Returns the
   * number of records, or −errno if there was none. Records that stay in the kernel are not lost: each operation
   * reads before it waits.
   */
  drain(enough: () => boolean = never): number {
    if (this.#empty === true) return EAGAIN
    for (let count = 0; count < MAX_RECORDS_AT_ONCE; count++) {
      const record = this.#read()
      if (typeof record === 'number') {
        if (record === EAGAIN && this.#empty === false) this.#empty = true
        return count > 0 ? count : record
      }
      this.#hand(record)
      if (enough()) return count + 1
    }
    return MAX_RECORDS_AT_ONCE
  }

  /** Runs `attempts`. As soon as one of them finds the queue empty, the others make no system call. */
  once(attempts: () => void): void {
    this.#empty = false
    try {
      attempts()
    } finally {
      this.#empty = null
    }
  }

  /** Removes and returns the oldest records. */
  take(max: number): ErrorRecord[] {
    return this.#kept.splice(0, max)
  }

  #hand(record: ErrorRecord): void {
    this.handed++
    let claimed = false
    this.#claims.forEach(claim => {
      claimed ||= claim(record)
    })
    if (claimed) return
    // The program does not read its errors: drop the oldest record.
    append(this.#kept, record)
    if (this.#kept.length > KEPT) this.#kept.shift()
  }
}
