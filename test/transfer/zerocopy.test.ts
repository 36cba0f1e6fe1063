import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { AF_INET, allocZeroCopy, constants, options, Socket, SOCK_DGRAM, SOCK_STREAM } from '../../lib'
import { Socket as Blocking } from '../../lib/sync'
import { run, runNode } from '../helpers/child'
import { failure, thrown } from '../helpers/errors'
import { keeper } from '../helpers/keep'
import { pattern, receive, turn } from '../helpers/pairs'
import { missing, testIf } from '../helpers/need'
import { makeNetwork } from '../helpers/network'

const linux = missing.linux()
const hash = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')
const stamps = ['TX_SOFTWARE', 'TX_SCHED', 'SOFTWARE', 'OPT_ID', 'OPT_TSONLY']
const fds = (): number => readdirSync('/proc/self/fd').length
/** Returns memory that no other buffer shares. */
const own = (size: number): Buffer => {
  const bytes = Buffer.from(new ArrayBuffer(size))
  pattern(size).copy(bytes)
  return bytes
}

const keep = keeper()

async function tcp(): Promise<[Socket, Socket]> {
  const listener = new Socket(AF_INET, SOCK_STREAM).bind(['127.0.0.1', 0]).listen()
  const a = keep(new Socket(AF_INET, SOCK_STREAM))
  const [b] = await Promise.all([listener.accept(), a.connect(listener.getsockname())])
  listener.close()
  return [a, keep(b)]
}

testIf(linux, 'sends settle after the program has set SO_ZEROCOPY to 0, also during a send', async () => {
  const off: ((socket: Socket) => unknown)[] = [
    socket => socket.setsockopt(constants.SOL_SOCKET!, constants.SO_ZEROCOPY!, 0),
    socket => socket.set(options.SO_ZEROCOPY, false),
  ]
  for (const disable of off) {
    const [a, b] = await tcp()
    const reading = receive(b, 3 * 3_000_000)
    await a.sendZeroCopy(own(3_000_000), { timeout: 5000 })
    disable(a)
    const sending = a.sendZeroCopy(own(3_000_000), { timeout: 5000 })
    disable(a) // a part has been sent
    expect((await sending).bytes).toBe(3_000_000)
    expect((await a.sendZeroCopy(own(3_000_000), { timeout: 5000 })).bytes).toBe(3_000_000)
    await reading
  }
})

testIf(
  linux,
  'sendZeroCopy detaches the memory until the kernel has released it, then returns it',
  async () => {
    const [a, b] = await tcp()
    const data = own(3_000_000)
    const expected = hash(data)
    const sending = a.sendZeroCopy(data)
    expect(data.length).toBe(0) // detached
    expect(a.zeroCopyStatistics().pending).toBe(1)
    const got = await receive(b, 3_000_000)
    const result = await sending
    expect(result).toMatchObject({ bytes: 3_000_000, copied: true }) // loopback always copies
    expect(Buffer.isBuffer(result.buffer)).toBe(true)
    expect([hash(got), hash(result.buffer)]).toEqual([expected, expected])
    expect(a.zeroCopyStatistics()).toEqual({
      sends: 1,
      bytes: 3_000_000,
      copied: 1,
      fallbacks: 0,
      pending: 0,
    })
  },
)

testIf(linux, 'sendZeroCopy returns a view of the same type and range, which can be sent again', async () => {
  const [a, b] = await tcp()
  let view: Uint8Array = new Uint8Array(new ArrayBuffer(100_000), 1000, 50_000).fill(7)
  for (let i = 0; i < 3; i++) {
    const sending = a.sendZeroCopy(view)
    expect((await receive(b, 50_000)).every(byte => byte === 7)).toBe(true)
    view = (await sending).buffer
    expect([view.byteOffset, view.length, view.buffer.byteLength]).toEqual([1000, 50_000, 100_000])
  }
})

testIf(
  linux,
  'memory of allocZeroCopy is not detached, and several sends of its parts can be outstanding',
  async () => {
    const [a, b] = await tcp()
    const slab = allocZeroCopy(1 << 20)
    pattern(1 << 20).copy(slab)
    const parts = [0, 1, 2, 3].map(i => slab.subarray(i << 18, (i + 1) << 18))
    const sending = Promise.all(parts.map(part => a.sendZeroCopy(part)))
    expect(slab.length).toBe(1 << 20)
    expect(hash(await receive(b, 1 << 20))).toBe(hash(slab))
    const results = await sending
    expect(results.map(({ bytes }) => bytes)).toEqual(parts.map(() => 1 << 18))
    expect(results[1]!.buffer.byteOffset).toBe(1 << 18)
  },
)

