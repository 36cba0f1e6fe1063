import { readFileSync } from 'node:fs'
import { littleEndian } from '../control/walk'
import { native } from '../binding/binding'
import { AF_INET, AF_INET6, constants, IPPROTO_TCP, SOL_SOCKET, SO_RCVBUF } from '../constants'
import { platform } from '../host'
import type { Channel } from '../reactor/channel'
import type { Socket } from '../socket'

const { TCP_INFO, SO_MEMINFO, SK_MEMINFO_RMEM_ALLOC } = constants
const UNACKED = platform.layout['offsetof_tcp_info_tcpi_unacked']
/** The default of net.core.somaxconn since Linux 5.4. */
const USUAL_LIMIT = 4096
/** Linux counts at least so many bytes of the receive buffer for a datagram, even an empty one. */
const SMALLEST = 256
/** `messages()` may have received so many datagrams in advance. */
const KEPT = 64

/** Returns how many connections may wait in a listening socket's backlog now: exact for TCP on Linux, else a limit. */
export function waitingConnections(channel: Channel): number {
  // The kernel queues one connection more than the backlog.
  return queued(channel) ?? Math.min(channel.extras?.backlog ?? Infinity, limit()) + 1
}

/** Returns the length of the accept queue, or null. For a listening TCP socket Linux reports it as tcpi_unacked. */
function queued(channel: Channel): number | null {
  // uncovered: only on a system without this constant
  if (UNACKED === undefined || TCP_INFO === undefined) return null
  const info = Buffer.alloc(UNACKED + 4)
  const result = native.getsockopt(channel.id, IPPROTO_TCP, TCP_INFO, info)
  return result < 0 ? null : new DataView(info.buffer, info.byteOffset).getUint32(UNACKED, littleEndian)
}

function limit(): number {
  try {
    return Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8')) || USUAL_LIMIT
  } catch {
    return USUAL_LIMIT
  }
}

/**
 * Returns how many datagrams may wait in a socket's receive buffer now: for IP on Linux at most a few times their
 * number, else a limit.
 */
export function waitingDatagrams({ family, channel }: Socket): number {
  if (family === AF_INET || family === AF_INET6) {
    const bytes = received(channel)
    if (bytes !== null) return Math.ceil(bytes / SMALLEST) + KEPT
  }
  // AF_UNIX limits the number of datagrams and not their bytes.
  const size = valueOf(channel, SO_RCVBUF, 0) ?? 0
  return Math.max(USUAL_LIMIT, Math.ceil(size / SMALLEST))
}

/** Returns how many bytes of the receive buffer are in use, or null. Linux counts them for IP. */
function received(channel: Channel): number | null {
  // uncovered: only on a system without this constant
  if (SO_MEMINFO === undefined || SK_MEMINFO_RMEM_ALLOC === undefined) return null
  return valueOf(channel, SO_MEMINFO, SK_MEMINFO_RMEM_ALLOC)
}

/** Returns one integer of the value of an option, or null. */
function valueOf(channel: Channel, option: number, index: number): number | null {
  const values = new Uint32Array(index + 1)
  return native.getsockopt(channel.id, SOL_SOCKET, option, values) < 0 ? null : values[index]!
}
