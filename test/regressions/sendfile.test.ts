import { openSync, closeSync } from 'node:fs'
import { Socket } from '../../lib'
import { failure } from '../helpers/errors'

test('sendfile rejects with the value that onProgress throws, even if it is not an Error', async () => {
  const file = openSync(process.execPath, 'r')
  for (const thrown of [undefined, Object.freeze(new Error('frozen')), 'text']) {
    const [a, b] = Socket.pair()
    const sent = a.sendfile(file, {
      length: 1000,
      onProgress: () => {
        throw thrown // eslint-disable-line @typescript-eslint/only-throw-error -- callers can throw any value
      },
    })
    await expect(sent).rejects.toBe(thrown)
    a.close()
    b.close()
  }
  closeSync(file)
})

test('sendfile and splice accept a number for options, and check the descriptor first', async () => {
  const [a, b] = Socket.pair()
  expect((await failure(a.sendfile(-1, 0))).code).toBe('ERR_OUT_OF_RANGE')
  expect((await failure(a.splice(-1, 0))).code).toBe('ERR_OUT_OF_RANGE')
  a.close()
  b.close()
})
