import { native } from '../binding/binding'
import { READ, type WRITE } from '../binding/shared'
import {
  constants,
  IPPROTO_IP,
  IPPROTO_IPV6,
  POLLERR,
  POLLIN,
  POLLOUT,
  SO_ERROR,
  SOL_SOCKET,
} from '../constants'
import { systemError } from '../errors'
import { EAGAIN } from '../errors/errno'
import { peerOf } from '../message/peer'
import type { Channel } from '../reactor/channel'
import { Operation } from '../reactor/operation'

const { IP_RECVERR, IPV6_RECVERR, SO_TIMESTAMPING, SO_ZEROCOPY, SO_TXTIME } = constants
/** The options that put records on the error queue. Linux only. */
const QUEUEING = [
  [IPPROTO_IP, IP_RECVERR],
  [IPPROTO_IPV6, IPV6_RECVERR],
  [SOL_SOCKET, SO_TIMESTAMPING],
  [SOL_SOCKET, SO_ZEROCOPY],
  [SOL_SOCKET, SO_TXTIME],
]

/**
 * Waits until a socket is readable or writable, with poll(2) that does not block. Errors and hang-ups count as
 * ready. Records on the error queue do not, although poll(2) reports POLLERR until they are read.
 */
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
    if (result <= 0) return result === 0 ? EAGAIN : result
    return descriptor[2] === POLLERR && this.#hasErrorQueue() ? this.#pendingError() : result
  }

  #hasErrorQueue(): boolean {
    return QUEUEING.some(pair => {
      const level = pair[0]
      const option = pair[1]
      const value = Int32Array.of(0, 0)
      if (level === undefined || option === undefined) return false
      const result = native.getsockopt(this.channel.id, level, option, value)
      return result >= 0 && (value[0] !== 0 || value[1] !== 0)
    })
  }

  // POLLERR means a pending error or a record on the error queue. Only SO_ERROR tells which, and it clears the
  // error.
  #pendingError(): number {
    const value = Int32Array.of(0)
    const result = native.getsockopt(this.channel.id, SOL_SOCKET, SO_ERROR, value)
    if (result < 0) return result
    return value[0] === 0 ? EAGAIN : -value[0]!
  }

  value(): void {}

  failure(result: number): Error {
    return systemError('poll', result, { address: peerOf(this.channel, result) })
  }
}
