// npm run coverage: measures which lines and branches of native/ and lib/ the tests execute. Every line and branch that
// no test executes is listed in coverage/gaps.txt, with the reason that the source gives (coverage/reasons.cjs). Needs
// Linux and gcc.
// Arguments go to jest.
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { explain } from './coverage/reasons.cjs'
import { prepareChildren, typescriptCoverage } from './coverage/typescript.mjs'
import { bin, buildEnv, exitCode, must, root, stage } from './tools.mjs'

if (process.platform !== 'linux') throw new Error('coverage runs on Linux only')
for (const program of ['g++', 'gcov']) {
  if (spawnSync(program, ['--version']).status !== 0) {
    throw new Error(`${program} is not installed (Debian: g++)`)
  }
}
const report = path.join(root, 'coverage')
const folder = stage()
const gyp = [bin('node-gyp'), 'rebuild', '--loglevel', 'error', '--', '-Dsock_coverage=1']
await must('the build', process.execPath, gyp, { cwd: folder, env: buildEnv({ CXX: 'g++' }) })
const counters = openCounters()

const counts = path.join(folder, 'counts')
mkdirSync(counts)
const compiled = await prepareChildren(counts)
const hook = `--require ${path.join(root, 'scripts/coverage/child.cjs')}`
const ended = spawnSync(process.execPath, [bin('jest'), '--runInBand', ...process.argv.slice(2)], {
  cwd: root,
  stdio: ['ignore', 'inherit', 'inherit'],
  env: {
    ...process.env,
    BSD_SOCKETS_PREBUILD: folder,
    BSD_SOCKETS_COVERAGE: counts,
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} ${hook}`,
  },
})

const halves = { native: await nativeCoverage(), lib: lines(await typescriptCoverage(counts, compiled)) }
const gaps = []
const measured = []
for (const [name, files] of Object.entries(halves)) {
  const all = { lines: [], branches: [] }
  for (const [file, found] of [...files].sort()) {
    measured.push(file)
    for (const kind of ['lines', 'branches']) {
      all[kind].push(...found[kind].values())
      const missed = [...found[kind]]
        .filter(([, count]) => count === 0)
        .map(([key]) => Number(key.split(':')[0]))
      gaps.push(...[...new Set(missed)].map(line => ({ file, line, kind })))
    }
  }
  console.log(`${name.padEnd(8)} lines ${share(all.lines)}   branches ${share(all.branches)}`)
}
mkdirSync(report, { recursive: true })
const { text, unexplained, unused } = explain(gaps, measured)
writeFileSync(path.join(report, 'gaps.txt'), text)
console.log(
  `gaps and their reasons: ${path.relative(root, report)}/gaps.txt; without a reason: ${unexplained}; reasons without a gap: ${unused}`,
)
process.exitCode = exitCode('jest', ended)

function share(counts) {
  const reached = counts.filter(count => count > 0).length
  return `${((100 * reached) / Math.max(1, counts.length)).toFixed(1)} % (${reached} of ${counts.length})`
}

/** Creates empty counter files that every user may write, because some tests run as an unprivileged user. */
function openCounters() {
  const objects = path.join(folder, 'build/Release/obj.target')
  chmodSync(folder, 0o755)
  return readdirSync(objects, { recursive: true })
    .filter(name => name.endsWith('.gcno'))
    .map(name => {
      const file = path.join(objects, name.replace(/gcno$/, 'gcda'))
      writeFileSync(file, '')
      chmodSync(file, 0o666)
      return file
    })
}

function entry(files, file) {
  if (!files.has(file)) files.set(file, { lines: new Map(), branches: new Map() })
  return files.get(file)
}

function add(counts, key, count) {
  counts.set(key, (counts.get(key) ?? 0) + count)
}

/** Reads the counts of gcov. Adds up the counts of template instances, and of files that include the same header. */
async function nativeCoverage() {
  const files = new Map()
  const options = ['--json-format', '--stdout', '--branch-probabilities']
  const text = await must('gcov', 'gcov', [...options, ...counters], { cwd: path.join(folder, 'build') })
  for (const line of text.split('\n').filter(each => each.startsWith('{'))) {
    for (const { file, lines } of JSON.parse(line).files) {
      if (!file.startsWith('../native/')) continue
      const found = entry(files, file.slice('../'.length))
      for (const { line_number: number, count, branches } of lines) {
        add(found.lines, `${number}`, count)
        for (const [index, branch] of branches.entries()) {
          if (!branch.throw) add(found.branches, `${number}:${index}`, branch.count)
        }
      }
    }
  }
  return files
}

function lines(json) {
  const files = new Map()
  for (const { path: name, statementMap, s, branchMap, b } of json) {
    const found = entry(files, path.relative(root, name))
    for (const [id, { start }] of Object.entries(statementMap)) add(found.lines, `${start.line}`, s[id])
    for (const [id, { loc, locations }] of Object.entries(branchMap)) {
      for (const [index, count] of b[id].entries()) {
        add(found.branches, `${locations[index]?.start?.line ?? loc.start.line}:${id}:${index}`, count)
      }
    }
  }
  return files
}
