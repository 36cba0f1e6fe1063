import { inspect } from 'node:util'
import { systemError } from '../errors'
import { native } from '../binding/binding'
import { reactor } from '../reactor'

// Nobody claimed it: it is closed, and nobody is told, since nobody has to close what he did not ask for.
const registry = new FinalizationRegistry<number>(slot => void native.close(slot))

/**
 * A descriptor that came with a message, and its owner: closed by `close()`, by `using`, or when it is
 * collected, unless `release()` has handed the number over. It is close-on-exec; its other flags are the
 * sender's, who shares them.
 */
export class FdHandle implements Disposable {
  #slot: number | null
  #fd: number

  /** @internal Takes over a descriptor that belongs to nobody yet. */
  constructor(fd: number) {
    let result: number
    try {
      reactor.makeRoom()
      result = native.adoptAsIs(fd)
    } catch (error) {
      native.closeFd(fd) // there was no memory for its slot
      throw error
    }
    if (result < 0) {
      native.closeFd(fd)
      throw systemError('recvmsg', result)
    }
    this.#fd = fd
    this.#slot = result
    registry.register(this, this.#slot, this)
  }

  /** The number; −1 after close() or release(). */
  get fd(): number {
    return this.#fd
  }

  /** Hands the descriptor over to the caller, who closes it. −1 if there is none any more. */
  release(): number {
    const fd = this.#fd
    if (this.#slot !== null) native.detach(this.#forget(this.#slot))
    return fd
  }

  /** Closes the descriptor. Idempotent. */
  close(): void {
    if (this.#slot !== null) native.close(this.#forget(this.#slot))
  }

  /** `close()`, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** What util.inspect shows. */
  [inspect.custom](): string {
    return `FdHandle { fd: ${this.#fd} }`
  }

  #forget(slot: number): number {
    registry.unregister(this)
    this.#slot = null
    this.#fd = -1
    return slot
  }
}
