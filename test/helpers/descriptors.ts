import { fstatSync, readdirSync, readlinkSync } from 'node:fs'

const linux = process.platform === 'linux'
const directory = linux ? '/proc/self/fd' : '/dev/fd'

/** What a descriptor refers to, such as `socket:[4711]`. On macOS, only its type and its inode are known. */
function referent(fd: string): string {
  if (linux) return readlinkSync(`${directory}/${fd}`)
  const { mode, dev, ino } = fstatSync(Number(fd))
  return `${mode}:${dev}:${ino}`
}

/**
 * Returns the open descriptors of this process, each with what it refers to. Two lists tell which descriptors are new. Two
 * numbers would not: a descriptor that is closed between them would hide one that leaks.
 */
export function descriptors(): Set<string> {
  const open = new Set<string>()
  for (const fd of readdirSync(directory)) {
    try {
      open.add(`${fd} ${referent(fd)}`)
    } catch {
      // It was closed meanwhile, such as the descriptor of the directory itself.
    }
  }
  return open
}

/** Returns the descriptors that are open now and were not before. */
export function openedSince(before: Set<string>): string[] {
  return [...descriptors()].filter(each => !before.has(each))
}
