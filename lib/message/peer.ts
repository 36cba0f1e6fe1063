import type { Address } from '../address'
import { native } from '../binding/binding'
import { reactor, readAddress } from '../reactor'
import { EAGAIN } from '../errors/errno'
import { DIRECT } from '../binding/memory'
import type { Channel } from '../reactor/channel'
import { STATE_ADDRESS } from '../binding/shared'

/**
 * Returns the remote address of a connected socket, for the error of an operation without an address argument. Returns
 * `null` if the kernel no longer knows it, such as after a TCP reset. Returns `null` for EAGAIN too: such errors are
 * frequent, and a getpeername(2) for each would be slow.
 */
export function peerOf(channel: Channel, errno: number): Address | null {
  if (errno === EAGAIN || native.getpeername(channel.id) < 0) return null
  const peer = readAddress(channel, DIRECT, reactor.memory.state[STATE_ADDRESS]!)
  return peer?.kind === 'unnamed' ? null : peer
}
