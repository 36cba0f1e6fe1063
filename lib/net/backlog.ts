import { readFileSync } from 'node:fs'
import { littleEndian } from '../control/walk'
import { native } from '../binding/binding'
import { platform } from '../host'
import type { Channel } from '../reactor/channel'

const { IPPROTO_TCP, TCP_INFO } = platform.constants
const UNACKED = platform.layout['offsetof_tcp_info_tcpi_unacked']
/** What Linux has for net.core.somaxconn since 5.4. */
const USUAL_LIMIT = 4096

/** How many connections a listening socket's backlog can hold at this moment. */
export function waitingConnections(channel: Channel): number {
  return queued(channel) ?? Math.min(channel.extras?.backlog ?? Infinity, limit()) + 1 // the kernel takes one more
}

/** What Linux tells of TCP: tcpi_unacked of a listening socket is the length of its accept queue. Elsewhere null. */
function queued(channel: Channel): number | null {
  if (UNACKED === undefined || IPPROTO_TCP === undefined || TCP_INFO === undefined) return null
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
