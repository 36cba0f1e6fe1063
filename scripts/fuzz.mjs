// npm run fuzz -- api|model [--with=gcc] [options]: runs a fuzzer of test/fuzz/ in its own network namespace, because it
// uses random addresses. Linux only. The options are those of the fuzzer:
//
//   --seed N --seconds N --attacks all    both fuzzers; `none`, or names that the fuzzer lists
//   --lists N                             api: argument lists for each function, in each round
//   --steps N                             model
//
// Builds dist/ first. With --with=gcc or --with=clang, the addon is also built, with AddressSanitizer, LeakSanitizer and
// UndefinedBehaviorSanitizer. The fuzzers' limits of time are not made for the slower tools of `npm run check:sanitize`.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { watch } from './sanitizers/kinds.mjs'
import { exitCode, must, npmCli, root } from './tools.mjs'

const fuzzers = ['api', 'model']
const given = process.argv.slice(2)
const tool = given.find(each => each.startsWith('--with='))?.slice('--with='.length)
const [name, ...options] = given.filter(each => !each.startsWith('--with='))
if (!fuzzers.includes(name)) throw new Error(`name a fuzzer first: ${fuzzers.join(' or ')}`)
if (![undefined, 'gcc', 'clang'].includes(tool)) throw new Error('--with is gcc or clang')
if (process.platform !== 'linux') throw new Error('npm run fuzz needs the network namespaces of Linux')

const args = ['--expose-gc', path.join(root, 'test/fuzz', `${name}.js`), ...options]
const namespace = command => ['unshare', '-rn', 'sh', '-ec', 'ip link set lo up; exec "$0" "$@"', ...command]
function plain() {
  const [program, ...words] = namespace([process.execPath, ...args])
  return exitCode(program, spawnSync(program, words, { stdio: 'inherit' }))
}
await must('npm run build:ts', process.execPath, [npmCli(), 'run', 'build:ts'])
process.exitCode = tool === undefined ? plain() : (await watch(tool))(args, namespace)
