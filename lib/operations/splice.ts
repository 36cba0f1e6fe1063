import { constants as files } from 'node:fs'
import { native } from '../binding/binding'
import { READ, STATE_SECOND, STATE_SLOT, WRITE } from '../binding/shared'
import { F_GETFL, O_NONBLOCK, SOCK_DGRAM } from '../constants'
import { systemError } from '../errors'
import { EAGAIN, errnoOf } from '../errors/errno'
import { giveBack, removeLeftover } from '../message/leftover'
import { reactor } from '../reactor'
import { Channel } from '../reactor/channel'
import { Operation, PENDING, YIELD } from '../reactor/operation'
import { performance } from '../runtime/clock'
import { fieldsOfOp, type Op } from '../validators'
import { checkInteger } from '../errors/argument'
import { checkProgress } from './sendfile'
import { statOf } from './stat'

/** The options of splice. */
export interface SpliceOptions extends Op {
  /** The maximum number of bytes to move. Default: until the stream ends. */
  length?: number | undefined
  /** Called after each portion, with the bytes moved so far. */
  onProgress?: ((moved: number) => void) | undefined
}

export const SPLICE_FIELDS = ['length', 'onProgress'] satisfies (keyof SpliceOptions)[]

/** The options of splice after the checks. */
export interface SpliceRange {
  length: number
  onProgress: ((moved: number) => void) | undefined
}

/** Refuses a datagram source: message boundaries would be lost, and an empty datagram would look like the end. */
export function checkSpliceable(from: { readonly type: number }): void {
  if (from.type !== SOCK_DGRAM) return
  throw systemError('splice', errnoOf('EINVAL'), { subject: 'a datagram socket cannot be the source' })
}

/** Checks the options of splice. */
export function checkSplice(options: SpliceOptions | number | undefined): SpliceRange {
  const { length = Number.MAX_SAFE_INTEGER, onProgress } = fieldsOfOp(options)
  return {
    length: checkInteger('options.length', length, 0, Number.MAX_SAFE_INTEGER),
    onProgress: checkProgress(onProgress),
  }
}

/** The capacity of the pipe in bytes. Unprivileged processes may not exceed /proc/sys/fs/pipe-max-size. */
const PIPE_SIZE = 1024 * 1024
/** The number of bytes after which an attempt yields to other sockets. */
const TURN_BYTES = 4 * 1024 * 1024

const { O_APPEND } = files

/** The target of a transfer: a Socket of this package, or a duplicate of a foreign descriptor. */
interface Target {
  channel: Channel
  /** True for a regular file. Writing to it may wait for a disk, so a separate thread writes. */
  file: boolean
  /** True if the channel is a duplicate that must be closed at the end. */
  held: boolean
}

/** Moves bytes from a socket through a pipe to a target, without copying them. splice(2) */
export class Transfer {
  /** The number of bytes that have reached the target. */
  moved = 0
  /** The number of bytes in the pipe. */
  inside = 0
  /** When bytes last moved, as of performance.now(). */
  lastMove = performance.now()
  /** The end that the transfer waits for. */
  stage: 'source' | 'target' = 'source'
  /**
   * True if a thread that may never finish still uses the pipe. Even read(2) and close(2) of the pipe would then
   * block.
   */
  stuck = false
  readonly reading: number
  readonly writing: number
  readonly #target: Target

  constructor(
    readonly source: Channel,
    to: Channel | number,
  ) {
    reactor.makeRoom(3)
    this.#target = typeof to === 'number' ? duplicate(to) : { channel: to, file: false, held: false }
    const result = native.pipe(PIPE_SIZE)
    if (result < 0) {
      this.#letGo()
      throw systemError('pipe2', result)
    }
    source.ensureExtras().transfers++
    const { memory } = reactor
    this.reading = memory.idAt(memory.state[STATE_SLOT]!)
    this.writing = memory.idAt(memory.state[STATE_SECOND]!)
  }

  /** True if the target is a regular file, whose writes wait only for a disk. */
  get toFile(): boolean {
    return this.#target.file
  }

  /** The channel of the target. */
  get target(): Channel {
    return this.#target.channel
  }

  /** Fills the pipe with up to `max` bytes and returns the number of bytes, 0 at the end of the stream. */
  fill(max: number): Operation<number> {
    return new Fill(this, max)
  }

  /** Moves the contents of the pipe to the target. With `here`, a write to a disk may block this thread. */
  flush(here = false): Operation<void> {
    return this.#target.file && !here ? new FlushToFile(this) : new Flush(this)
  }

