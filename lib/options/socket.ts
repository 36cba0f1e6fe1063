// SOL_SOCKET, in the order of <asm-generic/socket.h>; what only Darwin has is at the end.
// Left out: SO_DEVMEM_LINEAR and SO_DEVMEM_DMABUF, which are types of control messages and no options, and
// SO_SECURITY_*, which no kernel implements; SO_*_OLD, which are the plain names on 64-bit machines; SO_NKE,
// SO_LABEL, SO_PEERLABEL, SO_NP_EXTENSIONS and SO_TRACKER_*, which are private to Darwin.
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

/** Socket debugging. Linux: setting needs CAP_NET_ADMIN (`EACCES`). socket(7) */
export const SO_DEBUG = both('SO_DEBUG', bool)
/** Allows to bind an address that is in TIME_WAIT. On for raw sockets from the start. socket(7) */
export const SO_REUSEADDR = both('SO_REUSEADDR', bool)
/** `SOCK_STREAM` and so on. socket(7) */
export const SO_TYPE = get('SO_TYPE', int)
/** The pending error as a positive errno, 0 for none; reading clears it. socket(7) */
export const SO_ERROR = get('SO_ERROR', int)
/** Only send to directly connected hosts. socket(7) */
export const SO_DONTROUTE = both('SO_DONTROUTE', bool)
/** Allows datagrams to broadcast addresses. socket(7) */
export const SO_BROADCAST = both('SO_BROADCAST', bool)
/**
 * Send buffer, bytes. Linux: doubled when read back, silently capped at net.core.wmem_max, at least 4608;
 * setting it ends its autotuning (see SO_BUF_LOCK). socket(7)
 */
export const SO_SNDBUF = both('SO_SNDBUF', int)
/**
 * Receive buffer, bytes. Linux: doubled when read back, silently capped at net.core.rmem_max, at least 2304;
 * setting it ends its autotuning (see SO_BUF_LOCK). Without effect on AF_UNIX. socket(7)
 */
export const SO_RCVBUF = both('SO_RCVBUF', int)
/** SO_SNDBUF above the system's limit, with CAP_NET_ADMIN (`EPERM`). Read it as SO_SNDBUF. Linux only. socket(7) */
export const SO_SNDBUFFORCE = set('SO_SNDBUFFORCE', int)
/** SO_RCVBUF above the system's limit, with CAP_NET_ADMIN (`EPERM`). Read it as SO_RCVBUF. Linux only. socket(7) */
export const SO_RCVBUFFORCE = set('SO_RCVBUFFORCE', int)
/** Probes an idle connection; see TCP_KEEPIDLE. socket(7) */
export const SO_KEEPALIVE = both('SO_KEEPALIVE', bool)
/** Out-of-band data stays in the stream. Works on AF_UNIX too since Linux 5.15. socket(7) */
export const SO_OOBINLINE = both('SO_OOBINLINE', bool)
/** No checksum for sent UDP datagrams; excludes UDP_SEGMENT. Linux only. socket(7) */
export const SO_NO_CHECK = both('SO_NO_CHECK', bool)
/** Queueing priority, 0 to 6; others need CAP_NET_ADMIN or CAP_NET_RAW (`EPERM`). IP_TOS replaces it. Linux only. socket(7) */
export const SO_PRIORITY = both('SO_PRIORITY', int)
/**
 * What close(2) does with unsent data: `{ on: true, seconds: 0 }` resets the connection. Seconds on both
 * systems: Darwin's option of this name counts ticks, so SO_LINGER_SEC stands in for it. socket(7)
 */
export const SO_LINGER = both('SO_LINGER', linger, constants['SO_LINGER_SEC'] ?? constants['SO_LINGER'])
/** Does nothing. Linux only. socket(7) */
export const SO_BSDCOMPAT = both('SO_BSDCOMPAT', bool)
/** Several sockets on one address. Linux spreads the load over them, Darwin does not; `EOPNOTSUPP` off IP. socket(7) */
export const SO_REUSEPORT = both('SO_REUSEPORT', bool)
/** Delivers SCM_CREDENTIALS with each message. AF_UNIX and netlink, else `EOPNOTSUPP`. Linux only. unix(7) */
export const SO_PASSCRED = both('SO_PASSCRED', bool)
/**
 * The process at the other end, as it was at connect(2). Off AF_UNIX there is no error but pid 0 and ids of
 * 4294967295. Linux only; Darwin: LOCAL_PEERCRED. unix(7)
 */
