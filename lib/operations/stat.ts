import { constants as files, readFileSync } from 'node:fs'
import { native } from '../binding/binding'
import {
  STATE_CONTROL,
  STATE_DEVICE,
  STATE_INODE,
  STATE_INODE_HIGH,
  STATE_SECOND,
  STATE_SLOT,
} from '../binding/shared'
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
  /** A number that no later mount gets. 0 before Linux 6.8, and on macOS. */
  mount: number
  device: number
  /** The inode number, in two halves. */
  inode: number
  inodeHigh: number
}

export function statOf(fd: number, syscall: string): FileStat {
  const size = native.stat(fd)
  if (size < 0) throw systemError(syscall, size, { subject: notOpen(size, fd) })
  const { state } = reactor.memory
  const kind = state[STATE_SLOT]! & files.S_IFMT
  return {
    isFile: kind === files.S_IFREG,
    isFifo: kind === files.S_IFIFO,
    isDirectory: kind === files.S_IFDIR,
    size,
    mount: state[STATE_SECOND]! * 2 ** 32 + (state[STATE_CONTROL]! >>> 0),
    device: state[STATE_DEVICE]!,
    inode: state[STATE_INODE]!,
    inodeHigh: state[STATE_INODE_HIGH]!,
  }
}

/** The mount of the last regular file that was local: its other regular files are local too. */
let localMount = 0

/** Returns true if reading from the page cache does not wait for another process or host. */
export function isLocal(fd: number, { isFile, mount }: FileStat): boolean {
  if (isFile && mount !== 0 && mount === localMount) return true
  const local = native.isLocal(fd) === 1 || (isFile && isLocalMount(reactor.memory.state[STATE_SECOND]!))
  if (isFile && local) localMount = mount
  return local
}

function isLocalMount(mount: number): boolean {
  if (mount === 0) return false
  try {
    return new RegExp(`^${mount} .* - (${LOCAL}) `, 'm').test(readFileSync('/proc/self/mountinfo', 'latin1'))
  } catch {
    return false
  }
}
