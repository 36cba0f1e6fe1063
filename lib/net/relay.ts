import { SHUT_WR } from '../constants'
import { closed, outOfRange, timedOut, type SocketError } from '../errors'
import { checkSocket } from './endpoint'
import { giveBack } from '../message/leftover'
import { checkSpliceable, Transfer } from '../operations/splice'
import { clearTimeout, performance, setTimeout } from '../runtime/clock'
import { isAborted, onAbort, reasonOf } from '../runtime/signals'
import { checkOptions, checkSignal, checkTimeout } from '../validators'
import type { Socket } from '../socket'
import { runTransfer } from '../socket/splice'
import { append } from '../runtime/list'

/** How many bytes moved in each direction. */
export interface Relayed {
  aToB: number
  bToA: number
}

/** The options of relay. */
export interface RelayOptions {
  /** If aborted, both directions stop and `relay` rejects with an `AbortError`. */
  signal?: AbortSignal | undefined
  /**
   * How long both directions may move no bytes, in milliseconds. Then `relay` rejects with `ERR_SOCKET_TIMEOUT`.
   * Default `null`: no limit.
   */
  idleTimeout?: number | null | undefined
}

const FIELDS = ['signal', 'idleTimeout'] satisfies (keyof RelayOptions)[]

const CHUNK = 64 * 1024
/** The errors of splice for sockets that it does not support. */
const CANNOT = new Set(['EINVAL', 'ENOSYS', 'EOPNOTSUPP'])

/**
 * Moves bytes between two connected stream sockets in both directions, until both directions have ended. Uses
 * splice(2), without copies, if the system and the sockets support it. Otherwise copies through one buffer for each
 * direction.
 *
 * When one direction ends, it is passed on as `shutdown(SHUT_WR)`, and the other direction continues. A slow reader
 * slows the writer down. Bytes that were read but could not be delivered are returned by the next receive on that
 * socket. The caller closes the sockets.
 *
 * If one direction fails, the signal is aborted or `idleTimeout` expires, both stop and `relay` rejects. The error has
 * the bytes that moved as `aToB` and `bToA`. `side` is `'a'` or `'b'`, the socket that failed.
 */
export async function relay(a: Socket, b: Socket, options?: RelayOptions): Promise<Relayed> {
  checkSocket('a', a)
  checkSocket('b', b)
  const own = checkOptions('options', options, FIELDS)
  const signal = checkSignal('options.signal', own.signal)
  const idle = checkTimeout('options.idleTimeout', own.idleTimeout ?? null)
  if (idle === 0) throw outOfRange('options.idleTimeout', '> 0 or null', idle)
  for (const socket of [a, b]) checkSpliceable(socket)
  const stop = new AbortController()
  const failures: { error: unknown; side: Side | undefined }[] = []
  const fail = (error: unknown, side?: Side): void => {
    // After the first failure the other direction only reports that it was stopped.
    append(failures, { error, side: stop.signal.aborted ? undefined : side })
    stop.abort(error)
  }
  const there = new Direction(a, b, stop.signal)
  const back = new Direction(b, a, stop.signal)
  const abort = (): void => stop.abort(reasonOf(signal!))
  if (signal !== undefined && isAborted(signal)) abort()
  const forget = signal === undefined ? null : onAbort(signal, abort)
  const unwatch = idle === null ? null : whenIdle([there, back], idle, () => fail(timedOut('relay', idle)))
  await Promise.all([
    there.run().catch((error: unknown) => fail(error, there.failedAtTarget ? 'b' : 'a')),
    back.run().catch((error: unknown) => fail(error, back.failedAtTarget ? 'a' : 'b')),
  ])
  forget?.()
  unwatch?.()
  const moved = { aToB: there.moved, bToA: back.moved }
  const [first] = failures
  if (first === undefined) return moved
  const { error, side } = first
  if (!(error instanceof Error)) throw error
  if (side !== undefined) error.message += ` (relay: side ${side})`
  throw Object.assign(error, moved, side === undefined ? {} : { side })
}

type Side = 'a' | 'b'

/** Calls `tell` when no bytes have moved for so many milliseconds. Returns a function that stops this. */
function whenIdle(directions: readonly Direction[], idle: number, tell: () => void): () => void {
  const check = (): void => {
    const left = Math.max(...directions.map(({ lastMove }) => lastMove)) + idle - performance.now()
    if (left <= 0) tell()
    else timer = setTimeout(check, left).unref() // the sockets keep the process alive
  }
  let timer = setTimeout(check, idle).unref()
  return () => clearTimeout(timer)
}

/** Moves the bytes of one direction. */
class Direction {
  #transfer: Transfer | null = null
  #copied = 0
  #lastCopy = performance.now()
  #copyFailedAtTarget = false

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private readonly signal: AbortSignal,
  ) {}

  /** The number of bytes that reached the target. */
  get moved(): number {
    return this.#copied + (this.#transfer?.moved ?? 0)
  }

  /** When bytes last moved, as of performance.now(). */
  get lastMove(): number {
    return Math.max(this.#lastCopy, this.#transfer?.lastMove ?? 0)
  }

  /** After a failure: true if the target failed, false if the source did. */
  get failedAtTarget(): boolean {
    if (this.from.closed !== this.to.closed) return this.to.closed
    return this.#copyFailedAtTarget || this.#transfer?.stage === 'target'
  }

  async run(): Promise<void> {
    const { from, to, signal } = this
    try {
      if (from.closed || to.closed) throw closed('splice')
      this.#transfer = new Transfer(from.channel, to.channel)
      const length = Number.MAX_SAFE_INTEGER
      await runTransfer(
        this.#transfer,
        { length, onProgress: undefined },
        { flags: 0, timeout: null, signal },
      )
    } catch (error) {
      if (!CANNOT.has((error as SocketError).code)) throw error
      await this.#copy()
    }
    try {
      to.shutdown(SHUT_WR)
    } catch (error) {
      // ENOTCONN: the peer has disconnected, and the other direction reports it.
      if ((error as SocketError).code === 'ENOTCONN') return
      this.#copyFailedAtTarget = true
      throw error
    }
  }

  async #copy(): Promise<void> {
    const { from, to, signal } = this
    const waiting = { signal, timeout: null }
    const buffer = Buffer.allocUnsafeSlow(CHUNK)
    for (;;) {
      if (this.#transfer !== null) this.#transfer.stage = 'source'
      const length = await from.recvInto(buffer, waiting)
      if (length === 0) return
      this.#lastCopy = performance.now()
      try {
        await to.sendAll(buffer.subarray(0, length), waiting)
        this.#copied += length
      } catch (error) {
        const { bytesSent = 0 } = error as SocketError
        this.#copied += bytesSent
        this.#copyFailedAtTarget = true
        giveBack(from.channel, buffer.subarray(bytesSent, length))
        throw error
      }
      this.#lastCopy = performance.now()
    }
  }
}
