// How much does each layer add to the cost of one system call?
import { c, node, smallest } from '../lib/commands.mjs'
import { fixed } from '../lib/text.mjs'

const C = 'C'
const LIMIT = 'the smallest addon'
const TRY = 'bsd-sockets, trySend, tryRecvInto, getsockopt'
const calls = { getsockopt: 'getsockopt', recvEmpty: 'recv, nothing there', sendRecv: 'send + recv, 64 B' }

export default {
  name: 'call',
  tables: [
    {
      title: 'One call through each layer, ns of CPU, AF_UNIX stream',
      variants: [
        { name: C, client: c('call') },
        // The limit of an addon: the system call, the arguments that it needs, and no checks.
        { name: LIMIT, client: smallest('clients/call-bsd.mjs', 'smallest') },
        { name: 'bsd-sockets/raw', client: node('clients/call-bsd.mjs', 'raw') },
        { name: TRY, client: node('clients/call-bsd.mjs', 'try') },
        { name: 'bsd-sockets, await', client: node('clients/call-bsd.mjs', 'await') },
      ],
      columns: Object.entries(calls).flatMap(([metric, title]) => [
        { title, metric, format: fixed(0), ...(metric === 'sendRecv' ? { chart: `${title}, ns` } : {}) },
        { title: '- C', metric, minus: C, format: fixed(0), brief: true },
      ]),
      goals: Object.keys(calls).map(metric => {
        // The pair makes two calls, so the allowance is doubled.
        const times = metric === 'sendRecv' ? 2 : 1
        return {
          row: '11',
          of: TRY,
          limit: LIMIT,
          metric,
          minus: C,
          unit: 'ns',
          atMost: { must: 100 * times, stretch: 60 * times },
        }
      }),
    },
  ],
}
