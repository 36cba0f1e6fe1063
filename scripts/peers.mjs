// npm run check:peers: runs packages of others over the sockets of this package, with real servers on this host: ws,
// ioredis, undici and mqtt over toDuplex(), hot-shots, multicast-dns and coap over bsd-sockets/dgram.
//
//   --only=ws,mqtt   only these
//   --repos=DIR      also runs the packages' own tests; DIR/ws, DIR/ioredis, … are checkouts of their repositories
//   --plain          without the sockets of this package, to compare
//   --folder=DIR     where npm installs the packages: a temporary folder by default
//
// The packages come from npm in exact versions and are no dependencies. They are installed first. Then everything runs
// in a network namespace of its own.
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { enterOwnNetwork } from './own-network.mjs'
import { suites } from './peers/suites.mjs'
import { must, npmCli, root, run } from './tools.mjs'

const LIMIT = 600_000
const option = (name, otherwise) =>
  process.argv.find(each => each.startsWith(`--${name}=`))?.slice(name.length + 3) ?? otherwise
const only = option('only')?.split(',')
const repos = option('repos')
const plain = process.argv.includes('--plain')
const chosen = suites.filter(({ name }) => only === undefined || only.includes(name))

if (process.env.PEERS_FOLDER === undefined) await install()
enterOwnNetwork()
const folder = process.env.PEERS_FOLDER

/** Installs the packages and the tests, and leaves the name of the folder in the environment. */
async function install() {
  const given = option('folder')
  const home = given === undefined ? mkdtempSync(path.join(tmpdir(), 'peers-')) : path.resolve(given)
  if (given === undefined) process.on('exit', () => rmSync(home, { recursive: true, force: true }))
  for (const { name, packages, tests } of chosen) {
    await npmInstall(path.join(home, name), packages)
    if (tests === undefined) continue
    const target = path.join(home, `${name}-tests`)
    if (tests.shipped !== undefined) {
      await npmInstall(target, { ...packages, ...tests.tools })
    } else if (repos !== undefined && existsSync(path.join(repos, name))) {
      await npmInstall(target, tests.tools)
      const archive = path.join(target, 'archive.tar')
      const source = path.resolve(repos, name)
      const args = ['-C', source, 'archive', '-o', archive, tests.revision ?? 'HEAD']
      const listed = await must('git', 'git', [
        '-C',
        source,
        'ls-tree',
        '--name-only',
        tests.revision ?? 'HEAD',
      ])
      const paths = tests.paths.filter(each => listed.split('\n').includes(each))
      await must('git archive', 'git', [...args, ...paths])
      await must('tar', 'tar', ['-xf', archive, '-C', target])
    }
  }
  process.env.PEERS_FOLDER = home
}

async function npmInstall(target, packages) {
  if (existsSync(path.join(target, 'node_modules'))) return
  mkdirSync(target, { recursive: true })
  writeFileSync(path.join(target, 'package.json'), '{ "private": true }\n')
  const specs = Object.entries(packages).map(([name, version]) => `${name}@${version}`)
  const flags = ['--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--no-package-lock']
  await must('npm install', process.execPath, [npmCli(), 'install', ...flags, ...specs], { cwd: target })
}

/** Returns the environment in which Node preloads the hook. Children of the tests have it too. */
function environment(hook, more = {}) {
  const file = path.join(root, 'scripts/hooks', hook === 'dgram' ? 'dgram.cjs' : 'streams.cjs')
  const NODE_OPTIONS = plain ? '' : `--require ${file}`
  return { ...process.env, NODE_OPTIONS, HOOK: hook, ...more }
}

const report = (word, what, note) => console.log(`${word.padEnd(8)}${what}  ${note}`)
const isThere = program => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0

/** Reads TAP. Indented lines are of subtests. */
function readTap(output) {
  const passed = [...output.matchAll(/^ok \d+/gm)].length
  return { passed, failed: [...output.matchAll(/^not ok \d+ (?:- )?(.*)$/gm)].map(each => each[1]) }
}

