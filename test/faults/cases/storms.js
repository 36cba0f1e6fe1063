'use strict'

/*
 * Many calls fail, or do a part, and the work is done all the same: nothing is lost, and nobody hears of it.
 */
const assert = require('node:assert')
const { scene, tcp, unix } = require('../scene.js')
const { work } = require('../work.js')

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
  ),
  'EAGAIN twice from a socket that is writable, with something to read': scene(async (tools, own) => {
    for (const make of [tcp, unix]) {
      const [a, b] = await make(tools, own)
      await b.send(Buffer.from('unread'))
      await a.recv(1, tools.bsd.MSG_PEEK)
      tools.faults.fail({ call: 'sendto', error: 'EAGAIN', times: 2 })
      assert.strictEqual(await a.send(Buffer.from('x')), 1)
      assert.strictEqual(tools.faults.injected('sendto'), 2)
    }
  }),
  'EAGAIN every other time from a socket that is writable, to sends in a row': scene(async (tools, own) => {
    for (const make of [tcp, unix]) {
      const [a, b] = await make(tools, own)
      tools.faults.fail({ call: 'sendto', error: 'EAGAIN', every: 2, times: 20 })
      await Promise.all(Array.from('message', each => a.send(Buffer.from(each))))
      assert.strictEqual(String(await b.recv(100)), 'message')
    }
  }),
  'EAGAIN without end, the blocking flavour: it times out, and does not spin': scene(
    async (tools, own) => {
      const { sync, faults } = tools
      const [a] = sync.Socket.pair().map(own)
      faults.fail({ call: 'sendto', error: 'EAGAIN' })
      assert.throws(() => a.send(Buffer.from('x'), { timeout: 200 }), { code: 'ERR_SOCKET_TIMEOUT' })
    },
    { calls: 100 },
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
