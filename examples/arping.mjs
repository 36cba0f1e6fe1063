// @ts-check
// Finds the host on the link that has an IPv4 address, like arping -I. Linux, needs CAP_NET_RAW.
//
//   node examples/arping.mjs [-c count] [-w seconds] -I interface address
//
// Broadcasts the first request, and sends later ones to the host that has replied. Exits with 0 if there was a reply.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import {
  AF_INET,
  ETH_P_ARP,
  SOCK_DGRAM,
  Socket,
  bpf,
  inet_ntop,
  inet_pton,
  openPacket,
  options,
} from 'bsd-sockets'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    interface: { type: 'string', short: 'I' },
    count: { type: 'string', short: 'c', default: 'Infinity' },
    seconds: { type: 'string', short: 'w', default: 'Infinity' },
  },
})
if (positionals.length !== 1 || values.interface === undefined) {
  console.error('usage: arping.mjs [-c count] [-w seconds] -I interface address')
  process.exit(2)
}
const device = values.interface
const [host = ''] = positionals
const target = inet_pton(AF_INET, host)

/** The source address that the kernel would use for the target. */
async function sourceAddress() {
  const socket = new Socket(AF_INET, SOCK_DGRAM).set(options.SO_BINDTODEVICE, device)
  try {
    await socket.connect([host, 1025])
    return inet_pton(AF_INET, socket.getsockname().address)
  } finally {
    socket.close()
  }
}

const bytesOf = (/** @type {string} */ mac) => Buffer.from(mac.replaceAll(':', ''), 'hex')
const macOf = (/** @type {Buffer} */ bytes) =>
  bytes
    .toString('hex')
    .toUpperCase()
    .replace(/..(?!$)/g, '$&:')
const broadcast = Buffer.alloc(6, 0xff)

/** Passes only replies: ARP over Ethernet for IPv4, operation 2, from the target. */
const replies = bpf.assemble([
  { op: 'ldh', k: 20 },
  { op: 'jeq', k: 2, jf: 'drop' },
  { op: 'ld', k: 28 },
  { op: 'jeq', k: target.readUInt32BE(), jf: 'drop' },
  { op: 'ret', k: 0x40000 },
  { op: 'ret', k: 0, label: 'drop' },
])

const source = await sourceAddress()
const socket = openPacket({ interface: device, protocol: ETH_P_ARP, filter: replies })
const own = bytesOf(socket.socket.getsockname().hardwareAddress)
const ends = new AbortController()
const seconds = Number(values.seconds)
const timer = Number.isFinite(seconds) ? setTimeout(() => ends.abort(), seconds * 1000) : undefined
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => ends.abort())

function request(/** @type {Buffer} */ to) {
  const header = Buffer.concat([to, own, Buffer.from('0806', 'hex')])
  const body = Buffer.from('0001080006040001', 'hex') // Ethernet, IPv4, lengths 6 and 4, request
  return Buffer.concat([header, body, own, source, to, target])
}

let [sent, broadcasts, received, to] = [0, 0, 0, broadcast]
let asked = 0

async function listen() {
  for await (const { data } of socket.frames({ signal: ends.signal })) {
    if (!data.subarray(32, 38).equals(own)) continue
    const milliseconds = (performance.now() - asked).toFixed(3)
    to = Buffer.from(data.subarray(22, 28))
    console.log(
      `Unicast reply from ${inet_ntop(AF_INET, data.subarray(28, 32))} [${macOf(to)}]  ${milliseconds}ms`,
    )
    if (++received >= +values.count) ends.abort()
  }
}

async function ask() {
  while (sent < +values.count) {
    if (to === broadcast) broadcasts++
    sent++
    asked = performance.now()
    await socket.send(request(to))
    await sleep(1000, undefined, { signal: ends.signal })
  }
  ends.abort()
}

console.log(`ARPING ${host} from ${inet_ntop(AF_INET, source)} ${device}`)
const unlessEnded = (/** @type {unknown} */ error) => {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error
}
const outcomes = await Promise.allSettled([listen().catch(unlessEnded), ask().catch(unlessEnded)])
clearTimeout(timer)
socket.close()
for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
console.log(`Sent ${sent} probes (${broadcasts} broadcast(s))\nReceived ${received} response(s)`)
process.exitCode = received > 0 ? 0 : 1
