// What the JavaScript servers and clients share.
import { readFileSync } from 'node:fs'

const TICKS = 100 // of /proc, a second; fixed by the kernel's interface

/** `unix:/path` or `tcp:127.0.0.1:port`. */
export function parseAddress(text) {
  if (text.startsWith('unix:')) return { path: text.slice(5) }
  const [, host, port] = text.split(':')
  return { host, port: Number(port) }
}

/** The server's half of the bargain: says where it listens, and ends when its standard input does. */
export function announce(address) {
  process.stdout.write(`ready ${address}\n`)
  process.stdin.on('end', () => process.exit()).resume()
}

/** Seconds of CPU used so far by a process, with all of its threads. */
export function processCpu(pid) {
  const line = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

/** Seconds of CPU used so far on all cores, by anybody: everything but idle and iowait. */
export function machineCpu() {
  const [, user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'latin1').split(/\s+/)
  return (
    (Number(user) + Number(nice) + Number(system) + Number(irq) + Number(softirq) + Number(steal)) / TICKS
  )
}

/**
 * The client's half: `count()` is read after the warm-up and again after the measured time, then one line of
 * JSON is printed and the process ends. Arguments: ADDRESS WARMUP SECONDS SERVER_PID.
 */
export function measureWindow(count) {
  const [, warmup, seconds, server] = process.argv.slice(2).map(Number)
  const spend = () => ({
    messages: count(),
    seconds: performance.now() / 1000,
    clientCpu: (({ user, system }) => (user + system) / 1e6)(process.cpuUsage()),
    serverCpu: processCpu(server),
    machineCpu: machineCpu(),
  })
  setTimeout(() => {
    const first = spend()
    setTimeout(() => {
      const last = spend()
      const used = Object.fromEntries(Object.entries(last).map(([key, value]) => [key, value - first[key]]))
      process.stdout.write(`${JSON.stringify(used)}\n`, () => process.exit())
    }, seconds * 1000)
  }, warmup * 1000)
}
