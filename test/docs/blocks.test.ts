import path from 'node:path'
import { root } from '../helpers/child'
import { compileStrictly, strictest } from '../helpers/compile'

/*
 * Every block of JavaScript in README.md and docs/ compiles as strict TypeScript, against the sources. `npm run
 * check:types` compiles them against the package, with every version of TypeScript and @types/node.
 */
interface Block {
  page: string
  number: number
  line: number
  code: string
}
// eslint-disable-next-line @typescript-eslint/no-require-imports -- a script that is no module
const { docBlocks } = require('../../scripts/doc-blocks.cjs') as { docBlocks(root: string): Block[] }

const fileOf = ({ page, number }: Block): string =>
  path.join(root, 'test/docs', `${page.replace(/\W/g, '-')}-${number}.mts`)
const blocks = docBlocks(root)
let errors: Map<string, string[]>
beforeAll(() => {
  errors = compileStrictly(new Map(blocks.map(block => [fileOf(block), block.code])), strictest)
}, 120_000)

test.each(blocks.map(block => [`${block.page}: block ${block.number} (line ${block.line})`, block] as const))(
  '%s compiles as strict TypeScript',
  (_, block) => {
    expect(errors.get(fileOf(block))).toEqual([])
  },
)

test('a block with an error is reported', () => {
  const wrong = path.join(root, 'test/docs/wrong.mts')
  const code = "import { Socket, AF_INET } from 'bsd-sockets'\nnew Socket(AF_INET).getsockname().path\n"
  expect(compileStrictly(new Map([[wrong, code]])).get(wrong)).toEqual([
    expect.stringMatching(/^new Socket.*: Property 'path' does not exist on type 'InetAddress'/),
  ])
})