testIf(linux, 'sendZeroCopy uses ordinary sends for most data if the kernel keeps copying', async () => {
  const [a, b] = await tcp()
  let rented = 0
  let data: Uint8Array = own(20_000)
  for (let i = 0; i < 100; i++) {
    const before = data
    const sending = a.sendZeroCopy(data)
    if (before.length === 0) rented++
    await receive(b, 20_000)
    data = (await sending).buffer
  }
  expect(rented).toBe(9) // eight sends until the fallback, one more after 64 ordinary sends
  expect(a.zeroCopyStatistics()).toMatchObject({ sends: 100, copied: 100, bytes: 2_000_000 })
})

testIf(linux, 'sendZeroCopy sends an empty buffer, and rejects memory that cannot be detached', async () => {
  const [a] = await tcp()
  expect(await a.sendZeroCopy(Buffer.alloc(0))).toMatchObject({ bytes: 0, copied: true })
  const refused = async (data: unknown): Promise<string | undefined> =>
    (await failure(a.sendZeroCopy(data as Uint8Array))).code
  expect(await refused(Buffer.from('pooled'))).toBe('ERR_INVALID_ARG_TYPE')
  expect(await refused(new Uint8Array(new SharedArrayBuffer(10)))).toBe('ERR_INVALID_ARG_TYPE')
  expect(await refused('text')).toBe('ERR_INVALID_ARG_TYPE')
  const { WebAssembly } = globalThis as unknown as {
    WebAssembly: { Memory: new (options: object) => { buffer: ArrayBuffer } }
  }
  const wasm = new WebAssembly.Memory({ initial: 1 })
  expect(await refused(new Uint8Array(wasm.buffer))).toBe('ERR_INVALID_ARG_TYPE')
  const resizable = new (ArrayBuffer as new (size: number, options: object) => ArrayBuffer)(10, {
    maxByteLength: 20,
  })
  expect(await refused(new Uint8Array(resizable))).toBe('ERR_INVALID_ARG_TYPE')
  expect(thrown(() => allocZeroCopy(0)).code).toBe('ERR_OUT_OF_RANGE')
  expect(thrown(() => allocZeroCopy(2 ** 31)).code).toBe('ERR_OUT_OF_RANGE')
})

testIf(linux, 'sendZeroCopy sends a DataView, and rejects one with detached memory', async () => {
  const [a, b] = await tcp()
  const view = new DataView(new ArrayBuffer(100), 10, 50)
  const sending = a.sendZeroCopy(view)
  await receive(b, 50)
  expect((await sending).buffer).toMatchObject({ byteOffset: 10, byteLength: 50 })
  expect((await failure(a.sendZeroCopy(view))).code).toBe('ERR_BUFFER_DETACHED')
})

testIf(linux, 'sendZeroCopy on an unsupported socket fails without detaching the memory', async () => {
  const [a, b] = Socket.pair().map(keep) as [Socket, Socket]
  const data = own(100)
  expect((await failure(a.sendZeroCopy(data))).code).toBe('EOPNOTSUPP')
  b.close()
  a.close()
  expect((await failure(a.sendZeroCopy(data))).code).toBe('EBADF')
  const [c] = await tcp()
  expect((await failure(c.sendZeroCopy(data, { signal: AbortSignal.abort() }))).name).toBe('AbortError')
  expect(data.length).toBe(100)
})

testIf(linux, 'a cancelled sendZeroCopy whose data is fully queued reports all bytes as sent', async () => {
  const [a, b] = await tcp()
  a.set(options.SO_SNDBUF, 400_000)
  b.set(options.SO_RCVBUF, 4096)
  // More data than the peer can buffer, so that the peer cannot acknowledge the rest.
  const before = a.trySend(Buffer.alloc(300_000))!
  const late = await failure(a.sendZeroCopy(own(5000), { timeout: 30 }))
  expect(late).toMatchObject({ code: 'ERR_SOCKET_TIMEOUT', bytesSent: 5000 })
  expect(await receive(b, before + 5000)).toHaveLength(before + 5000)
})

testIf(
  linux,
  'a sendZeroCopy that times out has bytesSent, and does not return memory that the kernel still reads',
  async () => {
    const [a, b] = await tcp()
    const late = (await failure(a.sendZeroCopy(own(16 << 20), { timeout: 20 }))) as Error & {
      code: string
      bytesSent: number
      buffer?: unknown
    }
    expect(late.code).toBe('ERR_SOCKET_TIMEOUT')
    expect(late.bytesSent).toBeGreaterThan(0)
    expect(late.bytesSent).toBeLessThan(16 << 20)
    expect(late.buffer).toBeUndefined()
    expect(thrown(() => a.detach()).code).toBe('EBUSY')
    expect(await receive(b, late.bytesSent)).toHaveLength(late.bytesSent)
  },
)

