/*
 * A socket that alone is busy, and whose sends are timed (`ExpectAnswer` in native/receive.h): the other end is another
 * process, which may answer while a send returns. test/faults/cases/direct.js decides by the clock whether it does.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { keeper } from '../helpers/keep'
import { describeIf, missing } from '../helpers/need'
import { kinds, type Pair } from '../helpers/pairs'

const keep = keeper()
const EXCHANGES = 3000
/** Sizes from a byte to more than a socket holds, so that quick and slow sends follow each other. */
const sizeOf = (i: number): number => (i % 100 === 99 ? 300_000 : 1 + ((i * 37) % 600))

async function exchange({ a }: Pair): Promise<number> {
  const reader = a.reader()
  let wrong = 0
  for (let i = 0; i < EXCHANGES; i++) {
    const message = Buffer.alloc(sizeOf(i), `${i},`)
    const sent = a.sendAll(message)
    const answer = await reader.exactly(message.length)
    await sent
    if (!answer.equals(message)) wrong++
  }
  return wrong
}

describeIf(missing.linux(), 'answers of another process', () => {
  test.each(['tcp4', 'socketpair stream'])('%s: each arrives whole and in order', async name => {
    const pair = await kinds.find(kind => kind.name === name)!.make()
    keep(pair.a)
    keep(pair.b)
    const echo = spawn('cat', { stdio: [pair.b.fd, pair.b.fd, 'ignore'] })
    pair.b.close()
    expect(await exchange(pair)).toBe(0)
    pair.a.close()
    await once(echo, 'exit')
  })
})
