import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream, writeFileSync, readFileSync } from 'node:fs'
import { PassThrough, Writable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { once } from 'node:events'
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  constants,
  IPPROTO_TCP,
  SO_KEEPALIVE,
  SOL_SOCKET,
  TCP_NODELAY,
  SHUT_WR,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  Socket,
} from '../../lib'
import { native } from '../../lib/binding/binding'
import { failure, thrown, type Failure } from '../helpers/errors'
import { kinds, pattern, receive, turn, using, withPath } from '../helpers/pairs'
import { missing, testIf } from '../helpers/need'

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')
const streams = kinds.filter(kind => kind.stream)

async function pair<T>(use: (a: Socket, b: Socket) => Promise<T>, type?: number): Promise<T> {
  const [a, b] = Socket.pair(AF_UNIX, type)
  try {
    return await use(a, b)
  } finally {
    a.close()
    b.close()
  }
}

describe.each(streams.map(kind => [kind.name, kind] as const))('%s', (_, kind) => {
  testIf(
    kind.missing,
    'pipeline transfers a file in both directions at the same time, with equal hashes',
    () =>
      using(kind.make, ({ a, b }) =>
        withPath(async file => {
          // Two kinds transfer as much data as a real program. A little data is enough for the others.
          const size = /^(tcp4|unix stream)$/.test(kind.name) ? 64 << 20 : (3 << 20) + 7
          writeFileSync(`${file}1`, randomBytes(size))
          writeFileSync(`${file}2`, randomBytes(size))
          const [left, right] = [a.toDuplex(), b.toDuplex()]
          await Promise.all([
            pipeline(createReadStream(`${file}1`), left),
            pipeline(createReadStream(`${file}2`), right),
            pipeline(left, createWriteStream(`${file}3`)),
            pipeline(right, createWriteStream(`${file}4`)),
          ])
          expect(sha256(readFileSync(`${file}4`))).toBe(sha256(readFileSync(`${file}1`)))
          expect(sha256(readFileSync(`${file}3`))).toBe(sha256(readFileSync(`${file}2`)))
          expect([left.bytesRead, left.bytesWritten]).toEqual([size, size])
          expect([a.closed, b.closed, left.closed, right.closed]).toEqual([true, true, true, true])
        }),
      ),
  )

  testIf(kind.missing, 'end() shuts down writing, and the peer can still answer', () =>
    using(kind.make, async ({ a, b }) => {
      const stream = a.toDuplex()
      stream.end('question')
      expect(String(await receive(b, 100))).toBe('question')
      await b.sendAll(Buffer.from('answer'))
      b.close()
      const answer: Buffer[] = []
      for await (const chunk of stream) answer.push(chunk as Buffer)
      expect(String(Buffer.concat(answer))).toBe('answer')
      expect(a.closed).toBe(true)
    }),
  )
})

