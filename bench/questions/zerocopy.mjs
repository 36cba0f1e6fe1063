// How much does MSG_ZEROCOPY save if the kernel can avoid the copy?
import { perByte } from '../lib/columns.mjs'
import { c, node, smallest } from '../lib/commands.mjs'
import { needsRoot } from '../lib/machine.mjs'

const PLAIN = 'bsd-sockets, send'
const OURS = 'bsd-sockets, sendZeroCopy'
const BATCH = 'bsd-sockets, sendZeroCopy of 64'
const C = 'C MSG_ZEROCOPY'
const LIMIT = 'the smallest addon, await 64'

const table = (size, goals = []) => ({
  title: `UDP sends of ${size} B from memory that no cache holds, into a queue that drops`,
  // Loopback and veth copy the data later. A device without a carrier drops its queue, so only the sender is measured.
  // The MTU is the largest possible, because the kernel copies a datagram that must be fragmented.
  network:
    'ip link set lo up && ip link add v0 mtu 65535 type veth peer name v1 && ip addr add 10.99.0.1/24 dev v0 && ' +
    'ip link set v0 up && ip neigh add 10.99.0.2 lladdr 02:00:00:00:00:01 dev v0',
  address: 'udp:10.99.0.2:9',
  needs: needsRoot,
  variants: Object.entries({
    'C send': c('zerocopy', size, 'plain'),
    [C]: c('zerocopy', size, 'zerocopy'),
    'C io_uring SEND_ZC': c('zerocopy', size, 'uring'),
    // The limit of an addon: see questions/pingpong.mjs.
    [LIMIT]: smallest('clients/zerocopy-smallest.mjs', size),
    [PLAIN]: node('clients/zerocopy-bsd.mjs', size, 'plain'),
    [OURS]: node('clients/zerocopy-bsd.mjs', size, 'zerocopy'),
    [BATCH]: node('clients/zerocopy-bsd.mjs', size, 'batch'),
  }).map(([name, client]) => ({ name, client })),
  columns: perByte('client', [
    ['C zerocopy', C],
    ['own send', PLAIN],
  ]),
  goals: goals.map(goal => ({ row: '10', of: BATCH, limit: LIMIT, metric: 'rate', ...goal })),
})

export default {
  name: 'zerocopy',
  tables: [
    table(8192),
    table(60000, [
      { to: PLAIN, atLeast: { must: 1.8 } },
      { to: C, atLeast: { stretch: 0.97 } },
    ]),
  ],
}
