import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { AF_UNIX, SOCK_DGRAM, SOCK_STREAM, Socket } from '../../lib'
import { driveLater } from '../../lib/names/run'
import { lockPath, setMode, unlinkStale } from '../../lib/net/unix-path'
import { outcome, thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'

const linux = missing.linux()
let directory = ''
beforeEach(() => (directory = mkdtempSync(path.join(tmpdir(), 'sock-'))))
afterEach(() => rmSync(directory, { recursive: true }))

const at = (name: string): Buffer => Buffer.from(path.join(directory, name))

/** Calls `run` while it holds the lock of the path. */
async function withPathLock<T>(path: Buffer, run: () => Promise<T>): Promise<T> {
  using _lock = await driveLater(lockPath(path), { flags: 0, timeout: null, signal: undefined })
  return await run()
}

/** Returns the path of a socket that has been closed without removing it. */
function leaveStale(name: string, type: number = SOCK_STREAM): Buffer {
  const socket = new Socket(AF_UNIX, type).bind({ path: at(name) })
  socket.close()
  expect(lstatSync(at(name)).isSocket()).toBe(true)
  return at(name)
}

describe('the lock of a path', () => {
  testIf(
    linux,
    'the lock of a path is held by one call at a time, and another path has its own lock',
    async () => {
      const steps: string[] = []
      let leave = (): void => undefined
      const first = withPathLock(at('a'), () => {
        steps.push('first in')
        return new Promise<void>(resolve => (leave = resolve))
      })
      await withPathLock(at('b'), () => Promise.resolve(steps.push('other')))
      const second = withPathLock(at('a'), () => Promise.resolve(steps.push('second in')))
      steps.push('first out')
      leave()
      await Promise.all([first, second])
      expect(steps).toEqual(['first in', 'other', 'first out', 'second in'])
    },
  )

  testIf(linux, 'a lock that is not released delays the next call only for a limited time', async () => {
    let leave = (): void => undefined
    const first = withPathLock(at('a'), () => new Promise<void>(resolve => (leave = resolve)))
    expect(await withPathLock(at('a'), () => Promise.resolve('in'))).toBe('in')
    leave()
    await first
  })

  testIf(linux, 'the lock is released if the call that held it fails', async () => {
    expect(await outcome(withPathLock(at('a'), () => Promise.reject(new Error('mine'))))).toContain('mine')
    expect(await withPathLock(at('a'), () => Promise.resolve('in'))).toBe('in')
  })

  testIf(linux, 'a path without a directory, or whose directory does not exist, needs no lock', async () => {
    for (const name of ['relative', '/no/such/directory/at/all']) {
      expect(await withPathLock(Buffer.from(name), () => Promise.resolve(name))).toBe(name)
    }
  })
})

describe('unlinkStale', () => {
  test('unlinkStale removes the path of a socket on which no process listens', () => {
    const stale = leaveStale('a')
    unlinkStale(stale)
    expect(existsSync(stale)).toBe(false)
    unlinkStale(stale) // the path no longer exists
  })

  test('unlinkStale leaves a listening socket, a datagram socket, a file and a link', () => {
    const listener = new Socket(AF_UNIX, SOCK_STREAM).bind({ path: at('listener') }).listen()
    const datagrams = new Socket(AF_UNIX, SOCK_DGRAM).bind({ path: at('datagrams') })
    writeFileSync(at('file'), 'mine')
    symlinkSync('nowhere', at('link'))
    const names = ['listener', 'datagrams', 'file', 'link'].map(at)
    for (const name of names) unlinkStale(name)
    for (const name of names) expect(lstatSync(name, { throwIfNoEntry: false })).toBeDefined()
    listener.tryAccept()?.close() // the connection made by the probe
    for (const socket of [listener, datagrams]) socket.close()
  })

  testIf(
    linux,
    'unlinkStale works for paths of any length, and refuses one with no room for a temporary name beside it',
    () => {
      const longest = leaveStale('n'.repeat(107 - directory.length - 1))
      unlinkStale(longest)
      expect(existsSync(longest)).toBe(false)
      const folder = 'd'.repeat(107 - directory.length - 3)
      mkdirSync(at(folder))
      const crowded = leaveStale(`${folder}/a`)
      expect(thrown(() => unlinkStale(crowded))).toMatchObject({ code: 'ERR_INVALID_ADDRESS' })
      expect(existsSync(crowded)).toBe(true)
    },
  )
})

testIf(linux, 'setMode sets the mode of a socket, and leaves a file or a link at the path unchanged', () => {
  const stale = leaveStale('a')
  setMode(stale, 0o600)
  setMode(stale, 0o600)
  expect(statSync(stale).mode & 0o7777).toBe(0o600)
  writeFileSync(at('file'), '', { mode: 0o644 })
  setMode(at('file'), 0o600)
  symlinkSync(String(stale), at('link'))
  setMode(at('link'), 0o777)
  expect([statSync(at('file')).mode & 0o777, statSync(stale).mode & 0o777]).toEqual([0o644, 0o600])
})