describe('ends', () => {
  test('if the peer ends first, the stream can still write, and closes after end()', () =>
    pair(async (a, b) => {
      const stream = a.toDuplex()
      b.shutdown(SHUT_WR)
      stream.resume()
      await once(stream, 'end')
      expect(stream.writable).toBe(true)
      stream.end('late')
      await finished(stream)
      expect(String(await receive(b, 10))).toBe('late')
      expect(a.closed).toBe(true)
    }))

  test('allowHalfOpen: false ends the stream when the peer ends', () =>
    pair(async (a, b) => {
      const stream = a.toDuplex({ allowHalfOpen: false })
      stream.resume()
      b.shutdown(SHUT_WR)
      await finished(stream)
      expect(a.closed).toBe(true)
      expect((await b.recv(1)).length).toBe(0)
    }))

  test('destroy closes the socket once, without an error', () =>
    pair(async a => {
      const close = jest.spyOn(a, 'close')
      const stream = a.toDuplex()
      stream.on('data', () => undefined)
      const events: string[] = []
      for (const name of ['error', 'end', 'close']) stream.on(name, () => events.push(name))
      await turn()
      expect(stream.destroy()).toBe(stream)
      stream.destroy()
      await once(stream, 'close')
      expect(events).toEqual(['close'])
      expect(close).toHaveBeenCalledTimes(1)
    }))

  test('destroy with an error emits that error', () =>
    pair(async a => {
      const stream = a.toDuplex()
      const ended = failure(finished(stream))
      stream.destroy(new Error('mine'))
      expect(await ended).toMatchObject({ message: 'mine' })
      expect(a.closed).toBe(true)
    }))

  test('destroy fails the pending write', () =>
    pair(async a => {
      const stream = a.toDuplex()
      const written = new Promise<Failure>(resolve => {
        stream.write(Buffer.alloc(8 << 20), error => resolve(error as Failure))
      })
      await turn()
      stream.destroy()
      expect((await written).code).toMatch(/^(ECANCELED|ERR_STREAM_DESTROYED)$/)
    }))

  test('closing the socket destroys the stream, whether it is reading or not', async () => {
    for (const reading of [true, false]) {
      await pair(async a => {
        const stream = a.toDuplex()
        if (reading) stream.on('data', () => undefined)
        await turn()
        const ended = failure(finished(stream))
        a.close()
        expect(await ended).toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' })
        expect(stream.destroyed).toBe(true)
      })
    }
  })

  test('an aborted signal destroys the stream', () =>
    pair(async a => {
      const control = new AbortController()
      const stream = a.toDuplex({ signal: control.signal })
      const ended = failure(finished(stream))
      control.abort()
      expect(await ended).toMatchObject({ name: 'AbortError' })
      expect(a.closed).toBe(true)
    }))

  test('kernel errors are emitted as SocketError with their code', async () => {
    const tcp = kinds.find(kind => kind.name === 'tcp4')!
    await using(tcp.make, async ({ a, b }) => {
      const stream = a.toDuplex()
      const ended = failure(finished(stream))
      a.trySend(Buffer.from('unread'))
      await b.readable()
      stream.resume()
      b.close()
      expect(await ended).toMatchObject({ code: 'ECONNRESET', syscall: 'recv', name: 'SocketError' })
    })
    await pair(async (a, b) => {
      const stream = a.toDuplex()
      b.close()
      const ended = failure(finished(stream))
      const written = new Promise<Failure>(resolve => stream.write('x', error => resolve(error as Failure)))
      expect(await written).toMatchObject({ code: 'EPIPE', syscall: 'send' })
      expect(await ended).toMatchObject({ code: 'EPIPE' })
      expect(a.closed).toBe(true)
    })
  })

  test('pipeline closes the socket if the other stream fails', () =>
    pair(async (a, b) => {
      const source = new PassThrough()
      const copied = failure(pipeline(source, a.toDuplex()))
      source.write('x')
      await turn()
      source.destroy(new Error('source'))
      expect(await copied).toMatchObject({ message: 'source' })
      expect(a.closed).toBe(true)
      expect(String(await receive(b, 10))).toBe('x')
    }))

  test('leaving a for await loop over the stream closes the socket', () =>
    pair(async (a, b) => {
      b.trySend(Buffer.from('xyz'))
      for await (const chunk of a.toDuplex()) {
        if (String(chunk) === 'xyz') break
      }
      expect(a.closed).toBe(true)
    }))
})

describe('pressure', () => {
  test('a stream that is not read leaves the bytes in the kernel', () =>
    pair(async (a, b) => {
      const stream = a.toDuplex({ highWaterMark: 1000, size: 1000 })
      const total = 100_000
      expect(b.trySend(pattern(total))).toBe(total)
      stream.on('readable', () => undefined)
      for (let i = 0; i < 5; i++) await turn()
      expect(stream.bytesRead).toBeLessThanOrEqual(2000)
      const rest: Buffer[] = []
      b.shutdown(SHUT_WR)
      for await (const chunk of stream) rest.push(chunk as Buffer)
      expect(Buffer.concat(rest).equals(pattern(total))).toBe(true)
    }))

  test('write returns false if the socket is full, and drain follows', () =>
    pair(async (a, b) => {
      const stream = a.toDuplex({ highWaterMark: 1000 })
      expect(stream.writableHighWaterMark).toBe(1000)
      const data = pattern(4 << 20)
      let written = 0
      while (stream.write(data.subarray(written, written + 65536))) written += 65536
      const drained = once(stream, 'drain')
      stream.end(data.subarray(written + 65536))
      const got: Buffer[] = []
      for await (const chunk of b.chunks()) got.push(chunk)
      await Promise.race([drained, finished(stream, { readable: false })])
      expect(Buffer.concat(got).equals(data)).toBe(true)
    }))

  test('corked writes are sent together, even with more than IOV_MAX parts', () =>
    pair(async (a, b) => {
      const calls = jest.spyOn(native, 'sendmsg')
      const stream = a.toDuplex()
      stream.cork()
      for (let i = 0; i < 3000; i++) stream.write(String(i % 10))
      stream.write('')
      stream.uncork()
      const text = Array.from({ length: 3000 }, (_, i) => i % 10).join('')
      expect(String(await receive(b, 3000))).toBe(text)
      expect(calls.mock.calls.length).toBe(3)
      calls.mockRestore()
      stream.destroy()
    }))

  test('a gathered write continues after the kernel accepted a part of a buffer', () =>
    pair(async (a, b) => {
      const stream = a.toDuplex()
      const data = pattern(3 << 20)
      stream.cork()
      for (let at = 0; at < data.length; at += 100_003) stream.write(data.subarray(at, at + 100_003))
      stream.end()
      expect((await receive(b, data.length)).equals(data)).toBe(true)
    }))

  test('a slow reader slows down the sender', () =>
    pair(async (a, b) => {
      const slow = new Writable({ highWaterMark: 1, write: (_c, _e, done) => void setImmediate(done) })
      const copied = pipeline(b.toDuplex({ highWaterMark: 1000, size: 4096 }), slow, { end: true }).catch(
        () => undefined,
      )
      let taken = 0
      for (;;) {
        const sent = a.trySend(Buffer.alloc(65536))
        if (sent === null) break
        taken += sent
      }
      expect(taken).toBeLessThan(16 << 20)
      a.close()
      await copied
    }))
})

