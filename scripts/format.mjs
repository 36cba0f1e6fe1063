// npm run format: formats every source file, TypeScript and JavaScript with prettier, C and C++ with clang-format. With
// --check it writes nothing, and fails if a file would change.
import path from 'node:path'
import { bin, filesBelow, llvm, node, root, run } from './tools.mjs'

const check = process.argv.includes('--check')

const prettier = await node([
  bin('prettier'),
  check ? '--check' : '--write',
  '--log-level',
  check ? 'warn' : 'error',
  '**/*.{ts,mts,js,mjs,cjs,json,yml}',
])
process.stdout.write(prettier.output)

let status = prettier.status
const clangFormat = llvm('clang-format')
if (clangFormat === null) {
  console.log('skipped: C++, because clang-format 19 is not installed')
} else {
  const files = ['native', 'bench', 'test', 'scripts/sanitizers']
    .flatMap(folder => [...filesBelow(folder)])
    .filter(file => /\.(c|cc|h)$/.test(file))
    .map(file => path.join(root, file))
  const mode = check ? ['--dry-run', '--Werror', '-ferror-limit=1'] : ['-i']
  const { status: failed, output } = await run(clangFormat, [...mode, ...files])
  // One line per file is enough, because the remedy is the same for all.
  const names = new Set(
    [...output.matchAll(/^(\S+?):\d+:\d+: error/gm)].map(match => path.relative(root, match[1])),
  )
  for (const name of names) console.log(`[warn] ${name}`)
  if (failed !== 0 && names.size === 0) process.stdout.write(output)
  status ||= failed
}
if (check && status !== 0) console.log('Run "npm run format".')
process.exitCode = status === 0 ? 0 : 1
