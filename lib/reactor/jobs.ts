/** A job that has not ended: `start` passes it to another thread, `settle` gets the result. */
interface Waiting {
  start(ticket: number): number
  settle(result: number): void
}

/** Each job has a thread of its own. A lookup at a name server that does not answer keeps its thread for seconds. */
const MAX_JOBS = 64

/** Runs jobs on other threads, at most `max` at the same time; the others wait in order. */
export class Jobs {
  readonly #max: number
  readonly #running = new Map<number, Waiting>()
  readonly #queue = new Map<number, Waiting>()
  #tickets = 0

  constructor(max: number = MAX_JOBS) {
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
    for (const ticket of this.#queue.keys()) {
      if (this.#running.size >= this.#max) return
      const job = this.#queue.get(ticket)!
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
