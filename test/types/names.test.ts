import path from 'node:path'
import ts from 'typescript'
import { root } from '../helpers/child'

/*
 * The names that a user sees in an editor: the value of every option has the name of an exported type, and no internal
 * name is in the declarations of the classes.
 */
const main = path.join(root, 'lib/index.ts')
const configuration = ts.getParsedCommandLineOfConfigFile(
  path.join(root, 'tsconfig.build.json'),
  {},
  { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined },
)!
let program: ts.Program
let exported: ts.Symbol[]
beforeAll(() => {
  program = ts.createProgram([main], configuration.options)
  const checker = program.getTypeChecker()
  exported = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(main)!)!)
}, 60_000)

/** The types of the language and of Node, which need no name of this package. */
const general =
  /^(boolean|number|string|bigint|never|undefined|null|number\[\]|readonly number\[\]|Buffer|Buffer<.*>|ArrayBufferView|ArrayBufferView<.*>)$/

test('the value of every option is of the language or has an exported name', () => {
  const checker = program.getTypeChecker()
  const names = new Set(exported.map(each => each.name))
  const source = program.getSourceFile(path.join(root, 'lib/options/all.ts'))!
  const wrong: string[] = []
  let count = 0
  for (const option of checker.getExportsOfModule(checker.getSymbolAtLocation(source)!)) {
    const type = checker.getTypeOfSymbol(option)
    const [get, set] = checker.getTypeArguments(type as ts.TypeReference)
    if (get === undefined || set === undefined) continue
    count++
    for (const value of [get, set]) {
      const text = checker.typeToString(value, undefined, ts.TypeFormatFlags.NoTruncation)
      const parts = text.split(' | ').map(part => part.replace(/^readonly |\[\]$/g, ''))
      if (!parts.every(part => general.test(part) || names.has(part))) wrong.push(`${option.name}: ${text}`)
    }
  }
  expect(count).toBeGreaterThan(300)
  expect(wrong).toEqual([])
})

test('the declarations of the classes show no internals', () => {
  for (const file of [
    'socket/base',
    'socket/nonblocking',
    'socket/promises',
    'socket/index',
    'net/serve',
    'net/datagram',
  ]) {
    const source = program.getSourceFile(path.join(root, 'lib', `${file}.ts`))
    let text = ''
    program.emit(source, (_name, declarations) => (text += declarations), undefined, true)
    expect(text).toContain('export declare')
    const shown = text.replace(/^import .*$/gm, '')
    expect(shown.match(/\b(Adoption|Channel|\w+Operation|fromAdoption|reactor|native)\b.*/g) ?? []).toEqual(
      [],
    )
  }
})

// A type that the compiler infers can be Buffer<ArrayBuffer>. Before TypeScript 5.7 these classes have no parameters.
test('the declarations compile with old versions of TypeScript', () => {
  const wrong: string[] = []
  for (const source of program.getSourceFiles()) {
    if (source.isDeclarationFile) continue
    const check = (_name: string, text: string): void => {
      wrong.push(...(text.match(/^.*<ArrayBuffer>.*$/gm) ?? []))
    }
    program.emit(source, check, undefined, true)
  }
  expect(wrong).toEqual([])
})