describe('borders', () => {
  test('on a seqpacket socket, each write is a record and each record is a chunk', () =>
    pair(async (a, b) => {
      const [left, right] = [a.toDuplex(), b.toDuplex()]
      left.cork()
      for (const text of ['one', '', 'two']) left.write(text)
      left.uncork()
      left.end()
      const got: string[] = []
      for await (const chunk of right) got.push(String(chunk))
      expect(got).toEqual(['one', '', 'two'])
      expect(right.readableObjectMode).toBe(true)
      right.end()
      left.resume()
      await finished(left)
    }, SOCK_SEQPACKET))

  test('on a seqpacket socket in byte mode, records are joined', () =>
    pair(async (a, b) => {
      const left = a.toDuplex()
      for (const text of ['one', '', 'two']) left.write(text)
      left.end()
      const right = b.toDuplex({ objectMode: false }).setEncoding('utf8')
      let all = ''
      for await (const text of right) all += text as string
      expect(all).toBe('onetwo')
      left.destroy()
    }, SOCK_SEQPACKET))

  test('a stream over datagrams works until it is destroyed', () =>
    pair(async (a, b) => {
      const [left, right] = [a.toDuplex(), b.toDuplex()]
      left.end('one')
      const [data] = (await once(right, 'data')) as [Buffer]
      expect(String(data)).toBe('one')
      right.destroy()
      left.destroy()
      await Promise.all([once(left, 'close'), once(right, 'close')])
    }, SOCK_DGRAM))
})

describe('what others ask of a socket', () => {
  test('the stream has the address properties of a net.Socket', async () => {
    const tcp = kinds.find(kind => kind.name === 'tcp4')!
    await using(tcp.make, async ({ a, b }) => {
      const stream = a.toDuplex()
      const peer = b.getsockname() as { address: string; port: number } & ReturnType<Socket['getsockname']>
      expect(stream).toMatchObject({
        remoteAddress: peer.address,
        remotePort: peer.port,
        remoteFamily: 'IPv4',
        localAddress: '127.0.0.1',
        connecting: false,
      })
      expect(stream.setKeepAlive(true, 5000).setNoDelay()).toBe(stream)
      expect(a.getsockopt(6, 1)).toBe(1)
      stream.destroy()
      await once(stream, 'close')
      expect(stream.remotePort).toBe(peer.port) // also after the end
    })
    await pair(async a => {
      const stream = a.toDuplex()
      expect(stream.remoteAddress).toBe(undefined)
      expect(stream.setKeepAlive(true).setNoDelay(true)).toBe(stream)
      stream.destroy()
      await once(stream, 'close')
    })
  })

  test('setTimeout emits timeout after inactivity and does not close the stream', () =>
    pair(async (a, b) => {
      const stream = a.toDuplex()
      stream.resume()
      stream.setTimeout(20)
      b.trySend(Buffer.from('x'))
      const hold = setInterval(() => undefined, 1000)
      await once(stream, 'timeout')
      clearInterval(hold)
      expect(a.closed).toBe(false)
      const never = (): void => undefined
      stream.setTimeout(0, never)
      expect(stream.timeout).toBe(0)
      stream.destroy()
      await once(stream, 'close')
    }))

  test('toDuplex rejects invalid options', () =>
    pair(async a => {
      expect(thrown(() => a.toDuplex(1 as never)).code).toBe('ERR_INVALID_ARG_TYPE')
      expect(thrown(() => a.toDuplex({ size: -1 })).code).toBe('ERR_OUT_OF_RANGE')
      await turn()
      expect(a.closed).toBe(false)
    }))

  test('a stream over a refused connection emits ECONNREFUSED', async () => {
    using unconnected = new Socket(AF_INET)
    const stream = unconnected.toDuplex()
    stream.resume()
    const [error] = (await once(stream, 'error')) as [Failure]
    expect(error.code).toBe('ENOTCONN')
  })
})

