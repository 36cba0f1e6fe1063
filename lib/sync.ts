import { blockOn } from './poll/wait'
import { pollQuestion, selectQuestion, type Pollable, type PollEntry, type PollResult } from './poll/set'
import { checkTimeout } from './validators'

export { Socket, type SyncOp } from './socket/sync'
export * from './constants'
export { SocketError } from './errors'
export { if_indextoname, if_nameindex, if_nametoindex } from './names/interfaces'
export {
  getaddrinfo,
  getfqdn,
  gethostbyaddr,
  gethostbyname,
  gethostbynameEx,
  gethostname,
  getifaddrs,
  getnameinfo,
  getprotobyname,
  getprotobynumber,
  getservbyname,
  getservbyport,
  sethostname,
} from './names/blocking'
export type { AddressHints, AddressInfo, HostEntry, InterfaceAddress, NameInfo } from './names/blocking'
export { getDefaultTimeout, setDefaultTimeout } from './reactor/timeouts'

/** poll(2), as in `bsd-sockets`, blocking the thread. */
export function poll<E extends PollEntry>(
  entries: readonly E[],
  timeout: number | null = null,
): PollResult<E>[] {
  const milliseconds = checkTimeout('timeout', timeout)
  const { set, answer } = pollQuestion(entries)
  blockOn(set, milliseconds)
  return answer()
}

/** select(2), as in `bsd-sockets`, blocking the thread. */
export function select<R extends Pollable, W extends Pollable, X extends Pollable>(
  read: readonly R[],
  write: readonly W[],
  except: readonly X[],
  timeout: number | null = null,
): [readable: R[], writable: W[], exceptional: X[]] {
  const milliseconds = checkTimeout('timeout', timeout)
  const { set, answer } = selectQuestion(read, write, except)
  blockOn(set, milliseconds)
  return answer()
}
