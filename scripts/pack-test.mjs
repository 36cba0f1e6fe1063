// npm run check:pack: checks that the npm package is complete. Builds the binary for this machine, packs, installs into
// an empty project without scripts and compilers, and loads every entry point.
//
//   --tarball=FILE  tests an existing tarball; prebuild.yml does so on every target
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync } from 'node:fs'
import { rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { bin, buildEnv, must, node, npmCli, root, run, stage } from './tools.mjs'

const LIMIT = 1.3 * 1024 * 1024
const { brokenLinks } = createRequire(import.meta.url)('./doc-links.cjs')
const given = process.argv.find(each => each.startsWith('--tarball='))?.slice('--tarball='.length)
const other = process.platform === 'darwin' ? 'linux' : 'darwin'
const npm = npmCli()

let failures = 0
function verdict(what, problem) {
  if (problem !== '') failures++
  console.log(`${problem === '' ? 'ok      ' : 'FAILED  '}${what}${problem === '' ? '' : `\n${problem}`}`)
}

async function pack() {
  const tsc = bin('typescript', 'tsc')
  await must('clean', process.execPath, ['scripts/clean.mjs', 'dist'])
  await must('tsc', process.execPath, [tsc, '-p', 'tsconfig.build.json'])
  await must('esm-wrappers', process.execPath, ['scripts/esm-wrappers.mjs'])
  const notices = ['LICENSE', 'README.md', 'SECURITY.md', 'CHANGELOG.md']
  const folder = stage(['bin', 'dist', 'docs', 'examples', 'scripts/build-native.mjs', ...notices])
  // These decoys must not get into the package.
  for (const decoy of ['test', 'bench', 'build']) {
    mkdirSync(path.join(folder, decoy))
    writeFileSync(path.join(folder, decoy, 'decoy.js'), '')
  }
  await must('prebuild', process.execPath, [
    'scripts/prebuild.mjs',
    '--native',
    `--out=${path.join(folder, 'prebuilds')}`,
  ])
  await must('npm pack', process.execPath, [npm, 'pack', '--ignore-scripts', '--silent'], { cwd: folder })
  return path.join(
    folder,
    readdirSync(folder).find(name => name.endsWith('.tgz')),
  )
}

const tarball = given === undefined ? await pack() : path.resolve(given)
const project = mkdtempSync(path.join(tmpdir(), 'bsd-sockets-project-'))
process.on('exit', () => rmSync(project, { recursive: true, force: true }))

// Size and content
const size = statSync(tarball).size
verdict(
  `size: ${Math.ceil(size / 1024)} KiB`,
  size < LIMIT ? '' : `more than ${Math.floor(LIMIT / 1024)} KiB`,
)
const list = (await must('tar', 'tar', ['-tzf', tarball]))
  .trim()
  .split('\n')
  .map(name => name.replace('package/', ''))
const extracted = path.join(project, 'package')
await must('tar', 'tar', ['-xzf', tarball, '-C', project])
const allowed =
  /^(bin\/|dist\/|docs\/|examples\/|native\/|prebuilds\/|package\.json$|scripts\/build-native\.mjs$|[A-Z]+(\.md)?$)/
verdict(`content: ${list.length} files`, list.filter(name => !allowed.test(name)).join('\n'))
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
const targets = Object.values(manifest.exports).flatMap(function leaves(entry) {
  return typeof entry === 'string' ? [entry] : Object.values(entry).flatMap(leaves)
})
const needed = [...targets, ...Object.values(manifest.bin), 'LICENSE', 'README.md', 'CHANGELOG.md'].map(
  name => name.replace('./', ''),
)
verdict('every entry point and notice is there', needed.filter(name => !list.includes(name)).join('\n'))
const inside = name => readFileSync(path.join(extracted, name), 'utf8')
verdict('every link of a page has a target in the package', brokenLinks(list, inside).join('\n'))
const stale = list
  .filter(name => /\.(js|d\.ts)$/.test(name) && name.startsWith('dist/'))
  .filter(name => {
    const same = name.replace('dist/', 'lib/')
    const source = same.replace(/(\.d\.ts|\.js)$/, '.ts')
    return !existsSync(path.join(root, source)) && !existsSync(path.join(root, same))
  })
verdict('nothing in dist/ is left from a source that is gone', stale.join('\n'))

// Installation, with only Node and a shell in PATH, and without scripts of the package
const tools = path.join(project, 'bin')
mkdirSync(tools)
symlinkSync(process.execPath, path.join(tools, 'node'))
symlinkSync('/bin/sh', path.join(tools, 'sh'))
const env = { ...process.env, PATH: tools }
for (const name of Object.keys(env)) {
  if (/^npm_|^BSD_SOCKETS_|^NODE_PATH$/i.test(name)) delete env[name]
}
const home = path.join(project, 'home')
mkdirSync(home)
writeFileSync(path.join(home, 'package.json'), '{ "name": "empty", "version": "1.0.0", "private": true }\n')
const install = ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', tarball]
const installed = await node([npm, ...install], { cwd: home, env })
verdict('installs without scripts and compilers', installed.status === 0 ? '' : installed.output)
// A second installation knows the package from the lockfile, which has no `gypfile`.
const again = await node([npm, 'ci', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: home, env })
verdict('npm ci runs no compiler', again.status === 0 ? '' : again.output)

// Loading
const load = async script => {
  const file = path.join(home, 'load.mjs')
  writeFileSync(file, script)
  const { status, output } = await node([file], { cwd: home, env })
  return status === 0 ? '' : output
}

verdict(
  'import and require give the same names and classes',
  await load(`
    import { createRequire } from 'node:module'
    import assert from 'node:assert'
    const require = createRequire(import.meta.url)
    for (const entry of ['', '/sync', '/raw', '/dgram', '/${process.platform}']) {
      const name = 'bsd-sockets' + entry
      const esm = await import(name)
      const cjs = require(name)
      const names = Object.keys(cjs).filter(each => each !== '__esModule').sort()
      assert.deepStrictEqual(Object.keys(esm).sort(), names, name)
      assert(names.length > 0, name + ' exports nothing')
      for (const each of names) assert.strictEqual(esm[each], cjs[each], name + ': ' + each)
    }
    const { Socket, SocketError } = await import('bsd-sockets')
    assert.strictEqual(typeof SocketError, 'function')
    assert.notStrictEqual(Socket, require('bsd-sockets/sync').Socket)
  `),
)
verdict(
  `bsd-sockets/${other} says why it cannot be loaded`,
  await load(`
    import { createRequire } from 'node:module'
    import assert from 'node:assert'
    const clear = error => {
      assert.strictEqual(error.code, 'ERR_UNSUPPORTED_PLATFORM')
      return error.message.includes('${other}') && error.message.includes(process.platform)
    }
    assert.throws(() => createRequire(import.meta.url)('bsd-sockets/${other}'), clear)
    await assert.rejects(import('bsd-sockets/${other}'), clear)
  `),
)
verdict(
  'two sockets exchange data',
  await load(`
    import assert from 'node:assert'
    import { Socket, AF_INET } from 'bsd-sockets'
    import { Socket as SyncSocket } from 'bsd-sockets/sync'
    const [a, b] = Socket.pair()
    const received = b.recv(10)
    await a.sendAll(Buffer.from('hello'))
    assert.strictEqual(String(await received), 'hello')
    a.close(); b.close()
    const [c, d] = SyncSocket.pair()
    c.send(Buffer.from('hello'))
    assert.strictEqual(String(d.recv(10)), 'hello')
    c.close(); d.close()
    const listener = new Socket(AF_INET)
    listener.bind(['127.0.0.1', 0])
    listener.close()
  `),
)

const doctor = async (...args) => {
  const command = path.join(home, 'node_modules/.bin/bsd-sockets')
  return run(command, args, { cwd: home, env })
}
const told = await doctor('doctor', '--json')
verdict(
  'the doctor is installed as a command',
  told.status === 0 && JSON.parse(told.output).capabilities.length > 0 ? '' : told.output,
)

// Without a matching binary
const copy = path.join(home, 'node_modules/bsd-sockets')
const prebuilds = path.join(copy, 'prebuilds')
if (existsSync(prebuilds)) renameSync(prebuilds, path.join(project, 'prebuilds'))
verdict(
  'without a binary, the error names the missing file and says how to build it',
  await load(`
    import assert from 'node:assert'
    const error = await import('bsd-sockets').then(() => assert.fail('it loaded'), error => error)
    assert.strictEqual(error.code, 'ERR_NO_BINARY')
    const libc = process.platform !== 'linux' ? '' : process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl'
    for (const word of [process.platform, process.arch, libc, 'node-gyp', 'C++17', 'prebuilds']) {
      assert(error.message.includes(word), word + ' is not in: ' + error.message)
    }
  `),
)

// The sources are complete: the command in the error message builds the addon
if (given === undefined) {
  cpSync(path.join(root, 'node_modules/node-addon-api'), path.join(home, 'node_modules/node-addon-api'), {
    recursive: true,
  })
  symlinkSync(path.join(root, 'node_modules/node-gyp'), path.join(home, 'node_modules/node-gyp'))
  const script = path.join(copy, 'scripts/build-native.mjs')
  const built = await run(process.execPath, [script], { cwd: home, env: buildEnv() })
  verdict('the addon builds from the sources in the package', built.status === 0 ? '' : built.output)
  verdict('and then loads', await load(`import 'bsd-sockets'`))
}

console.log(failures === 0 ? '\nthe package is complete' : `\n${failures} failed`)
process.exitCode = failures === 0 ? 0 : 1
