// IPPROTO_TCP, in the order of <linux/tcp.h>; what only Darwin has is at the end.
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

/** Sends small segments at once; turning it on sends what TCP_CORK holds back. tcp(7) */
export const TCP_NODELAY = both('TCP_NODELAY', bool)
/** Largest segment, bytes, 88 to 32767. Reads what is in effect once connected. tcp(7) */
export const TCP_MAXSEG = both('TCP_MAXSEG', int)
/** Holds partial segments back, at most 200 ms. Linux only; Darwin: TCP_NOPUSH. tcp(7) */
export const TCP_CORK = both('TCP_CORK', bool)
/** Seconds without data before the first probe, 1 to 32767. Linux only; Darwin: TCP_KEEPALIVE. tcp(7) */
export const TCP_KEEPIDLE = both('TCP_KEEPIDLE', int)
/** Seconds between probes, 1 to 32767. tcp(7) */
export const TCP_KEEPINTVL = both('TCP_KEEPINTVL', int)
/** Probes without an answer that end the connection, 1 to 127. tcp(7) */
export const TCP_KEEPCNT = both('TCP_KEEPCNT', int)
/** Retransmissions of the SYN, 1 to 127. Linux only; Darwin: TCP_CONNECTIONTIMEOUT. tcp(7) */
export const TCP_SYNCNT = both('TCP_SYNCNT', int)
/** Seconds in FIN_WAIT2 after close, at most 120 (more is cut); −1 for none. Linux only. tcp(7) */
export const TCP_LINGER2 = both('TCP_LINGER2', int)
/** Seconds that accept(2) waits for data. Read back as a whole number of retransmissions: 5 becomes 7. Linux only. tcp(7) */
export const TCP_DEFER_ACCEPT = both('TCP_DEFER_ACCEPT', int)
/** Limit of the advertised window, bytes. 0 lifts it, before connecting only (`EINVAL`). Linux only. tcp(7) */
export const TCP_WINDOW_CLAMP = both('TCP_WINDOW_CLAMP', int)
/** What the kernel knows of the connection. Linux only; Darwin: TCP_CONNECTION_INFO. tcp(7) */
export const TCP_INFO = get('TCP_INFO', tcpInfo)
/** Acknowledges at once; the kernel leaves this mode by itself. Linux only. tcp(7) */
export const TCP_QUICKACK = both('TCP_QUICKACK', bool)
/** Name of the congestion control. `ENOENT` for an unknown one, `EPERM` for one that needs CAP_NET_ADMIN. Linux only. tcp(7) */
export const TCP_CONGESTION = both('TCP_CONGESTION', text(16))
/** A key that segments of a peer must be signed with (RFC 2385). Linux only. tcp(7) */
export const TCP_MD5SIG = set('TCP_MD5SIG', md5Key)
/** Retransmits without backing off on thin streams. Linux only. kernel doc networking/tcp-thin */
export const TCP_THIN_LINEAR_TIMEOUTS = both('TCP_THIN_LINEAR_TIMEOUTS', bool)
/** Does nothing on new kernels: reads false. Linux only. */
export const TCP_THIN_DUPACK = both('TCP_THIN_DUPACK', bool)
/** Milliseconds that sent data may stay unacknowledged, 0 for the default; also ends keepalive. Linux only. tcp(7) */
export const TCP_USER_TIMEOUT = both('TCP_USER_TIMEOUT', int)
/** `TCP_REPAIR_*`: the state of the connection is open to be saved or restored. CAP_NET_ADMIN. Linux only. */
export const TCP_REPAIR = both('TCP_REPAIR', int)
/** Which queue recv(2), send(2) and TCP_QUEUE_SEQ mean while TCP_REPAIR is on: `TCP_RECV_QUEUE` or `TCP_SEND_QUEUE`. Linux only. */
export const TCP_REPAIR_QUEUE = both('TCP_REPAIR_QUEUE', int)
/** Sequence number of that queue. Linux only. */
export const TCP_QUEUE_SEQ = both('TCP_QUEUE_SEQ', uint32)
/** Options of the connection that is restored. Linux only. */
export const TCP_REPAIR_OPTIONS = set('TCP_REPAIR_OPTIONS', repairOptions)
/** Length of the queue of fast open requests on a listener; the sysctl net.ipv4.tcp_fastopen must allow it. tcp(7) */
export const TCP_FASTOPEN = both('TCP_FASTOPEN', int)
/** The clock of the timestamps option; set while TCP_REPAIR is on. Linux only. */
export const TCP_TIMESTAMP = both('TCP_TIMESTAMP', uint32)
/** Unsent bytes above which the socket is not writable. */
export const TCP_NOTSENT_LOWAT = both('TCP_NOTSENT_LOWAT', uint32)
/** What the congestion control says of itself, in its own layout; empty for most. Linux only. */
export const TCP_CC_INFO = get('TCP_CC_INFO', bytes(64))
/** Keeps the headers of the SYN of accepted connections: 1 without, 2 with the link layer. Linux only. */
export const TCP_SAVE_SYN = both('TCP_SAVE_SYN', int)
/** The headers of the SYN; empty when read a second time. Linux only. */
export const TCP_SAVED_SYN = get('TCP_SAVED_SYN', bytes(512))
/** The window of the connection that is restored. Linux only. */
export const TCP_REPAIR_WINDOW = both('TCP_REPAIR_WINDOW', repairWindow)
/** connect(2) sends nothing: the first write goes with the SYN. Linux only (4.11). */
export const TCP_FASTOPEN_CONNECT = both('TCP_FASTOPEN_CONNECT', bool)
/** The protocol on top of the connection, `'tls'`; `''` for none. `ENOENT` where the kernel lacks it. Linux only. */
export const TCP_ULP = both('TCP_ULP', text(16))
/** TCP_MD5SIG for a network of peers, or those behind an interface. Linux only. */
export const TCP_MD5SIG_EXT = set('TCP_MD5SIG_EXT', md5KeyExtended)
/** Keys of fast open cookies: 16 bytes, or 32 for the key and the one before it. Linux only. */
export const TCP_FASTOPEN_KEY = both('TCP_FASTOPEN_KEY', bytes(32))
/** Fast open without a cookie. Linux only. */
export const TCP_FASTOPEN_NO_COOKIE = both('TCP_FASTOPEN_NO_COOKIE', bool)
/** What a zero-copy receive could map now. Maps nothing itself. Linux only (4.18). */
export const TCP_ZEROCOPY_RECEIVE = get('TCP_ZEROCOPY_RECEIVE', zeroCopyReceive)
/** Delivers TCP_CM_INQ, the bytes left to read. Linux only. */
export const TCP_INQ = both('TCP_INQ', bool)
/** Microseconds to delay each segment. Needs the fq queueing discipline. Linux only. */
export const TCP_TX_DELAY = both('TCP_TX_DELAY', int)
/** Adds a key of the authentication option (`struct tcp_ao_add`). Linux only (6.7). kernel doc networking/tcp_ao */
export const TCP_AO_ADD_KEY = set('TCP_AO_ADD_KEY', bytes(512))
/** Takes a key away (`struct tcp_ao_del`). Linux only (6.7). kernel doc networking/tcp_ao */
export const TCP_AO_DEL_KEY = set('TCP_AO_DEL_KEY', bytes(512))
/** Counters and the current keys (`struct tcp_ao_info_opt`). Linux only (6.7). kernel doc networking/tcp_ao */
export const TCP_AO_INFO = both('TCP_AO_INFO', bytes(512))
/** The keys; read with `query` and a `struct tcp_ao_getsockopt`. Linux only (6.7). kernel doc networking/tcp_ao */
export const TCP_AO_GET_KEYS = get('TCP_AO_GET_KEYS', bytes(4096))
/** The numbers of the connection that is restored (`struct tcp_ao_repair`). Linux only (6.7). */
export const TCP_AO_REPAIR = both('TCP_AO_REPAIR', bytes(64))
/** Whether this is still a multipath connection and no fallback. Linux only. */
export const TCP_IS_MPTCP = get('TCP_IS_MPTCP', bool)
/** Longest retransmission timeout, milliseconds, 1000 to 120000. Linux only (6.15). */
export const TCP_RTO_MAX_MS = both('TCP_RTO_MAX_MS', int)
/** Shortest retransmission timeout, microseconds; rounded up to a tick. Linux only. */
export const TCP_RTO_MIN_US = both('TCP_RTO_MIN_US', int)
/** Longest delay of an acknowledgement, microseconds; rounded up to a tick. Linux only. */
export const TCP_DELACK_MAX_US = both('TCP_DELACK_MAX_US', int)

