// @ts-check
// Prints changes of this host's links, addresses and routes, like ip monitor. Linux, without privileges.
//
//   node examples/netlink-monitor.mjs
//
// Ctrl-C ends it. Prints routes of the main table only.
import { endianness } from 'node:os'
import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  IFA_ADDRESS,
  IFA_LOCAL,
  IFF_RUNNING,
  IFF_UP,
  IFLA_ADDRESS,
  IFLA_IFNAME,
  IFLA_MTU,
  IFLA_OPERSTATE,
  NETLINK_ROUTE,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  RTA_DST,
  RTA_GATEWAY,
  RTA_OIF,
  RTA_PRIORITY,
  RTMGRP_IPV4_IFADDR,
  RTMGRP_IPV4_ROUTE,
  RTMGRP_IPV6_IFADDR,
  RTMGRP_IPV6_ROUTE,
  RTMGRP_LINK,
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_DELROUTE,
  RTM_GETLINK,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWROUTE,
  RTN_UNICAST,
  RT_TABLE_MAIN,
  SOCK_RAW,
  Socket,
  SocketError,
  constants,
  inet_ntop,
} from 'bsd-sockets'

const little = endianness() === 'LE' // netlink uses host byte order
const u16 = (/** @type {Buffer} */ bytes, at = 0) =>
  little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at)
const u32 = (/** @type {Buffer} */ bytes, at = 0) =>
  little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)
const aligned = (/** @type {number} */ length) => (length + 3) & ~3

/** Yields the messages of a datagram: struct nlmsghdr and the data after it. */
function* messages(/** @type {Buffer} */ data) {
  for (let at = 0; at + 16 <= data.length; at += aligned(u32(data, at))) {
    yield { type: u16(data, at + 4), body: data.subarray(at + 16, at + u32(data, at)) }
  }
}

/** Returns the attributes after the fixed part of a message, by type. */
function attributes(/** @type {Buffer} */ bytes) {
  /** @type {Map<number, Buffer>} */
  const found = new Map()
  for (let at = 0; at + 4 <= bytes.length; at += aligned(Math.max(4, u16(bytes, at)))) {
    found.set(u16(bytes, at + 2) & 0x3fff, bytes.subarray(at + 4, at + u16(bytes, at)))
  }
  return found
}

/** @type {Map<number, string>} */
const names = new Map() // of interfaces, by index: routes of a deleted interface are reported later
const nameOf = (/** @type {number} */ index) => names.get(index) ?? `if${index}`
const address = (/** @type {Buffer} */ bytes) => inet_ntop(bytes.length === 4 ? AF_INET : AF_INET6, bytes)
const states = ['UNKNOWN', 'NOTPRESENT', 'DOWN', 'LOWERLAYERDOWN', 'TESTING', 'DORMANT', 'UP']
/** @type {Record<number, string>} */
const scopes = { 0: 'global', 200: 'site', 253: 'link', 254: 'host', 255: 'nowhere' }
const flagNames = [
  'LOOPBACK',
  'BROADCAST',
  'POINTOPOINT',
  'MULTICAST',
  'NOARP',
  'ALLMULTI',
  'PROMISC',
  'UP',
  'LOWER_UP',
]

function flagsOf(/** @type {number} */ flags) {
  const set = flagNames.filter(name => flags & (constants[`IFF_${name}`] ?? 0))
  return flags & IFF_UP && !(flags & IFF_RUNNING) ? ['NO-CARRIER', ...set] : set
}

/** struct ifinfomsg. */
function link(/** @type {Buffer} */ body) {
  const [index, flags, found] = [u32(body, 4), u32(body, 8), attributes(body.subarray(16))]
  const name = found.get(IFLA_IFNAME)
  if (name !== undefined) names.set(index, name.toString('utf8').replace('\0', ''))
  const state = states[found.get(IFLA_OPERSTATE)?.[0] ?? 0]
  const hardware =
    found
      .get(IFLA_ADDRESS)
      ?.toString('hex')
      .replace(/..(?!$)/g, '$&:') ?? ''
  const mtu = found.get(IFLA_MTU)
  return `${index}: ${nameOf(index)}: <${flagsOf(flags)}> mtu ${mtu ? u32(mtu) : 0} state ${state} ${hardware}`
}

/** struct ifaddrmsg. */
function ifaddr(/** @type {Buffer} */ body) {
  const [family, prefix, , scope = 0] = body
  const found = attributes(body.subarray(8))
  const index = u32(body, 4)
  const own = address(found.get(IFA_LOCAL) ?? found.get(IFA_ADDRESS) ?? Buffer.alloc(4))
  const kind = family === AF_INET ? 'inet' : 'inet6'
  return `${index}: ${nameOf(index)} ${kind} ${own}/${prefix} scope ${scopes[scope] ?? scope}`
}

/** struct rtmsg. */
function route(/** @type {Buffer} */ body) {
  const [, prefix, , , table, , , type] = body
  if (table !== RT_TABLE_MAIN || type !== RTN_UNICAST) return null
  const found = attributes(body.subarray(12))
  const [to, gateway, device, metric] = [RTA_DST, RTA_GATEWAY, RTA_OIF, RTA_PRIORITY].map(type =>
    found.get(type),
  )
  const words = [to ? `${address(to)}/${prefix}` : 'default']
  if (gateway) words.push('via', address(gateway))
  if (device) words.push('dev', nameOf(u32(device)))
  if (metric) words.push('metric', String(u32(metric)))
  return words.join(' ')
}

/** @type {Map<number, (body: Buffer) => string | null>} */
const readers = new Map([
  [RTM_NEWLINK, link],
  [RTM_DELLINK, link],
  [RTM_NEWADDR, ifaddr],
  [RTM_DELADDR, ifaddr],
  [RTM_NEWROUTE, route],
  [RTM_DELROUTE, route],
])
const deletions = [RTM_DELLINK, RTM_DELADDR, RTM_DELROUTE]

/** Requests the present names of the interfaces: messages until NLMSG_DONE. */
async function learnNames() {
  const socket = new Socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)
  const request = Buffer.alloc(32) // struct nlmsghdr and struct ifinfomsg
  new Uint32Array(request.buffer, request.byteOffset, 1)[0] = request.length
  new Uint16Array(request.buffer, request.byteOffset + 4, 2).set([RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP])
  try {
    await socket.sendto(request, { pid: 0, groups: 0 })
    for (;;) {
      for (const { type, body } of messages(await socket.recv(65536))) {
        if (type === NLMSG_DONE || type === NLMSG_ERROR) return
        link(body)
      }
    }
  } finally {
    socket.close()
  }
}

const groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE
const socket = new Socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE).bind({ pid: 0, groups })
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort())
await learnNames()
console.error('listening')

try {
  for (;;) {
    try {
      const data = await socket.recv(65536, { signal: stop.signal })
      for (const { type, body } of messages(data)) {
        const text = readers.get(type)?.(body)
        if (text) console.log(deletions.includes(type) ? `Deleted ${text}` : text)
      }
    } catch (error) {
      if (!(error instanceof SocketError && error.code === 'ENOBUFS')) throw error
      console.error('messages were lost') // they arrived faster than they were read
    }
  }
} catch (error) {
  if (!stop.signal.aborted) throw error
} finally {
  socket.close()
}
