import { blockOn } from './poll/wait'
import { pollQuestion, selectQuestion, type Pollable, type PollEntry, type PollResult } from './poll/set'
import { checkTimeout } from './validators'

export { bpf } from './bpf'
export { capabilities, supports } from './capabilities'
export { privileges } from './capabilities/privileges'
export { control, CMSG_LEN, CMSG_SPACE } from './message/control'
export { FdHandle } from './message/fd'
export { Message, type MessageMeta } from './message'
export { MessageBatch, type BatchOptions } from './message/batch'
export {
  checksum,
  htonl,
  htons,
  inet_aton,
  inet_ntoa,
  inet_ntop,
  inet_pton,
  ntohl,
  ntohs,
} from './names/inet'
export { clock } from './names/clock'
export { hasDualstackIPv6 } from './net/create-server'
export {
  createConnection,
  createServer,
  listenFds,
  type SyncConnectOptions,
  type SyncConnectPathOptions,
} from './net/sync'
export { codecs, defineOption, options, query } from './options'
export { allocZeroCopy } from './operations/zerocopy-memory'
export {
  hardwareTimestamps,
  type HardwareTimestampOptions,
  type HardwareTimestamps,
} from './socket/hardware-timestamps'
export { Membership, type JoinOptions } from './socket/multicast'
export { Socket, type SyncOp } from './socket/sync'
export { SocketReader } from './socket/sync-reader'
export type { LineOptions, ReaderOp, ReaderOptions, UntilOptions } from './socket/reader-options'
export * from './constants'
export { SocketError } from './errors'
export { strerror } from './errors/errno'
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

/** Waits until at least one entry is ready, and blocks the thread. See `poll` of `bsd-sockets`. poll(2) */
export function poll<E extends PollEntry>(
  entries: readonly E[],
  timeout: number | null = null,
): PollResult<E>[] {
  const milliseconds = checkTimeout('timeout', timeout)
  const { set, answer } = pollQuestion(entries)
  blockOn(set, milliseconds)
  return answer()
}

/** Waits until at least one socket is ready, and blocks the thread. See `select` of `bsd-sockets`. select(2) */
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