/** Holds partial segments back. Darwin only; Linux: TCP_CORK. */
export const TCP_NOPUSH = both('TCP_NOPUSH', bool)
/** No TCP options. Darwin only. */
export const TCP_NOOPT = both('TCP_NOOPT', bool)
/** Seconds without data before the first probe. Darwin only; Linux: TCP_KEEPIDLE. */
export const TCP_KEEPALIVE = both('TCP_KEEPALIVE', int)
/** Seconds that connect(2) tries. Darwin only; Linux: TCP_SYNCNT. */
export const TCP_CONNECTIONTIMEOUT = both('TCP_CONNECTIONTIMEOUT', int)
/** Seconds of retransmissions that end the connection. Darwin only; Linux: TCP_USER_TIMEOUT. */
export const TCP_RXT_CONNDROPTIME = both('TCP_RXT_CONNDROPTIME', int)
/** Ends the connection when a FIN has been retransmitted often. Darwin only. */
export const TCP_RXT_FINDROP = both('TCP_RXT_FINDROP', bool)
/** Acknowledges more often. Darwin only; Linux: TCP_QUICKACK. */
export const TCP_SENDMOREACKS = both('TCP_SENDMOREACKS', bool)
/** Explicit congestion notification: 1 on, 0 off. Darwin only. */
export const TCP_ENABLE_ECN = both('TCP_ENABLE_ECN', int)
/** What the kernel knows of the connection. Darwin only; Linux: TCP_INFO. */
export const TCP_CONNECTION_INFO = get('TCP_CONNECTION_INFO', tcpConnectionInfo)
