import path from 'node:path'
import ts from 'typescript'
import { root } from '../helpers/child'

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

const entry = (name: string): [string, string[]] => [
  name === 'index' ? 'bsd-sockets' : `bsd-sockets/${name}`,
  [path.join(root, `lib/${name}.ts`)],
]
const options: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ['node'],
  typeRoots: [path.join(root, 'node_modules/@types')],
  paths: Object.fromEntries(['index', 'sync', 'raw', 'linux', 'darwin'].map(entry)),
}

/** Compiles files that are only in memory, and returns the errors of each by its name. */
function compile(files: Map<string, string>): Map<string, string[]> {
  const host = ts.createCompilerHost(options, true)
  const { fileExists, readFile } = host
  host.fileExists = name => files.has(name) || fileExists(name)
  host.readFile = name => files.get(name) ?? readFile(name)
  host.getSourceFile = (name, target) => {
    const text = host.readFile(name)
    return text === undefined ? undefined : ts.createSourceFile(name, text, target, true)
  }
  const program = ts.createProgram([...files.keys()], options, host)
  const errorsOf = (name: string): string[] => {
    const source = program.getSourceFile(name)!
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ start, messageText }) => {
        const line = start === undefined ? 0 : source.getLineAndCharacterOfPosition(start).line
        return `${source.text.split('\n')[line]}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
      },
    )
  }
  return new Map([...files.keys()].map(name => [name, errorsOf(name)]))
}

const fileOf = ({ page, number }: Block): string =>
  path.join(root, 'test/docs', `${page.replace(/\W/g, '-')}-${number}.mts`)
const blocks = docBlocks(root)
let errors: Map<string, string[]>
beforeAll(() => {
  errors = compile(new Map(blocks.map(block => [fileOf(block), block.code])))
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
  expect(compile(new Map([[wrong, code]])).get(wrong)).toEqual([
    expect.stringMatching(/^new Socket.*: Property 'path' does not exist on type 'InetAddress'/),
  ])
})
