// @ts-check
// Prints the frames of an interface, like tcpdump -nS. Linux, needs CAP_NET_RAW.
//
//   node examples/sniff.mjs [-i interface] [-c count] [-p] [-w file.pcap] [filter]
//
// The filter is an expression as for tcpdump: node examples/sniff.mjs -i eth0 'udp port 53 or arp'.
// -p does not use promiscuous mode. -w writes a file for tcpdump -r and Wireshark.
import { closeSync, openSync, writeSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { bpf, openPacket } from 'bsd-sockets'
import { describe, timeOf } from './packet-text.mjs'

const SNAPSHOT = 0x40000 // the longest frame that is kept

/** Writes a pcap file with timestamps in nanoseconds. */
class Pcap {
  constructor(/** @type {string} */ path) {
    this.fd = openSync(path, 'w')
    const header = Buffer.alloc(24)
    header.writeUInt32LE(0xa1b23c4d, 0)
    header.writeUInt16LE(2, 4) // version 2.4
    header.writeUInt16LE(4, 6)
    header.writeUInt32LE(SNAPSHOT, 16)
    header.writeUInt32LE(1, 20) // Ethernet
    writeSync(this.fd, header)
  }

  write(/** @type {import('bsd-sockets').Frame} */ { timestamp, data, length }) {
    const header = Buffer.alloc(16)
    header.writeUInt32LE(Number(timestamp / 1_000_000_000n), 0)
    header.writeUInt32LE(Number(timestamp % 1_000_000_000n), 4)
    header.writeUInt32LE(data.length, 8)
    header.writeUInt32LE(length, 12)
    writeSync(this.fd, Buffer.concat([header, data]))
  }

  close() {
    closeSync(this.fd)
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    interface: { type: 'string', short: 'i', default: 'lo' },
    count: { type: 'string', short: 'c', default: 'Infinity' },
    'no-promiscuous-mode': { type: 'boolean', short: 'p', default: false },
    write: { type: 'string', short: 'w' },
  },
})
const count = Number(values.count)
const socket = openPacket({
  interface: values.interface,
  promiscuous: !values['no-promiscuous-mode'],
  filter: bpf.compile(positionals.join(' '), { snaplen: SNAPSHOT, metadata: true }),
})
const file = values.write === undefined ? null : new Pcap(values.write)
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort())
console.error(`listening on ${values.interface}`)

let captured = 0
try {
  for await (const frame of socket.frames({ signal: stop.signal })) {
    captured++
    if (file === null) console.log(`${timeOf(frame.timestamp)} ${describe(frame.data, frame.length)}`)
    else file.write(frame)
    if (captured === count) break
  }
} catch (error) {
  if (!stop.signal.aborted) throw error
} finally {
  const { packets, drops } = socket.statistics()
  console.error(
    `${captured} packets captured\n${packets} packets received by filter\n${drops} packets dropped by kernel`,
  )
  file?.close()
  socket.close()
}
