// SOL_MPTCP, in the order of <linux/mptcp.h>. Linux only. kernel doc networking/mptcp
import { SOL_MPTCP } from '../constants'
import { mptcpAddresses, mptcpFullInfo, mptcpInfo, mptcpTcpInfo } from './codec'
import { optionsOf } from './option'

const { get } = optionsOf(SOL_MPTCP)

/** The state of the connection. `EOPNOTSUPP` after a fallback to TCP. Linux only (5.16). */
export const MPTCP_INFO = get('MPTCP_INFO', mptcpInfo)
/** The TCP_INFO of each subflow, at most 16. Linux only (5.16). */
export const MPTCP_TCPINFO = get('MPTCP_TCPINFO', mptcpTcpInfo)
/** The local and the remote address of each subflow, at most 16. Linux only (5.16). */
export const MPTCP_SUBFLOW_ADDRS = get('MPTCP_SUBFLOW_ADDRS', mptcpAddresses)
/** The MPTCP_INFO and the number of subflows, read atomically. Linux only (6.5). */
export const MPTCP_FULL_INFO = get('MPTCP_FULL_INFO', mptcpFullInfo)
