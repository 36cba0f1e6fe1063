import { canceled } from '../errors'
import type { SendStamped, TimestampedSend } from '../operations/timestamp'
import { reactor } from '../reactor'
import { block } from '../reactor/blocking'
import type { Channel } from '../reactor/channel'
import { performance } from '../runtime/clock'
import type { Waiting } from '../validators'

/** Returns a function that tells how much of a timeout is left. 0 never waits. */
function countdown(timeout: number | null): () => number | null {
  if (timeout === null || timeout === 0) return () => timeout
  const deadline = performance.now() + timeout
  return () => Math.max(1, Math.ceil(deadline - performance.now()))
}

/** Sends a message, then waits for its timestamp. The next send does not wait for it. */
export async function runTimestamped(
  channel: Channel,
  send: SendStamped,
  { timeout, signal }: Waiting,
): Promise<TimestampedSend> {
  const left = countdown(timeout)
  await reactor.submit(channel, send, timeout, signal)
  const receive = send.receive()
  if (channel.fd < 0) throw receive.abandon(canceled('sendmsg'))
  return reactor.submit(channel, receive, left(), signal)
}

/** Does the same on the calling thread. */
export function blockTimestamped(channel: Channel, send: SendStamped, { timeout }: Waiting): TimestampedSend {
  const left = countdown(timeout)
  block(channel, send, timeout)
  return block(channel, send.receive(), left())
}
