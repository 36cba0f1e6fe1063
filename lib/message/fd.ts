import { inspect } from 'node:util'
import { systemError } from '../errors'
import { native } from '../binding/binding'
import { reactor } from '../reactor'

// Closes a descriptor that the program lost. There is no warning, because a peer can send descriptors unasked.
const registry = new FinalizationRegistry<number>(slot => void native.close(slot))

/**
 * Owns a file descriptor that came with a message. `close()`, the end of a `using` block, or garbage collection closes
 * the descriptor, unless `release()` has handed it over to the caller.
 *
 * The descriptor is close-on-exec. Its file status flags, such as O_NONBLOCK, are shared with the sender.
 */
export class FdHandle implements Disposable {
  #slot: number | null
  #fd: number

  /** @internal Takes ownership of a descriptor. Closes it on failure. */
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

  /** The number of the descriptor; −1 after `close()` or `release()`. */
  get fd(): number {
    return this.#fd
  }

  /** Returns the descriptor, which the caller must close now. Returns −1 after `close()` or `release()`. */
  release(): number {
    const fd = this.#fd
    if (this.#slot !== null) native.detach(this.#forget(this.#slot))
    return fd
  }

  /** Closes the descriptor. Idempotent. */
  close(): void {
    if (this.#slot !== null) native.close(this.#forget(this.#slot))
  }

  /** Calls `close()` at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** Formats the handle for util.inspect. */
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
