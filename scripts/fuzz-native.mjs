// npm run fuzz:native -- [--seconds N] [target…]: coverage-guided fuzzing of the C++ code that parses JavaScript values
// or memory that other threads write to. Uses libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer. Needs
// Linux and clang 19 with libclang-rt-19-dev. Node is not needed: test/fuzz/native/values.cc replaces it, kernel.cc the
// kernel.
//
// Inputs that crash are kept in build/fuzz/<target>/: `build/fuzz/<target>/fuzzer <file>` runs one again.
import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { llvm, must, root, run } from './tools.mjs'

const parsing = [
  'call',
  'receive',
  'slots',
  'reply',
  'syscalls/io',
  'syscalls/batch',
  'syscalls/option',
  'sys/linux/refuse',
  'sys/linux/socket',
  'sys/linux/watchdog',
  'sys/linux/foreign',
]
const targets = {
  events: { units: ['events', 'receive', 'reply', 'slots', 'sys/linux/socket', 'sys/linux/watchdog', 'sys/linux/foreign'], helpers: ['kernel'] },
  calls: { units: parsing, helpers: ['values', 'kernel'] },
  ring: { units: ['sys/linux/ring'], helpers: ['kernel'] },
  reply: { units: ['reply', 'slots'], helpers: [] },
} // prettier-ignore

const { values, positionals } = parseArgs({
  options: { seconds: { type: 'string', default: '60' } },
  allowPositionals: true,
})
const wanted = positionals.length > 0 ? positionals : Object.keys(targets)
const unknown = wanted.find(name => !Object.hasOwn(targets, name))
if (unknown !== undefined)
  throw new Error(`unknown target ${unknown}; known: ${Object.keys(targets).join(', ')}`)
const clang = llvm('clang++')
if (clang === null || process.platform !== 'linux') throw new Error('fuzz:native needs Linux and clang 19')

const here = path.join(root, 'test/fuzz/native')
const headers = path.join(path.dirname(createRequire(import.meta.url).resolve('node-api-headers')), 'include')
const flags = [
  '-std=c++17',
  '-g',
  '-O1',
  '-fsanitize=fuzzer,address,undefined',
  '-fno-sanitize-recover=undefined',
]

async function build(name) {
  const folder = path.join(root, 'build/fuzz', name)
  mkdirSync(path.join(folder, 'corpus'), { recursive: true })
  const { units, helpers } = targets[name]
  const fuzzer = path.join(folder, 'fuzzer')
  const include = ['-I', root, '-I', here, '-I', headers, '-include', path.join(here, 'kernel.h')]
  const files = [...units.map(unit => `native/${unit}.cc`), ...[name, ...helpers].map(file => `test/fuzz/native/${file}.cc`)]
  await must(`building ${name}`, clang, [...flags, ...include, ...files, '-o', fuzzer])
  return { folder, fuzzer }
} // prettier-ignore

let failed = false
for (const name of wanted) {
  const { folder, fuzzer } = await build(name)
  const options = [
    `-max_total_time=${values.seconds}`,
    '-max_len=4096',
    '-print_final_stats=1',
    '-timeout=20',
  ]
  const { status, output } = await run(fuzzer, [
    ...options,
    `-artifact_prefix=${folder}/`,
    `${folder}/corpus`,
  ])
  const executions = /stat::number_of_executed_units:\s*(\d+)/.exec(output)?.[1] ?? '0'
  const [, edges = '0', features = '0'] = [...output.matchAll(/cov: (\d+) ft: (\d+)/g)].at(-1) ?? []
  failed ||= status !== 0
  if (status !== 0) process.stdout.write(output.split('\n').slice(-60).join('\n'))
  const verdict = status === 0 ? 'nothing found' : 'FAILED'
  console.log(`${name}: ${executions} executions, ${edges} edges, ${features} features, ${verdict}`)
}
process.exitCode = failed ? 1 : 0
