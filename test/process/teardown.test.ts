import { run, runNode, ensureDist } from '../helpers/child'
import { missing, testIf } from '../helpers/need'

/*
 * Environments that end while sockets are in use. In a worker the addon is unmapped when the worker ends, and a later
 * callback would crash the process. So only the worker loads the addon.
 */
const load = `const { Socket, ...c } = require('./dist'); const fs = require('node:fs'); const keep = globalThis.keep = []\n`

// The pages of this file are not in the page cache, so sendfile reads it on the thread pool.
const cold = `
  const os = require('node:os')
  const name = os.tmpdir() + '/bsd-cold-' + process.pid + '-' + Math.random()
  fs.writeFileSync(name, Buffer.alloc(16 << 20, 1))
  const file = fs.openSync(name, 'r+'); fs.fsyncSync(file); fs.unlinkSync(name)
  require('node:child_process').spawnSync('dd', ['of=/dev/fd/3', 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0'], { stdio: ['ignore', 'ignore', 'ignore', file] })
`
// splice writes to a file on the thread pool.
const filling = `
  const name = require('node:os').tmpdir() + '/bsd-splice-' + process.pid + '-' + Math.random()
  const file = fs.openSync(name, 'wx'); fs.unlinkSync(name)
  const [a, b] = Socket.pair()
  keep.push(a, b)
  a.trySend(Buffer.alloc(65536))
  b.splice({ fd: file }).catch(() => 0)
  go()
`
// Sends a heap buffer and a slab with zero copy. The peer does not read, so both stay with the kernel.
const lent = `
  const listener = new Socket().set(c.options.SO_RCVBUF, 4096).bind(['127.0.0.1', 0]).listen()
  const sender = new Socket()
  keep.push(listener, sender)
  sender.connect(listener.getsockname()).then(() => {
    for (const memory of [Buffer.from(new ArrayBuffer(1 << 20)), c.allocZeroCopy(1 << 20)])
      sender.sendZeroCopy(memory).catch(() => 0)
    if (sender.zeroCopyStatistics().pending !== 2) throw new Error('the kernel sends nothing')
    go()
  })
`
const states: [name: string, prepare: string, missing?: string | null][] = [
  ['idle registered', `const [a, b] = Socket.pair(); keep.push(a, b); b.recv(1, { timeout: 1 }).catch(go)`],
  [
    'pending recv',
    `const [a, b] = Socket.pair(); keep.push(a, b); b.recv(1).catch(() => 0); setImmediate(go)`,
  ],
  [
    'pending accept',
    `const l = new Socket().bind(['127.0.0.1', 0]).listen(); keep.push(l); l.accept().catch(() => 0); setImmediate(go)`,
  ],
  [
    'sendfile in flight',
    `${cold}; const [a, b] = Socket.pair(); keep.push(a, b); a.sendfile(file).catch(() => 0); go()`,
  ],
  ['splice to a file in flight', filling, missing.linux()],
  ['zero-copy in flight', lent, missing.linux()],
  [
    'lookups in flight and in the queue',
    `const { getaddrinfo } = require('./dist'); for (let i = 0; i < 20; i++) getaddrinfo('localhost', i).catch(() => 0); go()`,
  ],
]
const ways: [string, string, { main: number; worker: number }][] = [
  ['process.exit', `process.exit(7)`, { main: 7, worker: 7 }],
  ['return', `keep.forEach(s => s.unref())`, { main: 0, worker: 0 }],
  ['uncaught', `setImmediate(() => { throw new Error('meant') })`, { main: 1, worker: 1 }],
]

function inWorker(script: string, end: string): string {
  return `
    const { Worker } = require('node:worker_threads')
    const worker = new Worker(${JSON.stringify(`const { parentPort } = require('node:worker_threads')\n${script}`)}, { eval: true })
    worker.on('error', error => console.log(error.message))
    worker.on('exit', code => console.log('exit ' + code))
    ${end}
  `
}

async function node(script: string): Promise<unknown> {
  ensureDist()
  return run(process.execPath, ['-e', script], { timeout: 10000 })
}

