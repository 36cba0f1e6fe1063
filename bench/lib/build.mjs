// Compiles c/*.c into build/, one program for each file, if the source is newer than the program.
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

export function buildC() {
  mkdirSync(out, { recursive: true })
  const files = readdirSync(sources)
  const time = name => statSync(path.join(sources, name)).mtimeMs
  const headers = Math.max(0, ...files.filter(name => name.endsWith('.h')).map(time))
  for (const name of files.filter(each => each.endsWith('.c'))) {
    const target = program(name.slice(0, -2))
    if (existsSync(target) && statSync(target).mtimeMs > Math.max(headers, time(name))) continue
    const compiler = process.env.CC ?? 'cc'
    const { status, error } = spawnSync(compiler, [...FLAGS, '-o', target, path.join(sources, name)], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    if (status !== 0)
      throw new Error(`${compiler} could not compile ${name}: ${error?.message ?? `exit ${status}`}`)
  }
}
