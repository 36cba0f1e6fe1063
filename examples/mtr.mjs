// @ts-check
// Prints loss and round trips for each router on the path to a host, like mtr --report. Linux, without privileges.
//
//   node examples/mtr.mjs [-4 | -6] [-c cycles] [-i seconds] [-m hops] [-w seconds] host
//
// In every cycle one UDP probe goes to each hop. The probes do not wait for each other's answers: each has its own
// port, which the ICMP errors in the error queue repeat. Exits with 0 if the host answered, else 1.
import { lookup } from 'node:dns/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { AF_INET, AF_INET6, SOCK_DGRAM, Socket, SocketError, clock, control } from 'bsd-sockets'

/**
 * @typedef {{ from: Set<string>, sent: number, times: number[] }} Hop
 * @typedef {{ ttl: number, hop: Hop, start: bigint }} Probe
 */
const FIRST_PORT = 33434
const GAP = 25 // milliseconds between two probes: hosts limit the rate of their ICMP errors

/** @returns {never} */
function fail(/** @type {unknown} */ error) {
  console.error(`mtr: ${error instanceof Error ? error.message : error}`)
  process.exit(2)
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        ipv4: { type: 'boolean', short: '4' },
        ipv6: { type: 'boolean', short: '6' },
        cycles: { type: 'string', short: 'c', default: '10' },
        interval: { type: 'string', short: 'i', default: '1' },
        hops: { type: 'string', short: 'm', default: '30' },
        wait: { type: 'string', short: 'w', default: '2' },
      },
    })
    const [cycles, interval, max, wait] = [values.cycles, values.interval, values.hops, values.wait].map(
      Number,
    )
    const valid = cycles > 0 && interval >= 0 && max > 0 && max < 256 && wait >= 0
    if (positionals.length !== 1 || !valid) throw new Error('one host and positive numbers')
    const family = values.ipv4 ? 4 : values.ipv6 ? 6 : 0
    return { host: positionals[0], family, cycles, interval, max, wait }
  } catch {
    return fail('usage: mtr.mjs [-46] [-c cycles] [-i seconds] [-m hops] [-w seconds] host')
  }
}

const { host, family, cycles, interval, max, wait } = readArguments()
const found = await lookup(host, { family }).catch(fail)
const socket = new Socket(found.family === 4 ? AF_INET : AF_INET6, SOCK_DGRAM)
socket.receiveMeta({ errors: true, timestamp: 'ns' })
const exceeded = found.family === 4 ? 11 : 3 // the ICMP type of a router that drops a packet because of its TTL

/** @type {Hop[]} */
const hops = []
/** @type {Map<number | undefined, Probe>} */
const pending = new Map()
let last = max // the TTL with which probes reach the host
let reached = false
let port = FIRST_PORT

/** Sends one probe. An ICMP error about an earlier probe can make the call fail, which is no error of this probe. */
async function send(/** @type {number} */ ttl) {
  const hop = (hops[ttl - 1] ??= { from: new Set(), sent: 0, times: [] })
  if (++port > 65535) port = FIRST_PORT
  pending.set(port, { ttl, hop, start: clock.realtimeNs() })
  hop.sent++
  const message = {
    data: Buffer.alloc(32),
    address: { address: found.address, port },
    control: [control.ttl(ttl)],
  }
  for (let failures = 0; failures <= max; failures++) {
    try {
      await socket.sendmsg(message)
      return
    } catch (error) {
      if (!(error instanceof SocketError) || !/^E(CONNREFUSED|PROTO|.*UNREACH|ACCES)$/.test(error.code))
        throw error
    }
  }
}

/** Reads the ICMP errors until the socket is closed. */
async function receive() {
  for await (const { icmp, address, offender, timestamp } of socket.errors()) {
    const probe = pending.get(address?.port)
    if (icmp === undefined || probe === undefined || offender?.address === undefined) continue
    pending.delete(address?.port)
    // The kernel's timestamp is that of the arrival, however late this program reads the record.
    const arrived = timestamp ?? clock.realtimeNs()
    probe.hop.times.push(Number(arrived - probe.start) / 1e6)
    probe.hop.from.add(offender.address)
    if (icmp.type === exceeded) continue
    last = Math.min(last, probe.ttl) // the host, or a router that does not forward the packet
    reached ||= offender.address === found.address
  }
}

const receiving = receive()
const start = new Date()
try {
  for (let cycle = 0; cycle < cycles; cycle++) {
    const next = performance.now() + (cycle + 1 < cycles ? interval * 1000 : 0)
    for (let ttl = 1; ttl <= last; ttl++) {
      await send(ttl)
      await sleep(GAP)
    }
    await sleep(Math.max(0, next - performance.now()))
  }
  const end = performance.now() + wait * 1000
  while (performance.now() < end && [...pending.values()].some(({ ttl }) => ttl <= last)) await sleep(GAP)
} catch (error) {
  fail(error)
}
socket.close()
await receiving

console.log(`Start: ${start.toISOString()}`)
console.log(`HOST: ${hostname().padEnd(32)} Loss%   Snt   Last   Avg  Best  Wrst StDev`)
for (const [i, { from, sent, times }] of hops.slice(0, last).entries()) {
  const loss = `${((100 * (sent - times.length)) / sent).toFixed(1)}%`
  const mean = times.reduce((sum, each) => sum + each, 0) / (times.length || 1)
  const deviation = Math.hypot(...times.map(each => each - mean)) / Math.sqrt(times.length || 1)
  const [best, worst] = times.length === 0 ? [0, 0] : [Math.min(...times), Math.max(...times)]
  const numbers = [times.at(-1) ?? 0, mean, best, worst, deviation].map(each => each.toFixed(1).padStart(6))
  const name = [...from].join(' ') || '???'
  console.log(
    `${String(i + 1).padStart(3)}.|-- ${name.padEnd(30)} ${loss.padStart(6)} ${String(sent).padStart(5)} ${numbers.join('')}`,
  )
}
process.exitCode = reached ? 0 : 1
