import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/*
 * The other files of this folder show what the types accept and reject. They are compiled against the sources, like
 * the files of a user. If an expected error does not occur, that is an error too. Those of dom/ are compiled with the
 * types of the web.
 */
const root = path.resolve(__dirname, '../..')
const files = readdirSync(__dirname, { recursive: true, encoding: 'utf8' }).filter(name =>
  name.endsWith('.types.ts'),
)

test.each(['tsconfig.json', 'test/types/dom/tsconfig.json'])(
  'the types accept and reject as expected: %s',
  name => {
    const tsc = require.resolve('typescript/bin/tsc')
    const project = path.join(root, name)
    const run = spawnSync(process.execPath, [tsc, '--noEmit', '--pretty', 'false', '-p', project], {
      encoding: 'utf8',
      cwd: root, // the files of the answer are relative to it
      env: { ...process.env },
      maxBuffer: 1 << 26,
    })
    // An error in the project itself would print no line about these files.
    expect(run.stdout).not.toMatch(/^error TS/m)
    const here = run.stdout.split('\n').filter(line => line.startsWith('test/types/'))
    expect(here).toEqual([])
    expect(run.error).toBeUndefined()
  },
)

test.each(files)('%s expects errors', name => {
  expect(readFileSync(path.join(__dirname, name), 'utf8')).toContain('@ts-expect-error')
})
