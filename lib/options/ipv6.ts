// IPPROTO_IPV6, in the order of <linux/in6.h>; options of Darwin alone are at the end. MCAST6_* are the MCAST_* of
// this level. C has one name for both levels, but an export has only one level. Left out: IPV6_2292* (replaced by
// RFC 3542), IPV6_AUTHHDR (no kernel implements it), and Darwin's IPV6_MSFILTER (its struct contains a pointer).
import type { Inet6Address } from '../address'
import { IPPROTO_IPV6, constants } from '../constants'
import {
  bool,
  bytes,
  flowLabel,
  groupMembership,
  groupSourceFilter,
  groupSourceMembership,
  int,
  interfaceIndex,
  interfaceIndexBE,
  ipv6Membership,
  ipv6MtuInfo,
  ipv6PacketInfo,
  sockaddr,
  type Codec,
} from './codec'
import { optionsOf } from './option'

const { both, get, set } = optionsOf(IPPROTO_IPV6)
// The maximum size of an extension header.
const header = bytes(2048)

/**
 * Converts a connection to an IPv4-mapped address into an AF_INET socket: set it to AF_INET. Linux only. ipv6(7)
 *
 * Reads as AF_INET6 on a connected socket, else `ENOTCONN`.
 */
export const IPV6_ADDRFORM = both('IPV6_ADDRFORM', int)
/**
 * The even offset of a checksum that the kernel computes and verifies, −1 for none. Raw sockets; fixed for ICMPv6.
 * ipv6(7)
 */
export const IPV6_CHECKSUM = both('IPV6_CHECKSUM', int)
/** The first hop. Darwin. Linux defines the number but does not implement it (`ENOPROTOOPT`). */
export const IPV6_NEXTHOP = both('IPV6_NEXTHOP', bytes(128))
/** Delivers IPV6_FLOWINFO: traffic class and flow label. Linux only. */
export const IPV6_FLOWINFO = both('IPV6_FLOWINFO', bool)
/** The hop limit of sent packets, 0 to 255; −1 selects the system's default. ipv6(7) */
export const IPV6_UNICAST_HOPS = both('IPV6_UNICAST_HOPS', int)
/** The interface for sent multicast, by index or name. ipv6(7) */
export const IPV6_MULTICAST_IF = both('IPV6_MULTICAST_IF', interfaceIndex)
/** The hop limit of sent multicast, 0 to 255; −1 selects the default, 1. ipv6(7) */
export const IPV6_MULTICAST_HOPS = both('IPV6_MULTICAST_HOPS', int)
/** Delivers sent multicast to this host too. On by default. ipv6(7) */
export const IPV6_MULTICAST_LOOP = both('IPV6_MULTICAST_LOOP', bool)
/** Joins a group. `EADDRINUSE` if already joined. ipv6(7) */
export const IPV6_JOIN_GROUP = set('IPV6_JOIN_GROUP', ipv6Membership)
/** Leaves a group. ipv6(7) */
export const IPV6_LEAVE_GROUP = set('IPV6_LEAVE_GROUP', ipv6Membership)
/** The same as IPV6_JOIN_GROUP. Linux only. ipv6(7) */
export const IPV6_ADD_MEMBERSHIP = set('IPV6_ADD_MEMBERSHIP', ipv6Membership)
/** The same as IPV6_LEAVE_GROUP. Linux only. ipv6(7) */
export const IPV6_DROP_MEMBERSHIP = set('IPV6_DROP_MEMBERSHIP', ipv6Membership)
/** Receives all packets with the router alert option of this value. Sockets of IPPROTO_RAW. Linux only. ipv6(7) */
export const IPV6_ROUTER_ALERT = both('IPV6_ROUTER_ALERT', int)
/** Limits IPV6_ROUTER_ALERT to packets of the socket's network namespace. Linux only. */
export const IPV6_ROUTER_ALERT_ISOLATE = both('IPV6_ROUTER_ALERT_ISOLATE', bool)
/** Whether packets may be fragmented, `IPV6_PMTUDISC_*`. Linux only. ipv6(7) */
export const IPV6_MTU_DISCOVER = both('IPV6_MTU_DISCOVER', int)
/**
 * The MTU in bytes: reads that of the path, sets a limit for sent packets. Linux only. ipv6(7)
 *
 * Reading is `ENOTCONN` if the socket is not connected.
 */
export const IPV6_MTU = both('IPV6_MTU', int)
/** Delivers ICMPv6 errors on the error queue. A dual-stack socket needs IP_RECVERR too. Linux only. ipv6(7) */
export const IPV6_RECVERR = both('IPV6_RECVERR', bool)
/** Delivers ICMPv6 errors on the error queue with their RFC 4884 extensions. Linux only (5.9). */
export const IPV6_RECVERR_RFC4884 = both('IPV6_RECVERR_RFC4884', bool)
/**
 * Excludes IPv4 traffic as mapped addresses. Set it before bind(2), else `EINVAL`. `EINVAL` on raw sockets. ipv6(7)
 */
