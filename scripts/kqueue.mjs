// npm run check:kqueue: compiles the kqueue poller of native/sys/darwin on Linux and runs test/native/kqueue over
// libkqueue, which implements kqueue(2) with epoll(7).
//
//   --libkqueue=PREFIX   where it is installed; without this option pkg-config finds it (Debian: libkqueue-dev)
//
// It shows that the poller registers, changes and removes what it should. It does not show what the kernel of macOS
// does: docs/reliability.md.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { must, run } from './tools.mjs'

const given = process.argv.find(each => each.startsWith('--libkqueue='))?.slice('--libkqueue='.length)

/** Returns the flags of the compiler, or null if libkqueue is not installed. */
async function libraryFlags() {
  if (given !== undefined) {
    const prefix = path.resolve(given)
    const include = path.join(prefix, 'include/kqueue')
    if (!existsSync(path.join(include, 'sys/event.h'))) throw new Error(`no libkqueue in ${prefix}`)
    const lib = path.join(prefix, 'lib')
    return ['-isystem', include, `-L${lib}`, `-Wl,-rpath,${lib}`, '-lkqueue']
  }
  const { status, output } = await run('pkg-config', ['--cflags', '--libs', 'libkqueue'])
  return status === 0 ? output.trim().split(/\s+/) : null
}

const flags = await libraryFlags()
if (flags === null) {
  console.log('skipped  libkqueue is not installed: apt-get install libkqueue-dev, or --libkqueue=PREFIX')
} else {
  const folder = mkdtempSync(path.join(tmpdir(), 'bsd-sockets-kqueue-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const program = path.join(folder, 'poller')
  const units = [
    'native/sys/darwin/poller.cc',
    'native/sys/darwin/sleeper.cc',
    'test/native/kqueue/poller.cc',
  ]
  // libkqueue has no out-of-band data: the number is that of macOS.
  const strict = ['-std=c++17', '-g', '-O1', '-Wall', '-Wextra', '-Werror', '-DEV_OOBAND=EV_FLAG1']
  await must('c++', process.env.CXX ?? 'c++', [...strict, ...units, ...flags, '-pthread', '-o', program])
  const { status, output } = await run(program, [], { timeout: 30_000 })
  const passed = output.match(/^ok /gm)?.length ?? 0
  const failed = output.match(/^FAILED /gm)?.length ?? 0
  process.stdout.write(output)
  console.log(`${passed} passed, ${failed} failed, ended with ${status}`)
  if (status !== 0 || passed === 0) process.exitCode = 1
}
