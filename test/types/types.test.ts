import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/*
 * The other files of this folder show what the types accept and reject. They are compiled against the sources, like
 * the files of a user. If an expected error does not occur, that is an error too.
 */
const root = path.resolve(__dirname, '../..')
const files = readdirSync(__dirname).filter(name => name.endsWith('.types.ts'))

test('the types accept and reject the code of these files as expected', () => {
  const tsc = require.resolve('typescript/bin/tsc')
  const project = path.join(root, 'tsconfig.json')
  const run = spawnSync(process.execPath, [tsc, '--noEmit', '--pretty', 'false', '-p', project], {
    encoding: 'utf8',
    env: { ...process.env },
    maxBuffer: 1 << 26,
  })
  // An error in the project itself would print no line about these files.
  expect(run.stdout).not.toMatch(/^error TS/m)
  const here = run.stdout.split('\n').filter(line => line.startsWith('test/types/'))
  expect(here).toEqual([])
  expect(run.error).toBeUndefined()
})

test.each(files)('%s expects errors', name => {
  expect(readFileSync(path.join(__dirname, name), 'utf8')).toContain('@ts-expect-error')
})
