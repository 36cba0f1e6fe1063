// node scripts/sanitizers/prove.mjs: proves that a build with AddressSanitizer reports the known faults. Linux, g++.
//
//   calls   each memory argument of each system call, a byte too short and freed: scripts/sanitizers/double.cc
//   faults  the programs of scripts/sanitizers/faults/ on `revision`, a version of the package that had these faults
//   now     the same programs on the current package: each exits without a report
//
// Without a name all three run. The output of each program is in build/prove/<step>-<name>.txt.
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { bin, must, root, run, stage } from '../tools.mjs'
import { build, gcc, runtimes, wrapper } from './build.mjs'
import { runDouble } from './double.mjs'

const revision = '4a288b4' // the last revision that had all of the faults
const here = path.join(root, 'scripts/sanitizers')
const folder = path.join(root, 'build/prove')
const env = { ...process.env, ...gcc.env, ASAN_OPTIONS: 'detect_leaks=0:exitcode=66' }
const REPORT = /ERROR: AddressSanitizer: .*/

let failed = 0
function tell(name, good, said) {
  if (!good) failed++
  console.log(`${good ? 'ok    ' : 'FAILED'} ${name}: ${said}`)
}

async function calls() {
  const { cases, reports, wrong } = await runDouble(gcc, folder)
  tell('calls', wrong.length === 0, `${cases} arguments, ${reports} reports`)
  for (const text of wrong) console.log(text)
}

/** Prepares the package at a revision. Returns a folder with its sources, `dist/` and the addon. */
async function sources(name, at) {
  const to = path.join(folder, name)
  rmSync(to, { recursive: true, force: true })
  mkdirSync(to, { recursive: true })
  const archive = path.join(folder, `${name}.tar`)
  await must(`revision ${at}`, 'git', ['archive', '-o', archive, at, 'native', 'lib', 'scripts', 'binding.gyp',
    'package.json', 'tsconfig.json', 'tsconfig.build.json']) // prettier-ignore
  await must('unpacking', 'tar', ['-xf', archive, '-C', to])
  symlinkSync(path.join(root, 'node_modules'), path.join(to, 'node_modules'))
  await must('tsc', process.execPath, [bin('typescript', 'tsc'), '-p', path.join(to, 'tsconfig.build.json')])
  await build(gcc, to)
  return to
}

async function programs(step, package_, addon, reports) {
  const watched = wrapper(addon, runtimes(gcc))
  for (const file of readdirSync(path.join(here, 'faults')).filter(each => each !== 'pair.cjs')) {
    const words = ['--expose-gc', path.join(here, 'faults', file), package_]
    const options = {
      env: { ...env, BSD_SOCKETS_PREBUILD: addon, BSD_SOCKETS_NODE: watched },
      timeout: 60_000,
    }
    const { status, output } = await run(watched, words, options)
    writeFileSync(path.join(folder, `${step}-${file}.txt`), output)
    const report = REPORT.exec(output)?.[0]
    const frame = /#\d+ .* in (?!.*(?:__wrap_|Check))(\S+) .*(native\/\S+)/.exec(output)
    const where = frame === null ? '' : `, in ${frame[1]} ${frame[2]}`
    const good = reports
      ? report !== undefined && /native\//.test(output)
      : status === 0 && report === undefined
    tell(`${step} ${file}`, good, report === undefined ? `${status}, ${output.trim()}` : report + where)
  }
}

const steps = {
  calls,
  async faults() {
    const then = await sources('then', revision)
    await programs('faults', then, then, true)
  },
  async now() {
    const addon = stage()
    await build(gcc, addon)
    await programs('now', root, addon, false)
  },
}

const named = process.argv.slice(2)
const unknown = named.find(name => !Object.hasOwn(steps, name))
if (unknown !== undefined) throw new Error(`unknown step ${unknown}; known: ${Object.keys(steps).join(', ')}`)
mkdirSync(folder, { recursive: true })
for (const name of named.length > 0 ? named : Object.keys(steps)) await steps[name]()
process.exitCode = failed === 0 ? 0 : 1
