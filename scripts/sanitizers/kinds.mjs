// The tools that watch the addon, and how a Node runs in each. Linux only.
import { spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import path from 'node:path'
import { exitCode, root, stage } from '../tools.mjs'
import { build, clang, gcc, runtimes, wrapper } from './build.mjs'
import { runDouble } from './double.mjs'
import { reportOfThreads, reportOfValgrind } from './reports.mjs'

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

/** Returns the tool with this name. */
export function kindOf(name) {
  if (!Object.hasOwn(kinds, name)) throw new Error(`--with is one of ${Object.keys(kinds).join(', ')}`)
  if (process.platform !== 'linux') throw new Error('the sanitizers run on Linux only')
  return kinds[name]
}

/**
 * Builds the addon for a tool, in a temporary folder. Returns a function that runs Node with this addon, in the tool:
 * `watched(args, enclose)` returns the exit code, which is not 0 if the tool reports the addon. `enclose` may put
 * another program before the command.
 */
export async function watch(name) {
  const kind = kindOf(name)
  const folder = stage()
  chmodSync(folder, 0o755) // some tests run as an unprivileged user
  const preload = runtimes(kind)
  await build(kind, folder)
  console.log(`built for ${name}${kind.sanitize === undefined ? '' : `: ${kind.sanitize}`}`)
  if (kind.sanitize === gcc.sanitize) {
    const { cases, reports, wrong } = await runDouble(kind, folder)
    if (wrong.length > 0) throw new Error(`kernel_memory.cc misses faults\n${wrong.join('\n')}`)
    console.log(`memory of system calls is checked: ${cases} arguments, ${reports} reports`)
  }

  const logs = path.join(folder, 'report')
  const env = {
    ...process.env,
    ...kind.env,
    BSD_SOCKETS_PREBUILD: folder, // where node-gyp-build looks first
    BSD_SOCKETS_SANITIZE: name, // tests with their own time limits read it, because sanitizers are slow
  }
  if (kind.log !== undefined) env[kind.log] += `:log_path=${logs}`
  if (preload !== '') env.BSD_SOCKETS_NODE = wrapper(folder, preload)
  const suppressions = `--suppressions=${root}/scripts/sanitizers/valgrind.supp`
  const tool = kind.command === undefined ? [] : [...kind.command, `--xml-file=${logs}.%p`, suppressions]
  const node = [...tool, env.BSD_SOCKETS_NODE ?? process.execPath]

  return (args, enclose = command => command) => {
    const [program, ...words] = enclose([...node, ...args])
    const ended = spawnSync(program, words, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env })
    const code = exitCode(program, ended)
    const findings = kind.report?.(folder, 'report') ?? 0
    return code === 0 && findings > 0 ? 1 : code
  }
}
