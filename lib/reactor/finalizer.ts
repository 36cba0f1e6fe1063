import { native } from '../binding/binding'
import type { Channel } from './channel'
import { Warnings } from '../runtime/warnings'

const warnings = new Warnings('ResourceWarning', 'SOCKET_NOT_CLOSED')

/** A slot, and what has to be done before it is closed. */
interface Remains {
  readonly id: number
  readonly last: () => void
}

// A socket that is collected open is a bug of its owner's, but the descriptor must not be lost with it. Nearly all of
// them leave nothing but the number of a slot.
const registry = new FinalizationRegistry<number | Remains>(remains => {
  const id = typeof remains === 'number' ? remains : remains.id
  const fd = native.descriptor(id)
  if (fd >= 0 && typeof remains !== 'number') remains.last()
  if (fd >= 0 && native.close(id) === 0) {
    warnings.warn(
      'lost',
      () =>
        `The socket on descriptor ${fd} was garbage-collected while open, and has been closed. Call close() or use \`using\`.`,
    )
  }
})

/**
 * Closes the channel's descriptor when it is collected: nobody has its Socket any more, and nobody
 * waits, since the reactor holds a channel on which somebody does.
 */
export function reclaim(channel: Channel): void {
  registry.register(channel, channel.id, channel)
}

/** The same, with something to do before; `last` must not hold the channel. */
export function reclaimAfter(channel: Channel, last: () => void): void {
  registry.unregister(channel)
  registry.register(channel, { id: channel.id, last }, channel)
}

/** The owner has closed it or given it away. */
export function release(channel: Channel): void {
  registry.unregister(channel)
}
