/*
 * The reactor runs the operations of all sockets of one environment (the main thread or a worker). It decides when to
 * attempt an operation, when to wait, and when to settle the promise. Promises are settled only here.
 *
 * Each socket has a Channel with three queues: reads, writes, and reads of the error queue. Only the operation at the
 * head of a queue is attempted; the others wait until it has ended. (On the error queue all operations are attempted,
 * because each waits for a different kind of record.) An attempt is one non-blocking system call. It returns a result,
 * an error, or EAGAIN. What EAGAIN means depends on what led to the attempt: see `Cause`.
 *
 * After EAGAIN the reactor registers the socket with a poller in C++ (epoll, or kqueue on macOS) and *arms* the head:
 * it writes an opcode into the table that C++ shares with TypeScript. The poller is edge-triggered: it reports a
 * socket when its state changes, and not again. On an edge C++ makes the armed attempt itself, or it leaves the
 * attempt to TypeScript (READY). Once in a turn of the event loop C++ calls `#dispatch` with records of what
 * happened.
 *
 *   event                         action
 *   submit, the queue is empty    attempt, unless the table says DRY (no data to read); on EAGAIN queue and arm
 *   submit, the queue is not      queue behind the others
 *   submit, the budget is used    queue, and defer: setImmediate serves the socket in the next turn (reads: DEFERRED)
 *   record with a result          settle the head, then attempt the next ones until EAGAIN
 *   record READY                  attempt the head, then the next ones until EAGAIN
 *   READY to write, but EAGAIN    spurious readiness: also retry by timer, after 1 ms, doubling to 16 ms. It happens
 *                                 on an unconnected AF_UNIX datagram socket when the peer's queue is full. The first
 *                                 edge after such an attempt is ignored, because the attempt itself caused it
 *   READY to read, but EAGAIN     another reader took the data: arm for the next edge. A level-triggered socket uses
 *                                 edges for the rest of this wait
 *   record JOB, LOOKUP            work on another thread has ended: Jobs finds the operation. A transfer continues
 *                                 through `resume`
 *   abort, timeout                remove the operation; if it was the head, attempt the next one. If it has work on
 *                                 another thread, wait for that work first, for at most its `grace`
 *   close                         remove all operations, close the descriptor, then reject them with ECANCELED
 *
 * An edge that came before an operation was armed is not repeated. Three rules follow:
 *
 *   - An operation may wait only if an attempt returned EAGAIN or the table says DRY.
 *   - An operation that waits for another reason, such as the budget, is deferred (`Turns`): no edge comes for it.
 *   - If the head leaves its queue, it is disarmed. Otherwise C++ would receive data for an operation that is gone.
 *
 * An AF_UNIX stream is watched level-triggered while an operation reads. A message with descriptors ends a read early,
 * and no edge announces the data behind it. While no operation reads, C++ switches to edges (WATCH_AGAIN).
 *
 * A socket with `busyPoll` repeats a read for some milliseconds before it waits (`spin`). It does so only while it has
 * budget left, so the event loop gets its turn.
 *
 * What the reactor knows stands in four modules. `Waiting` holds the channels with waiting operations. `Poller` says what
 * to watch, and when to retry. `Turns` divides the time between sockets: the budget. leave.ts ends a wait early.
 */
import type { Native } from '../binding/binding'
import { DIRECT, Memory } from '../binding/memory'
import {
  ACCEPT,
  ERROR,
  EVENT_WRITABLE,
  idOf,
  JOB,
  LOOKUP,
  READ,
  READY,
  RECORD_ADDRESS,
  RECORD_DIRECTION,
  RECORD_EVENT,
  RECORD_GENERATION,
  RECORD_MASK,
  RECORD_OPCODE,
  RECORD_RESULT,
  RECORD_SLOT,
  RECORD_STRIDE,
  RECORD_WHERE,
  STATE_ADDRESS,
  STATE_FREE,
  WRITE,
  type Direction,
} from '../binding/shared'
import { canceled, closed, aborted, systemError } from '../errors'
import { EAGAIN, EBUSY } from '../errors/errno'
import { endsWaitsOnly, isAborted } from '../runtime/signals'
import { uncaught } from '../runtime/uncaught'
import { spin, spins } from './busy-poll'
import { Channel, NO_SLOT } from './channel'
import { Jobs } from './jobs'
import { clearLeave, setLeave, waitForJob } from './leave'
import { PENDING, YIELD, type Operation } from './operation'
import { Poller, type Cause } from './poller'
import { Turns } from './turns'
import { Waiting } from './waiting'

