import { closeSync, existsSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Socket } from '../../lib'
import { isLocal, statOf } from '../../lib/operations/stat'
import { missing, testIf } from '../helpers/need'

/*
 * Which files are read on the event loop. The mount of the last local file is remembered, which must not make the files of
 * another mount local.
 */
const memory = join('/dev/shm', `bsd-sockets-${process.pid}`)
const reason = missing.linux() ?? (existsSync('/dev/shm') ? null : 'no /dev/shm')

beforeAll(() => {
  if (reason === null) writeFileSync(memory, 'memory')
})
afterAll(() => rmSync(memory, { force: true }))

function localNow(name: string): boolean {
  const fd = openSync(name, 'r')
  try {
    return isLocal(fd, statOf(fd, 'sendfile'))
  } finally {
    closeSync(fd)
  }
}

testIf(reason, 'a file is local or not, whichever file was asked before it', () => {
  const files: [name: string, local: boolean][] = [
    [__filename, true],
    [memory, true],
    ['/proc/self/stat', false],
    ['/proc/version', false],
    ['/dev/zero', false],
  ]
  for (const [first] of files)
    for (const [second, local] of files) {
      localNow(first)
      expect([first, second, localNow(second)]).toEqual([first, second, local])
    }
})

testIf(reason, 'trySendfile sends from memory and not from procfs, in any order', () => {
  const [a, b] = Socket.pair()
  const [file, proc] = [openSync(memory, 'r'), openSync('/proc/self/stat', 'r')]
  for (let i = 0; i < 3; i++) {
    expect(a.trySendfile(file)).toBe(6)
    expect(a.trySendfile(proc)).toBeNull()
  }
  expect(String(b.tryRecv(100))).toBe('memory'.repeat(3))
  for (const fd of [file, proc]) closeSync(fd)
  for (const socket of [a, b]) socket.close()
})
