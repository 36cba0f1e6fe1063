// @ts-check
// Gets a lease from a DHCP server and prints it (RFC 2131, 2132). Linux, as root (port 68 and SO_BINDTODEVICE).
//
//   node examples/dhcp-client.mjs [-W seconds] [-r address] [--discover] interface
//
// Does not configure the interface. -r asks for an address. --discover lists the offers of all servers and accepts none.
// Exits with 0 after a lease or an offer, 1 without one, 2 if it could not send. Ctrl-C ends it.
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { AF_INET, SOCK_DGRAM, Socket, if_indextoname, inet_ntoa, inet_pton, options } from 'bsd-sockets'
import { SIOCGIFHWADDR } from 'bsd-sockets/linux'

const [DISCOVER, OFFER, REQUEST, ACK, NAK] = [1, 2, 3, 5, 6]
const [MASK, ROUTERS, DNS, ADDRESS, LEASE, TYPE, SERVER, WANTED] = [1, 3, 6, 50, 51, 53, 54, 55]
const END = 255

/** @typedef {{ type: number, address: Buffer, options: Map<number, Buffer>, from: string }} Reply */

/** @returns {never} */
function fail(/** @type {unknown} */ error) {
  console.error(`dhcp-client: ${error instanceof Error ? error.message : error}`)
  process.exit(2)
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        wait: { type: 'string', short: 'W', default: '10' },
        request: { type: 'string', short: 'r' },
        discover: { type: 'boolean', default: false },
      },
    })
    const wanted = values.request === undefined ? null : inet_pton(AF_INET, values.request)
    if (positionals.length === 1 && Number(values.wait) > 0)
      return { device: positionals[0], wait: Number(values.wait), wanted, discoverOnly: values.discover }
  } catch {
    // An unknown option or an invalid address: the usage is printed below.
  }
  return fail('usage: dhcp-client.mjs [-W seconds] [-r address] [--discover] interface')
}

const { device, wait, wanted, discoverOnly } = readArguments()

/** The interface has no address yet, so there is no route: the socket is bound to the device instead. */
function openSocket() {
  const socket = new Socket(AF_INET, SOCK_DGRAM)
  return socket
    .set(options.SO_REUSEADDR, true) // share the port with the DHCP client of this host
    .set(options.SO_BINDTODEVICE, device)
    .set(options.SO_BROADCAST, true)
    .receiveMeta({ packetInfo: true }) // the address that a reply was sent to
    .bind(['0.0.0.0', 68])
}

/** struct ifreq: the name, and from byte 16 on a sockaddr whose data is the hardware address. */
function hardwareAddress(/** @type {Socket} */ socket) {
  const ifreq = Buffer.alloc(40)
  ifreq.write(device)
  socket.ioctl(SIOCGIFHWADDR, ifreq)
  return ifreq.subarray(18, 24)
}

const transaction = randomInt(2 ** 32)

/** Builds a message with options: number, length, value. */
function messageOf(/** @type {number} */ type, /** @type {Map<number, Buffer>} */ values) {
  const head = Buffer.alloc(240)
  head.set([1, 1, 6, 0]) // a request, Ethernet, six bytes of address
  head.writeUInt32BE(transaction, 4)
  head.writeUInt16BE(0x8000, 10) // request a reply by broadcast: this host has no address yet
  mac.copy(head, 28)
  head.writeUInt32BE(0x63825363, 236) // the options follow
  const first = [Buffer.of(TYPE, 1, type), Buffer.of(WANTED, 4, MASK, ROUTERS, DNS, LEASE)]
  const others = [...values].flatMap(([number, value]) => [Buffer.of(number, value.length), value])
  const message = Buffer.concat([head, ...first, ...others, Buffer.of(END)])
  return Buffer.concat([message, Buffer.alloc(Math.max(0, 300 - message.length))]) // BOOTP servers expect 300 bytes
}

