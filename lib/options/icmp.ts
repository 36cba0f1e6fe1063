// Filters of raw ICMP sockets, at SOL_RAW and IPPROTO_ICMPV6. raw(7)
import { IPPROTO_ICMPV6, SOL_RAW } from '../constants'
import { icmp6Filter, icmpFilter } from './codec'
import { optionsOf } from './option'

/**
 * Selects the ICMP types, 0 to 31, that a raw socket receives. Other types always pass. Raw sockets of
 * IPPROTO_ICMP, else `EOPNOTSUPP`. Linux only. raw(7)
 */
export const ICMP_FILTER = optionsOf(SOL_RAW).both('ICMP_FILTER', icmpFilter)
/**
 * Selects the ICMPv6 types that a raw socket receives. Raw sockets of IPPROTO_ICMPV6. RFC 3542
 *
 * The meaning of a set bit differs between Linux and macOS. `pass` and `block` mean the same on both.
 */
export const ICMP6_FILTER = optionsOf(IPPROTO_ICMPV6).both('ICMP6_FILTER', icmp6Filter)
/** The Linux name of ICMP6_FILTER. Linux only. raw(7) */
export const ICMPV6_FILTER = optionsOf(IPPROTO_ICMPV6).both('ICMPV6_FILTER', icmp6Filter)
