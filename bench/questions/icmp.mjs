// How many ICMP echoes does a raw socket send and receive?
import { perMessage } from '../lib/columns.mjs'
import { c, node, npm, python, smallest } from '../lib/commands.mjs'
import { needsRoot } from '../lib/machine.mjs'

const C = 'C send/recv'
const MMSG = 'C sendmmsg/recvmmsg'
const RAW = 'raw-socket'
const LIMIT = 'the smallest addon, await'
const OURS = 'bsd-sockets'
const OURS_MMSG = 'bsd-sockets, mmsg'

const clients = mode => ({
  [C]: c('icmp', mode),
  [RAW]: npm(RAW, 'clients/icmp-npm.mjs', mode),
  Python: python('clients/icmp.py', mode),
  [OURS]: node('clients/icmp-bsd.mjs', mode),
})

const table = (title, variants, reference, goals) => ({
  title: `ICMP echo on a raw socket, 127.0.0.1, ${title}`,
  network: 'ip link set lo up',
  needs: needsRoot,
  variants: Object.entries(variants).map(([name, client]) => ({ name, client })),
  columns: perMessage('echoes', 'client', [
    ['C', reference],
    ['raw-socket', RAW],
  ]).filter(({ metric }) => !metric.startsWith('server')),
  goals: goals.map(goal => ({ metric: 'rate', ...goal })),
})

export default {
  name: 'icmp',
  tables: [
    table('one outstanding', { ...clients('echo'), [LIMIT]: smallest('clients/icmp-smallest.mjs') }, C, [
      { row: '7a', of: OURS, limit: LIMIT, to: C, atLeast: { must: 0.85, stretch: 0.93 } },
      { row: '7a', of: OURS, to: RAW, atLeast: { must: 1.5 } },
    ]),
    table(
      'flood, 64 outstanding',
      { ...clients('flood'), [MMSG]: c('icmp', 'mmsg'), [OURS_MMSG]: node('clients/icmp-bsd.mjs', 'mmsg') },
      MMSG,
      [
        { row: '7b', of: OURS_MMSG, to: MMSG, atLeast: { must: 0.92, stretch: 0.97 } },
        { row: '7b', of: OURS_MMSG, to: RAW, atLeast: { must: 1.65 } },
      ],
    ),
  ],
}
