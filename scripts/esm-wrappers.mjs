// What tsc leaves out of dist/: the generated constants, and the ES module twin of each entry point, which re-exports the
// CommonJS build, so that `import` and `require` give the same classes.
import { cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const dist = path.join(root, 'dist')
const require = createRequire(import.meta.url)
const constants = path.join(root, 'lib', 'constants')
const other = process.platform === 'darwin' ? 'linux' : 'darwin'

/** The names that an entry point exports; read from its source where this system cannot load it. */
function namesOf(entry) {
  if (entry !== other) return Object.keys(require(path.join(dist, `${entry}.js`)))
  return ['common', entry].flatMap(list => {
    const source = readFileSync(path.join(constants, `${list}.gen.d.ts`), 'utf8')
    return [...source.matchAll(/export declare const (\w+)/g)].map(match => match[1])
  })
}

// The generated constants are JavaScript and declarations already: tsc reads them and copies neither.
for (const file of readdirSync(constants)) {
  if (/\.gen\.(js|d\.ts)$/.test(file)) cpSync(path.join(constants, file), path.join(dist, 'constants', file))
}

for (const entry of ['index', 'sync', 'raw', 'linux', 'darwin']) {
  const names = namesOf(entry).filter(name => name !== '__esModule' && name !== 'default')
  // By require and not `import cjs from`: where an entry point throws (no binary, the other system), Node 20
  // raises it a second time, past the try block of whoever imported it.
  const module =
    "import { createRequire } from 'node:module'\n" +
    `export const { ${names.join(', ')} } = createRequire(import.meta.url)('./${entry}.js')\n`
  writeFileSync(path.join(dist, `${entry}.mjs`), module)
  writeFileSync(path.join(dist, `${entry}.d.mts`), `export * from './${entry}.js'\n`)
}
