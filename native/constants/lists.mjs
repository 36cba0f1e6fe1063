// Writes the lists that constants.cc includes, constants.gen.inc and layout.gen.inc, into a folder, and prints the
// folder. Every build of the addon runs it: native/addon.gypi, native/CMakeLists.txt, scripts/cross.mjs.
//
//   node native/constants/lists.mjs FOLDER

import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { guards, listOf, readTables } from './tables.mjs'

const fallbackGuards = { linux: 'defined(BSD_LINUX_GENERIC_ABI)', darwin: guards.darwin }

/** Returns the [condition, row] pairs of a constant; the first condition that is true decides. */
function rowsOf({ kind, name, fallback, where }) {
  return Object.keys(where).flatMap(os => {
    if (kind === 'E') return [[guards[os], `BSD_CONSTANT("${name}", ${name})`]]
    const condition = `${guards[os]} && defined(${name})`
    if (kind === 'M') return [[condition, `BSD_CONSTANT("${name}", ${name})`]]
    return [
      [condition, `BSD_CONSTANT_SINCE("${name}", ${name}, ${fallback[os]})`],
      [fallbackGuards[os], `BSD_CONSTANT("${name}", ${fallback[os]})`],
    ]
  })
}

/** Every name is in the list on every system, so that JavaScript knows those that this system lacks. */
function constantsText(constants) {
  const out = []
  let last = {}
  for (const row of constants.filter(each => each.heading === undefined)) {
    const mark = { group: row.group, list: listOf(row) }
    if (mark.group !== last.group) out.push(`BSD_MARK("@${mark.group}")`)
    if (mark.list !== last.list) out.push(`BSD_MARK(":${mark.list}")`)
    last = mark
    for (const [index, [condition, text]] of rowsOf(row).entries()) {
      out.push(`${index === 0 ? '#if' : '#elif'} ${condition}`, text)
    }
    out.push('#else', `BSD_CONSTANT("${row.name}", kMissing)`, '#endif')
  }
  return out.join('\n')
}

function layoutText(layout) {
  return layout
    .map(({ name, guard, expression }) => {
      const row = `BSD_CONSTANT("${name}", ${expression})`
      return guard === '' ? row : `#if ${guard}\n${row}\n#endif`
    })
    .join('\n')
}

const [folder] = process.argv.slice(2)
const { constants, layout } = readTables()
mkdirSync(folder, { recursive: true })
writeFileSync(path.join(folder, 'constants.gen.inc'), `${constantsText(constants)}\n`)
writeFileSync(path.join(folder, 'layout.gen.inc'), `${layoutText(layout)}\n`)
console.log(folder)
