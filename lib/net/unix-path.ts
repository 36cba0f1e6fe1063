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
import { invalidAddress, type SocketError } from '../errors'
import { Socket } from '../socket'

const O_PATH = 0o10000000 // Linux; Node has no name for it
const LONGEST_PATH = process.platform === 'darwin' ? 103 : 107

const LOCK_RETRY = 5
const LOCK_PATIENCE = 1000

/**
 * Runs while no other process that uses this package removes that path or binds there: between its bind and
 * its listen a socket looks as deserted as a stale one. The lock is an abstract name (Linux), which goes with its
 * owner; one that is never given back is ignored after a second.
 */
export async function withPathLock<T>(path: Buffer, run: () => Promise<T>): Promise<T> {
  if (process.platform !== 'linux') return run()
  using lock = new Socket(AF_UNIX, SOCK_DGRAM)
  const name = lockName(path)
  const late = performance.now() + LOCK_PATIENCE
  while (!tryBind(lock, name) && performance.now() < late)
    await new Promise(resolve => setTimeout(resolve, LOCK_RETRY))
  return await run()
}

function lockName(path: Buffer): string {
  const text = path.toString('latin1')
  const slash = text.lastIndexOf('/')
  const directory = Buffer.from(slash < 0 ? '.' : text.slice(0, slash + 1), 'latin1')
  const { dev, ino } = statSync(directory, { bigint: true, throwIfNoEntry: false }) ?? { dev: 0n, ino: 0n }
  const name = path.subarray(slash + 1, slash + 17).toString('hex') // a name that only begins alike waits, no more
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
 * Removes the socket at a path if nobody listens on it. Another process may do the same at the same time, and listen
 * there already: so the socket is moved aside, where nobody else has it, asked again and put back if it answers.
 */
export async function unlinkStale(path: Buffer): Promise<void> {
  if (!isSocket(path) || !(await isDeserted(path))) return
  const aside = besides(path)
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return // somebody else was faster
    throw error
  }
  if (isSocket(aside) && (await isDeserted(aside))) return unlinkSync(aside)
  putBack(aside, path)
}

// A link replaces nobody, but not every user may make one to another's socket.
function putBack(aside: Buffer, path: Buffer): void {
  try {
    linkSync(aside, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return renameSync(aside, path)
  }
  unlinkSync(aside)
}

function isSocket(path: Buffer): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true
}

// Only a stream socket without a listener refuses: a datagram socket is EPROTOTYPE, a full backlog EAGAIN.
async function isDeserted(path: Buffer): Promise<boolean> {
  using probe = new Socket(AF_UNIX, SOCK_STREAM)
  try {
    await probe.connect({ path }, { timeout: 0 })
    return false
  } catch (error) {
    return (error as SocketError).code === 'ECONNREFUSED'
  }
}

// A name in the same directory, on the same file system, that connect takes as well.
function besides(path: Buffer): Buffer {
  const directory = path.subarray(0, path.lastIndexOf('/') + 1)
  const room = Math.min(16, LONGEST_PATH - directory.length - 1)
  if (room < 4) throw invalidAddress(path.toString(), 'too long a path for options.unlink')
  return Buffer.concat([
    directory,
    Buffer.from(`.${process.pid.toString(36)}${process.hrtime.bigint().toString(36)}`.slice(0, room + 1)),
  ])
}

/** chmod(2) of a socket's path, and of nothing that was put in its place. */
export function setMode(path: Buffer, mode: number): void {
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
