import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { root } from '../helpers/child'
import { compileStrictly } from '../helpers/compile'

const folder = path.join(root, 'examples')
const sources = readdirSync(folder)
  .filter(name => name.endsWith('.mjs'))
  .map(name => [name, readFileSync(path.join(folder, name), 'utf8')] as const)

let errors: Map<string, string[]>
beforeAll(() => {
  errors = compileStrictly(new Map(sources.map(([name, text]) => [path.join(folder, name), text])))
}, 120_000)

test.each(sources)('examples/%s is checked, and compiles as strict TypeScript', (name, text) => {
  expect(text).toMatch(/^\/\/ @ts-check\n/)
  expect(errors.get(path.join(folder, name))).toEqual([])
})

test('an error in an example is reported', () => {
  const wrong = path.join(folder, 'wrong.mjs')
  const text = "// @ts-check\nimport { Socket } from 'bsd-sockets'\nnew Socket().bind(1)\n"
  expect(compileStrictly(new Map([[wrong, text]])).get(wrong)).toEqual([
    expect.stringMatching(/^new Socket.*: Argument of type 'number'/),
  ])
})
