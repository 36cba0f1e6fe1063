// npm run check:darwin: compiles every source of the macOS addon for both architectures, with warnings as errors. Then
// it links the addon and checks the binary. It runs on any machine. It does not test behaviour, because nothing runs.
// If npm cannot install zig, the check prints the reason and is skipped.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { problemsOf } from './binary.mjs'
import { crossBuild, findZig, targets } from './cross.mjs'

const { zig, reason } = await findZig()
if (zig === undefined) {
  console.log(`skipped  ${reason}`)
} else {
  const folder = mkdtempSync(path.join(tmpdir(), 'bsd-sockets-darwin-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const target of Object.keys(targets).filter(name => name.startsWith('darwin'))) {
    const file = path.join(folder, targets[target].file)
    const problems = await build(target, file).catch(error => [error.message])
    if (problems.length > 0) process.exitCode = 1
    const size = problems.length === 0 ? `${Math.ceil(statSync(file).size / 1024)} KiB` : problems.join('\n')
    console.log(`${problems.length === 0 ? 'ok     ' : 'FAILED '}  ${target}  ${size}`)
  }
}

async function build(target, file) {
  await crossBuild(zig, target, file, { strict: true })
  return problemsOf(file, target)
}
