// Filters of raw ICMP sockets, at SOL_RAW and IPPROTO_ICMPV6. raw(7)
import { IPPROTO_ICMPV6, SOL_RAW } from '../constants'
import { icmp6Filter, icmpFilter } from './codec'
import { optionsOf } from './option'

/**
 * Which ICMP types a raw socket gets, of 0 to 31; the others always pass. Raw sockets of IPPROTO_ICMP, else
 * `EOPNOTSUPP`. Linux only. raw(7)
 */
export const ICMP_FILTER = optionsOf(SOL_RAW).both('ICMP_FILTER', icmpFilter)
/**
 * Which ICMPv6 types a raw socket gets. The kernels disagree on what a set bit means; `pass` and `block` mean
 * the same on both. Raw sockets of IPPROTO_ICMPV6. RFC 3542
 */
export const ICMP6_FILTER = optionsOf(IPPROTO_ICMPV6).both('ICMP6_FILTER', icmp6Filter)
/** Linux's name of ICMP6_FILTER. Linux only. raw(7) */
export const ICMPV6_FILTER = optionsOf(IPPROTO_ICMPV6).both('ICMPV6_FILTER', icmp6Filter)
