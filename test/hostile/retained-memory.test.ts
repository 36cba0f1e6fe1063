/*
 * A socket does not keep the memory of an operation that has ended.
 */
import { setImmediate } from 'node:timers/promises'
import { AF_UNIX, Socket, SOCK_DGRAM } from '../../lib'
import { collect } from '../helpers/collect'

async function isCollected(made: () => Promise<WeakRef<object>>): Promise<boolean> {
  const reference = await made()
  for (let i = 0; i < 20 && reference.deref() !== undefined; i++) {
    await setImmediate()
    collect()
  }
  return reference.deref() === undefined
}

test.each(['idle', 'closed'])(
  'the last buffer of a receive is collected while the socket is %s',
  async state => {
    const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
    const receive = async (): Promise<WeakRef<object>> => {
      const buffer = Buffer.from(new ArrayBuffer(1 << 20))
      for (const early of [true, false]) {
        if (early) await a.send(Buffer.from('x'))
        const received = b.recvInto(buffer)
        if (!early) await a.send(Buffer.from('x'))
        expect(await received).toBe(1)
      }
      return new WeakRef(buffer.buffer)
    }
    const collected = isCollected(async () => {
      const reference = await receive()
      if (state === 'closed') b.close()
      return reference
    })
    expect(await collected).toBe(true)
    a.close()
    b.close()
  },
)

test('the buffer of a receive that failed or timed out is collected', async () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
  const collected = isCollected(async () => {
    const buffer = Buffer.from(new ArrayBuffer(1 << 20))
    await b.recvInto(buffer, { timeout: 1 }).catch(() => undefined)
    await b.recvInto(buffer, { timeout: 0 }).catch(() => undefined)
    return new WeakRef(buffer.buffer)
  })
  expect(await collected).toBe(true)
  a.close()
  b.close()
})
