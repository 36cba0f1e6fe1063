import { isAborted, onAbort, reasonOf } from '../runtime/signals'
import type { Frame } from './frame'

/** The source of frames for the iterator. */
export interface FrameSource {
  /** Returns a frame that has arrived already. */
  take(): Frame | undefined
  /** Waits until a frame has arrived. */
  wait(signal: AbortSignal): Promise<void>
  closed(): boolean
}

const done = { done: true as const, value: undefined }

/** Iterates over frames. It creates one extra promise for each batch that has to be waited for. */
export class FrameIterator implements AsyncIterableIterator<Frame> {
  readonly #stop = new AbortController()
  /** Removes the listener from the caller's signal. */
  readonly #forget: (() => void) | null
  readonly #usable: boolean
  /** The last step that waits. The next step starts after it. */
  #waiting: Promise<unknown> | null = null
  #ended = false

  constructor(
    private readonly source: FrameSource,
    signal: AbortSignal | undefined,
  ) {
    this.#usable = !source.closed()
    const stop = (): void => this.#stop.abort(reasonOf(signal!))
    if (signal !== undefined && isAborted(signal)) stop()
    this.#forget = signal === undefined ? null : onAbort(signal, stop)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Frame, undefined>> {
    if (this.#ended) return Promise.resolve(done)
    if (this.#waiting !== null) return this.#after(this.#waiting)
    const frame = this.#stop.signal.aborted ? undefined : this.source.take()
    return frame === undefined ? this.#after(null) : Promise.resolve({ done: false, value: frame })
  }

  /** Ends the loop, also a step that waits. */
  return(): Promise<IteratorResult<Frame, undefined>> {
    this.#end()
    this.#stop.abort()
    return Promise.resolve(done)
  }

  #after(before: Promise<unknown> | null): Promise<IteratorResult<Frame, undefined>> {
    const step = before === null ? this.#step() : before.then(() => this.#step())
    const settled: Promise<void> = step.then(
      () => this.#settle(settled),
      () => this.#settle(settled),
    )
    this.#waiting = settled
    return step
  }

  #settle(step: Promise<unknown>): void {
    if (this.#waiting === step) this.#waiting = null
  }

  async #step(): Promise<IteratorResult<Frame, undefined>> {
    try {
      for (;;) {
        if (this.#ended) return done
        const frame = this.#stop.signal.aborted ? undefined : this.source.take()
        if (frame !== undefined) return { done: false, value: frame }
        await this.source.wait(this.#stop.signal)
      }
    } catch (error) {
      const quiet = this.#ended || (this.#usable && this.source.closed())
      this.#end()
      if (quiet) return done
      throw error
    }
  }

  #end(): void {
    this.#ended = true
    this.#forget?.()
  }
}
