import { addresses, platform } from '../host'
import { native } from '../binding/binding'
import type { Channel } from '../reactor/channel'
import { BlockDecoder, type Cursor } from './block'
import type { Frame } from './frame'
import type { Reader } from './frames'

const decoder = BlockDecoder.create(platform, addresses)
const none = Buffer.alloc(0)

/**
 * How a packet socket with a ring receives: one copy for each block, no system call for a frame. The ring is
 * in memory that only C++ sees, so frames stay good whatever becomes of it.
 */
export class RingReader implements Reader {
  readonly syscall = 'poll'
  errno = 0
  #block = none
  #cursor: Cursor = { at: 0, left: 0 }

  constructor(
    readonly channel: Channel,
    readonly cooked: boolean,
  ) {}

  receive(): Frame | number {
    for (;;) {
      const frame = decoder!.next(this.#block, this.#cursor, this.cooked)
      if (frame !== null) return frame
      this.#block = none // frames keep what they need of it
      const failed = this.#take()
      if (failed < 0) return failed
    }
  }

  #take(): number {
    const length = native.ringNext(this.channel.id)
    if (length < 0) return length
    const block = Buffer.allocUnsafe(length)
    const taken = native.ringTake(this.channel.id, block)
    if (taken < 0) return taken
    this.#block = block.subarray(0, taken)
    this.#cursor = decoder!.begin(this.#block)
    return taken
  }
}
