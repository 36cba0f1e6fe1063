import path from 'node:path'
import { ensureBuilt } from '../helpers/built'
import { asNobody, run } from '../helpers/child'
import { missing, testIf } from '../helpers/need'
import { makeNetwork, type Network, type Side } from '../helpers/network'

const none = missing.network()
const program = path.join(__dirname, '../../examples/ping.mjs')

/** Extracts the summary of both programs. */
function counts(output: string): [sent: number, received: number] {
  const [, sent, received] = /^(\d+) packets transmitted, (\d+) received/m.exec(output) ?? []
  return [Number(sent), Number(received)]
}

describe('examples/ping.mjs', () => {
  let network: Network
  beforeAll(async () => {
    if (none !== null) return
    ensureBuilt()
    network = await makeNetwork()
  })
  afterAll(() => network?.close())

  const ping = (side: Side, ...args: string[]) => side.run(process.execPath, [program, ...args])
  const iputils = (side: Side, ...args: string[]) => side.run('ping', args)
  // The capability is needed to read the checkout in any directory.
  const pingAsNobody = (...args: string[]) =>
    network.a.run('setpriv', [...asNobody('CAP_DAC_READ_SEARCH'), process.execPath, program, ...args])
  const range = (side: Side, groups: string) =>
    side.shell(`echo ${groups} > /proc/sys/net/ipv4/ping_group_range`)

  for (const key of ['v4', 'v6'] as const) {
    testIf(
      none ?? missing.program('ping', '-V'),
      `${key}: ping.mjs gets the same answers as ping of iputils, in both directions`,
      async () => {
        for (const [from, to] of [
          [network.a, network.b],
          [network.b, network.a],
        ] as const) {
          const args = ['-c', '3', '-i', '0.01', '-s', '101', to[key]]
          const [ours, theirs] = [await ping(from, ...args), await iputils(from, ...args)]
          expect(ours).toMatchObject({ code: 0, stderr: '' })
          expect([counts(ours.stdout), counts(theirs.stdout)]).toEqual([
            [3, 3],
            [3, 3],
          ])
          const line = `^109 bytes from ${to[key]}: icmp_seq=(\\d) ttl=64 time=[\\d.]+ ms$`
          expect([...ours.stdout.matchAll(new RegExp(line, 'gm'))].map(match => match[1])).toEqual([
            '1',
            '2',
            '3',
          ])
          expect(theirs.stdout).toMatch(new RegExp(`^109 bytes from ${to[key]}: icmp_seq=1 ttl=64 `, 'm'))
          expect(ours.stdout).toMatch(/raw socket/)
          expect(ours.stdout).toMatch(/^rtt min\/avg\/max\/mdev = \d+\.\d{3}(\/\d+\.\d{3}){3} ms$/m)
        }
      },
    )
  }

  testIf(none, 'ping.mjs pings a link-local address with a zone', async () => {
    const { stdout, code } = await ping(network.a, '-c', '1', `${network.b.linkLocal}%a0`)
    expect([code, counts(stdout)]).toEqual([0, [1, 1]])
  })

  testIf(none, 'ping.mjs without an answer reports loss, and exits with 1', async () => {
    await network.b.shell('echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all')
    try {
      const { stdout, code } = await ping(network.a, '-c', '2', '-i', '0.01', '-W', '0.1', network.b.v4)
      expect([code, counts(stdout)]).toEqual([1, [2, 0]])
      expect(stdout).toMatch(/100% packet loss/)
    } finally {
      await network.b.shell('echo 0 > /proc/sys/net/ipv4/icmp_echo_ignore_all')
    }
  })

  testIf(none, 'ping.mjs of an unprivileged user uses a ping socket if the sysctl allows it', async () => {
    await range(network.a, '0 2147483647')
    try {
      for (const to of [network.b.v4, network.b.v6]) {
        const { stdout, stderr, code } = await pingAsNobody('-c', '2', '-i', '0.01', to)
        expect([code, stderr, counts(stdout)]).toEqual([0, '', [2, 2]])
        expect(stdout).toMatch(/ping socket/)
        expect(stdout).toMatch(new RegExp(`^64 bytes from ${to}: icmp_seq=2 ttl=64 `, 'm'))
      }
    } finally {
      await range(network.a, '1 0')
    }
  })

  testIf(none, 'ping.mjs without permission for either socket names what each needs', async () => {
    const { stderr, code } = await pingAsNobody('-c', '1', network.b.v4)
    expect(code).toBe(2)
    expect(stderr).toMatch(
      /^ping: socket EPERM AF_INET SOCK_RAW IPPROTO_ICMP \(needs CAP_NET_RAW.*\), and socket EACCES/,
    )
    expect(stderr).toMatch(/net\.ipv4\.ping_group_range/)
  })

  testIf(none, 'ping.mjs without a count runs until SIGINT, and prints its summary', async () => {
    const peer = network.a.start(process.execPath, [program, '-i', '0.01', network.b.v4])
    await peer.line(/icmp_seq=3 /)
    const { code, stdout } = await peer.stop('SIGINT')
    expect(code).toBe(0)
    const [sent, received] = counts(stdout)
    expect(received).toBeGreaterThanOrEqual(3)
    expect(sent - received).toBeLessThanOrEqual(1)
  })
})

test.each([['--nonsense'], ['-c', 'many', 'localhost'], ['-s', '-1', 'localhost'], [], ['one', 'two']])(
  'ping.mjs with invalid arguments prints its usage: %s',
  async (...args) => {
    ensureBuilt()
    const { code, stdout, stderr } = await run(process.execPath, [program, ...args.filter(Boolean)])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^ping: usage: ping\.mjs .*\n$/)
  },
)
