import { isAborted, onAbort, reasonOf } from '../runtime/signals'
import type { Frame } from './frame'

/** Where frames come from. */
export interface FrameSource {
  /** A frame that is there already. */
  take(): Frame | undefined
  /** Waits until there is one. */
  wait(signal: AbortSignal): Promise<void>
  closed(): boolean
}

const done = { done: true as const, value: undefined }

/** The loop over frames: one promise for each batch that has to be waited for, and for each step what `for await` makes. */
export class FrameIterator implements AsyncIterableIterator<Frame> {
  readonly #stop = new AbortController()
  /** Takes the listener of the caller's signal back. */
  readonly #forget: (() => void) | null
  readonly #usable: boolean
  /** Steps that wait, in their order. */
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

  /** Ends the loop, and a step that waits with it. */
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
