// What a transfer that fails, or never starts, says about its progress and its memory.
import { closeSync, openSync } from 'node:fs'
import { allocZeroCopy } from '../../lib'
import { failure } from '../helpers/errors'
import { keeper } from '../helpers/keep'
import { missing, testIf } from '../helpers/need'
import { kinds, receive, turn, type Pair } from '../helpers/pairs'

const linux = missing.linux()
const own = (size: number): Buffer => Buffer.from(new ArrayBuffer(size))
const keep = keeper()

async function tcp(): Promise<Pair> {
  const { a, b } = await kinds.find(kind => kind.name === 'tcp4')!.make()
  return { a: keep(a), b: keep(b) }
}

testIf(linux, 'after a timeout the statistics tell when the kernel needs the memory no more', async () => {
  const { a, b } = await tcp()
  const memory = allocZeroCopy(1 << 20)
  const error = await failure(a.sendZeroCopy(Array(20).fill(memory) as Buffer[], { timeout: 20 }))
  expect(error).toMatchObject({ code: 'ERR_SOCKET_TIMEOUT', bytesSent: expect.any(Number) as number })
  expect(error).not.toHaveProperty('buffers')
  expect(a.zeroCopyStatistics().pending).toBeGreaterThan(0)
  await receive(b, error.bytesSent!)
  while (a.zeroCopyStatistics().pending > 0) await turn()
})

testIf(
  linux,
  'a transfer that does not start because of its signal or close() has sent 0 bytes',
  async () => {
    const { a } = await tcp()
    const signal = AbortSignal.abort()
    const file = openSync(__filename, 'r')
    const starts = [
      () => a.sendAll(Buffer.alloc(1), { signal }),
      () => a.sendfile(file, { signal }),
      () => a.splice(file, { signal }),
      () => a.sendZeroCopy(own(1), { signal }),
    ]
    for (const start of starts)
      expect(await failure(start())).toMatchObject({ code: 'ABORT_ERR', bytesSent: 0 })
    a.close()
    expect(await failure(a.sendZeroCopy(own(1)))).toMatchObject({ code: 'EBADF', bytesSent: 0 })
    closeSync(file)
  },
)
