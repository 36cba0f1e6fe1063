// @ts-check
// ping(8) in a page: ICMP echo over IPv4 and IPv6.
//
//   node examples/ping.mjs [-4 | -6] [-c count] [-i seconds] [-W seconds] [-s bytes] [-t ttl] host
//
// With CAP_NET_RAW it opens a raw socket. Without it, it opens a ping socket, if the sysctl net.ipv4.ping_group_range
// allows it. Exits with 0 after a reply, 1 without one, 2 if it could not start. Ctrl-C ends it.
import { lookup } from 'node:dns/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { AF_INET, AF_INET6, IPPROTO_ICMP, IPPROTO_ICMPV6, SOCK_DGRAM, SOCK_RAW, Socket } from 'bsd-sockets'
import {
  ICMP6_ECHO_REPLY,
  ICMP6_ECHO_REQUEST,
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  checksum,
  options,
} from 'bsd-sockets'

/** @returns {never} */
function fail(/** @type {unknown} */ error) {
  console.error(`ping: ${error instanceof Error ? error.message : error}`)
  process.exit(2)
}

function usage() {
  return fail(new Error('usage: ping.mjs [-46] [-c count] [-i s] [-W s] [-s bytes] [-t ttl] host'))
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        ipv4: { type: 'boolean', short: '4' },
        ipv6: { type: 'boolean', short: '6' },
        count: { type: 'string', short: 'c', default: 'Infinity' },
        interval: { type: 'string', short: 'i', default: '1' },
        wait: { type: 'string', short: 'W', default: '1' },
        size: { type: 'string', short: 's', default: '56' },
        ttl: { type: 'string', short: 't' },
      },
    })
  } catch {
    return usage()
  }
}

const { values, positionals } = readArguments()
const [host = ''] = positionals
const [count, interval] = [Number(values.count), Number(values.interval)]
const [wait, size] = [Number(values.wait), Number(values.size)]
const numbers = count > 0 && interval >= 0 && wait >= 0 && size >= 0 && size <= 65507 - 8
if (positionals.length !== 1 || !numbers || !(Number(values.ttl ?? 1) > 0)) usage()
const found = await lookup(host, { family: values.ipv4 ? 4 : values.ipv6 ? 6 : 0 }).catch(fail)
const v4 = found.family === 4
const [REQUEST, REPLY] = v4 ? [ICMP_ECHO, ICMP_ECHOREPLY] : [ICMP6_ECHO_REQUEST, ICMP6_ECHO_REPLY]

function openSocket() {
  const [family, protocol] = v4 ? [AF_INET, IPPROTO_ICMP] : [AF_INET6, IPPROTO_ICMPV6]
  try {
    const raw = new Socket(family, SOCK_RAW, protocol)
    // A raw socket receives all ICMP packets of the host. With the filter the kernel passes only replies.
    return v4
      ? raw.set(options.ICMP_FILTER, { pass: [REPLY] })
      : raw.set(options.ICMP6_FILTER, { pass: [REPLY] })
  } catch (denied) {
    try {
      return new Socket(family, SOCK_DGRAM, protocol)
    } catch (refused) {
      const messages = [denied, refused].map(each => (each instanceof Error ? each.message : each))
      throw new Error(messages.join(', and '))
    }
  }
}

/** Opens a socket that receives only packets of the peer, and errors about it. */
async function connect() {
  const socket = openSocket()
  if (values.ttl !== undefined)
    socket.set(v4 ? options.IP_TTL : options.IPV6_UNICAST_HOPS, Number(values.ttl))
  socket.receiveMeta({ ttl: true, timestamp: 'us' })
  await socket.connect({ address: found.address, port: 0 })
  return socket
}

const socket = await connect().catch(fail)
// The identifier distinguishes replies to this process from others. On a ping socket it is the port, which the kernel
// sets.
const raw = socket.type === SOCK_RAW
const id = raw ? process.pid & 0xffff : (socket.getsockname().port ?? 0)

/** @type {number[]} */
const times = []
/** @type {Map<number, number>} */
const pending = new Map() // sequence number to time of the send
const end = new AbortController()
let sent = 0

async function send() {
  const packet = Buffer.alloc(8 + size)
  packet[0] = REQUEST
  packet.writeUInt16BE(id, 4)
  packet.writeUInt16BE(++sent & 0xffff, 6)
  packet.writeUInt16BE(checksum(packet), 2) // the kernel replaces it for IPv6 and on ping sockets
  pending.set(sent & 0xffff, performance.now())
  await socket.send(packet).catch((/** @type {Error} */ error) => console.log(error.message))
}

function answered(/** @type {import('bsd-sockets').Message} */ { data, address, meta: { ttl, timestamp } }) {
  const now = performance.now()
  const icmp = raw && v4 ? data.subarray(((data[0] ?? 0) & 0xf) * 4) : data // IPv4 packets begin with the IP header
  const sequence = icmp.length < 8 ? -1 : icmp.readUInt16BE(6)
  const start = pending.get(sequence)
  if (icmp[0] !== REPLY || icmp.readUInt16BE(4) !== id || start === undefined) return
  pending.delete(sequence)
  // Use the kernel's timestamp, unless there is none or the wall clock was set in between.
  const arrived = timestamp === undefined ? now : Number(timestamp) / 1e6 - performance.timeOrigin
  const time = (arrived > start && arrived < now ? arrived : now) - start
  times.push(time)
  console.log(
    `${icmp.length} bytes from ${address?.address}: icmp_seq=${sequence} ttl=${ttl} time=${time.toFixed(3)} ms`,
  )
  if (times.length === count) end.abort()
}

async function receive() {
  for (;;) {
    try {
      answered(await socket.recvmsg(65535))
    } catch (error) {
      if (socket.closed) return
      console.log(error instanceof Error ? error.message : error) // an ICMP error about the peer, such as EHOSTUNREACH
    }
  }
}

process.once('SIGINT', () => end.abort())
console.log(`PING ${host} (${found.address}) ${size} data bytes, ${raw ? 'raw socket' : 'ping socket'}`)
const begin = performance.now()
const receiving = receive()
const pause = (/** @type {number} */ seconds) =>
  sleep(seconds * 1000, undefined, { signal: end.signal }).catch(() => undefined)
while (sent < count && !end.signal.aborted) {
  await send()
  await pause(sent < count ? interval : wait)
}
socket.close()
await receiving

const loss = Math.round((100 * (sent - times.length)) / Math.max(sent, 1))
const total = (performance.now() - begin).toFixed(0)
console.log(`\n--- ${host} ping statistics ---`)
console.log(`${sent} packets transmitted, ${times.length} received, ${loss}% packet loss, time ${total}ms`)
if (times.length > 0) {
  const mean = times.reduce((sum, each) => sum + each) / times.length
  const deviation = Math.sqrt(times.reduce((sum, each) => sum + (each - mean) ** 2, 0) / times.length)
  const text = [Math.min(...times), mean, Math.max(...times), deviation].map(each => each.toFixed(3))
  console.log(`rtt min/avg/max/mdev = ${text.join('/')} ms`)
}
process.exitCode = times.length > 0 ? 0 : 1
