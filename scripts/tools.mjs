// Functions that the other scripts share: paths and running commands.
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const require = createRequire(import.meta.url)

/** The Node of each supported major that is downloaded. The versions are exact, and the same as in .github/workflows.
 * */
export const nodes = { 20: '20.20.2', 22: '22.23.5', 24: '24.22.3', 26: '26.12.1' }

/** The other runtimes. */
export const others = {
  bun: { spec: '@oven/bun-linux-x64@1.4.5', programs: 'bin' },
  deno: { spec: '@deno/linux-x64-glibc@2.9.6', programs: '' },
}

/** Returns the file that a package's command runs. Commands run by path, because npx would use the network. */
export function bin(name, command = name) {
  const manifest = path.join(root, 'node_modules', name, 'package.json')
  const { bin } = require(manifest)
  return path.join(path.dirname(manifest), typeof bin === 'string' ? bin : bin[command])
}

/** Returns npm itself, as a script of this Node. */
export function npmCli() {
  if (process.env.npm_execpath?.endsWith('.js')) return process.env.npm_execpath
  const found = spawnSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).stdout.trim()
  if (found === '') throw new Error('npm is not in PATH')
  return realpathSync(found)
}

/** Returns the environment in which node-gyp and cmake-js use the headers that came with this Node. */
export function buildEnv(more = {}) {
  const env = { ...process.env, ...more }
  const prefix = path.resolve(process.execPath, '../..')
  if (env.npm_config_nodedir === undefined && existsSync(path.join(prefix, 'include/node/node_api.h'))) {
    env.npm_config_nodedir = prefix
  }
  return env
}

/** Runs a command and collects its output. Resolves with { status, output } and never rejects. */
export function run(command, args, options = {}) {
  return new Promise(resolve => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options })
    let output = ''
    const collect = chunk => (output += chunk)
    child.stdout?.setEncoding('utf8').on('data', collect)
    child.stderr?.setEncoding('utf8').on('data', collect)
    child.on('error', error => resolve({ status: 127, output: `${command}: ${error.message}\n` }))
    child.on('close', (code, signal) => resolve({ status: code ?? `signal ${signal}`, output }))
  })
}

/** Returns the exit code of a program that spawnSync() ran. Prints the reason if the program has none. */
export function exitCode(program, { status, signal, error }) {
  if (error !== undefined) console.error(`${program}: ${error.message}`)
  else if (signal !== null) console.error(`${program} was ended by ${signal}`)
  return status ?? 1
}

export const node = (args, options) => run(process.execPath, args, options)

/** Runs a command like run(), but throws with the output if the command fails. */
export async function must(what, command, args, options) {
  const { status, output } = await run(command, args, options)
  if (status !== 0) throw new Error(`${what} failed (${status})\n${output}`)
  return output
}

/** Returns a tool of LLVM in the required major version, or null if it is not installed. The output depends on it. */
export function llvm(tool, major = 19) {
  for (const name of [`${tool}-${major}`, tool]) {
    const { stdout } = spawnSync(name, ['--version'], { encoding: 'utf8' })
    if (new RegExp(`version ${major}\\.`).test(stdout ?? '')) return name
  }
  return null
}

/** Returns all files below a folder, as paths from the root of the repository. */
export function* filesBelow(folder) {
  if (!existsSync(path.join(root, folder))) return
  for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true })) {
    if (entry.name === 'node_modules') continue
    const file = path.posix.join(folder, entry.name)
    if (entry.isDirectory()) yield* filesBelow(file)
    else yield file
  }
}

/**
 * Copies what a build needs into a temporary folder, so that the repository's own build stays unchanged. The folder is
 * removed when the process exits.
 */
export function stage(more = []) {
  const folder = mkdtempSync(path.join(tmpdir(), 'bsd-sockets-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const file of ['native', 'binding.gyp', 'package.json', ...more]) {
    if (existsSync(path.join(root, file)))
      cpSync(path.join(root, file), path.join(folder, file), { recursive: true })
  }
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'))
  return folder
}
