import { SCM_RIGHTS, SOL_SOCKET } from '../constants'
import { littleEndian, type Control } from '../control/walk'

const FD_SIZE = 4

/** Whether a control message carries descriptors. */
export function isRights({ level, type }: Control): boolean {
  return level === SOL_SOCKET && type === SCM_RIGHTS
}

/** The same control message with other descriptors in it. */
export function mapFds({ level, type, data }: Control, other: (fd: number) => number): Control {
  const copy = Buffer.from(data)
  for (let at = 0; at + FD_SIZE <= copy.length; at += FD_SIZE) {
    if (littleEndian) copy.writeInt32LE(other(copy.readInt32LE(at)), at)
    else copy.writeInt32BE(other(copy.readInt32BE(at)), at)
  }
  return { level, type, data: copy }
}
