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
 *   submit, the budget is used    queue, and defer: setImmediate serves the socket in the next turn
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
 *   - An operation that waits for another reason, such as the budget, is on the list `#deferred`: no edge comes for it.
 *   - If the head leaves its queue, it is disarmed. Otherwise C++ would receive data for an operation that is gone.
 *
 * An AF_UNIX stream is watched level-triggered while an operation reads. A message with descriptors ends a read early,
 * and no edge announces the data behind it. While no operation reads, C++ switches to edges (USES_EDGES).
 *
 * A socket with `busyPoll` repeats a read for some milliseconds before it waits (`spin`). It does so only while it has
 * budget left, so the event loop gets its turn.
 *
 * The budget: at most 64 operations of a socket complete in one turn of the event loop. Otherwise a loop of awaits on
 * a busy socket would starve timers and other sockets.
 */
import { EAGAIN, EBUSY } from '../errors/errno'
import { canceled, closed, timedOut, aborted, systemError } from '../errors'
import type { Native } from '../binding/binding'
import { BUDGET, Channel, NO_SLOT } from './channel'
import { clearTimeout, performance, setImmediate, setTimeout } from '../runtime/clock'
import { endsWaitsOnly, isAborted, onAbort } from '../runtime/signals'
import { Jobs } from './jobs'
import { DIRECT, Memory } from '../binding/memory'
import { PENDING, YIELD, type Leave, type Operation } from './operation'
import {
  ACCEPT,
  DRY,
  ERROR,
  ERROR_OPCODE,
  EVENT_WRITABLE,
  IDLE,
  idOf,
  JOB,
  LOOKUP,
  USES_EDGES,
  READ,
  READINESS,
  READ_OPCODE,
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
  SLOT_STRIDE,
  STATE_ADDRESS,
  STATE_FREE,
  WRITE,
  WRITE_OPCODE,
  type Direction,
} from '../binding/shared'
import { append } from '../runtime/list'
import { uncaught } from '../runtime/uncaught'

const MAX_BACKOFF = 16
/** The maximum number of threads that run transfers, for each environment. */
const TRANSFERS = 16
const DIRECTIONS = [READ, WRITE, ERROR] as const
/** The order in which the queues of a deferred socket are served. */
const IN_TURN = [WRITE, READ, ERROR] as const

/** What led to an attempt. It decides what EAGAIN means. */
type Cause =
  /** No event: the operation is new, or has become the head of its queue. */
  | 'submit'
  /** The poller reported readiness in this direction. */
  | 'edge'
  /** The poller reported an error or a hang-up, but not that the socket is writable. */
  | 'error'
  /** The retry timer, after spurious readiness. */
  | 'timer'
  /** No event: a deferred queue is served, or work on another thread has ended. */
  | 'turn'

// All promises share one executor: a new closure for each promise would cost more than the promise itself.
const captured: { resolve: (value: never) => void; reject: (reason: unknown) => void } = {
  resolve: () => undefined,
  reject: () => undefined,
}
function capture(resolve: (value: never) => void, reject: (reason: unknown) => void): void {
  captured.resolve = resolve
  captured.reject = reject
}

/** Calls `run`. An error that it throws does not stop the caller. */
function isolate(run: () => void): void {
  try {
    run()
  } catch (error) {
    uncaught(error)
  }
}

function spins(channel: Channel): boolean {
  return channel.extras !== null && channel.extras.spin > 0
}

function spin(operation: Operation<unknown>, milliseconds: number): number {
  const end = performance.now() + milliseconds
  let result: number
  do result = operation.attempt()
  while (result === EAGAIN && performance.now() < end)
  return result
}

