import { native } from '../binding/binding'
import { DIRECT } from '../binding/memory'
import { STATE_ADDRESS } from '../binding/shared'
import { ENETDOWN, ENXIO } from '../errors/errno'
import { reactor, readAddress } from '../reactor'
import type { Channel } from '../reactor/channel'

/**
 * Returns what happened to the interface of an AF_PACKET socket that failed. The kernel reports `ENETDOWN` both when an
 * interface goes down and when it is deleted. Returns `undefined` for other errors and other sockets.
 */
export function deviceLoss(channel: Channel, errno: number): 'down' | 'deleted' | undefined {
  if ((errno !== ENETDOWN && errno !== ENXIO) || native.getsockname(channel.id) < 0) return undefined
  const address = readAddress(channel, DIRECT, reactor.memory.state[STATE_ADDRESS]!)
  // The index is -1 after a deletion, and 0 on a socket without an interface.
  if (address?.kind !== 'packet' || address.index === 0) return undefined
  if (address.interface === null) return 'deleted'
  return errno === ENETDOWN ? 'down' : undefined
}
