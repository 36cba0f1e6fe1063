// npm run check:sanitize: builds the addon with a sanitizer or for valgrind, in a separate folder, and runs tests with
// it. Linux only. `npm run fuzz -- api --with=gcc` does the same with a fuzzer, also with clang.
//
//   --with=gcc       gcc's AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer (the default), and the
//                    checks of scripts/sanitizers/kernel_memory.cc
//   --with=clang     the same with clang 19
//   --with=thread    gcc's ThreadSanitizer
//   --with=valgrind  valgrind's memcheck
//
// Other arguments go to jest; without a path, the tests named in scripts/sanitizers/kinds.mjs run, or all tests.
import { gcc } from './sanitizers/build.mjs'
import { kindOf, watch } from './sanitizers/kinds.mjs'
import { bin } from './tools.mjs'

const named = process.argv.find(each => each.startsWith('--with='))?.slice('--with='.length) ?? 'gcc'
const kind = kindOf(named)
const given = process.argv.slice(2).filter(each => !each.startsWith('--with='))
const chosen = given.some(each => !each.startsWith('-')) ? [] : (kind.tests ?? []).map(each => `test/${each}`)
const slow = kind.sanitize === gcc.sanitize ? [] : ['--testTimeout=120000']
const watched = await watch(named)
// In jest's workers a leak is only printed and the exit code is 0. So jest runs in one process.
process.exitCode = watched([bin('jest'), '--runInBand', ...slow, ...chosen, ...given])
