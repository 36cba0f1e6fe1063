// npm run build:prebuilt: builds the addon for publishing, into prebuilds/.
//
//   node scripts/prebuild.mjs [--out=DIR]                 all six targets, with zig (scripts/cross.mjs)
//   node scripts/prebuild.mjs --target=linux-arm64-musl   one target; the option may be repeated
//   node scripts/prebuild.mjs --native                    for this machine, with the system compiler
import { cpSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { crossBuild, findZig, targets } from './cross.mjs'
import { bin, buildEnv, must, root, stage } from './tools.mjs'

const values = name =>
  process.argv.filter(each => each.startsWith(`--${name}=`)).map(each => each.slice(name.length + 3))
const out = path.resolve(root, values('out').at(-1) ?? 'prebuilds')

function say(file) {
  const built = path.join(out, file)
  console.log(`${path.relative(root, built)}  ${Math.ceil(statSync(built).size / 1024)} KiB`)
}

async function native() {
  const folder = stage()
  const env = buildEnv({
    PATH: `${path.join(root, 'node_modules/.bin')}${path.delimiter}${process.env.PATH}`,
  })
  const args = [bin('prebuildify'), '--napi', '--tag-libc', '--strip']
  await must('prebuildify', process.execPath, args, { cwd: folder, env })
  mkdirSync(out, { recursive: true })
  const built = path.join(folder, 'prebuilds')
  cpSync(built, out, { recursive: true })
  for (const tuple of readdirSync(built)) {
    for (const file of readdirSync(path.join(built, tuple))) say(path.join(tuple, file))
  }
}

async function cross(names) {
  const unknown = names.find(name => targets[name] === undefined)
  if (unknown !== undefined) {
    throw new Error(`unknown target ${unknown}; known: ${Object.keys(targets).join(', ')}`)
  }
  const { zig, reason } = await findZig()
  if (zig === undefined) throw new Error(reason)
  for (const name of names) {
    await crossBuild(zig, name, path.join(out, targets[name].file))
    say(targets[name].file)
  }
}

const chosen = values('target')
if (process.argv.includes('--native')) await native()
else await cross(chosen.length > 0 ? chosen : Object.keys(targets))
