import type { ErrorQueue } from './error-queue'
import type { TimestampSender } from './timestamp-sender'
import type { ZeroCopySender } from './zerocopy-sender'
import type { Operation } from './operation'
import { home, type Network } from './network'
import type { Control } from '../control/walk'
import type { NonSharedBuffer } from '../runtime/buffer'
import { SafeSet } from '../runtime/collections'
import { INDEX_MASK, READ, WRITE, type Direction } from '../binding/shared'

/** An id that is never valid: its index is beyond any table. */
export const NO_SLOT = -1
/** How many operations of a socket may complete in one turn of the event loop: see the reactor. */
export const BUDGET = 64

/** A message, or bytes of a stream, that was received but not delivered. */
export interface Leftover {
  readonly data: NonSharedBuffer
  /** The real length of the message, which `data` may be a part of. */
  readonly bytes: number
  /** The sockaddr of the sender; empty if there is none. */
  readonly address: Uint8Array
  /** The `msg_flags` of the kernel. */
  readonly flags: number
  /** Control messages without descriptors: those have been closed. */
  readonly control: readonly Control[]
  readonly next: Leftover | null
}

/** Describes what receives on a socket in place of the socket's own methods. */
export interface Receiver {
  /** Says what that is, for the error of another receive. */
  readonly text: string
  /** True when other receives are possible again. */
  readonly ended: boolean
}

/** State that only some sockets need. It is allocated on demand, to keep idle sockets small. */
class Extras {
  /** The first operation that waits for the error queue. */
  failing: Operation<unknown> | null = null
  /** See `Channel.leftover`. */
  leftover: Leftover | null = null
  /** The number of running transfers. Each may hold bytes of the stream that it must give back. */
  transfers = 0
  /** The reader of the socket's error queue. */
  errors: ErrorQueue | null = null
  /** The network namespace, if it is not that of this process. */
  network: Network = home
  /** What receives in place of the methods of the socket, such as a stream. */
  receiver: Receiver | null = null
  /** SO_RCVLOWAT, if it was set through this channel or its listening socket. */
  lowWater = 1
  /** Milliseconds for which a read is repeated before it waits: see `busyPoll`. */
  spin = 0
  /** The backlog that was passed to listen(2). */
  backlog = Infinity
  /** True after UDP GSO failed on this socket: see SendSegments. */
  unsegmented = false
  /** True if the caller asked for the pidfd of each message. Otherwise received pidfds are closed. */
  pidfds = false
  /** The sends that wait for their transmit timestamp. */
  timestamps: TimestampSender | null = null
  /** The state of MSG_ZEROCOPY sends. */
  zeroCopy: ZeroCopySender | null = null
  /** Called before the descriptor is closed: pending zero-copy sends may still use memory. */
  guard: { readonly busy: boolean; close(): void } | null = null
  /** True after an attempt to connect failed: the kernel makes no further progress. */
  connectFailed = false
  /** The error of the latest attempt to connect, for a stream that is made after it. */
  connectError: Error | null = null
  /** The exponent of the next retry delay after spurious readiness to write: 2^stall milliseconds. */
  stall = 0
  /** True if the next edge to write must be ignored, because a failed attempt causes it. */
  echo = false
  /** The retry timer after spurious readiness to write. */
  backoff: NodeJS.Timeout | null = null
  /** Called when the descriptor has been closed or detached: see onGone. */
  watchers: Set<() => void> | null = null
  /** Called when received data is kept: see onKept. */
  keepers: Set<() => void> | null = null
}

const invoke = (callback: () => void): void => callback()

const MESSAGES = 1
const REFED = 2
const WATCHED = 4
const SHARED = 8
const DEFERRED = 16

/** The reactor's state of one socket. */
export class Channel {
  /** The id of the slot in C++: index and generation. NO_SLOT after close or detach. */
  id: number
  /** The descriptor; −1 after close or detach. */
  fd: number
  /** The first operation that waits in each direction; that of the error queue is in `extras`. */
  reading: Operation<unknown> | null = null
  writing: Operation<unknown> | null = null
  /** A receive operation that is not in use now. The next receive reuses the object. */
  spare: Operation<unknown> | null = null
  /** How many more operations may complete in the turn `turn`. */
  budget = BUDGET
  turn = 0
  extras: Extras | null = null
  /** The booleans below, a bit for each. A field for each would add 8 bytes to every socket. */
  #bits = REFED

  constructor(id: number, fd: number) {
    this.id = id
    this.fd = fd
  }

