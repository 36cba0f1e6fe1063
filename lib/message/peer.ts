import type { Address } from '../address'
import { native } from '../binding/binding'
import { reactor, readAddress } from '../reactor'
import { EAGAIN } from '../errors/errno'
import { DIRECT } from '../binding/memory'
import type { Channel } from '../reactor/channel'
import { STATE_ADDRESS } from '../binding/shared'

/**
 * The other end of a connected socket, for the error of an operation that named nobody: `null` where the kernel does
 * not tell any more, as of a TCP connection that was reset. Not for EAGAIN, which some make and drop all day.
 */
export function peerOf(channel: Channel, errno: number): Address | null {
  if (errno === EAGAIN || native.getpeername(channel.id) < 0) return null
  const peer = readAddress(DIRECT, reactor.memory.state[STATE_ADDRESS]!)
  return peer?.kind === 'unnamed' ? null : peer
}