for (const [state, prepare, absent = null] of states) {
  for (const [way, end, codes] of ways) {
    const script = `${load} function go() { ${end} }\n${prepare}`

    testIf(absent, `the main thread ends cleanly by ${way}: ${state}`, async () => {
      const ended = (await node(script)) as { stderr: string }
      expect(ended).toMatchObject({ code: codes.main, signal: null })
      if (way === 'uncaught') expect(ended.stderr).toContain('Error: meant')
      else expect(ended.stderr).toBe('')
    })

    testIf(absent, `a worker ends cleanly by ${way}: ${state}`, async () => {
      const text = way === 'uncaught' ? 'meant\n' : ''
      expect(await node(inWorker(script, ''))).toEqual({
        code: 0,
        signal: null,
        stdout: `${text}exit ${codes.worker}\n`,
        stderr: '',
      })
    })
  }

  testIf(absent, `a worker ends cleanly by terminate(): ${state}`, async () => {
    const script = `${load} function go() { parentPort.postMessage('now') }; parentPort.ref()\n${prepare}; setInterval(() => 0, 1000)`
    expect(await node(inWorker(script, `worker.on('message', () => worker.terminate())`))).toEqual({
      code: 0,
      signal: null,
      stdout: 'exit 1\n',
      stderr: '',
    })
  })
}

testIf(
  missing.linux(),
  '200 workers that are terminated leave no descriptor and do not crash',
  async () => {
    const script = `
    ${load}
    const { parentPort } = require('node:worker_threads')
    const [a, b] = Socket.pair()
    const listener = new Socket().bind(['127.0.0.1', 0]).listen()
    keep.push(a, b, listener)
    listener.accept().catch(() => 0)
    const file = fs.openSync(process.execPath, 'r')
    ;(async () => { for (;;) { await b.recv(65536); } })().catch(() => 0)
    a.sendfile(file).catch(() => 0)
    parentPort.postMessage('now')
  `
    const ended = await run(
      process.execPath,
      [
        '-e',
        `
      const { Worker } = require('node:worker_threads')
      const fs = require('node:fs')
      const count = () => fs.readdirSync('/proc/self/fd').length
      const once = () => new Promise((resolve, reject) => {
        const worker = new Worker(${JSON.stringify(script)}, { eval: true })
        worker.on('error', reject).on('message', () => setTimeout(() => worker.terminate().then(resolve), Math.random() * 3))
      })
      async function main() {
        await once(); await once()
        const before = count()
        for (let i = 0; i < 50; i++) await Promise.all([once(), once(), once(), once()])
        console.log(count() - before)
      }
      main()
    `,
      ],
      { timeout: 170_000 },
    )
    expect(ended).toEqual({ code: 0, signal: null, stdout: '0\n', stderr: '' })
  },
  180_000,
)

testIf(
  missing.linux(),
  'memory that a terminated worker lent to the kernel is not sent with what others write there',
  async () => {
    const lender = `
    const { Socket, allocZeroCopy } = require('./dist')
    const { parentPort, workerData } = require('node:worker_threads')
    const socket = new Socket()
    socket.connect(workerData.peer).then(() => {
      // small enough for malloc to reuse the memory
      for (let i = 0; i < 20; i++)
        socket.sendZeroCopy(Buffer.from(new ArrayBuffer(60_000)).fill(1)).catch(() => 0)
      socket.sendZeroCopy(allocZeroCopy(1 << 20).fill(1)).catch(() => 0)
      parentPort.postMessage(workerData.twin ? socket.dup().detach() : null)
    })
    setInterval(() => 0, 1000)
  `
    const other = `
    globalThis.others = Array.from({ length: 300 }, () => Buffer.from(new ArrayBuffer(60_000)).fill(9))
    require('node:worker_threads').parentPort.postMessage('written')
    setInterval(() => 0, 1000)
  `
    const script = `
    const { Worker } = require('node:worker_threads')
    const listener = new Socket().set(c.options.SO_RCVBUF, 8192).bind(['127.0.0.1', 0]).listen()
    const { address, port } = listener.getsockname()
    async function running(script, twin) {
      const worker = new Worker(script, { eval: true, workerData: { peer: [address, port], twin } })
      worker.twin = await new Promise(resolve => worker.on('message', resolve))
      return worker
    }
    async function once(twin) {
      const lender = await running(${JSON.stringify(lender)}, twin)
      const peer = await listener.accept()
      await lender.terminate()
      const other = await running(${JSON.stringify(other)})
      try {
        for await (const chunk of peer.chunks())
          assert(chunk.every(byte => byte === 1), 'bytes of another writer arrived')
      } catch (error) {
        if (error.code !== 'ECONNRESET') throw error
      }
      peer.close()
      if (twin) fs.closeSync(lender.twin)
      await other.terminate()
    }
    async function main() {
      for (let i = 0; i < 10; i++) await once(i % 2 === 1) // in every other round another descriptor of the socket is open
      listener.close()
    }
    main()
  `
    expect(await runNode(script, { timeout: 60_000 })).toEqual({
      code: 0,
      signal: null,
      stdout: '',
      stderr: '',
    })
  },
  70_000,
)

test('a process that loads the addon and does nothing ends', async () => {
  expect(await runNode('')).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
})
