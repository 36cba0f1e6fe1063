import { addresses, platform } from '../host'
import { native } from '../binding/binding'
import type { Channel } from '../reactor/channel'
import { BlockDecoder, type Cursor } from './block'
import type { Frame } from './frame'
import type { Reader } from './frames'

const decoder = BlockDecoder.create(platform, addresses)
const none = Buffer.alloc(0)

/**
 * Receives frames from a ring: one copy for each block, and no system call for each frame. Only C++ accesses the
 * memory of the ring. Frames are views of the copy, so they stay valid when the ring is unmapped.
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
      const frame = decoder!.next(this.#block, this.#cursor, this.cooked, this.channel.network.addresses)
      if (frame !== null) return frame
      this.#block = none // the frames keep the block alive as long as they need it
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