async function drive({ name, hook }) {
  const env = environment(hook)
  // Beside its packages, because the repository's own node_modules may have another version of them.
  const drivers = path.join(folder, name, 'drivers')
  cpSync(path.join(root, 'scripts/peers/drivers'), drivers, { recursive: true })
  const file = path.join(drivers, `${name}.cjs`)
  const { status, output } = await run(process.execPath, ['--test-reporter=tap', file], {
    env,
    timeout: 120_000,
  })
  const { passed, failed } = readTap(output)
  const good = status === 0 && failed.length === 0 && passed > 0
  report(good ? 'ok' : 'FAILED', `${name}, driver`, `${passed} passed, ${failed.length} failed`)
  if (!good) {
    process.exitCode = 1
    console.log(output)
  }
}

/** Gives hot-shots the module that it uses for AF_UNIX: it is one call. */
function provideUnixDgram(target) {
  const at = path.join(target, 'node_modules/unix-dgram')
  const from = JSON.stringify(path.join(root, 'dist/dgram.js'))
  mkdirSync(at, { recursive: true })
  const text = `exports.createSocket = (type, listener) => require(${from}).createSocket('unix', listener)\n`
  writeFileSync(path.join(at, 'index.js'), text)
}

async function runTests({ name, hook, tests }) {
  const target = path.join(folder, `${name}-tests`)
  const what = `${name}, its own tests`
  if (!existsSync(target)) return report('skipped', what, `no repository in --repos=DIR: DIR/${name}`)
  const cwd = tests.shipped === undefined ? target : path.join(target, 'node_modules', name)
  if (tests.unixDgram) provideUnixDgram(target)
  const json = path.join(target, 'result.json')
  const isMocha = tests.args[0].includes('mocha')
  const args = isMocha ? [...tests.args, '--reporter-option', `output=${json}`] : tests.args
  const server = tests.server && spawn(tests.server[0], tests.server.slice(1), { stdio: 'ignore' })
  const env = environment(hook, tests.env)
  // Patterns such as test/*.js are for the shell or for mocha.
  const { status, output } = await run(process.execPath, args, { cwd, env, timeout: LIMIT })
  server?.kill()
  let result
  if (!isMocha) result = readTap(output)
  else if (existsSync(json)) {
    const { stats, failures } = JSON.parse(readFileSync(json, 'utf8'))
    result = { passed: stats.passes, failed: failures.map(each => each.fullTitle) }
    rmSync(json)
  } else {
    process.exitCode = 1
    report('FAILED', what, `no result: it ended with ${status}`)
    return console.log(output.slice(-5000))
  }
  judge(what, result, tests)
}

function judge(what, { passed, failed }, { expected = {}, anyway }) {
  const known = Object.entries(expected)
  const reasonOf = title => known.find(([part]) => title.includes(part))?.[1]
  const without = failed.filter(title => anyway?.test(title) === true)
  const unexpected = failed.filter(title => !without.includes(title) && reasonOf(title) === undefined)
  const bad = !plain && (unexpected.length > 0 || passed === 0)
  if (bad) process.exitCode = 1
  const total = passed + failed.length
  report(bad ? 'FAILED' : 'ok', what, `${passed} of ${total} passed, ${unexpected.length} unexpected`)
  for (const title of failed) {
    const reason = without.includes(title)
      ? 'fails without this package too'
      : (reasonOf(title) ?? 'unexpected')
    console.log(`          ${title}: ${reason}`)
  }
  if (plain) return
  for (const [part] of known)
    if (!failed.some(title => title.includes(part))) console.log(`          passes, but is listed: ${part}`)
}

for (const suite of chosen) {
  const lacking = (suite.programs ?? []).filter(each => !isThere(each))
  if (lacking.length > 0) {
    report('skipped', suite.name, `needs ${lacking.join(', ')}: apt-get install ${lacking.join(' ')}`)
    continue
  }
  await drive(suite)
  if (suite.tests !== undefined) await runTests(suite)
}
