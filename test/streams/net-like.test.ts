import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import {
  AF_INET,
  AF_UNIX,
  IPPROTO_TCP,
  options,
  SHUT_WR,
  Socket,
  SOCK_SEQPACKET,
  SO_KEEPALIVE,
  SOL_SOCKET,
  TCP_NODELAY,
} from '../../lib'
import { makeCertificate } from '../helpers/certificate'
import { ensureDist, runNode } from '../helpers/child'
import type { Failure } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { pattern, receive, turn, withPath } from '../helpers/pairs'

/*
 * The stream of toDuplex() does what a net.Socket does. Many tests run the same steps on both.
 */
type Stream = Duplex &
  Pick<
    net.Socket,
    | 'address'
    | 'bytesWritten'
    | 'connecting'
    | 'destroySoon'
    | 'localAddress'
    | 'localPort'
    | 'pending'
    | 'readyState'
    | 'remoteAddress'
    | 'remotePort'
    | 'resetAndDestroy'
    | 'setKeepAlive'
    | 'setNoDelay'
    | 'setTimeout'
  >

/** Returns a connected pair over TCP: a stream, which is made in one of two ways, and its peer. */
async function connected(kind: 'net.Socket' | 'toDuplex', open = false): Promise<[Stream, Socket]> {
  using listener = new Socket(AF_INET).bind(['127.0.0.1', 0]).listen()
  const address = listener.getsockname()
  if (kind === 'net.Socket') {
    const socket = net.connect({ port: address.port, host: '127.0.0.1', allowHalfOpen: open })
    const [peer] = await Promise.all([listener.accept(), once(socket, 'connect')])
    return [socket, peer]
  }
  const socket = new Socket(AF_INET)
  const [peer] = await Promise.all([listener.accept(), socket.connect(address)])
  return [socket.toDuplex({ allowHalfOpen: open }) as Duplex as Stream, peer]
}

/** Returns whether the other end has acknowledged the end of `peer`: the connection is in the state FIN_WAIT2. */
function endHasArrived(peer: Socket): boolean {
  return process.platform === 'linux'
    ? peer.get(options.TCP_INFO).tcpi_state === 5
    : peer.get(options.TCP_CONNECTION_INFO).tcpi_state === 9
}

/** Resolves with the argument of `'close'`. Unlike `once`, does not reject when the stream emits `'error'`. */
function closing(stream: Duplex): Promise<unknown> {
  return new Promise(resolve => stream.on('close', resolve as () => void))
}

