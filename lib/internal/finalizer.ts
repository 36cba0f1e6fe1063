import { native } from './environment'
import type { Channel } from './reactor'

// A socket that is collected open is a bug of its owner's, but the descriptor must not be lost with it.
const registry = new FinalizationRegistry<number>(id => {
  const fd = native.descriptor(id)
  if (fd >= 0 && native.close(id) === 0) {
    process.emitWarning(
      `The socket on descriptor ${fd} was garbage-collected while open, and has been closed. Call close() or use \`using\`.`,
      {
        type: 'ResourceWarning',
        code: 'SOCKET_NOT_CLOSED',
      },
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

/** The owner has closed it or given it away. */
export function release(channel: Channel): void {
  registry.unregister(channel)
}
