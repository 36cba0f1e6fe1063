import { clearTimeout, setTimeout } from '../runtime/clock'
import { isAborted, onAbort, reasonOf } from '../runtime/signals'
import { append } from '../runtime/list'

/** The timers of the race. Tests pass a clock that they control. */
export interface Clock {
  set(callback: () => void, milliseconds: number): unknown
  clear(timer: unknown): void
}

/** The parameters of `race`. */
export interface Race<A, T> {
  /** One lookup for each family, the preferred family first. The order of addresses within a lookup is kept. */
  lookups: readonly Promise<readonly A[]>[]
  /** Starts one attempt. It should end soon after the signal is aborted. */
  attempt(address: A, signal: AbortSignal): Promise<T>
  /** Called with the result of an attempt that succeeds after the race has ended. */
  discard(loser: T): void
  /** Milliseconds before the next attempt starts beside the current one; Infinity waits until it fails. */
  attemptDelay: number
  /** Milliseconds that the first address of the other family waits for an address of the preferred one. */
  resolutionDelay: number
  /** Aborts the race: it rejects with the signal's reason. */
  signal: AbortSignal
  /** Collects the errors, in the order in which they occur. */
  errors: { lookups: Error[]; attempts: Error[] }
  clock: Clock | undefined
}

const systemClock: Clock = {
  set: (callback, milliseconds) => setTimeout(callback, milliseconds),
  clear: timer => clearTimeout(timer as NodeJS.Timeout),
}

/**
 * Runs connection attempts by Happy Eyeballs, version 2 (RFC 8305). Attempts start one after the other, and the
 * families take turns. An attempt starts when the one before it has failed, or after `attemptDelay`. The first
 * success wins, and the other attempts are aborted. Resolves with `null` if all attempts failed. Addresses that are
 * found late are tried too (section 3).
 */
export function race<A, T>(options: Race<A, T>): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const contest = new Contest(options, winner => {
      forget()
      resolve(winner)
    })
    const stop = (): void => {
      contest.stop()
      reject(reasonOf(options.signal) as Error)
    }
    if (isAborted(options.signal)) return stop()
    const forget = onAbort(options.signal, stop)
    contest.begin()
  })
}

class Contest<A, T> {
  readonly #options: Race<A, T>
  readonly #end: (winner: T | null) => void
  readonly #clock: Clock
  /** The addresses that are not tried yet, by lookup. */
  readonly #left: A[][]
  readonly #running = new Set<AbortController>()
  #lookingUp: number
  #turn = 0
  #latest: AbortController | null = null
  #resolutionTimer: unknown = null
  #attemptTimer: unknown = null
  #over = false

  constructor(options: Race<A, T>, end: (winner: T | null) => void) {
    this.#options = options
    this.#end = end
    this.#clock = options.clock ?? systemClock
    this.#left = options.lookups.map(() => [])
    this.#lookingUp = options.lookups.length
  }

  begin(): void {
    for (const [i, lookup] of this.#options.lookups.entries()) {
      void lookup.then(
        addresses => {
          for (const address of addresses) append(this.#left[i]!, address)
          this.#found(i)
        },
        (error: unknown) => {
          append(this.#options.errors.lookups, error as Error)
          this.#found(i)
        },
      )
    }
  }

  stop(): void {
    this.#over = true
    this.#clearTimers()
    for (const attempt of this.#running) attempt.abort()
  }

  #found(lookup: number): void {
    if (this.#over) return
    this.#lookingUp--
    const early = lookup !== 0 && this.#lookingUp > 0 && this.#left[lookup]!.length > 0
    if (early && this.#latest === null) {
      this.#resolutionTimer ??= this.#clock.set(() => this.#next(), this.#options.resolutionDelay)
    } else if (this.#attemptTimer === null && !this.#isAlone()) {
      this.#next()
    }
  }

  /** True if attempts must not overlap and one is running. */
  #isAlone(): boolean {
    return this.#options.attemptDelay === Infinity && this.#running.size > 0
  }

  #next(): void {
    this.#clearTimers()
    const address = this.#take()
    if (address !== undefined) return this.#attempt(address)
    if (this.#running.size > 0 || this.#lookingUp > 0) return
    this.#over = true
    this.#end(null)
  }

  /** Removes and returns the next address. The families take turns while both have addresses. */
  #take(): A | undefined {
    const families = this.#left.length
    for (let i = 0; i < families; i++) {
      const family = (this.#turn + i) % families
      const address = this.#left[family]!.shift()
      if (address === undefined) continue
      this.#turn = (family + 1) % families
      return address
    }
    return undefined
  }

  #attempt(address: A): void {
    const { attemptDelay, errors } = this.#options
    const controller = new AbortController()
    this.#running.add(controller)
    this.#latest = controller
    if (attemptDelay !== Infinity) this.#attemptTimer = this.#clock.set(() => this.#next(), attemptDelay)
    void this.#options.attempt(address, controller.signal).then(
      winner => {
        this.#running.delete(controller)
        if (this.#over) return this.#options.discard(winner)
        this.stop()
        this.#end(winner)
      },
      (error: unknown) => {
        this.#running.delete(controller)
        if (this.#over) return
        append(errors.attempts, error as Error)
        // If an older attempt fails, the latest one still keeps its full delay.
        if (this.#latest === controller || this.#running.size === 0) this.#next()
      },
    )
  }

  #clearTimers(): void {
    if (this.#attemptTimer !== null) this.#clock.clear(this.#attemptTimer)
    if (this.#resolutionTimer !== null) this.#clock.clear(this.#resolutionTimer)
    this.#attemptTimer = this.#resolutionTimer = null
  }
}
