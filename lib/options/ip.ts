// IPPROTO_IP, in the order of <linux/in.h>; options of Darwin alone are at the end. Left out: IP_ORIGDSTADDR, a
// type of control message.
import type { InetAddress } from '../address'
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
  type Codec,
} from './codec'
import { optionsOf } from './option'

const { both, get, set } = optionsOf(IPPROTO_IP)

/** The type of service byte. On Linux, TCP does not change the two ECN bits, and bits above 8 are ignored. ip(7) */
export const IP_TOS = both('IP_TOS', int)
/** The time to live of sent packets, 1 to 255. On Linux, −1 selects the system's default. ip(7) */
export const IP_TTL = both('IP_TTL', int)
/**
 * If true, packets to send begin with their IP header. Raw sockets, else `ENOPROTOOPT`. ip(7)
 *
 * Linux fills in the length and the checksum, and the source and the id if they are 0. Darwin expects ip_len and
 * ip_off in host byte order.
 */
export const IP_HDRINCL = both('IP_HDRINCL', bool)
/** The IP options of sent packets, at most 40 bytes, padded to a multiple of 4. An empty value removes them. ip(7) */
export const IP_OPTIONS = both('IP_OPTIONS', bytes(40))
/**
 * Receives all packets with the router alert option. Raw sockets; setting it twice is `EADDRINUSE`. Linux only.
 * ip(7)
 */
export const IP_ROUTER_ALERT = both('IP_ROUTER_ALERT', bool)
/** Delivers the IP options of received packets (IP_RECVOPTS). ip(7) */
export const IP_RECVOPTS = both('IP_RECVOPTS', bool)
/** Delivers the IP options in the form needed for a reply (IP_RETOPTS). ip(7) */
export const IP_RETOPTS = both('IP_RETOPTS', bool)
/**
 * Delivers the IP options in the form needed for a reply: as IP_RETOPTS on Linux, as IP_RECVRETOPTS on Darwin.
 * ip(7)
 */
export const IP_RECVRETOPTS = both('IP_RECVRETOPTS', bool)
/** Delivers IP_PKTINFO: destination address and interface. ip(7) */
export const IP_PKTINFO = both('IP_PKTINFO', bool)
/** The control messages that a datagram would have carried. TCP only. Linux only. */
export const IP_PKTOPTIONS = get('IP_PKTOPTIONS', bytes(1024))
/** Whether packets may be fragmented, `IP_PMTUDISC_*`. Linux only; Darwin: IP_DONTFRAG. ip(7) */
export const IP_MTU_DISCOVER = both('IP_MTU_DISCOVER', int)
/**
 * Delivers ICMP errors on the error queue. Linux only. ip(7)
 *
 * The next call also fails with the error. If the queue of the device is full, sends fail with `ENOBUFS`.
 */
export const IP_RECVERR = both('IP_RECVERR', bool)
/** Delivers the TTL: as IP_TTL with an int on Linux, as IP_RECVTTL with a byte on Darwin. ip(7) */
export const IP_RECVTTL = both('IP_RECVTTL', bool)
/** Delivers the type of service byte: as IP_TOS on Linux, as IP_RECVTOS on Darwin. ip(7) */
export const IP_RECVTOS = both('IP_RECVTOS', bool)
/** The path MTU in bytes. `ENOTCONN` if the socket is not connected. Linux only. ip(7) */
export const IP_MTU = get('IP_MTU', int)
/** Allows binding to an address that the host does not have yet. Sends fail until it has. Linux only. ip(7) */
export const IP_FREEBIND = both('IP_FREEBIND', bool)
/** The IPsec policy of the socket in KAME format. CAP_NET_ADMIN. ip(7) */
export const IP_IPSEC_POLICY = both('IP_IPSEC_POLICY', bytes(512))
/** The IPsec policy of the socket (`struct xfrm_userpolicy_info`). CAP_NET_ADMIN. Linux only. */
export const IP_XFRM_POLICY = both('IP_XFRM_POLICY', bytes(512))
/** Delivers SCM_SECURITY with each datagram. Linux only. ip(7) */
export const IP_PASSSEC = both('IP_PASSSEC', bool)
/**
 * Allows binding to addresses that are not local, for transparent proxies. CAP_NET_ADMIN or CAP_NET_RAW. Linux
 * only. ip(7)
 */
