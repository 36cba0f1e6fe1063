// npm run check:runtimes: takes test files to Bun and Deno, whose libuv is a stub. Both come from npm. The tests and
// lib/ are compiled into a temporary folder, and scripts/runtimes/run.cjs runs them there, one process for each file.
//
//   --on=bun,deno,node   only these. `node` is this Node, with the same thread in the place of libuv
//   test/names …         these files or folders instead of the ones below
//
// scripts/runtimes/expected.json names the tests that may not pass there, with the reason. A test that passes must not
// be in it.
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import ts from 'typescript'
import { toolPackage } from './cross.mjs'
import { filesBelow, must, npmCli, others, root, run } from './tools.mjs'

const suites = [
  'test/conformance',
  'test/streams',
  'test/names',
  'test/regressions/sendfile',
  'test/transfer',
  'test/process/teardown',
]
const runtimes = {
  bun: { ...others.bun, args: [] },
  deno: { ...others.deno, args: ['run', '-A', '--quiet'] },
  node: { args: ['--require', './scripts/runtimes/without-libuv.cjs'] },
}
// Deno asks for a newer release on the network otherwise, Bun would report a crash.
const silent = { DENO_NO_UPDATE_CHECK: '1', BUN_ENABLE_CRASH_REPORTING: '0', DO_NOT_TRACK: '1' }
const given = process.argv.slice(2)
const on = given.find(each => each.startsWith('--on='))?.slice('--on='.length) ?? 'bun,deno'
const wanted = given.filter(each => !each.startsWith('-'))
const expected = JSON.parse(readFileSync(path.join(root, 'scripts/runtimes/expected.json'), 'utf8'))
const limit = 240_000

/** Compiles lib/ and test/ into a temporary folder that looks like the repository. */
function compile() {
  const folder = mkdtempSync(path.join(tmpdir(), 'bsd-runtimes-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const options = {
    target: 'ES2022',
    module: 'CommonJS',
    esModuleInterop: true,
    useDefineForClassFields: false,
  }
  for (const name of ['build', 'dist', 'node_modules', 'native', 'docs', 'bench', 'examples'])
    symlinkSync(path.join(root, name), path.join(folder, name))
  for (const file of [
    'package.json',
    ...filesBelow('lib'),
    ...filesBelow('test'),
    ...filesBelow('scripts'),
  ]) {
    const from = path.join(root, file)
    const to = path.join(folder, file)
    mkdirSync(path.dirname(to), { recursive: true })
    if (/(?<!\.d)\.ts$/.test(file)) {
      const { outputText } = ts.transpileModule(readFileSync(from, 'utf8'), { compilerOptions: options })
      writeFileSync(to.replace(/ts$/, 'js'), outputText)
    } else cpSync(from, to)
    // Tests build dist/ again if it is older than lib/.
    const { atime, mtime } = statSync(from)
    utimesSync(to.replace(/(?<!\.d)\.ts$/, '.js'), atime, mtime)
  }
  return folder
}

/** Makes a program that tests start as `node`, in a folder of its own. */
function asNode(folder, program, args) {
  const bin = path.join(folder, 'bin')
  rmSync(bin, { recursive: true, force: true })
  mkdirSync(bin)
  const file = path.join(bin, 'node')
  writeFileSync(
    file,
    `#!/bin/sh\nexec '${program}' ${args.join(' ')} '${folder}/scripts/runtimes/node.cjs' "$@"\n`,
    { mode: 0o755 },
  )
  return file
}

async function runFile(folder, { program, args }, node, file) {
  const results = path.join(folder, 'results')
  writeFileSync(results, '')
  const script = path.join(folder, 'scripts/runtimes/run.cjs')
  const env = { ...process.env, ...silent, BSD_SOCKETS_NODE: node, NO_COLOR: '1' }
  const ended = await run(program, [...args, script, file, results], {
    cwd: folder,
    env,
    timeout: limit,
    killSignal: 'SIGKILL',
  })
  const lines = readFileSync(results, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))
  const finished = lines.some(line => line.finished)
  if (!finished || ended.status !== 0) {
    const what = finished
      ? `ended with ${ended.status} after the tests`
      : `ended with ${ended.status} during the tests`
    lines.push({ name: '(the process)', error: `${what}\n${ended.output.slice(-2000)}` })
  }
  return lines.filter(line => !line.finished)
}

async function check(name, folder, files) {
  const { spec, programs, args } = runtimes[name]
  const tool = spec === undefined ? {} : await toolPackage(spec)
  if (tool.reason !== undefined) return console.log(`skipped ${name}: ${tool.reason}`)
  const program = spec === undefined ? process.execPath : path.join(tool.folder, programs, name)
  const node = asNode(folder, program, args)
  console.log(`\n${'file'.padEnd(46)}passed failed known skipped`)
  const total = [0, 0, 0, 0]
  for (const file of files) {
    const lines = await runFile(folder, { program, args }, node, file)
    const counts = judge(file.replace(/\.js$/, ''), lines, Object.values(expected[name] ?? {}).flat())
    counts.forEach((count, i) => (total[i] += count))
  }
  const [passed, failed, known, skipped] = total
  if (failed > 0) process.exitCode = 1
  console.log(
    `${spec ?? `node ${process.version} without libuv`}: ${passed} passed, ${failed} failed, ${known} known, ${skipped} skipped`,
  )
}

/** Prints the line of a file and what was not expected. Returns how many passed, failed, failed as expected, skipped. */
function judge(file, lines, known) {
  const isKnown = line => known.includes(`${file}: ${line.name}`)
  const failed = lines.filter(line => line.error !== undefined)
  const fresh = failed.filter(line => !isKnown(line))
  const stale = lines.filter(line => line.passed && isKnown(line))
  const passed = lines.filter(line => line.passed).length - stale.length
  const counts = [
    passed,
    fresh.length + stale.length,
    failed.length - fresh.length,
    lines.filter(line => line.skipped).length,
  ]
  console.log(file.padEnd(46) + counts.map((n, i) => String(n).padStart([6, 7, 6, 8][i])).join(''))
  for (const { name, error } of fresh) {
    const text = error.split('\n').filter(each => !/^\s+at /.test(each))
    console.log(`  FAILED ${name}\n    ${text.slice(0, 16).join('\n    ')}`)
  }
  for (const { name } of stale) console.log(`  PASSED, but expected.json says it does not: ${name}`)
  return counts
}

if (process.platform !== 'linux' || process.arch !== 'x64')
  throw new Error('check:runtimes runs on Linux x64 only')
await must('npm run build:ts', process.execPath, [npmCli(), 'run', 'build:ts'])
const folder = compile()
const tests = [...filesBelow('test')].filter(file => file.endsWith('.test.ts'))
const chosen = tests.filter(file =>
  (wanted.length > 0 ? wanted : suites).some(suite => file.startsWith(suite)),
)
for (const name of on.split(','))
  await check(
    name,
    folder,
    chosen.map(file => file.replace(/ts$/, 'js')),
  )
