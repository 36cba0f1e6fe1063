'use strict'

/*
 * Many calls fail, or do a part, and the work is done all the same: nothing is lost, and nobody hears of it.
 */
const { work, parts } = require('../work.js')

const SEEDS = 5

/** What a signal may interrupt. */
const interruptible = [
  'accept4', 'connect', 'close', 'recvfrom', 'recvmsg', 'recvmmsg', 'sendto', 'sendmsg', 'sendmmsg', 'sendfile',
  'splice', 'read', 'write', 'poll', 'epoll_wait', 'bind', 'listen', 'setsockopt', 'ioctl', 'shutdown',
] // prettier-ignore

function storm(rules, { only, calls = Infinity } = {}) {
  return {
    calls,
    cpu: Infinity,
    async run(tools) {
      const { faults } = tools
      for (let seed = 1; seed <= SEEDS; seed++) {
        faults.fail(...rules.map((rule, i) => ({ permille: 400, seed: seed * 7919 + i, ...rule })))
        await work(tools, only)
        faults.clear()
      }
    },
  }
}

module.exports = {
  'EINTR from everything that a signal interrupts': storm(
    interruptible.map(call => ({ call, error: 'EINTR' })),
  ),
  // Of a kernel that is short of memory. No edge follows.
  'EAGAIN from sockets that are writable': storm(
    ['sendto', 'sendmsg', 'sendmmsg', 'sendfile'].map(call => ({ call, error: 'EAGAIN' })),
    { only: parts.filter(each => each !== 'blocking') },
  ),
  'a few bytes at a time, read': storm(
    ['recvmsg', 'splice', 'read'].map(call => ({ call, most: 7 })),
    { only: ['file', 'relayed'] },
  ),
  'a few bytes at a time, written': storm(
    ['sendto', 'sendfile', 'splice', 'write'].map(call => ({ call, most: 11 })),
    { only: ['tcp', 'file', 'relayed', 'blocking'] },
  ),
  'one message at a time': storm(
    ['sendmmsg', 'recvmmsg'].map(call => ({ call, most: 1, permille: 1000 })),
    { only: ['datagrams'] },
  ),
}
