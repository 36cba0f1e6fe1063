/*
 * A caller that has used up the stack: any call inside of the package may throw. The call may fail, but no other socket
 * may notice. Each script makes the same call again and again while it leaves a deep recursion, so that the stack ends
 * at another place in each call.
 */
import { runNode } from '../helpers/child'

const sweep = `
  process.on('unhandledRejection', () => {}) // the caller's own catch() may be what throws
  const ignore = () => {}
  // Frames of 64 words, and a start that moves by two words: the stack ends at every place.
  const filler = Array(60)
  // Only the deepest calls of each recursion fail. After each, the caller has the whole stack.
  function sweep(call, afterwards = ignore) {
    for (let words = 0; words < 64; words += 2) {
      let left = PAIRS
      function dive() {
        try {
          dive(...filler)
        } catch {}
        if (left-- <= 0) return
        try {
          call(left)?.then(ignore, ignore)
        } catch {}
      }
      dive(...Array(words))
      afterwards()
    }
  }
  const PAIRS = 100
  const pairs = Array.from({ length: PAIRS }, () => Socket.pair())
  const closeAll = () => pairs.flat().forEach(socket => socket.close())
`
const waits = 'for (const [a] of pairs) a.recv(1).catch(ignore)'
const calls: [name: string, before: string, call: string][] = [
  ['a receive', '', 'at => pairs[at][0].recv(10)'],
  ['a receive with a timeout', '', 'at => pairs[at][0].recv(10, { timeout: 50 })'],
  ['a send of descriptors', '', 'at => pairs[at][0].sendFds(Buffer.alloc(1), [pairs[at][1]])'],
  ['unref', waits, 'at => void pairs[at][0].unref()'],
  ['ref', `${waits}; for (const [a] of pairs) a.unref()`, 'at => void pairs[at][0].ref()'],
  ['close', waits, 'at => void pairs[at][0].close()'],
  ['a transfer from a file', '', 'at => pairs[at][0].sendfile("/proc/self/stat")'],
  ['a lookup', 'const { getaddrinfo } = c', 'at => getaddrinfo("127.0.0.1", 80)'],
]

// The timer does not keep the process alive, but the waiting receive does.
test.each(calls)(
  '%s: the process lives while another socket waits, and ends afterwards',
  async (_name, before, call) => {
    const script = `${sweep}
      ${before}
      sweep(${call})
      closeAll()
      const [a, b] = Socket.pair()
      setTimeout(() => a.trySend(Buffer.from('x')), 100).unref()
      b.recv(1).then(data => {
        console.log(String(data))
        a.close()
        b.close()
      })`
    expect(await runNode(script)).toMatchObject({ code: 0, signal: null, stdout: 'x\n' })
  },
)

// The sockets stay open after the calls, and are used again.
const states: [name: string, script: string][] = [
  [
    'unref() that failed can be repeated',
    `for (const [a] of pairs) a.recv(1, { timeout: 60000 }).catch(ignore)
    sweep(at => void pairs[at][0].unref())
    for (const [a] of pairs) a.unref() // the process ends, although the receives wait
    console.log('done')`,
  ],
  [
    'the signal of a receive that failed ends no later receive',
    `const leaving = new AbortController()
    const { signal } = leaving
    require('node:events').setMaxListeners(0, signal)
    const bytes = Buffer.alloc(1)
    const later = []
    sweep(
      at => pairs[at][0].recvInto(bytes, { signal, timeout: 60000 }),
      () => later.push(...pairs.map(([a]) => a.recvInto(bytes).catch(error => error.code))),
    )
    leaving.abort()
    setImmediate(async () => {
      closeAll()
      if ((await Promise.all(later)).every(code => code === 'ECANCELED')) console.log('done')
    })`,
  ],
  [
    'the timer of a receive that failed ends no later receive',
    `const bytes = Buffer.alloc(1)
    for (const [a] of pairs) a.unref()
    const later = []
    sweep(
      at => pairs[at][0].recvInto(bytes, { timeout: 50 }),
      () => later.push(...pairs.map(([a]) => a.recvInto(bytes).catch(error => error.code))),
    )
    setTimeout(async () => {
      closeAll()
      if ((await Promise.all(later)).every(code => code === 'ECANCELED')) console.log('done')
    }, 100) // after all timers of 50 ms`,
  ],
  [
    'the signal of a lookup that failed has no effect',
    `const leaving = new AbortController()
    const { signal } = leaving
    require('node:events').setMaxListeners(0, signal)
    sweep(() => c.getaddrinfo('127.0.0.1', 80, { signal, timeout: 60000 }))
    leaving.abort()
    closeAll()
    console.log('done')`,
  ],
  [
    'a job that failed to start does not start later',
    `const { Jobs } = require('./dist/reactor/jobs')
    const jobs = new Jobs(Infinity)
    let [last, late] = [null, 0]
    sweep(() => {
      const own = (last = {})
      jobs.submit(() => (late += own !== last, 0), ignore)
    })
    closeAll()
    if (late === 0) console.log('done')`,
  ],
  [
    'detach() loses no descriptor',
    `const detached = new Map()
    sweep(at => void detached.set(at, pairs[at][0].detach()))
    pairs.forEach(([a], at) => assert.equal(a.closed, detached.has(at)))
    closeAll()
    console.log('done')`,
  ],
  [
    'a socket is deferred again',
    `const sent = 64 + 64
    for (const [a, b] of pairs) {
      b.trySend(Buffer.alloc(sent))
      for (let i = 0; i < 64; i++) a.recv(1) // as many as complete in one turn
    }
    sweep(at => pairs[at][0].recv(1))
    const later = pairs.map(([a]) => a.recv(1))
    Promise.all(later).then(() => {
      closeAll()
      console.log('done')
    })`,
  ],
]

test.each(states)('%s', async (_name, script) => {
  expect(await runNode(sweep + script)).toMatchObject({ code: 0, signal: null, stdout: 'done\n' })
})
