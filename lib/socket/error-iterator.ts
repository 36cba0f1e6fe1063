import type { ErrorRecord } from '../errqueue/record'

/** A read that waits, and can be taken back. */
export interface PendingRead {
  record: Promise<ErrorRecord>
  /** The record is rejected; nothing that was received is lost. */
  cancel(reason: Error): void
}

/** Whether a failure is the end of the socket or of the caller's interest, and no failure. */
function isEnd(error: unknown): boolean {
  const { name, code } = error as { name?: string; code?: string }
  return name === 'AbortError' || code === 'ECANCELED' || code === 'EBADF'
}

/**
 * Records, one after the other, for `for await`. Ends when the socket is closed or the signal fires; a record
 * that was not asked for stays for the next reader. `return()` does not wait for a `next()` that waits: both
 * are done then.
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
    const reason = Object.assign(new Error('the iteration has ended'), { name: 'AbortError' })
    for (const pending of this.#pending) pending.cancel(reason)
    return Promise.resolve({ done: true, value: undefined })
  }
}
