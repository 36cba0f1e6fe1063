// The reasons why no test reaches a line or branch. They stand in the source, so that they move with it:
//
//   // uncovered: out of memory            above a statement or function, and covers it to its last line
//   if (failed) return // uncovered: …     at the end of a line, and covers this line
//   // uncovered file: macOS only          covers the file
'use strict'
const { readFileSync } = require('node:fs')
const path = require('node:path')

const root = path.resolve(__dirname, '../..')
const NONE = 'without a reason'
const UNUSED = 'reasons without a gap: delete them'
const MARKER = /\/\/ uncovered( file)?: (.+)$/

/**
 * Returns the reasons in a source text: each with its line, and the first and last line that it covers. Lines count
 * from 1.
 */
function reasonsIn(source) {
  const lines = source.split('\n')
  const found = []
  for (const [i, line] of lines.entries()) {
    const marker = MARKER.exec(line)
    if (marker === null) continue
    const [, file, reason] = marker
    const own = line.trim() === marker[0]
    const [from, to] = file !== undefined ? [1, lines.length] : own ? statement(lines, i + 1) : [i + 1, i + 1]
    found.push({ line: i + 1, from, to, reason })
  }
  return found
}

/**
 * Returns the first and last line of the statement that begins at an index. Its other lines are indented deeper, or
 * only close a bracket. The formatters guarantee that.
 */
function statement(lines, index) {
  let first = index
  while (/^\s*(\/\/|$)/.test(lines[first] ?? '.')) first++
  const depth = indent(lines[first] ?? '')
  let last = first
  for (let i = first + 1; i < lines.length; i++) {
    const line = lines[i]
    if (line.trim() === '') continue
    const closes = indent(line) === depth && /^[)\]}]/.test(line.trim())
    if (indent(line) <= depth && !closes) break
    last = i
    // `} else {` continues the statement.
    if (closes && !/[{([]$/.test(line)) break
  }
  return [first + 1, last + 1]
}

function indent(line) {
  return line.length - line.trimStart().length
}

/** Returns the gaps by reason as text, and the number of gaps without a reason. */
function explain(gaps, files = [], read = file => readFileSync(path.join(root, file), 'utf8')) {
  const sections = new Map([[NONE, []]])
  const unused = []
  const add = (reason, row) => sections.set(reason, [...(sections.get(reason) ?? []), row])
  for (const [file, kinds] of byFile(gaps, files)) {
    const source = read(file)
    const lines = source.split('\n')
    const reasons = reasonsIn(source)
    for (const [line, kind] of kinds) {
      // The narrowest reason counts.
      const covers = reasons.filter(({ from, to }) => from <= line && line <= to)
      const best = covers.sort((a, b) => a.to - a.from - (b.to - b.from))[0]
      if (best !== undefined) best.used = true
      add(best?.reason ?? NONE, `${file}:${line} (${kind}) ${lines[line - 1].trim()}`)
    }
    for (const { line, reason, used } of reasons) if (!used) unused.push(`${file}:${line} ${reason}`)
  }
  if (unused.length > 0) sections.set(UNUSED, unused)
  const shown = [...sections].filter(([, rows]) => rows.length > 0)
  return {
    text: shown.map(([reason, rows]) => `# ${reason}: ${rows.length}\n${rows.join('\n')}\n`).join('\n'),
    unexplained: sections.get(NONE).length,
    unused: unused.length,
  }
}

/** Returns the gaps of each file, one for each line: a line that no test reached is not listed again for branches. */
function byFile(gaps, files) {
  const found = new Map(files.map(file => [file, new Map()]))
  for (const { file, line, kind } of gaps) {
    if (!found.has(file)) found.set(file, new Map())
    if (!found.get(file).has(line)) found.get(file).set(line, kind)
  }
  return found
}

module.exports = { explain, reasonsIn }
