// @ts-check
// Lists the routers on the path to an address, without privileges. Each probe is a UDP datagram with a TTL that is one
// higher than before. The router that drops the probe sends an ICMP error, which the kernel puts on the socket's error
// queue with the router's address. The destination itself reports that the port is unreachable.
//
//   node examples/traceroute.mjs [-m hops] [-q probes] [-w seconds] address
import { parseArgs } from 'node:util'
import { AF_INET, AF_INET6, SOCK_DGRAM, Socket, control, inet_pton } from 'bsd-sockets'

const usage = 'usage: node examples/traceroute.mjs [-m hops] [-q probes] [-w seconds] address'
const FIRST_PORT = 33434

function argumentsOf() {
  const options = /** @type {const} */ ({
    hops: { type: 'string', short: 'm', default: '30' },
    probes: { type: 'string', short: 'q', default: '3' },
    wait: { type: 'string', short: 'w', default: '5' },
  })
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true })
    const [hops, probes, seconds] = [values.hops, values.probes, values.wait].map(Number)
    if (positionals.length !== 1 || ![hops, probes, seconds].every(number => number > 0))
      throw new Error(usage)
    const [address = ''] = positionals
    const family = address.includes(':') ? AF_INET6 : AF_INET
    inet_pton(family, address.replace(/%.*/, '')) // a numeric address; this program looks up no names
    return { address, family, hops: Math.min(hops, 255), probes, timeout: seconds * 1000 }
  } catch (error) {
    const { message } = /** @type {Error} */ (error)
    console.error(message === usage ? usage : `${message}\n${usage}`)
    process.exit(2)
  }
}

/** Returns the mark to print for an ICMP error, and whether it ends the trace. */
function meaning(
  /** @type {import('bsd-sockets').ErrorRecord['origin']} */ origin,
  /** @type {{ type: number, code: number }} */ { type, code },
) {
  const [exceeded, unreachable] = origin === 'icmp' ? [11, 3] : [3, 1]
  if (type === exceeded) return { mark: '', end: false }
  if (type !== unreachable) return { mark: ` !<${type}-${code}>`, end: true }
  const marks = origin === 'icmp' ? ['!N', '!H', '!P', ''] : ['!N', '!X', '!S', '!H', '']
  const mark = marks[code] ?? `!${code}`
  return { mark: mark && ` ${mark}`, end: true }
}

/** Sends one probe and waits for its answer. Returns `null` after the timeout. */
async function probe(
  /** @type {string} */ address,
  /** @type {number} */ port,
  /** @type {number} */ ttl,
  /** @type {number} */ timeout,
) {
  const message = { data: Buffer.alloc(32, 0x40), address: { address, port }, control: [control.ttl(ttl)] }
  const start = performance.now()
  // A late answer to an earlier probe can make this call fail once.
  await socket.sendmsg(message).catch(() => socket.sendmsg(message))
  const end = AbortSignal.timeout(timeout)
  try {
    for await (const record of socket.errors({ signal: end })) {
      if (record.icmp === undefined || record.address?.port !== port) continue
      const milliseconds = performance.now() - start
      return { from: record.offender?.address, milliseconds, ...meaning(record.origin, record.icmp) }
    }
  } catch (error) {
    if (!end.aborted) throw error
  }
  return null
}

const { address, family, hops, probes, timeout } = argumentsOf()
const socket = new Socket(family, SOCK_DGRAM).receiveMeta({ errors: true })
const size = 32 + (family === AF_INET ? 28 : 48)
console.log(`traceroute to ${address} (${address}), ${hops} hops max, ${size} byte packets`)
let [port, end] = [FIRST_PORT, false]
for (let ttl = 1; ttl <= hops && !end; ttl++) {
  let line = String(ttl).padStart(2)
  let last
  for (let i = 0; i < probes; i++) {
    const answer = await probe(address, port++, ttl, timeout)
    if (answer === null) {
      line += ' *'
      continue
    }
    if (answer.from !== last) line += `  ${answer.from}`
    line += `  ${answer.milliseconds.toFixed(3)} ms${answer.mark}`
    last = answer.from
    end ||= answer.end
  }
  console.log(line)
}
socket.close()
