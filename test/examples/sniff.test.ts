import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ensureBuilt } from '../helpers/built'
import { missing, testIf } from '../helpers/need'
import { makeNetwork, type Network, type Peer } from '../helpers/network'

const tcpdump = missing.program('tcpdump', '--version')
const none = missing.network() ?? tcpdump ?? missing.python() ?? missing.program('ping', '-V')
const program = path.join(__dirname, '../../examples/sniff.mjs')

/** Sends every kind of packet that the example can print, between two datagrams to ports 40001 and 40002. */
const traffic = `
import socket, subprocess, sys
def udp(family, host, port, data):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.sendto(data, (host, port))
    return s
V4, V6 = sys.argv[1:3]
udp(socket.AF_INET, V4, 40001, b'begin')
subprocess.run(['ip', 'neigh', 'flush', 'dev', 'a0'])
for host in (V4, V6):
    subprocess.run(['ping', '-n', '-c', '2', '-i', '0.01', '-W', '2', host], stdout=subprocess.DEVNULL, check=True)
for family, host in ((socket.AF_INET, V4), (socket.AF_INET6, V6)):
    s = udp(family, host, 40003, b'no listener')
    s.connect((host, 40003))
    s.settimeout(5)
    try:
        s.send(b'again')
        s.recv(1)
    except ConnectionRefusedError:
        pass
    tcp = socket.create_connection((host, 40005))
    tcp.sendall(b'hello' * 100)
    tcp.shutdown(socket.SHUT_WR)
    while tcp.recv(1000): pass
    tcp.close()
    try:
        socket.create_connection((host, 40006))
    except ConnectionRefusedError:
        pass
udp(socket.AF_INET, V4, 40002, b'end')
`
const echo = `
import socket, threading
listener = socket.create_server(('::', 40005), family=socket.AF_INET6, dualstack_ipv6=True)
print('ready', flush=True)
while True:
    s, _ = listener.accept()
    while True:
        data = s.recv(1000)
        if not data: break
        s.sendall(data)
    s.close()
`

/** Returns the lines from the first marker to the second, without the times. */
const between = (text: string): string[] => {
  const lines = text.split('\n').map(line => line.replace(/^[\d:.]+ /, ''))
  const [from, to] = ['40001', '40002'].map(port => lines.findIndex(line => line.includes(`.${port}: UDP`)))
  return lines.slice(from, to! + 1)
}

describe('examples/sniff.mjs', () => {
  let network: Network
  let directory: string
  beforeAll(async () => {
    if (none !== null) return
    ensureBuilt()
    directory = mkdtempSync(path.join(tmpdir(), 'bsd-sockets-sniff-'))
    network = await makeNetwork()
    // Disables the kernel's limit on answers to datagrams for closed ports.
    await network.b.shell(`
      echo 0 > /proc/sys/net/ipv4/icmp_ratelimit
      echo 0 > /proc/sys/net/ipv6/icmp/ratelimit`)
    const server = network.b.start('python3', ['-c', echo])
    await server.line(/ready/)
  })
  afterAll(async () => {
    await network?.close()
    if (directory !== undefined) rmSync(directory, { recursive: true })
  })

  const both = async (ours: string[], theirs: string[]): Promise<[Peer, Peer]> => {
    const sniff = network.b.start(process.execPath, [program, '-i', 'b0', ...ours])
    const other = network.b.start('tcpdump', ['-i', 'b0', '--immediate-mode', ...theirs])
    await Promise.all([sniff.line(/^listening on b0/), other.line(/listening on b0/)])
    return [sniff, other]
  }
  const makeTraffic = async (): Promise<void> => {
    const { v4, v6 } = network.b
    const ended = await network.a.run('python3', ['-c', traffic, v4, v6])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
  }

  testIf(none, 'sniff.mjs prints the same as tcpdump', async () => {
    const [sniff, other] = await both([], ['-nSl'])
    await makeTraffic()
    await Promise.all([sniff.line(/\.40002: UDP/), other.line(/\.40002: UDP/)])
    await other.stop('SIGINT')
    const ended = await sniff.stop('SIGINT')
    expect(ended.code).toBe(0)
    const expected = between(other.stdout)
    expect(between(sniff.stdout)).toEqual(expected)
    // The traffic contained every kind of packet.
    const all = expected.join('\n')
    for (const part of [
      'ARP, Request',
      'ARP, Reply',
      'ICMP echo',
      'ICMP6, echo',
      'udp port 40003 unreachable',
      'Flags [S.]',
      'Flags [R.]',
      'unreachable port, fd77::2 udp port 40003',
    ])
      expect(all).toContain(part)
    expect(ended.stderr).toMatch(
      /^\d+ packets captured\n\d+ packets received by filter\n0 packets dropped by kernel$/m,
    )
  })

  testIf(none, 'sniff.mjs -w writes a file with nanoseconds that tcpdump -r reads', async () => {
    const [mine, theirs] = ['mine.pcap', 'theirs.pcap'].map(name => path.join(directory, name))
    const expression = 'tcp port 40005'
    const [sniff, other] = await both(
      ['-w', mine!, expression],
      ['-U', '-w', theirs!, '--time-stamp-precision=nano', expression],
    )
    await makeTraffic()
    const read = (file: string): string =>
      spawnSync('tcpdump', ['-r', file, '-nS', '-tt', '-xx', '--nano'], { encoding: 'utf8' }).stdout
    await sniff.stop('SIGTERM')
    await other.stop('SIGTERM')
    expect(read(mine!)).toMatch(/Flags \[S\]/)
    // The frames are the same, but their times differ, because the kernel reads the clock for each socket.
    const withoutTime = (text: string): string => text.replace(/^\d+\.\d{9} /gm, '')
    expect(withoutTime(read(mine!))).toBe(withoutTime(read(theirs!)))
    const times = (text: string): number[] => text.match(/^\d+\.\d{9}/gm)!.map(Number)
    const [ours, theirTimes] = [times(read(mine!)), times(read(theirs!))]
    ours.forEach((time, i) => expect(Math.abs(time - theirTimes[i]!)).toBeLessThan(1))
    expect(read(mine!)).toMatch(/^\d+\.\d{6}(?!000)\d{3} /m) // not microseconds padded with zeros
  })

  testIf(none, 'sniff.mjs stops after -c frames, and accepts a filter by name', async () => {
    const sniff = network.b.start(process.execPath, [program, '-i', 'b0', '-c', '2', 'arp'])
    await sniff.line(/^listening/)
    await makeTraffic()
    const { code, stdout } = await sniff.ended
    expect(code).toBe(0)
    const lines = stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(2)
    for (const line of lines) expect(line).toContain(' ARP, ')
  })
})
