import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { ensureDist, root } from '../helpers/child'

const dist = path.join(root, 'dist')

/** The modules whose exports V8 keeps in a dictionary, as it does with many constants. Each is only read at start. */
const READ_AT_START =
  /^((index|linux|darwin)\.js|constants\/.*|(names|bpf|options)\/index\.js|options\/codec\.js)$/

// The compiler makes a getter of `export { name }` if the name was imported, and V8 then keeps the exports in a
// dictionary. Optimized code calls a generic function for each use of such a module: a tenth of a receive.
test('modules that run for each operation do not keep their exports in a dictionary', () => {
  ensureDist()
  const script = `
    require(${JSON.stringify(path.join(dist, 'index.js'))})
    const slow = Object.values(require.cache).filter(each => !%HasFastProperties(each.exports)).map(each => each.filename)
    console.log(JSON.stringify([Object.keys(require.cache).length, slow]))`
  const text = execFileSync(process.execPath, ['--allow-natives-syntax', '-e', script], { encoding: 'utf8' })
  const [count, slow] = JSON.parse(text) as [number, string[]]
  expect(count).toBeGreaterThan(100)
  expect(slow.map(each => path.relative(dist, each)).filter(name => !READ_AT_START.test(name))).toEqual([])
})

// The compiler sets each export to undefined first. V8 then takes it for a variable, and optimized code loads and checks it
// for each use: 2 % of the time of an echo server.
test('no module sets an export twice', () => {
  ensureDist()
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.js'))
  const twice = files.flatMap(name => {
    const source = readFileSync(path.join(dist, name), 'utf8')
    const names = [...source.matchAll(/\bexports\.(\w+) = /g)].map(match => match[1]!)
    return names.filter((each, i) => names.indexOf(each) < i).map(each => `${name}: ${each}`)
  })
  expect(files.length).toBeGreaterThan(100)
  expect(twice).toEqual([])
})

// Mocks replace a re-export by its property, so tsc's first assignment must stay where it defines a getter.
test('a program can replace each re-export that is named', () => {
  ensureDist()
  const script = `const exported = Object.getOwnPropertyDescriptors(require('./dist'))
    const named = require('node:fs').readFileSync('dist/index.js', 'utf8').matchAll(/defineProperty\\(exports, "(\\w+)", \\{ e/g)
    const names = Array.from(named, match => match[1])
    console.log(JSON.stringify([names.length, names.filter(name => !exported[name].configurable)]))`
  const [count, fixed] = JSON.parse(
    execFileSync('node', ['-e', script], { cwd: root, encoding: 'utf8' }),
  ) as [number, string[]]
  expect(count).toBeGreaterThan(50)
  expect(fixed).toEqual([])
})
