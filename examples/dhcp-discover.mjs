// Lists the DHCP servers of a network and their offers, without accepting one. Linux, as root (port 68 and
// SO_BINDTODEVICE).
//
//   node examples/dhcp-discover.mjs eth0 [-W seconds]
//
// Exits with 0 after an offer, 1 without one, 2 if it could not send. Ctrl-C ends it.
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { AF_INET, SOCK_DGRAM, Socket, constants, if_indextoname, inet_ntoa, options } from 'bsd-sockets'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { wait: { type: 'string', short: 'W', default: '3' } },
})
const [device] = positionals

function fail(message) {
  console.error(`dhcp-discover: ${message}`)
  process.exit(2)
}
if (device === undefined) fail('usage: dhcp-discover.mjs interface [-W seconds]')

/** The interface has no address yet, so there is no route: the socket is bound to the device instead. */
function openSocket() {
  const socket = new Socket(AF_INET, SOCK_DGRAM)
  return socket
    .set(options.SO_REUSEADDR, true) // share the port with the DHCP client of this host
    .set(options.SO_BINDTODEVICE, device)
    .set(options.SO_BROADCAST, true)
    .receiveMeta({ packetInfo: true }) // the address that an offer was sent to
    .bind(['0.0.0.0', 68])
}

/** struct ifreq: the name, and from byte 16 on a sockaddr whose data is the hardware address. */
function hardwareAddress(socket) {
  const ifreq = Buffer.alloc(40)
  ifreq.write(device)
  socket.ioctl(constants.SIOCGIFHWADDR, ifreq)
  return ifreq.subarray(18, 24)
}

/** Builds a DHCPDISCOVER message (RFC 2131 and 2132). */
function discover(transaction, mac) {
  const message = Buffer.alloc(300)
  message.set([1, 1, 6, 0]) // a request, Ethernet, six bytes of address
  message.writeUInt32BE(transaction, 4)
  message.writeUInt16BE(0x8000, 10) // request a reply by broadcast: this host has no address yet
  mac.copy(message, 28)
  message.writeUInt32BE(0x63825363, 236) // the options follow: number, length, value
  message.set([53, 1, 1, 55, 4, 1, 3, 6, 51, 255], 240) // DHCPDISCOVER; requests mask, routers, DNS servers, lease time
  return message
}

/** Returns the options of a message by number. */
function readOptions(message) {
  const found = new Map()
  for (let at = 240; at + 1 < message.length && message[at] !== 255;) {
    if (message[at] === 0) {
      at++ // padding
      continue
    }
    found.set(message[at], message.subarray(at + 2, at + 2 + message[at + 1]))
    at += 2 + message[at + 1]
  }
  return found
}

const addresses = bytes => {
  const list = []
  for (let at = 0; bytes !== undefined && at + 4 <= bytes.length; at += 4)
    list.push(inet_ntoa(bytes.subarray(at, at + 4)))
  return list.join(', ') || 'none'
}

function printOffer(message, from, { destination, interface: index }) {
  const found = readOptions(message)
  console.log(
    `offer of ${inet_ntoa(message.subarray(16, 20))} from ${from}, to ${destination} on ${if_indextoname(index)}`,
  )
  console.log(
    `  mask ${addresses(found.get(1))}, routers ${addresses(found.get(3))}, DNS ${addresses(found.get(6))}`,
  )
  const lease = found.get(51)
  console.log(`  lease ${lease?.length === 4 ? `${lease.readUInt32BE()} s` : 'not told'}`)
}

let socket
let mac
try {
  socket = openSocket()
  mac = hardwareAddress(socket)
} catch (error) {
  fail(error.message)
}
const transaction = randomInt(2 ** 32)
const end = new AbortController()
process.once('SIGINT', () => end.abort())
const timer = setTimeout(() => end.abort(), Number(values.wait) * 1000)

console.log(`DHCPDISCOVER from ${mac.toString('hex').replace(/..(?=.)/g, '$&:')} on ${device}`)
let offers = 0
try {
  await socket.sendto(discover(transaction, mac), ['<broadcast>', 67])
  for (;;) {
    const { data, address, meta } = await socket.recvmsg(1500, { signal: end.signal })
    const reply = data.length > 243 && data[0] === 2 && data.readUInt32BE(4) === transaction
    if (!reply || readOptions(data).get(53)?.[0] !== 2) continue // for another client, or not an offer
    printOffer(data, address.address, meta)
    offers++
  }
} catch (error) {
  if (error.name !== 'AbortError') fail(error.message)
}
clearTimeout(timer)
socket.close()
if (offers === 0) console.log('no offer')
process.exitCode = offers > 0 ? 0 : 1
