/*
 * Calls of a datagram socket wait until it is bound. Listeners that throw, functions of the caller that throw, and
 * memory that is taken away meanwhile lose none of the others: each datagram arrives or its callback gets an error, and
 * `close()` closes the descriptor.
 */
import { runNode } from '../helpers/child'

const head = `
  const { readdirSync, readlinkSync } = require('node:fs')
  const dgram = require('./dist/dgram')
  const uncaught = []
  process.on('uncaughtException', error => uncaught.push(error.message))
  const receiver = dgram.createSocket('udp4')
  const received = []
  const arrived = text => new Promise(resolve => receiver.on('message', data => {
    if (String(data) === text) resolve()
  }))
  receiver.on('message', data => received.push(String(data)))
  receiver.bind(0, '127.0.0.1', () => start(receiver.address().port))
  const target = fd => { try { return readlinkSync('/proc/self/fd/' + fd) } catch { return '' } }
  const sockets = () => process.platform !== 'linux' ? 0
    : readdirSync('/proc/self/fd').filter(fd => target(fd).startsWith('socket:')).length
  const closed = socket => new Promise(resolve => socket.close(resolve))
`

/** Runs the body of an async function with the port of a receiver. Returns what it returns, and the uncaught errors. */
async function scene(body: string): Promise<unknown> {
  const script = `${head}
    async function start(port) {
      const before = sockets()
      const result = await (async () => { ${body} })()
      await new Promise(setImmediate)
      console.log(JSON.stringify({ ...result, received, uncaught, leaked: sockets() - before }))
      receiver.close()
    }`
  const { stdout, stderr, signal } = await runNode(script)
  expect({ stderr, signal }).toEqual({ stderr: '', signal: null })
  return JSON.parse(stdout)
}

test("a listener of 'listening' that throws: what waits is sent, and the socket closes", async () => {
  const result = await scene(`
    const socket = dgram.createSocket('udp4').on('listening', () => { throw new Error('listener') })
    const all = arrived('b')
    let sent = 0
    socket.send('a', port, '127.0.0.1', () => sent++)
    socket.send('b', port, '127.0.0.1', () => sent++)
    const end = closed(socket)
    await Promise.all([all, end])
    return { sent }
  `)
  expect(result).toEqual({ sent: 2, received: ['a', 'b'], uncaught: ['listener'], leaked: 0 })
})

test('a lookup that throws: the sends and the close behind it are done', async () => {
  const result = await scene(`
    const lookup = (name, _family, done) => {
      if (name === 'bad') throw new Error('lookup')
      setImmediate(done, null, '127.0.0.1')
    }
    const socket = dgram.createSocket({ type: 'udp4', lookup })
    const all = arrived('b')
    socket.bind(0, 'here')
    socket.send('a', port, 'bad')
    socket.send('b', port, 'good')
    await all
    await closed(socket)
    return {}
  `)
  expect(result).toEqual({ received: ['b'], uncaught: ['lookup'], leaked: 0 })
})

test('a lookup that throws while bind() runs: the caller gets the error, and the socket can be bound and closed', async () => {
  const result = await scene(`
    let fails = true
    const lookup = (_name, _family, done) => {
      if (fails) throw new Error('lookup')
      setImmediate(done, null, '127.0.0.1')
    }
    const socket = dgram.createSocket({ type: 'udp4', lookup })
    const all = arrived('b')
    const errors = []
    for (const call of [() => socket.bind(0, 'here'), () => socket.send('a', port, 'there')]) {
      try { call() } catch (error) { errors.push(error.message) }
    }
    fails = false
    socket.send('b', port, 'there')
    await all
    await closed(socket)
    return { errors }
  `)
  expect(result).toEqual({ errors: ['lookup', 'lookup'], received: ['b'], uncaught: [], leaked: 0 })
})

