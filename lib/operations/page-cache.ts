import type { FileStat } from './stat'

/**
 * Milliseconds for which an answer of the kernel counts. Another process may drop the pages after it, as it may while a part
 * is sent. That takes up to half a millisecond, so the risk is not larger for a range that is sent again.
 */
const COUNTS = 0.25

/** The last range that was in the page cache. */
const known = { mount: 0, device: 0, inode: 0, inodeHigh: 0, begin: 0, end: 0, until: 0 }

/** True if this range was in the page cache a moment ago. A busy server sends the same small files again and again. */
export function wasResident(file: FileStat, offset: number, count: number, now: number): boolean {
  return (
    now < known.until &&
    offset >= known.begin &&
    offset + count <= known.end &&
    file.inode === known.inode &&
    file.inodeHigh === known.inodeHigh &&
    file.device === known.device &&
    file.mount === known.mount
  )
}

/** Remembers that this range was in the page cache at this time. */
export function noteResident(file: FileStat, offset: number, count: number, now: number): void {
  if (file.mount === 0) return // the file cannot be told from others
  known.mount = file.mount
  known.device = file.device
  known.inode = file.inode
  known.inodeHigh = file.inodeHigh
  known.begin = offset
  known.end = offset + count
  known.until = now + COUNTS
}