describe.each(['net.Socket', 'toDuplex'] as const)('%s', kind => {
  test('writes before destroy() are sent, and do not stay in the stream', async () => {
    const [stream, peer] = await connected(kind)
    for (const text of ['one', 'two', 'three']) expect(stream.write(text)).toBe(true)
    expect([stream.writableLength, stream.bytesWritten]).toEqual([0, 11])
    stream.destroy()
    expect(String(await receive(peer, 11))).toBe('onetwothree')
    peer.close()
    await once(stream, 'close')
  })

  test('the end of the peer is noticed by a stream that only writes', async () => {
    const [stream, peer] = await connected(kind)
    stream.write('x')
    await receive(peer, 1)
    peer.close()
    const events: string[] = []
    for (const name of ['end', 'finish', 'close']) stream.on(name, () => events.push(name))
    await once(stream, 'close')
    expect(events).toEqual(['end', 'finish', 'close'])
  })

  test('with allowHalfOpen, the stream stays writable when the peer has ended', async () => {
    const [stream, peer] = await connected(kind, true)
    peer.shutdown(SHUT_WR)
    await once(stream, 'end')
    expect([stream.readyState, stream.writable]).toEqual(['writeOnly', true])
    stream.end('late')
    expect(String(await receive(peer, 4))).toBe('late')
    peer.close()
    await once(stream, 'close')
  })

  test('unread data keeps the stream open when the peer has ended', async () => {
    const [stream, peer] = await connected(kind)
    peer.trySend(Buffer.from('x'))
    peer.shutdown(SHUT_WR)
    stream.pause()
    while (stream.readableLength < 1 || !endHasArrived(peer)) await turn()
    for (let i = 0; i < 5; i++) await turn() // the stream learns of the end in the first or second
    expect([stream.readyState, stream.readableEnded, stream.destroyed]).toEqual(['open', false, false])
    const closed = closing(stream)
    stream.resume()
    expect(await closed).toBe(false)
    peer.close()
  })

  test('a reset is an error of a stream that only writes, and close tells so', async () => {
    const [stream, peer] = await connected(kind)
    const ended = Promise.all([new Promise(resolve => stream.on('error', resolve)), closing(stream)])
    peer.reset()
    const [error, hadError] = await ended
    expect([(error as Failure).code, hadError]).toEqual(['ECONNRESET', true])
  })

  test('close follows error, and its argument is false without an error', async () => {
    const [stream, peer] = await connected(kind)
    const events: unknown[] = []
    stream.on('error', error => events.push(error.message)).on('close', (had: unknown) => events.push(had))
    stream.destroy(new Error('mine'))
    await closing(stream)
    expect(events).toEqual(['mine', true])
    peer.close()
    const [other, end] = await connected(kind)
    other.destroy()
    expect(await once(other, 'close')).toEqual([false])
    end.close()
  })

  test('readyState, pending and the addresses follow the life of the connection', async () => {
    const [stream, peer] = await connected(kind, true)
    const remote = peer.localAddress as { address: string; port: number }
    const local = peer.remoteAddress as { address: string; port: number }
    expect([stream.readyState, stream.pending, stream.connecting]).toEqual(['open', false, false])
    expect([stream.remoteAddress, stream.remotePort]).toEqual([remote.address, remote.port])
    expect(stream.address()).toEqual({ address: local.address, family: 'IPv4', port: local.port })
    stream.end()
    await once(stream, 'finish')
    expect(stream.readyState).toBe('readOnly')
    peer.close()
    await once(stream, 'close')
    expect([stream.readyState, stream.pending]).toEqual(['closed', true])
    expect([stream.remoteAddress, stream.remotePort]).toEqual([remote.address, remote.port])
  })

  test('destroySoon sends what was written, and then closes', async () => {
    const [stream, peer] = await connected(kind, true)
    const data = pattern(8 << 20)
    stream.write(data)
    stream.destroySoon()
    const closed = closing(stream)
    expect((await receive(peer, data.length)).equals(data)).toBe(true)
    expect(await closed).toBe(false)
    peer.close()
  })

  test('resetAndDestroy resets the connection, and is an error on a closed stream', async () => {
    const [stream, peer] = await connected(kind)
    expect(stream.resetAndDestroy()).toBe(stream)
    await once(stream, 'close')
    await expect(peer.recv(1)).rejects.toMatchObject({ code: 'ECONNRESET' })
    peer.close()
    expect(stream.resetAndDestroy()).toBe(stream)
  })

  test('resetAndDestroy destroys at once: the stream has not ended, and a write is refused', async () => {
    const [stream, peer] = await connected(kind)
    expect(stream.resetAndDestroy().destroyed).toBe(true)
    expect([stream.writableEnded, stream.writable]).toEqual([false, false])
    const error = await new Promise(resolve => stream.write('x', resolve))
    expect(error).toMatchObject({ code: 'ERR_STREAM_DESTROYED' })
    await expect(peer.recv(1)).rejects.toMatchObject({ code: 'ECONNRESET' })
    peer.close()
  })

  test('setters ignore values that the kernel does not accept', async () => {
    const [stream, peer] = await connected(kind)
    for (const delay of [Infinity, NaN, -1, 1e12, null as never])
      expect(stream.setKeepAlive(true, delay)).toBe(stream)
    for (const on of [null, 0, 1, undefined, {}]) {
      expect(stream.setNoDelay(on as never).setKeepAlive(on as never)).toBe(stream)
    }
    stream.destroy()
    expect(stream.setNoDelay().setKeepAlive(true, 1000)).toBe(stream)
    peer.close()
    await once(stream, 'close')
  })

  test('no timeout is emitted after destroy()', async () => {
    const [stream, peer] = await connected(kind)
    const fired = jest.fn()
    stream.setTimeout(1, fired)
    stream.destroy()
    stream.setTimeout(1, fired)
    await new Promise(resolve => setTimeout(resolve, 5))
    expect(fired).not.toHaveBeenCalled()
    peer.close()
  })

  test('corked writes, end(data) and a half-close arrive in order', async () => {
    const [stream, peer] = await connected(kind, true)
    stream.cork()
    stream.write('a')
    stream.write('b')
    stream.uncork()
    stream.end('c')
    const got: Buffer[] = []
    for await (const chunk of peer.chunks()) got.push(chunk)
    expect(String(Buffer.concat(got))).toBe('abc')
    peer.trySend(Buffer.from('d'))
    expect(String((await once(stream, 'data'))[0])).toBe('d')
    peer.close()
    await once(stream, 'close')
  })
})

