import { isAborted, onAbort, reasonOf } from '../runtime/signals'

/** What the race sets and clears; tests have one whose time stands still. */
export interface Clock {
  set(callback: () => void, milliseconds: number): unknown
  clear(timer: unknown): void
}

/** A race of connection attempts, see `race`. */
export interface Race<A, T> {
  /** One lookup for each family, the preferred one first; or a single one, whose order is kept. */
  lookups: readonly Promise<readonly A[]>[]
  /** One attempt. It should end soon after the signal fires. */
  attempt(address: A, signal: AbortSignal): Promise<T>
  /** What becomes of an attempt that succeeds when the race is over. */
  discard(loser: T): void
  /** How long an attempt runs alone; Infinity: until it fails. */
  attemptDelay: number
  /** How long the answer of the other family waits for that of the preferred one. */
  resolutionDelay: number
  /** Ends the race with the signal's reason. */
  signal: AbortSignal
  /** Filled with what failed, in the order in which it did. */
  errors: { lookups: Error[]; attempts: Error[] }
  clock?: Clock
}

const systemClock: Clock = {
  set: (callback, milliseconds) => setTimeout(callback, milliseconds),
  clear: timer => clearTimeout(timer as NodeJS.Timeout),
}

/**
 * Happy Eyeballs, version 2, RFC 8305: attempts begin one after the other, families taking turns, each when the one
 * before it has failed or has had `attemptDelay` for itself. The first that succeeds wins and the others are
 * aborted; `null` when nothing is left to try. Addresses that are found late join in (section 3).
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
  /** What is left to try, by lookup. */
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
          this.#left[i]!.push(...addresses)
          this.#found(i)
        },
        (error: unknown) => {
          this.#options.errors.lookups.push(error as Error)
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

  /** In a sequence, while its attempt runs. */
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

  /** Families take turns for as long as they have addresses. */
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
        errors.attempts.push(error as Error)
        // An older one that fails says nothing about the time that the latest may have for itself.
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
