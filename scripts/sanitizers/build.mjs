// Builds an addon with a sanitizer, and prepares a Node that can load it.
import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { bin, buildEnv, must, root } from '../tools.mjs'
import { checked, unknownCalls } from './calls.mjs'

const here = path.join(root, 'scripts/sanitizers')
const suppressions = name => `suppressions=${path.join(here, name)}`

const memory = {
  sanitize: 'address,undefined',
  env: {
    LSAN_OPTIONS: `${suppressions('lsan.supp')}:print_suppressions=0`,
    UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
  },
}

export const gcc = { ...memory, cxx: 'g++', runtimes: ['libasan.so', 'libstdc++.so'], package: 'g++' }

export const clang = {
  ...memory,
  cxx: 'clang++-19',
  flags: '-shared-libasan',
  runtimes: [`libclang_rt.asan-${process.arch === 'x64' ? 'x86_64' : 'aarch64'}.so`, 'libstdc++.so'],
  package: 'clang-19 and libclang-rt-19-dev',
}

/** Returns the sanitizer runtimes for LD_PRELOAD, because Node was built without them. */
export function runtimes(kind) {
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

/** Linker flags that route every call in calls.mjs through kernel_memory.cc, compiled to `object`. */
export const wraps = object => [...checked.map(name => `-Wl,--wrap=${name}`), object]

/** Compiles kernel_memory.cc into a folder. Returns the path of the object file. */
export async function compileChecks(kind, folder) {
  const object = path.join(folder, 'kernel_memory.o')
  const flags = ['-std=c++17', '-O1', '-g', '-fPIC', '-fno-omit-frame-pointer', '-Wall', '-Wextra']
  await must('the checks', kind.cxx, [...flags, '-c', path.join(here, 'kernel_memory.cc'), '-o', object])
  return object
}

/** Builds the addon in a folder that contains its sources. */
export async function build(kind, folder) {
  const checks = kind.sanitize?.includes('address') === true ? wraps(await compileChecks(kind, folder)) : []
  const more = kind.flags === undefined ? [] : [kind.flags]
  const flags = { CXXFLAGS: more.join(' '), LDFLAGS: [...more, ...checks].join(' ') }
  const options = kind.sanitize === undefined ? ['--debug'] : []
  const defines = kind.sanitize === undefined ? [] : ['--', `-Dsock_sanitize=${kind.sanitize}`]
  const gyp = [bin('node-gyp'), 'rebuild', '--loglevel', 'error', ...options, ...defines]
  await must('the build', process.execPath, gyp, { cwd: folder, env: buildEnv({ CXX: kind.cxx, ...flags }) })
  if (checks.length === 0) return
  const unknown = unknownCalls(path.join(folder, 'build/Release/bsd_sockets.node'))
  if (unknown.length > 0)
    throw new Error(`calls.mjs does not list these functions; add them: ${unknown.join(', ')}`)
}

/**
 * Returns a Node with the runtimes, for jest and for the children that tests start as process.execPath. Other children
 * must not inherit the runtimes: curl, for example, hangs when it starts.
 */
export function wrapper(folder, preload) {
  const file = path.join(folder, 'node')
  const line = `LD_PRELOAD='${preload}' exec '${process.execPath}' --require '${here}/children.cjs' "$@"`
  writeFileSync(file, `#!/bin/sh\n${line}\n`, { mode: 0o755 })
  return file
}
