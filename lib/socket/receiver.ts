import { MSG_PEEK } from '../constants'
import { systemError } from '../errors'
import { errnoOf } from '../errors/errno'

/** Describes what receives on a socket in place of the socket's own methods. */
export interface Receiver {
  /** Says what that is, for the error of another receive. */
  readonly text: string
  /** True when other receives are possible again. */
  readonly ended: boolean
}

/** The part of a socket that this file needs. */
interface Received {
  receiver: Receiver | null
  readonly closed: boolean
}

/**
 * Throws `EBUSY` if something else receives on the socket: two receivers would each get a part of the data. A receive
 * with MSG_PEEK takes nothing.
 */
export function checkFree(socket: Received, call: string, flags = 0): void {
  const { receiver } = socket
  if (receiver === null || receiver.ended || socket.closed || (flags & MSG_PEEK) !== 0) return
  throw systemError(call, errnoOf('EBUSY'), { subject: receiver.text })
}

/** Makes a stream that receives on the socket until the socket is closed. */
export function handOver<T>(socket: Received, call: string, make: () => T): T {
  checkFree(socket, call)
  const made = make()
  socket.receiver = { text: `${call}() was called, which receives on this socket`, ended: false }
  return made
}
