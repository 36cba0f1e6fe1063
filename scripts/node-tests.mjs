// npm run check:node-tests -- --node=DIR: runs Node's own tests for http, https, http2 and tls over toDuplex(). DIR is a
// checkout of Node's repository at the version of this Node. Nothing of it is part of this package.
//
//   --only=REGEXP   only the test files whose names match
//   --jobs=N        so many at the same time, 2 by default
//
// A test that fails over toDuplex() is run again over a plain Duplex around a net.Socket, and without any hook. It is
// unexpected if it passes over the plain Duplex and is not listed below.
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const gathers = 'the http2 session sees other chunks over every Duplex that gathers writes (_writev)'
const expected = {
  'test-http-nodelay.js': 'replaces net.Socket.prototype.connect',
  'test-http2-compat-errors.js': gathers,
  'test-http2-compat-socket-destroy-delayed.js': gathers,
  'test-http2-destroy-after-write.js': gathers,
  'test-http2-propagate-session-destroy-code.js': gathers,
  'test-http2-respond-file-fd-invalid.js': 'headers and reset arrive in one chunk, in some runs',
  'test-http2-server-errors.js': gathers,
}
const LIMIT = 20_000
const option = (name, otherwise) =>
  process.argv.find(each => each.startsWith(`--${name}=`))?.slice(name.length + 3) ?? otherwise
const root = option('node')
if (root === undefined) throw new Error('usage: npm run check:node-tests -- --node=DIR')
const only = new RegExp(option('only', '.'))
const hook = path.join(import.meta.dirname ?? path.dirname(process.argv[1]), 'node-tests', 'hook.cjs')
const scratch = mkdtempSync(path.join(tmpdir(), 'node-tests-'))

/** Runs a test file. Resolves with whether it passed. */
function passes(file, HOOK, job) {
  const flags = [...readFileSync(file, 'utf8').matchAll(/^\/\/ Flags: (.*)$/gm)].flatMap(each =>
    each[1].trim().split(/\s+/),
  )
  const preload = HOOK === '' ? [] : ['--require', hook]
  const env = { ...process.env, HOOK, TEST_THREAD_ID: String(job), NODE_TEST_DIR: scratch }
  const child = spawn(process.execPath, [...preload, ...flags, file], { cwd: root, env, stdio: 'ignore' })
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT)
  return new Promise(resolve => {
    child.on('exit', code => {
      clearTimeout(timer)
      resolve(code === 0)
    })
  })
}

const files = ['parallel', 'sequential'].flatMap(folder => {
  const names = readdirSync(path.join(root, 'test', folder))
  const chosen = names.filter(name => /^test-(https?|http2|tls)-.*\.js$/.test(name) && only.test(name))
  return chosen.map(name => path.join(root, 'test', folder, name))
})
const counts = {}
let unexpected = 0

async function judge(file, job) {
  const name = path.basename(file)
  const count = (counts[name.split('-')[1]] ??= { passed: 0, plainFails: 0, nodeFails: 0, expected: 0 })
  if (await passes(file, 'toDuplex', job)) count.passed++
  else if (!(await passes(file, '', job))) count.nodeFails++
  else if (!(await passes(file, 'plain', job))) count.plainFails++
  else if (name in expected) count.expected++
  else {
    unexpected++
    console.log(`unexpected: ${name}`)
  }
}

async function work(job) {
  for (let file = files.shift(); file !== undefined; file = files.shift()) await judge(file, job)
}

await Promise.all(Array.from({ length: Number(option('jobs', '2')) }, (_, i) => work(i + 1)))
rmSync(scratch, { recursive: true, force: true })
console.table(counts)
console.log(`${unexpected} unexpected`)
process.exitCode = unexpected === 0 ? 0 : 1
