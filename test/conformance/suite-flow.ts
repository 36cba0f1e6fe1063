import { MSG_PEEK, SHUT_RD, SHUT_WR, type Socket } from '../../lib'
import { failure, outcome, thrown } from '../helpers/errors'
import { fill, pattern, receive, turn } from '../helpers/pairs'
import { bytes, type Suite } from './suite'

/** Defines the tests of order, backpressure, ends and close. */
export function flow({ kind, on, testOf }: Suite): void {
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
}
