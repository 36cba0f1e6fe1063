// npm run fuzz -- api|model [--with=gcc] [options]: runs a fuzzer of test/fuzz/ in its own network namespace, because it
// uses random addresses. Linux only. The options are those of the fuzzer:
//
//   --seed N --seconds N --attacks all    both fuzzers; `none`, or names that the fuzzer lists
//   --lists N                             api: argument lists for each function, in each round
//   --steps N                             model
//
// With --with=gcc, the addon is built with AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer. The other tools
// of `npm run check:sanitize` also work.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { watch } from './sanitizers/kinds.mjs'
import { root } from './tools.mjs'

const fuzzers = ['api', 'model']
const given = process.argv.slice(2)
const tool = given.find(each => each.startsWith('--with='))?.slice('--with='.length)
const [name, ...options] = given.filter(each => !each.startsWith('--with='))
if (!fuzzers.includes(name)) throw new Error(`name a fuzzer first: ${fuzzers.join(' or ')}`)
if (process.platform !== 'linux') throw new Error('npm run fuzz needs the network namespaces of Linux')

const args = ['--expose-gc', path.join(root, 'test/fuzz', `${name}.js`), ...options]
const namespace = command => ['unshare', '-rn', 'sh', '-ec', 'ip link set lo up; exec "$0" "$@"', ...command]
function plain() {
  const [program, ...words] = namespace([process.execPath, ...args])
  return spawnSync(program, words, { stdio: 'inherit' }).status ?? 1
}
process.exitCode = tool === undefined ? plain() : (await watch(tool))(args, namespace)
