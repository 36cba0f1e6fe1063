'use strict'

/*
 * Sweeps: the first call of a kind fails, then the second, and so on until every call has failed once. Each time the
 * work ends, with or without an error, and leaks nothing.
 */
const assert = require('node:assert')
const { work, parts } = require('../work.js')

/** The errors with which each call may fail, and the name of the call in the error if it differs. */
const calls = {
  'socket': ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EACCES'],
  'socketpair': ['EMFILE', 'ENFILE'],
  'accept4': ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'ECONNABORTED'],
  'dup': ['EMFILE'],
  'pipe2': ['EMFILE', 'ENFILE'],
  'epoll_ctl': ['ENOMEM', 'ENOSPC'],
  'bind': ['EADDRINUSE', 'ENOMEM'],
  'listen': ['EADDRINUSE'],
  'connect': ['ECONNREFUSED', 'EADDRNOTAVAIL', 'ENOMEM'],
  'getsockname': ['ENOBUFS'],
  'getpeername': ['ENOBUFS'],
  'shutdown': ['EINVAL'],
  'getsockopt': ['ENOMEM'],
  'setsockopt': ['ENOMEM', 'ENOBUFS'],
  'fcntl': ['EMFILE'],
  'recvfrom': ['ECONNRESET', 'ENOMEM', 'ENOBUFS'],
  'recvmsg': ['ECONNRESET', 'ENOMEM'],
  'recvmmsg': ['ECONNREFUSED', 'ENOMEM'],
  'sendto': ['ECONNRESET', 'EPIPE', 'ENOBUFS', 'ENOMEM'],
  'sendmsg': ['ECONNRESET', 'ENOBUFS', 'ENOMEM', 'ETOOMANYREFS'],
  'sendmmsg': ['ENOBUFS', 'ENOMEM'],
  'sendfile': ['EIO', 'ECONNRESET', 'ENOMEM'],
  'splice': ['EIO', 'ECONNRESET', 'ENOMEM', 'EINVAL'],
  'cachestat': ['ENOSYS', 'EINVAL'],
  'preadv2': ['EIO', 'EAGAIN'],
  'poll': ['ENOMEM'],
  'epoll_wait': ['EINTR'],
  'close': ['EIO', 'EINTR', 'ECONNRESET'],
  'getaddrinfo': ['ENOMEM'],
  'getifaddrs': ['ENOMEM', 'EMFILE'],
  'if_nameindex': ['ENOBUFS', 'EMFILE'],
} // prettier-ignore

async function sweep(tools, call, error, codes) {
  const { faults, native } = tools
  let hits = 0
  for (const part of parts) {
    for (let k = 0, hit = true; hit; k++) {
      const where = `${part}, ${call} number ${k + 1}: ${error}`
      const before = tools.descriptors()
      faults.fail({ call, error, skip: k, times: 1 })
      const outcome = await work(tools, [part]).catch(reason => reason)
      hit = faults.injected(call) > 0
      hits += faults.injected(call)
      faults.clear()
      await tools.until(() => native.stats().jobs === 0)
      // A thread closes received descriptors, and on a busy machine the work does not wait for it.
      for (let turn = 0; turn < 1000 && tools.descriptors() > before; turn++) await tools.turn()
      const { slots } = native.stats()
      assert.deepStrictEqual({ where, slots, fds: tools.descriptors() }, { where, slots: 0, fds: before })
      const expected = outcome === undefined || (hit && codes.includes(outcome.code))
      if (!expected) throw Object.assign(outcome, { where })
    }
  }
  assert(hits > 0, `the addon does not call ${call}`)
}

for (const [call, errors] of Object.entries(calls)) {
  exports[`the work ends and leaks nothing when ${call} fails with ${errors.join(', ')}`] = {
    calls: Infinity,
    cpu: Infinity,
    async run(tools) {
      for (const error of errors) await sweep(tools, call, error, [error, 'EAI_SYSTEM'])
    },
  }
}

// Memory: the first allocation of the addon fails, then the second, and so on.
exports['the work ends and leaks nothing when an allocation fails'] = {
  calls: Infinity,
  cpu: Infinity,
  run: tools => sweep(tools, 'alloc', 'ENOMEM', ['ENOMEM', 'EAI_MEMORY']),
}