/** Returns the options of a message by number. */
function readOptions(/** @type {Buffer} */ message) {
  /** @type {Map<number, Buffer>} */
  const found = new Map()
  for (let at = 240; at + 1 < message.length && message[at] !== END;) {
    if (message[at] === 0) {
      at++ // padding
      continue
    }
    found.set(message[at], message.subarray(at + 2, at + 2 + message[at + 1]))
    at += 2 + message[at + 1]
  }
  return found
}

/**
 * Receives the replies to this client until the signal.
 * @returns {AsyncGenerator<Reply>}
 */
async function* replies(/** @type {AbortSignal} */ signal) {
  try {
    for (;;) {
      const { data, address, meta } = await socket.recvmsg(1500, { signal })
      if (data.length < 244 || data[0] !== 2 || data.readUInt32BE(4) !== transaction) continue
      const found = readOptions(data)
      yield {
        type: found.get(TYPE)?.[0] ?? 0,
        address: data.subarray(16, 20),
        options: found,
        from: `${address?.address}, to ${meta.destination} on ${if_indextoname(meta.interface ?? 0)}`,
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

const broadcast = (/** @type {Buffer} */ message) => socket.sendto(message, ['<broadcast>', 67])

/** Sends a message, and again after 1, 2, 4… seconds, until a reply has one of the types. */
async function exchange(/** @type {Buffer} */ message, /** @type {number[]} */ types) {
  for (let pause = 1000; !end.signal.aborted; pause *= 2) {
    await broadcast(message)
    for await (const reply of replies(AbortSignal.any([end.signal, AbortSignal.timeout(pause)])))
      if (types.includes(reply.type)) return reply
  }
  return null
}

function print(/** @type {string} */ what, /** @type {Reply} */ { address, options: found, from }) {
  const list = (/** @type {number} */ number) => {
    const bytes = found.get(number) ?? Buffer.alloc(0)
    const count = Math.floor(bytes.length / 4)
    const each = Array.from({ length: count }, (_, i) => inet_ntoa(bytes.subarray(i * 4, i * 4 + 4)))
    return each.join(', ') || 'none'
  }
  const lease = found.get(LEASE)
  console.log(`${what} of ${inet_ntoa(address)} from ${from}`)
  console.log(`  mask ${list(MASK)}, routers ${list(ROUTERS)}, DNS ${list(DNS)}`)
  console.log(`  lease ${lease?.length === 4 ? `${lease.readUInt32BE()} s` : 'not told'}`)
}

/** Prints the offers until the end. Returns whether there were any. */
async function discover(/** @type {Buffer} */ message) {
  let offers = 0
  await broadcast(message)
  for await (const reply of replies(end.signal)) {
    if (reply.type !== OFFER) continue // for another client
    print('offer', reply)
    offers++
  }
  if (offers === 0) console.log('no offer')
  return offers > 0
}

/** Accepts the first offer. Returns whether the server has confirmed it. */
async function acquire(/** @type {Buffer} */ message) {
  const offer = await exchange(message, [OFFER])
  const server = offer?.options.get(SERVER)
  if (offer === null || server === undefined) {
    console.log('no offer')
    return false
  }
  const chosen = new Map([[ADDRESS, offer.address], [SERVER, server]]) // prettier-ignore
  const reply = await exchange(messageOf(REQUEST, chosen), [ACK, NAK])
  if (reply?.type === ACK) print('lease', reply)
  else console.log(reply === null ? 'no answer to the request' : 'the server refuses the request')
  return reply?.type === ACK
}

/** @type {Socket} */
let socket
/** @type {Buffer} */
let mac
const end = new AbortController()
process.once('SIGINT', () => end.abort())
const timer = setTimeout(() => end.abort(), wait * 1000)
try {
  socket = openSocket()
  mac = hardwareAddress(socket)
  console.log(`DHCPDISCOVER from ${mac.toString('hex').replace(/..(?=.)/g, '$&:')} on ${device}`)
  const message = messageOf(DISCOVER, new Map(wanted === null ? [] : [[ADDRESS, wanted]]))
  process.exitCode = (await (discoverOnly ? discover : acquire)(message)) ? 0 : 1
  socket.close()
} catch (error) {
  fail(error)
}
clearTimeout(timer)
