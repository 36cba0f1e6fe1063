import { readdirSync } from 'node:fs'
import { native } from '../../lib/binding/binding'
import { Socket } from '../../lib/socket'

/*
 * Checks after every test file that no slot, job or file descriptor is left open. Node opens some descriptors
 * once and keeps them (the poller, the signal pipe); these are opened before the first count.
 */
// Child processes inherit the sanitizer's runtime. Leaks of Python, a compiler or V8 at process.exit() are no bugs
// of the addon. Leaks of the addon show in this process, which read its options when it started.
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

afterAll(async () => {
  expect(native.stats()).toMatchObject({ slots: 0, jobs: 0 })
  // A thread closes received descriptors. On a busy machine that may take until after the test, so the first count
  // may include some of an earlier file.
  for (let turn = 0; turn < 1000 && countDescriptors() > before; turn++) await new Promise(setImmediate)
  expect(countDescriptors()).toBeLessThanOrEqual(before)
})
