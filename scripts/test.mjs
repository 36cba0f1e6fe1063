// npm test: builds what is missing, then runs jest in one process. Arguments go to jest.
// Jest kills its own workers silently if a handle leaks. In one process a leaked handle hangs, so it is noticed.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { exitCode, root } from './tools.mjs'

const require = createRequire(import.meta.url)
const run = (...command) =>
  exitCode(command[0], spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit' }))

const built = existsSync(path.join(root, 'build/Release/bsd_sockets.node'))
let status = built ? 0 : run('scripts/build-native.mjs')
if (status === 0 && !existsSync(path.join(root, 'dist/index.mjs'))) {
  status =
    run(require.resolve('typescript/bin/tsc'), '-p', 'tsconfig.build.json') || run('scripts/esm-wrappers.mjs')
}
if (status === 0) {
  status = run(require.resolve('jest/bin/jest'), '--runInBand', ...process.argv.slice(2))
}
process.exitCode = status
