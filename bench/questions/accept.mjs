// How many connections does a server accept, and close at once?
import { perMessage } from '../lib/columns.mjs'
import { bun, c, node, python, smallest } from '../lib/commands.mjs'

const C = 'C epoll, accept until EAGAIN'
const NODE = 'Node net'
const LIMIT = 'the smallest addon, await'
const OURS = 'bsd-sockets, accept'

const servers = {
  [C]: c('accept_server', 'close'),
  [NODE]: node('servers/accept-net.mjs', 'close'),
  Bun: bun('servers/accept-bun.mjs', 'close'),
  'Python epoll': python('servers/accept.py', 'close'),
  // The limit of an addon: see questions/pingpong.mjs.
  [LIMIT]: smallest('servers/accept-smallest.mjs'),
  [OURS]: node('servers/accept-bsd.mjs', 'close'),
}

const table = (transport, goals) => ({
  title: `Connections accepted and closed, ${transport}`,
  transport,
  variants: Object.entries(servers).map(([name, server]) => ({ name, server, client: c('accept_client') })),
  columns: perMessage('connections', 'server', [
    ['C', C],
    ['Node', NODE],
  ]),
  goals: goals.map(goal => ({ of: OURS, limit: LIMIT, ...goal })),
})

export default {
  name: 'accept',
  tables: [
    table('tcp', [
      { row: '8a', metric: 'serverCpu', to: C, atMost: { must: 1.2, stretch: 1.1 } },
      { row: '8a', metric: 'serverCpu', to: NODE, atMost: { must: 0.75 } },
    ]),
    table('unix', [
      { row: '8b', metric: 'rate', to: C, atLeast: { must: 1, stretch: 1.15 } },
      { row: '8b', metric: 'rate', to: NODE, atLeast: { must: 2 } },
    ]),
  ],
}
