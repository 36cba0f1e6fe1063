'use strict'

/*
 * The wall clock jumps by a day, forwards and backwards, before and during a wait. A timeout measures elapsed time,
 * so the jump must neither trigger the timeout nor delay it.
 */
const assert = require('node:assert')
const { scene, outcome, thrown, unix, fill, folder, pattern } = require('../scene.js')

const DAY = 24 * 3600 * 1000
const LONG = { timeout: 3600 * 1000 } // shorter than the jump
const SHORT = { timeout: 40 }
const x = Buffer.from('x')

/** Shifts the wall clock by a number of days, and checks that the process reads the shifted time. */
function jump({ faults }, days) {
  faults.jump('realtime', 0)
  const before = Date.now()
  faults.jump('realtime', days * DAY)
  const believed = (Date.now() - before) / DAY
  assert(Math.abs(believed - days) < 0.01, `the clock went ${believed} days on`)
}

/** Shifts the clock while `wait` waits. */
async function during(tools, days, wait, then = () => undefined) {
  jump(tools, 0)
  const ended = outcome(wait)
  await tools.turn()
  jump(tools, days)
  for (let i = 0; i < 5; i++) await tools.turn()
  await new Promise(resolve => setTimeout(resolve, 5))
  then()
  return ended
}

function waits({ bsd }, own) {
  const [a, b] = unix({ bsd }, own)
  const [full, behind] = unix({ bsd }, own)
  fill(full)
  const listener = own(new bsd.Socket()).bind(['127.0.0.1', 0]).listen()
  const client = own(new bsd.Socket())
  const empty = () => {
    while (behind.tryRecv(1 << 20) !== null);
  }
  return [
    [op => b.recv(1, op), () => a.trySend(x)],
    [op => full.send(x, op), empty],
    [op => full.sendAll(x, op), empty],
    [op => listener.accept(op).then(own), () => void outcome(client.connect(listener.getsockname()))],
    [
      op => bsd.poll([{ socket: b, events: bsd.POLLIN }], op).then(([one]) => assert(one, 'nothing')),
      () => a.trySend(x),
    ],
  ]
}

async function promises(tools, own) {
  for (const days of [1, -1]) {
    for (const [start, help] of waits(tools, own)) {
      assert.strictEqual(await during(tools, days, start(LONG), help), 'fulfilled')
    }
    for (const [i, [start]] of waits(tools, own).entries()) {
      const result = await during(tools, days, start(SHORT))
      assert.match(result, i === 4 ? /^ERR_ASSERTION$/ : /^ERR_SOCKET_TIMEOUT/) // poll resolves with an empty list instead
    }
  }
}

/** Shifts the clock each time the thread has slept. */
function whileItSleeps(tools, days, run) {
  const { native } = tools
  const { poll } = native
  jump(tools, 0)
  let polls = 0
  native.poll = (descriptors, timeout) => {
    const result = poll(descriptors, timeout)
    tools.faults.jump('realtime', (polls++ % 2 === 0 ? days : -days) * DAY)
    return result
  }
  try {
    return run()
  } finally {
    native.poll = poll
    assert(polls > 0 && polls < 50, `${polls} times`)
  }
}

async function blocking(tools, own) {
  const { sync, bsd } = tools
  const path = `${folder(own)}/s`
  const [a, b] = sync.Socket.pair().map(own)
  const [from, to] = [0, 0].map(() => own(new sync.Socket(bsd.AF_UNIX, bsd.SOCK_DGRAM)))
  to.bind(path)
  while (from.trySendto(x, path) !== null);
  for (const days of [1, -1]) {
    const late = call =>
      assert.match(
        whileItSleeps(tools, days, () => thrown(call)),
        /^ERR_SOCKET_TIMEOUT/,
      )
    late(() => b.recv(1, SHORT))
    late(() => a.sendAll(pattern(8 << 20), SHORT))
    late(() => from.sendto(x, path, SHORT)) // sleeps repeatedly
    const idle = () => sync.poll([{ socket: from, events: bsd.POLLIN }], 40)
    assert.deepStrictEqual(whileItSleeps(tools, days, idle), [])
    while (b.tryRecv(1 << 20) !== null);
  }
}

async function servers(tools, own) {
  const { bsd } = tools
  for (const days of [1, -1]) {
    const server = bsd.serve(
      await bsd.createServer({ host: '127.0.0.1' }),
      connection => connection.recv(1),
      { onError: () => undefined },
    )
    const client = own(await bsd.createConnection(server.address))
    await tools.until(() => server.connections === 1)
    let over = false
    const patient = server.close({ drain: LONG.timeout }).then(() => (over = true))
    assert.strictEqual(await during(tools, days, tools.turn()), 'fulfilled')
    assert(!over)
    await client.send(x)
    await patient
    const other = bsd.serve(await bsd.createServer({ host: '127.0.0.1' }), connection => connection.recv(1))
    own(await bsd.createConnection(other.address))
    await tools.until(() => other.connections === 1)
    assert.strictEqual(await during(tools, days, other.close({ drain: 40 })), 'fulfilled')
  }
}

module.exports = {
  'operations that wait with promises time out in real time': scene(promises),
  'blocking operations time out in real time': scene(blocking),
  'a server that drains times out in real time': scene(servers),
}
