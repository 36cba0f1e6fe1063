// @ts-check
// Measures how long UDP datagrams take to a host and back, with the kernel's timestamps. Linux, without privileges.
//
//   node examples/delay-probe.mjs [-p port] --server [address]
//   node examples/delay-probe.mjs [-p port] [-c count] [-i seconds] [-W seconds] [-v] host
//
// A probe has four times: the client sends it (t1), the server receives it (t2) and replies (t3), the client receives the
// reply (t4). All but t3 are those of the kernel. The time in the server, t3 - t2, is no part of the round trip. The
// delays of one direction are as exact as both clocks. Exits with 0 after a reply, 1 without one, 2 if it could not start.
import { lookup } from 'node:dns/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { AF_INET, AF_INET6, SOCK_DGRAM, Socket, SocketError, clock, createServer, serve } from 'bsd-sockets'

const MAGIC = 0x64656c61
const SIZE = 24 // magic, sequence number, t2, t3

/** @typedef {{ t1: bigint, t2: bigint, t3: bigint, t4: bigint }} Times In nanoseconds since 1970 */

/** @returns {never} */
function fail(/** @type {unknown} */ error) {
  console.error(`delay-probe: ${error instanceof Error ? error.message : error}`)
  process.exit(2)
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        server: { type: 'boolean', default: false },
        port: { type: 'string', short: 'p', default: '8620' },
        count: { type: 'string', short: 'c', default: 'Infinity' },
        interval: { type: 'string', short: 'i', default: '1' },
        wait: { type: 'string', short: 'W', default: '1' },
        verbose: { type: 'boolean', short: 'v', default: false },
      },
    })
    const [port, count, interval, wait] = [values.port, values.count, values.interval, values.wait].map(
      Number,
    )
    const [host] = positionals
    const valid = port >= 0 && port < 65536 && count > 0 && interval >= 0 && wait > 0
    if (valid && positionals.length <= 1 && (values.server || host !== undefined))
      return { isServer: values.server, host, port, count, interval, wait, verbose: values.verbose }
  } catch {
    // An unknown option: the usage is printed below.
  }
  return fail('usage: delay-probe.mjs [-p port] (--server [address] | [-c count] [-i s] [-W s] [-v] host)')
}

const { isServer, host, port, count, interval, wait, verbose } = readArguments()
const end = new AbortController()
for (const each of ['SIGINT', 'SIGTERM']) process.once(each, () => end.abort())

/** Replies to probes until the end. A reply is as long as the probe, so forged senders gain nothing. */
async function runServer() {
  const socket = await createServer({ type: SOCK_DGRAM, host, port })
  socket.receiveMeta({ timestamp: 'ns', packetInfo: true })
  const server = serve(
    socket,
    async datagram => {
      const { data, meta } = datagram
      if (data.length !== SIZE || data.readUInt32BE(0) !== MAGIC) return
      data.writeBigInt64BE(meta.timestamp ?? clock.realtimeNs(), 8)
      data.writeBigInt64BE(clock.realtimeNs(), 16)
      await datagram.reply(data)
    },
    { signal: end.signal, onError: error => console.error(error) },
  )
  console.log(`listening on ${socket.getsockname()}`)
  await server.closed
  return true
}

/** Opens a socket to the server. */
async function openClient(/** @type {string} */ name) {
  const { address, family } = await lookup(name)
  const socket = new Socket(family === 4 ? AF_INET : AF_INET6, SOCK_DGRAM)
  await socket.connect({ address, port })
  return socket.receiveMeta({ timestamp: 'ns' })
}

/** Waits for the reply, and drops late ones of earlier probes. */
async function replyTo(
  /** @type {number} */ sequence,
  /** @type {Socket} */ socket,
  /** @type {AbortSignal} */ signal,
) {
  for (;;) {
    const { data, meta, truncated } = await socket.recvmsg(SIZE, { signal })
    const t4 = meta.timestamp ?? clock.realtimeNs() // the first packets have no timestamp yet
    if (data.length !== SIZE || truncated || data.readUInt32BE(0) !== MAGIC) continue
    if (data.readUInt32BE(4) === sequence)
      return { t2: data.readBigInt64BE(8), t3: data.readBigInt64BE(16), t4 }
  }
}

/**
 * Sends one probe and waits for its reply. Returns `null` after the timeout.
 * @returns {Promise<Times | null>}
 */
async function probe(/** @type {Socket} */ socket, /** @type {number} */ sequence) {
  const request = Buffer.alloc(SIZE)
  request.writeUInt32BE(MAGIC, 0)
  request.writeUInt32BE(sequence, 4)
  const signal = AbortSignal.any([end.signal, AbortSignal.timeout(wait * 1000)])
  try {
    const { timestamp } = await socket.sendmsg({ data: request, timestamp: true }, { signal })
    return { t1: timestamp, ...(await replyTo(sequence, socket, signal)) }
  } catch (error) {
    if (error instanceof SocketError)
      console.log(`seq=${sequence} ${error.message}`) // such as ECONNREFUSED
    else if (!signal.aborted) throw error
    return null
  }
}

const microseconds = (/** @type {bigint} */ nanoseconds) => Number(nanoseconds) / 1000
const delays = (/** @type {Times} */ { t1, t2, t3, t4 }) => ({
  out: microseconds(t2 - t1),
  server: microseconds(t3 - t2),
  back: microseconds(t4 - t3),
  rtt: microseconds(t4 - t1 - (t3 - t2)),
})

async function runClient() {
  const socket = await openClient(host ?? '')
  console.log(`probes from ${socket.getsockname()} to ${socket.getpeername()}, in microseconds`)
  /** @type {Times[]} */
  const all = []
  let sent = 0
  while (sent < count && !end.signal.aborted) {
    const times = await probe(socket, sent++)
    if (times !== null) {
      all.push(times)
      const texts = Object.entries(delays(times)).map(([name, value]) => `${name}=${value.toFixed(1)}`)
      if (verbose) texts.push(...Object.entries(times).map(([name, value]) => `${name}=${value}`))
      console.log(`seq=${sent - 1} ${texts.join(' ')}`)
    }
    if (sent < count) await sleep(interval * 1000, undefined, { signal: end.signal }).catch(() => undefined)
  }
  socket.close()
  console.log(`${sent} sent, ${all.length} received`)
  for (const name of /** @type {const} */ (['out', 'back', 'rtt'])) {
    const values = all.map(times => delays(times)[name])
    const mean = values.reduce((sum, each) => sum + each, 0) / values.length
    const numbers = [Math.min(...values), mean, Math.max(...values)].map(each => each.toFixed(1))
    if (all.length > 0) console.log(`${name} min/avg/max = ${numbers.join('/')}`)
  }
  return all.length > 0
}

const run = isServer ? runServer : runClient
process.exitCode = (await run().catch(fail)) ? 0 : 1
