import { readFileSync } from 'node:fs'
import path from 'node:path'
import { ensureBuilt } from '../helpers/built'
import { run } from '../helpers/child'
import { missing, testIf } from '../helpers/need'

const page = readFileSync(path.join(__dirname, '../../docs/messages.md'), 'utf8')
const blocks = new Map(
  page
    .split(/^## /m)
    .flatMap(section =>
      [...section.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(
        ([, code]) => [section.slice(0, section.indexOf('\n')), code!] as const,
      ),
    ),
)

/** What each block prints. */
const says = new Map([
  ['Receiving', 'hello 127.0.0.1 9 false\n'],
  ['Sending', '127.0.0.7\n'],
  ['Descriptors', 'take this bsd-sockets\n'],
  ['The error queue', 'icmp ECONNREFUSED { type: 3, code: 3 } 127.0.0.1 127.0.0.1:9 anybody?\n'],
  ['Timestamps of what was sent', '0 scheduled bigint\n0 sent bigint\n'],
])

describe('docs/messages.md', () => {
  beforeAll(() => ensureBuilt())

  test('every block of code is known here', () => {
    expect([...blocks.keys()]).toEqual([...says.keys()])
  })

  for (const [name, code] of blocks) {
    testIf(missing.linux(), `the code of "${name}" runs`, async () => {
      const ended = await run(process.execPath, ['--input-type=module', '-e', code])
      expect(ended).toMatchObject({ code: 0, stderr: '', stdout: says.get(name) })
    })
  }
})
