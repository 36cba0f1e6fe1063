import { spawn, spawnSync, type StdioOptions } from 'node:child_process'
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import path from 'node:path'

export const root = path.join(__dirname, '..', '..')

/** The path of Node itself, a file of many megabytes: under a sanitizer process.execPath is a small script. */
export const nodeBinary = process.platform === 'linux' ? realpathSync('/proc/self/exe') : process.execPath

/** How a child process ended, and what it wrote. */
export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

interface Options {
  /** File descriptors that the child inherits as 3, 4, … */
  fds?: number[]
  timeout?: number
  env?: Record<string, string>
}

/** Runs a program to its end. After `timeout` ms it is killed, and the result has the signal SIGKILL. */
export function run(program: string, args: string[], options: Options = {}): Promise<Ended> {
  const { fds = [], timeout = 15000, env } = options
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', ...fds]
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, stdio, env: { ...process.env, ...env } })
    let [stdout, stderr] = ['', '']
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const timer = setTimeout(() => child.kill('SIGKILL'), timeout)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, stdout, stderr })
    })
  })
}

/** The first lines of every script of runNode. */
export const prelude = `
const { Socket, ...c } = require('./dist')
const assert = require('node:assert')
`

/** Runs JavaScript in a new Node process, with the built package as `Socket` and `c` (constants). */
export function runNode(script: string, options: Options & { flags?: string[] } = {}): Promise<Ended> {
  ensureDist()
  return run(process.execPath, [...(options.flags ?? []), '-e', prelude + script], options)
}

/**
 * Returns the arguments of setpriv(1) for an unprivileged user with only the named capabilities and no way to get more.
 * CAP_DAC_READ_SEARCH is always among them, to read the checkout in whichever directory it is.
 */
export function asNobody(...capabilities: string[]): string[] {
  const kept = ['CAP_DAC_READ_SEARCH', ...capabilities].map(
    name => `+${name.replace('CAP_', '').toLowerCase()}`,
  )
  const set = ['-all', ...kept].join()
  const ids = ['--reuid=65534', '--regid=65534', '--clear-groups']
  return [...ids, `--inh-caps=${set}`, `--ambient-caps=${set}`, `--bounding-set=${set}`, '--']
}

/** Runs JavaScript in a Node process of an unprivileged user; see runNode. */
export function runNodeAsNobody(script: string): Promise<Ended> {
  ensureDist()
  return run('setpriv', [...asNobody(), process.execPath, '-e', prelude + script])
}

/** Runs a Python script with file descriptors as 3, 4, … Throws if it does not exit with 0. */
export async function runPython(script: string, fds: number[] = []): Promise<string> {
  const ended = await run('python3', ['-S', '-E', '-c', script], { fds })
  if (ended.code !== 0) throw new Error(`python3: ${ended.signal ?? ended.code}\n${ended.stderr}`)
  return ended.stdout
}

let checked = false

/** Builds dist/ when it is missing or older than lib/. */
export function ensureDist(): void {
  if (checked) return
  checked = true
  const built = path.join(root, 'dist', 'index.js')
  if (existsSync(built) && newest(path.join(root, 'lib')) <= statSync(built).mtimeMs) return
  const made = spawnSync('npm', ['run', 'build:ts'], { cwd: root, encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`npm run build:ts\n${made.stdout}${made.stderr}`)
}

function newest(directory: string): number {
  let latest = 0
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const name = path.join(directory, entry.name)
    latest = Math.max(latest, entry.isDirectory() ? newest(name) : statSync(name).mtimeMs)
  }
  return latest
}
