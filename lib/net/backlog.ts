import { readFileSync } from 'node:fs'
import { littleEndian } from '../control/walk'
import { native } from '../binding/binding'
import { constants, IPPROTO_TCP } from '../constants'
import { platform } from '../host'
import type { Channel } from '../reactor/channel'

const { TCP_INFO } = constants
const UNACKED = platform.layout['offsetof_tcp_info_tcpi_unacked']
/** The default of net.core.somaxconn since Linux 5.4. */
const USUAL_LIMIT = 4096

/** Returns how many connections may wait in a listening socket's backlog now: exact for TCP on Linux, else a limit. */
export function waitingConnections(channel: Channel): number {
  // The kernel queues one connection more than the backlog.
  return queued(channel) ?? Math.min(channel.extras?.backlog ?? Infinity, limit()) + 1
}

/** Returns the length of the accept queue, or null. For a listening TCP socket Linux reports it as tcpi_unacked. */
function queued(channel: Channel): number | null {
  if (UNACKED === undefined || TCP_INFO === undefined) return null
  const info = Buffer.alloc(UNACKED + 4)
  const result = native.getsockopt(channel.id, IPPROTO_TCP, TCP_INFO, info, Int32Array.of(info.length))
  return result < 0 ? null : new DataView(info.buffer, info.byteOffset).getUint32(UNACKED, littleEndian)
}

function limit(): number {
  try {
    return Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8')) || USUAL_LIMIT
  } catch {
    return USUAL_LIMIT
  }
}
