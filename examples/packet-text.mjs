// @ts-check
// Describes a frame like tcpdump -nS: ARP, and TCP, UDP and ICMP over IPv4 and IPv6. For sniff.mjs.
import { AF_INET, AF_INET6, inet_ntop } from 'bsd-sockets'

/** Returns the local time of day with microseconds. */
export function timeOf(/** @type {bigint} */ timestamp) {
  const time = new Date(Number(timestamp / 1_000_000n)).toTimeString().slice(0, 8)
  return `${time}.${String((timestamp / 1000n) % 1_000_000n).padStart(6, '0')}`
}

const mac = (/** @type {Buffer} */ bytes) => bytes.toString('hex').replace(/..(?!$)/g, '$&:')
const ip4 = (/** @type {Buffer} */ bytes) => inet_ntop(AF_INET, bytes.subarray(0, 4))
const ip6 = (/** @type {Buffer} */ bytes) => inet_ntop(AF_INET6, bytes.subarray(0, 16))

/** Returns one line about a frame. `length` is its length on the wire. */
export function describe(/** @type {Buffer} */ data, length = data.length) {
  try {
    return ofEthernet(data, length)
  } catch (error) {
    if (error instanceof RangeError) return '[|truncated]'
    throw error
  }
}

function ofEthernet(/** @type {Buffer} */ data, /** @type {number} */ length) {
  let [at, tag] = [12, '']
  for (; [0x8100, 0x88a8].includes(data.readUInt16BE(at)); at += 4) {
    const tci = data.readUInt16BE(at + 2)
    tag += `vlan ${tci & 0xfff}, p ${tci >> 13}, `
  }
  const type = data.readUInt16BE(at)
  const rest = data.subarray(at + 2)
  if (type === 0x0806) return tag + ofArp(rest, length - at - 2)
  if (type === 0x0800) return tag + ofIp(rest)
  if (type === 0x86dd) return tag + ofIp6(rest)
  const [to, from] = [data.subarray(0, 6), data.subarray(6, 12)]
  return `${tag}${mac(from)} > ${mac(to)}, ethertype 0x${type.toString(16).padStart(4, '0')}, length ${length}`
}

function ofArp(/** @type {Buffer} */ data, /** @type {number} */ length) {
  const op = data.readUInt16BE(6)
  const [who, from, to] = [mac(data.subarray(8, 14)), ip4(data.subarray(14)), ip4(data.subarray(24))]
  if (op === 1) return `ARP, Request who-has ${to} tell ${from}, length ${length}`
  if (op === 2) return `ARP, Reply ${from} is-at ${who}, length ${length}`
  return `ARP, op ${op}, length ${length}`
}

function ofIp(/** @type {Buffer} */ data) {
  const [header, total] = [(data[0] & 0xf) * 4, data.readUInt16BE(2)]
  const [from, to] = [ip4(data.subarray(12)), ip4(data.subarray(16))]
  if ((data.readUInt16BE(6) & 0x1fff) !== 0) return `IP ${from} > ${to}: ip-proto-${data[9]}`
  return `IP ${ofTransport(data[9], data.subarray(header), total - header, from, to)}`
}

function ofIp6(/** @type {Buffer} */ data) {
  const [from, to] = [ip6(data.subarray(8)), ip6(data.subarray(24))]
  let [next, at, hops] = [data[6], 40, '']
  if (next === 0) [next, at, hops] = [data[40], 48 + data[41] * 8, 'HBH ']
  const length = data.readUInt16BE(4) + 40 - at
  return `IP6 ${ofTransport(next, data.subarray(at), length, from, to, hops)}`
}

