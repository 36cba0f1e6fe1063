// How many datagrams go over AF_UNIX?
import { perMessage } from '../lib/columns.mjs'
import { c, node, npm, python, smallest } from '../lib/commands.mjs'
import { needsRoot } from '../lib/machine.mjs'

const SIZE = 1024

const C = 'C mmsg'
const UNIX_DGRAM = 'unix-dgram'
const NODE_UNIX = 'node-unix-socket'
const LIMIT = 'the smallest addon, mmsg'
const OURS = 'bsd-sockets, mmsg'

const packages = direction =>
  Object.fromEntries(
    [UNIX_DGRAM, NODE_UNIX, 'posix-socket'].map(name => [
      name,
      npm(name, 'clients/datagram-npm.mjs', direction, SIZE),
    ]),
  )
const senders = {
  [C]: c('datagram_send', 'mmsg', SIZE),
  'C send': c('datagram_send', 'send', SIZE),
  ...packages('send'),
  Python: python('clients/datagram-send.py', SIZE),
  // The limit of an addon: see questions/pingpong.mjs.
  [LIMIT]: smallest('clients/datagram-send-smallest.mjs', 'mmsg', SIZE),
  [OURS]: node('clients/datagram-send-bsd.mjs', 'mmsg', SIZE),
  'bsd-sockets, send': node('clients/datagram-send-bsd.mjs', 'send', SIZE),
  'bsd-sockets, sendto': node('clients/datagram-send-bsd.mjs', 'sendto', SIZE),
}
const receivers = {
  [C]: c('datagram_receive', 'mmsg', SIZE),
  'C recvfrom': c('datagram_receive', 'recvfrom', SIZE),
  ...packages('recv'),
  Python: python('clients/datagram-receive.py', SIZE),
  [LIMIT]: smallest('clients/datagram-receive-smallest.mjs', 'mmsg', SIZE),
  [OURS]: node('clients/datagram-receive-bsd.mjs', 'mmsg', SIZE),
  'bsd-sockets, recvInto': node('clients/datagram-receive-bsd.mjs', 'into', SIZE),
}
// Client and server use the same API. AF_UNIX loses no datagrams, so the sender's count equals the receiver's.
const sinks = {
  [C]: c('datagram_sink', 'block'),
  [UNIX_DGRAM]: npm(UNIX_DGRAM, 'servers/datagram-npm.mjs'),
  [NODE_UNIX]: npm(NODE_UNIX, 'servers/datagram-npm.mjs'),
  Python: python('servers/datagram.py', SIZE),
  [LIMIT]: smallest('servers/datagram-smallest.mjs', SIZE),
  [OURS]: node('servers/datagram-bsd.mjs', SIZE),
}

const table = (title, variants, goals) => ({
  title: `AF_UNIX datagrams of ${SIZE} B, ${title}`,
  transport: 'dgram',
  // Runs in its own namespace with a longer queue. The default of 10 datagrams would measure how fast the receiver
  // wakes.
  network: 'echo 512 >/proc/sys/net/unix/max_dgram_qlen',
  needs: needsRoot,
  variants,
  columns: perMessage('datagrams', 'client', [
    ['C', C],
    ['unix-dgram', UNIX_DGRAM],
    ['node-unix-socket', NODE_UNIX],
  ]),
  goals: goals.map(goal => ({ of: OURS, limit: LIMIT, metric: 'rate', ...goal })),
})
const from = (server, clients) => Object.entries(clients).map(([name, client]) => ({ name, server, client }))

export default {
  name: 'unix-dgram',
  tables: [
    table(
      'the same API at both ends',
      Object.entries(sinks).map(([name, server]) => ({ name, server, client: senders[name] })),
      [
        { row: '6a', to: C, atLeast: { must: 0.83, stretch: 0.92 } },
        { row: '6a', to: UNIX_DGRAM, atLeast: { must: 2.5 } },
        { row: '6a', to: NODE_UNIX, atLeast: { must: 3.2 } },
      ],
    ),
    table('senders, into a C sink that never sleeps', from(c('datagram_sink'), senders), [
      { row: '6b', to: C, atLeast: { must: 0.92, stretch: 0.97 } },
    ]),
    table('receivers, flooded from C', from(c('datagram_flood', 'mmsg', SIZE), receivers), [
      { row: '6b', to: C, atLeast: { must: 0.86, stretch: 0.93 } },
    ]),
  ],
}
