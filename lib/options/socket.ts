// SOL_SOCKET, in the order of <asm-generic/socket.h>; options of Darwin alone are at the end. Left out:
// - SO_DEVMEM_LINEAR and SO_DEVMEM_DMABUF: types of control messages
// - SO_SECURITY_*: no kernel implements them
// - SO_*_OLD: the same as the plain names on 64-bit machines
// - SO_NKE, SO_LABEL, SO_PEERLABEL, SO_NP_EXTENSIONS and SO_TRACKER_*: private to Darwin
import { SOL_SOCKET, constants } from '../constants'
import {
  bool,
  bytes,
  descriptor,
  dmabufTokens,
  filter,
  int,
  interfaceIndex,
  linger,
  longText,
  meminfo,
  sockaddr,
  text,
  timestamping,
  timeval,
  timeval64,
  txtime,
  ucred,
  uint32,
  uint32List,
  uint64,
} from './codec'
import { optionsOf } from './option'

const { both, get, set } = optionsOf(SOL_SOCKET)

/** Enables socket debugging. Linux: setting needs CAP_NET_ADMIN (`EACCES`). socket(7) */
export const SO_DEBUG = both('SO_DEBUG', bool)
/** Allows binding to an address that is in TIME_WAIT. Raw sockets have it on by default. socket(7) */
export const SO_REUSEADDR = both('SO_REUSEADDR', bool)
/** The socket type, `SOCK_STREAM` and so on. socket(7) */
export const SO_TYPE = get('SO_TYPE', int)
/** The pending error as a positive errno, 0 for none. Reading clears it. socket(7) */
export const SO_ERROR = get('SO_ERROR', int)
/** Sends to directly connected hosts only. socket(7) */
export const SO_DONTROUTE = both('SO_DONTROUTE', bool)
/** Allows datagrams to broadcast addresses. socket(7) */
export const SO_BROADCAST = both('SO_BROADCAST', bool)
/**
 * The size of the send buffer in bytes. socket(7)
 *
 * Linux doubles the value, limits it to net.core.wmem_max without an error, and uses at least 4608. Setting it
 * disables autotuning (see SO_BUF_LOCK).
 */
export const SO_SNDBUF = both('SO_SNDBUF', int)
/**
 * The size of the receive buffer in bytes. AF_UNIX ignores it. socket(7)
 *
 * Linux doubles the value, limits it to net.core.rmem_max without an error, and uses at least 2304. Setting it
 * disables autotuning (see SO_BUF_LOCK).
 */
export const SO_RCVBUF = both('SO_RCVBUF', int)
/** Sets SO_SNDBUF above the system's limit. CAP_NET_ADMIN (`EPERM`). Read it as SO_SNDBUF. Linux only. socket(7) */
export const SO_SNDBUFFORCE = set('SO_SNDBUFFORCE', int)
/** Sets SO_RCVBUF above the system's limit. CAP_NET_ADMIN (`EPERM`). Read it as SO_RCVBUF. Linux only. socket(7) */
export const SO_RCVBUFFORCE = set('SO_RCVBUFFORCE', int)
/** Sends probes on an idle connection; see TCP_KEEPIDLE. socket(7) */
export const SO_KEEPALIVE = both('SO_KEEPALIVE', bool)
/** Keeps out-of-band data in the stream. On AF_UNIX since Linux 5.15. socket(7) */
export const SO_OOBINLINE = both('SO_OOBINLINE', bool)
/** Sends UDP datagrams without a checksum. Cannot be combined with UDP_SEGMENT. Linux only. socket(7) */
export const SO_NO_CHECK = both('SO_NO_CHECK', bool)
/**
 * The queueing priority, 0 to 6. Other values need CAP_NET_ADMIN or CAP_NET_RAW (`EPERM`). Linux only. socket(7)
 *
 * Setting IP_TOS replaces it.
 */
export const SO_PRIORITY = both('SO_PRIORITY', int)
/**
 * What close(2) does with unsent data: `{ on: true, seconds: 0 }` resets the connection. socket(7)
 *
 * The time is in seconds on both systems. Darwin's SO_LINGER counts clock ticks, so this package uses SO_LINGER_SEC
 * there.
 */
