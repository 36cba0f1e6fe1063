import path from 'node:path'
import { AF_INET, AF_INET6, constants, options, Socket, SOCK_DGRAM } from '../../lib'
import { ensureBuilt } from '../helpers/built'
import { failure } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import type { Namespace } from '../helpers/network'
import { makeRoute } from '../helpers/route'

const none = missing.network() ?? missing.program('traceroute', '--version')
const program = path.join(__dirname, '../../examples/traceroute.mjs')

/** Removes the times from the output. */
const said = (text: string): string => text.replace(/\d+\.\d{3} ms/g, 'N ms')

describe('two hops', () => {
  let sides: Namespace[] = []
  beforeAll(async () => {
    if (none !== null) return
    ensureBuilt()
    sides = await makeRoute()
  })
  afterAll(() => Promise.all(sides.map(side => side.close())))

  for (const [family, router, target] of [
    [4, '10.77.1.2', '10.77.2.2'],
    [6, 'fd77:1::2', 'fd77:2::2'],
  ] as const) {
    testIf(
      none,
      `IPv${family}: traceroute.mjs prints the same as traceroute for an unprivileged user`,
      async () => {
        const theirs = await sides[0]!.run('traceroute', ['-n', target])
        const unprivileged = ['--reuid', '65534', '--regid', '65534', '--clear-groups', '--inh-caps=-all']
        const ours = await sides[0]!.run('setpriv', [...unprivileged, process.execPath, program, target])
        expect(ours).toMatchObject({ code: 0, stderr: '' })
        expect(said(ours.stdout)).toBe(said(theirs.stdout))
        expect(ours.stdout).toContain(` 1  ${router}  `)
        expect(ours.stdout).toContain(` 2  ${target}  `)
      },
    )
  }

  testIf(
    none,
    'traceroute.mjs prints stars without an answer, and marks for unreachable targets',
    async () => {
      await sides[1]!.shell('ip route add blackhole 10.77.9.0/24; ip route add unreachable 10.77.8.0/24')
      const silent = await sides[0]!.run(process.execPath, [
        program,
        '-m',
        '2',
        '-w',
        '0.2',
        '-q',
        '2',
        '10.77.9.9',
      ])
      expect(said(silent.stdout)).toMatch(/\n 1 \* \*\n 2 \* \*\n$/)
      const marked = await sides[0]!.run(process.execPath, [program, '-q', '1', '10.77.8.8'])
      expect(said(marked.stdout)).toMatch(/\n 1  10\.77\.1\.2  N ms !H\n$/)
    },
  )

  testIf(none, 'traceroute.mjs without arguments prints its usage', async () => {
    for (const args of [[], ['localhost'], ['-m', 'x', '127.0.0.1']]) {
      const ended = await sides[0]!.run(process.execPath, [program, ...args])
      expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('usage: ') })
    }
  })

  for (const [family, host, router, level, origin] of [
    [AF_INET, '10.77.2.2', '10.77.1.2', 'IP_MTU_DISCOVER', 'icmp'],
    [AF_INET6, 'fd77:2::2', 'fd77:1::2', 'IPV6_MTU_DISCOVER', 'icmp6'],
  ] as const) {
    testIf(none, `${origin}: traceroute.mjs prints the MTU of a router and of its own device`, async () => {
      const socket = new Socket(family, SOCK_DGRAM, 0, { netns: sides[0]!.netns })
      try {
        socket.receiveMeta({ errors: true }).set(options[level], constants['IP_PMTUDISC_DO']!)
        expect((await failure(socket.sendto(Buffer.alloc(3000), [host, 9]))).code).toBe('EMSGSIZE')
        expect(await socket.receiveErrors({ timeout: 5000 })).toMatchObject([
          { origin: 'local', code: 'EMSGSIZE', mtu: 1500, offender: null },
        ])
        await socket.sendto(Buffer.alloc(1400), [host, 9])
        const [record] = await socket.receiveErrors({ timeout: 5000 })
        expect(record).toMatchObject({ origin, code: 'EMSGSIZE', mtu: 1280, offender: { address: router } })
        expect(record!.address).toMatchObject({ address: host, port: 9 })
      } finally {
        socket.close()
      }
    })
  }
})
