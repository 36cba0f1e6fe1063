import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'

/*
 * Who may import what. What must run without the addon (decoders, queues, codecs: they are tested with
 * the tables of the other system too) never reaches the binding, and each rule of native/ has one home.
 */
const root = path.resolve(__dirname, '../..')
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8')

function below(folder: string, pattern: RegExp): string[] {
  if (!existsSync(path.join(root, folder))) return []
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap(entry => {
    const file = path.posix.join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : below(file, pattern)
    return pattern.test(entry.name) ? [file] : []
  })
}

/** What a module loads when it runs: `import type` and imports of types alone are gone by then. */
function imports(file: string): string[] {
  const source = read(file).replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  const found: string[] = []
  const statement = /^\s*(?:import|export)\s+(?!type\b)([^'";]*?\bfrom\s*)?['"]([^'"]+)['"]/gm
  for (const [, clause = '', specifier] of source.matchAll(statement)) {
    const names = /^[^{]*\{([^}]*)\}/.exec(clause)?.[1]?.split(',') ?? []
    const typesOnly = /^\s*\{/.test(clause) && names.every(name => /^\s*(type\s|$)/.test(name))
    if (!typesOnly) found.push(specifier as string)
  }
  for (const [, specifier] of source.matchAll(/\b(?:require|import)\(\s*['"]([^'"]+)['"]\s*\)/g)) {
    found.push(specifier as string)
  }
  return found
}

/** The file behind a relative import. */
function resolve(from: string, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null
  const base = path.posix.join(path.posix.dirname(from), specifier.replace(/\.js$/, ''))
  if (existsSync(path.join(root, `${base}.d.ts`))) return null // generated: it imports the binding's constants alone
  const candidates = [`${base}.ts`, `${base}/index.ts`]
  const file = candidates.find(each => existsSync(path.join(root, each)))
  if (file === undefined) throw new Error(`${from}: nothing behind '${specifier}'`)
  return file
}

/** The shortest way from one module to another, or null. */
function chain(from: string, to: string): string[] | null {
  const seen = new Set([from])
  const ways = [[from]]
  for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
    const last = way[way.length - 1] as string
    if (last === to) return way
    for (const specifier of imports(last)) {
      const next = resolve(last, specifier)
      if (next === null || seen.has(next)) continue
      seen.add(next)
      ways.push([...way, next])
    }
  }
  return null
}

const modules = below('lib', /(?<!\.d)\.ts$/)
const binding = 'lib/binding/binding.ts'

interface Layout {
  up: string[]
  circles: string[][]
  homeless: string[]
}
// eslint-disable-next-line @typescript-eslint/no-require-imports -- the script that `npm run check` runs as well
const { measure } = require('../../scripts/layout.cjs') as { measure(root: string): Layout }

describe('the floors of lib/', () => {
  const layout = measure(root)

  test('no import runs up, and none goes across a floor: type imports count', () => {
    expect(layout.up).toEqual([])
  })

  test('no modules import each other in a circle', () => {
    expect(layout.circles).toEqual([])
  })

  test('every room stands on a floor', () => {
    expect(layout.homeless).toEqual([])
  })
})

describe('the parser of imports', () => {
  test('sees the way to the binding where there is one', () => {
    expect(chain('lib/socket/index.ts', binding)).not.toBeNull()
    expect(imports('lib/index.ts')).toContain('./socket')
  })

  test('leaves types out', () => {
    expect(imports('lib/index.ts')).not.toContain('./address')
  })
})

describe('lib/', () => {
  const pure = [
    ...modules.filter(file => /^lib\/(address|bpf|control|errqueue|runtime)\//.test(file)),
    'lib/errors/argument.ts',
    'lib/reactor/queue.ts',
    'lib/options/codec.ts',
    'lib/packet/block.ts',
    'lib/packet/frame.ts',
  ].filter(file => existsSync(path.join(root, file)))

  test.each(pure)('%s works without the addon', file => {
    expect(chain(file, binding)).toBeNull()
  })

  test('only binding.ts loads the addon', () => {
    const importers = modules.filter(file =>
      imports(file).some(specifier => resolve(file, specifier) === 'lib/binding/load.ts'),
    )
    expect(importers).toEqual([binding])
  })

  test('only load.ts knows how the addon is found', () => {
    expect(modules.filter(file => imports(file).includes('node-gyp-build'))).toEqual(['lib/binding/load.ts'])
  })

  test('beside that there are only modules of Node', () => {
    const others = modules.flatMap(file =>
      imports(file)
        .filter(specifier => !/^(\.|node:)/.test(specifier) && specifier !== 'node-gyp-build')
        .map(specifier => `${file}: ${specifier}`),
    )
    expect(others).toEqual([])
  })
})

describe('native/', () => {
  const sources = below('native', /\.(cc|h|inc)$/)
  const code = (file: string): string => read(file).replace(/\/\/.*$/gm, '')
  const includes = (file: string): string[] =>
    [...code(file).matchAll(/^\s*#\s*include\s*[<"]([^>"]+)[>"]/gm)].map(match => match[1] as string)

  test('a system call never touches Node-API or libuv itself', () => {
    const offenders = sources
      .filter(file => file.startsWith('native/syscalls/'))
      .filter(file => includes(file).some(header => /^(node_api|napi|uv|js_native_api)\b.*\.h$/.test(header)))
    expect(offenders).toEqual([])
  })

  test('libuv has two users', () => {
    const users = sources.filter(file => includes(file).includes('uv.h'))
    expect(users.sort()).toEqual(['native/wake_uv.cc', 'native/work_uv.cc'])
  })

  test('sys/ knows nothing of JavaScript', () => {
    const offenders = sources
      .filter(file => file.startsWith('native/sys/'))
      .filter(
        file =>
          /\b(napi_|uv_|Napi::)/.test(code(file)) ||
          includes(file).some(header => /(^|\/)(env|call|slots)\.h$/.test(header)),
      )
    expect(offenders).toEqual([])
  })

  test('differences between systems live in sys/ and constants/', () => {
    const offenders = sources
      .filter(file => !/^native\/(sys|constants)\//.test(file))
      .filter(file => /\b(__linux__|__APPLE__|__MACH__|_WIN32|__FreeBSD__)\b/.test(code(file)))
    expect(offenders).toEqual([])
  })

  test('no default loop: every environment has its own', () => {
    expect(sources.filter(file => code(file).includes('uv_default_loop'))).toEqual([])
  })

  test('sources.json names every source file once', () => {
    const list = JSON.parse(read('native/sources.json')) as Record<string, string[]>
    const listed = Object.values(list).flat()
    const compiled = sources.filter(file => file.endsWith('.cc') && !file.endsWith('.gen.cc'))
    expect(listed.sort()).toEqual(compiled.sort())
  })
})

test('no file names a home folder', () => {
  // Put together here, so that this file does not find itself.
  const home = new RegExp(['/(home|Users)/[a-z]', '/root/', 'C:\\\\Users'].join('|'))
  const folders = [
    'lib',
    'native',
    'test',
    'scripts',
    'bench',
    'examples',
    'docs',
    '.github',
    '.ci',
    'changelog.d',
  ]
  const text = /\.(ts|mts|js|mjs|cjs|cc|c|h|inc|tbl|md|json|yml|gyp|txt|supp|sh)$|^run$/
  const top = readdirSync(root).filter(name => text.test(name) && statSync(path.join(root, name)).isFile())
  const files = [...top, ...folders.flatMap(folder => below(folder, text))]
  expect(files.length).toBeGreaterThan(50)
  expect(files.filter(file => file !== 'test/unit/imports.test.ts' && home.test(read(file)))).toEqual([])
})
