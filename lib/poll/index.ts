import {
  checkPollTimeout,
  pollQuestion,
  selectQuestion,
  type Pollable,
  type PollEntry,
  type PollResult,
  type PollTimeout,
} from './set'
import { waitFor } from './wait'

export type { Pollable, PollEntry, PollResult, PollTimeout }

/**
 * Waits until one of many is ready, poll(2): the entries that are, in their order, each with `revents`; none
 * when the time is over. An entry is `{ socket, events }` or `{ fd, events }` and may carry more, which the
 * result has as well. `timeout` in milliseconds, `null` (the default) waits for ever, 0 only looks.
 *
 * As in C `POLLERR` also says that there are records on an error queue, for as long as `receiveErrors()` has not read
 * them.
 *
 * Any descriptor that poll(2) takes, of whatever number; a regular file is always ready. `POLLERR` and
 * `POLLHUP` come unasked. `POLLNVAL` tells of a descriptor that is not open, and of a Socket that is closed, also
 * while it is waited for. A plain descriptor that is closed meanwhile is not noticed, as in C.
 */
export async function poll<E extends PollEntry>(
  entries: readonly E[],
  timeout?: PollTimeout,
): Promise<PollResult<E>[]> {
  const waiting = checkPollTimeout(timeout)
  const { set, answer } = pollQuestion(entries)
  await waitFor(set, waiting)
  return answer()
}

/**
 * Waits as select(2) does: `[readable, writable, exceptional]`, lists with the very objects that were given, all
 * three empty when the time is over. Built on poll(2), so numbers from 1024 on work. A socket counts as readable
 * when a receive would not wait, at the end of the stream and on errors too; as exceptional when there is
 * urgent data.
 *
 * `EBADF` for a descriptor that is not open, `ECANCELED` for a Socket that is closed while it is waited for.
 */
export async function select<R extends Pollable, W extends Pollable, X extends Pollable>(
  read: readonly R[],
  write: readonly W[],
  except: readonly X[],
  timeout?: PollTimeout,
): Promise<[readable: R[], writable: W[], exceptional: X[]]> {
  const waiting = checkPollTimeout(timeout)
  const { set, answer } = selectQuestion(read, write, except)
  await waitFor(set, waiting)
  return answer()
}
