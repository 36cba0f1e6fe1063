import { setTimeout as wait } from 'node:timers/promises'
import { native } from '../../lib/binding/binding'
import { Socket } from '../../lib/socket'
import { descriptors, openedSince } from './descriptors'

const { performance } = globalThis // as it is before a test replaces it

/*
 * Checks after every test file that no slot, job or file descriptor is left open. Node opens some descriptors
 * once and keeps them (the poller, the signal pipe); these are opened before the first count.
 */
// Child processes inherit the sanitizer's runtime. Leaks of Python, a compiler or V8 at process.exit() are no bugs
// of the addon. Leaks of the addon show in this process, which read its options when it started.
if (process.env['BSD_SOCKETS_SANITIZE'] !== undefined) process.env['ASAN_OPTIONS'] = 'detect_leaks=0'

let before = new Set<string>()

beforeAll(async () => {
  const [a, b] = Socket.pair()
  const received = b.recv(1)
  a.trySend(Buffer.from('x'))
  await received
  a.close()
  b.close()
  before = descriptors()
})

afterAll(async () => {
  expect(native.stats()).toMatchObject({ slots: 0, jobs: 0 })
  // A thread closes received descriptors. On a busy machine that takes until after the test.
  const end = performance.now() + 4000
  while (openedSince(before).length > 0 && performance.now() < end) await wait(1)
  expect(openedSince(before)).toEqual([])
})
