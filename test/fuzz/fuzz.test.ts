import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { ensureBuilt } from '../helpers/built'

// 10,000 lists a function for a release (BSD_SOCKETS_FUZZ=10000); fewer in every run. A failure prints the seed.
const lists = process.env['BSD_SOCKETS_FUZZ'] ?? '400'
const seed = process.env['BSD_SOCKETS_SEED'] ?? String(Date.now() & 0xffffff)

test(`random argument lists at everything exported (seed ${seed})`, () => {
  ensureBuilt()
  const script = path.join(__dirname, 'api.js')
  const command = `ip link set lo up; exec "${process.execPath}" "${script}" ${lists} ${seed}`
  const isolated = process.platform === 'linux'
  const child = isolated
    ? spawnSync('unshare', ['-rn', 'sh', '-c', command], { encoding: 'utf8', timeout: 600_000 })
    : spawnSync(process.execPath, [script, lists, seed], { encoding: 'utf8', timeout: 600_000 })
  const output = child.stdout + child.stderr
  expect({ status: child.status, signal: child.signal, output }).toMatchObject({ status: 0, signal: null })
  expect(JSON.parse(child.stdout.trim().split('\n').at(-1)!)).toMatchObject({ unexpected: 0, leaked: 0 })
}, 600_000)
