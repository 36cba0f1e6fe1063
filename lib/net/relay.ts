import { SHUT_WR } from '../constants'
import { invalidType, type SocketError } from '../errors'
import { giveBack } from '../message/leftover'
import { checkSpliceable } from '../operations/splice'
import { isAborted, onAbort, reasonOf } from '../runtime/signals'
import { checkOptions, checkSignal } from '../validators'
import { Socket } from '../socket'

/** How many bytes moved in each direction. */
export interface Relayed {
  aToB: number
  bToA: number
}

const CHUNK = 64 * 1024
/** The errors of splice for sockets that it does not support. */
const CANNOT = new Set(['EINVAL', 'ENOSYS', 'EOPNOTSUPP'])

/**
 * Moves bytes between two connected stream sockets in both directions, until both directions have ended. Uses
 * splice(2), without copies, if the system and the sockets support it. Otherwise copies through one buffer for each
 * direction.
 *
 * When one direction ends, it is passed on as `shutdown(SHUT_WR)`, and the other direction continues. A slow reader
 * slows the writer down. If one direction fails or the signal is aborted, both stop and `relay` rejects. Bytes that
 * were read but could not be delivered are returned by the next receive on that socket. The caller closes the
 * sockets.
 */
export async function relay(
  a: Socket,
  b: Socket,
  options?: { signal?: AbortSignal | undefined },
): Promise<Relayed> {
  if (!(a instanceof Socket)) throw invalidType('a', 'Socket', a)
  if (!(b instanceof Socket)) throw invalidType('b', 'Socket', b)
  const signal = checkSignal('options.signal', checkOptions('options', options, ['signal']).signal)
  for (const socket of [a, b]) checkSpliceable(socket)
  const both = new AbortController()
  const stop = (): void => both.abort(reasonOf(signal!))
  if (signal !== undefined && isAborted(signal)) stop()
  const forget = signal === undefined ? null : onAbort(signal, stop)
  let failed = false
  let failure: unknown
  const direction = async (from: Socket, to: Socket): Promise<number> => {
    try {
      return await pump(from, to, both.signal)
    } catch (error) {
      if (!failed) failure = error
      failed = true
      both.abort(error)
      return 0
    }
  }
  const [aToB, bToA] = await Promise.all([direction(a, b), direction(b, a)])
  forget?.()
  if (failed) throw failure
  return { aToB, bToA }
}

async function pump(from: Socket, to: Socket, signal: AbortSignal): Promise<number> {
  let moved = 0
  try {
    moved = await from.splice(to, { signal, timeout: null })
  } catch (error) {
    const { code, bytesSent = 0 } = error as SocketError
    if (!CANNOT.has(code)) throw error
    moved = bytesSent + (await copy(from, to, signal))
  }
  try {
    to.shutdown(SHUT_WR)
  } catch (error) {
    // ENOTCONN: the peer has disconnected, and the other direction reports it.
    if ((error as SocketError).code !== 'ENOTCONN') throw error
  }
  return moved
}

async function copy(from: Socket, to: Socket, signal: AbortSignal): Promise<number> {
  const waiting = { signal, timeout: null }
  const buffer = Buffer.allocUnsafeSlow(CHUNK)
  for (let moved = 0; ;) {
    const length = await from.recvInto(buffer, waiting)
    if (length === 0) return moved
    try {
      await to.sendAll(buffer.subarray(0, length), waiting)
    } catch (error) {
      giveBack(from.channel, buffer.subarray((error as SocketError).bytesSent ?? 0, length))
      throw error
    }
    moved += length
  }
}
