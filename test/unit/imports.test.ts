import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'

/*
 * Which module may import which. Decoders, queues and codecs run without the addon, because they are tested with the
 * tables of the other system too. They never import the binding. Each rule of native/ has one place.
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

/** Returns the modules that a module loads when it runs; the compiler removes imports of types. */
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

/** Returns the file of a relative import. */
function resolve(from: string, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null
  const base = path.posix.join(path.posix.dirname(from), specifier.replace(/\.js$/, ''))
  if (existsSync(path.join(root, `${base}.d.ts`))) return null // generated: it imports only the constants of the binding
  const candidates = [`${base}.ts`, `${base}/index.ts`]
  const file = candidates.find(each => existsSync(path.join(root, each)))
  if (file === undefined) throw new Error(`${from}: nothing behind '${specifier}'`)
  return file
}

/** Returns the shortest import path from one module to another, or null. */
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

  test('no module imports from a higher floor or from another module of its floor, not even types', () => {
    expect(layout.up).toEqual([])
  })

  test('no modules import each other in a circle', () => {
    expect(layout.circles).toEqual([])
  })

  test('every folder of lib/ has a floor', () => {
    expect(layout.homeless).toEqual([])
  })
})

describe('the parser of imports in this test', () => {
  test('the parser finds the import path to the binding where there is one', () => {
    expect(chain('lib/socket/index.ts', binding)).not.toBeNull()
    expect(imports('lib/index.ts')).toContain('./socket')
  })

  test('the parser leaves imports of types out', () => {
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

  test('constants come from lib/constants, and in decoders and codecs from the platform in the argument', () => {
    const users = (pattern: RegExp): string[] => modules.filter(file => pattern.test(read(file)))
    expect(users(/native\.constants/).sort()).toEqual(['lib/constants/define.ts'])
    const above = users(/platform\.constants/).filter(
      file => !/^lib\/(address|control|errqueue|options\/codecs)\//.test(file),
    )
    expect(above).toEqual([])
  })

  test('only binding.ts loads the addon', () => {
    const importers = modules.filter(file =>
      imports(file).some(specifier => resolve(file, specifier) === 'lib/binding/load.ts'),
    )
    expect(importers).toEqual([binding])
  })

  test('only load.ts imports node-gyp-build', () => {
    expect(modules.filter(file => imports(file).includes('node-gyp-build'))).toEqual(['lib/binding/load.ts'])
  })

  test('other imports are modules of Node', () => {
    const others = modules.flatMap(file =>
      imports(file)
        .filter(specifier => !/^(\.|node:)/.test(specifier) && specifier !== 'node-gyp-build')
        .map(specifier => `${file}: ${specifier}`),
    )
    expect(others).toEqual([])
  })
})

describe('native/', () => {
  const sources = below('native', /\.(cc|h)$/)
  const code = (file: string): string => read(file).replace(/\/\/.*$/gm, '')
  const includes = (file: string): string[] =>
    [...code(file).matchAll(/^\s*#\s*include\s*[<"]([^>"]+)[>"]/gm)].map(match => match[1] as string)

  test('system calls do not include Node-API or libuv', () => {
    const offenders = sources
      .filter(file => file.startsWith('native/syscalls/'))
      .filter(file => includes(file).some(header => /^(node_api|napi|uv|js_native_api)\b.*\.h$/.test(header)))
    expect(offenders).toEqual([])
  })

  test('only the files named _uv.cc include libuv', () => {
    const users = sources.filter(file => includes(file).includes('uv.h'))
    expect(users.sort()).toEqual(['native/direct_uv.cc', 'native/notifier_uv.cc', 'native/wake_uv.cc'])
  })

  test('sys/ does not include Node-API, libuv or the environment', () => {
    const offenders = sources
      .filter(file => file.startsWith('native/sys/'))
      .filter(
        file =>
          /\b(napi_|uv_|Napi::)/.test(code(file)) ||
          includes(file).some(header => /(^|\/)(env|call|slots)\.h$/.test(header)),
      )
    expect(offenders).toEqual([])
  })

  test('#ifdef of a system is only in sys/ and constants/', () => {
    const offenders = sources
      .filter(file => !/^native\/(sys|constants)\//.test(file))
      .filter(file => /\b(__linux__|__APPLE__|__MACH__|_WIN32|__FreeBSD__)\b/.test(code(file)))
    expect(offenders).toEqual([])
  })

  test('no file uses the default loop, because every environment has its own', () => {
    expect(sources.filter(file => code(file).includes('uv_default_loop'))).toEqual([])
  })

  test('sources.json names every source file once', () => {
    const list = JSON.parse(read('native/sources.json')) as Record<string, string[]>
    const listed = Object.values(list).flat()
    const compiled = sources.filter(file => file.endsWith('.cc'))
    expect(listed.sort()).toEqual(compiled.sort())
  })
})

test('no file contains the path of a home folder', () => {
  // The pattern is put together here, so that this file does not match it.
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
  const text = /\.(ts|mts|js|mjs|cjs|cc|c|h|inc|tbl|md|json|yml|gypi?|txt|supp|sh)$|^run$/
  const top = readdirSync(root).filter(name => text.test(name) && statSync(path.join(root, name)).isFile())
  const files = [...top, ...folders.flatMap(folder => below(folder, text))]
  expect(files.length).toBeGreaterThan(50)
  expect(files.filter(file => file !== 'test/unit/imports.test.ts' && home.test(read(file)))).toEqual([])
})
