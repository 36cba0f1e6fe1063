import { run, runNode, ensureDist, prelude } from '../helpers/child'
import { missing, testIf } from '../helpers/need'

/*
 * A worker can be terminated between two system calls, when no socket object owns the descriptor of the first one yet.
 * Each body makes descriptors in an endless loop.
 */
const bodies: [name: string, body: string][] = [
  ['new Socket', `for (;;) new Socket().close()`],
  ['pair', `for (;;) for (const socket of Socket.pair()) socket.close()`],
  ['dup', `const socket = new Socket(); for (;;) socket.dup().close()`],
  ['dup of a descriptor', `const socket = new Socket(); for (;;) Socket.dup(socket.fd).close()`],
  ['netns', `for (;;) new Socket(c.AF_UNIX, c.SOCK_STREAM, 0, { netns: '/proc/self/ns/net' }).close()`],
  [
    'received descriptors',
    `const [a, b] = Socket.pair()
     for (;;) {
       a.trySendmsg({ data: Buffer.from('y'), control: [c.control.rights([0, 0, 0])] })
       for (const handle of b.tryRecvFds(2, 3).fds) handle.close()
     }`,
  ],
]
const TERMINATIONS = 12

describe('workers that are terminated at any moment leave no descriptor', () => {
  for (const [name, body] of bodies) {
    testIf(
      missing.linux() ?? (name === 'netns' ? missing.root() : null),
      name,
      async () => {
        ensureDist()
        const worker = `${prelude}; require('node:worker_threads').parentPort.postMessage('now'); setImmediate(() => { ${body} })`
        const script = `
        const { Worker } = require('node:worker_threads')
        const count = () => require('node:fs').readdirSync('/proc/self/fd').length
        const once = () => new Promise((resolve, reject) => {
          const worker = new Worker(${JSON.stringify(worker)}, { eval: true })
          const end = () => worker.terminate().then(resolve)
          worker.on('error', reject).on('message', () => setTimeout(end, 2 + Math.random() * 4))
        })
        async function main() {
          await once()
          await once()
          const before = count()
          for (let i = 0; i < ${TERMINATIONS}; i++) await Promise.all([once(), once()])
          // A thread closes descriptors whose close could wait. On a busy machine that takes until after the worker's end.
          const end = Date.now() + 4000
          while (count() > before && Date.now() < end) await new Promise(resolve => setTimeout(resolve, 5))
          console.log(count() - before)
        }
        main()`
        const ended = await run(process.execPath, ['-e', script], { timeout: 60_000 })
        expect(ended).toEqual({ code: 0, signal: null, stdout: '0\n', stderr: '' })
      },
      70_000,
    )
  }
})

/*
 * The same, without chance: a worker ends when its first call into C++ returns, the next one when the second call
 * returns, and so on until one runs to its end.
 */
const steps: [name: string, body: string][] = [
  ['socket, pair, dup', `Socket.pair(); const socket = new Socket(); socket.dup(); Socket.dup(socket.fd)`],
  ['netns', `new Socket(c.AF_UNIX, c.SOCK_STREAM, 0, { netns: '/proc/self/ns/net' })`],
  [
    'descriptors that are sent and received',
    `const [a, b] = Socket.pair()
     const message = { data: Buffer.from('y'), control: [c.control.rights([0, 0, 0])] }
     await a.sendmsg(message)
     await b.recvFds(2, 3)
     while (a.trySend(Buffer.alloc(65536)) !== null);
     const sent = a.sendmsg(message)
     setImmediate(() => a.close())
     await assert.rejects(sent)`,
  ],
  [
    'connect, accept, splice',
    `const listener = new Socket().bind(['127.0.0.1', 0]).listen()
     const connect = async () => {
       const client = new Socket()
       const [served] = await Promise.all([listener.accept(), client.connect(listener.getsockname())])
       return [client, served]
     }
     const [client, from] = await connect()
     const [to, end] = await connect()
     await Promise.all([from.splice(to, { length: 5 }), client.send(Buffer.from('hello'))])
     assert.equal((await end.recv(10)).toString(), 'hello')`,
  ],
  [
    'sendfile',
    `const { open } = require('node:fs/promises')
     const [a, b] = Socket.pair()
     for (const path of ['/proc/self/status', './package.json']) {
       const file = await open(path)
       await a.sendfile(file)
       await b.recv(65536)
       await file.close()
     }`,
  ],
  ['poll', `await c.poll([{ socket: new Socket(c.AF_INET, c.SOCK_DGRAM), events: c.POLLOUT }])`],
]

