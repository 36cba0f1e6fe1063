// How many frames does a packet socket capture, with a ring and without?
import { perMessage } from '../lib/columns.mjs'
import { c, node, python } from '../lib/commands.mjs'
import { needsRoot } from '../lib/machine.mjs'

const C = 'C recv'

const table = size => ({
  title: `Capture on lo, UDP datagrams of ${size} B`,
  transport: 'udp',
  network: 'ip link set lo up',
  needs: needsRoot,
  variants: Object.entries({
    [C]: c('capture', 'recv'),
    'C ring, TPACKET_V3': c('capture', 'ring'),
    'Python recv_into': python('clients/capture.py'),
    'bsd-sockets, frames()': node('clients/capture-bsd.mjs', 'plain'),
    'bsd-sockets, frames() with a ring': node('clients/capture-bsd.mjs', 'ring'),
  }).map(([name, client]) => ({ name, server: c('datagram_flood', 'self', size), client })),
  columns: perMessage('frames', 'client', [['C recv', C]]),
})

export default { name: 'capture', tables: [table(64), table(1200)] }
