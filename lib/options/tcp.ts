// IPPROTO_TCP, in the order of <linux/tcp.h>; options of Darwin alone are at the end.
import { IPPROTO_TCP } from '../constants'
import {
  bool,
  bytes,
  int,
  md5Key,
  md5KeyExtended,
  repairOptions,
  repairWindow,
  tcpConnectionInfo,
  tcpInfo,
  text,
  uint32,
  zeroCopyReceive,
} from './codec'
import { optionsOf } from './option'

const { both, get, set } = optionsOf(IPPROTO_TCP)

/** Sends small segments at once. Enabling it also sends what TCP_CORK holds back. tcp(7) */
export const TCP_NODELAY = both('TCP_NODELAY', bool)
/** The maximum segment size in bytes, 88 to 32767. On a connected socket it reads the effective size. tcp(7) */
export const TCP_MAXSEG = both('TCP_MAXSEG', int)
/** Holds back partial segments for up to 200 ms. Linux only; Darwin: TCP_NOPUSH. tcp(7) */
export const TCP_CORK = both('TCP_CORK', bool)
/**
 * The idle time before the first keep-alive probe in seconds, 1 to 32767. Linux only; Darwin: TCP_KEEPALIVE. tcp(7)
 */
export const TCP_KEEPIDLE = both('TCP_KEEPIDLE', int)
/** The time between keep-alive probes in seconds, 1 to 32767. tcp(7) */
export const TCP_KEEPINTVL = both('TCP_KEEPINTVL', int)
/** The number of unanswered keep-alive probes that ends the connection, 1 to 127. tcp(7) */
export const TCP_KEEPCNT = both('TCP_KEEPCNT', int)
/** The number of SYN retransmissions, 1 to 127. Linux only; Darwin: TCP_CONNECTIONTIMEOUT. tcp(7) */
export const TCP_SYNCNT = both('TCP_SYNCNT', int)
/** The time in FIN_WAIT2 after close in seconds, limited to 120; −1 for none. Linux only. tcp(7) */
export const TCP_LINGER2 = both('TCP_LINGER2', int)
/**
 * The number of seconds that accept(2) waits for data. Linux only. tcp(7)
 *
 * It is rounded to a whole number of retransmissions: 5 reads back as 7.
 */
export const TCP_DEFER_ACCEPT = both('TCP_DEFER_ACCEPT', int)
/** The limit of the advertised window in bytes. 0 removes it, only before connecting (`EINVAL`). Linux only. tcp(7) */
export const TCP_WINDOW_CLAMP = both('TCP_WINDOW_CLAMP', int)
/** The state of the connection. Linux only; Darwin: TCP_CONNECTION_INFO. tcp(7) */
export const TCP_INFO = get('TCP_INFO', tcpInfo)
/** Sends acknowledgements at once. The kernel may leave this mode at any time. Linux only. tcp(7) */
export const TCP_QUICKACK = both('TCP_QUICKACK', bool)
/**
 * The name of the congestion control algorithm. Linux only. tcp(7)
 *
 * `ENOENT` for an unknown name, `EPERM` for an algorithm that needs CAP_NET_ADMIN.
 */
export const TCP_CONGESTION = both('TCP_CONGESTION', text(16))
/** Sets the key that signs the segments of a connection to one peer (RFC 2385). Linux only. tcp(7) */
export const TCP_MD5SIG = set('TCP_MD5SIG', md5Key)
/** Retransmits without exponential backoff on thin streams. Linux only. kernel doc networking/tcp-thin */
export const TCP_THIN_LINEAR_TIMEOUTS = both('TCP_THIN_LINEAR_TIMEOUTS', bool)
/** Has no effect on new kernels, where it reads false. Linux only. */
export const TCP_THIN_DUPACK = both('TCP_THIN_DUPACK', bool)
/**
 * The number of milliseconds that sent data may stay unacknowledged, 0 for the default. Linux only. tcp(7)
 *
 * It also decides when unanswered keep-alive probes end the connection.
 */
export const TCP_USER_TIMEOUT = both('TCP_USER_TIMEOUT', int)
/** Allows saving and restoring the state of the connection, `TCP_REPAIR_*`. CAP_NET_ADMIN. Linux only. */
export const TCP_REPAIR = both('TCP_REPAIR', int)
/**
 * The queue that recv(2), send(2) and TCP_QUEUE_SEQ access during TCP_REPAIR. Linux only.
 *
 * `TCP_RECV_QUEUE` or `TCP_SEND_QUEUE`.
 */
export const TCP_REPAIR_QUEUE = both('TCP_REPAIR_QUEUE', int)
/** The sequence number of the queue selected by TCP_REPAIR_QUEUE. Linux only. */
export const TCP_QUEUE_SEQ = both('TCP_QUEUE_SEQ', uint32)
/** Sets the TCP options of a connection during TCP_REPAIR. Linux only. */
export const TCP_REPAIR_OPTIONS = set('TCP_REPAIR_OPTIONS', repairOptions)
/** The length of the queue of fast open requests of a listening socket. net.ipv4.tcp_fastopen must allow it. tcp(7) */
export const TCP_FASTOPEN = both('TCP_FASTOPEN', int)
/** The clock of the timestamps option. Set it during TCP_REPAIR. Linux only. */
export const TCP_TIMESTAMP = both('TCP_TIMESTAMP', uint32)
/** The number of unsent bytes above which the socket is not writable. */
export const TCP_NOTSENT_LOWAT = both('TCP_NOTSENT_LOWAT', uint32)
/** The state of the congestion control, in a layout of its own; empty for most algorithms. Linux only. */
export const TCP_CC_INFO = get('TCP_CC_INFO', bytes(64))
/** Saves the headers of the SYN of accepted connections: 1 without, 2 with the link layer. Linux only. */
export const TCP_SAVE_SYN = both('TCP_SAVE_SYN', int)
/** The saved headers of the SYN. A second read is empty. Linux only. */
export const TCP_SAVED_SYN = get('TCP_SAVED_SYN', bytes(512))
/** The window of a connection during TCP_REPAIR. Linux only. */
export const TCP_REPAIR_WINDOW = both('TCP_REPAIR_WINDOW', repairWindow)
/** Makes connect(2) send nothing: the first write goes with the SYN. Linux only (4.11). */
export const TCP_FASTOPEN_CONNECT = both('TCP_FASTOPEN_CONNECT', bool)
/**
 * The protocol on top of the connection, `'tls'`, or `''` for none. `ENOENT` if the kernel does not have it. Linux
 * only.
 */
