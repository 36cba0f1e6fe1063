import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { root } from '../helpers/child'
import { compileStrictly } from '../helpers/compile'

const folder = path.join(root, 'examples')
const sources = readdirSync(folder)
  .filter(name => name.endsWith('.mjs'))
  .map(name => [name, readFileSync(path.join(folder, name), 'utf8')] as const)
const checked = sources.filter(([, text]) => text.startsWith('// @ts-check\n'))

let errors: Map<string, string[]>
beforeAll(() => {
  errors = compileStrictly(new Map(checked.map(([name, text]) => [path.join(folder, name), text])))
}, 120_000)

test.each(checked)('examples/%s compiles as strict TypeScript', name => {
  expect(errors.get(path.join(folder, name))).toEqual([])
})

test('an error in an example is reported', () => {
  const wrong = path.join(folder, 'wrong.mjs')
  const text = "// @ts-check\nimport { Socket } from 'bsd-sockets'\nnew Socket().bind(1)\n"
  expect(compileStrictly(new Map([[wrong, text]])).get(wrong)).toEqual([
    expect.stringMatching(/^new Socket.*: Argument of type 'number'/),
  ])
})
