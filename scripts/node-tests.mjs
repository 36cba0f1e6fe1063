// npm run check:node-tests -- --node=DIR: runs Node's own tests over the sockets of this package. DIR is a checkout of
// Node's repository at the version of this Node. Nothing of it is part of this package.
//
//   --only=REGEXP   only the test files whose names match
//   --over=NAME     only over toDuplex, toNetSocket or dgram; or over plain, accepted or node, which prints figures alone
//   --jobs=N        so many at the same time, 2 by default
//   --output=DIR    writes what the failed files print
//
// A file that fails is unexpected, unless scripts/node-tests/expected.mjs has the reason. A listed file that passes is
// reported. A file that fails is run again without the hook, and over a plain Duplex around a net.Socket: around each
// one, and around accepted ones alone. A file that passes over both and not over toDuplex() is counted as behind. Two
// reasons are shown by programs of Node alone in scripts/node-tests: what they print is checked too.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { programs, reasonFor } from './node-tests/expected.mjs'
import { enterOwnNetwork } from './own-network.mjs'
import { root as here } from './tools.mjs'

const LIMIT = 20_000
const suites = {
  http: ['toDuplex'],
  https: ['toDuplex'],
  http2: ['toDuplex'],
  tls: ['toDuplex'],
  net: ['toDuplex', 'toNetSocket'],
  dgram: ['dgram'],
}
const option = (name, otherwise) =>
  process.argv.find(each => each.startsWith(`--${name}=`))?.slice(name.length + 3) ?? otherwise
const root = option('node')
if (root === undefined) throw new Error('usage: npm run check:node-tests -- --node=DIR')
enterOwnNetwork()
const only = new RegExp(option('only', '.'))
const overs = option('over')
const output = option('output')
const isFigure = ['plain', 'accepted', 'node'].includes(overs)
const scratch = mkdtempSync(path.join(tmpdir(), 'node-tests-'))
if (output !== undefined) mkdirSync(output, { recursive: true })

/** Returns the values of `// Flags:` or `// Env:` lines of a test. */
function settings(text, name) {
  const lines = [...text.matchAll(new RegExp(`^// ${name}: (.*)$`, 'gm'))]
  return lines.flatMap(each => each[1].trim().split(/\s+/))
}

/** Runs a test file. Resolves with 'passed', 'skipped' or 'failed'. */
function run(file, over, job) {
  const text = readFileSync(file, 'utf8')
  const hook = over === 'dgram' ? 'dgram.cjs' : 'streams.cjs'
  const preload = over === 'node' ? [] : ['--require', path.join(here, 'scripts/hooks', hook)]
  const env = {
    ...process.env,
    ...Object.fromEntries(settings(text, 'Env').map(each => each.split('='))),
    HOOK: over,
    TEST_THREAD_ID: String(job),
    TEST_SERIAL_ID: String(job),
    NODE_TEST_DIR: scratch,
  }
  const stdio = ['ignore', 'pipe', 'pipe']
  const args = [...preload, ...settings(text, 'Flags'), file]
  const child = spawn(process.execPath, args, { cwd: root, env, stdio, detached: true })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', data => (said = (said + data).slice(0, 20_000)))
  }
  const stop = () => {
    try {
      process.kill(-child.pid, 'SIGKILL') // the test and what it has started
    } catch {
      // All have ended.
    }
  }
  const timer = setTimeout(stop, LIMIT)
  return new Promise(resolve => {
    child.on('close', code => {
      clearTimeout(timer)
      const result = code !== 0 ? 'failed' : /^1\.\.0 # Skipped/im.test(said) ? 'skipped' : 'passed'
      if (result === 'failed' && output !== undefined)
        writeFileSync(path.join(output, `${path.basename(file)}.${over}.txt`), `${said}\nexit ${code}\n`)
      resolve(result)
    })
    child.on('exit', code => code === null && stop())
  })
}

const suiteOf = name => name.split('-')[1]
const files = ['parallel', 'sequential'].flatMap(folder => {
  const names = readdirSync(path.join(root, 'test', folder))
  const chosen = names.filter(
    name => /^test-(https?|http2|tls|net|dgram)-.*\.m?js$/.test(name) && only.test(name),
  )
  return chosen.map(name => path.join(root, 'test', folder, name))
})
const work = files.flatMap(file =>
  suites[suiteOf(path.basename(file))]
    .map(over => (isFigure ? overs : over))
    .filter((over, i, all) => all.indexOf(over) === i && (overs ?? over) === over)
    .filter(over => over === 'node' || !isFigure || suiteOf(path.basename(file)) !== 'dgram')
    .map(over => ({ file, over })),
)
const counts = {}
const lists = { unexpected: [], behind: [], 'passes, but is listed': [] }

async function judge({ file, over }, job) {
  const name = path.basename(file)
  const count = (counts[`${suiteOf(name)} over ${over}`] ??= {
    files: 0,
    passed: 0,
    skipped: 0,
    listed: 0,
    unexpected: 0,
    'node fails': 0,
    'plain fails': 0,
    'accepted fails': 0,
    behind: 0,
  })
  count.files++
  const result = await run(file, over, job)
  const reason = reasonFor(over, name)
  if (result !== 'failed') {
    count[result]++
    if (reason !== undefined && !reason.sometimes) lists['passes, but is listed'].push(`${name} over ${over}`)
    return
  }
  if (isFigure) return
  if ((await run(file, 'node', job)) === 'failed') {
    count['node fails']++
    return
  }
  if (over === 'toDuplex') {
    if ((await run(file, 'plain', job)) === 'failed') count['plain fails']++
    else if ((await run(file, 'accepted', job)) === 'failed') count['accepted fails']++
    else {
      count.behind++
      lists.behind.push(`${name}: ${reason?.text ?? '?'}`)
    }
  }
  if (reason !== undefined) count.listed++
  else {
    count.unexpected++
    lists.unexpected.push(`${name} over ${over}`)
  }
}

async function worker(queue, job) {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) await judge(next, job)
}

/** Runs the programs of Node alone, which show why some files fail: over a Duplex, and over a net.Socket. */
function checkPrograms() {
  const options = { cwd: path.join(here, 'scripts/node-tests'), encoding: 'utf8', timeout: LIMIT }
  for (const [program, printed] of Object.entries(programs)) {
    for (const [i, wanted] of printed.entries()) {
      const words = [program, 'net.Socket'].slice(0, i + 1)
      const said = spawnSync(process.execPath, words, options).stdout.trim().replaceAll('\n', ' ')
      if (said !== wanted) lists.unexpected.push(`${words.join(' ')} prints "${said}", not "${wanted}"`)
    }
  }
}

const isSequential = ({ file }) => path.basename(path.dirname(file)) === 'sequential'
const side = work.filter(each => !isSequential(each))
await Promise.all(Array.from({ length: Number(option('jobs', '2')) }, (_, i) => worker(side, i + 1)))
await worker(work.filter(isSequential), 1)
if (!isFigure) checkPrograms()
rmSync(scratch, { recursive: true, force: true })
console.log(`Node ${process.version}, tests in ${root}`)
console.table(counts)
for (const [what, names] of Object.entries(lists)) for (const name of names) console.log(`${what}: ${name}`)
console.log(`${lists.unexpected.length} unexpected`)
process.exitCode = lists.unexpected.length === 0 ? 0 : 1
