import { constants as files, readFileSync } from 'node:fs'
import { native } from '../binding/binding'
import { STATE_FLAGS, STATE_SECOND, STATE_SLOT } from '../binding/shared'
import { systemError } from '../errors'
import { notOpen } from '../message/rights'
import { reactor } from '../reactor'

/** File systems without a server, although neither their device number nor the flags that they support show it. */
const LOCAL =
  'overlay|btrfs|bcachefs|zfs|ramfs|rootfs|ext2|ext3|ext4|xfs|f2fs|jfs|vfat|exfat|ntfs3|iso9660|udf|hfsplus|squashfs|erofs'

/**
 * The result of fstat(2) for a descriptor that may belong to another process. The call does not contact the server
 * of a network or FUSE file system.
 */
export interface FileStat {
  isFile: boolean
  isFifo: boolean
  isDirectory: boolean
  size: number
  /** True if reading from the page cache does not wait for another process or host. */
  local: boolean
}

export function statOf(fd: number, syscall: string): FileStat {
  const size = native.stat(fd)
  if (size < 0) throw systemError(syscall, size, { subject: notOpen(size, fd) })
  const { state } = reactor.memory
  const kind = state[STATE_SLOT]! & files.S_IFMT
  const isFile = kind === files.S_IFREG
  const local = state[STATE_FLAGS] === 1 || (isFile && isLocalMount(state[STATE_SECOND]!))
  return { isFile, isFifo: kind === files.S_IFIFO, isDirectory: kind === files.S_IFDIR, size, local }
}

function isLocalMount(mount: number): boolean {
  if (mount === 0) return false
  try {
    return new RegExp(`^${mount} .* - (${LOCAL}) `, 'm').test(readFileSync('/proc/self/mountinfo', 'latin1'))
  } catch {
    return false
  }
}
