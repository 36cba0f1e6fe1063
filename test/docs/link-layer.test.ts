import { readFileSync } from 'node:fs'
import path from 'node:path'
import { ensureBuilt } from '../helpers/built'
import { missing, testIf } from '../helpers/need'
import { makeNetwork, type Network } from '../helpers/network'

const none = missing.network() ?? missing.program('ping', '-V')
const page = readFileSync(path.join(__dirname, '../../docs/link-layer.md'), 'utf8')
const blocks = page.split(/^## /m).flatMap(section =>
  [...section.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, code], i) => ({
    name: `${section.slice(0, section.indexOf('\n'))}${i === 0 ? '' : ', again'}`,
    code: code!,
  })),
)

/** What a block prints, where it prints anything. */
const says: Record<string, RegExp> = {
  Capture: /^(\d{19}n \w+ \d+  [\da-f]{28}\n){3}\{ packets: \d+, drops: 0 \}\n$/,
  Rings: /^true\n(true\n){3}\{ packets: \d+, drops: 0, freezes: 0 \}\n$/,
  Send: /^$/,
  Filters: /^\(000\) ldh {6}\[12\]\n[^]*\n0\n\{ op: 'ldh', mode: 'abs', k: 12 \}\n$/,
  'Filters, again': /^<Buffer 2a>\n$/,
  Fanout: /^$/,
  Netlink: /^netlink:0:0x0 \d+\n$/,
}

describe('docs/link-layer.md', () => {
  let network: Network
  beforeAll(async () => {
    if (none !== null) return
    ensureBuilt()
    network = await makeNetwork()
    network.b.start('ping', ['-n', '-i', '0.05', '-w', '30', network.a.v4])
  })
  afterAll(() => network?.close())

  test.each(blocks)('the code of "$name" is known here', ({ name }) => {
    expect(Object.keys(says)).toContain(name)
  })

  for (const { name, code } of blocks) {
    testIf(none, `the code of "${name}" runs`, async () => {
      const script = code.replaceAll("'eth0'", "'a0'")
      const ended = await network.a.run(process.execPath, ['--input-type=module', '-e', script])
      expect(ended).toMatchObject({ code: 0, stderr: '' })
      expect(ended.stdout).toMatch(says[name]!)
    })
  }
})