export const SO_PEERCRED = get('SO_PEERCRED', ucred)
/** Bytes that have to be there before the socket is readable. 0 counts as 1. socket(7) */
export const SO_RCVLOWAT = both('SO_RCVLOWAT', int)
/** Room that has to be there before the socket is writable. Linux: always 1, setting is `ENOPROTOOPT`. socket(7) */
export const SO_SNDLOWAT = both('SO_SNDLOWAT', int)
/** Milliseconds that a blocking receive waits, 0 for ever. Without effect on the sockets of this package. socket(7) */
export const SO_RCVTIMEO = both('SO_RCVTIMEO', timeval)
/** Milliseconds that a blocking send waits, 0 for ever. Without effect on the sockets of this package. socket(7) */
export const SO_SNDTIMEO = both('SO_SNDTIMEO', timeval)
/**
 * The name of the interface that the socket is bound to, `''` for none: nothing leaves or comes in by another. What
 * goes to an address of the interface from this host itself counts as its own. Linux: may be set once without
 * CAP_NET_RAW. socket(7)
 */
export const SO_BINDTODEVICE = both('SO_BINDTODEVICE', text(16))
/** A classic BPF program. `EINVAL` for a bad one; on TCP needs privilege (`EPERM`). Linux only. socket(7) */
export const SO_ATTACH_FILTER = set('SO_ATTACH_FILTER', filter)
/** The classic BPF program of the socket; empty for none. Linux only. socket(7) */
export const SO_GET_FILTER = get('SO_GET_FILTER', filter)
/** Takes the program away; the value does not matter. `ENOENT` without one. Linux only. socket(7) */
export const SO_DETACH_FILTER = set('SO_DETACH_FILTER', bool)
/** The same as SO_DETACH_FILTER. Linux only. socket(7) */
export const SO_DETACH_BPF = set('SO_DETACH_BPF', bool)
/** The other end: getpeername(2) by another name; `EINVAL` on new kernels. Linux only. */
export const SO_PEERNAME = get('SO_PEERNAME', sockaddr)
/** Delivers SCM_TIMESTAMP (microseconds) with each message, the first ones perhaps without. Excludes SO_TIMESTAMPNS. socket(7) */
export const SO_TIMESTAMP = both('SO_TIMESTAMP', bool)
/** Whether it listens. socket(7) */
export const SO_ACCEPTCONN = get('SO_ACCEPTCONN', bool)
/** The security label of the peer. `ENOPROTOOPT` without a security module. Linux only. socket(7) */
export const SO_PEERSEC = get('SO_PEERSEC', longText)
/** Delivers SCM_SECURITY with each message. AF_UNIX and netlink. Linux only. unix(7) */
export const SO_PASSSEC = both('SO_PASSSEC', bool)
/** Delivers SCM_TIMESTAMPNS (nanoseconds) with each message. Excludes SO_TIMESTAMP. Linux only. */
export const SO_TIMESTAMPNS = both('SO_TIMESTAMPNS', bool)
/** Firewall mark. Needs CAP_NET_ADMIN or CAP_NET_RAW (`EPERM`). Linux only. socket(7) */
export const SO_MARK = both('SO_MARK', uint32)
/** `SOF_TIMESTAMPING_*`: timestamps of sent and received packets. Linux only. kernel doc networking/timestamping */
export const SO_TIMESTAMPING = both('SO_TIMESTAMPING', timestamping)
/** `IPPROTO_TCP` and so on; 0 on AF_UNIX, netlink and packet sockets. Linux only. socket(7) */
export const SO_PROTOCOL = get('SO_PROTOCOL', int)
/** `AF_INET` and so on. Linux only. socket(7) */
export const SO_DOMAIN = get('SO_DOMAIN', int)
/** Delivers the number of dropped packets with a message, where it is not 0. Linux only. socket(7) */
export const SO_RXQ_OVFL = both('SO_RXQ_OVFL', bool)
/** Delivers SCM_WIFI_STATUS of sent frames on the error queue. Linux only. */
export const SO_WIFI_STATUS = both('SO_WIFI_STATUS', bool)
/** Where MSG_PEEK begins, moved by each read; −1 is off. `EOPNOTSUPP` on raw and packet sockets. Linux only. socket(7) */
export const SO_PEEK_OFF = both('SO_PEEK_OFF', int)
/** The frame check sequence is in the data that is sent. Linux only. */
export const SO_NOFCS = both('SO_NOFCS', bool)
/** Forbids every change of the filter, for ever: also turning this off again is `EPERM`. Linux only. socket(7) */
export const SO_LOCK_FILTER = both('SO_LOCK_FILTER', bool)
/** POLLPRI while the error queue has an entry; TCP ignores it. Linux only. socket(7) */
export const SO_SELECT_ERR_QUEUE = both('SO_SELECT_ERR_QUEUE', bool)
/** Microseconds to spin on the queue of the device. Linux only. socket(7) */
export const SO_BUSY_POLL = both('SO_BUSY_POLL', int)
/** Bytes per second, all bits set for no limit. 32 bits before Linux 4.20. Linux only. tc-fq(8) */
export const SO_MAX_PACING_RATE = both('SO_MAX_PACING_RATE', uint64)
/** What classic BPF knows beside BSD's; SKF_AD_OFF + this is the end. Linux only. */
export const SO_BPF_EXTENSIONS = get('SO_BPF_EXTENSIONS', int)
/** The CPU that last worked on the flow, −1 for none; set: of a SO_REUSEPORT group, the socket for what that CPU receives. Linux only. socket(7) */
export const SO_INCOMING_CPU = both('SO_INCOMING_CPU', int)
/** The descriptor of an extended BPF program of type SOCKET_FILTER. Linux only. socket(7) */
export const SO_ATTACH_BPF = set('SO_ATTACH_BPF', descriptor)
/** A classic program that chooses the socket of a SO_REUSEPORT group; that option first, else `EINVAL`. Linux only. socket(7) */
export const SO_ATTACH_REUSEPORT_CBPF = set('SO_ATTACH_REUSEPORT_CBPF', filter)
/** The same by the descriptor of an extended program. Linux only. socket(7) */
export const SO_ATTACH_REUSEPORT_EBPF = set('SO_ATTACH_REUSEPORT_EBPF', descriptor)
/** 1 asks for another route, as a hint. Linux only. */
export const SO_CNX_ADVICE = set('SO_CNX_ADVICE', int)
/** Memory in use, bytes, and packets dropped. Linux only. */
export const SO_MEMINFO = get('SO_MEMINFO', meminfo)
/** The queue of the device that packets come from, 0 for none. Linux only. socket(7) */
export const SO_INCOMING_NAPI_ID = get('SO_INCOMING_NAPI_ID', uint32)
/** A number that no other socket has until the next boot. Linux only. */
export const SO_COOKIE = get('SO_COOKIE', uint64)
/** The groups of the process at the other end. AF_UNIX only, else `ENODATA`. Linux only. */
export const SO_PEERGROUPS = get('SO_PEERGROUPS', uint32List)
/** Allows MSG_ZEROCOPY, which is a plain copy without it. TCP, UDP and vsock, else `EOPNOTSUPP`. Linux only. */
export const SO_ZEROCOPY = both('SO_ZEROCOPY', bool)
/** Allows SCM_TXTIME. A clock other than CLOCK_MONOTONIC needs CAP_NET_ADMIN. Needs the etf or fq queueing discipline. Linux only. tc-etf(8) */
export const SO_TXTIME = both('SO_TXTIME', txtime)
/** The interface that the socket is bound to, 0 for none; set by index or name. Linux only (5.1). */
export const SO_BINDTOIFINDEX = both('SO_BINDTOIFINDEX', interfaceIndex)
/** SO_TIMESTAMP with 64-bit seconds everywhere. Linux only (5.1). */
export const SO_TIMESTAMP_NEW = both('SO_TIMESTAMP_NEW', bool)
/** SO_TIMESTAMPNS with 64-bit seconds everywhere. Linux only (5.1). */
export const SO_TIMESTAMPNS_NEW = both('SO_TIMESTAMPNS_NEW', bool)
/** SO_TIMESTAMPING with 64-bit seconds everywhere. Linux only (5.1). */
export const SO_TIMESTAMPING_NEW = both('SO_TIMESTAMPING_NEW', timestamping)
/** SO_RCVTIMEO with 64-bit seconds everywhere, milliseconds. Linux only (5.1). */
export const SO_RCVTIMEO_NEW = both('SO_RCVTIMEO_NEW', timeval64)
/** SO_SNDTIMEO with 64-bit seconds everywhere, milliseconds. Linux only (5.1). */
export const SO_SNDTIMEO_NEW = both('SO_SNDTIMEO_NEW', timeval64)
/** Takes the program of a SO_REUSEPORT group away; the value does not matter. `ENOENT` without a program, `EINVAL` without a group. Linux only (5.3). */
export const SO_DETACH_REUSEPORT_BPF = set('SO_DETACH_REUSEPORT_BPF', bool)
/** Busy polling goes before interrupts. CAP_NET_ADMIN. Linux only (5.11). */
export const SO_PREFER_BUSY_POLL = both('SO_PREFER_BUSY_POLL', bool)
/** Packets that one busy poll takes, 16 bits. More than now needs CAP_NET_ADMIN. Cannot be read. Linux only (5.11). */
export const SO_BUSY_POLL_BUDGET = set('SO_BUSY_POLL_BUDGET', int)
/** A number that no other network namespace has until the next boot. Linux only (5.14). */
export const SO_NETNS_COOKIE = get('SO_NETNS_COOKIE', uint64)
/** SOCK_SNDBUF_LOCK (1) and SOCK_RCVBUF_LOCK (2): which size is fixed; 0 turns autotuning on again. Linux only (5.15). */
export const SO_BUF_LOCK = both('SO_BUF_LOCK', uint32)
/** Bytes of memory kept for this socket. `EOPNOTSUPP` without accounting by a cgroup. Linux only (5.17). */
export const SO_RESERVE_MEM = both('SO_RESERVE_MEM', int)
/** 1 changes the path after retransmissions, 0 does not, −1 is the system's default. TCP only. Linux only (5.18). */
export const SO_TXREHASH = both('SO_TXREHASH', int)
/** Delivers SO_MARK of received packets. Linux only (5.19). */
export const SO_RCVMARK = both('SO_RCVMARK', bool)
/** Delivers SCM_PIDFD with each message: a descriptor that has to be closed. AF_UNIX. Linux only (6.5). unix(7) */
export const SO_PASSPIDFD = both('SO_PASSPIDFD', bool)
/** A pidfd of the process at the other end: a new descriptor on every read, yours to close. AF_UNIX. Linux only (6.5). unix(7) */
export const SO_PEERPIDFD = get('SO_PEERPIDFD', descriptor)
/** Gives fragments of device memory back. Linux only (6.11). kernel doc networking/devmem */
export const SO_DEVMEM_DONTNEED = set('SO_DEVMEM_DONTNEED', dmabufTokens)
/** Delivers SO_PRIORITY of received packets. Linux only (6.14). */
export const SO_RCVPRIORITY = both('SO_RCVPRIORITY', bool)
/** Off, the sender of SCM_RIGHTS gets `EPERM`. On by default. AF_UNIX. Linux only (6.16). */
export const SO_PASSRIGHTS = both('SO_PASSRIGHTS', bool)
/** Delivers SCM_INQ, the bytes left to read. AF_UNIX streams. Cannot be read. Linux only (6.17). */
export const SO_INQ = set('SO_INQ', bool)

