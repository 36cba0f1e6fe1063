// IPPROTO_UDP and SOL_UDPLITE, in the order of <linux/udp.h>.
import { IPPROTO_UDP, SOL_UDPLITE } from '../constants'
import { bool, int } from './codec'
import { optionsOf } from './option'

const { both } = optionsOf(IPPROTO_UDP)
const lite = optionsOf(SOL_UDPLITE)

/** Gathers what is sent into one datagram until it is turned off. Linux only. udp(7) */
export const UDP_CORK = both('UDP_CORK', bool)
/** `UDP_ENCAP_*`: what the datagrams carry. Which ones work depends on the kernel (`ENOPROTOOPT`). Linux only. udp(7) */
export const UDP_ENCAP = both('UDP_ENCAP', int)
/** Sends no checksum over IPv6. Linux only. */
export const UDP_NO_CHECK6_TX = both('UDP_NO_CHECK6_TX', bool)
/** Accepts datagrams without a checksum over IPv6. Linux only. */
export const UDP_NO_CHECK6_RX = both('UDP_NO_CHECK6_RX', bool)
/**
 * Bytes in each datagram that one send is cut into, 0 to 65535, for every send; 0 is off. As a control message
 * it holds for one send. Linux only (4.18). udp(7)
 */
export const UDP_SEGMENT = both('UDP_SEGMENT', int)
/** Delivers trains of datagrams at once; a buffer below 64 KiB loses what does not fit. Linux only (5.0). udp(7) */
export const UDP_GRO = both('UDP_GRO', bool)
/** Bytes that the checksum of a sent datagram covers: 0 for all, else at least 8 (less is raised). Linux only. udplite(7) */
export const UDPLITE_SEND_CSCOV = lite.both('UDPLITE_SEND_CSCOV', int)
/** Least coverage of a datagram that is accepted: 0 for all, else at least 8 (less is raised). Linux only. udplite(7) */
export const UDPLITE_RECV_CSCOV = lite.both('UDPLITE_RECV_CSCOV', int)

/** Sends no checksum. Darwin only. */
export const UDP_NOCKSUM = both('UDP_NOCKSUM', bool)