export const IPV6_V6ONLY = both('IPV6_V6ONLY', bool)
/** Joins an anycast group. CAP_NET_ADMIN. Linux only. */
export const IPV6_JOIN_ANYCAST = set('IPV6_JOIN_ANYCAST', ipv6Membership)
/** Leaves an anycast group. Linux only. */
export const IPV6_LEAVE_ANYCAST = set('IPV6_LEAVE_ANYCAST', ipv6Membership)
/**
 * Delivers datagrams to groups that only other sockets joined. On by default; usually it should be off. Linux only
 * (4.20).
 */
export const IPV6_MULTICAST_ALL = both('IPV6_MULTICAST_ALL', bool)
/** Acquires, releases and renews flow labels. Read with `query`. Linux only. */
export const IPV6_FLOWLABEL_MGR = both('IPV6_FLOWLABEL_MGR', flowLabel)
/** Sends the flow label of the destination address. Linux only. */
export const IPV6_FLOWINFO_SEND = both('IPV6_FLOWINFO_SEND', bool)
/** The IPsec policy of the socket in KAME format. CAP_NET_ADMIN. */
export const IPV6_IPSEC_POLICY = both('IPV6_IPSEC_POLICY', bytes(512))
/** The IPsec policy of the socket (`struct xfrm_userpolicy_info`). CAP_NET_ADMIN. Linux only. */
export const IPV6_XFRM_POLICY = both('IPV6_XFRM_POLICY', bytes(512))
/** If true, packets to send begin with their IPv6 header. Raw sockets. Linux only (4.5). */
export const IPV6_HDRINCL = both('IPV6_HDRINCL', bool)
/** Joins a group, of either version of IP. ipv6(7) */
export const MCAST6_JOIN_GROUP = set('MCAST6_JOIN_GROUP', groupMembership, constants['MCAST_JOIN_GROUP'])
/** Stops receiving from a source. ipv6(7) */
export const MCAST6_BLOCK_SOURCE = set(
  'MCAST6_BLOCK_SOURCE',
  groupSourceMembership,
  constants['MCAST_BLOCK_SOURCE'],
)
/** Receives from a blocked source again. ipv6(7) */
export const MCAST6_UNBLOCK_SOURCE = set(
  'MCAST6_UNBLOCK_SOURCE',
  groupSourceMembership,
  constants['MCAST_UNBLOCK_SOURCE'],
)
/** Leaves a group. ipv6(7) */
export const MCAST6_LEAVE_GROUP = set('MCAST6_LEAVE_GROUP', groupMembership, constants['MCAST_LEAVE_GROUP'])
/** Joins a group for one source. ipv6(7) */
export const MCAST6_JOIN_SOURCE_GROUP = set(
  'MCAST6_JOIN_SOURCE_GROUP',
  groupSourceMembership,
  constants['MCAST_JOIN_SOURCE_GROUP'],
)
/** Leaves a group for one source. ipv6(7) */
export const MCAST6_LEAVE_SOURCE_GROUP = set(
  'MCAST6_LEAVE_SOURCE_GROUP',
  groupSourceMembership,
  constants['MCAST_LEAVE_SOURCE_GROUP'],
)
/** The list of sources of a group; read with `query`. Linux only. */
export const MCAST6_MSFILTER = both('MCAST6_MSFILTER', groupSourceFilter, constants['MCAST_MSFILTER'])
/** Delivers IPV6_PKTINFO: destination address and interface. ipv6(7) */
export const IPV6_RECVPKTINFO = both('IPV6_RECVPKTINFO', bool)
/** The source address and the interface of all sent packets. Cannot be read on Linux. ipv6(7) */
export const IPV6_PKTINFO = set('IPV6_PKTINFO', ipv6PacketInfo)
/** Delivers IPV6_HOPLIMIT. ipv6(7) */
export const IPV6_RECVHOPLIMIT = both('IPV6_RECVHOPLIMIT', bool)
/** A type of control message. As an option it is `ENOPROTOOPT` on Linux. */
export const IPV6_HOPLIMIT = both('IPV6_HOPLIMIT', int)
/** Delivers the hop-by-hop options. ipv6(7) */
export const IPV6_RECVHOPOPTS = both('IPV6_RECVHOPOPTS', bool)
/**
 * The hop-by-hop options of all sent packets, as a complete header. CAP_NET_RAW (`EPERM`). ipv6(7)
 *
 * An empty value removes them.
 */
