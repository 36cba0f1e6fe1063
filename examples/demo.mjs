// @ts-check
// npm run demo: shows the package on real data in under half a minute. Makes a file, sends it over loopback TCP twice,
// once with sendfile(2) and once with Node's streams, and then shows four kinds of sockets that Node does not offer.
// Removes its files at the end.
// @ts-expect-error cli-progress has no types
import cliProgress from 'cli-progress'
import { spawn } from 'node:child_process'
import { createHash, randomFillSync } from 'node:crypto'
import { createReadStream, mkdtempSync, openSync, rmSync, writeSync, closeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import {
  AF_INET,
  AF_UNIX,
  IPPROTO_ICMP,
  SOCK_DGRAM,
  SOCK_RAW,
  Socket,
  checksum,
  createServer,
  options,
} from 'bsd-sockets'

const MIB = 1024 * 1024
const SIZE = 256 * MIB
const receiver = fileURLToPath(new URL('./demo-receiver.mjs', import.meta.url))
const directory = mkdtempSync(path.join(os.tmpdir(), 'bsd-sockets-demo-'))

/** Makes a file of SIZE random bytes and returns its SHA-256. */
function makeFile(/** @type {string} */ name) {
  const hash = createHash('sha256')
  const block = Buffer.alloc(MIB)
  const fd = openSync(name, 'w')
  randomFillSync(block)
  for (let i = 0; i < SIZE / MIB; i++) {
    block.writeUInt32BE(i)
    hash.update(block)
    writeSync(fd, block)
  }
  closeSync(fd)
  return hash.digest('hex')
}

/**
 * Runs one transfer to a receiver in another process. Measures time and CPU of the sender.
 * @template S
 * @param {string} label
 * @param {() => Promise<{ port: number, accept(): Promise<S>, close(): void }>} listen
 * @param {(socket: S, progress: (sent: number) => void) => Promise<void>} send
 */
async function measure(label, listen, send) {
  const bar = new cliProgress.SingleBar({
    format: `  ${label.padEnd(26)} {bar} {percentage}%`,
    hideCursor: true,
    fps: 8,
    clearOnComplete: true,
  })
  const { port, accept, close } = await listen()
  const child = spawn(process.execPath, [receiver, String(port), String(SIZE)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  /** @type {Buffer[]} */
  const answer = []
  child.stdout.on('data', data => answer.push(data))
  const ended = once(child, 'close')
  const socket = await accept()
  bar.start(SIZE, 0)
  const cpu = process.cpuUsage()
  const start = performance.now()
  await send(socket, sent => bar.update(sent))
  const seconds = (performance.now() - start) / 1000
  const used = process.cpuUsage(cpu)
  bar.stop()
  await ended
  close()
  return {
    label,
    hash: Buffer.concat(answer).toString().trim(),
    rate: SIZE / seconds / 1e9,
    cpu: (used.user + used.system) / 1e6,
  }
}

async function listenOurs() {
  const server = await createServer({ host: '127.0.0.1' })
  return { port: server.getsockname().port, accept: () => server.accept(), close: () => server.close() }
}

async function sendOurs(
  /** @type {string} */ file,
  /** @type {Socket} */ socket,
  /** @type {(sent: number) => void} */ progress,
) {
  const handle = await open(file)
  try {
    await socket.sendfile(handle, { onProgress: progress })
  } finally {
    await handle.close()
    socket.close()
  }
}

async function listenNode() {
  const server = net.createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  /** @returns {Promise<net.Socket>} */
  const accept = async () => (await once(server, 'connection'))[0]
  const { port } = /** @type {net.AddressInfo} */ (server.address())
  return { port, accept, close: () => server.close() }
}

async function sendNode(
  /** @type {string} */ file,
  /** @type {net.Socket} */ socket,
  /** @type {(sent: number) => void} */ progress,
) {
  const stream = createReadStream(file)
  const timer = setInterval(() => progress(stream.bytesRead), 125)
  stream.pipe(socket)
  await once(socket, 'finish')
  clearInterval(timer)
}

async function transfers() {
  const file = path.join(directory, 'data')
  console.log(`Making a file of ${SIZE / MIB} MiB and sending it over loopback TCP:`)
  const expected = makeFile(file)
  const rows = [
    await measure('sendfile', listenOurs, (socket, progress) => sendOurs(file, socket, progress)),
    await measure('createReadStream().pipe()', listenNode, (socket, progress) =>
      sendNode(file, socket, progress),
    ),
  ]
  for (const row of rows) {
    const same = row.hash === expected ? 'SHA-256 equal' : 'SHA-256 DIFFERS'
    const cpu = (row.cpu * 1000).toFixed(0).padStart(4)
    console.log(
      `  ${row.label.padEnd(26)} ${row.rate.toFixed(2).padStart(5)} GB/s  ${cpu} ms sender CPU  ${same}`,
    )
    if (row.hash !== expected) process.exitCode = 1
  }
  const [ours, theirs] = /** @type {[typeof rows[0], typeof rows[0]]} */ (rows)
  const rate = (ours.rate / theirs.rate).toFixed(1)
  const cpu = (theirs.cpu / ours.cpu).toFixed(1)
  console.log(`  sendfile: ${rate} times the throughput, ${cpu} times less CPU in the sender`)
}

async function timed(/** @type {string} */ label, /** @type {() => Promise<string>} */ run) {
  const start = performance.now()
  const text = await run()
  console.log(`  ${label.padEnd(26)} ${text} (${(performance.now() - start).toFixed(1)} ms)`)
}

/**
 * Calls a function and closes the sockets. Node 24 and TypeScript have `using` for this.
 * @param {Socket[]} sockets
 * @param {() => Promise<string>} run
 */
async function withSockets(sockets, run) {
  try {
    return await run()
  } finally {
    for (const socket of sockets) socket.close()
  }
}

async function roundTrips() {
  const [a, b] = Socket.pair()
  const count = 10000
  const message = Buffer.alloc(64)
  const echo = (async () => {
    const buffer = Buffer.alloc(64)
    while ((await b.recvInto(buffer)) > 0) await b.send(buffer)
  })()
  const buffer = Buffer.alloc(64)
  const start = performance.now()
  for (let i = 0; i < count; i++) {
    await a.send(message)
    await a.recvInto(buffer)
  }
  const each = ((performance.now() - start) * 1000) / count
  a.close()
  await echo
  b.close()
  return `${count} round trips, ${each.toFixed(1)} µs each`
}

function abstractDatagram() {
  const name = `\0bsd-sockets-demo-${process.pid}`
  const server = new Socket(AF_UNIX, SOCK_DGRAM).bind(name)
  const client = new Socket(AF_UNIX, SOCK_DGRAM).bind('') // the kernel chooses a name, so that the server can reply
  return withSockets([server, client], async () => {
    await client.sendto(Buffer.from('hello'), name)
    const { data, address } = await server.recvfrom(100)
    return `${data.length} bytes to @${name.slice(1)} from ${address}`
  })
}

function multicast() {
  const group = '239.255.77.77'
  const loopback = process.platform === 'darwin' ? 'lo0' : 'lo'
  const [receiver, sender] = [new Socket(AF_INET, SOCK_DGRAM), new Socket(AF_INET, SOCK_DGRAM)]
  return withSockets([receiver, sender], async () => {
    receiver.bind([group, 0]).joinGroup(group, { interface: loopback })
    sender.set(options.IP_MULTICAST_IF, loopback).set(options.IP_MULTICAST_TTL, 7)
    await sender.sendto(Buffer.from('hello, group'), receiver.getsockname())
    const { data } = await receiver.recvfrom(100, { timeout: 2000 })
    return `${data.length} bytes to ${group} on loopback, TTL read back: ${sender.get(options.IP_MULTICAST_TTL)}`
  })
}

async function ping() {
  let socket
  try {
    socket = new Socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)
  } catch (error) {
    return String(error) // without the privilege: the error names it
  }
  const id = process.pid & 0xffff
  const echo = Buffer.alloc(64) // type 8, code 0, checksum, identifier, sequence, data
  echo[0] = 8
  echo.writeUInt16BE(id, 4)
  echo.writeUInt16BE(checksum(echo), 2)
  return withSockets([socket], async () => {
    await socket.connect(['127.0.0.1', 0])
    const start = performance.now()
    await socket.send(echo)
    for (;;) {
      const packet = await socket.recv(1500, { timeout: 2000 })
      const icmp = packet.subarray(((packet[0] ?? 0) & 0xf) * 4)
      if (icmp[0] !== 0 || icmp.readUInt16BE(4) !== id) continue
      return `reply from 127.0.0.1, ttl ${packet[8]}, ${((performance.now() - start) * 1000).toFixed(0)} µs`
    }
  })
}

try {
  await transfers()
  console.log('And what Node has no API for:')
  await timed('socketpair', roundTrips)
  if (process.platform === 'linux') await timed('abstract AF_UNIX datagram', abstractDatagram)
  await timed('multicast on loopback', multicast)
  await timed('raw ICMP echo', ping)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
