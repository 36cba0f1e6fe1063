/*
 * An operation that fails affects no other operation: the other records of the same turn, the other sockets that wait
 * for a turn, and the other listeners are served.
 */
import { runNode } from '../helpers/child'
import { AF_UNIX, Socket, SOCK_DGRAM } from '../../lib'

type Bad = [string, () => AbortSignal]
const methods = ['addEventListener', 'removeEventListener', 'dispatchEvent'] as const
const bad: Bad[] = [
  ...methods.map((name): Bad => {
    const signal = (): AbortSignal => {
      const made = new AbortController().signal
      Object.defineProperty(made, name, { get: () => { throw new Error(`a getter of ${name}`) } }) // prettier-ignore
      return made
    }
    return [`whose ${name} throws`, signal]
  }),
  ['whose aborted is no boolean', () => Object.defineProperty(new AbortController().signal, 'aborted', { value: 'no' })], // prettier-ignore
  ['whose reason throws', () => Object.defineProperty(AbortSignal.abort(), 'reason', { get: () => { throw new Error('a reason') } })], // prettier-ignore
  [
    'behind a Proxy that starts to throw',
    () => {
      let armed = false
      queueMicrotask(() => (armed = true))
      const handler: ProxyHandler<AbortSignal> = {
        get: (target, name): unknown => {
          if (armed) throw new Error(`a proxy's ${String(name)}`)
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? (value.bind(target) as unknown) : value
        },
      }
      return new Proxy(new AbortController().signal, handler)
    },
  ],
]

test.each(bad)('a signal %s affects no other operation', async (_what, make) => {
  const pairs = Array.from({ length: 8 }, () => Socket.pair(AF_UNIX, SOCK_DGRAM))
  const received = pairs.map(([, b], i) =>
    i % 2 === 0
      ? b.recv(10, { signal: make() }).then(String, error => `rejected: ${(error as Error).name}`)
      : b.recv(10).then(String),
  )
  await new Promise(setImmediate)
  for (const [a] of pairs) a.trySend(Buffer.from('here'))
  const results = await Promise.all(received)
  for (let i = 1; i < results.length; i += 2) expect(results[i]).toBe('here')
  for (let i = 0; i < results.length; i += 2) expect(results[i]).toMatch(/^here$|^rejected: /)
  for (const pair of pairs) for (const socket of pair) socket.close()
})

test('a codec that throws while its socket is served fails that receive and no other socket', async () => {
  const ended = await runNode(`
    const uncaught = []
    process.on('uncaughtException', error => uncaught.push(error.message))
    const pairs = Array.from({ length: 6 }, () => Socket.pair(c.AF_UNIX, c.SOCK_DGRAM))
    const received = pairs.map(([, b]) => b.recvmsg(10).then(m => String(m.data), error => error.message))
    setImmediate(() => {
      for (const [a] of pairs) a.trySend(Buffer.from('x'))
      const { push } = Array.prototype
      let calls = 0
      const from = Buffer.from
      Buffer.from = function (...args) { if (calls++ === 2) throw new Error('in the middle'); return from.apply(this, args) }
    })
    const timer = setTimeout(() => {}, 5000)
    Promise.all(received).then(results => {
      clearTimeout(timer)
      for (const pair of pairs) for (const socket of pair) socket.close()
      console.log(JSON.stringify({ served: results.filter(r => r === 'x').length, settled: results.length, uncaught }))
    })
  `)
  expect(ended.stderr).toBe('')
  const result = JSON.parse(ended.stdout) as { served: number; settled: number; uncaught: string[] }
  expect(result.settled).toBe(6)
  expect(result.served).toBeGreaterThanOrEqual(5)
  expect(result.uncaught).toEqual([])
})
