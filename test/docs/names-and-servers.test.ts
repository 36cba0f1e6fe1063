import { readFileSync } from 'node:fs'
import path from 'node:path'
import { ensureBuilt } from '../helpers/built'
import { root, run } from '../helpers/child'

/** What the blocks of a page print, in their order. */
const pages: Record<string, RegExp[]> = {
  'names.md': [/^((127\.0\.0\.1|\[::1\]):80\n)+\S+ 127\.0\.0\.1 https\n(\S+ \S+ \S+\n)+$/],
  'servers.md': [/^(127\.0\.0\.1|\[::1\]):\d+\n$/, /^127\.0\.0\.1:\d+ 0\n$/, /^echo\n$/],
}

beforeAll(ensureBuilt)

for (const [name, says] of Object.entries(pages)) {
  const text = readFileSync(path.join(root, 'docs', name), 'utf8')
  const blocks = [...text.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(match => match[1]!)

  test(`docs/${name} has as many blocks as are known here`, () => {
    expect(blocks).toHaveLength(says.length)
  })

  test.each(blocks.map((code, i) => [i + 1, code, says[i]!] as const))(
    `docs/${name}: block %i runs`,
    async (_, code, pattern) => {
      const ended = await run(process.execPath, ['--input-type=module', '-e', code])
      expect(ended).toMatchObject({ code: 0, stderr: '' })
      expect(ended.stdout).toMatch(pattern)
    },
  )
}
