import { Socket as NetSocket } from 'node:net'
import { Socket } from '../../lib'
import { thrown } from '../helpers/errors'
import { turn } from '../helpers/pairs'

test('setTimeout beyond 24.8 days neither fires nor warns', async () => {
  const warnings: Error[] = []
  const listen = (warning: Error): unknown => warnings.push(warning)
  process.on('warning', listen)
  const [a, b] = Socket.pair()
  const stream = a.toDuplex()
  const fired = jest.fn()
  for (const milliseconds of [2 ** 31 - 1, 2 ** 31, 2 ** 32, Number.MAX_VALUE]) {
    stream.setTimeout(milliseconds, fired)
    expect(stream.timeout).toBe(milliseconds)
    await new Promise(resolve => setTimeout(resolve, 5)) // a timer that overflows fires after 1 ms
  }
  expect(fired).not.toHaveBeenCalled()
  stream.destroy()
  b.close()
  await turn()
  process.off('warning', listen)
  expect(warnings).toEqual([])
})

test('setTimeout refuses what net.Socket refuses, and keeps the timeout', () => {
  const [a, b] = Socket.pair()
  const stream = a.toDuplex()
  stream.setTimeout(60_000)
  const other = new NetSocket()
  for (const bad of [-1, NaN, Infinity, -Infinity, '5', null, undefined, {}]) {
    const code = thrown(() => other.setTimeout(bad as number)).code
    expect([bad, thrown(() => stream.setTimeout(bad as number)).code]).toEqual([bad, code])
  }
  expect(thrown(() => stream.setTimeout(1, 'x' as never)).code).toBe('ERR_INVALID_ARG_TYPE')
  expect(stream.timeout).toBe(60_000)
  stream.destroy()
  expect(stream.setTimeout(1)).toBe(stream) // without effect, as in a net.Socket
  other.destroy()
  b.close()
})
