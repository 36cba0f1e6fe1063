import type { ErrorRecord } from '../errqueue/record'

/** Represents a waiting read that can be cancelled. */
export interface PendingRead {
  record: Promise<ErrorRecord>
  /** Rejects `record` with the reason. No received record is lost. */
  cancel(reason: Error): void
}

/** True if the failure only means that the socket was closed. */
function isEnd(error: unknown): boolean {
  const { code } = error as { code?: string }
  return code === 'ECANCELED' || code === 'EBADF'
}

/**
 * Iterates over the records of an error queue, for `for await`. Ends when the socket is closed.
 * Records that were not requested stay in the queue for the next reader. `return()` also ends a `next()` that
 * waits.
 */
export class ErrorIterator implements AsyncIterableIterator<ErrorRecord> {
  readonly #read: () => PendingRead
  readonly #pending = new Set<PendingRead>()
  #done = false

  constructor(read: () => PendingRead) {
    this.#read = read
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<ErrorRecord, undefined>> {
    if (this.#done) return { done: true, value: undefined }
    const pending = this.#read()
    this.#pending.add(pending)
    try {
      return { done: false, value: await pending.record }
    } catch (error) {
      const ended = this.#done || isEnd(error)
      this.#done = true
      if (ended) return { done: true, value: undefined }
      throw error
    } finally {
      this.#pending.delete(pending)
    }
  }

  return(): Promise<IteratorResult<ErrorRecord, undefined>> {
    this.#done = true
    for (const pending of this.#pending) pending.cancel(new Error('the iterator has ended'))
    return Promise.resolve({ done: true, value: undefined })
  }
}
