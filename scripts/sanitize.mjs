// npm run check:sanitize: builds the addon with a sanitizer or for valgrind, in a separate folder, and runs tests with
// it. Linux only.
//
//   --with=gcc       gcc's AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer (the default), and the
//                    checks of scripts/sanitizers/kernel_memory.cc
//   --with=clang     the same with clang 19
//   --with=thread    gcc's ThreadSanitizer
//   --with=valgrind  valgrind's memcheck
//
// Other arguments go to jest; without a path, the tests named in `tests` below run, or all tests.
import { spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import path from 'node:path'
import { build, clang, gcc, runtimes, wrapper } from './sanitizers/build.mjs'
import { runDouble } from './sanitizers/double.mjs'
import { reportOfThreads, reportOfValgrind } from './sanitizers/reports.mjs'
import { bin, root, stage } from './tools.mjs'

const kinds = {
  gcc,
  clang,
  thread: {
    sanitize: 'thread',
    cxx: 'g++',
    runtimes: ['libtsan.so', 'libstdc++.so'],
    package: 'g++',
    // Node was not built with ThreadSanitizer, and the tool reports many races in V8. They are told apart in the
    // reports, and no process ends because of them.
    env: { TSAN_OPTIONS: 'exitcode=0:history_size=4' },
    log: 'TSAN_OPTIONS',
    report: reportOfThreads,
    // The tests that use a second thread: the thread pool, workers, and memory that the kernel holds.
    tests: ['names', 'soak', 'transfer/splice', 'transfer/segments', 'unit/jobs', 'unit/reactor'],
  },
  valgrind: {
    cxx: 'g++',
    runtimes: [],
    package: 'g++ and valgrind',
    command: ['valgrind', '--quiet', '--xml=yes', '--error-limit=no', '--num-callers=30'],
    report: reportOfValgrind,
    // A few tests that cover the calls. A Node in valgrind is about thirty times slower.
    tests: ['native', 'poll', 'messages/meta'],
  },
}

const named = process.argv.find(each => each.startsWith('--with='))?.slice('--with='.length) ?? 'gcc'
const kind = kinds[named]
if (kind === undefined) throw new Error(`--with is one of ${Object.keys(kinds).join(', ')}`)
if (process.platform !== 'linux') throw new Error('check:sanitize runs on Linux only')

const given = process.argv.slice(2).filter(each => !each.startsWith('--with='))
const chosen = given.some(each => !each.startsWith('-')) ? [] : (kind.tests ?? []).map(each => `test/${each}`)
const slow = kind.sanitize === 'address,undefined' ? [] : ['--testTimeout=120000']
process.exitCode = await main()

async function main() {
  const folder = stage()
  chmodSync(folder, 0o755) // some tests run as an unprivileged user
  const logs = path.join(folder, 'report')
  const preload = runtimes(kind)
  await build(kind, folder)
  console.log(`built for ${named}${kind.sanitize === undefined ? '' : `: ${kind.sanitize}`}`)
  if (kind.sanitize === gcc.sanitize) {
    const { cases, reports, wrong } = await runDouble(kind, folder)
    if (wrong.length > 0) throw new Error(`kernel_memory.cc misses faults\n${wrong.join('\n')}`)
    console.log(`memory of system calls is checked: ${cases} arguments, ${reports} reports`)
  }

  const env = {
    ...process.env,
    ...kind.env,
    BSD_SOCKETS_PREBUILD: folder, // where node-gyp-build looks first
    BSD_SOCKETS_SANITIZE: named, // tests with their own time limits read it, because sanitizers are slow
  }
  if (kind.log !== undefined) env[kind.log] += `:log_path=${logs}`
  // In jest's workers a leak is only printed and the exit code is 0. So jest runs in one process.
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
