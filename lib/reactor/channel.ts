import type { ErrorQueue } from './error-queue'
import type { ZeroCopySender } from './zerocopy-sender'
import type { Operation } from './operation'
import { Queue } from './queue'
import { INDEX_MASK, READ, WRITE, type Direction } from '../binding/shared'

/** Names no slot: its index is beyond any table. */
export const NO_SLOT = -1
/** How many operations of a socket complete in one turn of the loop: see the reactor. */
export const BUDGET = 64

/** What only some sockets need: one object more for them, and nothing for the thousands that are idle. */
class Extras {
  /** Transfers that are under way, and may have taken bytes from the stream that they will give back. */
  transfers = 0
  /** The reader of its error queue. */
  errors: ErrorQueue | null = null
  /** Milliseconds for which a read is tried again before it waits: see busyPoll. */
  spin = 0
  /** What listen(2) was given. */
  backlog = Infinity
  /** UDP GSO did not work here: see SendSegments. */
  unsegmented = false
  /** The pidfd that comes with a message is wanted; otherwise it is closed. */
  pidfds = false
  /** Sends with MSG_ZEROCOPY. */
  zeroCopy: ZeroCopySender | null = null
  /** What has to end well when the socket goes. */
  guard: { readonly busy: boolean; close(): void } | null = null
  stall = 0
  /** The next edge to write was caused by our own attempt. */
  echo = false
  backoff: NodeJS.Timeout | null = null
  watchers: Set<() => void> | null = null
}

/** What the reactor knows of one socket. */
export class Channel {
  /** The slot, as C++ checks it; NO_SLOT once closed or detached. */
  id: number
  readonly index: number
  /** The descriptor; −1 once closed or detached. */
  fd: number
  /** What waits, by direction; made when something first does. */
  reading: Queue | null = null
  writing: Queue | null = null
  failing: Queue | null = null
  /** A receive that is not in use: made once, since most sockets receive again and again. */
  spare: Operation<number> | null = null
  /** What came for a buffer that was gone by then: the next receive gets it. */
  leftover: { data: Uint8Array; address: Uint8Array } | null = null
  /** Messages keep their borders: what does not fit of one is lost, as the kernel would have it. */
  messages = false
  waiting = 0
  refed = true
  watched = false
  budget = BUDGET
  turn = 0
  /** Waits for the next turn of the loop to be served. */
  deferred = false
  extras: Extras | null = null

  constructor(id: number, fd: number) {
    this.id = id
    this.index = id & INDEX_MASK
    this.fd = fd
  }

  /** For whoever writes one of the rare fields. */
  ensureExtras(): Extras {
    return (this.extras ??= new Extras())
  }

  queue(direction: Direction): Queue {
    if (direction === READ) return (this.reading ??= new Queue())
    if (direction === WRITE) return (this.writing ??= new Queue())
    return (this.failing ??= new Queue())
  }

  head(direction: Direction): Operation<unknown> | null {
    const queue = direction === READ ? this.reading : direction === WRITE ? this.writing : this.failing
    return queue === null ? null : queue.head
  }

  /** Calls `tell` when the descriptor has been closed or given away; returns what takes that back. */
  onGone(tell: () => void): () => void {
    const watchers = (this.ensureExtras().watchers ??= new Set())
    watchers.add(tell)
    return () => watchers.delete(tell)
  }

  gone(): void {
    this.fd = -1
    this.id = NO_SLOT
    this.spare = null
    const watchers = this.extras?.watchers ?? null
    if (watchers === null) return
    this.ensureExtras().watchers = null
    for (const tell of watchers) tell()
  }
}
