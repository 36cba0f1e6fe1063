import {
  chmodSync,
  closeSync,
  constants as files,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  type BigIntStats,
} from 'node:fs'
import { AF_UNIX, SOCK_DGRAM, SOCK_STREAM } from '../constants'
import { invalidAddress, SocketError } from '../errors'
import type { Steps } from '../names/run'
import { performance } from '../runtime/clock'
import { Socket } from '../socket/sync'

const O_PATH = 0o10000000 // Linux; Node has no name for it
// uncovered: the other branch is for another system
const LONGEST_PATH = process.platform === 'darwin' ? 103 : 107

const LOCK_RETRY = 5
const LOCK_PATIENCE = 1000

/**
 * Locks a path against other processes that use this package to remove or bind it, until the result is disposed of.
 * Between bind and listen, a new socket looks like a stale one, so two processes must not do this at the same time.
 *
 * The lock is an abstract socket name (Linux), which the kernel removes with its owner. If another process does not
 * release it within a second, it is ignored.
 */
export function* lockPath(path: Buffer): Steps<Disposable | null> {
  if (process.platform !== 'linux') return null // uncovered: the other branch is for another system
  const lock = new Socket(AF_UNIX, SOCK_DGRAM)
  try {
    const name = lockName(path)
    const late = performance.now() + LOCK_PATIENCE
    while (!tryBind(lock, name) && performance.now() < late) yield LOCK_RETRY
    return lock
  } catch (error) {
    lock.close()
    throw error
  }
}

function lockName(path: Buffer): string {
  const text = path.toString('latin1')
  const slash = text.lastIndexOf('/')
  const directory = Buffer.from(slash < 0 ? '.' : text.slice(0, slash + 1), 'latin1')
  const { dev, ino } = statSync(directory, { bigint: true, throwIfNoEntry: false }) ?? { dev: 0n, ino: 0n }
  // Another path with the same first 16 bytes only has to wait.
  const name = path.subarray(slash + 1, slash + 17).toString('hex')
  return `\0bsd-sockets.unlink.${dev}.${ino}.${name}`
}

function tryBind(lock: Socket, name: string): boolean {
  try {
    lock.bind(name)
    return true
  } catch (error) {
    if ((error as SocketError).code === 'EADDRINUSE') return false
    throw error
  }
}

/**
 * Removes the socket at a path if no process listens on it. Another process may do the same at the same time, and may
 * already listen there. So the socket is renamed to a private name, tested again, and renamed back if it has a
 * listener.
 */
export function unlinkStale(path: Buffer): void {
  if (!isSocket(path) || !isDeserted(path)) return
  const aside = besides(path)
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return // another process was faster
    throw error
  }
  if (isSocket(aside) && isDeserted(aside)) return unlinkSync(aside)
  putBack(aside, path)
}

// link(2) does not replace another file, but the system may forbid links to files of other users.
function putBack(aside: Buffer, path: Buffer): void {
  try {
    linkSync(aside, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return renameSync(aside, path)
  }
  unlinkSync(aside)
}

/** Returns the error of a bind with `unlink`. If the path is no socket, it says so: such a file is never removed. */
export function occupied(path: Buffer, error: unknown): unknown {
  if (!(error instanceof SocketError) || error.code !== 'EADDRINUSE') return error
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined || found.isSocket()) return error
  const { message, code, errno, syscall, path: shown } = error
  const better = new SocketError(`${message} (exists and is not a socket)`, code, errno, syscall)
  return Object.assign(better, { path: shown })
}

function isSocket(path: Buffer): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true
}

// ECONNREFUSED means no listener. A datagram socket gives EPROTOTYPE, a full backlog EAGAIN.
function isDeserted(path: Buffer): boolean {
  using probe = new Socket(AF_UNIX, SOCK_STREAM)
  try {
    probe.connect({ path }, { timeout: 0 })
    return false
  } catch (error) {
    return (error as SocketError).code === 'ECONNREFUSED'
  }
}

// Returns an unused name in the same directory, short enough for connect.
function besides(path: Buffer): Buffer {
  const directory = path.subarray(0, path.lastIndexOf('/') + 1)
  const room = Math.min(16, LONGEST_PATH - directory.length - 1)
  if (room < 4) throw invalidAddress(path.toString(), 'the path is too long for options.unlink')
  return Buffer.concat([
    directory,
    Buffer.from(`.${process.pid.toString(36)}${process.hrtime.bigint().toString(36)}`.slice(0, room + 1)),
  ])
}

/** Sets the mode of a socket's path. Changes no other file that may have replaced it. chmod(2) */
export function setMode(path: Buffer, mode: number): void {
  // uncovered: the other branch is for another system
  if (process.platform !== 'linux') return chmodSync(path, mode)
  const fd = openSync(path, O_PATH | files.O_NOFOLLOW)
  try {
    const found: BigIntStats = fstatSync(fd, { bigint: true })
    if (!found.isSocket() || Number(found.mode & 0o7777n) === mode) return
    chmodSync(`/proc/self/fd/${fd}`, mode)
  } finally {
    closeSync(fd)
  }
}
