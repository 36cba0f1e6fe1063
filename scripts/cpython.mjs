// npm run check:cpython -- [--flavour promises|sync] [--only REGEXP] [--verbose] [suite…]
//
// Runs CPython's own tests of sockets with this package in place of CPython's `_socket`: Node makes every call, see
// test/cpython/. Both flavours, and all suites below, unless some are selected. Needs Linux, Python 3.11 and its tests
// (Debian: libpython3.11-testsuite); PYTHON=… selects another binary of 3.11. Nothing of CPython is part of this package.
//
// The tests run in a new network namespace. A test that fails is run again with CPython's own module. It is unexpected if
// it passes there and test/cpython/expected.mjs does not list it. A listed test that passes is unexpected, too.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { expected, leftOut } from '../test/cpython/expected.mjs'
import { exitCode } from './tools.mjs'

const SUITES = [
  'test_socket',
  'test_select',
  'test_poll',
  'test_selectors',
  'test_timeout',
  'test_socketserver',
  'test_ftplib',
  'test_httplib',
  'test_httpservers',
  'test_imaplib',
  'test_nntplib',
  'test_poplib',
  'test_smtplib',
  'test_telnetlib',
  'test_xmlrpc',
  'test_docxmlrpc',
  'test_urllib2_localnet',
  'test_wsgiref',
  'test_asyncore',
  'test_asynchat',
  'test_smtpd',
  'test_logging',
  'test_ssl',
  'test_asyncio.test_base_events',
  'test_asyncio.test_events',
  'test_asyncio.test_selector_events',
  'test_asyncio.test_sendfile',
  'test_asyncio.test_server',
  'test_asyncio.test_sock_lowlevel',
  'test_asyncio.test_ssl',
  'test_asyncio.test_streams',
  'test_asyncio.test_subprocess',
  'test_asyncio.test_unix_events',
]
const LIMIT = 480_000 // milliseconds for a suite
const FLAVOURS = ['promises', 'sync']

