'use strict'

/*
 * A socket that libuv watches, as it alone is busy.
 *
 * It goes back to the poller while the kernel has no room for it there: no event is lost, and an operation that cannot wait
 * fails. After a send that took long, its next receive is tried at once: the peer may have run meanwhile, and answered.
 */
const assert = require('node:assert')
const { inspect } = require('node:util')
const { scene, tcp, unix } = require('../scene.js')

const byte = Buffer.from('x')
const noRoom = { code: 'ENOSPC', syscall: 'epoll_ctl' }

async function exchange(a, b) {
  const data = a.recv(9)
  await b.send(byte)
  assert.strictEqual(String(await data), 'x')
}

const SECOND = 1e9 // ns. A real send takes a few microseconds, so that its own time makes no difference

/** Sends while the clock advances. */
async function sendFor({ faults }, socket, takes) {
  faults.fail({ call: 'sendto', takes })
  await socket.send(byte)
  faults.fail({ call: 'recvfrom' })
}

/** Makes `a` send while an answer is there that no event has told of. Returns whether the next receive takes it at once. */
async function isTried(tools, a, b, takes) {
  b.trySend(byte)
  while (a.tryRecv(1, tools.bsd.MSG_PEEK) === null);
  await sendFor(tools, a, takes)
  const data = a.recv(9)
  const tried = !inspect(data).includes('<pending>')
  assert.strictEqual(String(await data), 'x')
  return tried
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
  'after a send that took long, a receive takes the answer at once': direct(async (tools, a, b) => {
    const tried = []
    for (const seconds of [5, 4, 10, 5, 50, 500, 5]) tried.push(await isTried(tools, a, b, seconds * SECOND))
    assert.deepStrictEqual(tried, [false, false, true, false, true, true, false])
  }),
  'a receive that is tried and finds nothing waits': direct(async (tools, a, b) => {
    await sendFor(tools, a, SECOND)
    await sendFor(tools, a, 9 * SECOND)
    const data = a.recv(9)
    const tries = tools.faults.made('recvfrom')
    await b.send(byte)
    assert.strictEqual(String(await data), 'x')
    assert.strictEqual(tries, 1)
  }),
  'a receive that waits during such a send gets its data': direct(async (tools, a, b) => {
    await sendFor(tools, a, SECOND)
    const data = a.recv(9)
    b.trySend(byte)
    await sendFor(tools, a, 9 * SECOND)
    assert.strictEqual(String(await data), 'x')
    await exchange(a, b)
  }),
}
