// npm run check:sanitize: builds the addon with AddressSanitizer, LeakSanitizer and
// UndefinedBehaviorSanitizer in a folder of its own and runs every test with it. Arguments go to jest.
// Linux with gcc: its runtimes can be loaded into a Node that was built without them.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { bin, buildEnv, must, root, stage } from './tools.mjs'

if (process.platform !== 'linux') throw new Error('check:sanitize runs on Linux only')

const cxx = process.env.CXX ?? 'g++'
const runtime = name => {
  const file = spawnSync(cxx, [`-print-file-name=${name}`], { encoding: 'utf8' }).stdout?.trim() ?? ''
  if (!path.isAbsolute(file) || !existsSync(file)) throw new Error(`${cxx} has no ${name}: gcc is needed`)
  return file
}
const runtimes = [runtime('libasan.so'), runtime('libstdc++.so')].join(' ')

const folder = stage()
const gyp = [bin('node-gyp'), 'rebuild', '--loglevel', 'error']
await must('the build', process.execPath, [...gyp, '--', '-Dsock_sanitize=address,undefined'], {
  cwd: folder,
  env: buildEnv({ CXX: cxx }),
})
console.log('built with address,undefined')

// In jest's workers a leak is printed and the exit code is 0: one process. The runtimes are loaded into
// this one command; npm and V8 alone would report leaks of their own.
const result = spawnSync(process.execPath, [bin('jest'), '--runInBand', ...process.argv.slice(2)], {
  cwd: root,
  stdio: ['ignore', 'inherit', 'inherit'],
  env: {
    ...process.env,
    // Where node-gyp-build looks first.
    BSD_SOCKETS_PREBUILD: folder,
    // Slower by a factor; tests with a clock of their own may ask.
    BSD_SOCKETS_SANITIZE: 'address,undefined',
    LD_PRELOAD: runtimes,
    LSAN_OPTIONS: `suppressions=${path.join(root, 'scripts/sanitizers/lsan.supp')}:print_suppressions=0`,
    UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
  },
})
process.exitCode = result.status ?? 1
