/*
 * The state of MSG_ZEROCOPY on one open socket.
 *
 * The kernel numbers the sends that it accepted with the flag, from 0 and modulo 2^32. It reports on the error queue
 * which sends are complete, as ranges of these numbers. Reports may come late, merged, and out of order. Until a send
 * is complete, the kernel reads the caller's memory: `#pending` keeps a reference to it.
 *
 * All holders of the open socket share the numbers, and no call returns them. So they are counted here, and only while
 * there is a single holder (`Channel.shared`). Sends that the kernel accepted before keep their numbers.
 *
 * In some cases the kernel copies the data after all: on loopback, on veth, and on a device without scatter-gather.
 * Then zero-copy costs more than it saves. After some copied sends in a row, the next sends are ordinary, and a
 * zero-copy send is tried again from time to time.
 */
import type { ErrorRecord } from '../errqueue/record'
import { SafeMap, SafeSet } from '../runtime/collections'

/** After this many copied sends in a row, the next ones are ordinary. */
const CONVINCED = 8
/** How many ordinary sends come before the next try: doubled each time, between these limits. */
const MIN_ORDINARY = 64
const MAX_ORDINARY = 4096

/** Memory that the kernel sends from. */
export interface Rental {
  /** The bytes to send. The caller cannot write to them now, or has promised not to. */
  readonly pieces: readonly Uint8Array[]
  /** True if a part of the memory belongs to this thread's heap, which may be reused when the thread ends. */
  readonly heap: boolean
}

/** Counters of a socket's zero-copy sends. */
export interface ZeroCopyStatistics {
  /** The number of completed `sendZeroCopy` calls. */
  sends: number
  /** The bytes that these calls sent. */
  bytes: number
  /** The number of sends of which the kernel, or this package, copied a part. */
  copied: number
  /** The number of system calls that became ordinary sends: after `ENOBUFS`, or because the socket was shared meanwhile. */
  fallbacks: number
  /** The number of sends that the kernel has not completed. */
  pending: number
}

/** One sendZeroCopy call, from its first system call to the kernel's last report about it. */
export class ZeroCopySend {
  /** The number of system calls that the kernel has not reported as complete. */
  outstanding = 0
  /** True when all bytes are in the send queue. */
  queued = false

  constructor(
    readonly rental: Rental,
    /** True if the kernel or this package copied a part. From the start for a send that lends no memory. */
    public copied: boolean,
  ) {}

  get done(): boolean {
    return this.queued && this.outstanding === 0
  }
}

export class ZeroCopySender {
  readonly #pending = new SafeMap<number, ZeroCopySend>()
  readonly #statistics = { sends: 0, bytes: 0, copied: 0, fallbacks: 0 }
  #next = 0
  /** The number of copied sends in a row. */
  #copies = 0
  /** How many more ordinary sends to make before the next try. */
  #ordinary = 0
  /** How many ordinary sends were made before the last try. */
  #patience = MIN_ORDINARY / 2
  /** The number of system calls that send from memory of the heap. */
  #heap = 0
  /** False if the program may have cleared SO_ZEROCOPY. The next send sets it again. */
  enabled = true
  /** Called with true when the kernel starts to read memory of the heap, and with false when it has finished. */
  onHeap: (lent: boolean) => void = () => undefined

  get statistics(): ZeroCopyStatistics {
    const pending = new SafeSet<ZeroCopySend>()
    this.#pending.forEach(send => pending.add(send))
    return { ...this.#statistics, pending: pending.size }
  }

  /** True while the kernel reads memory of the heap. */
  get heap(): boolean {
    return this.#heap > 0
  }

  get idle(): boolean {
    return this.#pending.size === 0
  }

  /** Returns true if the next send should be a zero-copy send. */
  worthwhile(): boolean {
    if (this.#ordinary === 0) return true
    this.#ordinary--
    return false
  }

  /** Called when the kernel accepted `calls` with the flag. */
  accepted(send: ZeroCopySend, calls: number): void {
    for (let i = 0; i < calls; i++) {
      this.#pending.set(this.#next, send)
      this.#next = (this.#next + 1) >>> 0
      send.outstanding++
      if (send.rental.heap && this.#heap++ === 0) this.onHeap(true)
    }
  }

  /** Called when a call was made without the flag: no memory (ENOBUFS), or another holder may have the socket now. */
  refused(send: ZeroCopySend): void {
    send.copied = true
    this.#statistics.fallbacks++
  }

  /** Called when a send is complete. */
  ended(bytes: number, copied: boolean): void {
    this.#statistics.sends++
    this.#statistics.bytes += bytes
    if (copied) this.#statistics.copied++
  }

  /** Takes the records of these sends off the error queue: see ErrorQueue.claim. */
  claim = ({ zerocopy }: ErrorRecord): boolean => {
    if (zerocopy === undefined) return false
    const { first, last, copied } = zerocopy
    const length = (last - first) >>> 0
    let own = false
    // The shorter of both lists: the numbers in the record, or the sends that are pending.
    if (length < this.#pending.size) {
      for (let i = 0; i <= length; i++) own = this.#finish((first + i) >>> 0, copied) || own
    } else {
      this.#pending.forEach((_, id) => {
        if ((id - first) >>> 0 <= length) own = this.#finish(id, copied) || own
      })
    }
    return own
  }

  #finish(id: number, copied: boolean): boolean {
    const send = this.#pending.get(id)
    if (send === undefined) return false
    this.#pending.delete(id)
    send.outstanding--
    send.copied ||= copied
    if (send.rental.heap && --this.#heap === 0) this.onHeap(false)
    if (!copied) {
      this.#copies = 0
      this.#patience = MIN_ORDINARY / 2
    } else if (++this.#copies >= CONVINCED) {
      this.#copies = CONVINCED - 1 // one more copied send is enough to go back to ordinary sends
      this.#patience = Math.min(this.#patience * 2, MAX_ORDINARY)
      this.#ordinary = this.#patience
    }
    return true
  }
}
