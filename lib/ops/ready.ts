import { systemError } from '../errors'
import { native } from '../internal/environment'
import { EAGAIN } from '../internal/errno'
import { Operation } from '../internal/operation'
import type { Channel } from '../internal/channel'
import { READ, type WRITE } from '../internal/shared'

const POLLIN = native.constants.POLLIN!
const POLLOUT = native.constants.POLLOUT!

/** Readiness and nothing else: poll(2) that does not wait. Errors and hang-ups count as ready. */
export class Ready extends Operation<void> {
  constructor(
    private readonly channel: Channel,
    readonly direction: typeof READ | typeof WRITE,
  ) {
    super()
  }

  get syscall(): string {
    return 'poll'
  }

  override get ignoresDry(): boolean {
    return this.channel.leftover !== null
  }

  attempt(): number {
    if (this.direction === READ && this.channel.leftover !== null) return 1
    const descriptor = Int32Array.of(this.channel.fd, this.direction === READ ? POLLIN : POLLOUT, 0)
    const result = native.poll(descriptor, 0)
    return result === 0 ? EAGAIN : result
  }

  value(): void {}

  failure(result: number): Error {
    return systemError('poll', result)
  }
}