describe('what http asks of a net.Socket', () => {
  for (const [family, host, name, none] of [
    [AF_INET, '127.0.0.1', 'IPv4', null],
    [AF_INET6, '::1', 'IPv6', missing.socket(AF_INET6, SOCK_STREAM)],
  ] as const) {
    testIf(none, `a Duplex over ${name} has both addresses and the TCP options`, () =>
      asksOf(family, host, name),
    )
  }

  async function asksOf(family: number, host: string, name: string): Promise<void> {
    const listener = new Socket(family).bind([host, 0]).listen()
    const a = new Socket(family)
    const [b] = await Promise.all([listener.accept(), a.connect(listener.getsockname())])
    const stream = a.toDuplex({ size: 0 })
    const { port } = listener.getsockname() as { port: number }
    const own = a.getsockname() as { port: number }
    expect([stream.remoteAddress, stream.remotePort, stream.remoteFamily]).toEqual([host, port, name])
    expect([stream.localAddress, stream.localPort]).toEqual([host, own.port])
    const keep = constants['TCP_KEEPIDLE'] ?? constants['TCP_KEEPALIVE']
    stream.setKeepAlive(true, 7000).setNoDelay()
    expect(a.getsockopt(IPPROTO_TCP, keep!)).toBe(7)
    expect(a.getsockopt(SOL_SOCKET, SO_KEEPALIVE)).not.toBe(0)
    expect(a.getsockopt(IPPROTO_TCP, TCP_NODELAY)).not.toBe(0)
    stream.setKeepAlive(true, 999)
    expect(a.getsockopt(IPPROTO_TCP, keep!)).toBe(7) // a delay below one second is ignored
    stream.setKeepAlive().setNoDelay(false)
    expect([a.getsockopt(SOL_SOCKET, SO_KEEPALIVE), a.getsockopt(IPPROTO_TCP, TCP_NODELAY)]).toEqual([0, 0])
    stream.destroy()
    for (const socket of [b, listener]) socket.close()
  }

  test('a Duplex over AF_UNIX has no port, and ignores the TCP options', async () => {
    await pair(async a => {
      const stream = a.toDuplex()
      expect([stream.remotePort, stream.localPort, stream.remoteFamily]).toEqual([
        undefined,
        undefined,
        undefined,
      ])
      expect(stream.setKeepAlive(true).setNoDelay().ref().unref()).toBe(stream)
      stream.destroy()
      await once(stream, 'close')
    })
  })

  test('setTimeout(0) removes the timeout, and its listener is not called', async () => {
    await pair(async a => {
      const stream = a.toDuplex()
      const listener = (): void => undefined
      stream.setTimeout(60_000, listener)
      expect([stream.listenerCount('timeout'), stream.timeout]).toEqual([1, 60_000])
      stream.setTimeout(0, listener)
      expect([stream.listenerCount('timeout'), stream.timeout]).toEqual([0, 0])
      stream.setTimeout(1)
      await once(stream, 'timeout')
      stream.destroy()
      await once(stream, 'close')
    })
  })

  test('an empty chunk sends nothing on a stream socket, and an empty message on a message socket', async () => {
    for (const [type, empty] of [
      [SOCK_STREAM, null],
      [SOCK_DGRAM, 0],
    ] as const) {
      await pair(async (a, b) => {
        const stream = a.toDuplex()
        await new Promise(resolve => stream.write(Buffer.alloc(0), resolve))
        expect(b.tryRecv(10)?.length ?? null).toBe(empty)
        stream.destroy()
        await once(stream, 'close')
      }, type)
    }
  })
})

test.each(['toDuplex', 'toWeb'] as const)('%s of a closed socket throws EBADF', call => {
  const [a, b] = Socket.pair()
  // The getter closes the socket while the options are read.
  const options = {
    get size() {
      a.close()
      return 4
    },
  }
  for (const given of [options, undefined]) {
    expect(thrown(() => a[call](given))).toMatchObject({ code: 'EBADF', syscall: call })
  }
  b.close()
})