export const SO_LINGER = both('SO_LINGER', linger, constants['SO_LINGER_SEC'] ?? constants['SO_LINGER'])
/** Has no effect. Linux only. socket(7) */
export const SO_BSDCOMPAT = both('SO_BSDCOMPAT', bool)
/**
 * Allows several sockets to bind to the same address. `EOPNOTSUPP` outside of IP. socket(7)
 *
 * Linux distributes connections and datagrams over the sockets; Darwin does not.
 */
export const SO_REUSEPORT = both('SO_REUSEPORT', bool)
/** Delivers SCM_CREDENTIALS with each message. AF_UNIX and netlink, else `EOPNOTSUPP`. Linux only. unix(7) */
export const SO_PASSCRED = both('SO_PASSCRED', bool)
/**
 * The process of the peer at the time of connect(2). Linux only; Darwin: LOCAL_PEERCRED. unix(7)
 *
 * On families other than AF_UNIX the result is pid 0 and the ids 4294967295, without an error.
 */
export const SO_PEERCRED = get('SO_PEERCRED', ucred)
/**
 * The minimum number of bytes that makes the socket readable. A receive waits for them. 0 counts as 1. On Linux TCP
 * only; AF_UNIX ignores it. socket(7)
 */
export const SO_RCVLOWAT = both('SO_RCVLOWAT', int)
/**
 * The minimum free space in bytes that makes the socket writable. On Linux always 1; setting is `ENOPROTOOPT`.
 * socket(7)
 */
export const SO_SNDLOWAT = both('SO_SNDLOWAT', int)
/** The timeout of a blocking receive in milliseconds, 0 for none. Setting it throws `EPERM`: use `socket.timeout`. socket(7) */
export const SO_RCVTIMEO = both('SO_RCVTIMEO', timeval)
/** The timeout of a blocking send in milliseconds, 0 for none. Setting it throws `EPERM`: use `socket.timeout`. socket(7) */
export const SO_SNDTIMEO = both('SO_SNDTIMEO', timeval)
/**
 * The name of the interface that the socket is bound to, `''` for none. socket(7)
 *
 * The socket sends and receives only through this interface. Packets from this host to an address of the interface
 * count as received through it. Linux: the first setting works without CAP_NET_RAW.
 */
export const SO_BINDTODEVICE = both('SO_BINDTODEVICE', text(16))
/**
 * Attaches a classic BPF program. `EINVAL` for an invalid program; on TCP it needs privileges (`EPERM`). Linux
 * only. socket(7)
 */
export const SO_ATTACH_FILTER = set('SO_ATTACH_FILTER', filter)
/** The classic BPF program of the socket; empty if there is none. Linux only. socket(7) */
export const SO_GET_FILTER = get('SO_GET_FILTER', filter)
/** Removes the BPF program. The value is ignored. `ENOENT` if there is none. Linux only. socket(7) */
export const SO_DETACH_FILTER = set('SO_DETACH_FILTER', bool)
/** The same as SO_DETACH_FILTER. Linux only. socket(7) */
export const SO_DETACH_BPF = set('SO_DETACH_BPF', bool)
/** The address of the peer, as from getpeername(2). `EINVAL` on new kernels. Linux only. */
export const SO_PEERNAME = get('SO_PEERNAME', sockaddr)
/**
 * Delivers SCM_TIMESTAMP (microseconds) with each message. Disables SO_TIMESTAMPNS. socket(7)
 *
 * The first messages may have no timestamp.
 */
export const SO_TIMESTAMP = both('SO_TIMESTAMP', bool)
/** True for a listening socket. socket(7) */
export const SO_ACCEPTCONN = get('SO_ACCEPTCONN', bool)
/** The security label of the peer. `ENOPROTOOPT` without a security module. Linux only. socket(7) */
export const SO_PEERSEC = get('SO_PEERSEC', longText)
/** Delivers SCM_SECURITY with each message. AF_UNIX and netlink. Linux only. unix(7) */
export const SO_PASSSEC = both('SO_PASSSEC', bool)
/** Delivers SCM_TIMESTAMPNS (nanoseconds) with each message. Disables SO_TIMESTAMP. Linux only. */
export const SO_TIMESTAMPNS = both('SO_TIMESTAMPNS', bool)
/** The firewall mark of sent packets. CAP_NET_ADMIN or CAP_NET_RAW (`EPERM`). Linux only. socket(7) */
export const SO_MARK = both('SO_MARK', uint32)
/**
 * The timestamps of sent and received packets, `SOF_TIMESTAMPING_*`. Linux only. kernel doc networking/timestamping
 */