describe('workers that end after any call into C++ leave no descriptor', () => {
  for (const [name, body] of steps) {
    testIf(
      missing.linux() ?? (name === 'netns' ? missing.root() : null),
      name,
      async () => {
        ensureDist()
        const worker = `
        const { native } = require('./dist/binding/binding')
        const { workerData } = require('node:worker_threads')
        let calls = 0
        for (const object of [native, native.raw]) {
          for (const [name, call] of Object.entries(object)) {
            if (typeof call !== 'function') continue
            object[name] = (...given) => {
              const result = call(...given)
              if (++calls === workerData) process.exit(1)
              return result
            }
          }
        }
        ${prelude}
        async function main() { ${body} }
        main().then(() => process.exit(0))`
        const script = `
        const { Worker } = require('node:worker_threads')
        const count = () => require('node:fs').readdirSync('/proc/self/fd').length
        const run = last => new Promise((resolve, reject) => {
          const worker = new Worker(${JSON.stringify(worker)}, { eval: true, workerData: last })
          worker.on('error', reject).on('exit', resolve)
        })
        async function main() {
          await run(0)
          const before = count()
          for (let last = 1; ; last++) {
            const code = await run(last)
            const end = Date.now() + 4000
            while (count() > before && Date.now() < end) await new Promise(resolve => setTimeout(resolve, 5))
            if (count() > before) throw new Error('after call ' + last + ': ' + (count() - before))
            if (code === 0) return console.log(last > 5)
          }
        }
        main()`
        const ended = await run(process.execPath, ['-e', script], { timeout: 60_000 })
        expect(ended).toEqual({ code: 0, signal: null, stdout: 'true\n', stderr: '' })
      },
      70_000,
    )
  }
})

test('workers that are terminated while they load the addon do not end the process', async () => {
  ensureDist()
  const script = `
  const { Worker } = require('node:worker_threads')
  const once = () => new Promise((resolve, reject) => {
    const worker = new Worker("require('./dist')", { eval: true })
    const end = () => worker.terminate().then(resolve)
    worker.on('error', reject).on('online', () => setTimeout(end, 5 + Math.random() * 40))
  })
  async function main() {
    for (let i = 0; i < 60; i++) await Promise.all([once(), once(), once()])
  }
  main()`
  const ended = await run(process.execPath, ['-e', script], { timeout: 60_000 })
  expect(ended).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
}, 70_000)

const blocked = {
  recv: `new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0]).recv(1)`,
  accept: `new Socket(AF_INET, SOCK_STREAM).bind(['127.0.0.1', 0]).listen().accept()`,
  poll: `sync.poll([{ socket: new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0]), events: POLLIN }])`,
}

// V8 can terminate a thread only between calls into C++.
test.each(Object.entries(blocked))(
  'a worker that blocks in %s without a limit can be terminated, and process.exit() does not wait for it',
  async (_name, call) => {
    const script = `
    const sync = require('./dist/sync')
    const { Socket, AF_INET, SOCK_DGRAM, SOCK_STREAM, POLLIN } = sync
    require('node:worker_threads').parentPort.postMessage('now')
    ${call}
  `
    const ended = await runNode(
      `
    const { Worker } = require('node:worker_threads')
    const started = async () => {
      const worker = new Worker(${JSON.stringify(script)}, { eval: true })
      await new Promise(resolve => worker.on('message', resolve))
      return worker
    }
    async function main() {
      console.log(await (await started()).terminate())
      await started()
      process.exit(3)
    }
    main()
  `,
      { timeout: 20_000 },
    )
    expect(ended).toEqual({ code: 3, signal: null, stdout: '1\n', stderr: '' })
  },
  30_000,
)
