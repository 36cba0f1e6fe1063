// npm run check:types: checks the declarations of the npm package as its users compile them. Packs, unpacks into an
// empty project, and compiles the type tests, every block of the docs, and the examples that begin with `@ts-check`.
// skipLibCheck is off. The versions of TypeScript and @types/node come from npm into a cache of the user (toolPackage).
//
//   --typescript=5.4.5,7.0.2   only these versions
//   --node=20.19.43            only these versions of @types/node
//   --tarball=FILE             tests an existing tarball
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import { toolPackage } from './cross.mjs'
import { bin, must, node, npmCli, root } from './tools.mjs'

const { docBlocks } = createRequire(import.meta.url)('./doc-blocks.cjs')
const option = name => process.argv.find(each => each.startsWith(`--${name}=`))?.slice(name.length + 3)
const compilers = (option('typescript') ?? '5.4.5,5.9.3,6.0.3,7.0.2').split(',')
const nodeTypes = (option('node') ?? '20.19.43,22.20.7,24.19.4,26.6.7').split(',')

const common = {
  strict: true,
  skipLibCheck: false,
  noEmit: true,
  allowJs: true,
  target: 'es2022',
  types: ['node'],
  forceConsistentCasingInFileNames: true,
}
/**
 * Every combination of versions is compiled with the first settings and with those of the web. The first @types/node is
 * compiled with all.
 */
const settings = {
  'node16, es2022': { module: 'node16', moduleResolution: 'node16', lib: ['es2022'] },
  'nodenext, esnext': { module: 'nodenext', moduleResolution: 'nodenext', lib: ['esnext'] },
  'web, es2022': { module: 'node16', moduleResolution: 'node16', lib: ['es2022', 'dom'] },
  'bundler, es2022': { module: 'esnext', moduleResolution: 'bundler', lib: ['es2022'] },
  'strictest, esnext': {
    module: 'nodenext',
    moduleResolution: 'nodenext',
    lib: ['esnext'],
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    isolatedModules: true,
    verbatimModuleSyntax: true,
  },
}

/** Packs the package, or takes the given tarball, and unpacks it into the project. */
async function unpack(project) {
  let tarball = option('tarball')
  if (tarball === undefined) {
    await must('clean', process.execPath, ['scripts/clean.mjs', 'dist'])
    await must('tsc', process.execPath, [bin('typescript', 'tsc'), '-p', 'tsconfig.build.json'])
    await must('esm-wrappers', process.execPath, ['scripts/esm-wrappers.mjs'])
    const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', project]
    await must('npm pack', process.execPath, [npmCli(), ...pack])
    tarball = path.join(
      project,
      readdirSync(project).find(name => name.endsWith('.tgz')),
    )
  }
  const folder = path.join(project, 'node_modules/bsd-sockets')
  mkdirSync(folder, { recursive: true })
  await must('tar', 'tar', ['-xzf', path.resolve(tarball), '-C', folder, '--strip-components=1'])
}

/**
 * Writes the files to compile: each entry point in both module systems, the type tests, the blocks of the docs, and the
 * examples that are checked.
 */
function writeFiles(project) {
  const write = (name, text) => {
    const file = path.join(project, name)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  const entries = ['', '/sync', '/raw', '/dgram', '/linux', '/darwin']
  const names = entries.map((_, i) => `entry${i}`)
  const used = `void [${names.join(', ')}]\n`
  const from = i => `'bsd-sockets${entries[i]}'`
  write('entries/import.mts', names.map((name, i) => `import * as ${name} from ${from(i)}\n`).join('') + used)
  // The form of CommonJS that every setting of every compiler accepts
  write(
    'entries/require.cts',
    names.map((name, i) => `import ${name} = require(${from(i)})\n`).join('') + used,
  )
  const typeTests = readdirSync(path.join(root, 'test/types'), { recursive: true })
  for (const name of typeTests.filter(each => each.endsWith('.types.ts'))) {
    const source = readFileSync(path.join(root, 'test/types', name), 'utf8')
    if (source.includes("'../../lib/options'")) continue // uses functions that the package does not export
    const text = source.replaceAll(/'(\.\.\/)+lib/g, "'bsd-sockets")
    write(`types/${name.replace('.ts', '.mts')}`, text)
    write(`types/${name.replace('.ts', '.cts')}`, text)
  }
  for (const { page, number, code } of docBlocks(root)) {
    write(`docs/${page.replace(/\W/g, '-')}-${number}.mts`, code)
  }
  for (const name of readdirSync(path.join(root, 'examples')).filter(each => each.endsWith('.mjs'))) {
    const source = readFileSync(path.join(root, 'examples', name), 'utf8')
    if (source.startsWith('// @ts-check\n')) write(`examples/${name}`, source)
  }
}

const manifestOf = folder => JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))

