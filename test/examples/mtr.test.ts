import path from 'node:path'
import { ensureBuilt } from '../helpers/built'
import { asNobody } from '../helpers/child'
import { missing, testIf } from '../helpers/need'
import type { Namespace } from '../helpers/network'
import { makeRoute } from '../helpers/route'

const none = missing.network()
const mtr = none ?? missing.program('mtr', '--version')
const program = path.join(__dirname, '../../examples/mtr.mjs')

/** Returns number, host, loss and count of each hop. */
const hopsOf = (report: string): (string | undefined)[][] =>
  [...report.matchAll(/^ +(\d+)\.\|-- (\S+) +([\d.]+%) +(\d+)/gm)].map(row => row.slice(1))

describe('examples/mtr.mjs', () => {
  let sides: Namespace[] = []
  beforeAll(async () => {
    if (none !== null) return
    ensureBuilt()
    sides = await makeRoute()
  })
  afterAll(() => Promise.all(sides.map(side => side.close())))

  const ours = (...args: string[]) => sides[0]!.run(process.execPath, [program, '-i', '0.1', ...args])

  for (const [family, router, target] of [
    [4, '10.77.1.2', '10.77.2.2'],
    [6, 'fd77:1::2', 'fd77:2::2'],
  ] as const) {
    testIf(mtr, `IPv${family}: mtr.mjs reports the same hops and losses as mtr`, async () => {
      const theirs = await sides[0]!.run('mtr', ['--report', '-n', '-c', '3', '-i', '0.2', '-G', '1', target])
      const { code, stdout, stderr } = await ours('-c', '3', target)
      expect([code, stderr]).toEqual([0, ''])
      expect(hopsOf(stdout)).toEqual([
        ['1', router, '0.0%', '3'],
        ['2', target, '0.0%', '3'],
      ])
      expect(hopsOf(stdout)).toEqual(hopsOf(theirs.stdout))
      // The columns have the same names in the same order, and best ≤ average ≤ worst.
      expect(stdout).toMatch(/^HOST: \S+ +Loss% +Snt +Last +Avg +Best +Wrst +StDev$/m)
      expect(theirs.stdout).toMatch(/^HOST: \S+ +Loss% +Snt +Last +Avg +Best +Wrst +StDev$/m)
      for (const line of stdout.split('\n').slice(2, -1)) {
        const [mean, best, worst] = line.split(/ +/).slice(-4, -1).map(Number)
        expect([best, mean, worst]).toEqual([best, mean, worst].sort((x, y) => x! - y!))
      }
    })
  }

  testIf(none, 'mtr.mjs runs without privileges', async () => {
    const command = [...asNobody(), process.execPath, program, '-c', '1', '10.77.2.2']
    const { code, stdout } = await sides[0]!.run('setpriv', command)
    expect([code, hopsOf(stdout).map(([, host]) => host)]).toEqual([0, ['10.77.1.2', '10.77.2.2']])
  })

  testIf(none, 'mtr.mjs reports the loss at a host that does not answer, and exits with 1', async () => {
    // Host b drops the probes. The router itself would drop them before it looks at the TTL.
    await sides[1]!.shell('ip route add 10.77.9.0/24 via 10.77.2.2')
    await sides[2]!.shell('ip route add blackhole 10.77.9.0/24')
    const { code, stdout } = await ours('-c', '2', '-m', '3', '-w', '0.2', '10.77.9.9')
    expect([code, hopsOf(stdout)]).toEqual([
      1,
      [
        ['1', '10.77.1.2', '0.0%', '2'],
        ['2', '???', '100.0%', '2'],
        ['3', '???', '100.0%', '2'],
      ],
    ])
  })

  testIf(
    none ?? missing.program('nft', '--version'),
    'mtr.mjs ends at a router that reports the host as unreachable, and exits with 1',
    async () => {
      await sides[1]!.shell(`
        ip route add 10.77.8.0/24 via 10.77.2.2
        nft add table ip filter
        nft add chain ip filter forward '{ type filter hook forward priority 0; }'
        nft add rule ip filter forward ip daddr 10.77.8.8 reject with icmp type host-unreachable`)
      const { code, stdout } = await ours('-c', '2', '10.77.8.8')
      expect([code, hopsOf(stdout)]).toEqual([
        1,
        [
          ['1', '10.77.1.2', '0.0%', '2'],
          ['2', '10.77.1.2', '0.0%', '2'],
        ],
      ])
    },
  )

  testIf(none, 'mtr.mjs with invalid arguments prints its usage', async () => {
    for (const args of [
      [],
      ['one', 'two'],
      ['-c', 'many', '127.0.0.1'],
      ['-m', '300', '127.0.0.1'],
      ['-x'],
    ]) {
      const ended = await ours(...args)
      expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/^mtr: usage: /) })
    }
  })
})
