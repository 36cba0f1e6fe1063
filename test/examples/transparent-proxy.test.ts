import path from 'node:path'
import { AF_INET, Socket } from '../../lib'
import { ensureBuilt } from '../helpers/built'
import { missing, testIf } from '../helpers/need'
import { makeNetwork, type Network } from '../helpers/network'

const program = path.join(__dirname, '../../examples/transparent-proxy.mjs')
const none = missing.network() ?? missing.python() ?? missing.program('nft', '--version')

/** The server that the client asks for. Its address is one of `b`, where the proxy runs too. */
const SERVER = '203.0.113.5'
const server = `
import socket
s = socket.create_server(('${SERVER}', 80))
print('listening', flush=True)
while True:
  c, address = s.accept()
  data = c.recv(100)
  c.sendall(data.upper() + b' from %s' % c.getsockname()[0].encode())
  c.close()
`

describe('examples/transparent-proxy.mjs', () => {
  let network: Network
  beforeAll(async () => {
    if (none !== null) return
    ensureBuilt()
    network = await makeNetwork()
    const { a, b } = network
    await b.shell(`ip addr add ${SERVER}/32 dev lo`)
    await a.shell(`ip route add ${SERVER}/32 via ${b.v4}`)
    await b.start('python3', ['-u', '-c', server]).line(/listening/)
  })
  afterAll(() => network?.close())

  const rules = {
    redirect: 'type nat hook prerouting priority dstnat; tcp dport 80 redirect to :3128',
    tproxy:
      'type filter hook prerouting priority mangle; ' +
      'meta mark != 1 tcp dport 80 tproxy to :3128 meta mark set 2 accept',
  }

  for (const kind of ['redirect', 'tproxy'] as const) {
    testIf(
      none,
      `${kind}: the client talks to the address that it asked for, through the proxy`,
      async () => {
        const { a, b } = network
        await b.shell(`
        ip rule list | grep -q 'fwmark 0x2' || ip rule add fwmark 2 lookup 100
        ip route replace local 0.0.0.0/0 dev lo table 100
        nft flush ruleset
        nft 'table ip proxy { chain rules { ${rules[kind]}; }; }'`)
        const proxy = b.start(
          process.execPath,
          [program, '3128', `--${kind}`].filter(each => each !== '--redirect'),
        )
        await proxy.line(/^proxy on 0\.0\.0\.0:3128$/)

        const client = new Socket(AF_INET, undefined, undefined, { netns: a.netns })
        await client.connect([SERVER, 80], { timeout: 5000 })
        await client.sendAll(Buffer.from('hello'))
        let answer = ''
        for await (const chunk of client.chunks()) answer += String(chunk)
        expect(answer).toBe(`HELLO from ${SERVER}`)
        const from = String(client.localAddress).replaceAll('.', String.raw`\.`)
        client.close()
        await proxy.line(new RegExp(`^${from} -> 203\\.0\\.113\\.5:80: 5 bytes there, 22 back$`))
        expect(await proxy.stop()).toMatchObject({ code: 0, stderr: '' })
      },
    )
  }
})
