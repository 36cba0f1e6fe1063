import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  Membership,
  options,
  SOCK_DGRAM,
  Socket,
  type JoinOptions,
} from '../../lib'
import { Socket as SyncSocket } from '../../lib/sync'
import { failure, thrown } from '../helpers/errors'
import { flavours } from '../helpers/flavours'
import { missing, testIf } from '../helpers/need'

/*
 * Multicast groups on the loopback interface, which every call names, so nothing leaves this machine. Only IPv4: Linux
 * delivers no IPv6 multicast there; see network.test.ts. To show that a datagram does not arrive, each test sends
 * another one afterwards that does.
 */
const group = '239.255.77.1'
const loopback = process.platform === 'darwin' ? 'lo0' : 'lo'
const linux = missing.linux()
const open: (Socket | SyncSocket)[] = []
afterEach(() => {
  for (const socket of open.splice(0)) socket.close()
})

function keep<T extends Socket | SyncSocket>(socket: T): T {
  open.push(socket)
  return socket
}

const udp = (): Socket => keep(new Socket(AF_INET, SOCK_DGRAM))
const sender = (): Socket => udp().set(options.IP_MULTICAST_IF, 1)
const text = (value: string): Buffer => Buffer.from(value)

async function received(socket: Socket): Promise<string> {
  return (await socket.recv(100, { timeout: 5000 })).toString()
}

describe.each(flavours)('joinGroup of %s', (_, Flavour) => {
  const make = (family: number = AF_INET): Socket | SyncSocket => keep(new Flavour(family, SOCK_DGRAM))

  test('the interface may be an index, a name or an address, and the membership has group, index and source', () => {
    for (const device of [1, loopback, '127.0.0.1']) {
      const membership = make().joinGroup(group, { interface: device })
      expect(membership).toBeInstanceOf(Membership)
      expect(membership).toMatchObject({ group, interface: 1, source: null })
    }
    const only = make().joinGroup('232.1.1.1', { interface: 1, source: '10.0.0.1' })
    expect(only).toMatchObject({ group: '232.1.1.1', interface: 1, source: '10.0.0.1' })
  })

  test('joinGroup takes an IPv6 group with a zone, and the membership has the group as inet_ntop prints it', () => {
    const zoned = make(AF_INET6).joinGroup(`FF12:0:0::7%${loopback}`)
    expect(zoned).toMatchObject({ group: 'ff12::7', interface: 1, source: null })
    expect(make(AF_INET6).joinGroup('ff12::7%1', { interface: loopback }).interface).toBe(1)
    const only = make(AF_INET6).joinGroup('ff32::7', { interface: 1, source: '2001:DB8::1' })
    expect(only.source).toBe('2001:db8::1')
  })

  test('leave() twice does nothing, and the group can be joined again', () => {
    const socket = make()
    const first = socket.joinGroup(group, { interface: 1 })
    expect(thrown(() => socket.joinGroup(group, { interface: 1 })).code).toBe('EADDRINUSE')
    first.leave()
    first.leave()
    const second = socket.joinGroup(group, { interface: 1 })
    first.leave()
    expect(thrown(() => socket.joinGroup(group, { interface: 1 })).code).toBe('EADDRINUSE')
    second[Symbol.dispose]()
    socket.joinGroup(group, { interface: 1 })
  })

  test('closing the socket ends the membership', () => {
    const socket = make()
    const membership = socket.joinGroup(group, { interface: 1 })
    socket.close()
    membership.leave()
    expect(thrown(() => membership.block('10.0.0.1')).code).toBe('EBADF')
    expect(thrown(() => socket.joinGroup(group)).code).toBe('EBADF')
  })
})

