// How much does it cost to send a file of 1 GiB over TCP?
import { perByte } from '../lib/columns.mjs'
import { bun, c, node, python, shell, smallest } from '../lib/commands.mjs'
import { fixed } from '../lib/text.mjs'

const C = 'C sendfile, epoll'
// These check before each call that the part is in the page cache. Any server that must not wait for a disk pays for this.
const ASKS = 'C sendfile, epoll, asks the page cache'
const LIMIT = 'the smallest addon, asks the page cache'
const PIPE = 'Node createReadStream().pipe()'
const NGINX = 'nginx sendfile'
const OURS = 'bsd-sockets, sendfile'
const IDLE = 'an idle loop'

const server =
  (make, ...args) =>
  ({ file }) =>
    make(...args.map(arg => arg ?? file))
const FILE = undefined
const servers = {
  [C]: server(c, 'file_server', FILE),
  [ASKS]: server(c, 'file_server', FILE, 'ask'),
  [LIMIT]: server(smallest, 'servers/file-smallest.mjs', FILE),
  'C read + send 64 KiB': server(c, 'file_server', FILE, 'copy'),
  [PIPE]: server(node, 'servers/file-net.mjs', FILE, 'pipe'),
  'Node pipe, pieces of 1 MiB': server(node, 'servers/file-net.mjs', FILE, 'large'),
  'Node stream.pipeline': server(node, 'servers/file-net.mjs', FILE, 'pipeline'),
  [NGINX]: server(shell, 'nginx', 'servers/file-nginx.sh', FILE),
  'Bun.serve(Bun.file)': server(bun, 'servers/file-bun.mjs', FILE),
  'Python socket.sendfile': server(python, 'servers/file.py', FILE),
  [OURS]: server(node, 'servers/file-bsd.mjs', FILE),
}

const table = (mode, title, goals) => ({
  title: `A file of 1 GiB over TCP, ${title}`,
  transport: 'tcp',
  file: 1 << 30,
  variants: Object.entries(servers).map(([name, each]) => ({
    name,
    server: each,
    client: c('file_sink', mode),
  })),
  columns: perByte(
    'server',
    [
      ['C', C],
      ['pipe', PIPE],
      ['nginx', NGINX],
    ],
    [{ title: 'grown MiB', metric: 'grown', format: fixed(1) }],
  ),
  goals: goals.map(goal => ({ of: OURS, ...goal })),
})

const cold =
  style =>
  ({ file }) =>
    node('clients/file-cold.mjs', file, style)
const coldTable = {
  title: 'A file of 1 GiB that is not in the page cache, and the delay of the event loop',
  transport: 'tcp',
  // On one core, the threads of the pool would compete with the event loop for the core and delay it.
  place: 'any',
  file: 1 << 30,
  rounds: 3,
  variants: [
    { name: PIPE, server: c('stream_server', 'sleeper'), client: cold('pipe') },
    { name: OURS, server: c('stream_server', 'sleeper'), client: cold('bsd') },
    { name: IDLE, server: c('stream_server', 'sleeper'), client: cold('idle') },
  ],
  columns: [
    ...perByte('client', [['pipe', PIPE]]),
    { title: 'delay ms, most', metric: 'delay', format: fixed(2) },
    { title: 'delay ms, p99', metric: 'delay99', format: fixed(2) },
    { title: 'waited for a core, ms', metric: 'waited', format: fixed(1) },
  ],
  goals: [{ row: '1e', of: OURS, metric: 'delay', unit: 'ms', atMost: { must: 5 } }],
}

export default {
  name: 'file',
  tables: [
    table('spin', 'into a sink that never sleeps', [
      { row: '1a', metric: 'rate', to: C, limit: LIMIT, atLeast: { must: 0.93, stretch: 0.98 } },
      { row: '1a', metric: 'rate', to: PIPE, limit: LIMIT, atLeast: { must: 3.3, stretch: 3.8 } },
      { row: '1a', metric: 'rate', to: NGINX, atLeast: { stretch: 1 } },
      { row: '1b', metric: 'serverCpu', to: C, limit: LIMIT, atMost: { must: 1.1, stretch: 1.03 } },
      { row: '1b', metric: 'serverCpu', to: PIPE, limit: LIMIT, atMost: { must: 0.28 } },
      { row: '1b', metric: 'serverCpu', to: NGINX, atMost: { stretch: 1 } },
      { row: '1c', metric: 'grown', unit: 'MiB', atMost: { must: 2, stretch: 1 } },
    ]),
    table('block', 'into a sink that sleeps and copies', [
      { row: '1d', metric: 'rate', to: C, limit: LIMIT, atLeast: { must: 0.95 } },
      { row: '1d', metric: 'rate', to: PIPE, limit: LIMIT, atLeast: { must: 1.7 } },
      { row: '1d', metric: 'rate', to: NGINX, atLeast: { stretch: 1 } },
    ]),
    coldTable,
  ],
}
