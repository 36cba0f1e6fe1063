import { canceled, closed, timedOut, withProgress } from '../errors'
import type { SpliceRange, Transfer } from '../operations/splice'
import { reactor } from '../reactor'
import type { Channel } from '../reactor/channel'
import type { Operation } from '../reactor/operation'
import { performance } from '../runtime/clock'
import type { Waiting } from '../validators'

/**
 * Runs a transfer to its end under one deadline and returns the number of bytes. Used by `Socket.splice` and
 * `relay`.
 */
export async function runTransfer(
  transfer: Transfer,
  { length, onProgress }: SpliceRange,
  { timeout, signal }: Waiting,
): Promise<number> {
  const deadline = timeout === null ? Infinity : performance.now() + timeout
  const left = (): number | null => {
    if (timeout === null || timeout === 0) return timeout
    const rest = deadline - performance.now()
    if (rest <= 0) throw timedOut('splice', timeout)
    return rest
  }
  const { source, target } = transfer
  // Only one of the two sockets has a waiting operation. If the other one closes, that operation must be cancelled.
  let cancel = (): void => undefined
  const run = <T>(channel: Channel, operation: Operation<T>, time = left()): Promise<T> => {
    if (source.fd < 0 || target.fd < 0) throw canceled('splice')
    transfer.stage = channel === source ? 'source' : 'target'
    cancel = () => reactor.cancel(channel, operation, canceled('splice'))
    return reactor.submit(channel, operation, time, signal)
  }
  const watches = [source, target].map(channel => channel.onGone(() => cancel()))
  try {
    if (source.fd < 0) throw closed('splice')
    while (transfer.moved < length) {
      if ((await run(source, transfer.fill(length - transfer.moved))) === 0) break
      // A timeout of 0 does not apply to the disk: it limits only the waits for the sockets.
      await run(target, transfer.flush(), transfer.toFile && timeout === 0 ? null : left())
      onProgress?.(transfer.moved)
    }
    return transfer.moved
  } catch (error) {
    const late = (error as { code?: string }).code === 'ERR_SOCKET_TIMEOUT'
    throw withProgress(late ? timedOut('splice', timeout!) : (error as Error), transfer.moved)
  } finally {
    for (const unwatch of watches) unwatch()
    transfer.close()
  }
}
