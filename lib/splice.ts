import { canceled, timedOut, withProgress } from './errors'
import { reactor } from './internal/environment'
import type { SpliceRange } from './internal/transfers'
import type { Waiting } from './internal/validate'
import type { Transfer } from './ops/splice'

/** Runs a transfer to its end, under one deadline: the bytes moved. The driver of `Socket.splice` and `relay`. */
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
  try {
    while (transfer.moved < length) {
      const most = length - transfer.moved
      if ((await reactor.submit(transfer.source, transfer.fill(most), left(), signal)) === 0) break
      if (transfer.target.fd < 0) throw canceled('splice')
      await reactor.submit(transfer.target, transfer.flush(), left(), signal)
      if (transfer.source.fd < 0) throw canceled('splice')
      onProgress?.(transfer.moved)
    }
    return transfer.moved
  } catch (error) {
    const late = (error as { code?: string }).code === 'ERR_SOCKET_TIMEOUT'
    throw withProgress(late ? timedOut('splice', timeout!) : (error as Error), transfer.moved)
  } finally {
    transfer.close()
  }
}