const root = path.join(path.dirname(path.resolve(process.argv[1])), '..')
const here = path.join(root, 'test', 'cpython')
const python = process.env.PYTHON ?? '/usr/bin/python3.11'
const { values: options, positionals } = parseArgs({
  options: {
    flavour: { type: 'string' },
    only: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})

/**
 * Starts this script again in a new network namespace, whose loopback interface is up. Some tests must fill the buffers of
 * a TCP connection within a second, with a call to Node for each 512 bytes. So the buffers are small there, if possible.
 */
function enterNamespace() {
  const kinds = process.getuid() === 0 ? '-nu' : '-rnu'
  const small = 'for each in rmem wmem; do echo 4096 65536 262144 >/proc/sys/net/ipv4/tcp_$each; done'
  const enter = ['sh', '-c', `ip link set lo up || exit; { ${small}; } 2>/dev/null; exec "$@"`, 'sh']
  const again = [process.execPath, ...process.argv.slice(1)]
  const env = { ...process.env, BSD_SOCKETS_NAMESPACE: 'new' }
  process.exit(
    exitCode('unshare', spawnSync('unshare', [kinds, ...enter, ...again], { env, stdio: 'inherit' })),
  )
}

function requirePython() {
  const probe = 'import sys, test.test_socket; assert sys.version_info[:2] == (3, 11)'
  const { status, error } = spawnSync(python, ['-c', probe], { stdio: 'ignore' })
  if (status === 0) return
  const found =
    error === undefined ? `${python} is not Python 3.11 with its tests` : `${python} was not found`
  console.error(`${found}. Debian 12: apt-get install python3.11 libpython3.11-testsuite`)
  process.exit(1)
}

/** Starts the Node side, and resolves with its path and a function that ends it. */
async function startBridge(flavour) {
  const address = path.join(scratch, 'bridge')
  const bridge = path.join(here, 'bridge.mjs')
  const child = spawn(process.execPath, [bridge, flavour, address], {
    cwd: scratch, // paths of AF_UNIX may be relative
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
  if (!existsSync(address)) throw new Error('the bridge did not start')
  const stop = async () => {
    if (child.exitCode !== null) console.log(`the bridge ended with ${child.exitCode}`)
    else {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    rmSync(address, { force: true })
  }
  return { address, stop }
}

/** Runs tests of a suite. Resolves with the outcome of each. Without a flavour, CPython's own module is used. */
async function runSuite(suite, flavour, tests) {
  const bridge = flavour === undefined ? undefined : await startBridge(flavour)
  const results = path.join(scratch, 'results')
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' }
  if (bridge !== undefined) env.BSD_SOCKETS_BRIDGE = bridge.address
  const args = [
    '-W',
    'ignore::DeprecationWarning',
    path.join(here, 'run.py'),
    suite,
    results,
    JSON.stringify(tests),
  ]
  const output = options.verbose ? 'inherit' : 'ignore'
  const child = spawn(python, args, { cwd: scratch, env, stdio: ['ignore', output, output] })
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT)
  await once(child, 'exit')
  clearTimeout(timer)
  await bridge?.stop()
  return readOutcomes(results)
}

/** Reads the report of run.py. A test that started and did not end has failed. */
function readOutcomes(file) {
  const outcomes = new Map()
  if (!existsSync(file)) return outcomes
  for (const line of readFileSync(file, 'utf8').split('\n').slice(0, -1)) {
    const { test, outcome, detail } = JSON.parse(line)
    if (outcomes.get(test)?.outcome === 'failed') continue
    outcomes.set(test, { outcome, detail })
  }
  for (const [test, { outcome }] of outcomes)
    if (outcome === 'started') outcomes.set(test, { outcome: 'failed', detail: 'it did not end' })
  rmSync(file)
  return outcomes
}

const listed = (lists, flavour) =>
  new Set(lists.filter(each => (each.flavour ?? flavour) === flavour).flatMap(each => each.tests))

let unexpected = 0
function complain(test, flavour, text) {
  unexpected++
  console.log(`unexpected: ${test} (${flavour}): ${text}`)
}

/** Runs a suite in a flavour, and returns its row of the table. */
async function judge(suite, flavour) {
  const only = options.only === undefined ? null : matching(suite, new RegExp(options.only))
  const outcomes = await runSuite(suite, flavour, { only, without: [...listed(leftOut, flavour)] })
  const failed = [...outcomes].filter(([, { outcome }]) => outcome === 'failed')
  const known = listed(expected, flavour)
  const unknown = failed.map(([test]) => test).filter(test => !known.has(test))
  const plain =
    unknown.length === 0 ? new Map() : await runSuite(suite, undefined, { only: unknown, without: [] })
  const count = { passed: 0, skipped: 0, expected: 0, plainFails: 0, unexpected: 0 }
  for (const [test, { outcome, detail }] of outcomes) {
    if (outcome !== 'failed') count[outcome]++
    else if (known.has(test)) count.expected++
    else if (plain.get(test)?.outcome === 'failed') count.plainFails++
    else {
      count.unexpected++
      complain(test, flavour, detail)
    }
    if (outcome === 'passed' && known.has(test)) complain(test, flavour, 'it is listed, and passed')
  }
  if (outcomes.size === 0) complain(suite, flavour, 'no test ran')
  for (const test of known)
    if (only === null && test.startsWith(`${suite}.`) && !outcomes.has(test))
      complain(test, flavour, 'it is listed, and did not run')
  return count
}

/** Returns the names of the tests of a suite that match. */
function matching(suite, pattern) {
  const code =
    'import sys, unittest\n' +
    'def flat(tests):\n' +
    '    for each in tests: yield from flat(each) if isinstance(each, unittest.TestSuite) else [each]\n' +
    'for each in flat(unittest.defaultTestLoader.loadTestsFromName("test." + sys.argv[1])): print(each.id()[5:])'
  const { stdout } = spawnSync(python, ['-W', 'ignore', '-c', code, suite], { encoding: 'utf8' })
  return stdout.split('\n').filter(test => test !== '' && pattern.test(test))
}

if (process.env.BSD_SOCKETS_NAMESPACE === undefined) {
  if (process.platform !== 'linux') throw new Error('the tests need a network namespace of Linux')
  requirePython()
  enterNamespace()
}
const scratch = mkdtempSync(path.join(tmpdir(), 'cpython-'))
const flavours = FLAVOURS.filter(each => each === (options.flavour ?? each))
if (flavours.length === 0) throw new Error(`--flavour is one of: ${FLAVOURS.join(', ')}`)
const table = {}
for (const suite of positionals.length === 0 ? SUITES : positionals)
  for (const flavour of flavours) {
    const begun = Date.now()
    const row = await judge(suite, flavour)
    table[`${suite} ${flavour}`] = { ...row, seconds: Math.round((Date.now() - begun) / 1000) }
    console.log(`${suite} ${flavour} ${JSON.stringify(table[`${suite} ${flavour}`])}`)
  }
rmSync(scratch, { recursive: true, force: true })
console.table(table)
console.log(`${unexpected} unexpected`)
process.exitCode = unexpected === 0 ? 0 : 1
