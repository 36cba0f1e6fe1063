'use strict'

/*
 * Many calls fail or move only a part. The work still completes, without data loss or a visible error.
 */
const assert = require('node:assert')
const { scene, tcp, unix } = require('../scene.js')
const { work } = require('../work.js')

const SEEDS = 5

/** The calls that a signal may interrupt. */
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
  'EINTR from every interruptible call does not disturb the work': storm(
    interruptible.map(call => ({ call, error: 'EINTR' })),
  ),
  // A kernel that is short of memory returns EAGAIN. No edge follows.
  'EAGAIN from writable sockets does not disturb the work': storm(
    ['sendto', 'sendmsg', 'sendmmsg', 'sendfile'].map(call => ({ call, error: 'EAGAIN' })),
  ),
  'a send continues after two EAGAIN from a writable socket that has data to read': scene(
    async (tools, own) => {
      for (const make of [tcp, unix]) {
        const [a, b] = await make(tools, own)
        await b.send(Buffer.from('unread'))
        await a.recv(1, tools.bsd.MSG_PEEK)
        tools.faults.fail({ call: 'sendto', error: 'EAGAIN', times: 2 })
        assert.strictEqual(await a.send(Buffer.from('x')), 1)
        assert.strictEqual(tools.faults.injected('sendto'), 2)
      }
    },
  ),
  'queued sends continue when every second one gets EAGAIN from a writable socket': scene(
    async (tools, own) => {
      for (const make of [tcp, unix]) {
        const [a, b] = await make(tools, own)
        tools.faults.fail({ call: 'sendto', error: 'EAGAIN', every: 2, times: 20 })
        await Promise.all(Array.from('message', each => a.send(Buffer.from(each))))
        assert.strictEqual(String(await b.recv(100)), 'message')
      }
    },
  ),
  'a blocking send that always gets EAGAIN times out and does not spin': scene(
    async (tools, own) => {
      const { sync, faults } = tools
      const [a] = sync.Socket.pair().map(own)
      faults.fail({ call: 'sendto', error: 'EAGAIN' })
      assert.throws(() => a.send(Buffer.from('x'), { timeout: 200 }), { code: 'ERR_SOCKET_TIMEOUT' })
    },
    { calls: 100 },
  ),
  'reads of a few bytes at a time do not disturb the work': storm(
    ['recvmsg', 'splice', 'read'].map(call => ({ call, most: 7 })),
    { only: ['file', 'relayed'] },
  ),
  'writes of a few bytes at a time do not disturb the work': storm(
    ['sendto', 'sendfile', 'splice', 'write'].map(call => ({ call, most: 11 })),
    { only: ['tcp', 'file', 'relayed', 'blocking'] },
  ),
  'batches of one message at a time do not disturb the work': storm(
    ['sendmmsg', 'recvmmsg'].map(call => ({ call, most: 1, permille: 1000 })),
    { only: ['datagrams'] },
  ),
}
