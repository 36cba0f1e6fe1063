import path from 'node:path'
import { libc } from './system'

/**
 * Finds the addon: a build of this clone first, then the prebuilt binary for this platform,
 * architecture and libc. Where none fits, the error says what was looked for and how to build.
 */
export function loadAddon(): unknown {
  refuseOtherRuntimes()
  const root = path.join(__dirname, '..', '..')
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- a CommonJS loader, called once
    const load = require('node-gyp-build') as (directory: string) => unknown
    return load(root)
  } catch (cause) {
    throw Object.assign(new Error(explain(root, cause), { cause }), { code: 'ERR_NO_BINARY' })
  }
}

function explain(root: string, cause: unknown): string {
  const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause)
  return (
    `bsd-sockets has no binary for ${process.platform}-${process.arch} (${libc()}, Node-API ${process.versions.napi}). ` +
    `Looked in build/Release and prebuilds/${process.platform}-${process.arch} of ${root}. ` +
    `To build one: install Python 3, make and a C++17 compiler, then run "npm install --no-save node-gyp node-addon-api && npx node-gyp rebuild" in that ` +
    `directory. Reason: ${reason}`
  )
}

// Their libuv is a stub: it aborts the process (Bun) or loses every event but the first (Deno).
function refuseOtherRuntimes(): void {
  const runtime = process.versions.bun !== undefined ? 'Bun' : 'Deno' in globalThis ? 'Deno' : null
  if (runtime === null) return
  throw Object.assign(
    new Error(
      `bsd-sockets needs Node.js: ${runtime} does not implement the libuv polling that it is built on.`,
    ),
    { code: 'ERR_UNSUPPORTED_RUNTIME' },
  )
}
