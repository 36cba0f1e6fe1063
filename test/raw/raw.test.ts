import {
  AF_INET,
  AF_INET6,
  checksum,
  ICMP6_ECHO_REPLY,
  ICMP6_ECHO_REQUEST,
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  inet_ntop,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_RAW,
  IPPROTO_UDP,
  options,
  SOCK_DGRAM,
  SOCK_RAW,
  Socket,
} from '../../lib'
import { Socket as SyncSocket } from '../../lib/sync'
import { failure, thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { makeNetwork, type Network, type Side } from '../helpers/network'
import { echo, ipv4Header, ipv6Header, summed, udp } from './packets'

/*
 * Raw IP between two namespaces, so that all packets are from the test. 253 is a protocol for experiments (RFC 3692).
 * A packet that must not arrive is sent before a packet that must arrive.
 */
const none = missing.network() ?? missing.socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)
const EXPERIMENT = 253
const soon = { timeout: 5000 }

describe('raw IP', () => {
  let network: Network
  let [a, b]: Side[] = []
  const open: { close(): void }[] = []
  beforeAll(async () => {
    if (none !== null) return
    network = await makeNetwork()
    ;({ a, b } = network)
  })
  afterAll(() => network?.close())
  afterEach(() => {
    for (const socket of open.splice(0)) socket.close()
  })

  function make(side: Side, family: number, protocol: number, type: number = SOCK_RAW): Socket {
    const socket = new Socket(family, type, protocol, { netns: side.netns })
    open.push(socket)
    return socket
  }

  describe('ICMP', () => {
    testIf(none, 'an ICMP echo and its answer arrive with the IP header', async () => {
      const socket = make(a!, AF_INET, IPPROTO_ICMP).set(options.ICMP_FILTER, { pass: [ICMP_ECHOREPLY] })
      const request = summed(echo(ICMP_ECHO, 0x1234, 7, Buffer.from('odd')))
      expect(await socket.sendto(request, [b!.v4, 0])).toBe(11)
      const { data, address } = await socket.recvfrom(1500, soon)
      expect(address).toMatchObject({ kind: 'inet', address: b!.v4, port: 0 })
      expect([data[0], data[9], data.readUInt16BE(2)]).toEqual([0x45, IPPROTO_ICMP, 31])
      const answer = data.subarray((data[0]! & 15) * 4)
      expect([answer[0], answer.readUInt16BE(4), answer.readUInt16BE(6)]).toEqual([ICMP_ECHOREPLY, 0x1234, 7])
      expect(answer.toString('latin1', 8)).toBe('odd')
      expect([checksum(answer), checksum(data.subarray(0, 20))]).toEqual([0, 0])
    })

    testIf(none, 'ICMP_FILTER blocks the given types, but never types above 31', async () => {
      const to: [string, number] = [a!.v4, 0]
      const socket = make(a!, AF_INET, IPPROTO_ICMP)
      const types = async (): Promise<number> => (await socket.recv(1500, soon))[20]!
      // On loopback the socket receives both the request and the answer.
      await socket.sendto(summed(echo(ICMP_ECHO, 1, 1)), to)
      expect([await types(), await types()].sort()).toEqual([ICMP_ECHOREPLY, ICMP_ECHO])
      socket.set(options.ICMP_FILTER, { block: [ICMP_ECHOREPLY] })
      expect(socket.get(options.ICMP_FILTER).block).toEqual([ICMP_ECHOREPLY])
      await socket.sendto(summed(echo(ICMP_ECHO, 1, 2)), to)
      await socket.sendto(summed(echo(200, 1, 3)), to)
      expect([await types(), await types()]).toEqual([ICMP_ECHO, 200])
      socket.set(options.ICMP_FILTER, { pass: [] })
      await socket.sendto(summed(echo(ICMP_ECHO, 1, 4)), to)
      await socket.sendto(summed(echo(201, 1, 5)), to)
      expect(await types()).toBe(201)
      expect(socket.tryRecv(1500)).toBeNull()
    })

    testIf(
      none,
      'ICMPv6 messages arrive without the IP header, and the kernel fills in the checksum',
      async () => {
        const socket = make(a!, AF_INET6, IPPROTO_ICMPV6)
        socket.set(options.ICMP6_FILTER, { pass: [ICMP6_ECHO_REPLY] })
        expect(socket.get(options.ICMP6_FILTER).pass).toEqual([ICMP6_ECHO_REPLY])
        expect(socket.get(options.ICMPV6_FILTER).pass).toEqual([ICMP6_ECHO_REPLY])
        await socket.sendto(echo(ICMP6_ECHO_REQUEST, 0x1234, 7, Buffer.from('six')), [b!.v6, 0])
        const { data, address } = await socket.recvfrom(1500, soon)
        expect(address).toMatchObject({ kind: 'inet6', address: b!.v6 })
        expect([data[0], data.readUInt16BE(4), data.toString('latin1', 8)]).toEqual([129, 0x1234, 'six'])
      },
    )

    testIf(none, 'ICMP6_FILTER { block } passes all other types, including neighbour discovery', async () => {
      const socket = make(a!, AF_INET6, IPPROTO_ICMPV6)
      socket.set(options.ICMP6_FILTER, { block: [ICMP6_ECHO_REPLY] })
      await socket.sendto(echo(ICMP6_ECHO_REQUEST, 1, 1), [a!.v6, 0])
      expect((await socket.recv(1500, soon))[0]).toBe(ICMP6_ECHO_REQUEST)
      expect(socket.tryRecv(1500)).toBeNull()
      expect(thrown(() => socket.set(options.IPV6_CHECKSUM, 2)).code).toBe('EINVAL')
    })

    testIf(none, 'the blocking Socket sends and receives ICMP', () => {
      const socket = new SyncSocket(AF_INET, SOCK_RAW, IPPROTO_ICMP, { netns: a!.netns })
      open.push(socket)
      socket.set(options.ICMP_FILTER, { pass: [ICMP_ECHOREPLY] }).connect([b!.v4, 0])
      socket.send(summed(echo(ICMP_ECHO, 9, 9)))
      expect(socket.recv(1500, soon)[20]).toBe(ICMP_ECHOREPLY)
    })
  })

  describe('IP_HDRINCL', () => {
    testIf(
      none,
      'with IP_HDRINCL the kernel writes length and checksum, and id and source if they are 0',
      async () => {
        const receiver = make(b!, AF_INET, EXPERIMENT)
        const sender = make(a!, AF_INET, EXPERIMENT).set(options.IP_HDRINCL, true)
        const header = ipv4Header('0.0.0.0', b!.v4, EXPERIMENT)
        header.writeUInt16BE(9999, 2) // the length, wrong
        header.writeUInt16BE(0xdead, 10) // the checksum, wrong
        await sender.sendto(Buffer.concat([header, Buffer.from('abc')]), [b!.v4, 0])
        const { data, address } = await receiver.recvfrom(1500, soon)
        expect(address).toMatchObject({ address: a!.v4 })
        expect([data.length, data.readUInt16BE(2), checksum(data.subarray(0, 20))]).toEqual([23, 23, 0])
        expect([data[8], data[9], data.toString('latin1', 20)]).toEqual([33, EXPERIMENT, 'abc'])
        expect(inet_ntop(AF_INET, data.subarray(12, 16))).toBe(a!.v4)
      },
    )

    testIf(none, 'with IP_HDRINCL the kernel keeps a foreign source and an id', async () => {
      const receiver = make(b!, AF_INET, EXPERIMENT)
      const sender = make(a!, AF_INET, IPPROTO_RAW)
      const header = ipv4Header('10.77.0.200', b!.v4, EXPERIMENT)
      header.writeUInt16BE(4242, 4)
      await sender.sendto(Buffer.concat([header, Buffer.from('x')]), [b!.v4, 0])
      const { data, address } = await receiver.recvfrom(1500, soon)
      expect(address).toMatchObject({ address: '10.77.0.200' })
      expect(data.readUInt16BE(4)).toBe(4242)
    })

    testIf(
      none,
      'with IP_HDRINCL the kernel does not fragment, and rejects an incomplete header',
      async () => {
        const sender = make(a!, AF_INET, IPPROTO_RAW)
        const header = ipv4Header(a!.v4, b!.v4, EXPERIMENT)
        const long = Buffer.concat([header, Buffer.alloc(1481)])
        expect((await failure(sender.sendto(long, [b!.v4, 0]))).code).toBe('EMSGSIZE')
        expect((await failure(sender.sendto(header.subarray(0, 19), [b!.v4, 0]))).code).toBe('EINVAL')
        header[0] = 0x4f // a header length of 60 bytes
        expect((await failure(sender.sendto(header, [b!.v4, 0]))).code).toBe('EINVAL')
      },
    )

    testIf(none, 'IPPROTO_RAW enables IP_HDRINCL by default, and never receives', async () => {
      const sender = make(a!, AF_INET, IPPROTO_RAW)
      expect(sender.get(options.IP_HDRINCL)).toBe(true)
      const other = make(a!, AF_INET, EXPERIMENT)
      const packet = Buffer.concat([ipv4Header(a!.v4, a!.v4, EXPERIMENT), Buffer.from('x')])
      await sender.sendto(packet, [a!.v4, 0])
      expect((await other.recv(1500, soon)).length).toBe(21)
      expect(sender.tryRecv(1500)).toBeNull()
      expect(thrown(() => make(a!, AF_INET, 0, SOCK_DGRAM).set(options.IP_HDRINCL, true)).code).toBe(
        'ENOPROTOOPT',
      )
    })

    testIf(none, 'without IP_HDRINCL the kernel writes the header, and fragments', async () => {
      const receiver = make(b!, AF_INET, EXPERIMENT)
      const sender = make(a!, AF_INET, EXPERIMENT).set(options.IP_TTL, 5).set(options.IP_TOS, 0x28)
      await sender.sendto(Buffer.alloc(4000, 'x'), [b!.v4, 0])
      const data = await receiver.recv(65535, soon)
      expect([data.length, data[8], data[1]]).toEqual([4020, 5, 0x28])
    })
  })

  describe('a UDP datagram by hand', () => {
    testIf(
      none,
      'a UDP datagram built by the test is received over IPv4, from an unused source address',
      async () => {
        const receiver = make(b!, AF_INET, 0, SOCK_DGRAM).bind(['', 0])
        const { port } = receiver.getsockname() as { port: number }
        const from = '10.77.0.200'
        const packet = Buffer.concat([
          ipv4Header(from, b!.v4, IPPROTO_UDP),
          udp(from, b!.v4, 1234, port, Buffer.from('odd')),
        ])
        await make(a!, AF_INET, IPPROTO_RAW).sendto(packet, [b!.v4, 0])
        const { data, address } = await receiver.recvfrom(100, soon)
        expect([String(data), String(address)]).toEqual(['odd', '10.77.0.200:1234'])
      },
    )

    testIf(
      none,
      'a UDP datagram built by the test is received over IPv6 with IPV6_HDRINCL, where the kernel writes no field',
      async () => {
        const receiver = make(b!, AF_INET6, 0, SOCK_DGRAM).bind(['', 0])
        const { port } = receiver.getsockname() as { port: number }
        const payload = udp(a!.v6, b!.v6, 1234, port, Buffer.from('six'))
        const header = ipv6Header(a!.v6, b!.v6, IPPROTO_UDP, payload.length)
        receiver.set(options.IPV6_RECVHOPLIMIT, true)
        const sender = make(a!, AF_INET6, IPPROTO_UDP).set(options.IPV6_HDRINCL, true)
        expect(make(a!, AF_INET6, IPPROTO_RAW).get(options.IPV6_HDRINCL)).toBe(true)
        await sender.sendto(Buffer.concat([header, payload]), [b!.v6, 0])
        const { data, address, meta } = await receiver.recvmsg(100, soon)
        expect([String(data), String(address), meta.ttl]).toEqual(['six', '[fd77::1]:1234', 33])
      },
    )
  })

  describe('IPV6_CHECKSUM', () => {
    testIf(none, 'the kernel writes and checks the checksum at the offset of IPV6_CHECKSUM', async () => {
      const receiver = make(b!, AF_INET6, EXPERIMENT).set(options.IPV6_CHECKSUM, 2)
      const [plain, summing] = [make(a!, AF_INET6, EXPERIMENT), make(a!, AF_INET6, EXPERIMENT)]
      summing.set(options.IPV6_CHECKSUM, 2)
      await plain.sendto(Buffer.from('wrong one'), [b!.v6, 0])
      await summing.sendto(Buffer.from('ab__right'), [b!.v6, 0])
      const data = await receiver.recv(100, soon)
      expect(data.toString('latin1', 4)).toBe('right')
      expect(data.toString('latin1', 0, 4)).not.toBe('ab__')
      receiver.set(options.IPV6_CHECKSUM, -1)
      expect(receiver.get(options.IPV6_CHECKSUM)).toBe(-1)
      await plain.sendto(Buffer.from('any'), [b!.v6, 0])
      expect(String(await receiver.recv(100, soon))).toBe('any')
      expect(thrown(() => receiver.set(options.IPV6_CHECKSUM, 3)).code).toBe('EINVAL')
    })

    testIf(none, 'IPV6_CHECKSUM fails if the packet is too short for the checksum', async () => {
      const socket = make(a!, AF_INET6, EXPERIMENT).set(options.IPV6_CHECKSUM, 8)
      expect((await failure(socket.sendto(Buffer.alloc(9), [b!.v6, 0]))).code).toBe('EINVAL')
    })
  })

  testIf(none, 'the port in a raw IP address is 0, or for IPv6 also the protocol', async () => {
    const [v4, v6] = [make(a!, AF_INET, EXPERIMENT), make(a!, AF_INET6, EXPERIMENT)]
    await v4.sendto(Buffer.from('x'), [b!.v4, 77])
    await v6.sendto(Buffer.from('x'), [b!.v6, EXPERIMENT])
    expect((await failure(v6.sendto(Buffer.from('x'), [b!.v6, 77]))).code).toBe('EINVAL')
  })

  testIf(none, 'bind and connect filter the received packets', async () => {
    const receiver = make(b!, AF_INET, EXPERIMENT).bind([b!.v4, 0])
    await receiver.connect(['10.77.0.200', 0])
    const sender = make(a!, AF_INET, IPPROTO_RAW)
    for (const [from, text] of [
      [a!.v4, 'not the peer'],
      ['10.77.0.200', 'the peer'],
    ] as const) {
      const header = ipv4Header(from, b!.v4, EXPERIMENT)
      await sender.sendto(Buffer.concat([header, Buffer.from(text)]), [b!.v4, 0])
    }
    expect((await receiver.recv(100, soon)).toString('latin1', 20)).toBe('the peer')
  })

  testIf(none, 'a connected raw socket reports ICMP errors', async () => {
    const socket = make(a!, AF_INET, EXPERIMENT)
    await socket.connect([b!.v4, 0])
    // The peer has no receiver for the protocol. With less than 8 bytes, the kernel could not match the error to the
    // socket.
    await socket.send(Buffer.alloc(8))
    expect((await failure(socket.recv(100, soon))).code).toBe('ENOPROTOOPT')
  })
})
