import { SafeMap } from '../runtime/collections'
import { needStack } from '../runtime/stack'

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
  readonly #running = new SafeMap<number, Waiting>()
  readonly #queue = new SafeMap<number, Waiting>()
  /** The ticket of the latest job, and of the latest one that left the queue. */
  #tickets = 0
  #served = 0

  constructor(max: number = MAX_JOBS) {
    this.#max = max
  }

  /**
   * Queues a job. Returns a function that cancels it: a job that has not started never starts, and the result of a
   * running one is ignored.
   */
  submit(start: (ticket: number) => number, settle: (result: number) => void): () => void {
    needStack() // or a job of a call that failed could start later
    const ticket = (this.#tickets = after(this.#tickets))
    this.#queue.set(ticket, { start, settle })
    try {
      this.#serve()
    } catch (error) {
      this.#queue.delete(ticket) // the caller gets no function that cancels it
      throw error
    }
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
    while (this.#running.size < this.#max && this.#served !== this.#tickets) {
      const ticket = (this.#served = after(this.#served))
      const job = this.#queue.get(ticket)
      if (job === undefined) continue // cancelled
      this.#queue.delete(ticket)
      const result = job.start(ticket) // `start` may throw, and then its job must not count as running
      if (result >= 0) this.#running.set(ticket, job)
      else job.settle(result)
    }
  }
}

function after(ticket: number): number {
  return (ticket + 1) & 0x3fffffff
}

function ignore(): void {}
