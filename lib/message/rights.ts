import { SCM_RIGHTS, SOL_SOCKET } from '../constants'
import { littleEndian, type Control } from '../control/walk'

const FD_SIZE = 4

/** True if a control message carries descriptors (SCM_RIGHTS). */
export function isRights({ level, type }: Control): boolean {
  return level === SOL_SOCKET && type === SCM_RIGHTS
}

/** Returns a copy of a control message, with each descriptor replaced by `other(fd)`. */
export function mapFds({ level, type, data }: Control, other: (fd: number) => number): Control {
  const copy = Buffer.from(data)
  for (let at = 0; at + FD_SIZE <= copy.length; at += FD_SIZE) {
    if (littleEndian) copy.writeInt32LE(other(copy.readInt32LE(at)), at)
    else copy.writeInt32BE(other(copy.readInt32BE(at)), at)
  }
  return { level, type, data: copy }
}
