import { runNode } from '../helpers/child'
import { missing, testIf } from '../helpers/need'

/*
 * The thread that wakes the event loop of Bun and Deno, under Node: so every run and every sanitizer sees it.
 */
const flags = ['--require', './scripts/runtimes/without-libuv.cjs']

test('operations wait, an idle socket does not keep the process alive, and lookups end', async () => {
  const ended = await runNode(
    `;(async () => {
      const [a, b] = Socket.pair()
      for (let i = 0; i < 300; i++) {
        const waiting = b.recv(10)
        if (i % 100 === 0) await new Promise(resolve => setTimeout(resolve, 1))
        a.trySend(Buffer.from('message'))
        await waiting
      }
      const found = await Promise.all([1, 2, 3, 4].map(port => c.getaddrinfo('127.0.0.1', port)))
      console.log(found.map(each => each[0].address.port).join())
      globalThis.kept = [a, b]
    })()`,
    { flags },
  )
  expect(ended).toEqual({ code: 0, signal: null, stdout: '1,2,3,4\n', stderr: '' })
})

test('an exception in a callback is an uncaught exception, and the next event arrives', async () => {
  const ended = await runNode(
    `const [a, b] = Socket.pair()
    process.on('uncaughtException', error => console.log(error.message))
    a.toDuplex().on('data', data => { throw new Error(String(data)) })
    b.trySend(Buffer.from('first'))
    setTimeout(() => b.trySend(Buffer.from('second')), 20)
    setTimeout(() => process.exit(0), 100)`,
    { flags },
  )
  expect(ended).toMatchObject({ code: 0, stdout: 'first\nsecond\n' })
})

testIf(
  missing.linux(),
  'workers that are terminated while they wait leave no thread and no descriptor',
  async () => {
    const script = `
    const { Socket, getaddrinfo } = require('./dist')
    const { parentPort } = require('node:worker_threads')
    const [a, b] = Socket.pair()
    globalThis.kept = [a, b]
    ;(async () => { for (;;) { await b.recv(10); b.trySend(Buffer.from('y')) } })().catch(() => 0)
    ;(async () => { for (;;) { a.trySend(Buffer.from('x')); await a.recv(10) } })().catch(() => 0)
    ;(async () => { for (;;) await getaddrinfo('127.0.0.1', 80) })().catch(() => 0)
    setTimeout(() => parentPort.postMessage('now'), 5)
  `
    const ended = await runNode(
      `const { Worker } = require('node:worker_threads')
    const fs = require('node:fs')
    const count = what => fs.readdirSync('/proc/self/' + what).length
    const once = () => new Promise((resolve, reject) => {
      const worker = new Worker(${JSON.stringify(script)}, { eval: true })
      worker.on('message', () => worker.terminate()).on('error', reject).on('exit', resolve)
    })
    ;(async () => {
      await once()
      const before = [count('fd'), count('task')]
      for (let i = 0; i < 20; i++) await once()
      // A lookup that ran when its worker ended has a thread of its own, which ends by itself.
      while (count('task') > before[1]) await new Promise(setImmediate)
      // The count before may include such a thread too.
      console.log(count('fd') - before[0], Math.max(0, count('task') - before[1]))
    })()`,
      { flags },
    )
    expect(ended).toEqual({ code: 0, signal: null, stdout: '0 0\n', stderr: '' })
  },
)
