// How much does one round trip cost when both ends await: on one core, on two, and with busy polling?
import { perMessage } from '../lib/columns.mjs'
import { bun, c, node, python, smallest } from '../lib/commands.mjs'

const SIZE = 64
const MICROSECONDS = 200 // of busy polling

const C = 'C epoll'
const BUSY = 'C busy poll'
const NODE = 'Node'
const LIMIT = 'the smallest addon, await'
const OURS = 'bsd-sockets'
const OURS_BUSY = 'bsd-sockets, busyPoll'

const cClient = (...more) => c('echo_client', 1, SIZE, ...more)
const ends = {
  [C]: { server: c('echo_server'), client: cClient() },
  [NODE]: { server: node('servers/echo-net.mjs'), client: node('clients/pingpong-net.mjs') },
  Bun: { server: bun('servers/echo-bun.mjs'), client: bun('clients/pingpong-bun.mjs') },
  Python: { server: python('servers/echo.py'), client: python('clients/pingpong.py') },
  [OURS]: { server: node('servers/echo-bsd.mjs'), client: node('clients/pingpong-bsd.mjs') },
  // As the Python programs: the client blocks, and the server waits for events.
  'bsd-sockets/sync': { server: node('servers/echo-bsd.mjs'), client: node('clients/pingpong-sync.mjs') },
}
// The limit of an addon: libuv's poll handle, one call for each arrival, and no checks.
const limit = {
  'the smallest addon': {
    server: smallest('servers/echo-smallest.mjs', 'call'),
    client: smallest('clients/pingpong-smallest.mjs', 'call'),
  },
  [LIMIT]: {
    server: smallest('servers/echo-smallest.mjs', 'await'),
    client: smallest('clients/pingpong-smallest.mjs', 'await'),
  },
}
const mixed = {
  'C client, Node server': { server: node('servers/echo-net.mjs'), client: cClient() },
  'C client, bsd-sockets server': { server: node('servers/echo-bsd.mjs'), client: cClient() },
}
const busy = {
  [BUSY]: { server: c('echo_server', 'busy'), client: cClient('busy') },
  [OURS_BUSY]: {
    server: node('servers/echo-bsd.mjs', 'recvInto', 4096, MICROSECONDS),
    client: node('clients/pingpong-bsd.mjs', MICROSECONDS),
  },
}

const table = (transport, place, variants, goals) => ({
  title: `Round trips of ${SIZE} B, one connection, both ends on ${place} core${place === 'two' ? 's' : ''}, ${transport}`,
  transport,
  place,
  variants: Object.entries(variants).map(([name, each]) => ({ name, ...each })),
  columns: perMessage('round trips', 'client', [
    ['C', C],
    ['Node', NODE],
  ]),
  goals: goals.map(goal => ({ of: OURS, metric: 'rate', ...goal })),
})
const onOne = (transport, goals) => table(transport, 'one', { ...ends, ...limit, ...mixed }, goals)
const onTwo = (transport, goals) => table(transport, 'two', { ...ends, ...limit, ...busy }, goals)

const ordinary = { row: '3c', limit: LIMIT, to: C, atLeast: { must: 0.9, stretch: 1 } }
const polled = { row: '3d', of: OURS_BUSY }

export default {
  name: 'pingpong',
  tables: [
    onOne('unix', [
      { row: '3a', limit: LIMIT, to: C, atLeast: { must: 0.65, stretch: 0.75 } },
      { row: '3a', limit: LIMIT, to: NODE, atLeast: { must: 1.15, stretch: 1.3 } },
    ]),
    onOne('tcp', [
      { row: '3b', limit: LIMIT, to: C, atLeast: { must: 0.7, stretch: 0.78 } },
      { row: '3b', limit: LIMIT, to: NODE, atLeast: { must: 1.12 } },
    ]),
    onTwo('unix', [
      ordinary,
      { ...polled, to: C, atLeast: { must: 8, stretch: 12 } },
      { ...polled, to: BUSY, atLeast: { must: 0.6, stretch: 0.75 } },
    ]),
    onTwo('tcp', [
      ordinary,
      { ...polled, to: C, atLeast: { must: 5, stretch: 7 } },
      { ...polled, to: BUSY, atLeast: { must: 0.75, stretch: 0.9 } },
    ]),
    table('udp', 'one', ends, []),
  ],
}
