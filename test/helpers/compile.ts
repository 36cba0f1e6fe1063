import path from 'node:path'
import ts from 'typescript'
import { root } from './child'

const entry = (name: string): [string, string[]] => [
  name === 'index' ? 'bsd-sockets' : `bsd-sockets/${name}`,
  [path.join(root, `lib/${name}.ts`)],
]
const strict: ts.CompilerOptions = {
  strict: true,
  allowJs: true,
  noEmit: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ['node'],
  typeRoots: [path.join(root, 'node_modules/@types')],
  paths: Object.fromEntries(['index', 'sync', 'raw', 'linux', 'darwin', 'dgram'].map(entry)),
}

/** The checks that `strict` does not include. Code that a user copies must pass them too. */
export const strictest: ts.CompilerOptions = {
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
}

/**
 * Compiles files as strict TypeScript against the sources, as a user would, and returns the errors of each by its name.
 * The files need only be in memory. JavaScript is checked if it begins with `// @ts-check`.
 */
export function compileStrictly(
  files: Map<string, string>,
  more: ts.CompilerOptions = {},
): Map<string, string[]> {
  const options = { ...strict, ...more }
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
