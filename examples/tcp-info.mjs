// @ts-check
// Prints the state of a TCP connection: round trips, losses, windows, rates, like `ss -ti`. Linux.
//
//   node examples/tcp-info.mjs [-n count] [-i seconds] [--all] host port
//   node examples/tcp-info.mjs [-n count] [-i seconds] [--all] --fd number
//
// Connects, or takes an inherited connection. Prints every second until the count is reached, the peer closes, or
// Ctrl-C. --all prints every field of struct tcp_info with its name in C. Exits with 0, or with 1 without a connection.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Socket, TCP_ESTABLISHED, createConnection, options } from 'bsd-sockets'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', short: 'n', default: 'Infinity' },
    interval: { type: 'string', short: 'i', default: '1' },
    fd: { type: 'string' },
    all: { type: 'boolean', default: false },
  },
})
const [host, port] = positionals
const [count, interval] = [Number(values.count), Number(values.interval)]
if ((values.fd === undefined) === (port === undefined) || !(count > 0) || !(interval >= 0)) {
  console.error('usage: tcp-info.mjs [-n count] [-i seconds] [--all] (host port | --fd number)')
  process.exit(2)
}

const states =
  'ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING'
const stateName = (/** @type {number} */ number) => states.split(' ')[number - 1] ?? number
const milliseconds = (/** @type {number} */ microseconds) => `${(microseconds / 1000).toFixed(3)} ms`
const rate = (/** @type {number | bigint} */ bytes) => `${((Number(bytes) * 8) / 1e6).toFixed(1)} Mbit/s`

/** Returns the lines with the most important fields. */
function summary(/** @type {import('bsd-sockets').TcpInfo} */ info) {
  const retransmitted = `${info.tcpi_retrans} now, ${info.tcpi_total_retrans} in all`
  return {
    state: stateName(info.tcpi_state),
    'round trip': `${milliseconds(info.tcpi_rtt)} ± ${milliseconds(info.tcpi_rttvar)}, at best ${milliseconds(info.tcpi_min_rtt ?? 0)}`,
    'retransmit after': milliseconds(info.tcpi_rto),
    'segment size': `${info.tcpi_snd_mss} bytes out, ${info.tcpi_rcv_mss} in, path MTU ${info.tcpi_pmtu}`,
    window: `${info.tcpi_snd_cwnd} segments, ${info.tcpi_unacked} of them on their way`,
    retransmitted,
    sent: `${info.tcpi_bytes_sent} bytes, ${info.tcpi_bytes_retrans} sent again, ${info.tcpi_notsent_bytes} not yet sent`,
    received: `${info.tcpi_bytes_received} bytes`,
    rate: `${rate(info.tcpi_delivery_rate ?? 0)} delivered, ${rate(info.tcpi_pacing_rate ?? 0)} paced`,
  }
}

function print(/** @type {import('bsd-sockets').TcpInfo} */ info) {
  const rows = { ...summary(info), ...(values.all ? info : {}) }
  const width = Math.max(...Object.keys(rows).map(key => key.length))
  for (const [key, value] of Object.entries(rows)) console.log(`  ${key.padEnd(width)}  ${value}`)
}

const end = new AbortController()
process.once('SIGINT', () => end.abort())
let socket
try {
  socket =
    values.fd === undefined
      ? await createConnection({ host, port: Number(port), timeout: 10000 })
      : Socket.adopt(Number(values.fd))
  const ends = `${socket.getsockname()} → ${socket.getpeername()}`
  for (let printed = 0; !end.signal.aborted;) {
    const info = socket.get(options.TCP_INFO)
    console.log(ends)
    print(info)
    if (++printed >= count || info.tcpi_state !== TCP_ESTABLISHED) break
    await sleep(interval * 1000, undefined, { signal: end.signal }).catch(() => undefined)
  }
} catch (error) {
  console.error(`tcp-info: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
} finally {
  socket?.close()
}