testIf(
  linux,
  'close() lets the kernel finish a zero-copy send: all data arrives, then the descriptor is closed',
  async () => {
    const [a, b] = await tcp()
    const before = fds()
    const data = own(2_000_000)
    const expected = hash(data)
    const sending = failure(a.sendZeroCopy(data))
    const queued = a.zeroCopyStatistics().pending
    a.close()
    expect(a.fd).toBe(-1)
    const error = (await sending) as Error & { code: string; bytesSent: number; buffer?: unknown }
    expect([queued, error.code, error.buffer]).toEqual([1, 'ECANCELED', undefined])
    const got = await receive(b, 2_000_000)
    if (got.length === 2_000_000) expect(hash(got)).toBe(expected)
    expect(got.equals(pattern(2_000_000).subarray(0, got.length))).toBe(true)
    expect((await b.recv(1)).length).toBe(0)
    while (fds() > before - 1) await new Promise(resolve => setTimeout(resolve, 1))
  },
)

testIf(linux, 'close() during a zero-copy send keeps the connection of a duplicate open', async () => {
  const [a, b] = await tcp()
  const sending = failure(a.sendZeroCopy(own(2_000_000)))
  expect(a.zeroCopyStatistics().pending).toBe(1)
  const copy = keep(a.dup())
  a.close()
  const { bytesSent } = (await sending) as Error & { bytesSent: number }
  const rest = Buffer.from('and more')
  const [, got] = await Promise.all([
    copy.sendAll(rest, within),
    receive(b, bytesSent + rest.length),
    b.sendAll(rest),
  ])
  expect(got.subarray(bytesSent)).toEqual(rest)
  expect(got.subarray(0, bytesSent).equals(pattern(2_000_000).subarray(0, bytesSent))).toBe(true)
  expect(await receive(copy, rest.length)).toEqual(rest)
})

testIf(
  linux,
  'close() resets the connection if it cannot keep a descriptor, even if other descriptors are open',
  async () => {
    const script = `
    const { Socket, AF_INET, SOCK_STREAM } = require('./dist')
    const fs = require('node:fs')
    const say = error => error.code
    async function main() {
      const listener = new Socket(AF_INET, SOCK_STREAM).bind(['127.0.0.1', 0]).listen()
      const a = new Socket(AF_INET, SOCK_STREAM)
      const [b] = await Promise.all([listener.accept(), a.connect(listener.getsockname())])
      const sending = a.sendZeroCopy(Buffer.alloc(4_000_000)).catch(say)
      const copy = a.dup()
      const all = []
      try { for (;;) all.push(fs.openSync('/dev/null')) } catch (error) { console.log(error.code) }
      a.close()
      console.log(await sending, await copy.recv(1).catch(say))
      let got = 0
      try { for (;;) got += (await b.recv(1 << 20)).length } catch (error) { console.log(got < 4_000_000, say(error)) }
      for (const each of [listener, copy, b]) each.close() // not the garbage collector, which warns
    }
    main()`
    const text = 'EMFILE\nECANCELED ECONNRESET\ntrue ECONNRESET\n'
    const node = ['ulimit -n 60; exec "$0" -e "$1"', process.execPath, script]
    const ended = await run('sh', ['-c', ...node], { timeout: 10_000 })
    expect(ended).toEqual({ code: 0, signal: null, stdout: text, stderr: '' })
  },
)

testIf(linux, 'an ICMP error is received from the error queue between zero-copy completions', async () => {
  const socket = keep(new Socket(AF_INET, SOCK_DGRAM))
  socket.receiveMeta({ errors: true })
  const closed = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  const address = closed.getsockname()
  closed.close()
  await socket.connect(address)
  const { bytes } = await socket.sendZeroCopy(own(1000))
  expect(bytes).toBe(1000)
  const [record] = await socket.receiveErrors()
  expect(record).toMatchObject({ origin: 'icmp', code: 'ECONNREFUSED' })
})

