import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { ensureBuilt } from '../helpers/built'
import { missing, testIf } from '../helpers/need'

/** Runs a script of this folder, in its own network namespace if the system has them. */
function isolated(script: string, args: readonly string[]) {
  const words = ['--expose-gc', path.join(__dirname, script), ...args]
  const command = 'ip link set lo up; exec "$0" "$@"'
  const options = { encoding: 'utf8', timeout: 600_000, maxBuffer: 1 << 26 } as const
  return process.platform === 'linux'
    ? spawnSync('unshare', ['-rn', 'sh', '-c', command, process.execPath, ...words], options)
    : spawnSync(process.execPath, words, options)
}

/** Parses the last line of a successful run. */
function verdict(child: ReturnType<typeof isolated>): Record<string, number> {
  const output = child.stdout + child.stderr
  expect({ status: child.status, signal: child.signal, output }).toMatchObject({ status: 0, signal: null })
  return JSON.parse(child.stdout.trim().split('\n').at(-1)!) as Record<string, number>
}

// A release is tested with 10,000 lists per function (BSD_SOCKETS_FUZZ=10000), other runs with fewer. A failure prints
// the seed.
const lists = process.env['BSD_SOCKETS_FUZZ'] ?? '400'
const seed = process.env['BSD_SOCKETS_SEED'] ?? String(Date.now() & 0xffffff)

test(`random argument lists for every export cause only documented errors (seed ${seed})`, () => {
  ensureBuilt()
  expect(verdict(isolated('api.js', ['--lists', lists, '--seed', seed]))).toMatchObject({
    unexpected: 0,
    leaked: 0,
  })
}, 600_000)

test(`hostile arguments for every export cause only documented errors (seed ${seed})`, () => {
  ensureBuilt()
  const counts = verdict(isolated('api.js', ['--lists', '100', '--seed', seed, '--attacks', 'all']))
  expect(counts).toMatchObject({ unexpected: 0, leaked: 0 })
}, 600_000)

// CONTRIBUTING.md says how to run it for longer.
testIf(missing.linux(), 'random operations on sockets of every kind agree with a model', () => {
  ensureBuilt()
  for (const fixed of ['1', '2']) {
    const counts = verdict(isolated('model.js', ['--seed', fixed, '--seconds', '60', '--steps', '6000']))
    expect(counts).toMatchObject({ steps: 6000 })
    expect(counts['receives']).toBeGreaterThan(1000)
  }
}, 200_000) // prettier-ignore

// Each attack runs alone, so that one failure does not end the others.
for (const attack of ['nonblock', 'linger', 'reuse']) {
  testIf(
    missing.linux(),
    `random operations agree with the model while other holders of the sockets attack: ${attack}`,
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
