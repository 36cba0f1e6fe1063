import { native } from '../binding/binding'
import { READ } from '../binding/shared'
import { systemError } from '../errors'
import type { Frame } from '../message/frames'
import { joined } from '../message/leftover'
import { peerOf } from '../message/peer'
import type { ReadBuffer } from '../message/read-buffer'
import type { Channel } from '../reactor/channel'
import { Operation, YIELD } from '../reactor/operation'

/** The number of bytes that one receive asks for. */
const CHUNK = 64 * 1024
/** The number of bytes after which an attempt yields to other sockets. */
const TURN_BYTES = 4 * 1024 * 1024
/** The result of an attempt whose error `failure` returns: no −errno of recv(2) has this number. */
const FAILED = -0x3fffffff

// All operations share this buffer, because its bytes are copied before the next receive.
let scratch: Buffer | null = null

/**
 * Receives until a frame is complete. The bytes behind the frame stay in `channel.leftover`, where the next receive of
 * any kind finds them. So do the bytes of a frame that is not complete when the operation ends early.
 */
export class ReceiveFrame<T> extends Operation<T> {
  #value: T | undefined = undefined
  #error: Error | null = null

  constructor(
    private readonly channel: Channel,
    private readonly frame: Frame<T>,
  ) {
    super()
  }

  get direction(): typeof READ {
    return READ
  }

  get syscall(): string {
    return 'recv'
  }

  override get ignoresDry(): boolean {
    return this.channel.leftover !== null
  }

  attempt(): number {
    const { channel } = this
    const buffer = joined(channel)
    channel.leftover = null
    try {
      let ended = false
      for (let moved = 0; ;) {
        this.#value = this.frame.take(buffer, ended)
        if (this.#value !== undefined) return 0
        if (moved >= TURN_BYTES) return YIELD
        const result = this.#fill(buffer)
        if (result < 0) return result
        ended = result === 0
        moved += result
      }
    } catch (error) {
      this.#error = error as Error
      return FAILED
    } finally {
      if (buffer.length > 0) channel.leftover = buffer
    }
  }

  // A large frame is received in place. Its memory grows with the bytes that arrived, not with the size of the frame.
  #fill(buffer: ReadBuffer): number {
    const missing = this.frame.missing(buffer)
    if (missing > CHUNK && buffer.length >= CHUNK) {
      const room = buffer.room(CHUNK, missing)
      const result = native.recv(this.channel.id, room, 0, 0, room.length)
      if (result > 0) buffer.added(result)
      return result
    }
    scratch ??= Buffer.allocUnsafeSlow(CHUNK)
    const result = native.recv(this.channel.id, scratch, 0, 0, CHUNK)
    if (result > 0) buffer.append(scratch.subarray(0, result))
    return result
  }

  value(): T {
    return this.#value!
  }

  failure(result: number): Error {
    if (result === FAILED && this.#error !== null) return this.#error
    return systemError('recv', result, { address: peerOf(this.channel, result) })
  }
}
