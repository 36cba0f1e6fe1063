import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ensureBuilt } from '../helpers/built'
import { missing, testIf } from '../helpers/need'
import { makeNetwork, type Network, type Peer } from '../helpers/network'

const none = missing.network()
const program = path.join(__dirname, '../../examples/dhcp-client.mjs')

/** Returns a configuration for udhcpd. */
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

describe('examples/dhcp-client.mjs', () => {
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

  const client = (...args: string[]) => network.a.run(process.execPath, [program, ...args])
  const serve = async (): Promise<Peer> => {
    const server = network.b.start('busybox', ['udhcpd', '-f', '-a', '1', path.join(directory, 'conf')])
    await server.line(/started/)
    return server
  }
  const settings = `  mask 255.255.255.0, routers 10.77.0.2, DNS 10.77.0.3, 10.77.0.4
  lease 1234 s
`

  testIf(none ?? missing.udhcpd(), 'dhcp-client.mjs prints the lease that udhcpd has stored', async () => {
    const server = await serve()
    const { stdout, stderr, code } = await client('-r', '10.77.0.55', 'a0')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toBe(`DHCPDISCOVER from ${network.a.interface.mac} on a0
lease of 10.77.0.55 from 10.77.0.2, to 255.255.255.255 on a0
${settings}`)
    const again = await client('a0') // the server remembers the hardware address
    expect(again.stdout).toContain('\nlease of 10.77.0.55 from ')
    await server.stop() // writes its leases
    const stored = await network.b.run('busybox', ['dumpleases', '-f', path.join(directory, 'leases')])
    expect(stored.stdout).toMatch(new RegExp(`^${network.a.interface.mac} 10\\.77\\.0\\.55 `, 'm'))
  })

  testIf(none ?? missing.udhcpd(), 'dhcp-client.mjs --discover prints the offer of udhcpd', async () => {
    const server = await serve()
    const peer = network.a.start(process.execPath, [program, '--discover', 'a0'])
    await peer.line(/^ {2}lease /)
    const { stdout, stderr, code } = await peer.stop('SIGINT')
    await server.stop()
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toBe(`DHCPDISCOVER from ${network.a.interface.mac} on a0
${/^offer of 10\.77\.0\.5\d/m.exec(stdout)?.[0]} from 10.77.0.2, to 255.255.255.255 on a0
${settings}`)
  })

  testIf(none, 'dhcp-client.mjs reports that the server refuses, or does not answer', async () => {
    // Answers each message with the given types, in turn, and drops a message for 0.
    const script = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'b0')
s.bind(('', 67))
print('ready', flush=True)
for kind in map(int, sys.argv[1:]):
    message = bytearray(s.recv(1500))
    if kind == 0: continue
    message[0], message[16:20] = 2, bytes([10, 77, 0, 50])
    message[240:] = bytes([53, 1, kind, 0, 54, 4, 10, 77, 0, 2, 255])
    s.sendto(message, ('255.255.255.255', 68))
`
    for (const [types, text, code] of [
      [[2, 6], 'the server refuses the request', 1],
      [[0, 2, 0, 5], '  lease not told', 0], // two messages are lost and repeated
      [[2, 0], 'no answer to the request', 1],
    ] as const) {
      const server = network.b.start('python3', ['-c', script, ...types.map(String)])
      await server.line(/ready/)
      const ended = await client('-W', code === 0 ? '30' : '1', 'a0')
      await server.stop()
      expect([ended.code, ended.stderr, ended.stdout.split('\n').at(-2)]).toEqual([code, '', text])
    }
  })

  testIf(none, 'dhcp-client.mjs reports that no server answers', async () => {
    for (const option of [[], ['--discover']]) {
      const { stdout, code } = await client('-W', '0.2', ...option, 'a0')
      expect([code, stdout.split('\n').at(-2)]).toEqual([1, 'no offer'])
    }
  })

  testIf(none, 'dhcp-client.mjs reports an unknown interface and invalid arguments', async () => {
    const { stderr, code } = await client('nosuch')
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^dhcp-client: setsockopt ENODEV SO_BINDTODEVICE/),
    ])
    for (const args of [[], ['a0', 'b0'], ['-r', 'ten', 'a0'], ['--nonsense']])
      expect(await client(...args)).toMatchObject({ code: 2, stderr: expect.stringMatching(/usage: /) })
  })
})
