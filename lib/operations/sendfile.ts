import { native } from '../binding/binding'
import {
  STATE_FLAGS,
  STATE_SECOND,
  STATE_SLOT,
  STOPPED,
  UNCACHED_READ,
  UNCACHED_STOP,
  UNCACHED_UNKNOWN,
  WRITE,
} from '../binding/shared'
import { closed, invalidType, fileTruncated, systemError, withProgress } from '../errors'
import { EAGAIN, EBADF, ENOSYS } from '../errors/errno'
import { reactor } from '../reactor'
import type { Channel } from '../reactor/channel'
import { Operation, PENDING, YIELD } from '../reactor/operation'
import { performance, queueMicrotask } from '../runtime/clock'
import { inContext } from '../runtime/context'
import { fieldsOfOp, type Op } from '../validators'
import { checkInteger } from '../errors/argument'
import { noteResident, wasResident } from './page-cache'
import { type FileStat, isLocal, statOf } from './stat'

/** The options of sendfile. */
export interface SendfileOptions extends Op {
  /** The offset in the file to begin at, in bytes. Default 0. The file's own position is neither used nor moved. */
  offset?: number | undefined
  /** The maximum number of bytes to send. Default: up to the end of the file. */
  length?: number | undefined
  /** Called after each chunk, with the bytes sent so far and the bytes to send. */
  onProgress?: ((sent: number, total: number) => void) | undefined
}

export const SENDFILE_FIELDS = ['offset', 'length', 'onProgress'] satisfies (keyof SendfileOptions)[]

/** Checks the options of sendfile. */
export function checkSendfile(options: SendfileOptions | number | undefined): SendfileRange {
  const { offset = 0, length, onProgress } = fieldsOfOp(options)
  return {
    offset: checkInteger('options.offset', offset, 0, Number.MAX_SAFE_INTEGER),
    length:
      length === undefined ? length : checkInteger('options.length', length, 0, Number.MAX_SAFE_INTEGER),
    onProgress: checkProgress(onProgress),
  }
}

/** Checks a listener for progress, and binds it to the async context of the caller. */
export function checkProgress<Arguments extends unknown[]>(
  listener: ((...args: Arguments) => void) | undefined,
): typeof listener {
  if (listener === undefined) return undefined
  if (typeof listener !== 'function') throw invalidType('options.onProgress', 'function', listener)
  return inContext(listener)
}

/** Milliseconds per turn of the event loop. The time is checked after each part. */
const TURN = 0.25
/**
 * Milliseconds that one part should take: one call of sendfile(2), which cannot be interrupted. Over loopback the call does
 * the work of the receiver too, so 1 MiB may take 2 ms.
 */
const PART_TIME = 0.5
const MIB = 1024 * 1024
const MAX_PART = 4 * MIB
/** The maximum number of bytes per job, the capacity of the pipe. */
const JOB = MIB

/** Returns the size of the next part, if the bytes of the last ones took so long. */
function partAfter(bytes: number, milliseconds: number): number {
  const part = MIB * Math.floor((bytes / milliseconds) * (PART_TIME / MIB))
  return Math.max(MIB, Math.min(part, MAX_PART))
}

export interface SendfileRange {
  offset: number
  length: number | undefined
  onProgress: ((sent: number, total: number) => void) | undefined
}

/**
 * Selects how the operation waits for a file that is not in the page cache.
 *
 * `'reactor'` reads on a separate thread, `'now'` and `'once'` do not wait (`trySendfile` and a timeout of 0), and
 * `'blocking'` waits on the calling thread.
 */
export type SendfileDriver = 'reactor' | 'now' | 'once' | 'blocking'

/** If the kernel cannot tell what is in the page cache, drivers that do not wait read anyway: see docs/transfer.md. */
const UNCACHED = {
  reactor: UNCACHED_STOP,
  now: UNCACHED_UNKNOWN,
  once: UNCACHED_UNKNOWN,
  blocking: UNCACHED_READ,
} satisfies Record<SendfileDriver, number>

/** True after a call that has sent nothing, because the next part is not in the page cache. */
function isStopped(result: number): boolean {
  return result === 0 && reactor.memory.state[STATE_FLAGS] === STOPPED
}

