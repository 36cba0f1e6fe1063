import path from 'node:path'
import { ensureBuilt } from '../helpers/built'
import { missing, testIf } from '../helpers/need'
import { makeNetwork, type Network, type Peer } from '../helpers/network'

const none = missing.network()
const program = path.join(__dirname, '../../examples/delay-probe.mjs')

/** Returns the four times of each probe. */
const timesOf = (output: string): bigint[][] =>
  [...output.matchAll(/ t1=(\d+) t2=(\d+) t3=(\d+) t4=(\d+)$/gm)].map(match => match.slice(1).map(BigInt))

/** Another server for the same messages. `replies(data, t2, t3)` returns the replies to one probe. */
const pythonServer = (replies: string): string => `
import socket, struct, time
SO_TIMESTAMPNS = 35
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
s.bind(('', 8620))
print('ready', flush=True)
while True:
    data, control, _, address = s.recvmsg(1500, 1000)
    t3 = time.time_ns()
    t2 = t3
    for level, kind, value in control:
        if kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack('qq', value)
            t2 = seconds * 10**9 + nanoseconds
    for reply in ${replies}: s.sendto(reply, address)
`

describe('examples/delay-probe.mjs', () => {
  let network: Network
  beforeAll(async () => {
    if (none !== null) return
    ensureBuilt()
    network = await makeNetwork()
  })
  afterAll(() => network?.close())

  const client = (...args: string[]) =>
    network.a.run(process.execPath, [program, '-v', '-i', '0.01', '-W', '10', ...args])
  const serve = async (...args: string[]): Promise<Peer> => {
    const server = network.b.start(process.execPath, [program, '--server', ...args])
    await server.line(/^listening on /)
    return server
  }

  for (const [listening, key] of [
    ['0.0.0.0', 'v4'],
    ['::', 'v6'],
  ] as const) {
    testIf(none, `${key}: the times of delay-probe.mjs are in the order of the events`, async () => {
      const server = await serve(listening)
      const { code, stdout, stderr } = await client('-c', '5', network.b[key])
      expect([code, stderr]).toEqual([0, ''])
      expect(stdout).toMatch(/^5 sent, 5 received$/m)
      const all = timesOf(stdout)
      expect(all).toHaveLength(5)
      // Both ends have the same clock, and the probes follow each other.
      const order = all.flat()
      expect(order).toEqual([...order].sort((x, y) => (x < y ? -1 : x > y ? 1 : 0)))
      for (const name of ['out', 'back', 'rtt'])
        expect(stdout).toMatch(new RegExp(`^${name} min/avg/max = \\d+\\.\\d(/\\d+\\.\\d){2}$`, 'm'))
      expect(await server.stop('SIGINT')).toMatchObject({ code: 0, stderr: '' })
    })
  }

  testIf(none ?? missing.python(), 'delay-probe.mjs measures with a server in Python', async () => {
    const reply = "[data[:8] + struct.pack('>qq', t2, t3)]"
    const server = network.b.start('python3', ['-c', pythonServer(reply)])
    await server.line(/ready/)
    const { code, stdout } = await client('-c', '3', network.b.v4)
    await server.stop()
    expect(code).toBe(0)
    const order = timesOf(stdout).flat()
    expect(order).toHaveLength(12)
    expect(order).toEqual([...order].sort((x, y) => (x < y ? -1 : x > y ? 1 : 0)))
  })

  testIf(
    none ?? missing.python(),
    'delay-probe.mjs drops replies that are malformed or of another probe',
    async () => {
      const other = "struct.pack('>IIqq', 0x64656c61, 99, 1, 2)"
      const replies = `[b'', data[:23], bytes(24), data + b'x', ${other}, data[:8] + struct.pack('>qq', 5, 7), data[:8] + bytes(16)]`
      const server = network.b.start('python3', ['-c', pythonServer(replies)])
      await server.line(/ready/)
      const { code, stdout } = await client('-c', '3', network.b.v4)
      await server.stop()
      expect(code).toBe(0)
      expect(timesOf(stdout).map(([, t2, t3]) => [t2, t3])).toEqual([[5n, 7n], [5n, 7n], [5n, 7n]]) // prettier-ignore
    },
  )

  testIf(
    none ?? missing.python(),
    'the server of delay-probe.mjs does not reply to other messages',
    async () => {
      const server = await serve('-p', '8621')
      const script = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for data in (b'', b'x', bytes(24), b'dela' + bytes(21), b'dela\\0\\0\\0\\7' + bytes(16)):
    s.sendto(data, ('${network.b.v4}', 8621))
data = s.recv(100)
print(len(data), data[:8])`
      const { stdout } = await network.a.run('python3', ['-c', script])
      expect(stdout).toBe("24 b'dela\\x00\\x00\\x00\\x07'\n")
      expect(await server.stop('SIGTERM')).toMatchObject({ code: 0, stderr: '' })
    },
  )

  testIf(none, 'delay-probe.mjs without a server reports the errors, and exits with 1', async () => {
    const { code, stdout } = await client('-c', '2', network.b.v4)
    expect(code).toBe(1)
    expect(stdout.split('\n').slice(1)).toEqual([
      'seq=0 recvmsg ECONNREFUSED 10.77.0.2:8620',
      'seq=1 recvmsg ECONNREFUSED 10.77.0.2:8620',
      '2 sent, 0 received',
      '',
    ])
  })

  testIf(none, 'delay-probe.mjs with invalid arguments prints its usage', async () => {
    for (const args of [
      [],
      ['one', 'two'],
      ['-c', 'many', 'localhost'],
      ['-p', '65536', 'localhost'],
      ['-x'],
    ]) {
      const ended = await client(...args)
      expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/: usage: /) })
    }
  })
})
