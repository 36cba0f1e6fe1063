import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Socket } from '../../lib'
import { native } from '../../lib/binding/binding'
import { isLocal, statOf } from '../../lib/operations/stat'
import { runNodeAsNobody } from '../helpers/child'
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

/** What is known of a file, with the mount that is remembered or, before Linux 6.8, without. */
function localNow(name: string, remembered = true): boolean {
  const fd = openSync(name, 'r')
  try {
    const stat = statOf(fd, 'sendfile')
    return isLocal(fd, remembered ? stat : { ...stat, mount: 0 })
  } finally {
    closeSync(fd)
  }
}

testIf(reason, 'a file is local or not, whichever file was asked before it', () => {
  const files = [__filename, memory, '/proc/self/stat', '/proc/version', '/dev/zero']
  for (const first of files)
    for (const second of files) {
      const local = localNow(second, false)
      localNow(first)
      expect([first, second, localNow(second)]).toEqual([first, second, local])
    }
  expect([localNow(memory), localNow('/proc/version')]).toEqual([true, false])
})

// The kernel refuses to read it before it looks at the file system, which may have a server.
testIf(reason, 'a file that is open for writing alone tells nothing about its mount', () => {
  const file = openSync(__filename, 'a')
  expect(native.isLocal(file)).toBe(0)
  closeSync(file)
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

// cachestat(2) tells only the owner of a file, and who may write to it (Linux 6.14).
testIf(
  reason ?? missing.setpriv(),
  'a file of another user is sent as an own file is: at once if it is in the page cache',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bsd-sockets-'))
    chmodSync(folder, 0o755)
    const [warm, cold] = ['warm', 'cold'].map(name => join(folder, name)) as [string, string]
    const content = Buffer.alloc(40_000, 'content ')
    for (const name of [warm, cold]) writeFileSync(name, content, { mode: 0o644 })
    const file = openSync(cold, 'r+')
    fsyncSync(file)
    const drop = ['of=/dev/fd/3', 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0']
    spawnSync('dd', drop, { stdio: ['ignore', 'ignore', 'ignore', file] })
    try {
      const script = `
        const fs = require('node:fs')
        const [a, b] = Socket.pair()
        const send = name => a.trySendfile(fs.openSync(name, 'r'))
        const results = [send('${warm}'), send('${cold}')]
        const [other] = Socket.pair()
        if (other.trySendfile(fs.openSync('${memory}', 'r')) !== 6) throw new Error('memory is not sent at once')
        a.sendfile(fs.openSync('${cold}', 'r')).then(sent => {
          a.close()
          let text = ''
          for (let data; (data = b.tryRecv(65536)).length > 0;) text += data
          console.log(JSON.stringify([...results, sent, text.length, text === 'content '.repeat(text.length / 8)]))
        })`
      const owner = [40_000, ownResult(cold)]
      const { stdout, stderr } = await runNodeAsNobody(script)
      expect(stderr).toBe('')
      const bytes = 80_000 + (owner[1] ?? 0)
      expect(JSON.parse(stdout)).toEqual([...owner, 40_000, bytes, true])
    } finally {
      closeSync(file)
      rmSync(folder, { recursive: true })
    }
  },
)

/** What trySendfile of the owner returns: null, or the size if the file system has no other place than the page cache. */
function ownResult(name: string): number | null {
  const [a, b] = Socket.pair()
  const file = openSync(name, 'r')
  try {
    return a.trySendfile(file)
  } finally {
    closeSync(file)
    for (const socket of [a, b]) socket.close()
  }
}
