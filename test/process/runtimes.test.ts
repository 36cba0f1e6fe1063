import { pathToFileURL } from 'node:url'
import path from 'node:path'
import { ensureDist, root, run } from '../helpers/child'
import { missing, testIf } from '../helpers/need'

/*
 * Bun crashes in libuv's polling, and Deno reports one event only and then hangs. Therefore the import refuses both
 * runtimes.
 */
const runtimes: [name: string, program: string, ...flags: string[]][] = [
  ['Bun', 'bun', '-e'],
  ['Deno', 'deno', 'eval'],
]

describe.each(runtimes)('%s', (name, program, ...flags) => {
  const absent = missing.program(program, '--version')

  for (const entry of ['index', 'sync', 'raw']) {
    testIf(absent, `the import is refused: ${entry}`, async () => {
      ensureDist()
      const file = pathToFileURL(path.join(root, 'dist', `${entry}.mjs`)).href
      const script = `await import('${file}').then(() => console.log('loaded'), e => console.log(e.code + ' ' + e.message))`
      const ended = await run(program, [...flags, script], { timeout: 30_000 })
      expect(ended).toMatchObject({
        code: 0,
        signal: null,
        stdout: `ERR_UNSUPPORTED_RUNTIME bsd-sockets needs Node.js: ${name} does not implement the libuv polling that it is built on.\n`,
      })
    })
  }

  testIf(absent, 'a program that does not catch the error of the import exits with 1', async () => {
    ensureDist()
    const file = pathToFileURL(path.join(root, 'dist', 'index.mjs')).href
    const ended = await run(program, [...flags, `await import('${file}')`], { timeout: 30_000 })
    expect(ended).toMatchObject({ code: 1, signal: null })
    expect(ended.stderr).toContain(`bsd-sockets needs Node.js: ${name}`)
  })
})
