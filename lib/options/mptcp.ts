// SOL_MPTCP, in the order of <linux/mptcp.h>. Linux only. kernel doc networking/mptcp
import { SOL_MPTCP } from '../constants'
import { mptcpAddresses, mptcpFullInfo, mptcpInfo, mptcpTcpInfo } from './codec'
import { optionsOf } from './option'

const { get } = optionsOf(SOL_MPTCP)

/** What the kernel knows of the connection. `EOPNOTSUPP` after a fallback to TCP. Linux only (5.16). */
export const MPTCP_INFO = get('MPTCP_INFO', mptcpInfo)
/** TCP_INFO of each subflow, 16 at most. Linux only (5.16). */
export const MPTCP_TCPINFO = get('MPTCP_TCPINFO', mptcpTcpInfo)
/** The two ends of each subflow, 16 at most. Linux only (5.16). */
export const MPTCP_SUBFLOW_ADDRS = get('MPTCP_SUBFLOW_ADDRS', mptcpAddresses)
/** MPTCP_INFO and the number of subflows at the same moment. Linux only (6.5). */
export const MPTCP_FULL_INFO = get('MPTCP_FULL_INFO', mptcpFullInfo)
