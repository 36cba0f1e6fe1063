/*
 * The sends of one socket that wait for their transmit timestamp.
 *
 * The kernel reports a timestamp on the error queue, with a number. On datagram sockets the sender chooses the number
 * (SCM_TS_OPT_ID), or the kernel counts the timestamped sends. On TCP the number is the place of the last byte, counted
 * from the moment when SOF_TIMESTAMPING_OPT_ID was set: `base`. All numbers are modulo 2^32.
 */
import type { ErrorRecord } from '../errqueue/record'
import { SafeMap } from '../runtime/collections'

/** One send, from the system call to its timestamp. */
export class SendStamp {
  /** The number of bytes that the kernel accepted. */
  bytes = 0
  /** Nanoseconds since 1970; null until the kernel has reported them. */
  time: bigint | null = null
}

/** The first number of a send that chooses it. The numbers that the kernel counts for other sends begin at 0. */
const FIRST = 0x80000000

export class TimestampSender {
  readonly #pending = new SafeMap<number, SendStamp>()
  #next = FIRST
  /** The place that the numbers of the kernel are counted from; null if it is not known. */
  base: number | null = null
  /** The number of the next send that the kernel counts, if it does. */
  counted = 0
  /** True after a wait ended without its timestamp: a number may still be reported. */
  abandoned = false

  get idle(): boolean {
    return this.#pending.size === 0
  }

  /** Returns a number that no waiting send has. */
  choose(): number {
    return this.#next++ >>> 0
  }

  /** Called when the kernel accepted a send whose timestamp has the number `place`. */
  accepted(place: number, stamp: SendStamp): void {
    this.#pending.set(place >>> 0, stamp)
  }

  /** Called when no operation waits for the timestamp any more. Its record goes to the readers of the error queue. */
  abandon(stamp: SendStamp): void {
    this.#pending.forEach((each, place) => {
      if (each === stamp) this.abandoned = this.#pending.delete(place) || this.abandoned
    })
  }

  /** Takes the records of these sends off the error queue: see ErrorQueue.claim. */
  claim = ({ origin, stage, timestamp, ee_data }: ErrorRecord): boolean => {
    if (origin !== 'timestamping' || stage !== 'sent' || timestamp === undefined) return false
    const place = (ee_data + (this.base ?? 0)) >>> 0
    const stamp = this.#pending.get(place)
    if (stamp === undefined) return false
    this.#pending.delete(place)
    stamp.time = timestamp
    return true
  }
}
