import path from 'node:path'
import { ensureBuilt } from '../helpers/built'
import { missing, testIf } from '../helpers/need'
import { makeNamespace, type Namespace } from '../helpers/network'

const none = missing.network()
const program = path.join(__dirname, '../../examples/netlink-monitor.mjs')

/** Converts a line of ip -o monitor to the shorter form of the example. Returns null for lines that it omits. */
function shorter(line: string): string[] {
  const deleted = line.startsWith('Deleted ') ? 'Deleted ' : ''
  const rest = line.slice(deleted.length)
  const link = /^(\d+): ([^@:]+)\S*: <(\S*)> mtu (\d+) .*?state (\S+) .*?link\/\S+ ?(\S*)/.exec(rest)
  if (link !== null) {
    const [, index, name, flags, mtu, state, hardware] = link
    const known = flags!.split(',').filter(flag => flag !== 'M-DOWN')
    return [`${deleted}${index}: ${name}: <${known.join()}> mtu ${mtu} state ${state} ${hardware}`]
  }
  const address = /^(\d+): (\S+) +(inet6? \S+) .*?(scope \S+)/.exec(rest)
  if (address !== null) {
    const [, index, name, own, scope] = address
    return [`${deleted}${index}: ${name} ${own} ${scope}`]
  }
  if (/ table | pref .* table /.test(rest)) return []
  const route = /^(\S+)( via \S+)?( dev \S+)?/.exec(rest)
  if (route === null) return []
  return [`${deleted}${route.slice(1).filter(Boolean).join('')}${/ metric \d+/.exec(rest)?.[0] ?? ''}`]
}

describe('examples/netlink-monitor.mjs', () => {
  let namespace: Namespace
  beforeAll(async () => {
    if (none !== null) return
    ensureBuilt()
    namespace = await makeNamespace()
  })
  afterAll(() => namespace?.close())

  testIf(none, 'netlink-monitor.mjs prints the same events as ip monitor', async () => {
    const monitor = namespace.start(process.execPath, [program])
    const other = namespace.start('ip', ['-o', 'monitor', 'link', 'address', 'route'])
    await monitor.line(/^listening$/)
    // ip does not report when it is ready. It is ready when it prints an address event.
    for (let i = 1; !other.stdout.includes('10.255'); i++) {
      await namespace.shell(
        `ip addr add 10.255.0.${i}/32 dev lo; ip addr del 10.255.0.${i}/32 dev lo; sleep 0.02`,
      )
    }
    await namespace.shell(`
      ip link add a0 address 02:00:00:00:00:07 type veth peer name b0 address 02:00:00:00:00:08
      ip addr add 10.1.2.3/24 dev a0
      ip link set a0 mtu 1400
      ip link set a0 up
      ip link set b0 up
      ip addr add fd00::1/64 dev a0 nodad
      ip route add 10.9.0.0/16 via 10.1.2.9
      ip route add default via 10.1.2.9 metric 50
      ip -6 route add fd09::/32 via fd00::9
      ip route del 10.9.0.0/16
      ip addr del 10.1.2.3/24 dev a0
      ip link set a0 name c0
      ip addr add 192.0.2.99/32 dev lo`)
    await Promise.all([monitor.line(/192\.0\.2\.99/), other.line(/192\.0\.2\.99/)])
    const ended = await monitor.stop('SIGINT')
    await other.stop('SIGINT')
    expect(ended).toMatchObject({ code: 0, stderr: 'listening\n' })
    // Compares from the first veth pair up to the mark, because the kernel reports more about IPv6 later.
    const from = (lines: string[]): string[] => {
      const start = lines.findIndex(line => line.includes(': b0'))
      return lines.slice(
        start,
        lines.findIndex(line => line.includes('192.0.2.99')),
      )
    }
    const ours = from(ended.stdout.trimEnd().split('\n'))
    expect(ours).toEqual(from(other.stdout.trimEnd().split('\n').flatMap(shorter)))
    for (const line of [
      '3: a0 inet 10.1.2.3/24 scope global',
      '10.9.0.0/16 via 10.1.2.9 dev a0',
      'default via 10.1.2.9 dev a0 metric 50',
      'Deleted 10.9.0.0/16 via 10.1.2.9 dev a0',
      'Deleted 3: a0 inet 10.1.2.3/24 scope global',
    ])
      expect(ours).toContain(line)
  })
})