/** A send to a closed connection raises no SIGPIPE. Darwin only; Linux has MSG_NOSIGNAL. */
export const SO_NOSIGPIPE = both('SO_NOSIGPIPE', bool)
/** Delivers SCM_TIMESTAMP_MONOTONIC. Darwin only. */
export const SO_TIMESTAMP_MONOTONIC = both('SO_TIMESTAMP_MONOTONIC', bool)
/** The number behind SO_LINGER of this package. Darwin only. */
export const SO_LINGER_SEC = both('SO_LINGER_SEC', linger)
/** What is sent to a routing socket comes back to it. Darwin only. */
export const SO_USELOOPBACK = both('SO_USELOOPBACK', bool)
/** The rest of a datagram that is too long stays for the next read. Darwin only. */
export const SO_DONTTRUNC = both('SO_DONTTRUNC', bool)
/** A hint that more data follows. Darwin only. */
export const SO_WANTMORE = both('SO_WANTMORE', bool)
/** MSG_OOB is set on out-of-band data. Darwin only. */
export const SO_WANTOOBFLAG = both('SO_WANTOOBFLAG', bool)
/** Bytes that can be read. Darwin only; Linux: FIONREAD. */
export const SO_NREAD = get('SO_NREAD', int)
/** Bytes not yet sent. Darwin only; Linux: SIOCOUTQ. */
export const SO_NWRITE = get('SO_NWRITE', int)
/** Datagrams that wait. Darwin only. */
export const SO_NUMRCVPKT = get('SO_NUMRCVPKT', int)
/** bind(2) of an address that is not there succeeds. Darwin only. */
export const SO_NOADDRERR = both('SO_NOADDRERR', bool)
/** bind(2) to port 0 takes a random port. Darwin only. */
export const SO_RANDOMPORT = both('SO_RANDOMPORT', bool)
/** Several sockets of one user on one address. Darwin only. */
export const SO_REUSESHAREUID = both('SO_REUSESHAREUID', bool)
/** A notification when bind(2) meets another socket. Darwin only, root. */
export const SO_NOTIFYCONFLICT = both('SO_NOTIFYCONFLICT', bool)
/** close(2) waits for upcalls. Darwin only. */
export const SO_UPCALLCLOSEWAIT = both('SO_UPCALLCLOSEWAIT', bool)
/** Kind of service, `NET_SERVICE_TYPE_*`. Darwin only. */
export const SO_NET_SERVICE_TYPE = both('SO_NET_SERVICE_TYPE', int)
/** How the kind of service marks packets. Darwin only. */
export const SO_NETSVC_MARKING_LEVEL = get('SO_NETSVC_MARKING_LEVEL', int)
/** Who resolved the name of the peer. Darwin only. */
export const SO_RESOLVER_SIGNATURE = both('SO_RESOLVER_SIGNATURE', bytes(1024))
