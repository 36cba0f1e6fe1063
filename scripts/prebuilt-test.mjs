// npm run check:prebuilt: checks that every binary in prebuilds/ would load on its target. Reads all of them, and runs
// those that this machine can run: x64 with every supported Node, arm64 with the oldest Node under qemu.
//
//   --inspect  reads the files and runs none
import { existsSync, mkdirSync, mkdtempSync, copyFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { problemsOf } from './binary.mjs'
import { targets, toolPackage } from './cross.mjs'
import { loadsWithMusl } from './musl.mjs'
import { must, nodes, npmCli, root, run } from './tools.mjs'

const prebuilds = path.join(root, 'prebuilds')
const inspectOnly = process.argv.includes('--inspect')
const report = (word, what, note = '') => console.log(`${word.padEnd(8)}${what}  ${note}`.trimEnd())
function verdict(what, problem) {
  if (problem !== '') process.exitCode = 1
  report(problem === '' ? 'ok' : 'FAILED', what, problem)
}

for (const [target, { file }] of Object.entries(targets)) {
  const there = existsSync(path.join(prebuilds, file))
  const problems = there ? problemsOf(path.join(prebuilds, file), target) : ['the file is missing']
  verdict(target, problems.join('; '))
}

/** Runs the smoke test with a Node from npm. `through` is put before the command. */
async function smoke(arch, version, through = []) {
  const what = `linux-${arch}-glibc on Node ${version}`
  const options = arch === 'arm64' ? ['--force', '--os=linux', '--cpu=arm64'] : []
  const { folder, reason } = await toolPackage(`node-linux-${arch}@${nodes[version]}`, options)
  if (folder === undefined) return report('skipped', what, reason)
  const target = targets[`linux-${arch}-glibc`].file
  const home = mkdtempSync(path.join(tmpdir(), 'bsd-sockets-smoke-'))
  mkdirSync(path.join(home, 'prebuilds', path.dirname(target)), { recursive: true })
  copyFileSync(path.join(prebuilds, target), path.join(home, 'prebuilds', target))
  const [command, ...args] = [...through, path.join(folder, 'bin/node'), path.join(root, 'scripts/smoke.cjs')]
  // node-gyp-build looks for the binary here first.
  const env = { ...process.env, BSD_SOCKETS_PREBUILD: home }
  const { status, output } = await run(command, args, { env, timeout: 60_000 })
  rmSync(home, { recursive: true, force: true })
  verdict(what, status === 0 && output.trimEnd().endsWith('works') ? '' : `${status} ${output}`)
}

async function runAll() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return report('skipped', 'runs on Linux x64')
  for (const version of [20, 22, 24, 26]) await smoke('x64', version)
  const qemu = (await run('qemu-aarch64-static', ['--version'])).status === 0
  const libraries = '/usr/aarch64-linux-gnu'
  if (qemu && existsSync(libraries)) await smoke('arm64', 20, ['qemu-aarch64-static', '-L', libraries])
  else report('skipped', 'linux-arm64-glibc', 'needs qemu-user-static and libstdc++6-arm64-cross')
  const problem = await loadsWithMusl(path.join(prebuilds, targets['linux-x64-musl'].file))
  const what = 'linux-x64-musl, loaded by musl without Node'
  if (problem === null) report('skipped', what, 'needs musl-tools')
  else verdict(what, problem)
  report('skipped', 'macOS, and Node on musl', 'not here; the release workflow loads them')
}

if (!inspectOnly) await runAll()

const packed = await must('npm pack', process.execPath, [
  ...[npmCli(), 'pack', '--ignore-scripts', '--dry-run', '--json'],
])
const [{ size, unpackedSize }] = JSON.parse(packed)
const kib = bytes => `${Math.ceil(bytes / 1024)} KiB`
verdict(
  `npm pack: ${kib(size)}, unpacked ${kib(unpackedSize)}`,
  size < 1.3 * 1024 * 1024 ? '' : 'more than 1.3 MiB',
)
