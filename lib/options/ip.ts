// IPPROTO_IP, in the order of <linux/in.h>; what only Darwin has is at the end.
// Left out: IP_ORIGDSTADDR, a type of control message.
import { IPPROTO_IP } from '../constants'
import {
  bool,
  boolOrByte,
  bytes,
  groupMembership,
  groupSourceFilter,
  groupSourceMembership,
  int,
  interfaceIndex,
  interfaceIndexBE,
  intOrByte,
  ipMembership,
  ipSourceFilter,
  ipSourceMembership,
  multicastInterface,
  portRange,
  sockaddr,
} from './codec'
import { optionsOf } from './option'

const { both, get, set } = optionsOf(IPPROTO_IP)

/** Type of service byte. Linux: TCP keeps the two ECN bits as they are; bits above 8 are lost. ip(7) */
export const IP_TOS = both('IP_TOS', int)
/** Time to live of sent packets, 1 to 255. Linux: −1 is the system's default. ip(7) */
export const IP_TTL = both('IP_TTL', int)
/**
 * The packet begins with its IP header. Raw sockets, else `ENOPROTOOPT`. Linux fills in length, checksum and,
 * where they are 0, id and source; Darwin wants ip_len and ip_off in host order. ip(7)
 */
export const IP_HDRINCL = both('IP_HDRINCL', bool)
/** IP options, at most 40 bytes, padded to a multiple of 4; empty takes them away. ip(7) */
export const IP_OPTIONS = both('IP_OPTIONS', bytes(40))
/** Gets all packets with the router alert option. Raw sockets; a second time is `EADDRINUSE`. Linux only. ip(7) */
export const IP_ROUTER_ALERT = both('IP_ROUTER_ALERT', bool)
/** Delivers the IP options (IP_RECVOPTS). ip(7) */
export const IP_RECVOPTS = both('IP_RECVOPTS', bool)
/** Delivers the IP options as they would be answered with (IP_RETOPTS). ip(7) */
export const IP_RETOPTS = both('IP_RETOPTS', bool)
/** Delivers the IP options as they would be answered with: IP_RETOPTS on Linux, and Darwin's own name for it. ip(7) */
export const IP_RECVRETOPTS = both('IP_RECVRETOPTS', bool)
/** Delivers IP_PKTINFO: destination address and interface. ip(7) */
export const IP_PKTINFO = both('IP_PKTINFO', bool)
/** The control messages that a datagram would have had. TCP only. Linux only. */
export const IP_PKTOPTIONS = get('IP_PKTOPTIONS', bytes(1024))
/** `IP_PMTUDISC_*`: whether packets may be fragmented. Linux only; Darwin: IP_DONTFRAG. ip(7) */
export const IP_MTU_DISCOVER = both('IP_MTU_DISCOVER', int)
/**
 * Delivers ICMP errors on the error queue. They then also become errors of the next call, and a full queue of
 * the device makes sends fail with `ENOBUFS`. Linux only. ip(7)
 */