/** Returns the files that a compiler must accept. */
function filesFor(compiler, types, name) {
  // The blocks of the docs are not written for these settings.
  if (name.startsWith('strictest')) return ['entries/import.mts']
  // Code for Node alone is compiled without the types of the web.
  if (name.startsWith('web')) return ['types/dom/*']
  // A bundler compiles ES modules only.
  if (name.startsWith('bundler')) return ['**/*.mts']
  const [oldest, version] = [manifestOf(types).typeScriptVersion, manifestOf(compiler).version]
  const supported = oldest.localeCompare(version, 'en', { numeric: true }) <= 0
  // Blocks also use Node's own types, which need a compiler that @types/node supports.
  return supported
    ? ['**/*.mts', '**/*.cts', 'examples/*.mjs']
    : ['entries', 'types'].flatMap(each => [`${each}/*.mts`, `${each}/*.cts`])
}

/** Compiles the project with one compiler, one @types/node and one of the settings. Returns the errors. */
async function compile(project, compiler, types, name) {
  const include = filesFor(compiler, types, name)
  const folder = mkdtempSync(path.join(project, 'run-'))
  const config = path.join(folder, 'tsconfig.json')
  const typeRoots = [path.join(types, '..')]
  const compilerOptions = { ...common, ...settings[name], typeRoots }
  const exclude = name.startsWith('web') ? [] : ['../types/dom']
  writeFileSync(
    config,
    JSON.stringify({ compilerOptions, include: include.map(each => `../${each}`), exclude }),
  )
  const { bin: bins } = manifestOf(compiler)
  const tsc = path.join(compiler, typeof bins === 'string' ? bins : bins.tsc)
  const { status, output } = await node([tsc, '-p', config, '--pretty', 'false'], { cwd: project })
  if (status === 0) return { errors: '' }
  // Old compilers cannot read parts of new @types/node. Such errors are not of this package.
  const lines = output.split('\n').filter(line => line.includes('error TS'))
  const own = lines.filter(line => !/(^|\/)node_modules\/(@types\/node|undici-types)\//.test(line))
  if (lines.length > 0 && own.length === 0)
    return { errors: '', note: `${lines.length} errors in @types/node` }
  return { errors: own.length > 0 ? own.join('\n') : output }
}

async function tools(name, versions) {
  const found = new Map()
  for (const version of versions) {
    const { folder, reason } = await toolPackage(`${name}@${version}`)
    if (folder !== undefined) found.set(version, folder)
    else {
      console.log(`FAILED  ${reason}`)
      process.exitCode = 1
    }
  }
  return found
}

const project = mkdtempSync(path.join(tmpdir(), 'bsd-sockets-types-'))
process.on('exit', () => rmSync(project, { recursive: true, force: true }))
await unpack(project)
writeFiles(project)
const [compilersFound, typesFound] = [
  await tools('typescript', compilers),
  await tools('@types/node', nodeTypes),
]
const runs = [...compilersFound].flatMap(([version, compiler]) =>
  [...typesFound].flatMap(([types, folder], i) =>
    Object.keys(settings)
      .filter((each, j) => i === 0 || j === 0 || each.startsWith('web'))
      .map(name => ({ version, compiler, types, folder, name })),
  ),
)
let failures = 0
async function worker(own) {
  for (let next = runs.shift(); next !== undefined; next = runs.shift()) {
    const { version, compiler, types, folder, name } = next
    const began = performance.now()
    const { errors, note = '' } = await compile(own, compiler, folder, name)
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    if (errors !== '') failures++
    const word = errors === '' ? 'ok' : 'FAILED'
    console.log(
      `${word.padEnd(8)}TypeScript ${version}, @types/node ${types}, ${name}  ${seconds} s  ${note}`.trimEnd(),
    )
    if (errors !== '') console.log(errors)
  }
}
await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, () => worker(project)))
console.log(failures === 0 ? '\nthe declarations compile everywhere' : `\n${failures} failed`)
if (failures > 0) process.exitCode = 1
