import { AF_INET, AF_INET6, options, SOCK_DGRAM, Socket } from '../../lib'
import { thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { makeNetwork, type Network, type Peer, type Side } from '../helpers/network'

/*
 * Multicast groups over a veth pair between two namespaces, with Python on the other side. To show that a datagram does
 * not arrive, each test sends another one afterwards that does.
 */
const none = missing.network() ?? missing.python()
const second = { v4: '10.77.0.9', v6: 'fd77::9' } // a second address, which is on one side at a time

let network: Network
let [a, b]: Side[] = []
const open: Socket[] = []

function udp(family: number = AF_INET, side: Side = a!): Socket {
  const socket = new Socket(family, SOCK_DGRAM, 0, { netns: side.netns })
  open.push(socket)
  return socket
}

const text = (value: string): Buffer => Buffer.from(value)
const received = async (socket: Socket): Promise<string> =>
  (await socket.recv(100, { timeout: 5000 })).toString()

/** Runs while a side has a second address of each version of IP. */
async function withSecond(side: Side, run: () => Promise<void>): Promise<void> {
  const change = (verb: string): Promise<string> =>
    side.shell(`ip addr ${verb} ${second.v4}/24 dev ${side.interface.name}
      ip addr ${verb} ${second.v6}/64 dev ${side.interface.name} ${verb === 'add' ? 'nodad' : ''}`)
  await change('add')
  try {
    await run()
  } finally {
    await change('del')
  }
}

/** Sends texts to a group with Python, each from its own source address. */
async function pythonSends(to: [string, number], ...messages: [from: string, data: string][]): Promise<void> {
  const script = `
import json, socket, struct, sys
device, group, port, messages = json.loads(sys.argv[1])
family = socket.AF_INET6 if ':' in group else socket.AF_INET
for source, data in messages:
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, device)
        else:
            s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack('@4s4si', b'', b'', device))
        s.bind((source, 0))
        s.sendto(data.encode(), (group, port))
`
  const ended = await b!.run('python3', ['-c', script, JSON.stringify([b!.interface.index, ...to, messages])])
  expect(ended).toMatchObject({ code: 0, stderr: '' })
}

/** Starts a Python member of a group, of all sources or of one. It prints what arrives, and ends at 'end'. */
async function pythonReceives(group: string, source: string | null): Promise<{ peer: Peer; port: number }> {
  const script = `
import json, socket, struct, sys
device, group, source = json.loads(sys.argv[1])
family = socket.AF_INET6 if ':' in group else socket.AF_INET
level = socket.IPPROTO_IPV6 if family == socket.AF_INET6 else socket.IPPROTO_IP
def storage(text):
    body = socket.inet_pton(family, text)
    head = struct.pack('=HHI', family, 0, 0) if family == socket.AF_INET6 else struct.pack('=HH', family, 0)
    return (head + body).ljust(128, b'\\0')
s = socket.socket(family, socket.SOCK_DGRAM)
s.bind((group, 0, 0, device) if family == socket.AF_INET6 else (group, 0))
request = struct.pack('@i4x', device) + storage(group)
if source is None: s.setsockopt(level, 42, request) # MCAST_JOIN_GROUP
else: s.setsockopt(level, 46, request + storage(source)) # MCAST_JOIN_SOURCE_GROUP
print('port', s.getsockname()[1])
while True:
    data, address = s.recvfrom(100)
    if data == b'end': break
    print(data.decode(), address[0])
`
  const peer = b!.start('python3', ['-u', '-c', script, JSON.stringify([b!.interface.index, group, source])])
  const [, port] = await peer.line(/^port (\d+)$/)
  return { peer, port: Number(port) }
}

/** Sends to a group from an address of side a. */
async function weSend(to: [string, number], from: string, data: string): Promise<void> {
  const v6 = to[0].includes(':')
  const socket = udp(v6 ? AF_INET6 : AF_INET)
  if (v6) socket.set(options.IPV6_MULTICAST_IF, a!.interface.index)
  else socket.set(options.IP_MULTICAST_IF, a!.interface.index)
  await socket.bind([from, 0]).sendto(text(data), to)
  socket.close()
}

const versions = [
  { name: 'IPv4', family: AF_INET, any: '239.77.0.1', only: '232.77.0.1', key: 'v4' },
  { name: 'IPv6', family: AF_INET6, any: 'ff15::77', only: 'ff35::77', key: 'v6' },
] as const

describe('two namespaces with a veth pair', () => {
  beforeAll(async () => {
    if (none !== null) return
    network = await makeNetwork()
    ;({ a, b } = network)
  })
  afterAll(() => network?.close())
  afterEach(() => {
    for (const socket of open.splice(0)) socket.close()
  })

  describe.each(versions)('$name', ({ family, any, only, key }) => {
    const member = (group: string, source?: string) => {
      const socket = udp(family).bind({ address: group, port: 0, ...(key === 'v6' ? scope() : {}) })
      const { name, index } = a!.interface
      const membership = socket.joinGroup(group, { interface: name, source })
      expect(membership.interface).toBe(index)
      return { socket, membership, port: (socket.getsockname() as { port: number }).port }
    }
    const scope = (): { scopeId: number } => ({ scopeId: a!.interface.index })

    testIf(none, 'a member receives all sources, until it blocks one', () =>
      withSecond(b!, async () => {
        const { socket, membership, port } = member(any)
        await pythonSends([any, port], [b![key], 'first'], [second[key], 'second'])
        expect([await received(socket), await received(socket)]).toEqual(['first', 'second'])
        membership.block(b![key])
        await pythonSends([any, port], [b![key], 'blocked'], [second[key], 'through'])
        expect(await received(socket)).toBe('through')
        membership.unblock(b![key])
        await pythonSends([any, port], [b![key], 'again'])
        expect(await received(socket)).toBe('again')
        expect(socket.tryRecv(100)).toBeNull()
      }),
    )

    testIf(none, 'a member of one source receives only that source', () =>
      withSecond(b!, async () => {
        const { socket, membership, port } = member(only, b![key])
        expect(membership.source).toBe(b![key])
        await pythonSends([only, port], [second[key], 'wrong source'], [b![key], 'right source'])
        const { data, address } = await socket.recvfrom(100, { timeout: 5000 })
        expect([data.toString(), address]).toEqual([
          'right source',
          expect.objectContaining({ address: b![key] }),
        ])
        // Each source of a group has its own membership.
        const other = socket.joinGroup(only, { interface: a!.interface.index, source: second[key] })
        membership.leave()
        await pythonSends([only, port], [b![key], 'left'], [second[key], 'joined'])
        expect(await received(socket)).toBe('joined')
        other.leave()
      }),
    )

    testIf(none, 'a Python member of one source receives only that source', () =>
      withSecond(a!, async () => {
        const { peer, port } = await pythonReceives(only, a![key])
        await weSend([only, port], second[key], 'wrong')
        await weSend([only, port], a![key], 'right')
        await weSend([only, port], a![key], 'end')
        const { code, stdout, stderr } = await peer.ended
        expect([code, stdout, stderr]).toEqual([0, `port ${port}\nright ${a![key]}\n`, ''])
      }),
    )

    testIf(none, 'a Python member of all sources receives them all', () =>
      withSecond(a!, async () => {
        const { peer, port } = await pythonReceives(any, null)
        await weSend([any, port], second[key], 'one')
        await weSend([any, port], a![key], 'other')
        await weSend([any, port], a![key], 'end')
        const { stdout } = await peer.ended
        expect(stdout).toBe(`port ${port}\none ${second[key]}\nother ${a![key]}\n`)
      }),
    )

    testIf(none, 'the lists of the kernel have the groups and sources that were joined', async () => {
      const [all, filtered] = [member(any), member(only, b![key])]
      const { name, index } = a!.interface
      const suffix = key === 'v4' ? '' : '6'
      const groups = (): Promise<string> => a!.shell(`cat /proc/net/igmp${suffix}`)
      const filters = (): Promise<string> => a!.shell(`cat /proc/net/mcfilter${suffix}`)
      const inList = { v4: '01004DEF', v6: 'ff150000000000000000000000000077' }[key]
      const rows = {
        v4: `${index} +${name} 0xe84d0001 0x0a4d0002 +1 +0`,
        v6: `${index} +${name} ff350000000000000000000000000077 fd770000000000000000000000000002 +1 +0`,
      }
      expect(await groups()).toMatch(new RegExp(inList))
      expect(await filters()).toMatch(new RegExp(`^ *${rows[key]}$`, 'm'))
      all.membership.block(b![key])
      expect(await filters()).toMatch(/ 0 +1$/m)
      all.membership.leave()
      filtered.membership.leave()
      expect(await groups()).not.toMatch(new RegExp(inList))
      expect((await filters()).trim().split('\n')).toHaveLength(1)
    })

    testIf(
      none,
      'with the loop option off, the other host receives the datagram and this host does not',
      async () => {
        const here = member(any)
        const there = udp(family, b).bind({ address: '', port: here.port })
        there.joinGroup(any, { interface: b!.interface.index })
        const from = udp(family)
        const [loop, via] =
          key === 'v4'
            ? ([options.IP_MULTICAST_LOOP, options.IP_MULTICAST_IF] as const)
            : ([options.IPV6_MULTICAST_LOOP, options.IPV6_MULTICAST_IF] as const)
        from.set(via, a!.interface.index).set(loop, false)
        await from.sendto(text('away'), [any, here.port])
        await from.set(loop, true).sendto(text('here too'), [any, here.port])
        expect([await received(there), await received(there)]).toEqual(['away', 'here too'])
        expect(await received(here.socket)).toBe('here too')
      },
    )

    testIf(none, 'a datagram arrives with the hop limit that was set', async () => {
      const there = udp(family, b).bind(['', 0])
      const { port } = there.getsockname() as { port: number }
      there.joinGroup(any, { interface: b!.interface.index })
      const from = udp(family)
      if (key === 'v4') {
        there.set(options.IP_RECVTTL, true)
        from.set(options.IP_MULTICAST_IF, a!.interface.index).set(options.IP_MULTICAST_TTL, 9)
      } else {
        there.set(options.IPV6_RECVHOPLIMIT, true)
        from.set(options.IPV6_MULTICAST_IF, a!.interface.index).set(options.IPV6_MULTICAST_HOPS, 9)
      }
      await from.sendto(text('x'), [any, port])
      expect((await there.recvmsg(100, { timeout: 5000 })).meta.ttl).toBe(9)
    })
  })

  testIf(none, 'datagrams leave by the interface of IP_MULTICAST_IF', async () => {
    const there = udp(AF_INET, b).bind(['', 0])
    const { port } = there.getsockname() as { port: number }
    there.joinGroup('239.77.0.2', { interface: b!.v4 })
    const here = udp().bind({ address: '239.77.0.2', port })
    here.joinGroup('239.77.0.2', { interface: 1 })
    const from = udp()
    await from.set(options.IP_MULTICAST_IF, 1).sendto(text('on lo'), ['239.77.0.2', port])
    await from.set(options.IP_MULTICAST_IF, a!.v4).sendto(text('on the pair'), ['239.77.0.2', port])
    expect(await received(here)).toBe('on lo')
    expect(await received(there)).toBe('on the pair')
    expect([here.tryRecv(100), there.tryRecv(100)]).toEqual([null, null])
  })

  testIf(
    none,
    'without an interface the route chooses it, and without a route joinGroup fails with ENODEV',
    async () => {
      const there = udp(AF_INET, b).bind(['', 0])
      const { port } = there.getsockname() as { port: number }
      const membership = there.joinGroup('239.77.0.3')
      expect(membership.interface).toBe(0)
      await weSend(['239.77.0.3', port], a!.v4, 'routed')
      expect(await received(there)).toBe('routed')
      membership.leave()
      expect(await b!.shell('cat /proc/net/igmp')).not.toMatch(/03004DEF/)
      await b!.shell('ip route del 224.0.0.0/4')
      expect(() => there.joinGroup('239.77.0.3')).toThrow(/ENODEV .*name an interface/)
      await b!.shell('ip route add 224.0.0.0/4 dev b0')
    },
  )

  testIf(none, 'leave() fails with EADDRNOTAVAIL if the group has been left by another call', () => {
    const socket = udp()
    const membership = socket.joinGroup('239.77.0.4', { interface: 'a0' })
    socket.set(options.MCAST_LEAVE_GROUP, { group: '239.77.0.4', interface: a!.interface.index })
    expect(thrown(() => membership.leave()).code).toBe('EADDRNOTAVAIL')
  })

  testIf(
    none,
    'with IPV6_MULTICAST_ALL=0 a socket receives no groups that other sockets joined',
    async () => {
      const device = a!.interface.index
      udp(AF_INET6).joinGroup('ff12::2', { interface: device })
      const [all, own] = [udp(AF_INET6), udp(AF_INET6).set(options.IPV6_MULTICAST_ALL, false)]
      const from = udp(AF_INET6).set(options.IPV6_MULTICAST_IF, device)
      for (const socket of [all, own]) {
        socket.bind(['', 0]).joinGroup('ff12::1', { interface: device })
        const { port } = socket.getsockname() as { port: number }
        await from.sendto(text('of another'), ['ff12::2', port])
        await from.sendto(text('own'), ['ff12::1', port])
      }
      expect([await received(all), await received(all)]).toEqual(['of another', 'own'])
      expect(await received(own)).toBe('own')
      expect(own.tryRecv(100)).toBeNull()
    },
  )
})
