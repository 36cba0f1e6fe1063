import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import ts from 'typescript'
import { ensureBuilt } from '../helpers/built'
import { root, run } from '../helpers/child'

/*
 * A program for node:dgram, in each form of import. It runs as it is, and then with only the name of the module changed.
 */
const program = `
const server = dgram.createSocket('udp4')
server.on('message', (data, sender) => {
  server.send('got ' + data + ' of ' + sender.family, sender.port, sender.address)
})
server.bind(0, '127.0.0.1', () => {
  const client = dgram.createSocket({ type: 'udp4' }, data => {
    console.log(String(data), client instanceof dgram.Socket)
    client.close()
    server.close()
  })
  client.send('hello', server.address().port, '127.0.0.1')
})
`
/** The CommonJS that TypeScript makes of an ES module. */
const compiled = (esModuleInterop: boolean): string =>
  ts.transpile(`import dgram from 'node:dgram'\n${program}`, {
    module: ts.ModuleKind.CommonJS,
    esModuleInterop,
  })
const forms: [form: string, file: string, source: string][] = [
  ['the default import', 'default.mjs', `import dgram from 'node:dgram'\n${program}`],
  ['the import of the namespace', 'namespace.mjs', `import * as dgram from 'node:dgram'\n${program}`],
  ['await import', 'dynamic.mjs', `const { default: dgram } = await import('node:dgram')\n${program}`],
  ['require', 'require.cjs', `const dgram = require('node:dgram')\n${program}`],
  ['the default import of TypeScript in CommonJS', 'interop.cjs', compiled(true)],
]

let folder: string
beforeAll(() => {
  ensureBuilt()
  folder = mkdtempSync(path.join(tmpdir(), 'bsd-sockets-forms-'))
  mkdirSync(path.join(folder, 'node_modules'))
  symlinkSync(root, path.join(folder, 'node_modules/bsd-sockets'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function outputOf(name: string, source: string): Promise<string> {
  const file = path.join(folder, name)
  writeFileSync(file, source)
  const { code, stdout, stderr } = await run(process.execPath, [file])
  expect([code, stderr]).toEqual([0, ''])
  return stdout
}

test.each(forms)('%s works with the name of the module changed', async (_form, file, source) => {
  const expected = 'got hello of IPv4 true\n'
  expect(await outputOf(`node-${file}`, source)).toBe(expected)
  expect(await outputOf(file, source.replace('node:dgram', 'bsd-sockets/dgram'))).toBe(expected)
})

// node:dgram itself has no such default.
test('the default import of TypeScript without esModuleInterop works too', async () => {
  const source = compiled(false).replace('node:dgram', 'bsd-sockets/dgram')
  expect(await outputOf('plain.cjs', source)).toBe('got hello of IPv4 true\n')
})

test('every form gives the same module', async () => {
  const source = `
    import { createRequire } from 'node:module'
    import dgram, { Socket } from 'bsd-sockets/dgram'
    const required = createRequire(import.meta.url)('bsd-sockets/dgram')
    console.log(dgram === required, required.default === required, Socket === required.Socket)
  `
  expect(await outputOf('same.mjs', source)).toBe('true true true\n')
})