testIf(
  missing.network(),
  'sendZeroCopy reports copied: false if the device sends without a copy',
  async () => {
    const network = await makeNetwork()
    try {
      const left = network.a
      // The device drops frames for unknown addresses before the data must be copied.
      const to = ['10.77.0.2', 'lladdr', '02:00:00:00:00:99', 'dev', left.interface.name]
      expect((await left.run('ip', ['neigh', 'replace', ...to])).code).toBe(0)
      const socket = keep(new Socket(AF_INET, SOCK_DGRAM, 0, { netns: left.netns }))
      await socket.connect(['10.77.0.2', 9])
      const slab = allocZeroCopy(16_000)
      for (let i = 0; i < 20; i++) {
        expect(await socket.sendZeroCopy(slab.subarray(0, 1400))).toMatchObject({
          bytes: 1400,
          copied: false,
        })
      }
      expect(socket.zeroCopyStatistics()).toMatchObject({ sends: 20, copied: 0, pending: 0 })
    } finally {
      await network.close()
    }
  },
)

testIf(linux, 'the blocking sendZeroCopy returns the number of bytes and the buffer', () => {
  const listener = keep(new Blocking(AF_INET, SOCK_STREAM).bind(['127.0.0.1', 0]).listen())
  const a = keep(new Blocking(AF_INET, SOCK_STREAM))
  a.connect(listener.getsockname())
  const b = keep(listener.accept())
  const data = own(50_000)
  const result = a.sendZeroCopy(data, { timeout: 5000 })
  expect([data.length, result.bytes, result.buffer.length]).toEqual([0, 50_000, 50_000])
  let got = 0
  while (got < 50_000) got += b.recv(65536).length
})

testIf(
  linux,
  'a worker that exits during a zero-copy send does not disturb the process',
  async () => {
    const { code, stderr } = await runNode(`
    const { Worker } = require('node:worker_threads')
    const script = \`
      const { Socket, allocZeroCopy, AF_INET, SOCK_STREAM } = require('./dist')
      const { parentPort } = require('node:worker_threads')
      ;(async () => {
        const listener = new Socket(AF_INET, SOCK_STREAM).bind(['127.0.0.1', 0]).listen()
        const a = new Socket(AF_INET, SOCK_STREAM)
        const [b] = await Promise.all([listener.accept(), a.connect(listener.getsockname())])
        globalThis.open = [listener, a, b] // or they might be collected before the worker ends
        a.sendZeroCopy(Buffer.from(new ArrayBuffer(8 << 20))).catch(() => {})
        a.sendZeroCopy(allocZeroCopy(1 << 20)).catch(() => {})
        parentPort.postMessage('busy')
      })()
    \`
    ;(async () => {
      const count = () => require('node:fs').readdirSync('/proc/self/fd').length
      const round = async () => {
        const worker = new Worker(script, { eval: true })
        await require('node:events').once(worker, 'message')
        await worker.terminate()
      }
      await round()
      const before = count()
      for (let i = 0; i < 20; i++) await round()
      const end = Date.now() + 4000 // Deno closes them a moment after the 'exit' event
      while (count() > before + 2 && Date.now() < end) await new Promise(resolve => setTimeout(resolve, 1))
      assert(count() <= before + 2, before + ' ' + count())
    })()
  `)
    expect([code, stderr]).toEqual([0, ''])
  },
  30_000,
)

testIf(linux, 'receiveErrors returns records that the zero-copy reader has read before', async () => {
  const listener = keep(new Socket(AF_INET, SOCK_STREAM)).set(options.SO_RCVBUF, 4096)
  listener.bind(['127.0.0.1', 0]).listen()
  const a = keep(new Socket(AF_INET, SOCK_STREAM))
  await a.connect(listener.getsockname())
  const b = keep(await listener.accept())
  const flags = stamps.reduce((bits, name) => bits | constants[`SOF_TIMESTAMPING_${name}`]!, 0)
  a.set(options.SO_TIMESTAMPING, { flags, bindPhc: 0 })
  await a.send(Buffer.from('x'))
  const sending = a.sendZeroCopy(allocZeroCopy(100_000)) // more than b can buffer
  for (let turns = 0; turns < 1000 && (a.channel.extras?.errors?.size ?? 0) === 0; turns++) await turn()
  expect((await a.receiveErrors()).map(({ origin }) => origin)).toContain('timestamping')
  await receive(b, 100_001)
  expect(await sending).toMatchObject({ bytes: 100_000 })
})

testIf(linux, 'a zero-copy send that completes before the wait for its completion is fulfilled', async () => {
  // The reader of the error queue reads the completion in the same turn in which the send is made.
  for (let size = 3_500_000; size < 5_800_000; size += 300_000) {
    const [a, b] = await tcp()
    const reading = a.errors()
    const record = reading.next()
    const sending = a.sendZeroCopy(allocZeroCopy(size))
    const room = Buffer.allocUnsafe(1 << 20)
    let got = 0
    while (got < size) {
      await turn()
      await turn()
      for (let n: number | null; (n = b.tryRecvInto(room)) !== null;) got += n
    }
    expect(await sending).toMatchObject({ bytes: size })
    await reading.return!()
    expect(await record).toMatchObject({ done: true })
  }
})

