import { Socket } from '../../../lib'
import { failure } from '../../helpers/errors'

/* A queue is a ring: an operation can leave it from every place. */
const COUNT = 4

function permutations(of: number[]): number[][] {
  if (of.length < 2) return [of]
  return of.flatMap(first => permutations(of.filter(each => each !== first)).map(rest => [first, ...rest]))
}

/** Starts receives, cancels some of them in that order, and returns what each of the others gets. */
async function remaining(canceled: number[]): Promise<string[]> {
  const [a, b] = Socket.pair()
  try {
    const controllers = Array.from({ length: COUNT }, () => new AbortController())
    const receives = controllers.map(({ signal }) => b.recv(1, { signal }))
    for (const each of canceled) {
      const end = failure(receives[each]!)
      controllers[each]!.abort()
      expect((await end).name).toBe('AbortError')
    }
    const others = receives.filter((_, i) => !canceled.includes(i))
    const late = b.recv(1)
    const expected = [...others, late]
    a.trySend(Buffer.from('abcde'.slice(0, expected.length)))
    return (await Promise.all(expected)).map(String)
  } finally {
    for (const socket of [a, b]) socket.close()
  }
}

test.each(permutations([0, 1, 2, 3]))(
  'receives %d, %d, %d and %d are canceled in this order',
  async (...order) => {
    for (let count = 0; count <= COUNT; count++) {
      const left = COUNT - count + 1
      expect(await remaining(order.slice(0, count))).toEqual([...'abcde'].slice(0, left))
    }
  },
)