export const IP_TRANSPARENT = both('IP_TRANSPARENT', bool)
/** Delivers IP_ORIGDSTADDR, the destination before redirection. Linux only. ip(7) */
export const IP_RECVORIGDSTADDR = both('IP_RECVORIGDSTADDR', bool)
/**
 * Drops received packets with a smaller TTL, 0 to 255. TCP; other sockets ignore it. Linux only.
 *
 * With 255 only packets from directly connected hosts pass (RFC 5082).
 */
export const IP_MINTTL = both('IP_MINTTL', int)
/** Disables the reassembly of fragments. Raw sockets, else `ENOPROTOOPT`. Linux only. ip(7) */
export const IP_NODEFRAG = both('IP_NODEFRAG', bool)
/** Delivers IP_CHECKSUM for UDP datagrams with a full checksum. Linux only. */
export const IP_CHECKSUM = both('IP_CHECKSUM', bool)
/** Makes bind(2) to port 0 choose no port; connect(2) chooses it instead. Linux only. ip(7) */
export const IP_BIND_ADDRESS_NO_PORT = both('IP_BIND_ADDRESS_NO_PORT', bool)
/** Delivers IP_RECVFRAGSIZE for datagrams that arrived in fragments. Not on TCP (`EINVAL`). Linux only. */
export const IP_RECVFRAGSIZE = both('IP_RECVFRAGSIZE', bool)
/** Delivers ICMP errors on the error queue with their RFC 4884 extensions. Linux only (5.9). */
export const IP_RECVERR_RFC4884 = both('IP_RECVERR_RFC4884', bool)
/**
 * The interface for sent multicast: set by index, name or local address, read as a local address. Not on TCP. ip(7)
 */
export const IP_MULTICAST_IF = both('IP_MULTICAST_IF', multicastInterface)
/**
 * The TTL of sent multicast, 0 to 255, 1 by default. On Linux, −1 selects the default. Not on TCP (`EINVAL`). ip(7)
 */
export const IP_MULTICAST_TTL = both('IP_MULTICAST_TTL', intOrByte)
/** Delivers sent multicast to this host too. On by default. The loopback interface ignores it. ip(7) */
export const IP_MULTICAST_LOOP = both('IP_MULTICAST_LOOP', boolOrByte)
/** Joins a group. `EADDRINUSE` if already joined, `ENOBUFS` above net.ipv4.igmp_max_memberships. ip(7) */
export const IP_ADD_MEMBERSHIP = set('IP_ADD_MEMBERSHIP', ipMembership)
/** Leaves a group. ip(7) */
export const IP_DROP_MEMBERSHIP = set('IP_DROP_MEMBERSHIP', ipMembership)
/** Receives from a blocked source again. `EADDRNOTAVAIL` if it is not blocked. ip(7) */
export const IP_UNBLOCK_SOURCE = set('IP_UNBLOCK_SOURCE', ipSourceMembership)
/** Stops receiving from a source in a joined group. `EADDRNOTAVAIL` if it is already blocked. ip(7) */
export const IP_BLOCK_SOURCE = set('IP_BLOCK_SOURCE', ipSourceMembership)
/**
 * Joins a group for one source. ip(7)
 *
 * `EINVAL` if the group is joined for all sources, `ENOBUFS` above net.ipv4.igmp_max_msf.
 */
export const IP_ADD_SOURCE_MEMBERSHIP = set('IP_ADD_SOURCE_MEMBERSHIP', ipSourceMembership)
/** Leaves a group for one source. ip(7) */
export const IP_DROP_SOURCE_MEMBERSHIP = set('IP_DROP_SOURCE_MEMBERSHIP', ipSourceMembership)
/**
 * The list of sources of a group; read with `query`. Linux only. ip(7)
 *
 * Setting `{ mode: 'include', sources: [] }` leaves the group.
 */
