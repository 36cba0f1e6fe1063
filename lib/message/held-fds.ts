import { isRights, mapFds } from './rights'
import { buildControl, type Control } from '../control/walk'
import { systemError } from '../errors'
import { FdHandle } from './fd'
import { native } from '../binding/binding'
import { controlLayout } from './receive-control'

/**
 * Duplicates of the descriptors that an operation is going to send, held while it waits: the caller may close his, and
 * open something else under their numbers.
 */
export class HeldFds {
  #handles: FdHandle[] = []

  /** The control messages with duplicates in the place of the descriptors, as a control buffer. */
  duplicate(controls: readonly Control[]): Buffer {
    return buildControl(
      controlLayout,
      controls.map(each => (isRights(each) ? mapFds(each, fd => this.#duplicate(fd)) : each)),
    )
  }

  #duplicate(fd: number): number {
    const copy = native.dupFd(fd)
    if (copy < 0) throw systemError('dup', copy)
    this.#handles.push(new FdHandle(copy))
    return copy
  }

  /** Closes the duplicates. */
  close(): void {
    for (const handle of this.#handles.splice(0)) handle.close()
  }
}