  /** Ends the transfer. Bytes that are still in the pipe are returned by the next receive of the source. */
  close(): void {
    this.source.ensureExtras().transfers--
    if (this.inside > 0 && !this.stuck) {
      const rest = Buffer.allocUnsafeSlow(this.inside)
      giveBack(this.source, rest.subarray(0, Math.max(0, native.read(this.reading, rest))))
    }
    native.close(this.reading) // a running job holds its own references
    native.close(this.writing)
    this.#letGo()
  }

  #letGo(): void {
    if (this.#target.held) reactor.close(this.#target.channel)
  }
}

// Duplicates a descriptor as the target of a transfer. Refuses descriptors that would block the event loop.
function duplicate(fd: number): Target {
  const stat = statOf(fd, 'splice')
  const channel = new Channel(reactor.adoptDuplicate(fd, 'splice'), fd)
  const flags = native.fcntl(channel.id, F_GETFL, 0)
  const pipe = stat.isFifo
  const blocks = !stat.isFile && !pipe && (flags & O_NONBLOCK) === 0
  if (blocks || (!pipe && (flags & O_APPEND) !== 0)) {
    native.close(channel.id)
    const which = blocks ? 'must have O_NONBLOCK' : 'must not have O_APPEND, because splice(2) cannot append'
    throw systemError('splice', errnoOf('EINVAL'), { subject: `descriptor ${fd} ${which}` })
  }
  return { channel, file: stat.isFile, held: true }
}

/** Moves bytes from the source to the pipe. The pipe is empty before, so EAGAIN refers to the socket. */
class Fill extends Operation<number> {
  constructor(
    private readonly transfer: Transfer,
    private readonly max: number,
  ) {
    super()
  }

  get direction(): typeof READ {
    return READ
  }

  get syscall(): string {
    return 'splice'
  }

  override get ignoresDry(): boolean {
    return this.transfer.source.leftover !== null
  }

  attempt(): number {
    const { source, writing } = this.transfer
    if (source.leftover !== null) return this.#leftover(source)
    return native.splice(source.id, writing, Math.min(this.max, PIPE_SIZE))
  }

  // Bytes that an earlier receive could not deliver come first.
  #leftover(source: Channel): number {
    const { data } = source.leftover!
    const result = native.write(this.transfer.writing, data.subarray(0, this.max))
    if (result < 0) return result
    removeLeftover(source, result)
    return result
  }

  value(result: number): number {
    this.transfer.inside += result
    this.transfer.lastMove = performance.now()
    return result
  }

  failure(result: number): Error {
    return systemError('splice', result)
  }
}

/** Moves bytes from the pipe to a socket or to another pipe. */
class Flush extends Operation<void> {
  constructor(protected readonly transfer: Transfer) {
    super()
  }

  get direction(): typeof WRITE {
    return WRITE
  }

  get syscall(): string {
    return 'splice'
  }

  attempt(): number {
    const { transfer } = this
    for (let turn = 0; turn < TURN_BYTES;) {
      if (transfer.inside === 0) return 0
      const result = native.splice(transfer.reading, transfer.target.id, transfer.inside)
      if (result <= 0) return result === 0 ? EAGAIN : result
      this.advance(result)
      turn += result
    }
    return YIELD
  }

  protected advance(bytes: number): void {
    this.transfer.inside -= bytes
    this.transfer.moved += bytes
    this.transfer.lastMove = performance.now()
  }

  override get progress(): number {
    return this.transfer.moved
  }

  value(): void {}

  failure(result: number): Error {
    return systemError('splice', result)
  }
}

/** The number of milliseconds that an ending transfer waits for a file write, to get an exact number of bytes. */
const GRACE = 100

/** Moves bytes from the pipe to a regular file, on a separate thread. */
class FlushToFile extends Flush {
  #forget: (() => void) | null = null
  #begun = false
  #result: number | null = null

  override get busy(): boolean {
    return this.#forget !== null
  }

  override get grace(): number {
    return this.#begun ? GRACE : 0
  }

  override attempt(): number {
    const result = this.#result
    this.#result = null
    if (result !== null) {
      if (result < 0) return result
      this.advance(result)
    }
    const { transfer } = this
    if (transfer.inside === 0) return 0
    const channel = transfer.target
    const start = (ticket: number): number => {
      this.#begun = true
      const { reading, writing, inside } = transfer
      return native.transferJob(reading, channel.id, writing, null, inside, ticket)
    }
    const forget = reactor.transfers.submit(start, bytes => {
      this.#begun = false
      this.#result = bytes
      if (this.#forget === null) return
      this.#forget = null
      // The transfer is ending, but the write has completed.
      if (this.leave?.reason != null && bytes > 0) this.advance(bytes)
      reactor.resume(channel, this)
    })
    if (this.#result !== null) return this.#result // the job could not be started
    this.#forget = forget
    return PENDING
  }

  override abandon(reason: Error): Error {
    this.#forget?.()
    if (this.#begun) this.transfer.stuck = true
    return reason
  }
}
