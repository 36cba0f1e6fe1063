import { spawn, type ChildProcess } from 'node:child_process'
import path from 'node:path'
import { performance } from 'node:perf_hooks'
import { Worker } from 'node:worker_threads'
import { missing } from './need'
import { ensureDist, root } from './child'

/** The longest time in ms that these tests may block the event loop. A call that blocks would never return. */
export const HELD = 400

/** Measures the longest time between two turns of the event loop while `use` runs. */
export async function longestStall(use: () => Promise<unknown>): Promise<number> {
  let longest = 0
  let last = performance.now()
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }, 2)
  try {
    await use()
  } finally {
    clearInterval(timer)
  }
  return Math.max(longest, performance.now() - last)
}

/**
 * Counts the turns of the event loop while `use` runs. A loop that spins makes thousands in 50 ms. Its share of the time
 * would say less: a loop that a busy machine stops, or a garbage collection, is not idle either.
 */
export async function turnsIn(use: () => Promise<unknown>): Promise<number> {
  const before = performance.nodeTiming.uvMetricsInfo.loopCount
  await use()
  return performance.nodeTiming.uvMetricsInfo.loopCount - before
}

/** The most turns of a loop that waits, with retries by timer, and wake-ups by the test runner and V8's threads. */
export const FEW_TURNS = 100

/** A Python process that inherits these file descriptors from 3 on. It prints a line when it is ready. */
export class Helper {
  readonly #child: ChildProcess
  readonly ready: Promise<void>

  constructor(args: string[], fds: number[]) {
    this.#child = spawn('python3', args, { cwd: root, stdio: ['pipe', 'pipe', 'inherit', ...fds] })
    this.ready = new Promise((resolve, reject) => {
      this.#child.stdout!.once('data', () => resolve())
      this.#child.once('exit', code => reject(new Error(`python3 ended with ${code}`)))
    })
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const ended = new Promise(resolve => this.#child.once('exit', resolve))
    this.#child.stdin!.end()
    await ended
  }
}

/** Starts another process with the same open files that clears O_NONBLOCK of each, once or again and again. */
export function clearing(fd: number | number[], how: 'once' | 'continuously'): Helper {
  const fds = [fd].flat()
  const script = `
import fcntl, os, select, sys
def clear():
    for fd in range(3, ${3 + fds.length}): fcntl.fcntl(fd, fcntl.F_SETFL, flags)
flags = fcntl.fcntl(3, fcntl.F_GETFL) & ~os.O_NONBLOCK
clear()
print('ready', flush=True)
while ${how === 'once' ? 'False' : 'True'}:
    for _ in range(${Math.ceil(20000 / fds.length)}): clear()
    if select.select([0], [], [], 0)[0]: break
sys.stdin.read()
`
  return new Helper(['-S', '-E', '-c', script], fds)
}

/** Starts a process that sends file descriptors of files whose server never answers: see silent_fuse.py. */
export function silentFiles(
  fd: number,
  count: number,
  mode: 'r' | 'w' = 'r',
  answered = 0,
  kind: 'fuse' | 'fuseblk' = 'fuse',
): Helper {
  const script = path.join(__dirname, 'silent_fuse.py')
  return new Helper(['-S', '-E', script, String(count), mode, String(answered), kind], [fd])
}

/**
 * Runs a script in a worker and terminates it. Fails if the worker does not end within 5 s.
 * A process would not do: Linux waits for the blocked call before the process ends.
 */
export async function endWorker(script: string): Promise<void> {
  ensureDist()
  const code = `
    const { Socket } = require(${JSON.stringify(path.join(root, 'dist'))})
    ${script}
    setTimeout(() => require('node:worker_threads').parentPort.postMessage('ready'), 100)`
  const worker = new Worker(code, { eval: true })
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('the worker does not end')), 5000)
  })
  await Promise.race([worker.terminate(), late])
  clearTimeout(timer)
}

export const needsPython = missing.linux() ?? missing.python()
const needsLoop = missing.root() ?? missing.program('test', '-w', '/dev/loop-control')
export const needsFuse = needsPython ?? missing.root() ?? missing.program('test', '-w', '/dev/fuse')
export const needsFuseBlock =
  needsFuse ?? needsLoop ?? missing.program('grep', '-qw', 'fuseblk', '/proc/filesystems')
