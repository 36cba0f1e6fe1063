// Compiles c/*.c into build/, one program for each file, and addon/smallest.c, if the source is newer than the result.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const bench = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const sources = path.join(bench, 'c')
const out = path.join(bench, 'build')
const FLAGS = ['-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra']

/** Returns the path of a C program, a server or a client of the benchmarks. */
export const file = (...parts) => path.join(bench, ...parts)
export const program = name => path.join(out, name)

function compile(flags, source, target) {
  const compiler = process.env.CC ?? 'cc'
  const { status, error } = spawnSync(compiler, [...FLAGS, ...flags, '-o', target, source], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (status !== 0)
    throw new Error(
      `${compiler} could not compile ${path.basename(source)}: ${error?.message ?? `exit ${status}`}`,
    )
}

export function buildC() {
  mkdirSync(out, { recursive: true })
  const files = readdirSync(sources)
  const time = name => statSync(path.join(sources, name)).mtimeMs
  const headers = Math.max(0, ...files.filter(name => name.endsWith('.h')).map(time))
  for (const name of files.filter(each => each.endsWith('.c'))) {
    const target = program(name.slice(0, -2))
    if (existsSync(target) && statSync(target).mtimeMs > Math.max(headers, time(name))) continue
    compile([], path.join(sources, name), target)
  }
}

/**
 * Compiles the smallest addon with the headers of this Node. Returns false if they are not installed. Without stubs
 * (-fno-plt), as the package.
 */
export function buildAddon() {
  const include = path.resolve(process.execPath, '../../include/node')
  if (!existsSync(path.join(include, 'node_api.h'))) return false
  mkdirSync(out, { recursive: true })
  const [source, target] = [path.join(bench, 'addon/smallest.c'), program('smallest.node')]
  if (existsSync(target) && statSync(target).mtimeMs > statSync(source).mtimeMs) return true
  compile(['-shared', '-fPIC', '-fno-plt', `-I${include}`, '-DNAPI_VERSION=8'], source, target)
  return true
}
