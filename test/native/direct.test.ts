/*
 * A socket that alone is busy: libuv watches its descriptor directly (native/direct.h). Nothing that such a socket can
 * meet may lose an event, or let libuv report the same on every turn.
 */
import { spawn } from 'node:child_process'
import { constants, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import net from 'node:net'
import { inspect } from 'node:util'
import {
  MSG_OOB,
  Socket,
  SOL_SOCKET,
  SO_SNDBUF,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  AF_INET,
  AF_UNIX,
} from '../../lib'
import { failure, outcome } from '../helpers/errors'
import { runNode } from '../helpers/child'
import { keeper } from '../helpers/keep'
import { describeIf, missing } from '../helpers/need'
import { kinds, turn, type Pair } from '../helpers/pairs'
import { FEW_TURNS, turnsIn } from '../helpers/stalls'

const keep = keeper()
const byte = Buffer.from('x')

/** What one epoll of this process watches: the files, as inodes. */
interface Epoll {
  /** True if it watches other epolls. */
  outer: boolean
  inodes: string[]
}

function epolls(): Epoll[] {
  const texts = new Map<string, string>()
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`) !== 'anon_inode:[eventpoll]') continue
      texts.set(fd, readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))
    } catch {
      // the descriptor with which readdir read the folder
    }
  }
  return [...texts.values()].map(text => {
    const entries = [...text.matchAll(/^tfd:\s*(\d+) .* ino:(\w+)/gm)]
    return {
      outer: entries.some(([, fd]) => texts.has(fd!)),
      inodes: entries.map(([, , inode]) => String(parseInt(inode!, 16))),
    }
  })
}

/**
 * Who watches a socket: libuv, whose epoll watches the poller too, or the poller. A sender calls each of them for each
 * message, even one that reports nothing.
 */
function watchers(fd: number): string[] {
  const inode = /\d+/.exec(readlinkSync(`/proc/self/fd/${fd}`))![0]
  const watching = epolls().filter(epoll => epoll.inodes.includes(inode))
  return watching.map(epoll => (epoll.outer ? 'libuv' : 'poller'))
}

function isNonBlocking(fd: number): boolean {
  const [, flags] = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))!
  return (parseInt(flags!, 8) & constants.O_NONBLOCK) !== 0
}

/** Receives alone, until libuv watches the socket. */
async function makeDirect({ a, b }: Pair): Promise<void> {
  for (let i = 0; i < 100; i++) {
    const data = a.recv(10)
    b.trySend(byte)
    expect((await data).length).toBe(1)
  }
  await turn()
  expect(watchers(a.fd)).toEqual(['libuv'])
}

async function make(name: string): Promise<Pair> {
  const pair = await kinds.find(kind => kind.name === name)!.make()
  keep(pair.a)
  keep(pair.b)
  return pair
}

async function directPair(name = 'socketpair stream'): Promise<Pair> {
  const pair = await make(name)
  await makeDirect(pair)
  return pair
}

const pause = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 50))

describeIf(missing.linux(), 'a socket that libuv watches directly', () => {
  for (const kind of kinds.filter(each => each.missing === null)) {
    test(`${kind.name}: receives everything, and what ends the connection`, async () => {
      const pair = await kind.make()
      const { a, b } = pair
      keep(a)
      keep(b)
      await makeDirect(pair)
      for (let i = 0; i < 300; i++) {
        const data = a.recv(10)
        if (i % 3 === 0) await turn()
        b.trySend(Buffer.from(`${i}`))
        expect(String(await data)).toBe(`${i}`)
      }
      if (!kind.ends) return
      const end = a.recv(10)
      b.close()
      expect((await end).length).toBe(0)
    })
  }

  describe.each(['udp4', 'socketpair stream'])('%s', name => {
    test('a receive that the budget defers leaves the socket with libuv', async () => {
      const { a, b } = await directPair(name)
      for (let i = 0; i < 200; i++) b.trySend(byte)
      for (let i = 0; i < 200; i++) expect(String(await a.recv(1))).toBe('x')
      expect(watchers(a.fd)).toEqual(['libuv'])
    })

    test('a socket that uses up its budget in each turn is given to libuv', async () => {
      const { a, b } = await make(name)
      const data = a.recv(1)
      b.trySend(byte)
      await data
      expect(watchers(a.fd)).toEqual(['poller'])
      // Each round has two turns: one reads 64, and the next one the rest.
      for (let round = 0; round < 40; round++) {
        for (let i = 0; i < 100; i++) b.trySend(byte)
        for (let i = 0; i < 100; i++) expect(String(await a.recv(1))).toBe('x')
      }
      expect(watchers(a.fd)).toEqual(['libuv'])
    })

    test('data is not reported again and again after the receive that the budget deferred was aborted', async () => {
      const { a, b } = await directPair(name)
      for (let i = 0; i < 100; i++) b.trySend(byte)
      const leaving = new AbortController()
      let waiting: Promise<Buffer>
      do waiting = a.recv(1, { signal: leaving.signal })
      while (!inspect(waiting).includes('<pending>'))
      leaving.abort()
      expect(await outcome(waiting)).toBe('ABORT_ERR')
      expect(await turnsIn(pause)).toBeLessThan(FEW_TURNS)
      expect(String(await a.recv(1))).toBe('x')
    })
  })

  test('data that no operation waits for is not reported again and again', async () => {
    const { a, b } = await directPair()
    b.trySend(byte)
    await turn()
    await turn()
    expect(watchers(a.fd)).toEqual([])
    expect(await turnsIn(pause)).toBeLessThan(FEW_TURNS)
    expect(String(await a.recv(10))).toBe('x')
    await makeDirect({ a, b })
  })

  test.each(['tcp4', 'socketpair stream', 'udp4'])(
    '%s: after unread data the next wait is watched',
    async name => {
      const { a, b } = await directPair(name)
      const leave = async (): Promise<void> => {
        b.trySend(byte)
        await turn()
        await turn()
        expect(watchers(a.fd)).toEqual([])
      }
      await leave()
      await a.readable()
      expect(String(await a.recv(10))).toBe('x')
      const data = a.recv(10)
      expect(watchers(a.fd)).toEqual(['poller'])
      b.trySend(Buffer.from('y'))
      expect(String(await data)).toBe('y')
      await makeDirect({ a, b })
      await leave()
      const chunks: string[] = []
      for (let i = 0; i < 3; i++) {
        chunks.push(String(await a.recv(10, { timeout: 1000 })))
        if (i < 2) setTimeout(() => b.trySend(Buffer.from(`${i}`)), 2)
      }
      expect(chunks).toEqual(['x', '0', '1'])
      if (name === 'udp4') return
      await makeDirect({ a, b })
      await leave()
      b.close()
      await turn()
      expect(String(await a.recv(10))).toBe('x')
      expect((await a.recv(10)).length).toBe(0)
    },
  )

  test('a loop over messages that is paused is not reported again and again', async () => {
    const { a, b } = await directPair('udp4')
    const got: string[] = []
    const reception = a.onMessage(({ data }) => {
      got.push(String(data))
      if (got.length === 100) reception.pause()
    })
    for (let i = 0; i < 200; i++) b.trySend(byte)
    while (got.length < 100) await turn()
    expect(await turnsIn(pause)).toBeLessThan(FEW_TURNS)
    expect(got).toHaveLength(100)
    reception.resume()
    while (got.length < 200) await turn()
    reception.stop()
  })

  test('data that another reader takes is not reported again, and later data is received', async () => {
    const { a, b } = await directPair()
    const data = a.recv(10)
    const other = keep(a.dup())
    b.trySend(byte)
    expect(String(other.tryRecv(10))).toBe('x')
    await turn()
    b.trySend(Buffer.from('y'))
    expect(String(await data)).toBe('y')
  })

  test.each(['an abort', 'a timeout'])('after %s the next receive gets the data', async way => {
    const { a, b } = await directPair()
    const leaving = new AbortController()
    const waiting = a.recv(10, way === 'an abort' ? { signal: leaving.signal } : { timeout: 5 })
    if (way === 'an abort') leaving.abort()
    expect(await outcome(waiting)).toMatch(/ABORT|TIMEOUT/)
    b.trySend(byte)
    await turn()
    await turn()
    expect(String(await a.recv(10))).toBe('x')
  })

  test('a send that waits goes on when the peer reads, and receives go on beside it', async () => {
    const { a, b } = await directPair('tcp4')
    a.setsockopt(SOL_SOCKET, SO_SNDBUF, 4096)
    const size = 8 << 20
    const sent = a.sendAll(Buffer.alloc(size))
    const data = a.recv(10)
    while (!watchers(a.fd).includes('poller')) await turn() // until the send buffer is full
    b.trySend(byte)
    expect(String(await data)).toBe('x')
    let got = 0
    while (got < size) got += (await b.recv(1 << 16)).length
    await sent
    await makeDirect({ a, b })
  })

  test('the end of the stream behind data is received', async () => {
    const { a, b } = await directPair('tcp4')
    const first = a.recv(1)
    b.trySend(Buffer.from('xy'))
    b.close()
    expect(String(await first)).toBe('x')
    expect(String(await a.recv(10))).toBe('y')
    expect((await a.recv(10)).length).toBe(0)
    expect(await turnsIn(pause)).toBeLessThan(FEW_TURNS)
  })

  test('out-of-band data is not reported again and again', async () => {
    const { a, b } = await directPair('tcp4')
    const data = a.recv(10)
    b.trySend(Buffer.from('!'), MSG_OOB)
    expect(await turnsIn(pause)).toBeLessThan(FEW_TURNS)
    b.trySend(byte)
    expect(String(await data)).toBe('x')
  })

  test('an error of the socket rejects the receive', async () => {
    const { a, b } = await directPair('udp4')
    b.close()
    const data = a.recv(10)
    a.trySend(byte)
    expect(await failure(data)).toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('another socket that is busy alone takes its place', async () => {
    const first = await directPair()
    const second = await directPair()
    expect(watchers(first.a.fd)).toEqual(['poller'])
    const data = first.a.recv(10)
    first.b.trySend(byte)
    expect(String(await data)).toBe('x')
    const both = [first.a.recv(10), second.a.recv(10)]
    second.b.trySend(byte)
    first.b.trySend(byte)
    expect(String(await Promise.all(both))).toBe('x,x')
  })

  test('two sockets in turn do not take it from each other', async () => {
    const first = await directPair()
    const [c, d] = Socket.pair()
    keep(c)
    keep(d)
    for (let i = 0; i < 200; i++) {
      const both = [first.a.recv(10), c.recv(10)]
      first.b.trySend(byte)
      await both[0]
      d.trySend(byte)
      await both[1]
    }
    expect(watchers(first.a.fd)).toEqual(['libuv'])
    expect(watchers(c.fd)).toEqual(['poller'])
  })

  test('after close() the number belongs to the next socket', async () => {
    const { a, b } = await directPair()
    const { fd } = a
    const waiting = outcome(a.recv(10))
    a.close()
    const [c, d] = Socket.pair(AF_UNIX, SOCK_SEQPACKET)
    keep(c)
    keep(d)
    expect([c.fd, d.fd]).toContain(fd)
    expect(await waiting).toBe('ECANCELED')
    b.close()
    await makeDirect({ a: c, b: d })
    await makeDirect({ a: d, b: c })
  })

  test('after detach() a net.Socket can have the descriptor', async () => {
    const { a, b } = await directPair()
    const stream = new net.Socket({ fd: a.detach(), readable: true, writable: true })
    const data = new Promise(resolve => stream.once('data', resolve))
    b.trySend(byte)
    expect(String(await data)).toBe('x')
    stream.destroy()
  })

  test('a net.Socket can have the same descriptor', async () => {
    const { a, b } = await directPair('tcp4')
    const stream = new net.Socket({ fd: a.fd, readable: false, writable: true })
    stream.write(Buffer.alloc(4 << 20))
    const data = a.recv(10)
    b.trySend(byte)
    expect(String(await data)).toBe('x')
    let got = 0
    while (got < 4 << 20) got += (await b.recv(1 << 16)).length
    a.detach()
    stream.destroy()
  })

  test('other code may close the descriptor at any moment', async () => {
    const script = `
      const { closeSync } = require('node:fs')
      const turn = () => new Promise(setImmediate)
      ;(async () => {
        for (let turns = 20; turns < 45; turns++) {
          const [a, b] = Socket.pair()
          for (let i = 0; i < turns; i++) {
            const data = a.recv(1)
            b.trySend(Buffer.from('x'))
            await data
          }
          closeSync(a.fd)
          await turn()
          await turn()
          assert.throws(() => a.close(), { code: 'EBADF' })
          assert.equal((await b.recv(1)).length, 0)
          b.close()
        }
        console.log('done')
      })()`
    expect(await runNode(script)).toMatchObject({ code: 0, signal: null, stdout: 'done\n' })
  })

  test('a child process can have the descriptor', async () => {
    const { a, b } = await directPair()
    const child = spawn('cat', { stdio: [a.fd, 'pipe', 'ignore'] })
    a.close()
    b.trySend(byte)
    expect(String(await new Promise(resolve => child.stdout!.once('data', resolve)))).toBe('x')
    b.close()
    await new Promise(resolve => child.once('close', resolve))
  })

  test('a socket that is blocking for another program stays blocking', async () => {
    const [a, b] = Socket.pair()
    keep(a)
    keep(b)
    a.setBlocking(true)
    for (let i = 0; i < 100; i++) {
      const data = a.recv(10)
      b.trySend(byte)
      expect((await data).length).toBe(1)
    }
    await turn()
    expect(isNonBlocking(a.fd)).toBe(false)
    expect(watchers(a.fd)).toEqual(['poller']) // libuv would set O_NONBLOCK
    a.setBlocking(false)
    await makeDirect({ a, b })
    a.setBlocking(true)
    const data = a.recv(10)
    b.trySend(byte)
    expect((await data).length).toBe(1)
    b.trySend(byte)
    await turn()
    expect(isNonBlocking(a.fd)).toBe(false)
  })

  test('a listener accepts', async () => {
    const listener = keep(new Socket(AF_UNIX))
    listener.bind('').listen()
    const address = listener.getsockname()
    for (let i = 0; i < 100; i++) {
      const connection = listener.accept()
      const client = keep(new Socket(AF_UNIX))
      await client.connect(address)
      keep(await connection)
    }
    await turn()
    expect(watchers(listener.fd)).toEqual(['libuv'])
    const last = keep(new Socket(AF_UNIX))
    await last.connect(address)
    await turn()
    await turn()
    expect(watchers(listener.fd)).toEqual([]) // no accept waits
    keep(await listener.accept())
    const connection = listener.accept()
    expect(watchers(listener.fd)).toEqual(['poller'])
    const client = keep(new Socket(AF_UNIX))
    await client.connect(address)
    keep(await connection)
  })

  test('bursts of datagrams are received in order', async () => {
    const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
    keep(a)
    keep(b)
    await makeDirect({ a, b })
    let next = 0
    for (let burst = 0; burst < 50; burst++) {
      const first = a.recv(10)
      for (let i = 0; i < 5; i++) await b.send(Buffer.from(`${next + i}`))
      expect(String(await first)).toBe(`${next++}`)
      for (let i = 1; i < 5; i++) expect(String(await a.recv(10))).toBe(`${next++}`)
    }
  })

  test('a receive that waits keeps the process alive, unless it is unrefed', async () => {
    const script = (then: string): string => `
      const [a, b] = Socket.pair()
      ;(async () => {
        for (let i = 0; i < 100; i++) {
          const data = a.recv(1)
          b.trySend(Buffer.from('x'))
          await data
        }
        ${then}
      })()`
    const alive = `setTimeout(() => b.trySend(Buffer.from('y')), 50).unref()
      console.log(String(await a.recv(1)))
      a.close(); b.close()`
    expect(await runNode(script(alive))).toMatchObject({ code: 0, stdout: 'y\n' })
    expect(await runNode(script('a.unref().recv(1)'))).toMatchObject({ code: 0, signal: null })
  })

  test('a worker ends', async () => {
    const script = `
      const { Worker, isMainThread } = require('node:worker_threads')
      const work = \`
        const { Socket } = require('./dist')
        const [a, b] = Socket.pair()
        ;(async () => {
          for (let i = 0; ; i++) {
            const data = a.recv(1)
            b.trySend(Buffer.from('x'))
            await data
            if (i === 100) require('node:worker_threads').parentPort.postMessage(0)
          }
        })()\`
      ;(async () => {
        for (let i = 0; i < 10; i++) {
          const worker = new Worker(work, { eval: true })
          await new Promise(resolve => worker.once('message', resolve))
          await worker.terminate()
        }
        console.log('done')
      })()`
    expect(await runNode(script)).toMatchObject({ code: 0, signal: null, stdout: 'done\n' })
  })

  test('TCP round trips, both ends in one process', async () => {
    const listener = keep(new Socket(AF_INET)).bind(['127.0.0.1', 0]).listen()
    const client = keep(new Socket(AF_INET))
    const [server] = await Promise.all([listener.accept(), client.connect(listener.getsockname())])
    keep(server)
    for (let i = 0; i < 500; i++) {
      const asked = server.recv(10)
      await client.send(Buffer.from(`${i}`))
      await server.send(await asked)
      expect(String(await client.recv(10))).toBe(`${i}`)
    }
  })
})
