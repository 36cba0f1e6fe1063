import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'

const root = path.join(__dirname, '../..')

function newest(directory: string): number {
  return Math.max(
    ...readdirSync(directory, { recursive: true, encoding: 'utf8' }).map(
      name => statSync(path.join(directory, name)).mtimeMs,
    ),
  )
}

/** Builds dist/, which child processes load, when it is missing or older than lib/. */
export function ensureBuilt(): void {
  const entry = path.join(root, 'dist/index.mjs')
  if (existsSync(entry) && statSync(entry).mtimeMs >= newest(path.join(root, 'lib'))) return
  execFileSync(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
    cwd: root,
  })
  execFileSync(process.execPath, ['scripts/esm-wrappers.mjs'], { cwd: root })
}
