// IPPROTO_UDP and SOL_UDPLITE, in the order of <linux/udp.h>.
import { IPPROTO_UDP, SOL_UDPLITE } from '../constants'
import { bool, int } from './codec'
import { optionsOf } from './option'

const { both } = optionsOf(IPPROTO_UDP)
const lite = optionsOf(SOL_UDPLITE)

/** Collects sent data into one datagram until it is disabled. Linux only. udp(7) */
export const UDP_CORK = both('UDP_CORK', bool)
/** The encapsulated protocol, `UDP_ENCAP_*`. `ENOPROTOOPT` if the kernel does not support it. Linux only. udp(7) */
export const UDP_ENCAP = both('UDP_ENCAP', int)
/** Sends datagrams over IPv6 without a checksum. Linux only. */
export const UDP_NO_CHECK6_TX = both('UDP_NO_CHECK6_TX', bool)
/** Accepts datagrams without a checksum over IPv6. Linux only. */
export const UDP_NO_CHECK6_RX = both('UDP_NO_CHECK6_RX', bool)
/**
 * The size in bytes of the datagrams that each send is cut into, 0 to 65535; 0 disables it. Linux only (4.18).
 * udp(7)
 *
 * As a control message it applies to one send.
 */
export const UDP_SEGMENT = both('UDP_SEGMENT', int)
/**
 * Delivers several coalesced datagrams at once. Linux only (5.0). udp(7)
 *
 * The kernel drops what does not fit into the buffer, so use 64 KiB.
 */
export const UDP_GRO = both('UDP_GRO', bool)
/**
 * The number of bytes that the checksum of a sent datagram covers. Linux only. udplite(7)
 *
 * 0 covers all bytes. Values from 1 to 7 count as 8.
 */
export const UDPLITE_SEND_CSCOV = lite.both('UDPLITE_SEND_CSCOV', int)
/**
 * The minimum checksum coverage in bytes of accepted datagrams. Linux only. udplite(7)
 *
 * 0 requires full coverage. Values from 1 to 7 count as 8.
 */
export const UDPLITE_RECV_CSCOV = lite.both('UDPLITE_RECV_CSCOV', int)

/** Sends datagrams without a checksum. Darwin only. */
export const UDP_NOCKSUM = both('UDP_NOCKSUM', bool)
