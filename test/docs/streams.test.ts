import { readFileSync } from 'node:fs'
import path from 'node:path'
import { ensureBuilt } from '../helpers/built'
import { run } from '../helpers/child'

/** The pages, and what each of their blocks of code prints. */
const pages = {
  select: ['true true 0\nhello\n'],
  streams: ['true\n', 'you asked for /it\n'],
}

beforeAll(ensureBuilt)

describe.each(Object.entries(pages))('docs/%s.md', (name, says) => {
  const page = readFileSync(path.join(__dirname, `../../docs/${name}.md`), 'utf8')
  const blocks = [...page.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, code]) => code!)

  test('as many blocks as are known here', () => {
    expect(blocks).toHaveLength(says.length)
  })

  test.each(blocks.map((code, i) => [i + 1, code] as const))('block %i runs', async (number, code) => {
    const ended = await run(process.execPath, ['--input-type=module', '-e', code])
    expect(ended).toMatchObject({ code: 0, stderr: '', stdout: says[number - 1] })
  })
})
