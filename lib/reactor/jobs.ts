/** A job that has not ended: `start` passes it to another thread, `settle` gets the result. */
interface Waiting {
  start(ticket: number): number
  settle(result: number): void
}

/**
 * Runs jobs on other threads, at most `max` at the same time; the others wait in order. The default is half of the
 * threads of libuv's pool, as in libuv itself: lookups at a name server that does not answer must not block file I/O.
 */
export class Jobs {
  readonly #max: number
  readonly #running = new Map<number, Waiting>()
  readonly #queue = new Map<number, Waiting>()
  #tickets = 0

  constructor(max: number = halfOfThePool()) {
    this.#max = max
  }

  /**
   * Queues a job. Returns a function that cancels it: a job that has not started never starts, and the result of a
   * running one is ignored.
   */
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

  /** Called when a job has ended. */
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
