// SOL_NETLINK, in the order of <linux/netlink.h>. Linux only. netlink(7)
// Left out: NETLINK_RX_RING and NETLINK_TX_RING, which the kernel dropped in 4.6.
import { SOL_NETLINK } from '../constants'
import { bitNumbers, bool, int } from './codec'
import { optionsOf } from './option'

const { both, get, set } = optionsOf(SOL_NETLINK)

/** Joins a group by its number, which may exceed the 32 groups of the mask of bind(2). Linux only. netlink(7) */
export const NETLINK_ADD_MEMBERSHIP = set('NETLINK_ADD_MEMBERSHIP', int)
/** Leaves a group by its number. Linux only. netlink(7) */
export const NETLINK_DROP_MEMBERSHIP = set('NETLINK_DROP_MEMBERSHIP', int)
/** Delivers NETLINK_PKTINFO, the group of a message. Linux only. netlink(7) */
export const NETLINK_PKTINFO = both('NETLINK_PKTINFO', bool)
/** Reports an error to the sender if a member of a group had no room for its message. Linux only. netlink(7) */
export const NETLINK_BROADCAST_ERROR = both('NETLINK_BROADCAST_ERROR', bool)
/** Disables the `ENOBUFS` error for lost messages. Linux only. netlink(7) */
export const NETLINK_NO_ENOBUFS = both('NETLINK_NO_ENOBUFS', bool)
/**
 * Receives from all network namespaces that have an id in this one. CAP_NET_BROADCAST (`EPERM`). Linux only.
 * netlink(7)
 */
export const NETLINK_LISTEN_ALL_NSID = both('NETLINK_LISTEN_ALL_NSID', bool)
/** The numbers of the groups that the socket has joined. Linux only. netlink(7) */
export const NETLINK_LIST_MEMBERSHIPS = get('NETLINK_LIST_MEMBERSHIPS', bitNumbers)
/** Makes error messages repeat only the header of the request. Linux only. netlink(7) */
export const NETLINK_CAP_ACK = both('NETLINK_CAP_ACK', bool)
/** Adds an explanation in text to error messages. Linux only (4.12). */
export const NETLINK_EXT_ACK = both('NETLINK_EXT_ACK', bool)
/** Enables strict checks of dump requests. Linux only (4.20). */
export const NETLINK_GET_STRICT_CHK = both('NETLINK_GET_STRICT_CHK', bool)
