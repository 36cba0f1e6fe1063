import type { Control } from '../control/walk'
import type { Leftover } from '../reactor/channel'
import type { Message } from '.'
import type { NonSharedBuffer } from '../runtime/buffer'

const none = new Uint8Array(0)

/** A message that was received in one call with earlier ones, and that no receive has returned yet. */
export class Kept implements Leftover {
  next: Leftover | null = null

  constructor(readonly message: Message) {}

  get data(): NonSharedBuffer {
    return this.message.data
  }

  get bytes(): number {
    return this.message.bytes
  }

  get address(): Uint8Array {
    return this.message.address?.bytes ?? none
  }

  get flags(): number {
    return this.message.flags
  }

  get control(): readonly Control[] {
    return this.message.control
  }
}
