import {
  AF_INET,
  AF_INET6,
  ICMP6_ECHO_REPLY,
  ICMP6_ECHO_REQUEST,
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  ICMP_TIMESTAMP,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  options,
  SOCK_DGRAM,
  Socket,
} from '../../lib'
import { failure, thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { makeNamespace, makeNetwork, type Namespace, type Network } from '../helpers/network'
import { echo } from './packets'

/*
 * ICMP datagram sockets. They need no capability, only a group within net.ipv4.ping_group_range. The test opens the
 * range only in its own namespaces.
 */
const none = missing.network()

describe('ping sockets', () => {
  let network: Network
  let shut: Namespace
  const open: Socket[] = []
  beforeAll(async () => {
    if (none !== null) return
    network = await makeNetwork({ ping: true })
    shut = await makeNamespace()
  })
  afterAll(async () => {
    await network?.close()
    await shut?.close()
  })
  afterEach(() => {
    for (const socket of open.splice(0)) socket.close()
  })

  function make(family: number, netns = network.a.netns): Socket {
    const protocol = family === AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6
    const socket = new Socket(family, SOCK_DGRAM, protocol, { netns })
    open.push(socket)
    return socket
  }

  const versions = [
    ['IPv4', AF_INET, 'v4', ICMP_ECHO, ICMP_ECHOREPLY],
    ['IPv6', AF_INET6, 'v6', ICMP6_ECHO_REQUEST, ICMP6_ECHO_REPLY],
  ] as const

  describe.each(versions)('%s', (_, family, key, request, reply) => {
    testIf(
      none,
      'the kernel fills in identifier and checksum, and received data has no IP header',
      async () => {
        const socket = make(family)
        await socket.sendto(echo(request, 0xffff, 5, Buffer.from('hello')), [network.b[key], 0])
        const { data, address } = await socket.recvfrom(1500, { timeout: 5000 })
        expect(address).toMatchObject({ address: network.b[key] })
        expect([data[0], data.readUInt16BE(6), data.toString('latin1', 8)]).toEqual([reply, 5, 'hello'])
        const { port } = socket.getsockname() as { port: number }
        expect(data.readUInt16BE(4)).toBe(port)
        expect(port).toBeGreaterThan(0)
      },
    )

    testIf(none, 'bind sets the identifier, which sockets share unless SO_REUSEADDR is off', async () => {
      const any = key === 'v4' ? '0.0.0.0' : '::'
      const socket = make(family).bind([any, 0x1234])
      expect(socket.get(options.SO_REUSEADDR)).toBe(true) // the default for ping sockets and raw sockets
      const alone = make(family).set(options.SO_REUSEADDR, false)
      expect(thrown(() => alone.bind([any, 0x1234])).code).toBe('EADDRINUSE')
      await socket.connect([network.b[key], 0])
      await socket.send(echo(request, 1, 1))
      expect((await socket.recv(1500, { timeout: 5000 })).readUInt16BE(4)).toBe(0x1234)
    })

    testIf(none, 'each socket receives the answers to its own requests', async () => {
      const [one, two] = [make(family), make(family)]
      await one.sendto(echo(request, 0, 1), [network.b[key], 0])
      await two.sendto(echo(request, 0, 2), [network.b[key], 0])
      for (const [socket, sequence] of [
        [one, 1],
        [two, 2],
      ] as const) {
        expect((await socket.recv(1500, { timeout: 5000 })).readUInt16BE(6)).toBe(sequence)
        expect(socket.tryRecv(1500)).toBeNull()
      }
    })

    testIf(none, 'only an echo request can be sent', async () => {
      const to: [string, number] = [network.b[key], 0]
      const socket = make(family)
      for (const type of [reply, key === 'v4' ? ICMP_TIMESTAMP : 135]) {
        expect((await failure(socket.sendto(echo(type, 0, 1), to))).code).toBe('EINVAL')
      }
      expect((await failure(socket.sendto(Buffer.alloc(7), to))).code).toBe('EINVAL')
    })

    testIf(none, 'the TTL of the answer is received as a control message', async () => {
      const socket = make(family)
      if (family === AF_INET) socket.set(options.IP_RECVTTL, true)
      else socket.set(options.IPV6_RECVHOPLIMIT, true)
      await socket.sendto(echo(request, 0, 1), [network.b[key], 0])
      expect((await socket.recvmsg(1500, { timeout: 5000 })).meta.ttl).toBe(64)
    })

    testIf(none, 'without the group range, the error names the sysctl', () => {
      const refused = thrown(() => make(family, shut.netns))
      expect(refused.code).toBe('EACCES')
      expect(refused.message).toMatch(
        /^socket EACCES AF_INET6? SOCK_DGRAM IPPROTO_ICMP(V6)? \(.*net\.ipv4\.ping_group_range.*CAP_NET_RAW/,
      )
    })
  })
})
