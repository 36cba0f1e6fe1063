import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { AF_INET, AF_INET6, constants, options, SOCK_DGRAM, SOCK_STREAM, Socket } from '../../lib'
import { failure, outcome, thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { makeNetwork, type Network, type Side } from '../helpers/network'
import { receive } from '../helpers/pairs'

/*
 * Options that are set before bind, listen and connect. Each is tested by its effect on packets and connections between
 * two namespaces, not by reading it back.
 */
const none = missing.network()
const soon = { timeout: 5000 }
const foreign = '203.0.113.5' // an address of TEST-NET-3, which no host has
const foreign6 = '2001:db8::5'

describe('options before bind and connect', () => {
  let network: Network
  let [a, b]: Side[] = []
  const open: Socket[] = []
  beforeAll(async () => {
    if (none !== null) return
    network = await makeNetwork()
    ;({ a, b } = network)
  })
  afterAll(() => network?.close())
  afterEach(() => {
    for (const socket of open.splice(0)) socket.close()
  })

  function keep(socket: Socket): Socket {
    open.push(socket)
    return socket
  }
  const make = (side: Side, type: number, family: number = AF_INET): Socket =>
    keep(new Socket(family, type, 0, { netns: side.netns }))
  const udp = (side: Side, family?: number): Socket => make(side, SOCK_DGRAM, family)
  const tcp = (side: Side, family?: number): Socket => make(side, SOCK_STREAM, family)
  const portOf = (socket: Socket): number => (socket.getsockname() as { port: number }).port
  const text = (value: string): Buffer => Buffer.from(value)
  const received = async (socket: Socket): Promise<string> => String(await socket.recv(100, soon))

  /** Makes a listening socket in b. */
  const listen = (socket: Socket = tcp(b!)): Socket => socket.bind(['', 0]).listen()
  async function connected(client: Socket, listener: Socket): Promise<Socket> {
    const [server] = await Promise.all([
      listener.accept(soon),
      client.connect([b!.v4, portOf(listener)], soon),
    ])
    return keep(server)
  }

  describe('SO_REUSEPORT', () => {
    testIf(
      none,
      'SO_REUSEPORT: many datagram sockets share a port, and each flow reaches one of them',
      async () => {
        const group = [udp(b!).set(options.SO_REUSEPORT, true).bind(['', 0])]
        const to: [string, number] = [b!.v4, portOf(group[0]!)]
        expect(thrown(() => udp(b!).bind(['', to[1]])).code).toBe('EADDRINUSE')
        for (let i = 1; i < 4; i++) group.push(udp(b!).set(options.SO_REUSEPORT, true).bind(['', to[1]]))
        const flows = 64
        for (let i = 0; i < flows; i++) {
          const sender = udp(a!)
          await sender.connect(to)
          await sender.send(text('1'))
          await sender.send(text('2')) // the sender stays open, so no other flow gets its port
        }
        const seen = new Map<string, number[]>()
        group.forEach((socket, i) => {
          for (let each = socket.tryRecvfrom(9); each !== null; each = socket.tryRecvfrom(9)) {
            const from = String(each.address)
            seen.set(from, [...(seen.get(from) ?? []), i])
          }
        })
        expect(seen.size).toBe(flows)
        const places = [...seen.values()]
        expect(places.every(([first, second, ...more]) => first === second && more.length === 0)).toBe(true)
        expect(new Set(places.map(([first]) => first)).size).toBeGreaterThan(1)
      },
    )

    testIf(
      none,
      'SO_REUSEPORT: several listening sockets share a port, and each gets connections',
      async () => {
        const first = tcp(b!).set(options.SO_REUSEPORT, true).bind(['', 0]).listen(64)
        const to: [string, number] = [b!.v4, portOf(first)]
        const second = tcp(b!).set(options.SO_REUSEPORT, true).bind(['', to[1]]).listen(64)
        const clients = Array.from({ length: 40 }, () => tcp(a!))
        await Promise.all(clients.map(client => client.connect(to, soon)))
        const count = (listener: Socket): number => {
          let accepted = 0
          for (let each = listener.tryAccept(); each !== null; each = listener.tryAccept(), accepted++)
            keep(each)
          return accepted
        }
        const counts = [count(first), count(second)]
        expect(counts[0]! + counts[1]!).toBe(40)
        expect(Math.min(...counts)).toBeGreaterThan(0)
      },
    )

    const pinned =
      none ??
      missing.python() ??
      (availableParallelism() < 2 ? 'one CPU' : null) ??
      (spawnSync('taskset', ['-c', '0,1', 'true']).status === 0 ? null : 'no taskset on CPUs 0 and 1')
    testIf(pinned, 'SO_INCOMING_CPU: a packet reaches the socket of the CPU that received it', async () => {
      const group = [0, 1].map(() => udp(a!).set(options.SO_REUSEPORT, true))
      group[0]!.bind(['', 0])
      group[1]!.bind(['', portOf(group[0]!)])
      group.forEach((socket, cpu) => socket.set(options.SO_INCOMING_CPU, cpu))
      const script = `
import socket, sys
for i in range(16):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s: s.sendto(sys.argv[1].encode(), ('127.0.0.1', int(sys.argv[2])))
`
      // A packet on lo is received by the CPU that sent it.
      for (const cpu of ['0', '1']) {
        const args = ['-c', cpu, 'python3', '-c', script, cpu, String(portOf(group[0]!))]
        expect((await a!.run('taskset', args)).code).toBe(0)
      }
      for (const [cpu, socket] of group.entries()) {
        for (let i = 0; i < 16; i++) expect(String(socket.tryRecv(9))).toBe(String(cpu))
        expect(socket.tryRecv(9)).toBeNull()
      }
    })
  })

  describe('addresses that the host does not have', () => {
    testIf(
      none,
      'IP_FREEBIND binds to an address that the host does not have, and sends once the host has it',
      async () => {
        expect(thrown(() => udp(a!).bind([foreign, 0])).code).toBe('EADDRNOTAVAIL')
        const socket = udp(a!).set(options.IP_FREEBIND, true).bind([foreign, 0])
        expect(socket.localAddress).toMatchObject({ address: foreign })
        expect((await failure(socket.sendto(text('x'), [b!.v4, 9]))).code).toMatch(/^(ENETUNREACH|EINVAL)$/)
        // The option is for an address that is added later.
        await a!.shell(`ip addr add ${foreign}/32 dev a0`)
        await socket.sendto(text('x'), [b!.v4, 9])
        await a!.shell(`ip addr del ${foreign}/32 dev a0`)
      },
    )

    testIf(none, 'IP_TRANSPARENT sends from an address that the host does not have', async () => {
      const receiver = udp(b!).bind(['', 0])
      const socket = udp(a!).set(options.IP_TRANSPARENT, true).bind([foreign, 77])
      await socket.sendto(text('x'), [b!.v4, portOf(receiver)])
      expect((await receiver.recvfrom(9, soon)).address).toMatchObject({ address: foreign, port: 77 })
    })

    testIf(
      none,
      'IPV6_FREEBIND and IPV6_TRANSPARENT bind to and send from an address that the host does not have',
      async () => {
        expect(thrown(() => udp(a!, AF_INET6).bind([foreign6, 0])).code).toBe('EADDRNOTAVAIL')
        expect(
          udp(a!, AF_INET6).set(options.IPV6_FREEBIND, true).bind([foreign6, 0]).localAddress,
        ).toMatchObject({
          address: foreign6,
        })
        const receiver = udp(b!, AF_INET6).bind(['', 0])
        const socket = udp(a!, AF_INET6).set(options.IPV6_TRANSPARENT, true).bind([foreign6, 77])
        await socket.sendto(text('x'), [b!.v6, portOf(receiver)])
        expect((await receiver.recvfrom(9, soon)).address).toMatchObject({ address: foreign6, port: 77 })
      },
    )
  })

  describe('devices and routes', () => {
    testIf(none, 'SO_BINDTODEVICE and SO_BINDTOIFINDEX receive only from the device', async () => {
      for (const bound of [
        udp(a!).set(options.SO_BINDTODEVICE, 'a0'),
        udp(a!).set(options.SO_BINDTOIFINDEX, a!.interface.index),
      ]) {
        bound.bind(['', 0])
        expect(bound.get(options.SO_BINDTODEVICE)).toBe('a0')
        await udp(a!).sendto(text('by lo'), ['127.0.0.1', portOf(bound)])
        await udp(b!).sendto(text('by a0'), [a!.v4, portOf(bound)])
        expect(await received(bound)).toBe('by a0')
        expect(bound.tryRecv(9)).toBeNull()
      }
    })

    testIf(none, 'SO_BINDTODEVICE connects only over the device', async () => {
      const listener = listen(tcp(a!))
      const to: [string, number] = ['127.0.0.1', portOf(listener)]
      const client = tcp(a!).set(options.SO_BINDTODEVICE, 'a0')
      expect(await outcome(client.connect(to, { timeout: 200 }))).not.toBe('fulfilled')
      await tcp(a!).set(options.SO_BINDTODEVICE, 'lo').connect(to, soon)
    })

    testIf(none, 'SO_MARK selects the route', async () => {
      await a!.shell(`ip rule add fwmark 7 table 100
        ip route add 198.51.100.0/24 via ${b!.v4} table 100`)
      const to: [string, number] = ['198.51.100.1', 9]
      expect((await failure(udp(a!).connect(to))).code).toBe('ENETUNREACH')
      const marked = udp(a!).set(options.SO_MARK, 7)
      await marked.connect(to)
      expect(marked.localAddress).toMatchObject({ address: a!.v4 })
    })

    testIf(none, 'IPV6_V6ONLY leaves the port free for IPv4', () => {
      const v6 = tcp(b!, AF_INET6).set(options.IPV6_V6ONLY, true).bind(['', 0]).listen()
      tcp(b!)
        .bind(['', portOf(v6)])
        .listen()
      const dual = tcp(b!, AF_INET6).set(options.IPV6_V6ONLY, false).bind(['', 0]).listen()
      expect(thrown(() => tcp(b!).bind(['', portOf(dual)])).code).toBe('EADDRINUSE')
    })
  })

  describe('ports', () => {
    testIf(
      none,
      'IP_BIND_ADDRESS_NO_PORT: connect chooses the port, and two connections may share it',
      async () => {
        const [one, two] = [listen(), listen()]
        const range = { low: 40404, high: 40404 }
        const client = (): Socket => tcp(a!).set(options.IP_LOCAL_PORT_RANGE, range)
        const first = client().set(options.IP_BIND_ADDRESS_NO_PORT, true).bind([a!.v4, 0])
        expect(portOf(first)).toBe(0)
        const second = client().set(options.IP_BIND_ADDRESS_NO_PORT, true).bind([a!.v4, 0])
        await connected(first, one)
        await connected(second, two)
        expect([portOf(first), portOf(second)]).toEqual([40404, 40404])
        expect(thrown(() => client().bind([a!.v4, 0])).code).toBe('EADDRINUSE')
      },
    )
  })

  describe('options of TCP', () => {
    testIf(none, 'TCP_FASTOPEN: the SYN of the second connection carries data', async () => {
      for (const side of [a!, b!]) await side.shell('echo 3 > /proc/sys/net/ipv4/tcp_fastopen')
      const listener = listen(tcp(b!).set(options.TCP_FASTOPEN, 16))
      const carried: boolean[] = []
      for (const word of ['first', 'second']) {
        const client = tcp(a!).set(options.TCP_FASTOPEN_CONNECT, true)
        await client.connect([b!.v4, portOf(listener)], soon)
        const [server] = await Promise.all([listener.accept(soon), client.sendAll(text(word), soon)])
        expect(String(await receive(keep(server), word.length))).toBe(word)
        carried.push((client.get(options.TCP_INFO).tcpi_options & constants.TCPI_OPT_SYN_DATA!) !== 0)
      }
      expect(carried).toEqual([false, true])
    })

    testIf(none, 'TCP_USER_TIMEOUT ends a connection whose peer does not answer', async () => {
      const listener = listen()
      const client = tcp(a!).set(options.TCP_USER_TIMEOUT, 300)
      const server = await connected(client, listener)
      // Packets to the peer now go to a hardware address that no interface has.
      await a!.shell(`ip neigh replace ${b!.v4} lladdr 02:77:00:00:00:ff nud permanent dev a0`)
      await client.send(text('x'))
      expect((await failure(client.recv(1, { timeout: 15000 }))).code).toBe('ETIMEDOUT')
      await a!.shell(`ip neigh del ${b!.v4} dev a0`)
      expect(server.tryRecv(1)).toBeNull()
    })

    testIf(
      none,
      'TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT end a connection whose peer does not answer',
      async () => {
        const client = tcp(a!).set(options.SO_KEEPALIVE, true).set(options.TCP_KEEPIDLE, 1)
        client.set(options.TCP_KEEPINTVL, 1).set(options.TCP_KEEPCNT, 1)
        await connected(client, listen())
        const trio = [options.TCP_KEEPIDLE, options.TCP_KEEPINTVL, options.TCP_KEEPCNT]
        expect(trio.map(option => client.get(option))).toEqual([1, 1, 1])
        // The kernel probes after a second and gives up a second later.
        await a!.shell(`ip neigh replace ${b!.v4} lladdr 02:77:00:00:00:ff nud permanent dev a0`)
        expect((await failure(client.recv(1, { timeout: 15000 }))).code).toBe('ETIMEDOUT')
        await a!.shell(`ip neigh del ${b!.v4} dev a0`)
      },
    )

    testIf(none, 'TCP_MAXSEG limits the segments that the peer sends', async () => {
      const client = tcp(a!).set(options.TCP_MAXSEG, 600)
      const server = await connected(client, listen())
      expect(server.get(options.TCP_INFO).tcpi_snd_mss).toBeLessThanOrEqual(600)
    })

    testIf(none, 'an accepted connection inherits options of the listening socket', async () => {
      const listener = tcp(b!).set(options.TCP_NODELAY, true).set(options.SO_KEEPALIVE, true)
      listener.set(options.IP_TOS, 0x48).set(options.TCP_USER_TIMEOUT, 4321)
      const server = await connected(tcp(a!), listen(listener))
      expect(server.get(options.TCP_NODELAY)).toBe(true)
      expect(server.get(options.SO_KEEPALIVE)).toBe(true)
      expect([server.get(options.IP_TOS), server.get(options.TCP_USER_TIMEOUT)]).toEqual([0x48, 4321])
    })
  })

  describe('options of IP', () => {
    testIf(none, 'a datagram arrives with the value of IP_TOS or IPV6_TCLASS', async () => {
      const receiver = udp(b!).set(options.IP_RECVTOS, true).bind(['', 0])
      await udp(a!)
        .set(options.IP_TOS, 0xb9)
        .sendto(text('x'), [b!.v4, portOf(receiver)])
      expect((await receiver.recvmsg(9, soon)).meta).toMatchObject({ tos: 0xb9, ecn: 1 })
      const receiver6 = udp(b!, AF_INET6).set(options.IPV6_RECVTCLASS, true).bind(['', 0])
      await udp(a!, AF_INET6)
        .set(options.IPV6_TCLASS, 0x48)
        .sendto(text('x'), [b!.v6, portOf(receiver6)])
      expect((await receiver6.recvmsg(9, soon)).meta).toMatchObject({ tos: 0x48, ecn: 0 })
    })

    testIf(none, 'IP_MTU_DISCOVER and IPV6_MTU_DISCOVER choose between fragments and EMSGSIZE', async () => {
      const { IP_PMTUDISC_DONT, IP_PMTUDISC_DO } = constants
      for (const [family, key, option] of [
        [AF_INET, 'v4', options.IP_MTU_DISCOVER],
        [AF_INET6, 'v6', options.IPV6_MTU_DISCOVER],
      ] as const) {
        const receiver = udp(b!, family).bind(['', 0])
        const to: [string, number] = [b![key], portOf(receiver)]
        const never = udp(a!, family).set(option, IP_PMTUDISC_DO!)
        expect((await failure(never.sendto(Buffer.alloc(2000), to))).code).toBe('EMSGSIZE')
        await udp(a!, family).set(option, IP_PMTUDISC_DONT!).sendto(Buffer.alloc(2000), to)
        expect((await receiver.recv(3000, soon)).length).toBe(2000)
      }
    })

    testIf(none, 'IP_MINTTL accepts TCP connections only from neighbours', async () => {
      const listener = listen(tcp(b!).set(options.IP_MINTTL, 255))
      const to: [string, number] = [b!.v4, portOf(listener)]
      const afar = failure(tcp(a!).connect(to, { timeout: 300 }))
      await tcp(a!).set(options.IP_TTL, 255).connect(to, soon)
      expect((await afar).code).toBe('ERR_SOCKET_TIMEOUT')
    })
  })
})
