import { MSG_PEEK, MSG_TRUNC, SHUT_RD, SHUT_WR, type Socket } from '../../lib'
import { failure, outcome, thrown } from '../helpers/errors'
import { drain, fill, pattern, receive, turn, using, type Kind, type Pair } from '../helpers/pairs'

const bytes = (text: string): Buffer => Buffer.from(text)

/** Defines the tests that every kind of connected sockets must pass. */
export function conformance(kind: Kind): void {
  const on = (run: (pair: Pair) => Promise<void>) => (): Promise<void> => using(kind.make, run)
  const testOf = (holds: boolean, name: string, run: (pair: Pair) => Promise<void>): void => {
    if (holds) test(name, on(run))
  }

  describe('order', () => {
    test(
      'concurrent reads get the data in the order of their calls',
      on(async ({ a, b }) => {
        const reads = [1, 2, 3, 4, 5].map(() => b.recv(1))
        for (const letter of 'abcde') await a.sendAll(bytes(letter))
        expect((await Promise.all(reads)).join('')).toBe('abcde')
      }),
    )

    test(
      'different kinds of reads get the data in the order of their calls',
      on(async ({ a, b }) => {
        const into = Buffer.alloc(1)
        const reads = Promise.all([b.recv(1), b.recvInto(into), b.recvfrom(1), b.recv(20000)])
        for (const letter of 'wxyz') await a.sendAll(bytes(letter))
        const [first, second, third, fourth] = await reads
        expect([String(first), second, String(into), String(third.data), String(fourth)]).toEqual([
          'w',
          1,
          'x',
          'y',
          'z',
        ])
      }),
    )

    test(
      'concurrent writes arrive in the order of their calls',
      on(async ({ a, b }) => {
        const parts = Array.from({ length: kind.backpressure ? 400 : 60 }, (_, i) =>
          Buffer.alloc(700, i % 251),
        )
        const writes = Promise.all(parts.map(part => a.sendAll(part)))
        if (kind.stream)
          expect((await receive(b, 700 * parts.length)).equals(Buffer.concat(parts))).toBe(true)
        else for (const part of parts) expect((await b.recv(1000)).equals(part)).toBe(true)
        await writes
      }),
    )

    test(
      'a read that waits does not block a write, nor the reverse',
      on(async ({ a, b }) => {
        const waiting = a.recv(10)
        expect(await a.send(bytes('over'))).toBe(4)
        expect(String(await b.recv(10))).toBe('over')
        await b.send(bytes('back'))
        expect(String(await waiting)).toBe('back')
      }),
    )
  })

  describe('backpressure', () => {
    testOf(
      kind.backpressure,
      'a send that does not fit completes when the reader has made room',
      async ({ a, b }) => {
        const chunk = pattern(4096)
        const full = fill(a, chunk)
        expect(full.bytes).toBeGreaterThan(0)
        const late = a.send(bytes('late'))
        expect(a.trySend(bytes('no'))).toBeNull()
        if (kind.stream) {
          const got = await receive(b, full.bytes + 4)
          expect(await late).toBe(4)
          expect(got.length).toBe(full.bytes + 4)
          expect(String(got.subarray(-4))).toBe('late')
          expect(got.subarray(0, 4096).equals(chunk)).toBe(true)
        } else {
          for (let i = 0; i < full.sends; i++) expect((await b.recv(8192)).equals(chunk)).toBe(true)
          expect(String(await b.recv(100))).toBe('late')
          expect(await late).toBe(4)
        }
        expect(b.tryRecv(1)).toBeNull()
      },
    )

    testOf(kind.stream, 'sendAll sends more than any buffer holds to a slow reader', async ({ a, b }) => {
      const large = pattern(6 * 1024 * 1024)
      const sent = a.sendAll(large)
      const parts: Buffer[] = []
      for (let got = 0; got < large.length;) {
        const part = await b.recv(50000)
        parts.push(part)
        got += part.length
        if (parts.length % 16 === 0) await turn()
      }
      await sent
      expect(Buffer.concat(parts).equals(large)).toBe(true)
    })

    const interruptions: [string, string, (socket: Socket, large: Buffer) => Promise<unknown>][] = [
      ['a timeout', 'ERR_SOCKET_TIMEOUT', (socket, large) => socket.sendAll(large, { timeout: 20 })],
      [
        'a signal',
        'ABORT_ERR',
        (socket, large) => {
          const controller = new AbortController()
          setImmediate(() => controller.abort())
          return socket.sendAll(large, { signal: controller.signal })
        },
      ],
      [
        'close()',
        'ECANCELED',
        (socket, large) => {
          setImmediate(() => socket.close())
          return socket.sendAll(large)
        },
      ],
    ]
    for (const [name, code, interrupt] of interruptions) {
      testOf(
        kind.stream,
        `sendAll that ${name} ends reports in bytesSent how much was sent`,
        async ({ a, b }) => {
          const large = pattern(32 * 1024 * 1024)
          const error = await failure(interrupt(a, large))
          expect(error.code).toBe(code)
          expect(error.bytesSent).toBeGreaterThan(0)
          expect(error.bytesSent).toBeLessThan(large.length)
          a.close()
          const got = await receive(b, large.length)
          expect(got.length).toBe(error.bytesSent)
          expect(got.equals(large.subarray(0, got.length))).toBe(true)
        },
      )
    }

    testOf(
      kind.stream,
      'a large transfer in one direction does not block small messages in the other',
      async ({ a, b }) => {
        const large = pattern(8 * 1024 * 1024)
        const moved = Promise.all([a.sendAll(large), receive(b, large.length)])
        for (let i = 0; i < 200; i++) {
          const [echo] = await Promise.all([a.recv(1), b.sendAll(Buffer.of(i))])
          expect(echo[0]).toBe(i)
        }
        expect((await moved)[1].equals(large)).toBe(true)
      },
    )
  })

  describe('end of stream', () => {
    testOf(
      kind.ends,
      'after shutdown(SHUT_WR) each read of the peer returns an empty Buffer',
      async ({ a, b }) => {
        const waiting = b.recv(10)
        a.shutdown(SHUT_WR)
        expect((await waiting).length).toBe(0)
        expect((await b.recv(10)).length).toBe(0)
        expect(b.tryRecv(10)).toHaveLength(0)
        await b.sendAll(bytes('still'))
        expect(String(await a.recv(10))).toBe('still')
        expect((await failure(a.send(bytes('x')))).code).toBe('EPIPE')
      },
    )

    testOf(kind.ends, 'data sent before the end of the stream is read first', async ({ a, b }) => {
      await a.sendAll(bytes('last words'))
      a.close()
      expect(String(await b.recv(100))).toBe('last words')
      expect((await b.recv(100)).length).toBe(0)
      expect(await b.recvInto(Buffer.alloc(10))).toBe(0)
    })

    testOf(kind.ends, 'all reads that wait return at the end of the stream', async ({ a, b }) => {
      const reads = [b.recv(1), b.recvInto(Buffer.alloc(1)), b.recv(100000)]
      a.close()
      const [first, second, third] = await Promise.all(reads)
      expect([(first as Buffer).length, second, (third as Buffer).length]).toEqual([0, 0, 0])
    })

    testOf(kind.ends, 'shutdown(SHUT_RD) ends a read of the same socket', async ({ b }) => {
      const waiting = b.recv(10)
      b.shutdown(SHUT_RD)
      expect((await waiting).length).toBe(0)
    })

    testOf(
      kind.ends && kind.name !== 'mptcp',
      'a peer that closes with unread data resets the connection',
      async ({ a, b }) => {
        await a.sendAll(bytes('never read'))
        const waiting = failure(a.recv(10))
        if (!kind.unix) await b.recv(1, { flags: MSG_PEEK }) // wait until the data has arrived
        b.close()
        const error = await waiting
        expect(error).toMatchObject({ code: 'ECONNRESET', syscall: 'recv' })
        expect(error.errno).toBeLessThan(0)
        expect((await failure(a.send(bytes('x')))).code).toBe('EPIPE')
        expect((await a.recv(10)).length).toBe(0)
      },
    )

    testOf(
      kind.ends && kind.backpressure,
      'a write that waits fails when the peer closes',
      async ({ a, b }) => {
        fill(a)
        const waiting = outcome(a.send(bytes('x')))
        b.close()
        expect(['EPIPE', 'ECONNRESET']).toContain(await waiting)
      },
    )

    testOf(!kind.ends, 'a send to a peer that has closed is refused', async ({ a, b }) => {
      const waiting = kind.unix ? null : failure(a.recv(10))
      b.close()
      if (waiting !== null) {
        await a.send(bytes('x'))
        expect((await waiting).code).toBe('ECONNREFUSED')
      } else {
        expect(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTCONN']).toContain(
          await outcome(a.send(bytes('x'))),
        )
      }
    })
  })

  describe('close', () => {
    test(
      'close() rejects waiting operations with ECANCELED, in order, and later ones with EBADF',
      on(async ({ a, b }) => {
        const order: string[] = []
        const note = (name: string, promise: Promise<unknown>): Promise<void> =>
          promise.then(
            () => void order.push(`${name} fulfilled`),
            error => void order.push(`${name} ${(error as { code: string }).code}`),
          )
        const waiting = [
          note('read 1', b.recv(1)),
          note('read 2', b.recvInto(Buffer.alloc(1))),
          note('read 3', b.readable()),
        ]
        if (kind.backpressure) {
          fill(b)
          waiting.push(note('write 1', b.send(bytes('x'))), note('write 2', b.sendAll(bytes('y'))))
        }
        b.close()
        expect(order).toEqual([])
        await Promise.all(waiting)
        const reads = ['read 1 ECANCELED', 'read 2 ECANCELED', 'read 3 ECANCELED']
        expect(order).toEqual(
          kind.backpressure ? [...reads, 'write 1 ECANCELED', 'write 2 ECANCELED'] : reads,
        )
        expect([b.fd, b.closed]).toEqual([-1, true])
        b.close()
        for (const call of [
          b.recv(1),
          b.send(bytes('x')),
          b.sendAll(bytes('x')),
          b.recvfrom(1),
          b.readable(),
          b.writable(),
        ]) {
          expect((await failure(call)).code).toBe('EBADF')
        }
        expect(thrown(() => b.tryRecv(1)).code).toBe('EBADF')
        expect(thrown(() => b.shutdown(SHUT_WR)).code).toBe('EBADF')
        expect(b.localAddress).toBeNull()
        expect(a.closed).toBe(false)
      }),
    )

    test(
      'detach() throws EBUSY while an operation waits, and leaves the socket usable',
      on(async ({ a, b }) => {
        const waiting = b.recv(10)
        expect(thrown(() => b.detach()).code).toBe('EBUSY')
        await a.send(bytes('still here'))
        expect(String(await waiting)).toBe('still here')
      }),
    )
  })

  describe('signals', () => {
    test(
      'a signal that has fired rejects a read before it reads anything',
      on(async ({ a, b }) => {
        const reason = new Error('enough')
        await a.send(bytes('data'))
        const error = await failure(b.recv(10, { signal: AbortSignal.abort(reason) }))
        expect(error).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' })
        expect(error.cause).toBe(reason)
        expect(String(await b.recv(10))).toBe('data')
      }),
    )

    test(
      'a signal that fires removes its read from the queue, and the data goes to the next read',
      on(async ({ a, b }) => {
        const [first, second] = [new AbortController(), new AbortController()]
        const reads = [
          b.recv(4, { signal: first.signal }),
          b.recv(4, { signal: second.signal }),
          b.recv(4),
          b.recvInto(Buffer.alloc(4)),
        ] as const
        second.abort()
        expect((await failure(reads[1])).name).toBe('AbortError')
        first.abort('reason')
        const error = await failure(reads[0])
        expect([error.name, error.cause]).toEqual(['AbortError', 'reason'])
        await a.send(bytes('next'))
        expect(String(await reads[2])).toBe('next')
        await a.send(bytes('more'))
        expect(await reads[3]).toBe(4)
      }),
    )

    test(
      'a signal that fires after the read has ended changes nothing',
      on(async ({ a, b }) => {
        const controller = new AbortController()
        const waiting = b.recv(10, { signal: controller.signal })
        await a.send(bytes('done'))
        expect(String(await waiting)).toBe('done')
        controller.abort()
        await a.send(bytes('more'))
        expect(String(await b.recv(10))).toBe('more')
      }),
    )

    testOf(kind.backpressure, 'a write that a signal cancels sends nothing later', async ({ a, b }) => {
      const full = fill(a)
      const controller = new AbortController()
      const first = a.send(bytes('first'), { signal: controller.signal })
      const second = a.send(bytes('second'))
      controller.abort()
      expect((await failure(first)).name).toBe('AbortError')
      if (kind.stream) {
        expect(String((await receive(b, full.bytes + 6)).subarray(full.bytes))).toBe('second')
      } else {
        for (let i = 0; i < full.sends; i++) await b.recv(65536)
        expect(String(await b.recv(100))).toBe('second')
      }
      expect(await second).toBe(6)
    })
  })

  describe('timeouts', () => {
    test(
      'a timeout error has a code and a name, and no errno',
      on(async ({ a, b }) => {
        const began = performance.now()
        const error = await failure(b.recv(10, { timeout: 30 }))
        expect(performance.now() - began).toBeGreaterThan(25)
        expect(error).toMatchObject({ code: 'ERR_SOCKET_TIMEOUT', name: 'TimeoutError', syscall: 'recv' })
        expect(error.errno).toBeUndefined()
        await a.send(bytes('later'))
        expect(String(await b.recv(10, { timeout: 1000 }))).toBe('later')
      }),
    )

    test(
      'timeout 0 never waits: the read fails with EAGAIN, also behind a read that waits',
      on(async ({ a, b }) => {
        const error = await failure(b.recv(10, { timeout: 0 }))
        expect(error).toMatchObject({ code: 'EAGAIN', syscall: 'recv' })
        const waiting = b.recv(10)
        expect((await failure(b.recv(10, { timeout: 0 }))).code).toBe('EAGAIN')
        await a.send(bytes('data'))
        expect(String(await waiting)).toBe('data')
        await a.send(bytes('now'))
        expect(String(await b.recv(10, { timeout: 0 }))).toBe('now')
      }),
    )

    test(
      'socket.timeout is the default, and a read with timeout null waits without a limit',
      on(async ({ a, b }) => {
        b.timeout = 0
        expect((await failure(b.recv(10))).code).toBe('EAGAIN')
        b.timeout = 10
        expect((await failure(b.recvfrom(10))).code).toBe('ERR_SOCKET_TIMEOUT')
        const waiting = b.recv(10, { timeout: null })
        await new Promise(resolve => setTimeout(resolve, 20))
        await a.send(bytes('patience'))
        expect(String(await waiting)).toBe('patience')
      }),
    )

    test(
      'a timeout in the middle of the queue leaves the other reads in order',
      on(async ({ a, b }) => {
        const reads = [b.recv(1), b.recv(1, { timeout: 5 }), b.recv(1)] as const
        expect((await failure(reads[1])).code).toBe('ERR_SOCKET_TIMEOUT')
        await a.sendAll(bytes('1'))
        await a.sendAll(bytes('3'))
        expect([String(await reads[0]), String(await reads[2])]).toEqual(['1', '3'])
      }),
    )
  })

  describe('messages', () => {
    testOf(!kind.stream, 'an empty message is received as a message', async ({ a, b }) => {
      const waiting = b.recv(10)
      expect(await a.send(Buffer.alloc(0))).toBe(0)
      expect((await waiting).length).toBe(0)
      await a.sendAll(Buffer.alloc(0))
      await a.send(bytes('after'))
      expect((await b.recv(10)).length).toBe(0)
      expect(String(await b.recv(10))).toBe('after')
    })

    test(
      'MSG_PEEK does not consume the data',
      on(async ({ a, b }) => {
        const waiting = b.recv(10, MSG_PEEK)
        await a.send(bytes('look'))
        expect(String(await waiting)).toBe('look')
        expect(String(await b.recv(2, { flags: MSG_PEEK }))).toBe('lo')
        expect(String(b.tryRecv(10, MSG_PEEK))).toBe('look')
        expect(String(await b.recv(10))).toBe('look')
        expect(b.tryRecv(10)).toBeNull()
      }),
    )

    testOf(
      !kind.stream,
      'the kernel truncates a message that is too long, and MSG_TRUNC returns its full length',
      async ({ a, b }) => {
        const waiting = b.recv(4, MSG_TRUNC)
        await a.send(bytes('0123456789'))
        expect(String(await waiting)).toBe('0123')
        await a.send(bytes('abcdefghij'))
        await a.send(bytes('klmnopqrst'))
        await a.send(bytes('next'))
        const into = Buffer.alloc(4)
        expect(await b.recvInto(into, { flags: MSG_TRUNC })).toBe(10)
        expect(String(into)).toBe('abcd')
        expect(String(await b.recv(4))).toBe('klmn')
        expect(String(await b.recv(100))).toBe('next')
        const armed = b.recvInto(into, MSG_TRUNC)
        await a.send(bytes('9876543210'))
        expect(await armed).toBe(10)
        expect(String(into)).toBe('9876')
      },
    )

    test(
      '20,000 bytes arrive whole, both before and after the read waits',
      on(async ({ a, b }) => {
        const large = pattern(20000)
        await a.sendAll(large)
        expect((kind.stream ? await receive(b, 20000) : await b.recv(30000)).equals(large)).toBe(true)
        const waiting = kind.stream ? receive(b, 20000) : b.recv(30000)
        await a.sendAll(large)
        expect((await waiting).equals(large)).toBe(true)
      }),
    )
  })

  describe('memory', () => {
    const views: [string, () => ArrayBufferView][] = [
      ['a DataView', () => new DataView(new ArrayBuffer(32), 8, 8)],
      ['a Float64Array', () => new Float64Array(new ArrayBuffer(32), 8, 1)],
      ['a view of shared memory', () => new Uint8Array(new SharedArrayBuffer(32), 8, 8)],
      ['a BigInt64Array', () => new BigInt64Array(new ArrayBuffer(32), 8, 1)],
    ]
    for (const [name, make] of views) {
      test(
        `receives into ${name} and sends from it`,
        on(async ({ a, b }) => {
          for (const waits of [false, true]) {
            const view = make()
            const reading = waits ? b.recvInto(view) : null
            await a.send(bytes('8 bytes!'))
            expect(await (reading ?? b.recvInto(view))).toBe(8)
            const around = Buffer.from(new Uint8Array(view.buffer as ArrayBuffer))
            expect(String(around)).toBe(`${'\0'.repeat(8)}8 bytes!${'\0'.repeat(16)}`)
            await b.send(view)
            expect(String(await a.recv(100))).toBe('8 bytes!')
          }
        }),
      )
    }

    test(
      'if the buffer of a waiting read is transferred, the read fails with a TypeError and the data goes to the next read',
      on(async ({ a, b }) => {
        const buffer = new Uint8Array(16)
        const first = b.recvInto(buffer)
        const second = b.recv(16)
        structuredClone(buffer.buffer, { transfer: [buffer.buffer] })
        await a.send(bytes('not lost'))
        const error = await failure(first)
        expect([error.name, error.code]).toEqual(['TypeError', 'ERR_BUFFER_DETACHED'])
        expect(String(await second)).toBe('not lost')
      }),
    )

    test(
      'if the buffer of a waiting read shrinks, the read fails with a TypeError, and a buffer that grows is filled',
      on(async ({ a, b }) => {
        const Resizable = ArrayBuffer as unknown as new (
          size: number,
          o: object,
        ) => ArrayBuffer & { resize(n: number): void }
        const shrinking = new Resizable(16, { maxByteLength: 64 })
        const growing = new Resizable(16, { maxByteLength: 64 })
        const first = b.recvInto(new Uint8Array(shrinking))
        const second = b.recvfromInto(new Uint8Array(growing))
        shrinking.resize(4)
        growing.resize(64)
        await a.send(bytes('data'))
        expect((await failure(first)).code).toBe('ERR_BUFFER_DETACHED')
        expect((await second).bytes).toBe(4)
        expect(Buffer.from(growing).subarray(0, 5).toString()).toBe('data\0')
      }),
    )

    testOf(
      kind.backpressure,
      'if the data of a waiting send is transferred, the send fails with a TypeError',
      async ({ a, b }) => {
        const full = fill(a)
        const data = new Uint8Array(8)
        const first = failure(a.send(data))
        const second = a.sendAll(bytes('second'))
        structuredClone(data.buffer, { transfer: [data.buffer] })
        const got = kind.stream ? await receive(b, full.bytes + 6) : null
        for (let i = 0; got === null && i < full.sends; i++) await b.recv(65536)
        expect((await first).code).toBe('ERR_BUFFER_DETACHED')
        await second
        expect(String(got?.subarray(full.bytes) ?? (await b.recv(100)))).toBe('second')
      },
    )
  })

  describe('operations that never wait', () => {
    test(
      'tryRecv returns null if there is no data, or if a read already waits',
      on(async ({ a, b }) => {
        expect([b.tryRecv(1), b.tryRecvfrom(1), b.tryRecvInto(Buffer.alloc(1))]).toEqual([null, null, null])
        const waiting = b.recv(4)
        await a.send(bytes('mine'))
        expect(b.tryRecv(4)).toBeNull()
        expect(String(await waiting)).toBe('mine')
      }),
    )

    test(
      'tryRecv finds data sent in the same tick, also if an earlier wait found nothing',
      on(async ({ a, b }) => {
        const earlier = b.recv(4)
        await a.send(bytes('warm'))
        await earlier
        expect((await failure(b.recv(1, { timeout: 1 }))).code).toBe('ERR_SOCKET_TIMEOUT')
        for (let i = 0; i < 3; i++) {
          expect(a.trySend(bytes('tick'))).toBe(4)
          expect(String(b.tryRecv(10))).toBe('tick')
          expect(b.tryRecv(10)).toBeNull()
        }
        expect(a.trySend(bytes('tock'))).toBe(4)
        expect(String(await b.recv(10))).toBe('tock')
      }),
    )

    test(
      'readable() and writable() wait for readiness and read nothing',
      on(async ({ a, b }) => {
        await a.writable()
        expect((await failure(b.readable({ timeout: 5 }))).code).toBe('ERR_SOCKET_TIMEOUT')
        const ready = b.readable()
        await a.send(bytes('here'))
        await ready
        await b.readable()
        expect(String(b.tryRecv(10))).toBe('here')
      }),
    )

    test(
      'a loop of awaits on a busy socket lets timers run',
      on(async ({ a, b }) => {
        let ticks = 0
        const timer = setInterval(() => ticks++, 1)
        let rounds = 0
        while ((ticks < 5 || rounds < 200) && rounds < 1e6) {
          await a.send(bytes('ping'))
          await b.recv(4)
          rounds++
        }
        clearInterval(timer)
        expect(ticks).toBeGreaterThanOrEqual(5)
        expect(drain(b)).toEqual([])
      }),
    )
  })
}