export const IP_RECVERR = both('IP_RECVERR', bool)
/** Delivers the TTL: IP_TTL and an int on Linux, IP_RECVTTL and a byte on Darwin. ip(7) */
export const IP_RECVTTL = both('IP_RECVTTL', bool)
/** Delivers the type of service byte: IP_TOS on Linux, IP_RECVTOS on Darwin. ip(7) */
export const IP_RECVTOS = both('IP_RECVTOS', bool)
/** Path MTU, bytes; `ENOTCONN` without a connection. Linux only. ip(7) */
export const IP_MTU = get('IP_MTU', int)
/** Allows to bind an address that the host does not have (yet); sending from it fails until it has. Linux only. ip(7) */
export const IP_FREEBIND = both('IP_FREEBIND', bool)
/** IPsec policy of the socket, as KAME writes it. CAP_NET_ADMIN. ip(7) */
export const IP_IPSEC_POLICY = both('IP_IPSEC_POLICY', bytes(512))
/** IPsec policy of the socket (`struct xfrm_userpolicy_info`). CAP_NET_ADMIN. Linux only. */
export const IP_XFRM_POLICY = both('IP_XFRM_POLICY', bytes(512))
/** Delivers SCM_SECURITY with each datagram. Linux only. ip(7) */
export const IP_PASSSEC = both('IP_PASSSEC', bool)
/** Allows addresses that are not local, for transparent proxies. CAP_NET_ADMIN or CAP_NET_RAW. Linux only. ip(7) */
export const IP_TRANSPARENT = both('IP_TRANSPARENT', bool)
/** Delivers IP_ORIGDSTADDR, the destination before redirection. Linux only. ip(7) */
export const IP_RECVORIGDSTADDR = both('IP_RECVORIGDSTADDR', bool)
/** Drops packets with a smaller TTL, 0 to 255; 255 allows only neighbours (RFC 5082). TCP; other sockets ignore it. Linux only. */
export const IP_MINTTL = both('IP_MINTTL', int)
/** Fragments are not put together. Raw sockets, else `ENOPROTOOPT`. Linux only. ip(7) */
export const IP_NODEFRAG = both('IP_NODEFRAG', bool)
/** Delivers IP_CHECKSUM of UDP datagrams that have a full one. Linux only. */
export const IP_CHECKSUM = both('IP_CHECKSUM', bool)
/** bind(2) to port 0 chooses no port yet; connect(2) does. Linux only. ip(7) */
export const IP_BIND_ADDRESS_NO_PORT = both('IP_BIND_ADDRESS_NO_PORT', bool)
/** Delivers IP_RECVFRAGSIZE of datagrams that came in fragments. Not on TCP (`EINVAL`). Linux only. */
export const IP_RECVFRAGSIZE = both('IP_RECVFRAGSIZE', bool)
/** ICMP errors on the error queue come with their extensions. Linux only (5.9). */
export const IP_RECVERR_RFC4884 = both('IP_RECVERR_RFC4884', bool)
/** Interface of sent multicast, by index, name or local address; read as a local address. Not on TCP. ip(7) */
export const IP_MULTICAST_IF = both('IP_MULTICAST_IF', multicastInterface)
/** TTL of sent multicast, 0 to 255; 1 by default. Linux: −1 is the default. Not on TCP (`EINVAL`). ip(7) */
export const IP_MULTICAST_TTL = both('IP_MULTICAST_TTL', intOrByte)
/** Sent multicast also reaches this host. On by default; without effect on the loopback interface. ip(7) */
export const IP_MULTICAST_LOOP = both('IP_MULTICAST_LOOP', boolOrByte)
/** Joins a group. Twice is `EADDRINUSE`; more than net.ipv4.igmp_max_memberships is `ENOBUFS`. ip(7) */
export const IP_ADD_MEMBERSHIP = set('IP_ADD_MEMBERSHIP', ipMembership)
/** Leaves a group. ip(7) */
export const IP_DROP_MEMBERSHIP = set('IP_DROP_MEMBERSHIP', ipMembership)
/** Hears a source again; `EADDRNOTAVAIL` if it was not blocked. ip(7) */
export const IP_UNBLOCK_SOURCE = set('IP_UNBLOCK_SOURCE', ipSourceMembership)
/** No longer hears a source in a group that was joined; again is `EADDRNOTAVAIL`. ip(7) */
export const IP_BLOCK_SOURCE = set('IP_BLOCK_SOURCE', ipSourceMembership)
/** Joins a group for one source. `EINVAL` in a group that was joined for all; `ENOBUFS` above net.ipv4.igmp_max_msf. ip(7) */
export const IP_ADD_SOURCE_MEMBERSHIP = set('IP_ADD_SOURCE_MEMBERSHIP', ipSourceMembership)
/** Leaves a group for one source. ip(7) */
export const IP_DROP_SOURCE_MEMBERSHIP = set('IP_DROP_SOURCE_MEMBERSHIP', ipSourceMembership)
/** All sources of a group at once; read with `query`. `{ mode: 'include', sources: [] }` leaves it. Linux only. ip(7) */
export const IP_MSFILTER = both('IP_MSFILTER', ipSourceFilter)
/** Joins a group of either version of IP. ip(7) */
export const MCAST_JOIN_GROUP = set('MCAST_JOIN_GROUP', groupMembership)
/** No longer hears a source, of either version of IP. ip(7) */
export const MCAST_BLOCK_SOURCE = set('MCAST_BLOCK_SOURCE', groupSourceMembership)
/** Hears a source again, of either version of IP. ip(7) */
export const MCAST_UNBLOCK_SOURCE = set('MCAST_UNBLOCK_SOURCE', groupSourceMembership)
/** Leaves a group of either version of IP. ip(7) */
export const MCAST_LEAVE_GROUP = set('MCAST_LEAVE_GROUP', groupMembership)
/** Joins a group for one source, of either version of IP. ip(7) */
export const MCAST_JOIN_SOURCE_GROUP = set('MCAST_JOIN_SOURCE_GROUP', groupSourceMembership)
/** Leaves a group for one source, of either version of IP. ip(7) */
export const MCAST_LEAVE_SOURCE_GROUP = set('MCAST_LEAVE_SOURCE_GROUP', groupSourceMembership)
/** All sources of a group at once, by interface; read with `query`. Linux only. ip(7) */
export const MCAST_MSFILTER = both('MCAST_MSFILTER', groupSourceFilter)
/** Delivers groups that only other sockets joined. On by default: turn it off. Linux only. ip(7) */
export const IP_MULTICAST_ALL = both('IP_MULTICAST_ALL', bool)
/** Interface of sent packets, by index or name, without binding to it; 0 for none. Linux only; Darwin: IP_BOUND_IF. */
export const IP_UNICAST_IF = both('IP_UNICAST_IF', interfaceIndexBE)
/** Ports that the kernel chooses from; `{ low: 0, high: 0 }` is the system's range. Linux only (6.3). */
export const IP_LOCAL_PORT_RANGE = both('IP_LOCAL_PORT_RANGE', portRange)
/** The protocol of a raw socket; of other sockets the local port. Linux only (6.4). */
export const IP_PROTOCOL = get('IP_PROTOCOL', int)
/** Where a redirected connection wanted to go. `ENOENT` without connection tracking. TCP. Linux only. */
export const SO_ORIGINAL_DST = get('SO_ORIGINAL_DST', sockaddr)

