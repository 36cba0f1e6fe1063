// How fast is a server that has many busy connections and awaits each message?
import { perMessage } from '../lib/columns.mjs'
import { bun, c, node, python, smallest } from '../lib/commands.mjs'

const CONNECTIONS = 64
const SIZE = 64

const C = 'C epoll'
const NODE = 'Node net'
const BUN = 'Bun'
const LIMIT = 'the smallest addon, one epoll, await'
const OURS = 'bsd-sockets, recvInto'

const client = c('echo_client', CONNECTIONS, SIZE)
const servers = {
  [C]: c('echo_server'),
  [NODE]: node('servers/echo-net.mjs'),
  'Node net, for await': node('servers/echo-net.mjs', 'iterate'),
  [BUN]: bun('servers/echo-bun.mjs'),
  'Python epoll': python('servers/echo.py'),
  // The limit of an addon: see questions/pingpong.mjs.
  'the smallest addon': smallest('servers/echo-smallest.mjs', 'call'),
  'the smallest addon, await': smallest('servers/echo-smallest.mjs', 'await'),
  // Its wake-ups are shared by all connections that are ready, as in the package and in C.
  [LIMIT]: smallest('servers/echo-smallest.mjs', 'gather'),
  [OURS]: node('servers/echo-bsd.mjs'),
  'bsd-sockets, recvInto 64 of 64 B': node('servers/echo-bsd.mjs', 'recvInto', SIZE),
  'bsd-sockets, recv (new Buffer)': node('servers/echo-bsd.mjs', 'recv', 4096),
}

const echo = (transport, goals) => ({
  title: `Busy echo server, ${CONNECTIONS} connections, ${SIZE} B outstanding on each, ${transport}`,
  transport,
  variants: Object.entries(servers).map(([name, server]) => ({ name, server, client })),
  columns: perMessage('messages', 'server', [
    ['C', C],
    ['Node', NODE],
    ['Bun', BUN],
  ]),
  goals: goals.map(goal => ({ of: OURS, limit: LIMIT, metric: 'rate', ...goal })),
})

const cpu = { row: '4c', metric: 'serverCpu', to: C }

export default {
  name: 'echo',
  tables: [
    echo('unix', [
      { row: '4a', to: C, atLeast: { must: 0.75, stretch: 0.85 } },
      { row: '4a', to: NODE, atLeast: { must: 1.9 } },
      { row: '4a', to: BUN, atLeast: { must: 1 } },
      { ...cpu, atMost: { must: 1.35, stretch: 1.2 } },
      { row: '12', metric: 'serverCpu', minus: C, unit: 'us', atMost: { must: 0.65, stretch: 0.4 } },
    ]),
    echo('tcp', [
      { row: '4b', to: C, atLeast: { must: 0.88, stretch: 0.93 } },
      { row: '4b', to: NODE, atLeast: { must: 1.4 } },
      { row: '4b', to: BUN, atLeast: { must: 1 } },
      { ...cpu, atMost: { must: 1.18, stretch: 1.1 } },
    ]),
  ],
}
