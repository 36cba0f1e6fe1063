import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { ensureBuilt } from '../helpers/built'
import { missing, testIf } from '../helpers/need'

/** Runs a script of this folder in a network namespace of its own, where there is one. */
function isolated(script: string, args: readonly string[]) {
  const words = ['--expose-gc', path.join(__dirname, script), ...args]
  const command = 'ip link set lo up; exec "$0" "$@"'
  const options = { encoding: 'utf8', timeout: 600_000, maxBuffer: 1 << 26 } as const
  return process.platform === 'linux'
    ? spawnSync('unshare', ['-rn', 'sh', '-c', command, process.execPath, ...words], options)
    : spawnSync(process.execPath, words, options)
}

/** What the last line says, of a run that ended well. */
function verdict(child: ReturnType<typeof isolated>): Record<string, number> {
  const output = child.stdout + child.stderr
  expect({ status: child.status, signal: child.signal, output }).toMatchObject({ status: 0, signal: null })
  return JSON.parse(child.stdout.trim().split('\n').at(-1)!) as Record<string, number>
}

// 10,000 lists a function for a release (BSD_SOCKETS_FUZZ=10000); fewer in every run. A failure prints the seed.
const lists = process.env['BSD_SOCKETS_FUZZ'] ?? '400'
const seed = process.env['BSD_SOCKETS_SEED'] ?? String(Date.now() & 0xffffff)

test(`random argument lists at everything exported (seed ${seed})`, () => {
  ensureBuilt()
  expect(verdict(isolated('api.js', [lists, seed]))).toMatchObject({ unexpected: 0, leaked: 0 })
}, 600_000)

test(`arguments that attack at everything exported (seed ${seed})`, () => {
  ensureBuilt()
  const counts = verdict(isolated('api.js', ['100', seed, 'all']))
  expect(counts).toMatchObject({ unexpected: 0, leaked: 0 })
}, 600_000)

// Longer, by hand: see CONTRIBUTING.md.
testIf(missing.linux(), 'random operations on sockets of every kind, with a model beside them', () => {
  ensureBuilt()
  for (const fixed of ['1', '2']) {
    const counts = verdict(isolated('model.js', ['--seed', fixed, '--seconds', '60', '--steps', '6000']))
    expect(counts).toMatchObject({ steps: 6000 })
    expect(counts['receives']).toBeGreaterThan(1000)
  }
}, 200_000) // prettier-ignore

// Each alone: what one finds does not end the others.
for (const attack of ['nonblock', 'linger', 'reuse']) {
  testIf(
    missing.linux(),
    `random operations, while other holders of the sockets attack: ${attack}`,
    () => {
      ensureBuilt()
      const args = ['--seed', '1', '--seconds', '60', '--steps', '6000', '--attacks', attack]
      const counts = verdict(isolated('model.js', args))
      expect(counts).toMatchObject({ steps: 6000 })
      expect(counts['attacks']).toBeGreaterThan(10)
    },
    100_000,
  )
}
