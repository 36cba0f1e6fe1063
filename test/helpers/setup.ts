import { readdirSync } from 'node:fs'
import { native } from '../../lib/binding/binding'
import { Socket } from '../../lib/socket'

/*
 * Every test file ends as it began: no slot, no job, no descriptor more than before. Descriptors that
 * Node itself opens once and keeps (the poller, the signal pipe) are opened before the count.
 */
// Under a sanitizer children inherit its runtime. What Python, V8 at process.exit() or a compiler leave
// behind is theirs; leaks of the addon show in this process, whose options were read when it started.
if (process.env['BSD_SOCKETS_SANITIZE'] !== undefined) process.env['ASAN_OPTIONS'] = 'detect_leaks=0'

const directory = process.platform === 'linux' ? '/proc/self/fd' : '/dev/fd'
const countDescriptors = (): number => readdirSync(directory).length

let before = 0

beforeAll(async () => {
  const [a, b] = Socket.pair()
  const received = b.recv(1)
  a.trySend(Buffer.from('x'))
  await received
  a.close()
  b.close()
  before = countDescriptors()
})

afterAll(() => {
  expect(native.stats()).toMatchObject({ slots: 0, jobs: 0 })
  expect(countDescriptors()).toBe(before)
})
