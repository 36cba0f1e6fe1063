// Measures how much of lib/ ran: in jest, in a jest that a test starts, and in Nodes that tests start, which load
// dist/.
import { chmodSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { bin, must, root } from '../tools.mjs'

const require = createRequire(import.meta.url)
const { createCoverageMap } = require('istanbul-lib-coverage')
const { createInstrumenter } = require('istanbul-lib-instrument')
const { createSourceMapStore } = require('istanbul-lib-source-maps')

const readJson = file => JSON.parse(readFileSync(file, 'utf8'))

/** Creates the instrumented copy of dist/ (see child.cjs). Returns the coverage objects that its counts belong to. */
export async function prepareChildren(folder) {
  const copy = path.join(folder, 'dist')
  mkdirSync(path.join(folder, 'children'))
  for (const each of [folder, path.join(folder, 'children')]) chmodSync(each, 0o777)
  const options = ['-p', 'tsconfig.build.json', '--outDir', copy, '--sourceMap', '--declaration', 'false']
  await must('tsc', process.execPath, [bin('typescript', 'tsc'), ...options])
  const compiled = {}
  for (const name of readdirSync(copy, { recursive: true }).filter(each => each.endsWith('.js'))) {
    const file = path.join(copy, name)
    const map = readJson(`${file}.map`)
    map.sources = [path.join(root, 'lib', name.replace(/js$/, 'ts'))]
    const instrumenter = createInstrumenter({ esModules: false })
    const original = path.join(root, 'dist', name)
    writeFileSync(file, instrumenter.instrumentSync(readFileSync(file, 'utf8'), original, map))
    compiled[original] = instrumenter.lastFileCoverage()
  }
  return compiled
}

/** Adds up the counts that jest and the children wrote. Both use the same ids for the same places. */
export async function typescriptCoverage(folder, compiled) {
  const children = path.join(folder, 'children')
  for (const name of readdirSync(children)) addCounts(compiled, readJson(path.join(children, name)))
  const whole = (await createSourceMapStore().transformCoverage(createCoverageMap(compiled))).toJSON()
  for (const name of readdirSync(folder).filter(each => each.startsWith('jest-'))) {
    addCounts(whole, readJson(path.join(folder, name, 'coverage-final.json')))
  }
  return Object.values(whole).map(each => each.toJSON())
}

function addCounts(files, counts) {
  for (const [file, { s, b }] of Object.entries(counts)) {
    const into = files[file]
    for (const id of Object.keys(s)) into.s[id] += s[id]
    for (const id of Object.keys(b)) into.b[id] = into.b[id].map((count, index) => count + b[id][index])
  }
}
