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
 * Waits until at least one entry is ready. Resolves with the ready entries, in their order, each with `revents`.
 * Resolves with an empty array if the timeout expires. poll(2)
 *
 * An entry is `{ socket, events }` or `{ fd, events }`. Other fields of an entry are copied to the result. Any
 * descriptor that poll(2) accepts works; a regular file is always ready. `timeout` is in milliseconds; `null`, the
 * default, waits without limit, and 0 does not wait.
 *
 * `POLLERR` and `POLLHUP` are always reported, even if not requested. As in C, `POLLERR` also means that the error
 * queue has records, until `receiveErrors()` has read them. `POLLNVAL` means that a descriptor is not open, or that a
 * Socket is closed, also if it is closed during the wait. If a plain descriptor is closed during the wait, this is
 * not noticed, as in C.
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
 * Waits until at least one socket is ready, as select(2) does. Resolves with `[readable, writable, exceptional]`:
 * lists of the same objects that the caller passed. All three are empty if the timeout expires.
 *
 * A socket is readable if a receive would not wait: data, the end of the stream, or an error. A socket is exceptional
 * if it has urgent data. Uses poll(2), so descriptors of 1024 and above work.
 *
 * `EBADF` if a descriptor is not open. `ECANCELED` if a Socket is closed during the wait.
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
