// Describes the machine, and selects the cores.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import os from 'node:os'
import { file } from './build.mjs'

function git(...args) {
  const { status, stdout } = spawnSync('git', args, { cwd: file(), encoding: 'utf8' })
  return status === 0 ? stdout.trim() : ''
}

export function describeMachine() {
  const cpus = os.cpus()
  return {
    commit:
      (git('rev-parse', '--short=12', 'HEAD') || 'unknown') +
      (git('status', '--porcelain') ? ' + changes' : ''),
    node: process.version,
    kernel: os.release(),
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cores: cpus.length,
  }
}

/** Returns why a table cannot be measured here, from its `needs`. */
export const needsRoot = () => {
  if (process.getuid() !== 0) return 'needs root, for a network namespace of its own'
  if (spawnSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up']).status !== 0)
    return 'no network namespaces here'
  return undefined
}

/** Returns the cores that this process may use, from text such as "0-1,4". */
export function allowedCores() {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'latin1'))[1]
  return list.split(',').flatMap(range => {
    const [first, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
}
