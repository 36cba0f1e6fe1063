// How many datagrams does a process send over UDP?
import { perMessage } from '../lib/columns.mjs'
import { bun, c, node, python, smallest } from '../lib/commands.mjs'

const C = 'C send'
const MMSG = 'C sendmmsg, 64'
const GSO = 'C GSO'
const NODE = 'Node dgram'
const BUN_MANY = 'Bun sendMany'
const LIMIT = 'the smallest addon, await'
const LIMIT_GSO = 'the smallest addon, GSO, await'
const OURS = 'bsd-sockets, send'
const OURS_MMSG = 'bsd-sockets, sendmmsg'
// UDP_SEGMENT is set once, as in C and on the smallest addon.
const OURS_GSO = 'bsd-sockets, GSO'
const OURS_SEGMENTS = 'bsd-sockets, GSO with segmentSize'

const clients = size => ({
  'C sendto': c('datagram_send', 'sendto', size),
  [C]: c('datagram_send', 'send', size),
  [MMSG]: c('datagram_send', 'mmsg', size),
  [GSO]: c('datagram_send', 'gso', size),
  [NODE]: node('clients/datagram-send-dgram.mjs', size),
  'Bun send': bun('clients/datagram-send-bun.mjs', 'send', size),
  [BUN_MANY]: bun('clients/datagram-send-bun.mjs', 'sendMany', size),
  'Python send': python('clients/datagram-send.py', size),
  // The limit of an addon: see questions/pingpong.mjs.
  'the smallest addon': smallest('clients/datagram-send-smallest.mjs', 'call', size),
  [LIMIT]: smallest('clients/datagram-send-smallest.mjs', 'await', size),
  [LIMIT_GSO]: smallest('clients/datagram-send-smallest.mjs', 'gso', size),
  [OURS]: node('clients/datagram-send-bsd.mjs', 'send', size),
  'bsd-sockets, trySend': node('clients/datagram-send-bsd.mjs', 'try', size),
  'bsd-sockets, sendto': node('clients/datagram-send-bsd.mjs', 'sendto', size),
  [OURS_MMSG]: node('clients/datagram-send-bsd.mjs', 'mmsg', size),
  [OURS_GSO]: node('clients/datagram-send-bsd.mjs', 'gso-option', size),
  [OURS_SEGMENTS]: node('clients/datagram-send-bsd.mjs', 'gso', size),
})

const table = (size, goals = []) => ({
  title: `UDP senders, ${size} B, into a sink that never sleeps`,
  transport: 'udp',
  smoke: size === 1200,
  variants: Object.entries(clients(size)).map(([name, client]) => ({
    name,
    // The sink receives with GRO, because otherwise it would be slower than the sender.
    server: c('datagram_sink', ...(name.includes('GSO') ? ['gro'] : [])),
    client,
  })),
  columns: perMessage('datagrams', 'client', [
    ['C send', C],
    ['sendmmsg', MMSG],
    ['Node', NODE],
  ]),
  goals: goals.map(goal => ({ metric: 'rate', ...goal })),
})

export default {
  name: 'udp-send',
  tables: [
    table(64),
    table(1200, [
      { row: '2a', of: OURS, limit: LIMIT, to: C, atLeast: { must: 0.87, stretch: 0.92 } },
      { row: '2a', of: OURS, limit: LIMIT, to: NODE, atLeast: { must: 1.1 } },
      { row: '2b', of: OURS_MMSG, to: MMSG, atLeast: { must: 0.95, stretch: 0.98 } },
      { row: '2b', of: OURS_MMSG, to: NODE, atLeast: { must: 1.22 } },
      { row: '2b', of: OURS_MMSG, to: BUN_MANY, atLeast: { must: 1 } },
      { row: '2c', of: OURS_GSO, limit: LIMIT_GSO, to: GSO, atLeast: { must: 0.85, stretch: 0.93 } },
      { row: '2c', of: OURS_GSO, limit: LIMIT_GSO, to: NODE, atLeast: { must: 30 } },
    ]),
    table(8192),
  ],
}