/** The maximum number of threads that run transfers, for each environment. */
const TRANSFERS = 16

/** The order in which `serveOthers` attempts the queues. */
const DATA = [WRITE, READ] as const

export class Reactor {
  readonly native: Native
  readonly memory: Memory
  readonly jobs = new Jobs()
  /** Transfers that may wait for a disk or a network file system: each one has its own thread. */
  readonly transfers = new Jobs(TRANSFERS)
  readonly #waiting: Waiting
  readonly #poller: Poller
  readonly #turns: Turns

  constructor(native: Native) {
    this.native = native
    this.memory = new Memory(native, records => this.#dispatch(records))
    this.#waiting = new Waiting(native)
    this.#poller = new Poller(native, this.memory, channel => {
      this.#turns.start(channel)
      this.#pump(channel, WRITE, 'timer')
    })
    this.#turns = new Turns(this.#poller, (channel, direction) => this.#pump(channel, direction, 'turn'))
  }

  /** Takes over a descriptor and sets O_NONBLOCK, which all duplicates of the descriptor share. */
  adopt(fd: number, traits: number, lingers = 0): Channel {
    this.makeRoom()
    const result = this.native.adopt(fd, traits, lingers)
    if (result < 0) throw systemError('fcntl', result)
    return new Channel(result, fd)
  }

  /** Duplicates a descriptor that the caller owns, for the time of one operation. Returns the id of the new slot. */
  adoptDuplicate(fd: number, syscall: string): number {
    this.makeRoom()
    const result = this.native.adoptDuplicate(fd)
    if (result < 0) throw systemError(syscall, result)
    return result
  }

  /** Grows the shared table until it has `slots` free slots. */
  makeRoom(slots = 1): void {
    while (this.memory.state[STATE_FREE]! < slots) this.memory.grow()
  }

  /** Attempts an operation, or queues it behind the earlier ones of its direction. The promise has its result. */
  submit<T>(
    channel: Channel,
    operation: Operation<T>,
    timeout: number | null,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    try {
      return Promise.resolve(this.start(channel, operation, timeout, signal))
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /** Like `submit`, but returns the value itself and throws the error itself if the operation ends at once. */
  start<T>(
    channel: Channel,
    operation: Operation<T>,
    timeout: number | null,
    signal: AbortSignal | undefined,
  ): T | Promise<T> {
    if (channel.fd < 0) throw operation.abandon(closed(operation.syscall))
    if (signal !== undefined && isAborted(signal)) return this.#lastAttempt(channel, operation, signal)
    const direction = operation.direction
    if (channel.head(direction) !== null) {
      if (timeout === 0) throw operation.abandon(operation.failure(EAGAIN))
      // An earlier operation may already have read this operation's record off the error queue: look again next turn.
      return this.wait(channel, operation, timeout, signal, direction === ERROR)
    }
    if (timeout !== 0) {
      if (direction === READ && this.#poller.isDry(channel) && !operation.ignoresDry && !spins(channel))
        return this.wait(channel, operation, timeout, signal)
      if (!this.hasBudget(channel)) return this.wait(channel, operation, timeout, signal, true)
    }
    let result: number
    try {
      do result = operation.attempt()
      while (result === YIELD && timeout === 0)
      if (result === EAGAIN && timeout !== 0 && direction === READ && spins(channel))
        result = spin(channel, operation, timeout)
    } catch (error) {
      throw operation.abandon(error as Error)
    }
    if (result === PENDING || result === YIELD || (result === EAGAIN && timeout !== 0)) {
      return this.wait(channel, operation, timeout, signal, result === YIELD)
    }
    channel.budget-- // failures count too: a loop that retries must not starve other sockets
    if (result >= 0) return operation.value(result, -1, DIRECT, this.memory.state[STATE_ADDRESS]!)
    throw operation.abandon(operation.failure(result))
  }

  /** Rejects an operation whose signal is aborted, unless the signal ends waits only and the read can complete at once. */
  #lastAttempt<T>(channel: Channel, operation: Operation<T>, signal: AbortSignal): Promise<T> {
    const reads = operation.direction === READ && channel.head(READ) === null
    if (reads && endsWaitsOnly(signal) && this.hasBudget(channel)) {
      const next = this.submit(channel, operation, 0, undefined)
      return next.catch((error: unknown) => {
        throw (error as { code?: unknown }).code === 'EAGAIN' ? aborted(signal) : error
      })
    }
    return Promise.reject(operation.abandon(aborted(signal)))
  }

  /** Queues an operation that would block. With `deferred`, the next turn attempts it, because no edge will come. */
  wait<T>(
    channel: Channel,
    operation: Operation<T>,
    timeout: number | null,
    signal: AbortSignal | undefined,
    deferred = false,
  ): Promise<T> {
    operation.taken = true
    const promise = operation.promise()
    if (!operation.settles) return promise
    try {
      operation.hold()
      if (timeout !== null || signal !== undefined) setLeave(this, channel, operation, timeout, signal)
      if (deferred) this.#turns.defer(channel, operation.direction)
      if (channel.fd < 0) throw closed(operation.syscall) // by an async hook
      this.#waiting.add(channel, operation)
      if (!deferred && channel.head(operation.direction) === operation && !operation.busy)
        this.#arm(channel, operation, 'submit')
    } catch (error) {
      this.#giveUp(channel, operation)
      this.#reject(operation, error as Error)
    }
    return promise
  }

  /** True if the socket has nothing to read until the next edge. */
  isDry(channel: Channel): boolean {
    return this.#poller.isDry(channel)
  }

  /** True if an operation of this socket may still complete in this turn of the event loop. */
  hasBudget(channel: Channel): boolean {
    return this.#turns.hasBudget(channel)
  }

  /** Attempts an operation once. Returns its value, or null if it would block. */
  attemptNow<T>(channel: Channel, operation: Operation<T>): T | null {
    if (channel.fd < 0) throw operation.abandon(closed(operation.syscall))
    if (channel.head(operation.direction) !== null) return operation.pass()
    let result: number
    try {
      do result = operation.attempt()
      while (result === YIELD)
    } catch (error) {
      throw operation.abandon(error as Error)
    }
    if (result === EAGAIN) return operation.pass()
    if (result < 0) throw operation.abandon(operation.failure(result))
    return operation.value(result, -1, DIRECT, this.memory.state[STATE_ADDRESS]!)
  }

  /** Attempts the waiting writes and reads: after a shutdown, and before the error queue is read, which consumes their errors. */
  serveOthers(channel: Channel): void {
    this.hasBudget(channel)
    for (let i = 0; i < DATA.length; i++) {
      const direction = DATA[i]!
      if (channel.head(direction) === null) continue
      channel.budget = Math.max(channel.budget, 1) // at least the head is attempted, even without budget
      this.#pump(channel, direction, 'turn')
    }
  }

  /** Closes the descriptor at once, then rejects the operations that waited with ECANCELED. */
  close(channel: Channel): void {
    const waiting = this.#waiting.all(channel)
    for (let i = 0; i < waiting.length; i++) this.#dequeue(channel, waiting[i]!)
    this.#waiting.leave(channel) // it is still there if `remove` or `add` threw
    if (channel.fd >= 0) channel.extras?.guard?.close()
    const result = channel.fd < 0 ? 0 : this.native.close(channel.id)
    channel.network.leave(channel.id)
    channel.fd = -1
    channel.id = NO_SLOT
    for (let i = 0; i < waiting.length; i++) this.#reject(waiting[i]!, canceled(waiting[i]!.syscall))
    channel.gone()
    if (result < 0) throw systemError('close', result)
  }

  /** Releases the descriptor without closing it. EBUSY while operations wait, or while undelivered bytes remain. */
  detach(channel: Channel): number {
    const { id, fd, waits, leftover, lent } = channel
    if (waits || leftover !== null || lent) throw systemError('detach', EBUSY)
    this.#waiting.leave(channel) // it is still there if `remove` or `add` threw
    const result = this.native.detach(id)
    if (result < 0) throw systemError('detach', result)
    channel.fd = -1
    try {
      channel.network.leave(id)
      channel.gone()
    } catch {
      // The stack is used up. The caller must still get the descriptor.
    }
    return fd
  }

  /** Sets whether operations that wait on this channel keep the process alive. */
  setRef(channel: Channel, on: boolean): void {
    this.#waiting.setRef(channel, on)
  }

  // --- waiting ---

  #dequeue(channel: Channel, operation: Operation<unknown>): void {
    const { direction } = operation
    // Disarm the head, or C++ would receive data for an operation that is gone.
    if (channel.head(direction) === operation) this.#poller.disarm(channel, direction)
    if (!this.#waiting.remove(channel, operation)) this.#poller.stopRetrying(channel)
    clearLeave(operation) // its hooks may start another wait, which the line above must not stop
    operation.taken = false // last: if a call throws, the operation is not used again
  }

  #giveUp(channel: Channel, operation: Operation<unknown>): void {
    if (operation.queued) return this.#dequeue(channel, operation)
    clearLeave(operation)
    if (!channel.waits) this.#waiting.leave(channel)
    operation.taken = false
  }

  // Returns false if the socket cannot be watched: the operation has been rejected, and the next one is the head.
  #arm(channel: Channel, operation: Operation<unknown>, cause: Cause): boolean {
    const result = this.#poller.arm(channel, operation, cause)
    if (result >= 0) return true
    this.#dequeue(channel, operation)
    this.#reject(operation, systemError('epoll_ctl', result))
    return false
  }

  // Attempts the queued operations in order, until one would block.
  #pump(channel: Channel, direction: Direction, cause: Cause): void {
    if (direction === ERROR) return this.#pumpErrors(channel)
    for (;;) {
      const operation = channel.head(direction)
      if (operation === null || operation.busy) return
      if (channel.budget === 0) return this.#turns.defer(channel, direction)
      const progress = operation.progress
      let result: number
      try {
        result = operation.attempt()
      } catch (error) {
        this.#dequeue(channel, operation)
        this.#reject(operation, error as Error)
        continue
      }
      if (result === PENDING) return
      if (result === YIELD) return this.#turns.defer(channel, direction)
      if (result === EAGAIN) {
        const spurious = cause === 'edge' || cause === 'timer'
        if (!this.#arm(channel, operation, cause)) continue
        if (spurious && direction === WRITE && operation.progress === progress) this.#poller.backOff(channel)
        return
      }
      channel.budget--
      if (channel.extras !== null) channel.extras.stall = 0
      cause = 'submit'
      this.#settle(channel, operation, result, -1, DIRECT, this.memory.state[STATE_ADDRESS]!)
    }
  }

  // Each operation on the error queue waits for a different kind of record, so all of them are attempted. If one
  // attempt read records, all are attempted again in the next turn: a record may belong to an earlier operation.
  #pumpErrors(channel: Channel): void {
    const errors = channel.extras?.errors ?? null
    const before = errors?.handed
    if (errors === null) this.#attemptErrors(channel)
    else errors.once(() => this.#attemptErrors(channel))
    let head = channel.head(ERROR)
    while (head !== null && !this.#arm(channel, head, 'submit')) head = channel.head(ERROR)
    if (head !== null && errors?.handed !== before) this.#turns.defer(channel, ERROR)
  }

  #attemptErrors(channel: Channel): void {
    for (let operation = channel.head(ERROR); operation !== null;) {
      const { next } = operation
      let result: number
      try {
        result = operation.attempt()
      } catch (error) {
        this.#dequeue(channel, operation)
        this.#reject(operation, error as Error)
        operation = next
        continue
      }
      if (result !== EAGAIN) this.#settle(channel, operation, result, -1, DIRECT, 0)
      operation = next
    }
  }

  #settle(
    channel: Channel,
    operation: Operation<unknown>,
    result: number,
    where: number,
    address: number,
    addressLength: number,
  ): void {
    this.#dequeue(channel, operation)
    try {
      if (result < 0) operation.reject(operation.abandon(operation.failure(result)))
      else operation.resolve(operation.value(result, where, address, addressLength) as never)
    } catch (error) {
      operation.reject(error)
    }
  }

  #reject(operation: Operation<unknown>, reason: Error): void {
    try {
      operation.reject(operation.abandon(reason))
    } catch (error) {
      operation.reject(error)
    }
  }

  // --- leaving early ---

  /** Rejects an operation that waits with `reason`. Does nothing if it has already ended. */
  cancel(channel: Channel, operation: Operation<unknown>, reason: Error): void {
    if (!operation.queued) return
    const first = channel.head(operation.direction) === operation
    const quit = (): void => this.#quit(channel, operation, reason, first)
    if (!waitForJob(operation, reason, quit)) quit()
  }

  #quit(channel: Channel, operation: Operation<unknown>, reason: Error, first: boolean): void {
    const { direction } = operation
    this.#dequeue(channel, operation)
    this.#reject(operation, reason)
    if (first && channel.fd >= 0) {
      this.#turns.start(channel)
      this.#pump(channel, direction, 'submit')
    }
  }

  // --- records ---
  #dispatch(records: number): void {
    this.#turns.next()
    for (let at = 0; records > 0; records--, at += RECORD_STRIDE) {
      try {
        this.#serve(at)
      } catch (error) {
        uncaught(error) // the records after this one belong to other sockets
      }
    }
  }

  #serve(at: number): void {
    const { completions } = this.memory
    const index = completions[at + RECORD_SLOT]!
    const opcode = completions[at + RECORD_OPCODE]!
    if (opcode === LOOKUP) return this.jobs.done(index, completions[at + RECORD_RESULT]!)
    if (opcode === JOB) return this.transfers.done(index, completions[at + RECORD_RESULT]!)
    const channel = this.#waiting.at(index)
    const direction = completions[at + RECORD_DIRECTION] as Direction
    if (channel?.id !== idOf(index, completions[at + RECORD_GENERATION]!)) return this.#dropAccepted(at)
    this.hasBudget(channel) // a new turn starts with a full budget
    const operation = channel.head(direction)
    if (operation === null) return this.#dropAccepted(at)
    if (opcode === READY) {
      const ready = direction === READ || (completions[at + RECORD_MASK]! & EVENT_WRITABLE) !== 0
      if (direction === WRITE && ready && channel.extras?.echo === true) {
        channel.extras.echo = false
        operation.arm(this.memory, channel.index)
      } else {
        this.#pump(channel, direction, ready ? 'edge' : 'error')
      }
    } else {
      this.#settle(
        channel,
        operation,
        completions[at + RECORD_RESULT]!,
        completions[at + RECORD_WHERE]!,
        completions[at + RECORD_EVENT]!,
        completions[at + RECORD_ADDRESS]!,
      )
      if (channel.head(direction) !== null) this.#next(channel, direction)
    }
  }

  // The accept was cancelled after the kernel completed it: close the connection.
  #dropAccepted(at: number): void {
    const { completions } = this.memory
    if (completions[at + RECORD_OPCODE] !== ACCEPT || completions[at + RECORD_RESULT]! < 0) return
    this.native.close(this.memory.idAt(completions[at + RECORD_WHERE]!))
  }

  // After C++ served the head: attempt the next operation, or only arm it if the table says DRY.
  #next(channel: Channel, direction: Direction): void {
    const head = channel.head(direction)!
    const dry = direction === READ && this.#poller.isDry(channel) && !head.ignoresDry
    if (!dry || !this.#arm(channel, head, 'submit')) this.#pump(channel, direction, 'submit')
  }

  /** Continues an operation when its work on another thread has ended, or rejects it if it was aborted meanwhile. */
  resume(channel: Channel, operation: Operation<unknown>): void {
    if (!operation.queued) return
    this.hasBudget(channel)
    const reason = operation.leave?.reason ?? null
    if (reason !== null) {
      this.#dequeue(channel, operation)
      this.#reject(operation, reason)
    }
    this.#pump(channel, operation.direction, 'turn')
  }
}
