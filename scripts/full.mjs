// npm run check:full: runs every check that one machine can run, one after the other, and prints a table at the end.
// Arguments select steps: npm run check:full -- tsan valgrind
import { spawn } from 'node:child_process'
import path from 'node:path'
import { root } from './tools.mjs'

const last = pattern => output => output.match(pattern)?.at(-1) ?? ''
const jest = /^\d+ passed, \d+ failed.*$/gm
const steps = {
  check: [['check.mjs'], last(/^(?:all steps passed|failed: ).*$/gm)],
  gcc: [['sanitize.mjs', '--with=gcc'], last(jest)],
  clang: [['sanitize.mjs', '--with=clang'], last(jest)],
  tsan: [['sanitize.mjs', '--with=thread'], last(/^ThreadSanitizer: .*$/gm)],
  valgrind: [['sanitize.mjs', '--with=valgrind'], last(/^valgrind: .*$/gm)],
  coverage: [
    ['coverage.mjs'],
    output => (output.match(/^(?:native|lib) +lines.*$/gm) ?? []).join('; ').replace(/ +/g, ' '),
  ],
  darwin: [['darwin.mjs'], last(/^(?:ok|FAILED|skipped) .*$/gm)],
  nodes: [
    ['nodes.mjs'],
    output => (output.match(/^(?:ok|FAILED|skipped) .*$/gm) ?? []).join('; ').replace(/ +/g, ' '),
  ],
  runtimes: [
    ['runtimes.mjs'],
    output => (output.match(/^.* passed, .* known.*$|^skipped .*$/gm) ?? []).join('; '),
  ],
  pack: [['pack-test.mjs'], output => output.trim().split('\n').at(-1)],
  types: [['types-test.mjs'], output => output.trim().split('\n').at(-1)],
}

const named = process.argv.slice(2)
const unknown = named.find(name => steps[name] === undefined)
if (unknown !== undefined) throw new Error(`unknown step ${unknown}; known: ${Object.keys(steps).join(', ')}`)

/** Runs a step. Prints its output and keeps it, to find the figure of the table. */
function run([script, ...args]) {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [path.join(root, 'scripts', script), ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', chunk => {
        output += chunk
        process[name].write(chunk)
      })
    }
    child.on('close', (code, signal) => resolve({ passed: code === 0, output, signal }))
  })
}

const rows = []
for (const name of named.length > 0 ? named : Object.keys(steps)) {
  const [command, figure] = steps[name]
  const began = performance.now()
  console.log(`\n== ${name}`)
  const { passed, output } = await run(command)
  const minutes = ((performance.now() - began) / 60_000).toFixed(1)
  const reason = passed ? '' : last(/^Error: .*$/gm)(output)
  rows.push({ name, passed, line: `${minutes.padStart(5)} min  ${figure(output) || reason}` })
}
console.log()
for (const { name, passed, line } of rows) {
  console.log(`${passed ? 'ok    ' : 'FAILED'}  ${name.padEnd(9)}${line}`)
}
process.exitCode = rows.every(row => row.passed) ? 0 : 1