export const SO_TIMESTAMPING = both('SO_TIMESTAMPING', timestamping)
/** The protocol, `IPPROTO_TCP` and so on; 0 on AF_UNIX, netlink and packet sockets. Linux only. socket(7) */
export const SO_PROTOCOL = get('SO_PROTOCOL', int)
/** The address family, `AF_INET` and so on. Linux only. socket(7) */
export const SO_DOMAIN = get('SO_DOMAIN', int)
/** Delivers the number of dropped packets with a message if it is not 0. Linux only. socket(7) */
export const SO_RXQ_OVFL = both('SO_RXQ_OVFL', bool)
/** Delivers SCM_WIFI_STATUS for sent frames on the error queue. Linux only. */
export const SO_WIFI_STATUS = both('SO_WIFI_STATUS', bool)
/**
 * The offset of MSG_PEEK in bytes, −1 to disable it. Linux only. socket(7)
 *
 * Each read moves the offset. `EOPNOTSUPP` on raw and packet sockets.
 */
export const SO_PEEK_OFF = both('SO_PEEK_OFF', int)
/** Sends frames whose data includes the frame check sequence. Linux only. */
export const SO_NOFCS = both('SO_NOFCS', bool)
/** Prevents every change of the filter permanently. Disabling it again is `EPERM`. Linux only. socket(7) */
export const SO_LOCK_FILTER = both('SO_LOCK_FILTER', bool)
/** Reports POLLPRI while the error queue has a record. TCP ignores it. Linux only. socket(7) */
export const SO_SELECT_ERR_QUEUE = both('SO_SELECT_ERR_QUEUE', bool)
/** The number of microseconds to poll the queue of the network device. Linux only. socket(7) */
export const SO_BUSY_POLL = both('SO_BUSY_POLL', int)
/**
 * The maximum send rate in bytes per second; all bits set for no limit. 32 bits before Linux 4.20. Linux only.
 * tc-fq(8)
 */
export const SO_MAX_PACING_RATE = both('SO_MAX_PACING_RATE', uint64)
/** The range of Linux extensions to classic BPF: the last one is SKF_AD_OFF plus this number. Linux only. */
export const SO_BPF_EXTENSIONS = get('SO_BPF_EXTENSIONS', int)
/**
 * The CPU that last processed the flow, −1 for none. Linux only. socket(7)
 *
 * In a SO_REUSEPORT group, setting it selects this socket for the packets that the CPU receives.
 */
export const SO_INCOMING_CPU = both('SO_INCOMING_CPU', int)
/** Attaches an extended BPF program of type SOCKET_FILTER by its descriptor. Linux only. socket(7) */
export const SO_ATTACH_BPF = set('SO_ATTACH_BPF', descriptor)
/**
 * Attaches a classic BPF program that selects the socket of a SO_REUSEPORT group. Linux only. socket(7)
 *
 * `EINVAL` if SO_REUSEPORT is not set.
 */