describe('reading', () => {
  test('a stream that is not read takes in data only up to its highWaterMark', async () => {
    const [a, b] = Socket.pair()
    const stream = a.toDuplex({ highWaterMark: 1000, size: 1000 })
    const sent = b.trySend(pattern(100_000))!
    while (stream.readableLength < 1000) await turn()
    for (let i = 0; i < 5; i++) await turn()
    expect([stream.bytesRead, sent]).toEqual([1000, 100_000])
    stream.destroy()
    b.close()
  })

  testIf(
    missing.linux(),
    'what a listener throws is an uncaught exception, and reading goes on',
    async () => {
      ensureDist()
      for (const event of ['data', 'drain', 'callback']) {
        const ended = await runNode(
          `const [a, b] = Socket.pair()
           const stream = a.toDuplex()
           const seen = []
           process.on('uncaughtException', error => seen.push(error.message))
           process.on('unhandledRejection', () => seen.push('rejection'))
           const event = ${JSON.stringify(event)}
           const fail = () => { throw new Error('mine') }
           let text = ''
           if (event === 'data') stream.once('data', fail)
           stream.on('data', data => (text += data))
           if (event === 'drain') stream.once('drain', fail)
           if (event !== 'data') stream.write(Buffer.alloc(4 << 20), event === 'callback' ? fail : () => {})
           ;(async () => {
             if (event !== 'data') for (let n = 4 << 20; n > 0; ) n -= (await b.recv(1 << 20)).length
             await b.send(Buffer.from('one'))
             while (stream.bytesRead < 3) await new Promise(setImmediate)
             await b.send(Buffer.from('two'))
             while (!text.endsWith('two')) await new Promise(setImmediate)
             stream.destroy()
             b.close()
             console.log(JSON.stringify(seen))
           })()`,
        )
        expect([event, ended.stdout.trim(), ended.stderr]).toEqual([event, '["mine"]', ''])
      }
    },
  )

  testIf(
    missing.linux(),
    'a stream that only its listeners hold is not collected while it is open',
    async () => {
      ensureDist()
      const ended = await runNode(
        `const [a, b] = Socket.pair()
       ;(() => { a.toDuplex({ highWaterMark: 1 }).on('close', () => console.log('closed')) })()
       b.trySend(Buffer.from('more than the mark'))
       setTimeout(async () => {
         for (let i = 0; i < 5; i++) { gc(); await new Promise(setImmediate) }
         console.log(b.trySend(Buffer.from('x')))
         b.close()
       }, 1)`,
        { flags: ['--expose-gc'] },
      )
      expect(ended.stdout.trim()).toBe('1')
      expect(ended.stderr).toBe('')
    },
  )
})

