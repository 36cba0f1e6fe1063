// SOL_LOCAL, in the order of <sys/un.h>. Darwin only; Linux has these at SOL_SOCKET. unix(4)
import { SOL_LOCAL } from '../constants'
import { bytes, int, xucred } from './codec'
import { optionsOf } from './option'

const { get } = optionsOf(SOL_LOCAL)

/** The user of the peer at the time of connect(2). Streams. Darwin only; Linux: SO_PEERCRED. unix(4) */
export const LOCAL_PEERCRED = get('LOCAL_PEERCRED', xucred)
/** The process id of the peer. Darwin only; Linux: SO_PEERCRED. unix(4) */
export const LOCAL_PEERPID = get('LOCAL_PEERPID', int)
/** The id of the process that the peer acts on behalf of. Darwin only. unix(4) */
export const LOCAL_PEEREPID = get('LOCAL_PEEREPID', int)
/** The UUID of the peer's program. Darwin only. */
export const LOCAL_PEERUUID = get('LOCAL_PEERUUID', bytes(16))
/** The UUID of the program that the peer acts on behalf of. Darwin only. */
export const LOCAL_PEEREUUID = get('LOCAL_PEEREUUID', bytes(16))
/** The audit token of the peer's process. Darwin only. */
export const LOCAL_PEERTOKEN = get('LOCAL_PEERTOKEN', bytes(32))
