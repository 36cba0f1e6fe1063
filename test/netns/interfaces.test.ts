import {
  AF_INET,
  AF_INET6,
  AF_PACKET,
  AF_UNIX,
  control,
  getifaddrs,
  if_indextoname,
  if_nameindex,
  if_nametoindex,
  IP_MULTICAST_IF,
  IPPROTO_IP,
  MessageBatch,
  openPacket,
  options,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
  Socket,
} from '../../lib'
import * as sync from '../../lib/sync'
import { thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { makeNamespace, type Namespace } from '../helpers/network'

const none = missing.network()
// Another namespace has interfaces that this one does not have.
const FIRST = 4711
const SECOND = 4712

describe('interfaces of another network namespace', () => {
  let other: Namespace
  let netns: string
  beforeAll(async () => {
    if (none !== null) return
    other = await makeNamespace()
    netns = other.netns
    await other.shell(`
    ip link add name far0 index ${FIRST} type veth peer name lofar index ${SECOND}
    ip link set far0 addrgenmode none; ip link set lofar addrgenmode none
    ip addr add fe80::1/64 dev far0 nodad; ip addr add fe80::2/64 dev lofar nodad
    ip addr add 10.9.0.1/24 dev far0
    ip link set far0 up; ip link set lofar up
    until ip link show far0 | grep -q 'state UP'; do sleep 0.01; done
    until ip link show lofar | grep -q 'state UP'; do sleep 0.01; done`)
  })
  afterAll(() => other?.close())

  const flavours = [
    ['bsd-sockets', Socket],
    ['bsd-sockets/sync', sync.Socket],
  ] as const

  describe.each(flavours)('interfaces of a socket in another network namespace, %s', (_, Flavour) => {
    const make = (family: number, type: number = SOCK_DGRAM): Socket | sync.Socket =>
      new (Flavour as typeof Socket)(family, type, 0, { netns })

    testIf(none, 'a zone in an address is an interface there', () => {
      using socket = make(AF_INET6)
      socket.bind(['fe80::1%far0', 0])
      expect(socket.getsockname()).toMatchObject({ scopeId: FIRST })
      expect(String(socket.localAddress)).toMatch(/^\[fe80::1%far0\]:\d+$/)
      expect(thrown(() => socket.bind(['fe80::1%near0', 0]))).toMatchObject({
        code: 'ERR_INVALID_ADDRESS',
      })
    })

    testIf(none, 'an address prints the name as long as a socket of the namespace is open', () => {
      const socket = make(AF_INET6)
      const second = make(AF_INET6)
      const address = socket.bind(['fe80::1%far0', 0]).getsockname()
      socket.close()
      expect(String(address)).toContain('%far0')
      second.close()
      expect(String(address)).toContain(`%${FIRST}`)
      expect(address.equals(address)).toBe(true)
    })

    testIf(none, 'options take and print names of that namespace', () => {
      using four = make(AF_INET)
      four.set(options.IP_MULTICAST_IF, 'far0')
      expect(four.getsockopt(IPPROTO_IP, IP_MULTICAST_IF, 4)).toEqual(Buffer.of(0, 0, 0, 0))
      expect(thrown(() => four.set(options.IP_MULTICAST_IF, 'near0'))).toMatchObject({
        code: 'ERR_INVALID_ADDRESS',
      })
      using six = make(AF_INET6)
      six.set(options.IPV6_MULTICAST_IF, 'lofar')
      expect(six.get(options.IPV6_MULTICAST_IF)).toBe(SECOND)
      six.set(options.IPV6_JOIN_GROUP, { group: 'ff02::99', interface: 'far0' })
      expect(six.joinGroup('ff02::9a%far0').interface).toBe(FIRST)
    })

    testIf(none, 'lo has its index there', () => {
      using six = make(AF_INET6)
      six.set(options.IPV6_MULTICAST_IF, 'lo')
      expect(six.get(options.IPV6_MULTICAST_IF)).toBe(1)
    })

    testIf(none, 'packet sockets bind to names there and print them', () => {
      using socket = make(AF_PACKET, SOCK_RAW)
      socket.bind({ interface: 'far0', protocol: 0x88b5 })
      expect(socket.getsockname()).toMatchObject({ interface: 'far0', index: FIRST })
      expect(String(socket.localAddress)).toContain('far0')
    })

    testIf(none, 'a duplicate and an adopted descriptor are of the same namespace', () => {
      using socket = make(AF_INET6)
      using copy = Flavour.dup(socket)
      copy.bind(['fe80::1%far0', 0])
      expect(String(copy.localAddress)).toContain('%far0')
      using adopted = Flavour.adopt(copy.detach())
      expect(String(adopted.localAddress)).toContain('%far0')
    })
  })

  testIf(none, 'sockets of one process in two namespaces each use their own names', () => {
    using here = new Socket(AF_INET6, SOCK_DGRAM)
    using there = new Socket(AF_INET6, SOCK_DGRAM, 0, { netns })
    expect(thrown(() => here.bind(['fe80::1%far0', 0]))).toMatchObject({ code: 'ERR_INVALID_ADDRESS' })
    there.bind(['fe80::1%far0', 0])
    expect(String(there.localAddress)).toContain('%far0')
    using lo = new Socket(AF_PACKET, SOCK_DGRAM)
    lo.bind({ interface: 'lo', protocol: 0 })
    expect(lo.getsockname()).toMatchObject({ interface: 'lo', index: 1 })
  })

  testIf(none, 'accepted connections and senders print names there', async () => {
    using listening = new Socket(AF_INET6, SOCK_STREAM, 0, { netns })
    listening.bind(['fe80::1%far0', 0]).listen()
    using client = new Socket(AF_INET6, SOCK_STREAM, 0, { netns })
    const [accepted] = await Promise.all([
      listening.accept(),
      client.connect({ address: 'fe80::1%far0', port: (listening.getsockname() as { port: number }).port }),
    ])
    expect(String(accepted.remoteAddress)).toContain('%far0')
    expect(String(accepted.localAddress)).toContain('%far0')
    accepted.close()

    using receiver = new Socket(AF_INET6, SOCK_DGRAM, 0, { netns })
    receiver.bind(['fe80::1%far0', 0]).receiveMeta({ packetInfo: true })
    using sender = new Socket(AF_INET6, SOCK_DGRAM, 0, { netns })
    const to = receiver.getsockname()
    await sender.sendto(Buffer.from('one'), to)
    expect(String((await receiver.recvfrom(10)).address)).toContain('%far0')
    await sender.sendmsg({
      data: Buffer.from('two'),
      address: to,
      control: [control.packetInfo({ interface: 'far0' })],
    })
    const message = await receiver.recvmsg(10)
    expect(String(message.address)).toContain('%far0')
    const batch = new MessageBatch({ count: 1, size: 10, controlSize: 64 })
    batch.set(0, Buffer.from('three'), to, [control.packetInfo({ interface: 'far0' })])
    expect(await sender.sendmmsg(batch)).toBe(1)
    await receiver.recvmmsg(batch)
    expect(String(batch.address(0))).toContain('%far0')
    await expect(
      sender.sendmsg({
        data: Buffer.from('x'),
        address: to,
        control: [control.packetInfo({ interface: 'near0' })],
      }),
    ).rejects.toMatchObject({ code: 'ERR_INVALID_ADDRESS' })
  })

  testIf(none, 'the error of an operation prints the address with the name there', async () => {
    using socket = new Socket(AF_INET6, SOCK_STREAM, 0, { netns })
    await expect(socket.connect({ address: 'fe80::1%far0', port: 9 })).rejects.toThrow('[fe80::1%far0]:9')
  })

  testIf(none, 'frames print the interface there', async () => {
    using packets = openPacket({ interface: 'far0', netns })
    using sender = openPacket({ interface: 'lofar', netns, protocol: 0 })
    await sender.send(Buffer.from('ffffffffffff02000000000188b5' + '00'.repeat(50), 'hex'))
    for await (const { address } of packets.frames({ timeout: 5000 })) {
      if (address.kind !== 'packet' || address.protocol !== 0x88b5) continue
      expect(address).toMatchObject({ interface: 'far0', index: FIRST })
      break
    }
  })

  testIf(none, 'the functions for interfaces take a namespace', () => {
    for (const { if_indextoname: name, if_nameindex: list, if_nametoindex: index, getifaddrs: all } of [
      { if_indextoname, if_nameindex, if_nametoindex, getifaddrs },
      sync,
    ]) {
      expect(index('far0', { netns })).toBe(FIRST)
      expect(name(SECOND, { netns })).toBe('lofar')
      expect(list({ netns })).toEqual([
        { index: 1, name: 'lo' },
        { index: FIRST, name: 'far0' },
        { index: SECOND, name: 'lofar' },
      ])
      const found = all({ netns })
      expect(found.map(each => each.name)).toContain('far0')
      expect(found.map(each => String(each.address))).toEqual(
        expect.arrayContaining(['[fe80::1%far0]:0', '10.9.0.1:0', '127.0.0.1:0']),
      )
      expect(thrown(() => index('far0'))).toMatchObject({ code: 'ENODEV' })
      expect(thrown(() => index('near0', { netns }))).toMatchObject({ code: 'ENODEV' })
      expect(thrown(() => list({ netns: '/nowhere/at/all' }))).toMatchObject({ code: 'ENOENT' })
      expect(thrown(() => list({ netms: '/' } as never))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
    }
  })

  testIf(none, 'a socket of a family without interfaces finds them too', () => {
    using socket = new Socket(AF_UNIX, SOCK_STREAM, 0, { netns })
    using six = new Socket(AF_INET6, SOCK_DGRAM, 0, { netns })
    const address = six.bind(['fe80::1%far0', 0]).getsockname()
    six.close()
    expect(socket.closed).toBe(false)
    expect(String(address)).toContain('%far0')
  })
})
