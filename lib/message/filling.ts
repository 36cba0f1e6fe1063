import { native } from '../binding/binding'
import { constants, FIONREAD, POLLIN } from '../constants'
import { MSG_DONTWAIT, MSG_PEEK, MSG_TRUNC, MSG_WAITALL } from '../constants/per-call'
import { EAGAIN } from '../errors/errno'
import type { Channel } from '../reactor/channel'
import { YIELD } from '../reactor/operation'
import { noBytes } from './pool'
import { ELSEWHERE, giveBack, hasLeftover, joined, takeLeftover } from './leftover'
import type { NonSharedBuffer } from '../runtime/buffer'

const { POLLRDHUP } = constants

/** The number of bytes after which an attempt yields to other sockets. */
const TURN_BYTES = 4 * 1024 * 1024
const empty = Buffer.alloc(0)

/** True if a receive waits until its memory is full. Datagrams and records ignore MSG_WAITALL, and so does MSG_OOB. */
function waitsForAll(channel: Channel, flags: number, size: number): boolean {
  return (flags & (MSG_WAITALL | MSG_DONTWAIT | ELSEWHERE)) === MSG_WAITALL && !channel.messages && size > 0
}

/** Returns what collects the bytes of a receive with MSG_WAITALL, or null for every other receive. */
export function fillingOf(channel: Channel, flags: number, size: number): Filling | null {
  if ((flags & MSG_WAITALL) === 0) return null // most receives
  const peeks = (flags & MSG_PEEK) !== 0
  return !peeks && waitsForAll(channel, flags, size) ? new Filling(channel, flags, size) : null
}

/**
 * Collects the bytes of a receive with MSG_WAITALL. The kernel never waits here, so each call returns a part. The bytes
 * stay in separate memory until all have arrived: the caller may change its own buffer during the wait.
 */
export class Filling {
  #room = empty
  #filled = 0
  readonly #flags: number

  constructor(
    private readonly channel: Channel,
    flags: number,
    private readonly size: number,
  ) {
    // With MSG_TRUNC TCP would discard the bytes, and the next receive could not return them after a timeout.
    this.#flags = flags & ~(MSG_WAITALL | MSG_TRUNC)
  }

  /**
   * Repeats `receive` until all bytes are here, the stream ends or the call would block. `stop` ends it early, after a
   * call that returned bytes.
   */
  attempt(receive: (into: Buffer, flags: number) => number, stop?: () => boolean): number {
    if (this.#room.length === 0) this.#room = Buffer.allocUnsafeSlow(this.size)
    for (let moved = 0; moved < TURN_BYTES;) {
      const into = this.#room.subarray(this.#filled)
      const early = hasLeftover(this.channel, this.#flags)
      const result = early ? takeLeftover(this.channel, 0, [into]) : receive(into, this.#flags)
      if (result === EAGAIN && this.#filled === 0) this.#room = empty // release the memory during the wait
      if (result < 0) return result
      moved += result
      this.#filled += result
      if (result === 0 || this.#filled === this.size || (!early && stop?.() === true)) return this.#filled
    }
    return YIELD
  }

  /** Returns the bytes, and forgets them. */
  take(): NonSharedBuffer {
    const bytes = this.#filled === 0 ? noBytes() : this.#room.subarray(0, this.#filled)
    this.#room = empty
    this.#filled = 0
    return bytes
  }

  /** The receive has failed: the next one returns the bytes. */
  giveBack(): void {
    giveBack(this.channel, this.take())
  }
}

/**
 * Returns the result of a receive with MSG_PEEK, or EAGAIN if it must wait for more bytes: with MSG_WAITALL until
 * `size` bytes are in the queue, the stream has ended, or the kernel does not look further (at descriptors).
 */
export function peeked(channel: Channel, flags: number, size: number, result: number): number {
  const waits = (flags & MSG_PEEK) !== 0 && waitsForAll(channel, flags, size)
  if (!waits || result <= 0 || result >= size) return result
  // uncovered: only on a system without this constant
  const descriptor = Int32Array.of(channel.fd, POLLIN | (POLLRDHUP ?? 0), 0)
  if (native.poll(descriptor, 0) < 0 || (descriptor[2]! & ~POLLIN) !== 0) return result
  const queued = Int32Array.of(0)
  return native.ioctl(channel.id, FIONREAD, queued) === 0 && queued[0]! > result ? result : EAGAIN
}

/**
 * True if a receive must wait although bytes may be there, because they are fewer than SO_RCVLOWAT. The kernel decides:
 * it also counts the end of the stream, an error and a full buffer. On AF_UNIX it ignores the option.
 */
export function belowLowWater(channel: Channel, flags: number): boolean {
  if (channel.extras === null || channel.extras.lowWater <= 1) return false
  if ((flags & (MSG_DONTWAIT | ELSEWHERE)) !== 0 || channel.messages || channel.leftover !== null)
    return false
  const descriptor = Int32Array.of(channel.fd, POLLIN, 0)
  return native.poll(descriptor, 0) === 0
}

/** Receives data that an earlier receive could not deliver. With MSG_PEEK | MSG_WAITALL, also peeks at the bytes that follow. */
export function receiveLeftover(
  channel: Channel,
  flags: number,
  targets: readonly Uint8Array[],
  size: number,
  control?: Uint8Array,
): number {
  const peeksAll = (flags & MSG_PEEK) !== 0 && waitsForAll(channel, flags, size)
  if (peeksAll) channel.leftover = joined(channel)
  const got = takeLeftover(channel, flags, targets, control)
  if (!peeksAll || got === size) return got
  const rest = Buffer.allocUnsafeSlow(size - got)
  const result = native.recv(channel.id, rest, flags & ~MSG_TRUNC)
  const more = peeked(channel, flags, rest.length, result)
  if (more === EAGAIN) return EAGAIN
  let left = rest.subarray(0, Math.max(more, 0))
  let skip = got
  for (let i = 0; i < targets.length; i++) {
    const target = targets[i]!
    const room = target.subarray(skip)
    skip = Math.max(skip - target.length, 0)
    room.set(left.subarray(0, room.length))
    left = left.subarray(room.length)
  }
  return got + Math.max(more, 0)
}
