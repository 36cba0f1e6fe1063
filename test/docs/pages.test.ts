import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { ensureBuilt } from '../helpers/built'
import { root } from '../helpers/child'
import { missing, testIf } from '../helpers/need'
import { makeNetwork, type Network } from '../helpers/network'

/*
 * Runs every block of JavaScript in README.md and docs/ in a network namespace. 'eth0' is one end of a veth pair,
 * and the other end sends pings. The expected output is listed here, by page and by the number of the block.
 */
const address = String.raw`(127\.0\.0\.1|\[::1\]):\d+`

const says: Record<string, (string | RegExp)[]> = {
  'README.md': [
    /^(64 bytes from 127\.0\.0\.1: sequence \d, [\d.]+ ms\n){3}$/,
    'requests:1|c\n',
    /^hello from 127\.0\.0\.1:\d+\n\d+ bytes sent, without a copy\n$/,
    'no promise here\n',
  ],
  'bundlers.md': ['not beside this program\n'],
  'dgram.md': ['hello\n', '', 'hello 127.0.0.1\n', 'hello 127.0.0.1\n'],
  'doctor.md': [/^(true|false)\n[^]*CAP_NET_RAW: true/],
  'errors.md': ['ECONNREFUSED connect 127.0.0.1 1\n', 'ABORT_ERR\nlater\n'],
  'framing.md': ['POST /items hello\n', 'one\ntwo and more\n', '100000\n', 'PING\nQUIT\n'],
  'from-c.md': ['131072 7\n', 'true -95 EOPNOTSUPP\n'],
  'from-node.md': ['echo\ndatagram 127.0.0.1\n'],
  'from-python.md': ['hello\n'],
  'link-layer.md': [
    /^(\d{19}n \w+ \d+ {2}[\da-f]{28}\n){3}\{ packets: \d+, drops: 0 \}\n$/,
    /^true\n(true\n){3}\{ packets: \d+, drops: 0, freezes: 0 \}\n$/,
    '',
    '0\n',
    /^\(000\) ldh {6}\[12\]\n[^]*\n0\n\{ op: 'ldh', mode: 'abs', k: 12 \}\n$/,
    '<Buffer 2a>\n',
    '',
    /^netlink:0:0x0 \d+\n$/,
  ],
  'messages.md': [
    'hello 127.0.0.1 9 false\n',
    '127.0.0.7\n',
    'take this bsd-sockets\n',
    'icmp ECONNREFUSED { type: 3, code: 3 } 127.0.0.1 127.0.0.1:9 probe\n',
    '0 scheduled bigint\n0 sent bigint\n',
  ],
  'multicast.md': [/^hello from 10\.77\.0\.1:\d+\n$/],
  'names.md': [/^((127\.0\.0\.1|\[::1\]):80\n)+\S+ 127\.0\.0\.1 https\n(\S+ \S+ \S+\n)+$/],
  'namespaces.md': ['', /^\[[^]*index: 1, name: 'lo'[^]*\] true\n$/],
  'proxies.md': ['198.51.100.7\n', '127.0.0.1 true\nanswer\n'],
  'raw.md': [/^64 bytes from 127\.0\.0\.1: ttl 64, [\d.]+ ms\n$/, 'by hand from 127.0.0.9:1234\n'],
  'recipes.md': [
    '<13>app: started\n',
    'one\ntwo\n',
    '@service\n',
    'a file bsd-sockets\n',
    'true true\n',
    '127.0.0.5\n',
    '4 1200\n',
    'ECONNREFUSED 127.0.0.1:9\n',
    '239.255.1.2 1\n',
    '184\n2\n',
    '65535\n',
    'true\n',
    'true\n',
    '3\n',
    'early\n',
    'true 0\n',
    'lo\n',
    '203.0.113.7\n',
    'true\n',
    '0\n',
    '28\n',
    /^(5000|no AF_VSOCK)\n$/,
    /^(yes|EPROTONOSUPPORT)\n$/,
  ],
  'runtimes.md': ['hello\n'],
  'select.md': ['true true 0\nhello\n'],
  'servers.md': [
    new RegExp(`^${address}\n$`),
    '',
    /^127\.0\.0\.1:\d+ 0\n$/,
    'you asked for /it\n',
    '',
    'echo\n',
    '',
  ],
  'streams.md': ['true\n', 'you asked for /it\n', 'you asked for /it\n', 'open\n'],
  'systemd.md': ['', 'READY=1\nSTATUS=serves 0 clients\n', 'still here\n'],
  'timestamps.md': [/^to the device: \d+n ns\non the way: \d+n ns\nuntil now: \d+n ns\n$/],
  'transfer.md': [
    /^(false\n)*true\ntrue\n$/,
    'ping\npong\n{ aToB: 4, bToA: 4 }\n',
    'one 3 127.0.0.1\ntwo 3 127.0.0.1\nthree 5 127.0.0.1\none\n',
    '6000 5\n',
    '1200\n1200\n1200\n1200\n1200\n',
    '1048576 true 1048576\n',
  ],
}

const none = missing.network() ?? missing.program('ping', '-V')
const pages = [
  'README.md',
  ...readdirSync(path.join(root, 'docs')).filter(name => name.endsWith('.md') && name !== 'README.md'),
]
const blocksOf = (page: string): string[] => {
  const text = readFileSync(path.join(root, page === 'README.md' ? '' : 'docs', page), 'utf8')
  return [...text.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, code]) => code!)
}

test('the list of pages and the number of their blocks are complete', () => {
  const counts = pages.map(page => [page, blocksOf(page).length] as const).filter(([, count]) => count > 0)
  const known = Object.entries(says).map(([page, texts]) => [page, texts.length])
  expect(Object.fromEntries(counts)).toEqual(Object.fromEntries(known))
})

describe('the code of', () => {
  let network: Network
  beforeAll(async () => {
    if (none !== null) return
    ensureBuilt()
    network = await makeNetwork({ ping: true })
    await network.a.shell('ip addr add 10.77.0.1/32 dev lo') // multicast needs a source address other than 127.0.0.1
    network.b.start('ping', ['-n', '-i', '0.05', '-w', '60', network.a.v4])
  })
  afterAll(() => network?.close())

  for (const page of Object.keys(says)) {
    for (const [i, code] of blocksOf(page).entries()) {
      testIf(none, `${page}: block ${i + 1} runs`, async () => {
        const script = code.replaceAll("'eth0'", "'a0'")
        const ended = await network.a.run(process.execPath, ['--input-type=module', '-e', script])
        expect(ended).toMatchObject({ code: 0, stderr: '' })
        const expected = says[page]![i]
        if (expected instanceof RegExp) expect(ended.stdout).toMatch(expected)
        else expect(ended.stdout).toBe(expected)
      })
    }
  }
})
