/*
 * MSG_ZEROCOPY on one open socket. The kernel numbers the sends that it accepted with the flag, from 0 and modulo
 * 2^32, and tells through the error queue which of them it is done with, in ranges that may come late,
 * together and out of order. Until then it reads the memory: `pending` holds it.
 *
 * When it had to copy after all (loopback, veth, a device without scatter and gather) zero-copy only costs, so
 * after some such sends in a row the next ones are ordinary, and one is tried now and then.
 */
import type { ErrorRecord } from '../errqueue/record'

/** So many sends in a row that were copied are enough to believe it. */
const CONVINCED = 8
const MIN_ORDINARY = 64
const MAX_ORDINARY = 4096

/** Memory while the kernel sends from it. */
export interface Rental {
  /** The bytes to send: nobody else can write to them, or has promised not to. */
  readonly bytes: Uint8Array
  /** It is on the heap, where it would be somebody else's after this thread. */
  readonly heap: boolean
  /** What the caller gets back. */
  giveBack(): Uint8Array
}

/** What the zero-copy sends of a socket came to. */
export interface ZeroCopyStatistics {
  /** Sends that were asked for. */
  sends: number
  /** Their bytes. */
  bytes: number
  /** Sends of which the kernel, or this package, copied a part. */
  copied: number
  /** System calls that found no room for another zero-copy send (`ENOBUFS`) and were made as ordinary ones. */
  fallbacks: number
  /** Sends that the kernel is not done with. */
  pending: number
}

/** One sendZeroCopy, from its first call to the kernel's last word. */
export class ZeroCopySend {
  /** System calls whose end has not been told. */
  outstanding = 0
  copied = false
  /** All bytes are queued. */
  queued = false

  constructor(readonly rental: Rental) {}

  get done(): boolean {
    return this.queued && this.outstanding === 0
  }
}

export class ZeroCopySender {
  readonly #pending = new Map<number, ZeroCopySend>()
  readonly #statistics = { sends: 0, bytes: 0, copied: 0, fallbacks: 0 }
  #next = 0
  /** What the kernel had counted before the first of these; null until the first of them tells. */
  #base: number | null = 0
  /** Sends in a row that were copied. */
  #copies = 0
  /** Ordinary sends to make before the next try, and how many they were last time. */
  #ordinary = 0
  #patience = MIN_ORDINARY / 2
  #heap = 0
  /** Told when the kernel begins and ceases to read memory of the heap. */
  onHeap: (rented: boolean) => void = () => undefined

  get statistics(): ZeroCopyStatistics {
    return { ...this.#statistics, pending: new Set(this.#pending.values()).size }
  }

  /** The kernel reads memory of the heap. */
  get heap(): boolean {
    return this.#heap > 0
  }

  get idle(): boolean {
    return this.#pending.size === 0
  }

  /** Others have sent on this open socket: the first record about a send of our own tells how many. */
  learn(): void {
    this.#base = null
  }

  /** Whether the next send is worth the trouble. */
  worthwhile(): boolean {
    if (!this.certain) return false
    if (this.#ordinary === 0) return true
    this.#ordinary--
    return false
  }

  /**
   * Whether a call may carry the flag. While the count is unknown one may: records can come out of order, and
   * only of a single one is it clear whose it is.
   */
  get certain(): boolean {
    return this.#base !== null || this.idle
  }

  /** The kernel accepted a call with the flag. */
  accepted(send: ZeroCopySend): void {
    this.#pending.set(this.#next, send)
    this.#next = (this.#next + 1) >>> 0
    send.outstanding++
    if (send.rental.heap && this.#heap++ === 0) this.onHeap(true)
  }

  /** It did not, for lack of room. */
  refused(send: ZeroCopySend): void {
    send.copied = true
    this.#statistics.fallbacks++
  }

  /** A send has come to its end. */
  ended(bytes: number, copied: boolean): void {
    this.#statistics.sends++
    this.#statistics.bytes += bytes
    if (copied) this.#statistics.copied++
  }

  /** Takes the records that are about these sends. */
  claim = ({ zerocopy }: ErrorRecord): boolean => {
    if (zerocopy === undefined) return false
    const { first, last, copied } = zerocopy
    if (!this.idle) this.#base ??= first
    const from = first - (this.#base ?? 0)
    const length = (last - first) >>> 0
    for (const [id, send] of this.#pending) {
      if ((id - from) >>> 0 <= length) this.#finish(id, send, copied)
    }
    return true
  }

  #finish(id: number, send: ZeroCopySend, copied: boolean): void {
    this.#pending.delete(id)
    send.outstanding--
    send.copied ||= copied
    if (send.rental.heap && --this.#heap === 0) this.onHeap(false)
    if (!copied) {
      this.#copies = 0
      this.#patience = MIN_ORDINARY / 2
    } else if (++this.#copies >= CONVINCED) {
      this.#copies = CONVINCED - 1 // the next one decides alone
      this.#patience = Math.min(this.#patience * 2, MAX_ORDINARY)
      this.#ordinary = this.#patience
    }
  }
}