/**
 * Sends a range of a file. sendfile(2)
 *
 * The socket never blocks, but the file can: the call reads a page that is not in the page cache from the disk, and
 * the server of a FUSE file may never answer. A chunk is sent directly with sendfile(2) only if the file is local
 * and the whole chunk is in the page cache. Otherwise a separate thread reads the chunk into a pipe, and the event
 * loop's thread sends it from there. The separate thread does not access the socket.
 */
export class Sendfile extends Operation<number> {
  /** The slot of a duplicate; null while the operation has not waited, or after its end. */
  #file: number | null = null
  #offset: number
  #sent = 0
  /** The maximum number of bytes for one call of sendfile(2). */
  #part = MIB
  /** False if a call may wait for the disk, and once a part was not in the page cache. Then all parts have 1 MiB. */
  #grows: boolean
  /** The −errno that ended the last call after it had sent some bytes, else 0. */
  #failed = 0
  #pipe: { reading: number; writing: number } | null = null
  /** The number of bytes in the pipe. */
  #inside = 0
  #job: number | null = null
  #forget: (() => void) | null = null
  #reporting = false
  /** The file at the beginning. */
  readonly #stat: FileStat
  readonly #total: number
  /** False if the file has no size (/proc, devices). The end is then where sendfile(2) returns 0. */
  readonly #sized: boolean
  readonly #local: boolean
  readonly #onProgress: SendfileRange['onProgress']

  constructor(
    private readonly channel: Channel,
    /** The caller's descriptor. It is used only before the caller can close it. */
    private readonly fd: number,
    range: SendfileRange,
    private readonly driver: SendfileDriver,
  ) {
    super()
    const stat = statOf(fd, 'sendfile')
    this.#stat = stat
    this.#sized = stat.isFile && stat.size > 0
    this.#grows = driver !== 'blocking'
    this.#local = driver === 'blocking' || isLocal(fd, stat)
    const available = this.#sized ? Math.max(0, stat.size - range.offset) : Number.MAX_SAFE_INTEGER
    this.#total = Math.min(available, range.length ?? available)
    this.#offset = range.offset
    this.#onProgress = range.onProgress
    if (driver === 'blocking' || range.onProgress !== undefined) this.hold()
  }

  // While the operation waits, the caller may close the file and reuse its number. A duplicate costs more than a small
  // file, so an operation that completes at once has none.
  override hold(): void {
    this.#file ??= reactor.adoptDuplicate(this.fd, 'sendfile')
  }

  get direction(): typeof WRITE {
    return WRITE
  }

  get syscall(): string {
    return 'sendfile'
  }

  override get busy(): boolean {
    return this.#forget !== null
  }