/** Delivers the destination address. Darwin only; Linux: IP_PKTINFO. */
export const IP_RECVDSTADDR = both('IP_RECVDSTADDR', bool)
/** The same as IP_PKTINFO. Darwin only. */
export const IP_RECVPKTINFO = both('IP_RECVPKTINFO', bool)
/** Delivers the interface as a sockaddr_dl. Darwin only. */
export const IP_RECVIF = both('IP_RECVIF', bool)
/** The interface that the socket is bound to, by index or name; 0 for none. Darwin only. */
export const IP_BOUND_IF = both('IP_BOUND_IF', interfaceIndex)
/** Sets the Don't Fragment bit. Darwin only; Linux: IP_MTU_DISCOVER. */
export const IP_DONTFRAG = both('IP_DONTFRAG', bool)
/** The IP header is taken off received packets. Raw sockets. Darwin only. */
export const IP_STRIPHDR = both('IP_STRIPHDR', bool)
/** `IP_PORTRANGE_*`: the range of ports that the kernel chooses from. Darwin only. */
export const IP_PORTRANGE = both('IP_PORTRANGE', int)
/** Interface of sent multicast, by index or name. Darwin only. */
export const IP_MULTICAST_IFINDEX = both('IP_MULTICAST_IFINDEX', interfaceIndex)
/** Virtual interface of sent multicast, for multicast routers. Darwin only. */
export const IP_MULTICAST_VIF = both('IP_MULTICAST_VIF', int)
/** Gets RSVP packets. Raw sockets. Darwin only. */
export const IP_RSVP_ON = set('IP_RSVP_ON', int)
/** No longer gets RSVP packets. Darwin only. */
export const IP_RSVP_OFF = set('IP_RSVP_OFF', int)
/** Gets RSVP packets of one virtual interface. Darwin only. */
export const IP_RSVP_VIF_ON = set('IP_RSVP_VIF_ON', int)
/** No longer gets RSVP packets of one virtual interface. Darwin only. */
export const IP_RSVP_VIF_OFF = set('IP_RSVP_VIF_OFF', int)
/** Lower priority for background traffic. Darwin only. */
export const IP_TRAFFIC_MGT_BACKGROUND = both('IP_TRAFFIC_MGT_BACKGROUND', int)
