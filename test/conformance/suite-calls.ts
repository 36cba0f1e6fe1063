import { MSG_PEEK, MSG_TRUNC } from '../../lib'
import { failure } from '../helpers/errors'
import { drain, fill, pattern, receive } from '../helpers/pairs'
import { bytes, type Suite } from './suite'

/** Defines the tests of signals, timeouts, messages, memory, and operations that never wait. */
export function calls({ kind, on, testOf }: Suite): void {
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