test('a bind that fails without a listener: the socket closes', async () => {
  const result = await scene(`
    const socket = dgram.createSocket('udp4')
    socket.bind(port, '127.0.0.1')
    socket.send('a', port, '127.0.0.1')
    await new Promise(setImmediate)
    await closed(socket)
    const other = dgram.createSocket('udp4').on('error', () => { throw new Error('listener') })
    other.bind(port, '127.0.0.1')
    other.send('a', port, '127.0.0.1')
    await closed(other)
    return { uncaught: uncaught.map(text => text.replace(/:.*/, '')) }
  `)
  expect(result).toMatchObject({ received: [], leaked: 0 })
  expect((result as { uncaught: string[] }).uncaught).toEqual([
    expect.stringContaining('bind EADDRINUSE 127.0.0.1'),
    'listener',
  ])
})

test("a listener of 'error' that binds again and sends: the datagram arrives", async () => {
  const result = await scene(`
    const socket = dgram.createSocket('udp4')
    const all = arrived('again')
    let sent = 0
    socket.on('error', () => {
      socket.bind(0, '127.0.0.1')
      socket.send('again', port, '127.0.0.1', () => sent++)
    })
    socket.bind(port, '127.0.0.1')
    await all
    await closed(socket)
    return { sent }
  `)
  expect(result).toEqual({ sent: 1, received: ['again'], uncaught: [], leaked: 0 })
})

test('memory that is taken away before the socket is bound, or during a lookup: the datagrams have the bytes of the call', async () => {
  const result = await scene(`
    const lookup = (_name, _family, done) => setImmediate(done, null, '127.0.0.1')
    const socket = dgram.createSocket({ type: 'udp4', lookup })
    const all = arrived('end')
    const results = []
    const done = (error, bytes) => results.push(error?.message ?? bytes)
    const lose = View => {
      for (const change of [memory => structuredClone(memory, { transfer: [memory] }), memory => memory.resize(5),
        memory => memory.resize(64), memory => new Uint8Array(memory).fill(0)]) {
        const memory = new ArrayBuffer(8, { maxByteLength: 64 })
        new Uint8Array(memory).fill(46)
        socket.send(new View(memory), port, 'there', done)
        socket.send([new View(memory, 6), 'x'], port, 'there', done)
        change(memory)
      }
    }
    for (const View of [Uint8Array, DataView]) lose(View)
    await new Promise(resolve => socket.once('listening', resolve))
    for (const View of [Uint8Array, DataView]) lose(View)
    socket.send('end', port, 'there')
    await all
    await closed(socket)
    return { results }
  `)
  const pairs = <T>(...pair: T[]): T[] => Array.from({ length: 16 }, () => pair).flat()
  expect(result).toEqual({
    results: pairs(8, 3),
    received: [...pairs('........', '..x'), 'end'],
    uncaught: [],
    leaked: 0,
  })
})

test('memory that is taken away while a send waits for room: the callback gets the reason', async () => {
  const result = await scene(`
    const { mkdtempSync, rmSync } = require('node:fs')
    const path = mkdtempSync('/tmp/bsd-sockets-') + '/socket'
    const full = new Socket(c.AF_UNIX, c.SOCK_DGRAM).bind(path)
    const socket = dgram.createSocket('unix')
    socket.send('first', path)
    await new Promise(resolve => socket.once('listening', resolve))
    while (socket.getSendQueueCount() === 0) socket.send('.', path)
    const memory = new ArrayBuffer(8)
    const lost = new Promise(resolve => socket.send(new Uint8Array(memory), path, resolve))
    structuredClone(memory, { transfer: [memory] })
    for await (const _ of full.messages()) if (socket.getSendQueueCount() === 0) break
    const { code } = await lost
    await closed(socket)
    full.close()
    rmSync(path.slice(0, -7), { recursive: true })
    return { code }
  `)
  expect(result).toEqual({ code: 'ERR_BUFFER_DETACHED', received: [], uncaught: [], leaked: 0 })
})