/** @param {[protocol: number | undefined, data: Buffer, length: number, from: string, to: string, hops?: string]} of */
function ofTransport(...[protocol, data, length, from, to, hops = '']) {
  if (protocol === 1) return `${from} > ${to}: ICMP ${ofIcmp(data)}, length ${length}`
  if (protocol === 58) return `${from} > ${to}: ${hops}ICMP6, ${ofIcmp6(data)}, length ${length}`
  if (protocol !== 6 && protocol !== 17) return `${from} > ${to}: ip-proto-${protocol} ${length}`
  const ends = `${from}.${data.readUInt16BE(0)} > ${to}.${data.readUInt16BE(2)}`
  return protocol === 6
    ? `${ends}: ${ofTcp(data, length)}`
    : `${ends}: UDP, length ${data.readUInt16BE(4) - 8}`
}

function ofTcp(/** @type {Buffer} */ data, /** @type {number} */ length) {
  const [seq, ack, header, flags] = [
    data.readUInt32BE(4),
    data.readUInt32BE(8),
    (data[12] >> 4) * 4,
    data[13],
  ]
  const letters = [...'FSRP.UEW'].filter((_, i) => (flags >> i) & 1).join('') || 'none'
  const size = length - header
  let text = `Flags [${letters}]`
  if (size > 0) text += `, seq ${seq}:${(seq + size) >>> 0}`
  else if ((flags & 0x07) !== 0) text += `, seq ${seq}`
  if ((flags & 0x10) !== 0) text += `, ack ${ack}`
  text += `, win ${data.readUInt16BE(14)}`
  const options = tcpOptions(data.subarray(20, header))
  return `${text}${options === '' ? '' : `, options [${options}]`}, length ${size}`
}

function tcpOptions(/** @type {Buffer} */ data) {
  const found = []
  for (let at = 0; at < data.length; at += data[at] <= 1 ? 1 : data[at + 1]) {
    const kind = data[at]
    if (kind === 0) found.push('eol')
    else if (kind === 1) found.push('nop')
    else if (kind === 2) found.push(`mss ${data.readUInt16BE(at + 2)}`)
    else if (kind === 3) found.push(`wscale ${data[at + 2]}`)
    else if (kind === 4) found.push('sackOK')
    else if (kind === 8) found.push(`TS val ${data.readUInt32BE(at + 2)} ecr ${data.readUInt32BE(at + 6)}`)
    else found.push(`unknown-${kind}`)
    if (kind === 0 || (kind > 1 && !(data[at + 1] >= 2))) break
  }
  return found.join(',')
}

const echo = (/** @type {string} */ name, /** @type {Buffer} */ data) =>
  `${name}, id ${data.readUInt16BE(4)}, seq ${data.readUInt16BE(6)}`

function ofIcmp(/** @type {Buffer} */ data) {
  const [type, code] = data
  if (type === 8) return echo('echo request', data)
  if (type === 0) return echo('echo reply', data)
  if (type !== 3) return `type-#${type}`
  const inner = data.subarray(8)
  const to = ip4(inner.subarray(16))
  if (code !== 3) return code === 1 ? `host ${to} unreachable` : `${to} unreachable - #${code}`
  const port = inner.readUInt16BE((inner[0] & 0xf) * 4 + 2)
  return `${to} ${inner[9] === 6 ? 'tcp' : 'udp'} port ${port} unreachable`
}

function ofIcmp6(/** @type {Buffer} */ data) {
  const [type, code] = data
  if (type === 128) return echo('echo request', data)
  if (type === 129) return echo('echo reply', data)
  if (type === 133) return 'router solicitation'
  if (type === 134) return 'router advertisement'
  if (type === 135) return `neighbor solicitation, who has ${ip6(data.subarray(8))}`
  if (type === 136) return `neighbor advertisement, tgt is ${ip6(data.subarray(8))}`
  if (type === 143) return `multicast listener report v2, ${data.readUInt16BE(6)} group record(s)`
  if (type !== 1 || code !== 4) return `type-#${type}`
  const inner = data.subarray(8)
  const kind = inner[6] === 6 ? 'tcp' : 'udp'
  return `destination unreachable, unreachable port, ${ip6(inner.subarray(24))} ${kind} port ${inner.readUInt16BE(42)}`
}
