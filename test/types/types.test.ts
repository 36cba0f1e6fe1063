import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/*
 * The files beside this one say what the types allow and refuse. They are compiled as a user's files are,
 * against the sources; an error that is expected and does not come is an error too.
 */
const root = path.resolve(__dirname, '../..')
const files = readdirSync(__dirname).filter(name => name.endsWith('.types.ts'))

test('the types accept and refuse what these files say', () => {
  const tsc = require.resolve('typescript/bin/tsc')
  const project = path.join(root, 'tsconfig.json')
  const run = spawnSync(process.execPath, [tsc, '--noEmit', '--pretty', 'false', '-p', project], {
    encoding: 'utf8',
    env: { ...process.env },
    maxBuffer: 1 << 26,
  })
  // Trouble with the project itself would leave no line about these files.
  expect(run.stdout).not.toMatch(/^error TS/m)
  const here = run.stdout.split('\n').filter(line => line.startsWith('test/types/'))
  expect(here).toEqual([])
  expect(run.error).toBeUndefined()
})

test.each(files)('%s expects errors', name => {
  expect(readFileSync(path.join(__dirname, name), 'utf8')).toContain('@ts-expect-error')
})
