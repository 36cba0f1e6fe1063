import { SCM_RIGHTS, SOL_SOCKET } from '../constants'
import { native } from '../binding/binding'
import { littleEndian, type Control } from '../control/walk'
import { EBADF } from '../errors/errno'
import { bufferOf } from '../struct'

const FD_SIZE = 4

/** True if a control message carries descriptors (SCM_RIGHTS). */
export function isRights({ level, type }: Control): boolean {
  return level === SOL_SOCKET && type === SCM_RIGHTS
}

/** Returns the text for a descriptor that is not open, if that is the error. */
export function notOpen(result: number, fd: number): string | undefined {
  return result === EBADF ? `descriptor ${fd} is not open` : undefined
}

/** True if the descriptor is open. fstat(2) */
export function isOpen(fd: number): boolean {
  return native.stat(fd) !== EBADF
}

/** Returns the descriptors in the data of a control message. */
export function fdsOf({ data }: Control): number[] {
  const view = bufferOf(data)
  return Array.from({ length: Math.floor(view.length / FD_SIZE) }, (_, i) =>
    // uncovered: only on a big-endian machine
    littleEndian ? view.readInt32LE(i * FD_SIZE) : view.readInt32BE(i * FD_SIZE),
  )
}

/** Returns a copy of a control message, with each descriptor replaced by `other(fd)`. */
export function mapFds({ level, type, data }: Control, other: (fd: number) => number): Control {
  const copy = Buffer.from(data)
  for (let at = 0; at + FD_SIZE <= copy.length; at += FD_SIZE) {
    if (littleEndian) copy.writeInt32LE(other(copy.readInt32LE(at)), at)
    else copy.writeInt32BE(other(copy.readInt32BE(at)), at) // uncovered: only on a big-endian machine
  }
  return { level, type, data: copy }
}