describe('invalid arguments of joinGroup', () => {
  const join = (value: unknown, o?: unknown, family: number = AF_INET): string | undefined =>
    thrown(() => keep(new Socket(family, SOCK_DGRAM)).joinGroup(value as string, o as JoinOptions)).code

  test.each([
    '10.0.0.1',
    '223.255.255.255',
    '240.0.0.0',
    '::1',
    'fe00::1',
    'all.example',
    '',
    '239.1',
    '%lo',
  ])('%j is refused as a group', value => expect(join(value)).toBe('ERR_INVALID_ADDRESS'))

  test('arguments of a wrong type or out of range are refused by name', () => {
    expect(join(1)).toBe('ERR_INVALID_ARG_TYPE')
    expect(join(group, 'lo')).toBe('ERR_INVALID_ARG_TYPE')
    expect(join(group, null)).toBe('ERR_INVALID_ARG_TYPE')
    expect(join(group, { interface: true })).toBe('ERR_INVALID_ARG_TYPE')
    expect(join(group, { interface: -1 })).toBe('ERR_OUT_OF_RANGE')
    expect(join(group, { interface: 1.5 })).toBe('ERR_OUT_OF_RANGE')
    expect(join(group, { source: 5 })).toBe('ERR_INVALID_ARG_TYPE')
    expect(join(group, { source: 'host' })).toBe('ERR_INVALID_ADDRESS')
  })

  test('addresses of the other version of IP are refused', () => {
    expect(join('ff12::7', {})).toBe('ERR_INVALID_ADDRESS')
    expect(join(group, { source: '::1' })).toBe('ERR_INVALID_ADDRESS')
    expect(join('ff32::7', { source: '10.0.0.1' }, AF_INET6)).toBe('ERR_INVALID_ADDRESS')
    expect(join('ff12::7%1', { interface: 2 }, AF_INET6)).toBe('ERR_INVALID_ADDRESS')
  })
})