export class Reactor {
  readonly native: Native
  readonly memory: Memory
  readonly jobs = new Jobs()
  /** Transfers that may wait for a disk or a network file system: each one has its own thread. */
  readonly transfers = new Jobs(TRANSFERS)
  /**
   * Channels by slot, only while operations wait. An idle channel is not held here, so that a socket that the program
   * lost can be garbage-collected.
   */
  readonly #channels: (Channel | undefined)[] = []
  #turn = 0
  #refs = 0
  #deferred: Channel[] = []
  #immediate: NodeJS.Immediate | null = null

  constructor(native: Native) {
    this.native = native
    this.memory = new Memory(native, records => this.#dispatch(records))
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
      if (direction === READ && this.#isDry(channel) && !operation.ignoresDry && !spins(channel))
        return this.wait(channel, operation, timeout, signal)
      if (!this.hasBudget(channel)) return this.wait(channel, operation, timeout, signal, true)
    }
    let result: number
    try {
      do result = operation.attempt()
      while (result === YIELD && timeout === 0)
      if (result === EAGAIN && timeout !== 0 && direction === READ && spins(channel))
        result = spin(operation, Math.min(channel.ensureExtras().spin, timeout ?? Infinity))
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
    const promise = new Promise<T>(capture)
    operation.resolve = captured.resolve
    operation.reject = captured.reject
    try {
      operation.hold()
      if (timeout !== null || signal !== undefined) this.#setLeave(channel, operation, timeout, signal)
    } catch (error) {
      this.#reject(operation, error as Error)
      return promise
    }
    this.#enqueue(channel, operation)
    if (deferred) this.#defer(channel)
    else if (channel.head(operation.direction) === operation && !operation.busy)
      this.#arm(channel, operation, 'submit')
    return promise
  }

  /** True if an operation of this socket may still complete in this turn of the event loop. */
  hasBudget(channel: Channel): boolean {
    if (channel.turn !== this.#turn) {
      channel.turn = this.#turn
      channel.budget = BUDGET
    }
    return channel.budget > 0
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

  /** Attempts the waiting writes and reads. Called before the error queue is read, which would consume their errors. */
  serveOthers(channel: Channel): void {
    this.hasBudget(channel)
    for (const direction of [WRITE, READ] as const) {
      if (channel.head(direction) === null) continue
      channel.budget = Math.max(channel.budget, 1) // at least the head is attempted, even without budget
      this.#pump(channel, direction, 'turn')
    }
  }

  /** Closes the descriptor at once, then rejects the operations that waited with ECANCELED. */
  close(channel: Channel): void {
    const waiting = this.#takeAll(channel)
    if (channel.fd >= 0) channel.extras?.guard?.close()
    const result = channel.fd < 0 ? 0 : this.native.close(channel.id)
    channel.network.leave(channel.id)
    channel.fd = -1
    channel.id = NO_SLOT
    for (const operation of waiting) this.#reject(operation, canceled(operation.syscall))
    channel.gone()
    if (result < 0) throw systemError('close', result)
  }

  /** Releases the descriptor without closing it. EBUSY while operations wait, or while undelivered bytes remain. */
  detach(channel: Channel): number {
    const { fd, waiting, leftover, extras } = channel
    const lent = extras !== null && (extras.transfers > 0 || extras.guard?.busy === true)
    const result = waiting > 0 || leftover !== null || lent ? EBUSY : this.native.detach(channel.id)
    if (result < 0) throw systemError('detach', result)
    channel.network.leave(channel.id)
    channel.gone()
    return fd
  }

  /** Sets whether operations that wait on this channel keep the process alive. */
  setRef(channel: Channel, on: boolean): void {
    if (channel.refed === on) return
    channel.refed = on
    if (channel.waiting > 0) this.#count(on ? 1 : -1)
    for (const direction of DIRECTIONS) {
      for (let operation = channel.head(direction); operation !== null; operation = operation.next) {
        if (on) operation.leave?.timer?.ref()
        else operation.leave?.timer?.unref()
      }
    }
  }

  #isDry(channel: Channel): boolean {
    return (this.memory.table[channel.index * SLOT_STRIDE + READINESS]! & DRY) !== 0
  }

  #usesEdges(channel: Channel): boolean {
    return (this.memory.table[channel.index * SLOT_STRIDE + READINESS]! & USES_EDGES) !== 0
  }

  // --- queues ---

  #enqueue(channel: Channel, operation: Operation<unknown>): void {
    channel.queue(operation.direction).push(operation)
    operation.queued = true
    if (channel.waiting++ > 0) return
    while (this.#channels.length <= channel.index) append(this.#channels, undefined)
    this.#channels[channel.index] = channel
    if (channel.refed) this.#count(1)
  }

  #dequeue(channel: Channel, operation: Operation<unknown>): void {
    const { direction } = operation
    // Disarm the head, or C++ would receive data for an operation that is gone.
    if (channel.head(direction) === operation) this.#disarm(channel, direction)
    channel.queue(direction).remove(operation)
    operation.queued = false
    if (operation.leave !== null) {
      const { timer, forget } = operation.leave
      operation.leave = null
      if (timer !== null) clearTimeout(timer)
      forget?.()
    }
    if (--channel.waiting > 0) return
    this.#channels[channel.index] = undefined
    if (channel.refed) this.#count(-1)
    const { extras } = channel
    if (extras === null) return
    if (extras.backoff !== null) clearTimeout(extras.backoff)
    extras.backoff = null
    extras.stall = 0
    extras.echo = false
  }

