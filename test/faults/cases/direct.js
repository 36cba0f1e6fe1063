'use strict'

/*
 * A socket that libuv watches, as it alone is busy, goes back to the poller while the kernel has no room for it there. No
 * event is lost, and an operation that cannot wait fails.
 */
const assert = require('node:assert')
const { scene, tcp, unix } = require('../scene.js')

const byte = Buffer.from('x')
const noRoom = { code: 'ENOSPC', syscall: 'epoll_ctl' }

async function exchange(a, b) {
  const data = a.recv(9)
  await b.send(byte)
  assert.strictEqual(String(await data), 'x')
}

/** Runs `use(tools, a, b, fail)` for a pair of each kind. libuv watches `a`. `fail(times)` takes the room. */
function direct(use) {
  return scene(async (tools, own) => {
    for (const make of [tcp, unix]) {
      const [a, b] = await make(tools, own)
      for (let i = 0; i < 100; i++) await exchange(a, b)
      const { faults } = tools
      await use(tools, a, b, times => faults.fail({ call: 'epoll_ctl', error: 'ENOSPC', times }))
      faults.clear()
    }
  })
}

module.exports = {
  'unread data: the next receive returns it, and the next wait fails': direct(async (tools, a, b, fail) => {
    fail(1)
    await b.send(byte)
    for (let i = 0; i < 5; i++) await tools.turn()
    assert.strictEqual(String(await a.recv(9)), 'x')
    await assert.rejects(a.recv(9), noRoom)
    await exchange(a, b)
  }),
  'a reset rejects the receive that waits': direct(async (tools, a, b, fail) => {
    await a.send(byte) // unread data at the peer, so that its close is a reset
    await b.readable()
    const data = a.recv(9)
    fail(9)
    b.close()
    await assert.rejects(data, { code: 'ECONNRESET' })
  }),
  'the last data and the end of the stream are received': direct(async (tools, a, b, fail) => {
    const data = a.recv(9)
    fail(9)
    await b.send(Buffer.from('last'))
    b.close()
    assert.strictEqual(String(await data), 'last')
    assert.strictEqual(String(await a.recv(9)), '')
  }),
  'a send that must wait fails, and the receive that waits does not': direct(async (tools, a, b, fail) => {
    const data = a.recv(9)
    fail(1)
    const fill = async () => {
      for (;;) await a.send(Buffer.alloc(1 << 16))
    }
    await assert.rejects(fill(), noRoom)
    await b.send(byte)
    assert.strictEqual(String(await data), 'x')
  }),
  'a receive that gets EAGAIN after an event fails': direct(async (tools, a, b) => {
    const data = a.recv(9)
    tools.faults.fail(
      { call: 'epoll_ctl', error: 'ENOSPC', times: 2 },
      { call: 'recvfrom', error: 'EAGAIN', times: 2 },
    )
    await b.send(byte)
    await assert.rejects(data, noRoom)
    assert.strictEqual(String(await a.recv(9)), 'x')
  }),
  'another socket that is busy alone stays with the poller': direct(async (tools, a, b, fail) => {
    const [c, d] = tools.bsd.Socket.pair()
    await exchange(c, d)
    const data = a.recv(9)
    fail(1)
    for (let i = 0; i < 100; i++) await exchange(c, d)
    assert.strictEqual(tools.faults.injected('epoll_ctl'), 1)
    await b.send(byte)
    assert.strictEqual(String(await data), 'x')
    for (const each of [c, d]) each.close()
  }),
}
