import { existsSync } from 'node:fs'
import { AF_INET, AF_INET6, SOCK_DGRAM, Socket } from '../../lib'
import { Socket as SyncSocket } from '../../lib/sync'
import { missing, testIf } from '../helpers/need'
import { makeNamespace, makeNetwork, type Network } from '../helpers/network'

const none = missing.network() ?? missing.python()

describe('two namespaces with a veth pair', () => {
  let network: Network
  beforeAll(async () => {
    if (none === null) network = await makeNetwork()
  })
  afterAll(() => network?.close())

  testIf(none, 'each side has the name, index and hardware address of its interface', async () => {
    for (const side of [network.a, network.b]) {
      const shown = await side.shell(`ip -oneline link show ${side.interface.name}`)
      expect(shown).toContain(`${side.interface.index}: ${side.interface.name}@`)
      expect(shown).toContain(side.interface.mac)
    }
    expect(network.a.interface.mac).not.toBe(network.b.interface.mac)
  })

  testIf(none, 'a datagram reaches Python on the other side, and its answer comes back', async () => {
    const { a, b } = network
    const script = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('', 0))
print('port', s.getsockname()[1])
data, address = s.recvfrom(100)
print(address[0])
s.sendto(data.upper(), address)`
    const peer = b.start('python3', ['-uSEc', script])
    const port = Number((await peer.line(/^port (\d+)/))[1])
    const socket = new Socket(AF_INET, SOCK_DGRAM, 0, { netns: a.netns })
    await socket.sendto(Buffer.from('hello'), [b.v4, port])
    const { data, address } = await socket.recvfrom(100, { timeout: 5000 })
    socket.close()
    expect(String(data)).toBe('HELLO')
    expect(String(address)).toBe(`${b.v4}:${port}`)
    expect(await peer.ended).toMatchObject({ code: 0, stdout: `port ${port}\n${a.v4}\n` })
  })

  testIf(none, 'a TCP connection over IPv6 connects two sides', async () => {
    const { a, b } = network
    const listener = new Socket(AF_INET6, undefined, 0, { netns: b.netns }).bind([b.v6, 0]).listen()
    const client = new Socket(AF_INET6, undefined, 0, { netns: a.netns })
    await client.connect(listener.getsockname(), { timeout: 5000 })
    const server = await listener.accept({ timeout: 5000 })
    await client.sendAll(Buffer.from('over the pair'))
    expect(String(await server.recv(100, { timeout: 5000 }))).toBe('over the pair')
    expect(server.remoteAddress).toMatchObject({ address: a.v6 })
    for (const socket of [listener, client, server]) socket.close()
  })

  testIf(none, 'the blocking flavour sends to a link-local address of the other side', () => {
    const { a, b } = network
    const receiver = new SyncSocket(AF_INET6, SOCK_DGRAM, 0, { netns: b.netns }).bind(['::', 0])
    const sender = new SyncSocket(AF_INET6, SOCK_DGRAM, 0, { netns: a.netns })
    sender.sendto(Buffer.from('x'), {
      address: b.linkLocal,
      port: (receiver.getsockname() as { port: number }).port,
      scopeId: a.interface.index,
    })
    expect(receiver.recvfrom(10, { timeout: 5000 }).address).toMatchObject({ address: a.linkLocal })
    receiver.close()
    sender.close()
  })

  testIf(none, 'line() waits for a line of a program, and stop() ends the program', async () => {
    const peer = network.a.start('sh', ['-c', 'read line; echo "got $line"; exec sleep 60'])
    peer.write('this\n')
    expect((await peer.line(/got (.*)/))[1]).toBe('this')
    expect(await peer.stop()).toMatchObject({ code: null, signal: 'SIGTERM', stdout: 'got this\n' })
    await expect(peer.line(/never/)).rejects.toThrow(/it ended/)
  })

  testIf(none, 'a command that fails inside rejects shell(), and run() has its exit code', async () => {
    await expect(network.a.shell('ip link show nothing')).rejects.toThrow(/nothing/)
    expect(await network.a.run('sh', ['-c', 'exit 7'])).toMatchObject({ code: 7 })
  })
})

testIf(none, 'close() ends all programs and both namespaces', async () => {
  const network = await makeNetwork({ ping: true, mtu: 9000 })
  expect(await network.a.shell('cat /proc/sys/net/ipv4/ping_group_range')).toMatch(/^0\s+2147483647\n/)
  expect(await network.b.shell('ip link show b0')).toContain('mtu 9000')
  const left = network.b.start('sleep', ['60'])
  await network.close()
  expect(await left.ended).toMatchObject({ signal: 'SIGKILL' })
  for (const side of [network.a, network.b]) expect(existsSync(side.netns)).toBe(false)
  await network.close() // a second close() does nothing
})

testIf(none, 'a single namespace has only lo', async () => {
  const alone = await makeNamespace()
  const links = JSON.parse(await alone.shell('ip -json link show up')) as { ifname: string }[]
  expect(links.map(link => link.ifname)).toEqual(['lo'])
  const [one, two] = [0, 1].map(() =>
    new Socket(AF_INET, SOCK_DGRAM, 0, { netns: alone.netns }).bind(['127.0.0.1', 0]),
  ) as [Socket, Socket]
  await one.sendto(Buffer.from('x'), two.getsockname())
  expect((await two.recvfrom(10, { timeout: 5000 })).data).toHaveLength(1)
  one.close()
  two.close()
  await alone.close()
})
