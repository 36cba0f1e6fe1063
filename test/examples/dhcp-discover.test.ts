import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ensureBuilt } from '../helpers/built'
import { missing, testIf } from '../helpers/need'
import { makeNetwork, type Network } from '../helpers/network'

const none = missing.network()
const program = path.join(__dirname, '../../examples/dhcp-discover.mjs')

/** Returns the offer of udhcpd. */
const configuration = (directory: string): string => `
start 10.77.0.50
end 10.77.0.59
interface b0
lease_file ${directory}/leases
pidfile ${directory}/pid
option subnet 255.255.255.0
option router 10.77.0.2
option dns 10.77.0.3 10.77.0.4
option lease 1234
`

describe('examples/dhcp-discover.mjs', () => {
  let network: Network
  let directory: string
  beforeAll(async () => {
    if (none !== null) return
    ensureBuilt()
    directory = mkdtempSync(path.join(tmpdir(), 'bsd-dhcp-'))
    writeFileSync(path.join(directory, 'leases'), '')
    writeFileSync(path.join(directory, 'conf'), configuration(directory))
    network = await makeNetwork()
    await network.a.shell('ip addr flush dev a0 && ip route flush dev a0') // the interface has no address yet
  })
  afterAll(async () => {
    await network?.close()
    if (directory !== undefined) rmSync(directory, { recursive: true })
  })

  const discover = (...args: string[]) => network.a.run(process.execPath, [program, ...args])

  testIf(none ?? missing.udhcpd(), 'dhcp-discover.mjs prints the offer of udhcpd', async () => {
    const conf = path.join(directory, 'conf')
    const server = network.b.start('busybox', ['udhcpd', '-f', '-a', '1', conf])
    await server.line(/started/)
    const peer = network.a.start(process.execPath, [program, '-W', '10', 'a0'])
    await peer.line(/^ {2}lease /)
    const { stdout, stderr, code } = await peer.stop('SIGINT')
    await server.stop()
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toBe(`DHCPDISCOVER from ${network.a.interface.mac} on a0
${/^offer of 10\.77\.0\.5\d/m.exec(stdout)?.[0]} from 10.77.0.2, to 255.255.255.255 on a0
  mask 255.255.255.0, routers 10.77.0.2, DNS 10.77.0.3, 10.77.0.4
  lease 1234 s
`)
  })

  testIf(none, 'dhcp-discover.mjs reports that no server answers', async () => {
    const { stdout, code } = await discover('-W', '0.2', 'a0')
    expect([code, stdout.split('\n').at(-2)]).toEqual([1, 'no offer'])
  })

  testIf(none, 'dhcp-discover.mjs reports an unknown interface', async () => {
    const { stderr, code } = await discover('nosuch')
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^dhcp-discover: setsockopt ENODEV SO_BINDTODEVICE/),
    ])
  })
})
