import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ensureDist, run, type Ended } from '../helpers/child'
import { missing, testIf } from '../helpers/need'
import { libc } from '../../lib/binding/system'

/*
 * Runs the cases of a file in a separate process, with the calls of the addon counted. Checks that each case leaks
 * nothing. See interpose.c, control.js and run.js.
 */
const PAGE = 8192
const TIMEOUT = 120_000

/** The options of a case, in addition to those of run.js. */
interface Case {
  /** Arguments of ulimit in sh(1): `-n 64` limits the number of descriptors. */
  limit?: string | undefined
  env?: Record<string, string> | undefined
  /** Runs in a process in which no operation has waited yet. */
  cold?: boolean
  /** Runs without other cases, because it changes its process. */
  alone?: boolean
}

interface Results {
  ended: Omit<Ended, 'stdout'>
  left: Map<string, object>
}

/** The reason why calls cannot fail on command or be counted here, or null. */
export function withoutInterposer(): string | null {
  if (process.platform !== 'linux' || !libc().startsWith('glibc')) return 'Linux with glibc only'
  if (process.env['BSD_SOCKETS_SANITIZE'] !== undefined) return 'a sanitizer stands between as well'
  return missing.program('cc', '--version')
}

function compile(library: string): void {
  const flags = ['-shared', '-fPIC', '-O1', '-Wall', '-Wextra', '-Werror']
  const made = spawnSync('cc', [...flags, '-o', library, path.join(__dirname, 'interpose.c')], {
    encoding: 'utf8',
  })
  expect({ status: made.status, stderr: made.stderr }).toEqual({ status: 0, stderr: '' })
}

/** Runs some cases of a file in one process. Returns what each case leaks, by its name. */
async function runCases(
  file: string,
  names: string[],
  how: Case,
  interposer: string | null,
): Promise<Results> {
  const folder = mkdtempSync(path.join(tmpdir(), 'bsd-sockets-faults-'))
  const control = path.join(folder, 'control')
  writeFileSync(control, '')
  truncateSync(control, PAGE)
  const faults: Record<string, string> =
    interposer === null ? { FAULTS_CONTROL: '' } : { LD_PRELOAD: interposer, FAULTS_CONTROL: control }
  const limit = how.limit === undefined ? '' : `ulimit ${how.limit}; `
  const command = [process.execPath, path.join(__dirname, 'run.js'), file, ...names]
  const shell = ['-c', `${limit}exec "$0" "$@"`, ...command]
  const { stdout, ...ended } = await run('sh', shell, { env: { ...faults, ...how.env }, timeout: TIMEOUT })
  rmSync(folder, { recursive: true })
  const lines = stdout.split('\n').slice(0, -1)
  const left = lines.map(line => JSON.parse(line) as { name: string })
  return { ended, left: new Map(left.map(({ name, ...rest }) => [name, rest])) }
}

/** Defines a test for each case in these files. The tests run if `reason` is null. */
export function testCases(reason: string | null, files: string[]): void {
  const interposed = withoutInterposer() === null
  const folder = mkdtempSync(path.join(tmpdir(), 'bsd-sockets-faults-'))
  const library = path.join(folder, 'interpose.so')

  beforeAll(() => {
    if (reason !== null) return
    ensureDist()
    if (interposed) compile(library)
  })

  afterAll(() => rmSync(folder, { recursive: true }))

  describe.each(files)('%s', file => {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- reads only the names
    const cases = require(`./cases/${file}`) as Record<string, Case>
    for (const [how, names] of groupsOf(cases)) {
      let running: Promise<Results> | null = null
      const check = async (name: string): Promise<void> => {
        running ??= runCases(file, names, how, interposed ? library : null)
        const { ended, left } = await running
        expect(left.get(name) ?? ended).toEqual({ slots: 0, jobs: 0, fds: 0 })
        expect(ended).toEqual({ code: 0, signal: null, stderr: '' })
      }
      for (const name of names) testIf(reason, name, () => check(name), TIMEOUT)
    }
  })
}

/** Groups cases with equal options, which share a process. */
function groupsOf(cases: Record<string, Case>): [Case, string[]][] {
  const groups = new Map<string, [Case, string[]]>()
  for (const [name, { limit, env, cold, alone }] of Object.entries(cases)) {
    const how = { limit, env }
    const key = JSON.stringify([how, cold === true || alone === true ? name : null])
    if (!groups.has(key)) groups.set(key, [how, []])
    groups.get(key)![1].push(name)
  }
  return [...groups.values()]
}
