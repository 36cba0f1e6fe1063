// What the JavaScript servers and clients share. A server's arguments are ADDRESS and its own; a client's are
// ADDRESS WARMUP SECONDS SERVER_PID and its own.
import { readFileSync } from 'node:fs'

const TICKS = 100 // of /proc, a second; fixed by the kernel's interface

/** `unix:/path`, `dgram:/path`, `tcp:127.0.0.1:port` or `udp:127.0.0.1:port`. */
export function parseAddress(text) {
  const [kind, host, port] = text.split(':')
  if (kind === 'unix' || kind === 'dgram') return { path: text.slice(kind.length + 1) }
  return { host, port: Number(port) }
}

/** Where a datagram client over AF_UNIX has its own address. */
export const beside = path => `${path}.c`

/** The server's half of the bargain: says where it listens, and ends when its standard input does. */
export function announce(address) {
  process.stdout.write(`ready ${address}\n`)
  process.stdin.on('end', () => process.exit()).resume()
}

/** Seconds of CPU used so far by a process, with all of its threads. */
export function processCpu(pid) {
  if (!(pid > 0)) return 0
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

const [, warmup, seconds, server] = process.argv.slice(2).map(Number)

/** What has been spent so far, in seconds. */
export function spend() {
  const { user, system } = process.cpuUsage()
  return {
    seconds: performance.now() / 1000,
    clientCpu: (user + system) / 1e6,
    serverCpu: processCpu(server),
    machineCpu: machineCpu(),
  }
}

/** One line of JSON: what was used between two `spend`s, and more. The process ends. */
export function report(first, last, more) {
  const used = Object.fromEntries(Object.entries(last).map(([key, value]) => [key, value - first[key]]))
  process.stdout.write(`${JSON.stringify({ ...used, ...more })}\n`, () => process.exit())
}

/** The client's half where it lacks what it would measure: the variant is listed as not there. */
export function absent(reason) {
  process.stdout.write(`${JSON.stringify({ missing: reason })}\n`, () => process.exit())
  return new Promise(() => {})
}

/** The client's half: `count()` is read after the warm-up and again after the measured time. */
export function measureWindow(count) {
  setTimeout(() => {
    const [before, first] = [count(), spend()]
    setTimeout(() => report(first, spend(), { messages: count() - before }), seconds * 1000)
  }, warmup * 1000)
}

/** The same for a loop that lets no timer run: calls `work` (→ how many messages) until the time is over. */
export function measureSync(work) {
  const until = time => {
    let messages = 0
    for (const end = performance.now() + time * 1000; performance.now() < end;) messages += work()
    return messages
  }
  until(warmup)
  const first = spend()
  const messages = until(seconds)
  report(first, spend(), { messages })
}
