// How does bsd-sockets/dgram compare with node:dgram, for code that was written for node:dgram?
import { perMessage } from '../lib/columns.mjs'
import { c, node } from '../lib/commands.mjs'

const SIZE = 64
const NODE = 'Node dgram'
const OURS = 'bsd-sockets/dgram'
const LISTENER = 'bsd-sockets, onMessage'
const ratios = [['Node', NODE]]

const table = (title, measured, variants) => ({
  title: `node:dgram's interface, ${SIZE} B, ${title}`,
  transport: 'udp',
  variants: Object.entries(variants).map(([name, each]) => ({ name, ...each })),
  columns: perMessage('datagrams', measured, ratios),
  goals: [],
})
const flooded = client => ({ server: c('datagram_flood', 'gso', SIZE), client })
const sink = client => ({ server: c('datagram_sink'), client })
const echo = module => ({
  server: node('servers/echo-dgram.mjs', module),
  client: node('clients/pingpong-dgram.mjs', module, SIZE),
})

export default {
  name: 'dgram',
  tables: [
    table('receivers', 'client', {
      [NODE]: flooded(node('clients/datagram-receive-dgram.mjs')),
      [OURS]: flooded(node('clients/datagram-receive-dgram.mjs', 'bsd-sockets/dgram')),
      [LISTENER]: flooded(node('clients/datagram-receive-bsd.mjs', 'listener', SIZE)),
    }),
    table('senders', 'client', {
      [NODE]: sink(node('clients/datagram-send-dgram.mjs', SIZE)),
      [OURS]: sink(node('clients/datagram-send-dgram.mjs', SIZE, 'bsd-sockets/dgram')),
    }),
    table('round trips', 'client', { [NODE]: echo('node:dgram'), [OURS]: echo('bsd-sockets/dgram') }),
  ],
}
