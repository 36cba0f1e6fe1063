import { fstatSync, type Stats } from 'node:fs'
import { fileTruncated, systemError, withProgress } from '../errors'
import { native, reactor } from '../internal/environment'
import { EAGAIN, errnoOf } from '../internal/errno'
import { Operation, PENDING, YIELD } from '../internal/operation'
import type { Channel } from '../internal/channel'
import { WRITE } from '../internal/shared'

/** One call on the loop's thread: about a tenth of a millisecond where a device takes the pages. */
const CHUNK = 1024 * 1024
/**
 * What one turn of the loop is for, in ms. Calls are not counted: over loopback each does the receiver's work as
 * well, for up to 2 ms.
 */
const TURN = 0.25
/** What one job on the thread pool sends at most. */
const JOB = 4 * 1024 * 1024

export interface SendfileRange {
  offset: number
  length: number | undefined
  onProgress: ((sent: number, total: number) => void) | undefined
}

/**
 * Who runs the operation decides where a file that is not in memory may be waited for: on the thread pool,
 * nowhere (`trySendfile` and a timeout of 0), or right here.
 */
export type SendfileDriver = 'reactor' | 'now' | 'once' | 'blocking'

/**
 * sendfile(2) until the range is sent. The socket never blocks, but a file does: a page that is not in
 * memory is read from the disk inside the call. So a chunk goes out on the loop's thread only when all
 * of it is in the page cache, and on the thread pool otherwise.
 */
export class Sendfile extends Operation<number> {
  #file: number | null
  #offset: number
  #sent = 0
  #job: number | null = null
  #running = false
  #reporting = false
  readonly #total: number
  /** False for what has no size of its own (/proc, devices): then the end is where sendfile says 0. */
  readonly #sized: boolean
  readonly #onProgress: SendfileRange['onProgress']

  constructor(
    private readonly channel: Channel,
    file: number,
    range: SendfileRange,
    private readonly driver: SendfileDriver,
  ) {
    super()
    const stat = statOf(file)
    this.#sized = stat.isFile() && stat.size > 0
    const available = this.#sized ? Math.max(0, stat.size - range.offset) : Number.MAX_SAFE_INTEGER
    this.#total = Math.min(available, range.length ?? available)
    this.#offset = range.offset
    this.#onProgress = range.onProgress
    this.#file = reactor.hold(file, 'sendfile') // the user may close it, or reuse its number, meanwhile
  }

  get direction(): typeof WRITE {
    return WRITE
  }

  get syscall(): string {
    return 'sendfile'
  }

  override get busy(): boolean {
    return this.#running
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
    } while (performance.now() < end)
    return this.driver === 'now' ? this.#end() : YIELD
  }

  #step(rest: number): number {
    if (this.#job !== null) {
      const result = this.#job
      this.#job = null
      return result
    }
    const file = this.#file!
    const count = Math.min(rest, CHUNK)
    const resident = this.driver === 'blocking' ? 1 : native.resident(file, this.#offset, count)
    // Where the system cannot tell (before Linux 6.5), who will not wait has to take the chance.
    if (resident === 1 || (resident < 0 && this.driver !== 'reactor')) {
      return native.sendfile(this.channel.id, file, this.#offset, count)
    }
    if (this.driver !== 'reactor') return EAGAIN
    const result = native.sendfileJob(this.channel.id, file, this.#offset, Math.min(rest, JOB))
    if (result < 0) return result
    this.#running = true
    return PENDING
  }

  #end(): number {
    const short = this.#sized && this.#sent < this.#total && this.driver !== 'now'
    if (short) throw fileTruncated(this.#sent, this.#total)
    return 0
  }

  // The callback is the user's code, so it never runs inside the reactor, where it could close or abort
  // anything half way; and the operation does not end before it has been told everything.
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

  override jobDone(result: number): void {
    this.#running = false
    this.#job = result
    if (this.leave !== null && this.leave.reason !== null && result > 0) this.#sent += result // it went out all the same
  }

  value(): number {
    this.#release()
    return this.#sent
  }

  failure(result: number): Error {
    return systemError('sendfile', result)
  }

  override abandon(reason: Error): Error {
    this.#release()
    return withProgress(reason, this.#sent)
  }

  override pass(): null {
    this.#release()
    return null
  }

  #release(): void {
    if (this.#file !== null) native.close(this.#file) // a job that still runs has a share of it
    this.#file = null
  }
}

function statOf(file: number): Stats {
  try {
    return fstatSync(file)
  } catch (error) {
    throw systemError('sendfile', errnoOf((error as NodeJS.ErrnoException).code ?? ''))
  }
}
