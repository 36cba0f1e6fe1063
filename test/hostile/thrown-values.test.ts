/* eslint-disable @typescript-eslint/only-throw-error -- any value can be thrown, and that is what is tested */
/*
 * A handler may throw any value, also one that cannot be turned into text.
 */
import { createConnection, createServer, serve } from '../../lib'

const values: [string, () => unknown][] = [
  ['an object without a prototype', () => ({ __proto__: null })],
  ['an error whose stack throws', () => Object.defineProperty(new Error('x'), 'stack', { get: () => { throw { __proto__: null } } })], // prettier-ignore
  ['an object whose code throws', () => ({ get code() { throw new Error('code') } })], // prettier-ignore
  ['a symbol', () => Symbol('s')],
  ['undefined', () => undefined],
]

describe.each(values)('a handler that throws %s', (_what, make) => {
  for (const onErrorThrows of [false, true]) {
    test(`is reported, and the server drains${onErrorThrows ? '; onError throws it again' : ''}`, async () => {
      const listener = await createServer({ host: '127.0.0.1' })
      const unhandled: unknown[] = []
      const record = (reason: unknown): void => void unhandled.push(reason)
      process.on('unhandledRejection', record)
      const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
      const thrower = (): never => {
        throw make()
      }
      const server = serve(listener, thrower, onErrorThrows ? { onError: thrower } : {})
      const client = await createConnection(server.address)
      expect(await client.recv(1)).toHaveLength(0)
      client.close()
      await server.close({ drain: true })
      expect(warnings).toHaveBeenCalled()
      warnings.mockRestore()
      await new Promise(setImmediate)
      process.off('unhandledRejection', record)
      expect(unhandled).toEqual([])
      expect(server.connections).toBe(0)
    })
  }
})