  #takeAll(channel: Channel): Operation<unknown>[] {
    const taken: Operation<unknown>[] = []
    for (const direction of DIRECTIONS) {
      for (let head = channel.head(direction); head !== null; head = channel.head(direction)) {
        append(taken, head)
        this.#dequeue(channel, head)
      }
    }
    return taken
  }

  #count(change: number): void {
    this.#refs += change
    if (this.#refs === (change > 0 ? 1 : 0)) this.native.ref(change > 0)
  }

  // --- waiting ---

  // Returns false if the socket cannot be watched: the operation has been rejected, and the next one is the head.
  #arm(channel: Channel, operation: Operation<unknown>, cause: Cause): boolean {
    const direction = operation.direction
    if (!channel.watched || direction === WRITE || this.#usesEdges(channel)) {
      // A kernel that is short of memory fails a send with EAGAIN although the socket stays writable. No edge follows,
      // unless the poller is asked again. After an event it is not asked: this would repeat without end.
      const noEvent = cause === 'submit' || cause === 'turn'
      const ask = noEvent && direction === WRITE && !operation.spurious
      const result = this.native.watch(channel.id, direction === WRITE ? 1 : 0, ask ? 1 : 0)
      if (result < 0) {
        this.#dequeue(channel, operation)
        this.#reject(operation, systemError('epoll_ctl', result))
        return false
      }
      channel.watched = true
    }
    operation.arm(this.memory, channel.index)
    if (direction === WRITE && operation.spurious) {
      this.#backOff(channel)
      // The failed attempt freed its own send buffer, which causes one edge. #serve ignores it if `echo` is set.
      channel.ensureExtras().echo = true
    }
    return true
  }

  #disarm(channel: Channel, direction: Direction): void {
    const field = direction === READ ? READ_OPCODE : direction === WRITE ? WRITE_OPCODE : ERROR_OPCODE
    this.memory.table[channel.index * SLOT_STRIDE + field] = IDLE
  }

  // Attempts the queued operations in order, until one would block.
  #pump(channel: Channel, direction: Direction, cause: Cause): void {
    if (direction === ERROR) return this.#pumpErrors(channel)
    for (;;) {
      const operation = channel.head(direction)
      if (operation === null || operation.busy) return
      if (channel.budget === 0) return this.#defer(channel)
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
      if (result === YIELD) return this.#defer(channel)
      if (result === EAGAIN) {
        const spurious = cause === 'edge' || cause === 'timer'
        if (spurious && direction === READ) {
          // Spurious level-triggered readiness would repeat on every turn: use edges for the rest of this wait.
          operation.arm(this.memory, channel.index)
          this.native.useEdges(channel.id)
          return
        }
        if (!this.#arm(channel, operation, cause)) continue
        if (spurious && direction === WRITE && operation.progress === progress) this.#backOff(channel)
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
    const before = channel.extras?.errors?.handed
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
    let head = channel.head(ERROR)
    while (head !== null && !this.#arm(channel, head, 'submit')) head = channel.head(ERROR)
    if (head !== null && channel.extras?.errors?.handed !== before) this.#defer(channel)
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

  #backOff(channel: Channel): void {
    const extras = channel.ensureExtras()
    if (extras.backoff !== null) return
    const wait = 1 << extras.stall
    if (wait < MAX_BACKOFF) extras.stall++
    extras.backoff = setTimeout(() => {
      extras.backoff = null
      this.#newTurn(channel)
      this.#pump(channel, WRITE, 'timer')
    }, wait)
    if (!channel.refed) extras.backoff.unref()
  }

  // --- fairness ---

  #newTurn(channel: Channel): void {
    channel.turn = ++this.#turn
    channel.budget = BUDGET
  }

  #defer(channel: Channel): void {
    if (channel.deferred) return
    channel.deferred = true
    append(this.#deferred, channel)
    this.#immediate ??= setImmediate(() => {
      this.#immediate = null
      const channels = this.#deferred
      this.#deferred = []
      for (const deferred of channels) {
        deferred.deferred = false
        this.#newTurn(deferred)
        for (const direction of IN_TURN) isolate(() => this.#pump(deferred, direction, 'turn'))
      }
    })
  }

  // --- leaving early ---

  #setLeave(
    channel: Channel,
    operation: Operation<unknown>,
    timeout: number | null,
    signal?: AbortSignal,
  ): void {
    const leave: Leave = { timer: null, forget: null, reason: null }
    // The signal first, because onAbort may throw: no timer must be left running then.
    if (signal !== undefined)
      leave.forget = onAbort(signal, () => {
        if (endsWaitsOnly(signal)) this.serveOthers(channel)
        if (operation.queued) this.#leave(channel, operation, aborted(signal))
      })
    if (timeout !== null) {
      const expire = (): void => this.#leave(channel, operation, timedOut(operation.syscall, timeout))
      leave.timer = setTimeout(expire, timeout)
      if (!channel.refed) leave.timer.unref()
    }
    operation.leave = leave
  }

  /** Rejects an operation that waits with `reason`. Does nothing if it has already ended. */
  cancel(channel: Channel, operation: Operation<unknown>, reason: Error): void {
    if (operation.queued) this.#leave(channel, operation, reason)
  }

  #leave(channel: Channel, operation: Operation<unknown>, reason: Error): void {
    const first = channel.head(operation.direction) === operation
    if (operation.busy && operation.grace > 0) {
      operation.leave ??= { timer: null, forget: null, reason: null }
      const { leave } = operation
      if (leave.reason !== null) return
      leave.reason = reason
      if (leave.timer !== null) clearTimeout(leave.timer)
      leave.timer = setTimeout(() => this.#quit(channel, operation, reason, first), operation.grace)
      return
    }
    this.#quit(channel, operation, reason, first)
  }

  #quit(channel: Channel, operation: Operation<unknown>, reason: Error, first: boolean): void {
    const { direction } = operation
    this.#dequeue(channel, operation)
    this.#reject(operation, reason)
    if (first && channel.fd >= 0) {
      this.#newTurn(channel)
      this.#pump(channel, direction, 'submit')
    }
  }

  // --- records ---

  #dispatch(records: number): void {
    this.#turn++
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
    const channel = this.#channels[index]
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
    const dry = direction === READ && this.#isDry(channel) && !head.ignoresDry
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
