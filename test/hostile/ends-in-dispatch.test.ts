/*
 * JavaScript may end its environment while C++ calls it with the records of a turn: a worker is terminated, or the
 * process exits. C++ must not use the environment after that call. Without libuv a cleanup frees it at once.
 */
import { runNode } from '../helpers/child'
import { missing, testIf } from '../helpers/need'

const modes: [string, string[]][] = [
  ['with libuv', []],
  ['without libuv', ['--require', './scripts/runtimes/without-libuv.cjs']],
]

/** How a worker ends. Each runs in a continuation or a listener that a record of the dispatch causes. */
const ends: [string, string][] = [
  ['is terminated in a continuation', `parentPort.postMessage('now'); for (;;);`],
  ['is terminated in a continuation that opens sockets', `parentPort.postMessage('now'); for (;;) Socket.pair()`],
  ['calls process.exit', `process.exit(0)`],
  ['closes everything, then calls process.exit', `a.close(); b.close(); process.exit(0)`],
] // prettier-ignore

const calls: [string, string][] = [
  ['a receive', `b.recv(10).then(end)`],
  ['a listener of a stream', `b.toDuplex().on('data', end)`],
  ['a lookup', `getaddrinfo('127.0.0.1', 80).then(end)`],
]

describe.each(modes)('%s', (_mode, flags) => {
  test.each(ends)('a worker that %s leaves no descriptor and does not crash', async (_how, end) => {
    for (const [, call] of calls) {
      const worker = `
        const { Socket, getaddrinfo } = require('./dist')
        const { parentPort } = require('node:worker_threads')
        const [a, b] = Socket.pair()
        const end = () => { ${end} }
        ${call}
        setImmediate(() => { if (!a.closed) a.trySend(Buffer.from('x')) })
      `
      const script = `
        const { Worker } = require('node:worker_threads')
        const { readdirSync } = require('node:fs')
        const count = () => process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0
        const once = () => new Promise((resolve, reject) => {
          const worker = new Worker(${JSON.stringify(worker)}, { eval: true })
          worker.on('message', () => worker.terminate()).on('error', reject).on('exit', resolve)
        })
        ;(async () => {
          await once()
          const before = count()
          for (let i = 0; i < 2; i++) await once()
          console.log(count() - before)
        })()`
      expect(await runNode(script, { flags })).toEqual({ code: 0, signal: null, stdout: '0\n', stderr: '' })
    }
  })

  testIf(missing.linux(), 'the process exits in a continuation', async () => {
    for (const [, call] of calls) {
      const script = `const { getaddrinfo } = c
        const [a, b] = Socket.pair()
        const end = () => process.exit(7)
        ${call}
        setImmediate(() => a.trySend(Buffer.from('x')))`
      expect(await runNode(script, { flags })).toEqual({ code: 7, signal: null, stdout: '', stderr: '' })
    }
  })
})
