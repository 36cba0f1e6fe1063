// uncovered file: coverage sets BSD_SOCKETS_PREBUILD, and with it no binary is missing; check:pack tests this
import { existsSync } from 'node:fs'
import path from 'node:path'
import { libc } from './system'

/**
 * Loads the addon: first a local build, then the prebuilt binary for this platform, architecture and libc. If none
 * fits, throws an error that says where it looked and how to build. If the environment variable BSD_SOCKETS_PREBUILD
 * names a folder, node-gyp-build looks there instead (SECURITY.md).
 */
export function loadAddon(): unknown {
  const root = path.join(__dirname, '..', '..')
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- a CommonJS loader, called once
    const load = require('node-gyp-build') as (directory: string) => unknown
    return load(root)
  } catch (cause) {
    const refusal = refusalOfNode(root, cause)
    if (refusal !== null) throw Object.assign(new Error(refusal, { cause }), { code: 'ERR_ACCESS_DENIED' })
    throw Object.assign(new Error(explain(root, cause), { cause }), { code: 'ERR_NO_BINARY' })
  }
}

/** Returns the error text if Node itself refused the addon, with the flags that allow it; otherwise null. */
function refusalOfNode(root: string, cause: unknown): string | null {
  const { code, resource } = (cause ?? {}) as { code?: unknown; resource?: unknown }
  const permission = process.permission as typeof process.permission | undefined
  const readable = permission === undefined || permission.has('fs.read', path.join(root, 'package.json'))
  const disabled = code === 'ERR_DLOPEN_DISABLED'
  if (!disabled && code !== 'ERR_ACCESS_DENIED' && readable) return null
  const text = 'bsd-sockets is a native addon, which this process may not load: '
  if (permission === undefined) return `${text}Node was started with --no-addons.`
  const parent = path.dirname(root)
  const files = [
    `${root}/*`,
    ...(path.basename(parent) === 'node_modules' ? [`${path.join(parent, 'node-gyp-build')}/*`] : []),
    // node-gyp-build reads this file to find out which C library is in use.
    ...(process.platform === 'linux' ? ['/etc/alpine-release'] : []),
    ...(typeof resource === 'string' ? [resource] : []),
  ]
  const flags = ['--allow-addons', ...[...new Set(files)].map(file => `--allow-fs-read=${file}`)]
  return `${text}with the permission model Node needs ${flags.join(' ')}. ${reasonOf(cause)}`
}

function reasonOf(cause: unknown): string {
  return `Reason: ${cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause)}`
}

function explain(root: string, cause: unknown): string {
  const inClone = existsSync(path.join(root, 'binding.gyp'))
  const build = inClone
    ? `run "npm run build" in ${root}`
    : 'run "npm install --no-save node-gyp node-addon-api && ' +
      `node ${path.join(root, 'scripts', 'build-native.mjs')}" in your project`
  return (
    `bsd-sockets has no binary for ${process.platform}-${process.arch} (${libc()}, Node-API ${process.versions.napi}). ` +
    `Looked in build/Release and prebuilds/${process.platform}-${process.arch} of ${root}. ` +
    `To build one: install Python 3, make and a C++17 compiler, then ${build}. ${reasonOf(cause)}`
  )
}