export const IPV6_HOPOPTS = both('IPV6_HOPOPTS', header)
/** The destination options before a routing header; an empty value removes them. CAP_NET_RAW (`EPERM`). */
export const IPV6_RTHDRDSTOPTS = both('IPV6_RTHDRDSTOPTS', header)
/** Delivers the routing header. ipv6(7) */
export const IPV6_RECVRTHDR = both('IPV6_RECVRTHDR', bool)
/** The routing header of all sent packets; an empty value removes it. Linux: type 4 (segment routing) only. ipv6(7) */
export const IPV6_RTHDR = both('IPV6_RTHDR', header)
/** Delivers the destination options. ipv6(7) */
export const IPV6_RECVDSTOPTS = both('IPV6_RECVDSTOPTS', bool)
/** The destination options of all sent packets; an empty value removes them. CAP_NET_RAW (`EPERM`). ipv6(7) */
export const IPV6_DSTOPTS = both('IPV6_DSTOPTS', header)
/** Delivers IPV6_PATHMTU when the path MTU changes. */
export const IPV6_RECVPATHMTU = both('IPV6_RECVPATHMTU', bool)
/** The path MTU of a connected socket in bytes, else `ENOTCONN`. */
export const IPV6_PATHMTU = get('IPV6_PATHMTU', ipv6MtuInfo)
/** Disables fragmentation. A datagram that is too long is dropped, and IPV6_RECVPATHMTU reports it. */
export const IPV6_DONTFRAG = both('IPV6_DONTFRAG', bool)
/** Delivers IPV6_TCLASS. ipv6(7) */
export const IPV6_RECVTCLASS = both('IPV6_RECVTCLASS', bool)
/** The traffic class of sent packets, 0 to 255; −1 selects the default. ipv6(7) */
export const IPV6_TCLASS = both('IPV6_TCLASS', int)
/** Computes flow labels from the addresses and ports. On by default. */
export const IPV6_AUTOFLOWLABEL = both('IPV6_AUTOFLOWLABEL', bool)
/** The preferred kind of source address, `IPV6_PREFER_SRC_*`. Linux adds its defaults when reading. Linux only. */
export const IPV6_ADDR_PREFERENCES = both('IPV6_ADDR_PREFERENCES', int)
/** Drops received packets with a smaller hop limit, 0 to 255. TCP; other sockets ignore it. Linux only. */
export const IPV6_MINHOPCOUNT = both('IPV6_MINHOPCOUNT', int)
/** Delivers IPV6_ORIGDSTADDR, the destination before redirection. Linux only. */
export const IPV6_RECVORIGDSTADDR = both('IPV6_RECVORIGDSTADDR', bool)
/** Allows binding to addresses that are not local. CAP_NET_ADMIN or CAP_NET_RAW. Linux only. */
export const IPV6_TRANSPARENT = both('IPV6_TRANSPARENT', bool)
/**
 * The interface for sent packets, by index or name, 0 for none. It does not bind the socket. Linux only; Darwin:
 * IPV6_BOUND_IF.
 */
export const IPV6_UNICAST_IF = both('IPV6_UNICAST_IF', interfaceIndexBE)
/** Delivers IPV6_RECVFRAGSIZE for datagrams that arrived in fragments. Linux only. */
export const IPV6_RECVFRAGSIZE = both('IPV6_RECVFRAGSIZE', bool)
/** Allows binding to an address that the host does not have yet. Linux only (4.15). */
export const IPV6_FREEBIND = both('IPV6_FREEBIND', bool)
/** The original destination of a redirected connection. `ENOENT` without connection tracking. TCP. Linux only. */
export const IP6T_SO_ORIGINAL_DST = get('IP6T_SO_ORIGINAL_DST', sockaddr as Codec<Inet6Address, never>)

/** Fragments at 1280 bytes without path MTU discovery: 0 for multicast, 1 always, −1 never. Darwin only. */
export const IPV6_USE_MIN_MTU = both('IPV6_USE_MIN_MTU', int)
/** The interface that the socket is bound to, by index or name; 0 for none. Darwin only. */
export const IPV6_BOUND_IF = both('IPV6_BOUND_IF', interfaceIndex)
/** Prefers temporary source addresses. Darwin only. */
export const IPV6_PREFER_TEMPADDR = both('IPV6_PREFER_TEMPADDR', int)
/** The range of ports that the kernel chooses from, `IP_PORTRANGE_*`. Darwin only. */
export const IPV6_PORTRANGE = both('IPV6_PORTRANGE', int)
/** The same as IPV6_V6ONLY. Darwin only. */
export const IPV6_BINDV6ONLY = both('IPV6_BINDV6ONLY', bool)