  attempt(): number {
    const end = performance.now() + TURN
    do {
      const rest = this.#total - this.#sent
      if (rest <= 0) return this.#reporting ? YIELD : this.#end()
      const result = this.#step(rest)
      if (result === PENDING) return PENDING
      if (result === EAGAIN && this.driver === 'now' && this.#sent > 0) return this.#end()
      if (result < 0) return result
      if (result === 0) return this.#reporting ? YIELD : this.#end()
      this.#sent += result
      this.#offset += result
      this.#report()
      // A file that is complete needs no other turn. After EAGAIN an edge may come: the operation must wait for it now.
    } while (this.#sent >= this.#total || this.#failed !== 0 || performance.now() < end)
    return this.driver === 'now' ? this.#end() : YIELD
  }

  #step(rest: number): number {
    if (this.channel.fd < 0) throw closed(this.syscall) // a listener of the progress has closed the socket
    const failed = this.#failed
    this.#failed = 0
    if (failed !== 0) return failed
    if (this.#job !== null) {
      const result = this.#job
      this.#job = null
      if (this.#pipe === null || result <= 0) return result
      this.#inside = result
    }
    if (this.#inside > 0) return this.#empty()
    if (!this.#local) return this.#read(rest)
    let result = this.#send(rest)
    if (isStopped(result) && this.#part > MIB) {
      this.#part = MIB // perhaps only the end of the part is not in the page cache
      result = this.#send(rest)
    }
    return isStopped(result) ? this.#read(rest) : result
  }

  #send(count: number): number {
    const { id } = this.channel
    const grows = this.#grows && count > MIB
    const before = performance.now()
    const small = count <= MIB // one part, for which the kernel is asked once
    const known = small && wasResident(this.#stat, this.#offset, count, before)
    const uncached = known ? UNCACHED_READ : UNCACHED[this.driver]
    const result =
      this.#file === null
        ? native.sendfileFrom(id, this.fd, this.#offset, count, this.#part, TURN * 1000, uncached)
        : native.sendfile(id, this.#file, this.#offset, count, this.#part, TURN * 1000, uncached)
    if (result <= 0) return result
    if (small && uncached === UNCACHED_STOP) noteResident(this.#stat, this.#offset, count, before)
    this.#failed = reactor.memory.state[STATE_FLAGS]!
    // A socket that is full after less than a part needs no larger one.
    if (grows) this.#part = this.#failed === 0 ? partAfter(result, performance.now() - before) : MIB
    return result
  }

  /**
   * Starts a thread that reads into the pipe, or returns EAGAIN for a driver without threads. On systems without splice(2) the
   * thread also sends.
   */
  #read(rest: number): number {
    if (this.driver !== 'reactor') return EAGAIN
    this.#grows = false
    const count = Math.min(rest, JOB)
    this.hold()
    const failed = this.#makePipe()
    if (failed < 0 && failed !== ENOSYS) return failed
    const { transfers } = reactor
    const to = this.#pipe === null ? this.channel.id : this.#pipe.writing
    const other = this.#pipe === null ? -1 : this.#pipe.reading
    const start = (ticket: number): number =>
      native.transferJob(this.#file!, to, other, this.#offset, count, ticket)
    const forget = transfers.submit(start, result => {
      this.#job = result
      if (this.#forget === null) return
      this.#forget = null
      reactor.resume(this.channel, this)
    })
    if (this.#job !== null) return this.#step(rest) // the job could not be started
    this.#forget = forget
    return PENDING
  }

  #makePipe(): number {
    if (this.#pipe !== null) return 0
    reactor.makeRoom(2)
    const failed = native.pipe(JOB)
    if (failed < 0) return failed
    const { memory } = reactor
    const { state } = memory
    this.#pipe = { reading: memory.idAt(state[STATE_SLOT]!), writing: memory.idAt(state[STATE_SECOND]!) }
    return 0
  }

  /** Sends the contents of the pipe. */
  #empty(): number {
    const result = native.splice(this.#pipe!.reading, this.channel.id, this.#inside)
    if (result > 0) this.#inside -= result
    return result === 0 ? EAGAIN : result
  }

  // A file of sysfs holds less than its size says. It has been sent to its end, unless its size has changed.
  #end(): number {
    if (!this.#sized || this.#sent >= this.#total || this.driver === 'now') return 0
    const size = this.#file === null ? native.stat(this.fd) : native.fileSize(this.#file)
    if (size < this.#stat.size) throw fileTruncated(this.#sent, this.#total)
    return 0
  }

  // The callback may close or abort anything, so it must not run inside the reactor. The operation does not end
  // before the last report.
  #report(): void {
    if (this.#onProgress === undefined) return
    if (this.driver !== 'reactor') return this.#announce()
    if (this.#reporting) return
    this.#reporting = true
    queueMicrotask(() => {
      this.#reporting = false
      try {
        this.#announce()
      } catch (error) {
        reactor.cancel(this.channel, this, error as Error)
      }
    })
  }

  #announce(): void {
    if (this.#file === null) return
    this.#onProgress!(this.#sent, this.#sized ? this.#total : this.#sent)
  }

  override get progress(): number {
    return this.#sent
  }

  value(): number {
    this.#release()
    return this.#sent
  }

  failure(result: number): Error {
    return systemError('sendfile', result, { subject: this.#complaint(result) })
  }

  /** What is wrong with the file, if it is to blame. */
  #complaint(result: number): string | undefined {
    if (result === EBADF) return `descriptor ${this.fd} is not open for reading`
    return this.#stat.isDirectory ? `descriptor ${this.fd} is a directory` : undefined
  }

  override abandon(reason: Error): Error {
    this.#release()
    return withProgress(reason, this.#sent)
  }

  override pass(): null {
    this.#release()
    return null
  }

  // A running job holds its own references to the file and the pipe.
  #release(): void {
    this.#forget?.()
    this.#forget = null
    if (this.#file !== null) native.close(this.#file)
    if (this.#pipe !== null) {
      native.close(this.#pipe.reading)
      native.close(this.#pipe.writing)
    }
    this.#file = this.#pipe = null
  }
}