  /** The index of the slot. A field would add 8 bytes to every socket. */
  get index(): number {
    return this.id & INDEX_MASK
  }

  /** True for datagrams and records: the part of a message that does not fit is dropped, as the kernel does. */
  get messages(): boolean {
    return (this.#bits & MESSAGES) !== 0
  }

  set messages(on: boolean) {
    this.#bits = on ? this.#bits | MESSAGES : this.#bits & ~MESSAGES
  }

  /** True if waiting operations keep the process alive. */
  get refed(): boolean {
    return (this.#bits & REFED) !== 0
  }

  set refed(on: boolean) {
    this.#bits = on ? this.#bits | REFED : this.#bits & ~REFED
  }

  /** True after the first wait: C++ watches the socket, unless the table says WATCH_AGAIN. */
  get watched(): boolean {
    return (this.#bits & WATCHED) !== 0
  }

  set watched(on: boolean) {
    this.#bits = on ? this.#bits | WATCHED : this.#bits & ~WATCHED
  }

  /**
   * True if another holder may have the open socket: a process, a duplicate, or code that knows the number of the
   * descriptor. It never becomes false again, because the kernel does not tell how many holders there are.
   */
  get shared(): boolean {
    return (this.#bits & SHARED) !== 0
  }

  set shared(on: boolean) {
    this.#bits = on ? this.#bits | SHARED : this.#bits & ~SHARED
  }

  /** True while the socket is on the list of sockets that the next turn serves. */
  get deferred(): boolean {
    return (this.#bits & DEFERRED) !== 0
  }

  set deferred(on: boolean) {
    this.#bits = on ? this.#bits | DEFERRED : this.#bits & ~DEFERRED
  }

  /** The network namespace of the socket. */
  get network(): Network {
    return this.extras === null ? home : this.extras.network
  }

  /** Puts a new socket into a network namespace. */
  enter(network: Network): void {
    if (network === home) return
    this.ensureExtras().network = network
    network.join(this.id)
  }

  /** Data that was received but not delivered, oldest first: the next receives return it. */
  get leftover(): Leftover | null {
    return this.extras === null ? null : this.extras.leftover
  }

  // poll() and select() wait for the kernel, which does not report data that was already received.
  set leftover(leftover: Leftover | null) {
    if (leftover === null && this.extras === null) return
    const extras = this.ensureExtras()
    extras.leftover = leftover
    if (leftover !== null && extras.keepers !== null) extras.keepers.forEach(invoke)
  }

  /** Returns the extras, and allocates them if needed. Called before a field of them is written. */
  ensureExtras(): Extras {
    return (this.extras ??= new Extras())
  }

  /** Returns the first operation that waits in a direction. */
  head(direction: Direction): Operation<unknown> | null {
    if (direction === READ) return this.reading
    if (direction === WRITE) return this.writing
    return this.extras === null ? null : this.extras.failing
  }

  /** Sets the first operation that waits in a direction. Only `Waiting` calls this. */
  lead(direction: Direction, head: Operation<unknown> | null): void {
    if (direction === READ) this.reading = head
    else if (direction === WRITE) this.writing = head
    else this.ensureExtras().failing = head
  }

  /** True while an operation waits in one of the queues. */
  get waits(): boolean {
    const { extras } = this
    return this.reading !== null || this.writing !== null || (extras !== null && extras.failing !== null)
  }

  /** True while a transfer may hold bytes of the socket, or a zero-copy send may use memory. */
  get lent(): boolean {
    return this.extras !== null && (this.extras.transfers > 0 || this.extras.guard?.busy === true)
  }

  /** Calls `tell` when received data is kept in `leftover`. Returns a function that unsubscribes. */
  onKept(tell: () => void): () => void {
    const keepers = (this.ensureExtras().keepers ??= new SafeSet())
    keepers.add(tell)
    return () => keepers.delete(tell)
  }

  /** Calls `tell` when the descriptor has been closed or detached. Returns a function that unsubscribes. */
  onGone(tell: () => void): () => void {
    const watchers = (this.ensureExtras().watchers ??= new SafeSet())
    watchers.add(tell)
    return () => watchers.delete(tell)
  }

  /** Marks the channel as closed or detached, and calls the watchers. */
  gone(): void {
    this.fd = -1
    this.id = NO_SLOT
    this.spare = null
    this.leftover = null
    const watchers = this.extras?.watchers ?? null
    if (watchers === null) return
    this.ensureExtras().watchers = null
    watchers.forEach(invoke)
  }
}
