// Functions that the JavaScript servers and clients share. A server's arguments are ADDRESS and its own. A client's
// arguments are ADDRESS SERVER_PID and its own.
import { existsSync, readFileSync, readdirSync, readSync, writeSync } from 'node:fs'

const TICKS = 100 // per second in /proc; the kernel's interface fixes the number

/** Parses `unix:/path`, `dgram:/path`, `tcp:127.0.0.1:port` or `udp:127.0.0.1:port`. */
export function parseAddress(text) {
  const [kind, host, port] = text.split(':')
  if (kind === 'unix' || kind === 'dgram') return { path: text.slice(kind.length + 1) }
  return { host, port: Number(port) }
}

/** Returns the path to which a datagram client over AF_UNIX binds its own socket. */
export const beside = path => `${path}.c`

/** Prints the address on which a server listens, and exits when standard input ends. */
export function announce(address) {
  process.stdout.write(`ready ${address}\n`)
  process.stdin.on('end', () => process.exit()).resume()
}

// The kernel counts nanoseconds for each living thread. Only kernels with CONFIG_SCHED_INFO have the files.
function threadsCpu(pid) {
  const threads = readdirSync(`/proc/${pid}/task`)
  const time = id => Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'latin1').split(' ')[0])
  return threads.reduce((sum, id) => sum + time(id), 0) / 1e9
}

/** Returns the CPU time that a process has used so far with all of its threads, in seconds. */
export function processCpu(pid) {
  if (!(pid > 0)) return 0
  if (existsSync(`/proc/${pid}/schedstat`)) return threadsCpu(pid)
  const line = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

/** Returns the seconds of CPU used so far on all cores by all processes: everything but idle and iowait. */
export function machineCpu() {
  const [, user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'latin1').split(/\s+/)
  return (
    (Number(user) + Number(nice) + Number(system) + Number(irq) + Number(softirq) + Number(steal)) / TICKS
  )
}

const SETTLE = 20 // ms of each window that are not measured: after a pause the caches are cold
const server = Number(process.argv[3])

/** Returns the times used so far, in seconds. */
export function spend() {
  const { user, system } = process.cpuUsage()
  return {
    seconds: performance.now() / 1000,
    clientCpu: (user + system) / 1e6,
    serverCpu: processCpu(server),
    machineCpu: machineCpu(),
  }
}

const request = Buffer.alloc(32)

/**
 * Waits, without a turn of the event loop, until the runner asks for a window on standard input. Returns its length in
 * ms. Exits if the runner wants no more.
 */
export function asked() {
  const length = readSync(0, request)
  if (length === 0) process.exit()
  return Number(request.toString('latin1', 0, length)) * 1000
}

/** Returns what was used since a `spend`. */
export const since = first =>
  Object.fromEntries(Object.entries(spend()).map(([key, value]) => [key, value - first[key]]))

/** Prints what was measured in a window, as one line of JSON. */
export const answer = measured => void writeSync(1, `${JSON.stringify(measured)}\n`)

/** Reports that the client lacks a feature to measure. The variant is then listed as missing. */
export function absent(reason) {
  answer({ missing: reason })
  process.exit()
}

/** Measures a client: reads `count()` at the beginning and at the end of each window. */
export function measureWindow(count) {
  const time = asked()
  setTimeout(() => {
    const [before, first] = [count(), spend()]
    setTimeout(() => {
      answer({ messages: count() - before, ...since(first) })
      measureWindow(count)
    }, time)
  }, SETTLE)
}

/**
 * The same for a client that may let no timer run, because data keeps coming. Returns a function that it calls now and
 * then.
 */
export function measureCalls(count) {
  let time = asked()
  let from = performance.now() + SETTLE
  let start
  return () => {
    const now = performance.now()
    if (now < from) return
    start ??= { before: count(), first: spend() }
    if (now < from + time) return
    answer({ messages: count() - start.before, ...since(start.first) })
    start = undefined
    time = asked()
    from = performance.now() + SETTLE
  }
}

/** Measures a loop that lets no timer run: calls `work` (→ number of messages, or a promise) until a window is over. */
export async function measureLoop(work) {
  const during = async time => {
    let messages = 0
    for (const end = performance.now() + time; performance.now() < end;) messages += await work()
    return messages
  }
  for (;;) {
    const time = asked()
    await during(SETTLE)
    const first = spend()
    const messages = await during(time)
    answer({ messages, ...since(first) })
  }
}
