// How many requests a second does a static file server answer? The client is the same C program for all servers.
import { perMessage } from '../lib/columns.mjs'
import { file } from '../lib/build.mjs'
import { c, node, shell, smallest } from '../lib/commands.mjs'

const CONNECTIONS = 64

const NGINX = 'nginx sendfile, open_file_cache'
const STREAM = 'Node http, createReadStream().pipe()'
const MEMORY = 'Node http, a Buffer'
const EPOLL = 'C epoll, sendfile'
const ADDON = 'the smallest addon, one epoll'
const AWAITING = 'the smallest addon, one epoll, await'
const OURS = 'bsd-sockets, examples/http-static.mjs'

const example = file('../examples/http-static.mjs')
const inFolder =
  make =>
  ({ directory }) =>
    make(directory)
const servers = {
  [NGINX]: inFolder(folder => shell('nginx', 'servers/http-nginx.sh', folder)),
  [STREAM]: inFolder(folder => node('servers/http-node.mjs', folder, 'stream')),
  [MEMORY]: inFolder(folder => node('servers/http-node.mjs', folder, 'memory')),
  // The least that a server can do. It knows one response, and reads no more of a request than its end.
  [EPOLL]: ({ file: name }) => c('http_server', name),
  [ADDON]: inFolder(folder => smallest('servers/http-smallest.mjs', folder, 'call')),
  [AWAITING]: inFolder(folder => smallest('servers/http-smallest.mjs', folder, 'await')),
  [OURS]: inFolder(folder => shell('node', 'servers/http-bsd.sh', folder, process.execPath, example)),
}

const table = (size, title, goals) => ({
  title: `HTTP, a file of ${title}, ${CONNECTIONS} connections kept alive`,
  transport: 'tcp',
  file: size,
  variants: Object.entries(servers).map(([name, server]) => ({
    name,
    server,
    client: c('http_client', CONNECTIONS, '/file'),
  })),
  columns: perMessage('requests', 'server', [
    ['nginx', NGINX],
    ['stream', STREAM],
    ['Buffer', MEMORY],
  ]),
  goals: goals.map(goal => ({ of: OURS, metric: 'rate', to: NGINX, limit: AWAITING, ...goal })),
})

export default {
  name: 'http',
  tables: [
    table(12, '12 B', [{ row: '13a', atLeast: { must: 0.6 } }]),
    table(100_000, '100 kB', [{ row: '13b', atLeast: { must: 0.8 } }]),
  ],
}
