/*
 * The id of a closed slot must stay invalid, however often the slot is reused.
 */
import { native } from '../../lib/binding/binding'
import { reactor } from '../../lib/reactor'
import { AF_UNIX, SOCK_DGRAM } from '../../lib'

const EBADF = -9

test('the id of a closed slot does not come back in 100,000 reuses', () => {
  const socket = (): number => reactor.adopt(native.socket(AF_UNIX, SOCK_DGRAM, 0), 0).id
  const first = socket()
  expect(native.close(first)).toBe(0)
  for (let i = 0; i < 100_000; i++) {
    const id = socket()
    if (id === first) throw new Error(`the id came back after ${i + 1} reuses`)
    native.close(id)
  }
  const last = socket()
  expect(native.descriptor(first)).toBe(EBADF)
  expect(native.shutdown(first, 0)).toBe(EBADF)
  native.close(last)
}, 60_000)