export const IP_MSFILTER = both('IP_MSFILTER', ipSourceFilter)
/** Joins a group of either version of IP. ip(7) */
export const MCAST_JOIN_GROUP = set('MCAST_JOIN_GROUP', groupMembership)
/** Stops receiving from a source, for either version of IP. ip(7) */
export const MCAST_BLOCK_SOURCE = set('MCAST_BLOCK_SOURCE', groupSourceMembership)
/** Receives from a blocked source again, for either version of IP. ip(7) */
export const MCAST_UNBLOCK_SOURCE = set('MCAST_UNBLOCK_SOURCE', groupSourceMembership)
/** Leaves a group of either version of IP. ip(7) */
export const MCAST_LEAVE_GROUP = set('MCAST_LEAVE_GROUP', groupMembership)
/** Joins a group for one source, for either version of IP. ip(7) */
export const MCAST_JOIN_SOURCE_GROUP = set('MCAST_JOIN_SOURCE_GROUP', groupSourceMembership)
/** Leaves a group for one source, for either version of IP. ip(7) */
export const MCAST_LEAVE_SOURCE_GROUP = set('MCAST_LEAVE_SOURCE_GROUP', groupSourceMembership)
/** The list of sources of a group on one interface; read with `query`. Linux only. ip(7) */
export const MCAST_MSFILTER = both('MCAST_MSFILTER', groupSourceFilter)
/**
 * Delivers datagrams to groups that only other sockets joined. On by default; usually it should be off. Linux only.
 * ip(7)
 */
export const IP_MULTICAST_ALL = both('IP_MULTICAST_ALL', bool)
/**
 * The interface for sent packets, by index or name, 0 for none. It does not bind the socket. Linux only; Darwin:
 * IP_BOUND_IF.
 */
export const IP_UNICAST_IF = both('IP_UNICAST_IF', interfaceIndexBE)
/**
 * The range of ports that the kernel chooses from. `{ low: 0, high: 0 }` selects the system's range. Linux only
 * (6.3).
 */
export const IP_LOCAL_PORT_RANGE = both('IP_LOCAL_PORT_RANGE', portRange)
/** The protocol of a raw socket. On other sockets, the local port. Linux only (6.4). */
export const IP_PROTOCOL = get('IP_PROTOCOL', int)
/** The original destination of a redirected connection. `ENOENT` without connection tracking. TCP. Linux only. */
export const SO_ORIGINAL_DST = get('SO_ORIGINAL_DST', sockaddr as Codec<InetAddress, never>)

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
/** Removes the IP header from received packets. Raw sockets. Darwin only. */
export const IP_STRIPHDR = both('IP_STRIPHDR', bool)
/** The range of ports that the kernel chooses from, `IP_PORTRANGE_*`. Darwin only. */
export const IP_PORTRANGE = both('IP_PORTRANGE', int)
/** The interface for sent multicast, by index or name. Darwin only. */
export const IP_MULTICAST_IFINDEX = both('IP_MULTICAST_IFINDEX', interfaceIndex)
/** The virtual interface for sent multicast, for multicast routers. Darwin only. */
export const IP_MULTICAST_VIF = both('IP_MULTICAST_VIF', int)
/** Receives RSVP packets. Raw sockets. Darwin only. */
export const IP_RSVP_ON = set('IP_RSVP_ON', int)
/** Stops receiving RSVP packets. Darwin only. */
export const IP_RSVP_OFF = set('IP_RSVP_OFF', int)
/** Receives RSVP packets of one virtual interface. Darwin only. */
export const IP_RSVP_VIF_ON = set('IP_RSVP_VIF_ON', int)
/** Stops receiving RSVP packets of one virtual interface. Darwin only. */
export const IP_RSVP_VIF_OFF = set('IP_RSVP_VIF_OFF', int)
/** Lowers the priority of background traffic. Darwin only. */
export const IP_TRAFFIC_MGT_BACKGROUND = both('IP_TRAFFIC_MGT_BACKGROUND', int)
