// How many datagrams does a process receive over UDP?
import { perMessage } from '../lib/columns.mjs'
import { bun, c, node, python, smallest } from '../lib/commands.mjs'

const C = 'C recvfrom'
const MMSG = 'C recvmmsg, 64'
const EPOLL = 'C epoll + recvmmsg'
const GRO = 'C GRO'
const NODE = 'Node dgram'
const BUN = 'Bun'
// The limits of an addon: see questions/pingpong.mjs. All but the first two receive in batches. EACH calls a listener in a
// loop, which Node's events do not allow: it is only shown, and so is INTO, which is slower than the package.
const INTO = 'the smallest addon, recv, await'
const LIMIT_CALL = 'the smallest addon, recv'
const LIMIT_EACH = 'the smallest addon, new Buffer, address'
const LIMIT_CALLS = 'the smallest addon, new Buffer, address, a call each'
const LIMIT_LOOP = 'the smallest addon, new Buffer, address, await each'
const LIMIT_MMSG = 'the smallest addon, recvmmsg, await'
const OURS_EACH = 'bsd-sockets, onMessage (new Buffer, address)'
const OURS_LOOP = 'bsd-sockets, messages()'
const OURS_INTO = 'bsd-sockets, recvInto'
const OURS_MMSG = 'bsd-sockets, recvmmsg'
const OURS_BARE = 'bsd-sockets, recvmmsg without addresses'
const OURS_GRO = 'bsd-sockets, GRO with recvmmsg'

const single = size => ({
  [C]: c('datagram_receive', 'recvfrom', size),
  [MMSG]: c('datagram_receive', 'mmsg', size),
  [EPOLL]: c('datagram_receive', 'epoll', size),
  [NODE]: node('clients/datagram-receive-dgram.mjs'),
  [BUN]: bun('clients/datagram-receive-bun.mjs'),
  'Python recvfrom_into': python('clients/datagram-receive.py', size),
  [INTO]: smallest('clients/datagram-receive-smallest.mjs', 'into', size),
  [LIMIT_CALL]: smallest('clients/datagram-receive-smallest.mjs', 'call', size),
  [LIMIT_EACH]: smallest('clients/datagram-receive-smallest.mjs', 'each', size),
  [LIMIT_CALLS]: smallest('clients/datagram-receive-smallest.mjs', 'calls', size),
  [LIMIT_LOOP]: smallest('clients/datagram-receive-smallest.mjs', 'loop', size),
  [LIMIT_MMSG]: smallest('clients/datagram-receive-smallest.mjs', 'mmsg', size),
  'bsd-sockets, recvfrom (new Buffer, address)': node('clients/datagram-receive-bsd.mjs', 'recvfrom', size),
  [OURS_EACH]: node('clients/datagram-receive-bsd.mjs', 'listener', size),
  [OURS_LOOP]: node('clients/datagram-receive-bsd.mjs', 'messages', size),
  [OURS_INTO]: node('clients/datagram-receive-bsd.mjs', 'into', size),
  [OURS_MMSG]: node('clients/datagram-receive-bsd.mjs', 'mmsg', size),
  [OURS_BARE]: node('clients/datagram-receive-bsd.mjs', 'bare', size),
})
const trains = size => ({
  ...single(size),
  [GRO]: c('datagram_receive', 'gro', size),
  'bsd-sockets, GRO with recvmsg': node('clients/datagram-receive-bsd.mjs', 'gro', size),
  [OURS_GRO]: node('clients/datagram-receive-bsd.mjs', 'gro-mmsg', size),
})

const table = (size, flood, variants, goals = []) => ({
  title: `UDP receivers, ${size} B, ${flood === 'gso' ? 'datagrams come in bursts' : 'datagrams come singly'}`,
  transport: 'udp',
  smoke: size === 1200,
  variants: Object.entries(variants(size)).map(([name, client]) => ({
    name,
    server: c('datagram_flood', flood, size),
    client,
  })),
  columns: perMessage('datagrams', 'client', [
    ['C recvmmsg', MMSG],
    ['C recvfrom', C],
    ['Node', NODE],
    ['Bun', BUN],
  ]),
  goals: goals.map(goal => ({ metric: 'rate', ...goal })),
})

// The loop that most programs write: an object for each datagram, with its sender.
const loop = (row, atLeast) => [
  { row, of: OURS_LOOP, limit: LIMIT_LOOP, to: NODE, atLeast },
  { row, of: OURS_LOOP, limit: LIMIT_LOOP, to: BUN, atLeast: { must: 1 } },
]

export default {
  name: 'udp-receive',
  tables: [
    table(64, 'gso', trains, loop('14a', { must: 2 })),
    table(1200, 'gso', trains, [
      // The programs in C and on the smallest addon ask for no addresses. Node and Bun tell them.
      { row: '2d', of: OURS_BARE, limit: LIMIT_MMSG, to: MMSG, atLeast: { must: 0.85, stretch: 0.92 } },
      { row: '2d', of: OURS_BARE, limit: LIMIT_MMSG, metric: 'clientCpu', to: MMSG, atMost: { must: 1.1 } },
      // The sender is the slower end. It sends fastest to a program that blocks in recvmmsg(2), so that is the limit.
      { row: '2d', of: OURS_MMSG, limit: MMSG, to: NODE, atLeast: { must: 4 } },
      { row: '2d', of: OURS_MMSG, limit: MMSG, to: BUN, atLeast: { must: 2 } },
      { row: '2e', of: OURS_EACH, limit: LIMIT_CALLS, to: NODE, atLeast: { must: 2.5, stretch: 3.5 } },
      { row: '2e', of: OURS_EACH, limit: LIMIT_CALLS, to: BUN, atLeast: { must: 1.2 } },
      { row: '2f', of: OURS_GRO, limit: GRO, to: GRO, atLeast: { must: 0.9, stretch: 0.97 } },
      { row: '2f', of: OURS_GRO, limit: GRO, to: NODE, atLeast: { must: 20 } },
      ...loop('14b', { must: 2 }),
    ]),
    table(8192, 'gso', trains, loop('14c', { must: 1.3 })),
    table(1200, 'mmsg', single, [
      {
        row: '2g',
        of: OURS_INTO,
        limit: LIMIT_CALL, // without promises: even a callback for each datagram costs more than the bound
        metric: 'clientCpu',
        to: NODE,
        atMost: { must: 0.8, stretch: 0.7 },
      },
    ]),
  ],
}
