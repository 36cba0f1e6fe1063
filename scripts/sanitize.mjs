// npm run check:sanitize: builds the addon in a folder of its own so that a tool can watch it, and runs tests
// with it. Linux only.
//
//   --with=gcc       AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer of gcc (the default)
//   --with=clang     the same of clang 19
//   --with=thread    ThreadSanitizer of gcc
//   --with=valgrind  memcheck
//
// Other arguments go to jest; without a path every test runs, or those that `tests` names below.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { reportOfThreads, reportOfValgrind } from './sanitizers/reports.mjs'
import { bin, buildEnv, must, root, stage } from './tools.mjs'

const suppressions = name => `suppressions=${path.join(root, 'scripts/sanitizers', name)}`

const memory = {
  sanitize: 'address,undefined',
  tests: [],
  env: {
    LSAN_OPTIONS: `${suppressions('lsan.supp')}:print_suppressions=0`,
    UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
  },
}

const kinds = {
  gcc: { ...memory, cxx: 'g++', runtimes: ['libasan.so', 'libstdc++.so'], package: 'g++' },
  clang: {
    ...memory,
    cxx: 'clang++-19',
    flags: '-shared-libasan',
    runtimes: [`libclang_rt.asan-${process.arch === 'x64' ? 'x86_64' : 'aarch64'}.so`, 'libstdc++.so'],
    package: 'clang-19 and libclang-rt-19-dev',
  },
  thread: {
    sanitize: 'thread',
    cxx: 'g++',
    runtimes: ['libtsan.so', 'libstdc++.so'],
    package: 'g++',
    // Node was not built for it and races by the dozen in what the tool sees of V8: they are told apart in
    // the reports, and no process ends because of them.
    env: { TSAN_OPTIONS: 'exitcode=0:history_size=4' },
    log: 'TSAN_OPTIONS',
    report: reportOfThreads,
    // What uses a second thread: the thread pool, workers, memory that the kernel holds.
    tests: ['names', 'soak', 'transfer/splice', 'transfer/segments', 'unit/jobs', 'unit/reactor'],
  },
  valgrind: {
    cxx: 'g++',
    runtimes: [],
    package: 'g++ and valgrind',
    command: ['valgrind', '--quiet', '--xml=yes', '--error-limit=no', '--num-callers=30'],
    report: reportOfValgrind,
    // A few that walk the calls; a Node in valgrind is some thirty times slower.
    tests: ['native', 'poll', 'messages/meta'],
  },
}

const named = process.argv.find(each => each.startsWith('--with='))?.slice('--with='.length) ?? 'gcc'
const kind = kinds[named]
if (kind === undefined) throw new Error(`--with is one of ${Object.keys(kinds).join(', ')}`)
if (process.platform !== 'linux') throw new Error('check:sanitize runs on Linux only')

const given = process.argv.slice(2).filter(each => !each.startsWith('--with='))
const chosen = given.some(each => !each.startsWith('-')) ? [] : kind.tests.map(each => `test/${each}`)
const slow = kind.sanitize === 'address,undefined' ? [] : ['--testTimeout=120000']
process.exitCode = await main()

async function main() {
  const folder = stage()
  chmodSync(folder, 0o755) // some tests run as nobody
  const logs = path.join(folder, 'report')
  const preload = runtimes()
  await build(folder)
  console.log(`built for ${named}${kind.sanitize === undefined ? '' : `: ${kind.sanitize}`}`)

  const env = {
    ...process.env,
    ...kind.env,
    BSD_SOCKETS_PREBUILD: folder, // where node-gyp-build looks first
    BSD_SOCKETS_SANITIZE: named, // slower by a factor; tests with a clock of their own may ask
  }
  if (kind.log !== undefined) env[kind.log] += `:log_path=${logs}`
  // In jest's workers a leak is printed and the exit code is 0: one process.
  let command = [process.execPath, bin('jest'), '--runInBand', ...slow, ...chosen, ...given]
  if (kind.command !== undefined) {
    const log = [`--xml-file=${logs}.%p`, `--suppressions=${root}/scripts/sanitizers/valgrind.supp`]
    command = [...kind.command, ...log, ...command]
  }
  if (preload !== '') {
    env.BSD_SOCKETS_NODE = wrapper(folder, preload)
    command.splice(0, 1, env.BSD_SOCKETS_NODE)
  }
  const result = spawnSync(command[0], command.slice(1), {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env,
  })
  const tests = result.status ?? 1
  const findings = kind.report?.(folder, 'report') ?? 0
  return tests === 0 && findings > 0 ? 1 : tests
}

/** The runtimes, for LD_PRELOAD: Node was built without them. */
function runtimes() {
  const tool = kind.command?.[0]
  for (const program of [kind.cxx, ...(tool === undefined ? [] : [tool])]) {
    if (spawnSync(program, ['--version']).status !== 0) {
      throw new Error(`${program} is not installed (Debian: ${kind.package})`)
    }
  }
  const found = kind.runtimes.map(name => {
    const file = spawnSync(kind.cxx, [`-print-file-name=${name}`], { encoding: 'utf8' }).stdout.trim()
    if (path.isAbsolute(file) && existsSync(file)) return file
    throw new Error(`${kind.cxx} has no ${name} (Debian: ${kind.package})`)
  })
  return found.join(' ')
}

async function build(folder) {
  const flags = kind.flags === undefined ? {} : { CXXFLAGS: kind.flags, LDFLAGS: kind.flags }
  const options = kind.sanitize === undefined ? ['--debug'] : []
  const defines = kind.sanitize === undefined ? [] : ['--', `-Dsock_sanitize=${kind.sanitize}`]
  const gyp = [bin('node-gyp'), 'rebuild', '--loglevel', 'error', ...options, ...defines]
  await must('the build', process.execPath, gyp, { cwd: folder, env: buildEnv({ CXX: kind.cxx, ...flags }) })
}

/**
 * A Node with the runtimes, for jest and for the children that tests start as process.execPath. Other children must
 * not inherit them: curl, for one, waits forever in its start.
 */
function wrapper(folder, preload) {
  const file = path.join(folder, 'node')
  const hook = path.join(root, 'scripts/sanitizers/children.cjs')
  const line = `LD_PRELOAD='${preload}' exec '${process.execPath}' --require '${hook}' "$@"`
  writeFileSync(file, `#!/bin/sh\n${line}\n`, { mode: 0o755 })
  return file
}
