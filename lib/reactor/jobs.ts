/** A job that has not ended: `start` hands it to another thread, `settle` gets the result. */
interface Waiting {
  start(ticket: number): number
  settle(result: number): void
}

/**
 * Work off the loop's thread, so much at once and the rest in turn. Of lookups at most half of the pool's threads at once, as libuv
 * does for its own lookups: a name server that does not answer must not hold up the file system.
 */
export class Jobs {
  readonly #max: number
  readonly #running = new Map<number, Waiting>()
  readonly #queue = new Map<number, Waiting>()
  #tickets = 0

  constructor(max: number = halfOfThePool()) {
    this.#max = max
  }

  /** Runs a job in its turn. What it returns forgets it: one that has not begun never will. */
  submit(start: (ticket: number) => number, settle: (result: number) => void): () => void {
    const ticket = (this.#tickets = (this.#tickets + 1) & 0x3fffffff)
    this.#queue.set(ticket, { start, settle })
    this.#serve()
    return () => {
      this.#queue.delete(ticket)
      const running = this.#running.get(ticket)
      if (running !== undefined) running.settle = ignore
    }
  }

  /** A job has ended. */
  done(ticket: number, result: number): void {
    const job = this.#running.get(ticket)
    this.#running.delete(ticket)
    try {
      job?.settle(result)
    } finally {
      this.#serve()
    }
  }

  #serve(): void {
    for (const [ticket, job] of this.#queue) {
      if (this.#running.size >= this.#max) return
      this.#queue.delete(ticket)
      this.#running.set(ticket, job)
      const result = job.start(ticket)
      if (result >= 0) continue
      this.#running.delete(ticket)
      job.settle(result)
    }
  }
}

function ignore(): void {}

function halfOfThePool(): number {
  const threads = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4)
  return Number.isInteger(threads) && threads >= 1 ? Math.ceil(Math.min(threads, 1024) / 2) : 2
}
