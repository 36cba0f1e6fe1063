import { openSync, closeSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { Socket } from '../../lib'
import * as sync from '../../lib/sync'
import { failure, outcome, thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { receive, withPath } from '../helpers/pairs'

/*
 * Files of sysfs say 4096 bytes and hold a few. Files of procfs say 0 bytes and hold some; the kernel cannot splice many
 * of them.
 */
const files = [
  '/sys/class/net/lo/mtu',
  '/sys/kernel/mm/transparent_hugepage/enabled',
  '/proc/filesystems',
  '/proc/version',
  '/proc/self/limits', // sendfile(2) and splice(2) refuse this one: EINVAL
]

for (const file of files)
  testIf(
    missing.linux() ?? (exists(file) ? null : `no ${file}`),
    `${file} is never in the page cache`,
    async () => {
      const fd = openSync(file, 'r')
      const [a, b] = Socket.pair()
      expect(a.trySendfile(fd)).toBeNull()
      expect(await failure(a.sendfile(fd, { timeout: 0 }))).toMatchObject({ code: 'EAGAIN', bytesSent: 0 })
      expect(b.tryRecv(1)).toBeNull()
      for (const each of [a, b]) each.close()
      closeSync(fd)
    },
  )

for (const file of files) {
  const absent = missing.linux() ?? (exists(file) ? null : `no ${file}`)
  for (const range of [{}, { length: 3000 }, { length: 3 }, { offset: 2 }, { offset: 3000 }]) {
    const expected = (): Buffer => {
      const { offset = 0, length = Infinity } = range as { offset?: number; length?: number }
      return readFileSync(file).subarray(offset, offset + length)
    }
    testIf(absent, `sendfile sends ${file} with ${JSON.stringify(range)} to its end`, async () => {
      const fd = openSync(file, 'r')
      const [a, b] = Socket.pair()
      const wanted = expected()
      expect(await a.sendfile(fd, range)).toBe(wanted.length)
      expect(String(await receive(b, wanted.length))).toBe(String(wanted))
      for (const each of [a, b]) each.close()
      const [c, d] = sync.Socket.pair()
      expect(c.sendfile(fd, range)).toBe(wanted.length)
      if (wanted.length > 0) expect(String(d.recv(65536))).toBe(String(wanted))
      for (const each of [c, d]) each.close()
      closeSync(fd)
    })
  }
}

test('a file that becomes shorter during the transfer is still ERR_FILE_TRUNCATED', () =>
  withPath(async file => {
    for (const left of [0, 1 << 20]) {
      writeFileSync(file, Buffer.alloc(1 << 24))
      const fd = openSync(file, 'r')
      const [a, b] = Socket.pair()
      const sent = a.sendfile(fd)
      truncateSync(file, left)
      const all = receive(b, 1 << 24)
      expect(await outcome(sent)).toBe('ERR_FILE_TRUNCATED')
      a.close()
      await all
      b.close()
      const [c, d] = sync.Socket.pair()
      writeFileSync(file, 'abc')
      const cut = (): void => truncateSync(file, 1)
      expect(c.sendfile(fd, { onProgress: cut })).toBe(3)
      expect(thrown(() => c.sendfile(-1)).code).toBe('ERR_OUT_OF_RANGE')
      for (const each of [c, d]) each.close()
      closeSync(fd)
    }
  }))

function exists(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined
}
