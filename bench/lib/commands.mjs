// The measured programs: C programs of this repository, this Node, and peers that may not be installed.
// A command is { argv, args, missing }. The address goes between argv and args.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { buildAddon, file, program } from './build.mjs'

const peers = file('peers')
const require = createRequire(import.meta.url)

const command = (argv, args) => ({ argv, args: args.map(String) })
const missing = what => ({ argv: [], args: [], missing: `${what} is not installed` })

function versionOf(name, args, pattern) {
  const { status, stdout, stderr } = spawnSync(name, args, { encoding: 'utf8' })
  return status === 0 ? (pattern.exec(stdout + stderr)?.[1] ?? 'unknown') : undefined
}

const once = make => {
  let made
  return () => (made ??= { value: make() }).value
}

const bunProgram = path.join(peers, 'node_modules/@oven/bun-linux-x64/bin/bun')
const pythonVersion = once(() => versionOf('python3', ['--version'], /(\d\S*)/))
// Resolves wrappers (pyenv), because the runner measures the CPU of the process that it starts.
const pythonProgram = once(() =>
  spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).stdout.trim(),
)
const nginxVersion = once(() => versionOf('nginx', ['-v'], /nginx\/(\S+)/))
const bunVersion = once(() =>
  existsSync(bunProgram) ? versionOf(bunProgram, ['--version'], /(\S+)/) : undefined,
)

/** Returns the versions of the installed peers. A peer with native code may have failed to compile. */
const installed = once(() =>
  Object.fromEntries(
    Object.keys(JSON.parse(readFileSync(path.join(peers, 'package.json'))).optionalDependencies).map(name => {
      try {
        const { version } = JSON.parse(readFileSync(path.join(peers, 'node_modules', name, 'package.json')))
        if (!name.startsWith('@')) require(path.join(peers, 'node_modules', name))
        return [name, version]
      } catch {
        return [name, undefined]
      }
    }),
  ),
)

export const c = (name, ...args) => command([program(name)], args)
export const node = (script, ...args) => command([process.execPath, file(script)], args)
/** Node with `gc()` exposed. */
export const nodeGc = (script, ...args) => command([process.execPath, '--expose-gc', file(script)], args)
export const python = (script, ...args) =>
  pythonVersion() === undefined ? missing('python3') : command([pythonProgram(), file(script)], args)
/** A script that uses the smallest addon, addon/smallest.c. */
export const smallest = (script, ...args) =>
  buildAddon() ? node(script, ...args) : missing('the headers of Node')
export const bun = (script, ...args) =>
  bunVersion() === undefined ? missing('Bun') : command([bunProgram, file(script)], args)
export const shell = (tool, script, ...args) =>
  tool === 'nginx' && nginxVersion() === undefined ? missing(tool) : command(['sh', file(script)], args)
/** A script that needs an npm package of peers/. It gets the package's folder as its first argument. */
export const npm = (name, script, ...args) =>
  installed()[name] === undefined
    ? missing(name)
    : command([process.execPath, file(script)], [path.join(peers, 'node_modules', name), ...args])
/** A command, or why it is missing in this version of bsd-sockets. */
export const unless = (reason, given) => (reason ? { argv: [], args: [], missing: reason } : given)

/** The versions of all measured programs. */
export const peerVersions = () => ({
  python: pythonVersion() ?? null,
  nginx: nginxVersion() ?? null,
  cc: versionOf(process.env.CC ?? 'cc', ['--version'], /(\d+\.\d+\.\d+)/) ?? null,
  ...Object.fromEntries(Object.entries(installed()).map(([name, version]) => [name, version ?? null])),
})

/** npm run bench -- --with-peers: installs into peers/node_modules. The only install script that runs is node-gyp. */
export function installPeers() {
  const run = (name, args, cwd, env) =>
    spawnSync(name, args, { cwd, stdio: 'inherit', env: { ...process.env, ...env } })
  mkdirSync(path.join(peers, 'node_modules'), { recursive: true })
  run('npm', ['install', '--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund'], peers)
  const gyp = require.resolve('node-gyp/bin/node-gyp.js')
  const headers = path.resolve(process.execPath, '../..')
  const nodedir = existsSync(path.join(headers, 'include/node/node.h')) ? { npm_config_nodedir: headers } : {}
  for (const name of readdirSync(path.join(peers, 'node_modules'))) {
    const folder = path.join(peers, 'node_modules', name)
    const wanted = ['unix-dgram', 'raw-socket', 'posix-socket'].includes(name)
    if (!wanted || existsSync(path.join(folder, 'build/Release'))) continue
    const { status } = run(process.execPath, [gyp, 'rebuild', '--loglevel', 'error'], folder, nodedir)
    if (status !== 0) console.error(`${name} does not compile here; it is listed as not installed`)
  }
}
