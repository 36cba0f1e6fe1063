// What does one round trip cost when both ends await, and share a core?
import { c, node, runPair } from './lib/pair.mjs'
import { fixed, short } from './lib/text.mjs'

const SIZE = 64

const C = 'C epoll'
const NODE = 'Node net'
const OURS = 'bsd-sockets'

const cClient = (address, { warmup, seconds }, pid) => [
  ...c('echo_client'),
  address,
  ...[1, SIZE, warmup, seconds, pid].map(String),
]
const nodeClient =
  name =>
  (address, { warmup, seconds }, pid) => [
    ...node('clients', name),
    address,
    ...[warmup, seconds, pid].map(String),
  ]

const ends = {
  [C]: { server: c('echo_server'), client: cClient },
  [NODE]: { server: node('servers', 'echo-net.mjs'), client: nodeClient('pingpong-net.mjs') },
  [OURS]: { server: node('servers', 'echo-bsd.mjs'), client: nodeClient('pingpong-bsd.mjs') },
  'C client, Node net server': { server: node('servers', 'echo-net.mjs'), client: cClient },
  'C client, bsd-sockets server': { server: node('servers', 'echo-bsd.mjs'), client: cClient },
}

const variant = (name, transport) => ({
  name,
  measure: context =>
    runPair({
      transport,
      directory: context.directory,
      server: ends[name].server,
      client: (address, pid) => ends[name].client(address, context, pid),
      cores: { server: context.cores[0], client: context.cores[0] },
    }),
})

const columns = [
  { title: 'round trips/s', metric: 'rate', format: short },
  { title: 'client CPU us', metric: 'clientCpu', format: fixed(2), brief: true },
  { title: 'server CPU us', metric: 'serverCpu', format: fixed(2), brief: true },
  { title: '/ C', metric: 'rate', to: C, format: fixed(2) },
  { title: '/ Node', metric: 'rate', to: NODE, format: fixed(2) },
]

const pingpong = (transport, goals) => ({
  title: `Round trips of ${SIZE} B, one connection, both ends on one core, ${transport}`,
  variants: Object.keys(ends).map(name => variant(name, transport)),
  columns,
  goals: goals.map(goal => ({ of: OURS, metric: 'rate', ...goal })),
})

export default {
  name: 'pingpong',
  tables: [
    pingpong('unix', [
      { to: C, atLeast: 0.65 },
      { to: NODE, atLeast: 1.15 },
    ]),
    pingpong('tcp', [
      { to: C, atLeast: 0.7 },
      { to: NODE, atLeast: 1.12 },
    ]),
  ],
}
