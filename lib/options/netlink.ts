// SOL_NETLINK, in the order of <linux/netlink.h>. Linux only. netlink(7)
// Left out: NETLINK_RX_RING and NETLINK_TX_RING, which the kernel dropped in 4.6.
import { SOL_NETLINK } from '../constants'
import { bitNumbers, bool, int } from './codec'
import { optionsOf } from './option'

const { both, get, set } = optionsOf(SOL_NETLINK)

/** Joins a group by its number, which may be above the 32 of the mask of bind(2). Linux only. netlink(7) */
export const NETLINK_ADD_MEMBERSHIP = set('NETLINK_ADD_MEMBERSHIP', int)
/** Leaves a group by its number. Linux only. netlink(7) */
export const NETLINK_DROP_MEMBERSHIP = set('NETLINK_DROP_MEMBERSHIP', int)
/** Delivers NETLINK_PKTINFO, the group of a message. Linux only. netlink(7) */
export const NETLINK_PKTINFO = both('NETLINK_PKTINFO', bool)
/** A sender to a group hears that a listener had no room. Linux only. netlink(7) */
export const NETLINK_BROADCAST_ERROR = both('NETLINK_BROADCAST_ERROR', bool)
/** Lost messages are not reported by `ENOBUFS`. Linux only. netlink(7) */
export const NETLINK_NO_ENOBUFS = both('NETLINK_NO_ENOBUFS', bool)
/** Listens in all network namespaces that have an id here. CAP_NET_BROADCAST (`EPERM`). Linux only. netlink(7) */
export const NETLINK_LISTEN_ALL_NSID = both('NETLINK_LISTEN_ALL_NSID', bool)
/** The numbers of the groups that the socket is in. Linux only. netlink(7) */
export const NETLINK_LIST_MEMBERSHIPS = get('NETLINK_LIST_MEMBERSHIPS', bitNumbers)
/** Refusals do not repeat the whole message. Linux only. netlink(7) */
export const NETLINK_CAP_ACK = both('NETLINK_CAP_ACK', bool)
/** Refusals say in words what was wrong. Linux only (4.12). */
export const NETLINK_EXT_ACK = both('NETLINK_EXT_ACK', bool)
/** Requests for lists are checked strictly. Linux only (4.20). */
export const NETLINK_GET_STRICT_CHK = both('NETLINK_GET_STRICT_CHK', bool)
