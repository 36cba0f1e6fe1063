import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ensureDist, run } from '../helpers/child'
import { missing, testIf } from '../helpers/need'
import { libc } from '../../lib/internal/system'

/*
 * Calls of the C library fail on command, for the addon alone: see interpose.c, control.js and run.js. Each case
 * runs in a process of its own, and leaves nothing behind.
 */
function why(): string | null {
  if (process.platform !== 'linux' || !libc().startsWith('glibc')) return 'Linux with glibc only'
  if (process.env['BSD_SOCKETS_SANITIZE'] !== undefined) return 'a sanitizer stands between as well'
  return missing.program('cc', '--version')
}

const reason = why()
const folder = mkdtempSync(path.join(tmpdir(), 'bsd-sockets-faults-'))
const library = path.join(folder, 'interpose.so')
const PAGE = 8192

beforeAll(() => {
  if (reason !== null) return
  ensureDist()
  const flags = ['-shared', '-fPIC', '-O1', '-Wall', '-Wextra', '-Werror']
  const made = spawnSync('cc', [...flags, '-o', library, path.join(__dirname, 'interpose.c')], {
    encoding: 'utf8',
  })
  expect({ status: made.status, stderr: made.stderr }).toEqual({ status: 0, stderr: '' })
})

afterAll(() => rmSync(folder, { recursive: true }))

async function runCase(file: string, name: string): Promise<void> {
  const control = path.join(folder, 'control')
  writeFileSync(control, '')
  truncateSync(control, PAGE)
  const env = { LD_PRELOAD: library, FAULTS_CONTROL: control }
  const script = path.join(__dirname, 'run.js')
  const ended = await run(process.execPath, [script, file, name], { env, timeout: 60_000 })
  expect(ended).toEqual({ code: 0, signal: null, stdout: '{"slots":0,"jobs":0,"fds":0}\n', stderr: '' })
}

describe.each(['sweep.js', 'storms.js'])('%s', file => {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- the names; what they run is the child's
  const cases = require(`./cases/${file}`) as Record<string, unknown>
  for (const name of Object.keys(cases)) testIf(reason, name, () => runCase(file, name), 60_000)
})