export const TCP_ULP = both('TCP_ULP', text(16))
/** The same as TCP_MD5SIG, for a network of peers or the peers on one interface. Linux only. */
export const TCP_MD5SIG_EXT = set('TCP_MD5SIG_EXT', md5KeyExtended)
/** The keys of fast open cookies: 16 bytes, or 32 bytes for the current and the previous key. Linux only. */
export const TCP_FASTOPEN_KEY = both('TCP_FASTOPEN_KEY', bytes(32))
/** Allows fast open without a cookie. Linux only. */
export const TCP_FASTOPEN_NO_COOKIE = both('TCP_FASTOPEN_NO_COOKIE', bool)
/** Reports what a zero-copy receive could map now. It maps nothing. Linux only (4.18). */
export const TCP_ZEROCOPY_RECEIVE = get('TCP_ZEROCOPY_RECEIVE', zeroCopyReceive)
/** Delivers TCP_CM_INQ, the number of bytes left to read. Linux only. */
export const TCP_INQ = both('TCP_INQ', bool)
/** The delay of each segment in microseconds. Needs the fq queueing discipline. Linux only. */
export const TCP_TX_DELAY = both('TCP_TX_DELAY', int)
/** Adds a key of the authentication option (`struct tcp_ao_add`). Linux only (6.7). kernel doc networking/tcp_ao */
export const TCP_AO_ADD_KEY = set('TCP_AO_ADD_KEY', bytes(512))
/** Removes a key of the authentication option (`struct tcp_ao_del`). Linux only (6.7). kernel doc networking/tcp_ao */
export const TCP_AO_DEL_KEY = set('TCP_AO_DEL_KEY', bytes(512))
/** The counters and the current keys (`struct tcp_ao_info_opt`). Linux only (6.7). kernel doc networking/tcp_ao */
export const TCP_AO_INFO = both('TCP_AO_INFO', bytes(512))
/** The keys; read with `query` and a `struct tcp_ao_getsockopt`. Linux only (6.7). kernel doc networking/tcp_ao */
export const TCP_AO_GET_KEYS = get('TCP_AO_GET_KEYS', bytes(4096))
/** The numbers of a connection during TCP_REPAIR (`struct tcp_ao_repair`). Linux only (6.7). */
export const TCP_AO_REPAIR = both('TCP_AO_REPAIR', bytes(64))
/** True if the connection is still a multipath connection, false after a fallback to TCP. Linux only. */
export const TCP_IS_MPTCP = get('TCP_IS_MPTCP', bool)
/** The maximum retransmission timeout in milliseconds, 1000 to 120000. Linux only (6.15). */
export const TCP_RTO_MAX_MS = both('TCP_RTO_MAX_MS', int)
/** The minimum retransmission timeout in microseconds, rounded up to a clock tick. Linux only. */
export const TCP_RTO_MIN_US = both('TCP_RTO_MIN_US', int)
/** The maximum delay of an acknowledgement in microseconds, rounded up to a clock tick. Linux only. */
export const TCP_DELACK_MAX_US = both('TCP_DELACK_MAX_US', int)

/** Holds back partial segments. Darwin only; Linux: TCP_CORK. */
export const TCP_NOPUSH = both('TCP_NOPUSH', bool)
/** Disables TCP options. Darwin only. */
export const TCP_NOOPT = both('TCP_NOOPT', bool)
/** The idle time before the first keep-alive probe in seconds. Darwin only; Linux: TCP_KEEPIDLE. */
export const TCP_KEEPALIVE = both('TCP_KEEPALIVE', int)
/** The timeout of connect(2) in seconds. Darwin only; Linux: TCP_SYNCNT. */
export const TCP_CONNECTIONTIMEOUT = both('TCP_CONNECTIONTIMEOUT', int)
/** The number of seconds of retransmissions that ends the connection. Darwin only; Linux: TCP_USER_TIMEOUT. */
export const TCP_RXT_CONNDROPTIME = both('TCP_RXT_CONNDROPTIME', int)
/** Ends the connection after several retransmissions of a FIN. Darwin only. */
export const TCP_RXT_FINDROP = both('TCP_RXT_FINDROP', bool)
/** Sends acknowledgements more often. Darwin only; Linux: TCP_QUICKACK. */
export const TCP_SENDMOREACKS = both('TCP_SENDMOREACKS', bool)
/** Enables explicit congestion notification: 1 on, 0 off. Darwin only. */
export const TCP_ENABLE_ECN = both('TCP_ENABLE_ECN', int)
/** The state of the connection. Darwin only; Linux: TCP_INFO. */
export const TCP_CONNECTION_INFO = get('TCP_CONNECTION_INFO', tcpConnectionInfo)
