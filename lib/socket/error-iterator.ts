import type { ErrorRecord } from '../errqueue/record'

/** Represents a waiting read that can be cancelled. */
export interface PendingRead {
  record: Promise<ErrorRecord>
  /** Rejects `record` with the reason. No received record is lost. */
  cancel(reason: Error): void
}

/** True if the failure only means that the socket was closed or the signal fired. */
function isEnd(error: unknown): boolean {
  const { name, code } = error as { name?: string; code?: string }
  return name === 'AbortError' || code === 'ECANCELED' || code === 'EBADF'
}

/**
 * Iterates over the records of an error queue, for `for await`. Ends when the socket is closed or the signal fires.
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
      this.#done = true
      if (isEnd(error)) return { done: true, value: undefined }
      throw error
    } finally {
      this.#pending.delete(pending)
    }
  }

  return(): Promise<IteratorResult<ErrorRecord, undefined>> {
    this.#done = true
    const reason = Object.assign(new Error('the iterator has ended'), { name: 'AbortError' })
    for (const pending of this.#pending) pending.cancel(reason)
    return Promise.resolve({ done: true, value: undefined })
  }
}
