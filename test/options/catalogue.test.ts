import { spawnSync } from 'node:child_process'
import { release, tmpdir } from 'node:os'
import path from 'node:path'
import { SocketError } from '../../lib'
import {
  getOption,
  options,
  setOption,
  type Access,
  type OptionCalls,
  type SocketOption,
} from '../../lib/options'
import { hostContext } from '../../lib/options/context'
import { missing } from '../helpers/need'
import { rowsOfIp } from './rows'
import { otherRows } from './rows-other'
import { Sockets } from './sockets'

/*
 * Tries every declared option with this kernel: sets it and reads it back, or checks that it is refused with the
 * documented errno. The file runs itself again in a new network namespace, so that memberships and marks do not affect
 * the machine.
 */
type Declared = SocketOption<unknown, never, Access>
const declared = Object.entries(options) as unknown as [string, Declared][]
const rows = { ...rowsOfIp, ...otherRows }
const exists = ({ level, option }: Declared): boolean => level !== undefined && option !== undefined
const inside = process.env['BSD_SOCKETS_CATALOGUE']

// The table is for this kernel and newer ones. An older kernel may lack options.
const [major = 0, minor = 0] = release().split('.').map(Number)
const complete = major > 6 || (major === 6 && minor >= 18)

const nothing: OptionCalls = {
  context: hostContext,
  get: () => {
    throw new Error('a system call')
  },
  set: () => {
    throw new Error('a system call')
  },
  setProgram: () => {
    throw new Error('a system call')
  },
}

describe('the table of options', () => {
  test('the table has a row for every option of this system, and no other', () => {
    const here = declared.filter(([, option]) => exists(option)).map(([name]) => name)
    if (process.platform === 'linux') expect(Object.keys(rows).sort()).toEqual(here.sort())
  })

  test('every option has the name that it is exported by', () => {
    expect(declared.filter(([name, option]) => name !== option.name)).toEqual([])
  })

  const absent = declared.filter(([, option]) => !exists(option))
  test.each(absent)(
    '%s does not exist on this system and is refused before any system call',
    (name, option) => {
      const use = (): unknown =>
        option.access === 'set'
          ? setOption(nothing, option as never, {} as never)
          : getOption(nothing, option as never)
      expect(use).toThrow(SocketError)
      expect(use).toThrow(
        expect.objectContaining({
          code: 'ENOPROTOOPT',
          message: expect.stringContaining(`${name} does not exist on`),
        }),
      )
    },
  )
})

if (inside === undefined) {
  const reason = missing.linux()
  const run = reason === null ? test : test.skip
  run(
    'every option of the table works in a network namespace',
    () => {
      const jest = path.join(__dirname, '../../node_modules/jest/bin/jest.js')
      const file = path.relative(path.join(__dirname, '../..'), __filename)
      const root = process.getuid?.() === 0
      // Inside a user namespace jest would use the cache of the real root.
      const cache = root ? '' : `--cacheDirectory="${path.join(tmpdir(), `jest_ns_${process.getuid!()}`)}"`
      const command = `ip link set lo up && exec "${process.execPath}" "${jest}" --runInBand ${cache} --reporters=default --runTestsByPath "${file}"`
      const child = spawnSync('unshare', [root ? '-n' : '-rn', 'sh', '-c', command], {
        cwd: path.join(__dirname, '../..'),
        encoding: 'utf8',
        env: { ...process.env, BSD_SOCKETS_CATALOGUE: root ? 'root' : 'user', FORCE_COLOR: '0' },
        timeout: 120_000,
      })
      const output = child.stdout + child.stderr
      const summary = /^\d+ rows declared, .*$/m.exec(output)?.[0]
      if (child.status !== 0 || summary === undefined) throw new Error(output)
      process.stdout.write(`${summary}\n`)
    },
    130_000,
  )
} else {
  describe('every option of the table on this kernel', () => {
    const sockets = new Sockets()
    const refusals = new Map<string, string[]>()
    let tested = 0
    const note = (reason: string, name: string): void => {
      refusals.set(reason, [...(refusals.get(reason) ?? []), name])
    }

    afterEach(() => sockets.closeAll())

    afterAll(() => {
      const here = declared.filter(([, option]) => exists(option)).length
      const count = [...refusals.values()].flat().length
      const reasons = [...refusals].map(([reason, names]) => `${names.join(', ')}: ${reason}`).join('; ')
      const elsewhere = declared.length - here
      process.stdout.write(
        `${declared.length} rows declared, ${tested} tested, ${count} refused by this kernel (${reasons}), ` +
          `${elsewhere} of another system\n`,
      )
    })

    test.each(Object.entries(rows))('%s', async (name, row) => {
      try {
        await row.run(options[name as keyof typeof options], sockets)
      } catch (error) {
        const code = error instanceof SocketError ? error.code : ''
        // In a user namespace root lacks some privileges, and an older kernel lacks some options.
        const tolerated = inside === 'user' ? ['EPERM', 'EACCES'] : []
        if (!complete) tolerated.push('ENOPROTOOPT', 'EOPNOTSUPP', 'EAFNOSUPPORT')
        if (!tolerated.includes(code)) throw error
        return note(code, name)
      }
      if (row.refused === undefined) tested++
      else note(row.refused, name)
    })
  })
}
