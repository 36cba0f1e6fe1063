/*
 * C++ attempts the receive of a socket that was alone to have events before it asks the poller. That must not delay
 * other sockets, nor hide the other events of the same socket.
 */
import { MSG_OOB, Socket } from '../../lib'
import { failure } from '../helpers/errors'
import { fill, kinds, using } from '../helpers/pairs'

const bytes = (text: string): Buffer => Buffer.from(text)
const streams = kinds.filter(kind => kind.name === 'tcp4' || kind.name === 'unix stream')
const soon = { timeout: 5000 }

/** Sends a byte and receives it, so that the receive waits for its event. */
async function bounce(a: Socket, b: Socket): Promise<void> {
  const received = b.recv(64, soon)
  a.trySend(bytes('x'))
  expect(String(await received)).toBe('x')
}

async function bounces(a: Socket, b: Socket, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await bounce(a, b)
}

test('there are streams of both kinds', () => {
  expect(streams).toHaveLength(2)
})

// Every place in the cycle of attempts with and without the poller.
const places = Array.from({ length: 12 }, (_, i) => i)

describe.each(streams)('$name', ({ make }) => {
  test('a busy connection does not delay another one', () =>
    using(make, async ({ a, b }) => {
      await using(make, async ({ a: c, b: d }) => {
        for (const place of places) {
          await bounces(a, b, place)
          let served = false
          const other = d.recv(1, soon).then(
            () => (served = true),
            () => false,
          )
          c.trySend(bytes('!'))
          let turns = 0
          for (; !served && turns < 50; turns++) await bounce(a, b)
          expect(turns).toBeLessThan(50)
          expect(await other).toBe(true)
        }
      })
    }))

  test('the end of the stream is reported after the last bytes', async () => {
    for (const place of places) {
      await using(make, async ({ a, b }) => {
        await bounces(a, b, place)
        const last = b.recv(64, soon)
        a.trySend(bytes('last'))
        a.close()
        expect(String(await last)).toBe('last')
        expect(await b.recv(64, soon)).toHaveLength(0)
        expect(await b.recv(64, soon)).toHaveLength(0)
      })
    }
  })

  test('a waiting send fails when the peer closes', async () => {
    for (const place of places) {
      await using(make, async ({ a, b }) => {
        await bounces(a, b, place)
        fill(b)
        const sent = failure(b.sendAll(Buffer.alloc(1 << 20), soon))
        const received = b.recv(64, soon).catch((error: unknown) => (error as { code: string }).code)
        a.reset()
        expect(['EPIPE', 'ECONNRESET']).toContain((await sent).code)
        expect(['', 'ECONNRESET']).toContain(String(await received))
      })
    }
  })

  test('a socket on the same slot is not mistaken for one that was closed', async () => {
    for (const place of places) {
      await using(make, async ({ a, b }) => {
        await bounces(a, b, place)
        const waiting = failure(b.recv(64))
        b.close()
        expect((await waiting).code).toBe('ECANCELED')
      })
    }
  })
})

describe('what ends a read early', () => {
  test('the bytes behind descriptors are received', async () => {
    const [a, b] = Socket.pair()
    for (const place of places) {
      await bounces(a, b, place)
      const first = b.recv(64, soon)
      const sent = a.sendFds(bytes('one'), [0])
      a.trySend(bytes('two'))
      expect(String(await first)).toBe('one')
      expect(String(await b.recv(64, soon))).toBe('two')
      await sent
    }
    a.close()
    b.close()
  })

  test('the bytes behind the urgent mark are received, and so is the urgent byte', () =>
    using(streams.find(kind => kind.name === 'tcp4')!.make, async ({ a, b }) => {
      for (const place of places) {
        await bounces(a, b, place)
        const first = b.recv(64, soon)
        a.trySend(bytes('one'))
        a.trySend(bytes('!'), MSG_OOB)
        a.trySend(bytes('two'))
        expect(String(await first)).toBe('one')
        expect(String(await b.recv(1, { ...soon, flags: MSG_OOB }))).toBe('!')
        expect(String(await b.recv(64, soon))).toBe('two')
      }
    }))
})
