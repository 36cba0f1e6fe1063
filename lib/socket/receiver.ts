import { MSG_PEEK } from '../constants'
import { systemError } from '../errors'
import { errnoOf } from '../errors/errno'
import type { Channel } from '../reactor/channel'

/** The part of a socket that this file needs. */
interface Received {
  readonly channel: Channel
  readonly closed: boolean
}

/**
 * Throws `EBUSY` if something else receives on the socket: two receivers would each get a part of the data. A receive
 * with MSG_PEEK takes nothing.
 */
export function checkFree(socket: Received, call: string, flags = 0): void {
  const receiver = socket.channel.extras?.receiver ?? null
  if (receiver === null || receiver.ended || socket.closed || (flags & MSG_PEEK) !== 0) return
  throw systemError(call, errnoOf('EBUSY'), { subject: receiver.text })
}

/**
 * Marks the socket as taken, then calls `make`, whose result receives on the socket until the socket is closed or until
 * `hasEnded`. Getters in the caller's options may run in `make` and receive as well, so the mark is set first.
 */
export function handOver<T extends object>(
  socket: Received,
  call: string,
  make: () => T,
  hasEnded?: (made: T) => boolean,
): T {
  checkFree(socket, call)
  let made: T | null = null
  let failed = false
  const until = hasEnded === undefined ? '' : ' until stop()'
  socket.channel.ensureExtras().receiver = {
    text: `${call}() receives on this socket${until}`,
    get ended() {
      return failed || (made !== null && hasEnded?.(made) === true)
    },
  }
  try {
    return (made = make())
  } catch (error) {
    failed = true
    throw error
  }
}