testIf(
  linux,
  'a socket that is garbage-collected during a zero-copy send sends exactly the given data',
  async () => {
    const { stdout, stderr, code } = await runNode(
      `
    const pause = ms => new Promise(resolve => setTimeout(resolve, ms))
    const listener = new Socket().set(c.options.SO_RCVBUF, 8192).bind(['127.0.0.1', 0]).listen()
    async function lose() {
      const socket = new Socket()
      await socket.connect(listener.getsockname())
      for (const byte of [1, 2, 3, 4])
        await socket.sendZeroCopy(Buffer.from(new ArrayBuffer(60000)).fill(byte), { timeout: 5 }).catch(() => {})
      return listener.accept()
    }
    async function main() {
      const peer = await lose()
      await peer.readable()
      let warned = false
      process.on('warning', () => (warned = true))
      for (let i = 0; i < 100 && !warned; i++) { // a new operation each time, because the last one keeps its socket alive
        await listener.accept({ timeout: 1 }).catch(() => {})
        gc()
        await pause(1)
      }
      const others = Array.from({ length: 200 }, () => Buffer.from(new ArrayBuffer(60000)).fill(9))
      const seen = new Map()
      for await (const chunk of peer.chunks())
        for (const byte of chunk) seen.set(byte, (seen.get(byte) ?? 0) + 1)
      console.log(warned, JSON.stringify([...seen]), others.length)
      peer.close()
      listener.close()
    }
    main()`,
      { flags: ['--expose-gc', '--no-warnings'] },
    )
    expect({ stdout, stderr, code }).toEqual({
      stdout: 'true [[1,60000],[2,60000],[3,60000],[4,60000]] 200\n',
      stderr: '',
      code: 0,
    })
  },
)

const within = { timeout: 3000 }

testIf(linux, 'if several Sockets share an open socket, each of them sends, and copies', async () => {
  const [a, b] = await tcp()
  const copy = keep(a.dup())
  const send = async (from: Socket, byte: number): Promise<void> => {
    const sending = from.sendZeroCopy(Buffer.alloc(1000, byte), within)
    expect((await receive(b, 1000)).every(each => each === byte)).toBe(true)
    expect(await sending).toMatchObject({ bytes: 1000, copied: true })
  }
  for (let i = 0; i < 3; i++) await send(a, i)
  await send(copy, 3)
  await Promise.all([
    a.sendZeroCopy(own(1000), within),
    copy.sendZeroCopy(own(1000), within),
    receive(b, 2000),
  ])
  const [one, other] = [a, copy].map(socket => socket.zeroCopyStatistics())
  expect([one!.sends, other!.sends]).toEqual([4, 2])
  a.close()
  for (let i = 4; i < 7; i++) await send(copy, i)
  const third = keep(copy.dup())
  await send(third, 8)
})

testIf(linux, 'a socket that moves between the promise and the blocking API continues to send', async () => {
  const [a, b] = await tcp()
  for (let i = 0; i < 2; i++) await Promise.all([a.sendZeroCopy(own(1000), within), receive(b, 1000)])
  const blocking = keep(Blocking.adopt(a.detach()))
  for (let i = 0; i < 3; i++) expect(blocking.sendZeroCopy(own(1000), within).bytes).toBe(1000)
  await receive(b, 3000)
})

testIf(linux, 'sendZeroCopy works if SO_ZEROCOPY was already enabled', async () => {
  const [a, b] = await tcp()
  a.set(options.SO_ZEROCOPY, true)
  for (let i = 0; i < 3; i++) await Promise.all([a.sendZeroCopy(own(1000), within), receive(b, 1000)])
  expect(a.zeroCopyStatistics()).toMatchObject({ sends: 3, pending: 0 })
})

testIf(
  linux,
  'the first sendZeroCopy may take many system calls if SO_ZEROCOPY was already enabled',
  async () => {
    const [a, b] = await tcp()
    a.set(options.SO_ZEROCOPY, true)
    const [{ bytes, buffer }, got] = await Promise.all([
      a.sendZeroCopy(own(8 << 20), within),
      receive(b, 8 << 20),
    ])
    expect([bytes, buffer.length, a.zeroCopyStatistics().pending]).toEqual([8 << 20, 8 << 20, 0])
    expect(hash(got)).toBe(hash(pattern(8 << 20)))
  },
)