export const SO_ATTACH_REUSEPORT_CBPF = set('SO_ATTACH_REUSEPORT_CBPF', filter)
/** Attaches an extended BPF program that selects the socket of a SO_REUSEPORT group. Linux only. socket(7) */
export const SO_ATTACH_REUSEPORT_EBPF = set('SO_ATTACH_REUSEPORT_EBPF', descriptor)
/** Asks for another route if set to 1, as a hint. Linux only. */
export const SO_CNX_ADVICE = set('SO_CNX_ADVICE', int)
/** The memory in use in bytes, and the number of dropped packets. Linux only. */
export const SO_MEMINFO = get('SO_MEMINFO', meminfo)
/** The device queue that packets arrive from, 0 for none. Linux only. socket(7) */
export const SO_INCOMING_NAPI_ID = get('SO_INCOMING_NAPI_ID', uint32)
/** A number that is unique to this socket until the next boot. Linux only. */
export const SO_COOKIE = get('SO_COOKIE', uint64)
/** The group ids of the peer's process. AF_UNIX only, else `ENODATA`. Linux only. */
export const SO_PEERGROUPS = get('SO_PEERGROUPS', uint32List)
/** Enables MSG_ZEROCOPY. Without it the kernel copies. TCP, UDP and AF_VSOCK, else `EOPNOTSUPP`. Linux only. */
export const SO_ZEROCOPY = both('SO_ZEROCOPY', bool)
/**
 * Enables SCM_TXTIME. Needs the etf or fq queueing discipline. Linux only. tc-etf(8)
 *
 * A clock other than CLOCK_MONOTONIC needs CAP_NET_ADMIN.
 */
export const SO_TXTIME = both('SO_TXTIME', txtime)
/** The index of the interface that the socket is bound to, 0 for none. Can be set by name. Linux only (5.1). */
export const SO_BINDTOIFINDEX = both('SO_BINDTOIFINDEX', interfaceIndex)
/** The same as SO_TIMESTAMP, with 64-bit seconds on every machine. Linux only (5.1). */
export const SO_TIMESTAMP_NEW = both('SO_TIMESTAMP_NEW', bool)
/** The same as SO_TIMESTAMPNS, with 64-bit seconds on every machine. Linux only (5.1). */
export const SO_TIMESTAMPNS_NEW = both('SO_TIMESTAMPNS_NEW', bool)
/** The same as SO_TIMESTAMPING, with 64-bit seconds on every machine. Linux only (5.1). */
export const SO_TIMESTAMPING_NEW = both('SO_TIMESTAMPING_NEW', timestamping)
/** The same as SO_RCVTIMEO in milliseconds, with 64-bit seconds on every machine. Linux only (5.1). */
export const SO_RCVTIMEO_NEW = both('SO_RCVTIMEO_NEW', timeval64)
/** The same as SO_SNDTIMEO in milliseconds, with 64-bit seconds on every machine. Linux only (5.1). */
export const SO_SNDTIMEO_NEW = both('SO_SNDTIMEO_NEW', timeval64)
/**
 * Removes the BPF program of a SO_REUSEPORT group. The value is ignored. Linux only (5.3).
 *
 * `ENOENT` without a program, `EINVAL` without a group.
 */
export const SO_DETACH_REUSEPORT_BPF = set('SO_DETACH_REUSEPORT_BPF', bool)
/** Prefers busy polling to interrupts. CAP_NET_ADMIN. Linux only (5.11). */
export const SO_PREFER_BUSY_POLL = both('SO_PREFER_BUSY_POLL', bool)
/** The number of packets per busy poll, 16 bits. Raising it needs CAP_NET_ADMIN. Cannot be read. Linux only (5.11). */
export const SO_BUSY_POLL_BUDGET = set('SO_BUSY_POLL_BUDGET', int)
/** A number that is unique to this network namespace until the next boot. Linux only (5.14). */
export const SO_NETNS_COOKIE = get('SO_NETNS_COOKIE', uint64)
/**
 * The buffer sizes that are fixed: SOCK_SNDBUF_LOCK (1), SOCK_RCVBUF_LOCK (2). 0 enables autotuning. Linux only
 * (5.15).
 */
export const SO_BUF_LOCK = both('SO_BUF_LOCK', uint32)
/**
 * The number of bytes of memory reserved for this socket. `EOPNOTSUPP` without cgroup accounting. Linux only
 * (5.17).
 */
export const SO_RESERVE_MEM = both('SO_RESERVE_MEM', int)
/** Whether retransmissions change the path: 1 yes, 0 no, −1 the system's default. TCP only. Linux only (5.18). */
export const SO_TXREHASH = both('SO_TXREHASH', int)
/** Delivers SO_MARK of received packets. Linux only (5.19). */
export const SO_RCVMARK = both('SO_RCVMARK', bool)
/** Delivers SCM_PIDFD with each message, a descriptor that must be closed. AF_UNIX. Linux only (6.5). unix(7) */
export const SO_PASSPIDFD = both('SO_PASSPIDFD', bool)
/**
 * A pidfd of the peer's process. AF_UNIX. Linux only (6.5). unix(7)
 *
 * Each read returns a new descriptor, which the caller must close.
 */
