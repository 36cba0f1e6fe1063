import { readFileSync } from 'node:fs'
import path from 'node:path'
import { ensureBuilt } from '../helpers/built'
import { missing, testIf } from '../helpers/need'
import { makeNamespace, type Namespace } from '../helpers/network'

const none = missing.network()

/** The pages, and what each of their blocks of code prints. */
const pages: Record<string, RegExp[]> = {
  transfer: [
    /^(false\n)*true\ntrue\n$/,
    /^ping\npong\n\{ aToB: 4, bToA: 4 \}\n$/,
    /^one 3 127\.0\.0\.1\ntwo 3 127\.0\.0\.1\nthree 5 127\.0\.0\.1\none\n$/,
    /^6000 5\n$/,
    /^1048576 true 1048576\n$/,
  ],
  multicast: [/^hello from 10\.77\.0\.1:\d+\n$/],
  raw: [/^64 bytes from 127\.0\.0\.1: ttl 64, [\d.]+ ms\n$/, /^by hand from 127\.0\.0\.9:1234\n$/],
}

describe.each(Object.entries(pages))('docs/%s.md', (name, says) => {
  const page = readFileSync(path.join(__dirname, `../../docs/${name}.md`), 'utf8')
  const blocks = [...page.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, code]) => code!)
  let namespace: Namespace
  beforeAll(async () => {
    if (none !== null) return
    ensureBuilt()
    namespace = await makeNamespace()
    await namespace.shell('ip addr add 10.77.0.1/32 dev lo') // multicast wants a source that is not 127.0.0.1
  })
  afterAll(() => namespace?.close())

  test('as many blocks as are known here', () => {
    expect(blocks).toHaveLength(says.length)
  })

  for (const [i, code] of blocks.entries()) {
    testIf(none, `block ${i + 1} runs`, async () => {
      const ended = await namespace.run(process.execPath, ['--input-type=module', '-e', code])
      expect(ended).toMatchObject({ code: 0, stderr: '' })
      expect(ended.stdout).toMatch(says[i]!)
    })
  }
})
