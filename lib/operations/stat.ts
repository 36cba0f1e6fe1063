import { constants as files, readFileSync } from 'node:fs'
import { native } from '../binding/binding'
import { STATE_FLAGS, STATE_SECOND, STATE_SLOT } from '../binding/shared'
import { systemError } from '../errors'
import { reactor } from '../reactor'

/** Without a server, although their device numbers do not tell. */
const LOCAL = 'overlay|btrfs|bcachefs|zfs|ramfs|rootfs'

/** What fstat(2) tells of a descriptor that may be another process's. No server of a file system is asked. */
export interface FileStat {
  isFile: boolean
  isFifo: boolean
  size: number
  /** Reading what is in memory waits for no other process. */
  local: boolean
}

export function statOf(fd: number, syscall: string): FileStat {
  const size = native.stat(fd)
  if (size < 0) throw systemError(syscall, size)
  const { state } = reactor.memory
  const kind = state[STATE_SLOT]! & files.S_IFMT
  const isFile = kind === files.S_IFREG
  const local = state[STATE_FLAGS] === 1 || (isFile && isLocalMount(state[STATE_SECOND]!))
  return { isFile, isFifo: kind === files.S_IFIFO, size, local }
}

function isLocalMount(mount: number): boolean {
  if (mount === 0) return false
  try {
    return new RegExp(`^${mount} .* - (${LOCAL}) `, 'm').test(readFileSync('/proc/self/mountinfo', 'latin1'))
  } catch {
    return false
  }
}
