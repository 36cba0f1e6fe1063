// How fast is a server with many busy connections that awaits each message?
import { c, node, runPair } from './lib/pair.mjs'
import { fixed, short } from './lib/text.mjs'

const CONNECTIONS = 64
const SIZE = 64

const C = 'C epoll'
const NODE = 'Node net'
const OURS = 'bsd-sockets, recvInto'

const servers = {
  [C]: c('echo_server'),
  [NODE]: node('servers', 'echo-net.mjs'),
  'Node net, for await': [...node('servers', 'echo-net.mjs'), 'iterate'],
  [OURS]: node('servers', 'echo-bsd.mjs'),
  'bsd-sockets, recvInto 64 of 64 B': [...node('servers', 'echo-bsd.mjs'), 'recvInto', String(SIZE)],
  'bsd-sockets, recv (new Buffer)': [...node('servers', 'echo-bsd.mjs'), 'recv', '4096'],
}

const variant = (name, transport) => ({
  name,
  measure: ({ cores, warmup, seconds, directory }) =>
    runPair({
      transport,
      directory,
      server: servers[name],
      client: (address, pid) => [
        ...c('echo_client'),
        address,
        ...[CONNECTIONS, SIZE, warmup, seconds, pid].map(String),
      ],
      cores: { server: cores[0], client: cores[1] },
    }),
})

export const columns = [
  { title: 'messages/s', metric: 'rate', format: short },
  { title: 'server CPU us', metric: 'serverCpu', format: fixed(2) },
  { title: 'server %', metric: 'serverLoad', format: fixed(0), brief: true },
  { title: 'client CPU us', metric: 'clientCpu', format: fixed(2), brief: true },
  { title: '/ C', metric: 'rate', to: C, format: fixed(2) },
  { title: 'CPU / C', metric: 'serverCpu', to: C, format: fixed(2) },
  { title: '/ Node', metric: 'rate', to: NODE, format: fixed(2) },
]

const echo = (transport, goals) => ({
  title: `Busy echo server, ${CONNECTIONS} connections, ${SIZE} B outstanding on each, ${transport}`,
  variants: Object.keys(servers).map(name => variant(name, transport)),
  columns,
  goals: goals.map(goal => ({ of: OURS, ...goal })),
})

export default {
  name: 'echo',
  tables: [
    echo('unix', [
      { metric: 'rate', to: C, atLeast: 0.75 },
      { metric: 'rate', to: NODE, atLeast: 1.9 },
      { metric: 'serverCpu', to: C, atMost: 1.35 },
    ]),
    echo('tcp', [
      { metric: 'rate', to: C, atLeast: 0.88 },
      { metric: 'rate', to: NODE, atLeast: 1.4 },
      { metric: 'serverCpu', to: C, atMost: 1.18 },
    ]),
  ],
}