describe('errors of the kernel', () => {
  const error = (call: () => unknown): string => thrown(call).message

  test('an interface that does not exist is ENODEV and named', () => {
    const join = (device: string | number) => () => udp().joinGroup(group, { interface: device })
    expect(error(join('no such'))).toMatch(/ENODEV no interface is called "no such"/)
    expect(error(join(`${loopback}\0`))).toMatch(/"options.interface" .* text without NUL/)
    expect(error(join(''))).toMatch(/ENODEV/)
    expect(error(join('203.0.113.1'))).toMatch(/ENODEV no interface has the address 203\.0\.113\.1/)
    expect(thrown(join(0x7ffffff0)).code).toBe('ENODEV')
  })

  testIf(linux, 'a socket of another family is EOPNOTSUPP', () => {
    expect(thrown(() => keep(new Socket(AF_UNIX, SOCK_DGRAM)).joinGroup(group)).code).toBe('EOPNOTSUPP')
  })

  test('joining twice and blocking twice fail with an explanation', () => {
    const socket = udp()
    const membership = socket.joinGroup(group, { interface: 1 })
    expect(error(() => socket.joinGroup(group, { interface: 1 }))).toBe(
      `setsockopt EADDRINUSE MCAST_JOIN_GROUP ${group} (this socket has already joined the group on that interface)`,
    )
    membership.block('10.0.0.1')
    expect(error(() => membership.block('10.0.0.1'))).toBe(
      `setsockopt EADDRNOTAVAIL MCAST_BLOCK_SOURCE ${group} from 10.0.0.1 (this source is in the list already)`,
    )
    membership.unblock('10.0.0.1')
    expect(error(() => membership.unblock('10.0.0.1'))).toMatch(
      /EADDRNOTAVAIL .*\(this source is not blocked\)/,
    )
    membership.leave()
    expect(error(() => membership.block('10.0.0.1'))).toMatch(/EADDRNOTAVAIL .* has left/)
  })

  test('block() of a membership with one source is EINVAL', () => {
    const only = udp().joinGroup('232.1.1.1', { interface: 1, source: '10.0.0.1' })
    const refused = thrown(() => only.block('10.0.0.2'))
    expect(refused).toMatchObject({ name: 'SocketError', code: 'EINVAL', syscall: 'setsockopt' })
    expect(refused.message).toMatch(/this membership of 232\.1\.1\.1 receives from 10\.0\.0\.1 only/)
    expect(thrown(() => only.unblock('10.0.0.2')).code).toBe('EINVAL')
    expect(thrown(() => only.block('a name')).code).toBe('ERR_INVALID_ADDRESS')
  })

  testIf(linux, 'if there are too many groups or sources, the error names the sysctl', () => {
    const socket = udp()
    const many = (): void => {
      for (let i = 0; i <= 4096; i++) socket.joinGroup(`239.255.${i >> 8}.${i & 255}`, { interface: 1 })
    }
    expect(error(many)).toMatch(/ENOBUFS MCAST_JOIN_GROUP .*net\.ipv4\.igmp_max_memberships/)
    const membership = udp().joinGroup(group, { interface: 1 })
    const blocks = (): void => {
      for (let i = 0; i <= 4096; i++) membership.block(`10.0.${i >> 8}.${i & 255}`)
    }
    expect(error(blocks)).toMatch(/ENOBUFS MCAST_BLOCK_SOURCE .*net\.ipv4\.igmp_max_msf/)
  })

  testIf(linux, 'the error of a group option names the option', () => {
    const socket = udp()
    socket.joinGroup(group, { interface: 1 })
    expect(error(() => socket.set(options.MCAST_JOIN_GROUP, { group, interface: 1 }))).toMatch(
      /^setsockopt EADDRINUSE MCAST_JOIN_GROUP \(/,
    )
    expect(error(() => socket.set(options.IP_ADD_MEMBERSHIP, { group, interface: 1 }))).toMatch(
      /^setsockopt EADDRINUSE IP_ADD_MEMBERSHIP \(this socket has already joined/,
    )
  })
})

describe('datagrams on loopback', () => {
  test('datagrams reach a member until it leaves', async () => {
    const [receiver, from] = [udp().bind([group, 0]), sender()]
    const to = receiver.getsockname()
    const membership = receiver.joinGroup(group, { interface: 1 })
    await from.sendto(text('one'), to)
    expect(await received(receiver)).toBe('one')
    membership.leave()
    const reason = await failure(receiver.recv(100, { timeout: 0 }))
    await from.sendto(text('two'), to)
    receiver.joinGroup(group, { interface: 1 })
    await from.sendto(text('three'), to)
    expect(await received(receiver)).toBe('three')
    expect(reason.code).toBe('EAGAIN')
  })

  testIf(linux, 'a dual-stack socket receives from an IPv4 group', async () => {
    const receiver = keep(new Socket(AF_INET6, SOCK_DGRAM)).bind(['', 0])
    const { port } = receiver.getsockname() as { port: number }
    expect(receiver.joinGroup(group, { interface: loopback }).group).toBe(group)
    await sender().sendto(text('mapped'), [group, port])
    const { data, address } = await receiver.recvfrom(100, { timeout: 5000 })
    expect(data.toString()).toBe('mapped')
    expect(String(address)).toMatch(/^\[::ffff:\d/)
  })

  test('a datagram arrives with the TTL of IP_MULTICAST_TTL', async () => {
    const receiver = udp().bind([group, 0]).set(options.IP_RECVTTL, true)
    receiver.joinGroup(group, { interface: 1 })
    for (const ttl of [1, 7, 255]) {
      await sender().set(options.IP_MULTICAST_TTL, ttl).sendto(text('x'), receiver.getsockname())
      expect((await receiver.recvmsg(100, { timeout: 5000 })).meta.ttl).toBe(ttl)
    }
  })

  testIf(linux, 'with IP_MULTICAST_ALL=0 a socket receives no groups that other sockets joined', async () => {
    const other = '239.255.77.2'
    udp().joinGroup(other, { interface: 1 })
    const [all, own, from] = [udp(), udp(), sender()]
    for (const socket of [all, own]) {
      socket.bind(['0.0.0.0', 0]).joinGroup(group, { interface: 1 })
      const { port } = socket.getsockname() as { port: number }
      if (socket === own) socket.set(options.IP_MULTICAST_ALL, false)
      await from.sendto(text('of another'), [other, port])
      await from.sendto(text('own'), [group, port])
    }
    expect([await received(all), await received(all)]).toEqual(['of another', 'own'])
    expect(await received(own)).toBe('own')
    expect(own.tryRecv(100)).toBeNull()
  })

  test('the blocking flavour receives from a group', async () => {
    const receiver = keep(new SyncSocket(AF_INET, SOCK_DGRAM)).bind([group, 0])
    receiver.joinGroup(group, { interface: 1 })
    await sender().sendto(text('sync'), receiver.getsockname())
    expect(receiver.recv(100, { timeout: 5000 }).toString()).toBe('sync')
  })
})
