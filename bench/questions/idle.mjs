// How much memory does an idle connection cost?
import { bun, c, nodeGc, python } from '../lib/commands.mjs'
import { fixed } from '../lib/text.mjs'

const CONNECTIONS = 10_000

const NODE = 'Node net'
const OURS = 'bsd-sockets, accepted'

const servers = {
  'C epoll': c('accept_server', 'hold'),
  [NODE]: nodeGc('servers/accept-net.mjs', 'hold'),
  Bun: bun('servers/accept-bun.mjs', 'hold'),
  'Python epoll': python('servers/accept.py', 'hold'),
  [OURS]: nodeGc('servers/accept-bsd.mjs', 'hold'),
  'bsd-sockets, with a recvInto that waits': nodeGc('servers/accept-bsd.mjs', 'wait'),
}

const table = (transport, goals = []) => ({
  title: `${CONNECTIONS.toLocaleString('en')} idle connections, ${transport}`,
  transport,
  rounds: 1,
  alone: true, // V8 gives memory back when a program has been idle for some seconds
  variants: Object.entries(servers).map(([name, server]) => ({
    name,
    server,
    client: ({ smoke }) => c('idle_client', ...(smoke ? [CONNECTIONS / 20, 0.02] : [CONNECTIONS, 0.35])),
  })),
  columns: [
    {
      title: 'bytes of RSS each',
      metric: 'memory',
      format: fixed(0),
      chart: 'bytes of RSS for each connection',
    },
    { title: 'CPU us to take one', metric: 'serverCpu', format: fixed(1) },
    { title: '/ Node', metric: 'memory', to: NODE, format: fixed(2) },
  ],
  goals: goals.map(goal => ({ row: '9', of: OURS, metric: 'memory', ...goal })),
})

export default {
  name: 'idle',
  tables: [
    table('tcp', [
      { unit: 'B', atMost: { must: 600, stretch: 400 } },
      { to: NODE, atMost: { must: 0.18 } },
    ]),
    table('unix'),
  ],
}