export const SO_PEERPIDFD = get('SO_PEERPIDFD', descriptor)
/** Returns fragments of device memory to the kernel. Linux only (6.11). kernel doc networking/devmem */
export const SO_DEVMEM_DONTNEED = set('SO_DEVMEM_DONTNEED', dmabufTokens)
/** Delivers SO_PRIORITY of received packets. Linux only (6.14). */
export const SO_RCVPRIORITY = both('SO_RCVPRIORITY', bool)
/** Allows receiving file descriptors. On by default; if off, the sender gets `EPERM`. AF_UNIX. Linux only (6.16). */
export const SO_PASSRIGHTS = both('SO_PASSRIGHTS', bool)
/** Delivers SCM_INQ, the number of bytes left to read. AF_UNIX streams. Cannot be read. Linux only (6.17). */
export const SO_INQ = set('SO_INQ', bool)

/** Prevents SIGPIPE when sending to a closed connection. Darwin only; Linux has MSG_NOSIGNAL. */
export const SO_NOSIGPIPE = both('SO_NOSIGPIPE', bool)
/** Delivers SCM_TIMESTAMP_MONOTONIC. Darwin only. */
export const SO_TIMESTAMP_MONOTONIC = both('SO_TIMESTAMP_MONOTONIC', bool)
/** The option that this package uses as SO_LINGER. Darwin only. */
export const SO_LINGER_SEC = both('SO_LINGER_SEC', linger)
/** Delivers sent routing messages to this socket too. Darwin only. */
export const SO_USELOOPBACK = both('SO_USELOOPBACK', bool)
/** Keeps the rest of a datagram that is too long for the next read. Darwin only. */
export const SO_DONTTRUNC = both('SO_DONTTRUNC', bool)
/** Hints that more data follows. Darwin only. */
export const SO_WANTMORE = both('SO_WANTMORE', bool)
/** Sets MSG_OOB on received out-of-band data. Darwin only. */
export const SO_WANTOOBFLAG = both('SO_WANTOOBFLAG', bool)
/** The number of bytes that can be read. Darwin only; Linux: FIONREAD. */
export const SO_NREAD = get('SO_NREAD', int)
/** The number of bytes that are not sent yet. Darwin only; Linux: SIOCOUTQ. */
export const SO_NWRITE = get('SO_NWRITE', int)
/** The number of datagrams in the receive queue. Darwin only. */
export const SO_NUMRCVPKT = get('SO_NUMRCVPKT', int)
/** Allows bind(2) to an address that the host does not have. Darwin only. */
export const SO_NOADDRERR = both('SO_NOADDRERR', bool)
/** Makes bind(2) to port 0 choose a random port. Darwin only. */
export const SO_RANDOMPORT = both('SO_RANDOMPORT', bool)
/** Allows several sockets of the same user to bind to the same address. Darwin only. */
export const SO_REUSESHAREUID = both('SO_REUSESHAREUID', bool)
/** Sends a notification if bind(2) conflicts with another socket. Root. Darwin only. */
export const SO_NOTIFYCONFLICT = both('SO_NOTIFYCONFLICT', bool)
/** Makes close(2) wait for upcalls. Darwin only. */
export const SO_UPCALLCLOSEWAIT = both('SO_UPCALLCLOSEWAIT', bool)
/** The kind of service, `NET_SERVICE_TYPE_*`. Darwin only. */
export const SO_NET_SERVICE_TYPE = both('SO_NET_SERVICE_TYPE', int)
/** The level at which the kind of service marks packets. Darwin only. */
export const SO_NETSVC_MARKING_LEVEL = get('SO_NETSVC_MARKING_LEVEL', int)
/** The signature of the resolver of the peer's name. Darwin only. */
export const SO_RESOLVER_SIGNATURE = both('SO_RESOLVER_SIGNATURE', bytes(1024))