describe('a socket that is still connecting', () => {
  test('writes wait for the connection, and connect and ready are emitted', async () => {
    using listener = new Socket(AF_INET).bind(['127.0.0.1', 0]).listen()
    const socket = new Socket(AF_INET)
    const result = socket.connect(listener.getsockname())
    const stream = socket.toDuplex()
    const events: string[] = []
    for (const name of ['connect', 'ready']) stream.on(name, () => events.push(name))
    expect([stream.connecting, stream.pending, stream.readyState]).toEqual([true, true, 'opening'])
    stream.write('hello')
    stream.end()
    expect(stream.writableLength).toBe(5)
    const peer = await listener.accept()
    expect(String(await receive(peer, 5))).toBe('hello')
    await result
    expect(events).toEqual(['connect', 'ready'])
    expect([stream.connecting, stream.pending]).toEqual([false, false])
    peer.trySend(Buffer.from('back'))
    expect(String((await once(stream, 'data'))[0])).toBe('back')
    peer.close()
    await once(stream, 'close')
  })

  test('a connection that is refused destroys the stream with that error', async () => {
    const probe = new Socket(AF_INET).bind(['127.0.0.1', 0])
    const address = probe.getsockname()
    probe.close()
    const socket = new Socket(AF_INET)
    const result = socket.connect(address).catch((error: unknown) => (error as Failure).code)
    const stream = socket.toDuplex()
    const written = new Promise(resolve => stream.write('x', error => resolve((error as Failure).code)))
    const closed = closing(stream)
    const [error] = (await once(stream, 'error')) as [Failure]
    expect([error.code, error.syscall, await result]).toEqual(['ECONNREFUSED', 'connect', 'ECONNREFUSED'])
    expect(await written).toBe('ECANCELED')
    expect(await closed).toBe(true)
  })

  test.each(['before', 'after'])('a connect() that fails at once, %s toDuplex(), destroys it too', when =>
    withPath(async file => {
      const socket = new Socket(AF_UNIX)
      const early = when === 'before' ? null : socket.toDuplex()
      const result = socket.connect(file).catch((error: unknown) => (error as Failure).code)
      const stream = early ?? socket.toDuplex()
      const written = new Promise(resolve => stream.write('x', error => resolve((error as Failure).code)))
      const closed = closing(stream)
      const [error] = (await once(stream, 'error')) as [Failure]
      expect([error.code, error.syscall, await result]).toEqual(['ENOENT', 'connect', 'ENOENT'])
      expect(error.message).toContain(file)
      expect(await written).toBe('ECANCELED')
      expect(await closed).toBe(true)
    }),
  )

  test('a stream that is made after a failed connect() has its error, and none after the next one', async () => {
    const probe = new Socket(AF_INET).bind(['127.0.0.1', 0])
    const address = probe.getsockname()
    probe.close()
    const socket = new Socket(AF_INET)
    await expect(socket.connect(address)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    const [error] = (await once(socket.toDuplex(), 'error')) as [Failure]
    expect([error.code, error.syscall]).toEqual(['ECONNREFUSED', 'connect'])

    using listener = new Socket(AF_INET).bind(['127.0.0.1', 0]).listen()
    const again = new Socket(AF_INET)
    await expect(again.connect(address)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    const result = again.connect(listener.getsockname())
    const stream = again.toDuplex()
    const [peer] = await Promise.all([listener.accept(), once(stream, 'connect'), result])
    stream.destroy()
    peer.close()
  })

  test('resetAndDestroy waits for the connection', async () => {
    using listener = new Socket(AF_INET).bind(['127.0.0.1', 0]).listen()
    const socket = new Socket(AF_INET)
    void socket.connect(listener.getsockname())
    const stream = socket.toDuplex()
    stream.resetAndDestroy()
    expect(stream.destroyed).toBe(false)
    const [peer] = await Promise.all([listener.accept(), once(stream, 'close')])
    await expect(peer.recv(1)).rejects.toMatchObject({ code: 'ECONNRESET' })
    peer.close()
  })

  test('destroy() cancels the connect and the write', async () => {
    using listener = new Socket(AF_INET).bind(['127.0.0.1', 0]).listen()
    const socket = new Socket(AF_INET)
    const result = socket.connect(listener.getsockname()).catch((error: unknown) => (error as Failure).code)
    const stream = socket.toDuplex()
    const written = new Promise(resolve => stream.write('x', error => resolve((error as Failure).code)))
    stream.destroy()
    expect([await result, await written]).toEqual(['ECANCELED', 'ECANCELED'])
    expect(stream.connecting).toBe(false)
  })

  test('a connect() in the same turn, after toDuplex(), counts', async () => {
    using listener = new Socket(AF_INET).bind(['127.0.0.1', 0]).listen()
    const socket = new Socket(AF_INET)
    const stream = socket.toDuplex()
    stream.resume()
    void socket.connect(listener.getsockname())
    const [peer] = await Promise.all([listener.accept(), once(stream, 'connect')])
    stream.destroy()
    peer.close()
  })

  test('toNetSocket refuses with EBUSY, and the attempt continues', async () => {
    using listener = new Socket(AF_INET).bind(['127.0.0.1', 0]).listen()
    const socket = new Socket(AF_INET)
    const result = socket.connect(listener.getsockname())
    expect(() => socket.toNetSocket()).toThrow(expect.objectContaining({ code: 'EBUSY' }))
    await result
    const stream = socket.toNetSocket()
    const peer = await listener.accept()
    stream.destroy()
    peer.close()
  })
})

describe('http', () => {
  test('a response with Connection: close closes the connection', async () => {
    const [a, b] = Socket.pair()
    const server = http.createServer((_request, response) => response.end('done'))
    server.emit('connection', a.toDuplex())
    await b.send(Buffer.from('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'))
    let text = ''
    for await (const chunk of b.chunks()) text += String(chunk)
    expect(text).toContain('done')
    expect(a.closed).toBe(true)
    b.close()
  })

  testIf(missing.program('openssl', 'version'), 'tls.connect works over a socket that is connecting', () =>
    withPath(async file => {
      const { key, cert } = makeCertificate(file)
      using listener = new Socket(AF_INET).bind(['127.0.0.1', 0]).listen()
      const socket = new Socket(AF_INET)
      void socket.connect(listener.getsockname())
      const client = tls.connect({ socket: socket.toDuplex(), ca: cert, servername: 'localhost' })
      const peer = await listener.accept()
      const server = new tls.TLSSocket(peer.toDuplex(), { isServer: true, key, cert })
      server.end('secret')
      expect(String((await once(client, 'data'))[0])).toBe('secret')
      client.destroy()
      await once(client, 'close')
    }),
  )
})

test('a TCP socket gets TCP_NODELAY, and setNoDelay(false) removes it', async () => {
  using listener = new Socket(AF_INET).bind(['127.0.0.1', 0]).listen()
  const socket = new Socket(AF_INET)
  const [peer] = await Promise.all([listener.accept(), socket.connect(listener.getsockname())])
  expect(socket.getsockopt(IPPROTO_TCP, TCP_NODELAY)).toBe(0)
  const stream = socket.toDuplex()
  expect(socket.getsockopt(IPPROTO_TCP, TCP_NODELAY)).not.toBe(0)
  stream.setNoDelay(null as never)
  expect(socket.getsockopt(IPPROTO_TCP, TCP_NODELAY)).toBe(0)
  stream.setKeepAlive(true, Infinity)
  expect(socket.getsockopt(SOL_SOCKET, SO_KEEPALIVE)).not.toBe(0)
  stream.destroy()
  peer.close()
})

test('each record of a seqpacket socket is sent at once', async () => {
  const [a, b] = Socket.pair(undefined, SOCK_SEQPACKET)
  const stream = a.toDuplex()
  for (const text of ['one', '', 'three']) stream.write(text)
  stream.destroy()
  const got = [b.tryRecv(9), b.tryRecv(9), b.tryRecv(9)]
  expect(got.map(String)).toEqual(['one', '', 'three'])
  await once(stream, 'close')
  b.close()
})
