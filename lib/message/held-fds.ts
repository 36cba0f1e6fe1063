import { isRights, mapFds, notOpen } from './rights'
import { buildControl, type Control } from '../control/walk'
import { systemError } from '../errors'
import { FdHandle } from './fd'
import { native } from '../binding/binding'
import { controlLayout } from './receive-control'
import { append } from '../runtime/list'

/**
 * Holds duplicates of the descriptors that an operation will send. While the operation waits, the caller may close the
 * originals, and their numbers may be reused.
 */
export class HeldFds {
  #handles: FdHandle[] = []

  /** Returns the control messages as a control buffer, with each descriptor replaced by a duplicate. */
  duplicate(controls: readonly Control[]): Buffer {
    return buildControl(
      controlLayout,
      controls.map(each => (isRights(each) ? mapFds(each, fd => this.#duplicate(fd)) : each)),
    )
  }

  #duplicate(fd: number): number {
    const copy = native.dupFd(fd)
    if (copy < 0) throw systemError('dup', copy, { subject: notOpen(copy, fd) })
    append(this.#handles, new FdHandle(copy))
    return copy
  }

  /** Closes the duplicates. */
  close(): void {
    const handles = this.#handles
    this.#handles = []
    for (let i = 0; i < handles.length; i++) handles[i]!.close()
  }
}
