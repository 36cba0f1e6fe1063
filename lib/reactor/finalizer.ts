import { native } from '../binding/binding'
import type { Channel } from './channel'
import { Warnings } from '../runtime/warnings'

const warnings = new Warnings('ResourceWarning', 'SOCKET_NOT_CLOSED')

/** A slot, and a function to call before the slot is closed. */
interface Remains {
  readonly id: number
  readonly last: () => void
}

// If the program lost an open socket, close its descriptor and warn. Most sockets need only the id of their slot.
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
 * Closes the channel's descriptor when the channel is garbage-collected. By then no Socket refers to it, and no
 * operation waits: the reactor holds every channel on which operations wait.
 */
export function reclaim(channel: Channel): void {
  registry.register(channel, channel.id, channel)
}

/** Does the same as `reclaim`, and calls `last` before the close. `last` must not refer to the channel. */
export function reclaimAfter(channel: Channel, last: () => void): void {
  registry.unregister(channel)
  registry.register(channel, { id: channel.id, last }, channel)
}

/** Ends this. Called when the descriptor has been closed or detached. */
export function release(channel: Channel): void {
  registry.unregister(channel)
}
