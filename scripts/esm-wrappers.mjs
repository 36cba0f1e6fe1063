// Writes the files of dist/ that tsc does not: the generated constants, and an ES module for each entry point. The ES
// module re-exports the CommonJS build, so that `import` and `require` give the same classes. If the
// CommonJS build has a default, so has the ES module: the whole module, as in the modules of Node. It also makes the
// exports constants for V8, and the declarations readable for TypeScript before 5.7.
import { cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const dist = path.join(root, 'dist')
const require = createRequire(import.meta.url)
const constants = path.join(root, 'lib', 'constants')
const other = process.platform === 'darwin' ? 'linux' : 'darwin'

/** Returns the names that an entry point exports. Reads them from the source if this system cannot load the module. */
function namesOf(entry) {
  if (entry !== other) return Object.keys(require(path.join(dist, `${entry}.js`)))
  return ['common', entry].flatMap(list => {
    const source = readFileSync(path.join(constants, `${list}.gen.d.ts`), 'utf8')
    return [...source.matchAll(/export declare const (\w+)/g)].map(match => match[1])
  })
}

// The generated constants are JavaScript and declarations: tsc reads them but does not copy them.
for (const file of readdirSync(constants)) {
  if (/\.gen\.(js|d\.ts)$/.test(file)) cpSync(path.join(constants, file), path.join(dist, 'constants', file))
}

// tsc first sets every export to undefined. V8 takes a property that is set twice for a variable: optimized code would load
// it for each use of an imported number or function, and check it. A property that is set once is a constant. For a re-export
// tsc defines a getter later, which can be replaced only because the property was set before.
for (const file of readdirSync(dist, { recursive: true })) {
  if (!file.endsWith('.js')) continue
  const text = readFileSync(path.join(dist, file), 'utf8')
  const once = text.replace(/^(exports\.\w+ = )+void 0;\n/gm, line => {
    const getters = line.match(/exports\.\w+ = /g).filter(each => {
      const name = each.slice('exports.'.length, -' = '.length)
      return text.includes(`Object.defineProperty(exports, "${name}", `)
    })
    return getters.length === 0 ? '' : `${getters.join('')}void 0;\n`
  })
  if (once !== text) writeFileSync(path.join(dist, file), once)
}

// tsc writes inferred types with all their arguments. Buffer and the views have none before TypeScript 5.7; since then
// this one is the default.
for (const file of readdirSync(dist, { recursive: true })) {
  if (!file.endsWith('.d.ts')) continue
  const text = readFileSync(path.join(dist, file), 'utf8')
  const plain = text.replaceAll('<ArrayBufferLike>', '')
  if (plain !== text) writeFileSync(path.join(dist, file), plain)
}

for (const entry of ['index', 'sync', 'raw', 'dgram', 'linux', 'darwin']) {
  const all = namesOf(entry)
  const names = all.filter(name => name !== '__esModule' && name !== 'default')
  const whole = all.includes('default')
  // Uses require instead of `import cjs from`. If an entry point throws (no binary, wrong system), Node 20 throws the
  // error of an import a second time, outside the caller's try block.
  const module =
    "import { createRequire } from 'node:module'\n" +
    `const module = createRequire(import.meta.url)('./${entry}.js')\n` +
    `export const { ${names.join(', ')} } = module\n` +
    (whole ? 'export default module\n' : '')
  const types =
    `export * from './${entry}.js'\n` + (whole ? `export * as default from './${entry}.js'\n` : '')
  writeFileSync(path.join(dist, `${entry}.mjs`), module)
  writeFileSync(path.join(dist, `${entry}.d.mts`), types)
}
