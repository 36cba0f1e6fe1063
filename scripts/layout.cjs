// The layout of lib/: rooms on floors. A room is a folder of lib/, or a file directly in it; a module imports only from
// its own room and from rooms on floors below. Type imports count. Run: npm run check -- --layout
const { existsSync, readdirSync, readFileSync } = require('node:fs')
const path = require('node:path')

/** From the top to the ground. */
const floors = [
  ['index.ts', 'sync.ts', 'raw.ts', 'dgram.ts', 'linux.ts', 'darwin.ts'],
  ['net'],
  ['packet', 'poll'],
  ['capabilities'],
  ['socket'],
  ['operations'],
  ['message', 'names'],
  ['reactor'],
  ['options'],
  ['host.ts'],
  ['constants', 'errqueue'],
  ['binding', 'control'],
  ['address', 'bpf'],
  ['struct.ts', 'validators.ts'],
  ['errors'],
  ['platform.ts', 'runtime'],
]

const floorOf = new Map(floors.flatMap((rooms, floor) => rooms.map(room => [room, floor])))

function below(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const file = path.join(folder, entry.name)
    if (entry.isDirectory()) return below(file)
    return /\.m?ts$/.test(entry.name) ? [file] : []
  })
}

/** Returns every relative import of a module, including type imports, as files. */
function importsOf(file) {
  const source = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  const statement = /^\s*(?:import|export)\b[^'";]*?\bfrom\s*['"](\.[^'"]*)['"]/gm
  const call = /\b(?:require|import)\(\s*['"](\.[^'"]*)['"]\s*\)/g
  const specifiers = [statement, call].flatMap(pattern =>
    [...source.matchAll(pattern)].map(match => match[1]),
  )
  return specifiers.flatMap(specifier => {
    const base = path.resolve(path.dirname(file), specifier.replace(/\.js$/, ''))
    return [`${base}.ts`, path.join(base, 'index.ts')].filter(existsSync).slice(0, 1)
  })
}

/** Returns the groups of modules that import each other in a circle (Tarjan). */
function circlesOf(graph) {
  const index = new Map()
  const low = new Map()
  const stack = []
  const circles = []
  const visit = node => {
    index.set(node, index.size)
    low.set(node, index.get(node))
    stack.push(node)
    for (const next of graph.get(node) ?? []) {
      if (!index.has(next)) visit(next)
      if (stack.includes(next)) low.set(node, Math.min(low.get(node), low.get(next)))
    }
    if (low.get(node) !== index.get(node)) return
    const group = stack.splice(stack.indexOf(node))
    if (group.length > 1) circles.push(group)
  }
  for (const node of graph.keys()) if (!index.has(node)) visit(node)
  return circles
}

/** Returns the current layout. `up` and `circles` are faults; `homeless` rooms are on no floor. */
function measure(root) {
  const lib = path.join(root, 'lib')
  const name = file => path.relative(lib, file).split(path.sep).join('/')
  const roomOf = file => name(file).split('/')[0]
  const graph = new Map(below(lib).map(file => [name(file), importsOf(file).map(name)]))
  const rooms = new Map()
  const up = []
  for (const [file, imports] of graph) {
    const room = roomOf(path.join(lib, file))
    const arrows = rooms.get(room) ?? new Set()
    rooms.set(room, arrows)
    for (const target of imports) {
      const other = roomOf(path.join(lib, target))
      if (other === room) continue
      arrows.add(other)
      if (floorOf.get(other) <= floorOf.get(room)) up.push(`${file} -> ${target}`)
    }
  }
  const homeless = [...rooms.keys()].filter(room => !floorOf.has(room))
  return { files: graph.size, rooms, up, circles: circlesOf(graph), homeless }
}

function print({ files, rooms, up, circles, homeless }) {
  for (const floor of floors) {
    for (const room of floor.filter(each => rooms.has(each))) {
      console.log(`${room.padEnd(14)} ${[...rooms.get(room)].join(' ')}`)
    }
    console.log()
  }
  for (const each of up) console.log(`runs up: ${each}`)
  for (const each of circles) console.log(`circle: ${each.join(' ')}`)
  for (const each of homeless) console.log(`on no floor: ${each}`)
  const arrows = [...rooms.values()].reduce((sum, targets) => sum + targets.size, 0)
  console.log(
    `${rooms.size} rooms, ${files} files, ${arrows} arrows, ${up.length} that run up, ${circles.length} circles`,
  )
}

module.exports = { floors, measure }

if (require.main === module) {
  const layout = measure(path.dirname(__dirname))
  print(layout)
  process.exitCode = layout.up.length + layout.circles.length + layout.homeless.length > 0 ? 1 : 0
}
