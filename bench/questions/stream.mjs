// How fast are stream writes and reads?
import { perByte } from '../lib/columns.mjs'
import { bun, c, node, python, smallest } from '../lib/commands.mjs'

const C = 'C'
const NODE = 'Node net'
const BUN = 'Bun'
const LIMIT = 'the smallest addon, await'
const OURS = 'bsd-sockets'
const OURS_LOWAT = 'bsd-sockets, SO_RCVLOWAT 1 MiB'

const clients = direction => ({
  [C]: c('stream_client', direction),
  [NODE]: node('clients/stream-net.mjs', direction),
  [BUN]: bun('clients/stream-bun.mjs', direction),
  Python: python('clients/stream.py', direction),
  // The limit of an addon: see questions/pingpong.mjs.
  [LIMIT]: smallest('clients/stream-smallest.mjs', direction),
  [OURS]: node('clients/stream-bsd.mjs', direction),
})

const table = (transport, direction, goals = [], more = {}) => ({
  title:
    direction === 'send'
      ? `Stream, 64 KiB writes, ${transport}, into a C sink that never sleeps`
      : `Stream, reads into 256 KiB, ${transport}, from a C source that never sleeps`,
  transport,
  variants: Object.entries({ ...clients(direction), ...more }).map(([name, client]) => ({
    name,
    server: c('stream_server', direction === 'send' ? 'sink' : 'source'),
    client,
  })),
  columns: perByte('client', [
    ['C', C],
    ['Node', NODE],
    ['Bun', BUN],
  ]),
  goals: goals.map(goal => ({ of: OURS, limit: LIMIT, metric: 'rate', ...goal })),
})

const cpu = { row: '5c', metric: 'clientCpu' }

export default {
  name: 'stream',
  tables: [
    table('unix', 'send', [
      { row: '5a', to: C, atLeast: { must: 0.8, stretch: 0.92 } },
      { row: '5a', to: BUN, atLeast: { stretch: 1 } },
    ]),
    table('unix', 'recv', [
      { row: '5b', to: C, atLeast: { must: 0.95, stretch: 1 } },
      { row: '5b', to: NODE, atLeast: { must: 1.6 } },
    ]),
    table('tcp', 'send'),
    table(
      'tcp',
      'recv',
      [
        { ...cpu, to: C, atMost: { must: 1.6 } },
        { ...cpu, to: NODE, atMost: { must: 0.5 } },
        { ...cpu, of: OURS_LOWAT, limit: undefined, to: C, atMost: { stretch: 1.2 } },
      ],
      { [OURS_LOWAT]: node('clients/stream-bsd.mjs', 'recv', 1 << 20) },
    ),
  ],
}
