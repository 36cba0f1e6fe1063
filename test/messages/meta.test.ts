import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  AF_PACKET,
  AF_UNIX,
  control,
  constants,
  IPPROTO_UDP,
  options,
  Socket,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  type Control,
  type Message,
  type WantedMeta,
} from '../../lib'
import { Socket as SyncSocket } from '../../lib/sync'
import { thrown } from '../helpers/errors'
import { kinds, using } from '../helpers/pairs'
import { missing, testIf } from '../helpers/need'
import { makeNetwork } from '../helpers/network'

const linux = missing.linux()
const six = missing.socket(AF_INET6, SOCK_DGRAM)
const bytes = (text: string): Buffer => Buffer.from(text)

/** Sends a datagram with these control messages and resolves with the received message. */
async function received(
  want: WantedMeta,
  controls: Control[] = [],
  family: number = AF_INET,
  host = family === AF_INET6 ? '::1' : '127.0.0.1',
): Promise<Message> {
  const receiver = new Socket(family, SOCK_DGRAM)
  const sender = new Socket(host.includes(':') ? AF_INET6 : AF_INET, SOCK_DGRAM)
  try {
    receiver.bind([family === AF_INET6 ? '::' : '127.0.0.1', 0]).receiveMeta(want)
    const { port } = receiver.getsockname() as { port: number }
    await sender.sendmsg({ data: bytes('hello'), address: [host, port], control: controls })
    return await receiver.recvmsg(100, { timeout: 5000 })
  } finally {
    receiver.close()
    sender.close()
  }
}

describe('AF_INET', () => {
  test('an AF_INET datagram has destination, interface, TTL, TOS and ECN', async () => {
    const { meta, data } = await received({ packetInfo: true, ttl: true, tos: true }, [
      control.ttl(9),
      control.tos(0xb9),
    ])
    expect(String(data)).toBe('hello')
    expect(meta).toMatchObject({ destination: '127.0.0.1', ttl: 9, tos: 0xb9, ecn: 1 })
    expect(meta.interface).toBeGreaterThan(0)
  })

  testIf(linux, 'an AF_INET datagram has mark, priority and original destination', async () => {
    const { meta } = await received({ mark: true, priority: true, originalDestination: true }, [
      control.mark(77),
      control.priority(5),
    ])
    expect(meta).toMatchObject({ mark: 77, priority: 5 })
    expect(meta.originalDestination).toMatchObject({ kind: 'inet', address: '127.0.0.1' })
  })

  testIf(
    linux,
    'packetInfo chooses the source address, also to answer from the address that was asked',
    async () => {
      const { address, meta } = await received({ packetInfo: true }, [
        control.packetInfo({ source: '127.0.0.9' }),
      ])
      expect(address).toMatchObject({ address: '127.0.0.9' })
      expect(meta.localAddress).toBe('127.0.0.1')
    },
  )

  testIf(linux, 'meta.drops counts dropped datagrams, and is absent while there are none', async () => {
    const receiver = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
    receiver.receiveMeta({ drops: true }).set(options.SO_RCVBUF, 0)
    const sender = new Socket(AF_INET, SOCK_DGRAM)
    for (let i = 0; i < 50; i++) await sender.sendto(Buffer.alloc(1000), receiver.getsockname())
    expect((await receiver.recvmsg(2000)).meta.drops).toBeUndefined()
    while (receiver.tryRecv(2000) !== null);
    await sender.sendto(Buffer.alloc(10), receiver.getsockname())
    expect((await receiver.recvmsg(2000)).meta.drops).toBeGreaterThan(10)
    receiver.close()
    sender.close()
  })

  testIf(linux, 'with GRO, several datagrams arrive in one message that can be taken apart', async () => {
    const receiver = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0]).receiveMeta({ gro: true })
    const sender = new Socket(AF_INET, SOCK_DGRAM)
    const data = Buffer.from(Array.from({ length: 2500 }, (_, i) => i & 0xff))
    await sender.sendmsg({ data, address: receiver.getsockname(), segmentSize: 1000 })
    const message = await receiver.recvmsg(65535)
    expect(message.meta.segmentSize).toBe(1000)
    expect([...message.segments()].map(each => each.length)).toEqual([1000, 1000, 500])
    expect(Buffer.concat([...message.segments()])).toEqual(data)
    await sender.sendmsg({ data, address: receiver.getsockname(), segmentSize: 1000 })
    const short = await receiver.recvmsg(1500)
    expect([short.bytes, short.truncated]).toEqual([1500, true])
    receiver.close()
    sender.close()
  })
})

describe('AF_INET6', () => {
  testIf(six, 'an AF_INET6 datagram has destination, hop limit and traffic class', async () => {
    const { meta } = await received(
      { packetInfo: true, ttl: true, tos: true },
      [control.ttl(9), control.tos(0x2a)],
      AF_INET6,
    )
    expect(meta).toMatchObject({ destination: '::1', ttl: 9, tos: 0x2a, ecn: 2 })
    const other = await received(
      { ttl: true, tos: true },
      [control.hopLimit(3), control.trafficClass(4)],
      AF_INET6,
    )
    expect(other.meta).toMatchObject({ ttl: 3, tos: 4 })
  })

  testIf(linux ?? six, 'a dual-stack socket has the same information for an IPv4 datagram', async () => {
    const { meta, address } = await received(
      { packetInfo: true, ttl: true, tos: true, originalDestination: true },
      [control.ttl(7), control.tos(3)],
      AF_INET6,
      '127.0.0.1',
    )
    expect(address).toMatchObject({ kind: 'inet6', address: '::ffff:127.0.0.1' })
    expect(meta).toMatchObject({ destination: '::ffff:127.0.0.1', ttl: 7, tos: 3, ecn: 3 })
    expect(meta.originalDestination).toMatchObject({ kind: 'inet', address: '127.0.0.1' })
  })

  testIf(linux ?? six, 'an AF_INET6 datagram has flow label and original destination', async () => {
    const { meta } = await received(
      { flowInfo: true, originalDestination: true },
      [control.trafficClass(0x10)],
      AF_INET6,
    )
    expect(meta.originalDestination).toMatchObject({ kind: 'inet6', address: '::1' })
    expect(meta.flowInfo! >>> 20).toBe(0x10)
  })

  testIf(six, 'a hop-by-hop header and destination options can be sent', async () => {
    const header = Buffer.of(0, 0, 1, 4, 0, 0, 0, 0) // next header, length, PadN
    const { data } = await received(
      {},
      [control.extensionHeader('destination', header), control.dontFragment()],
      AF_INET6,
    )
    expect(String(data)).toBe('hello')
  })

  testIf(six, 'a raw AF_INET6 socket has no IPv4 options', async () => {
    const raw = new Socket(AF_INET6, SOCK_RAW, IPPROTO_UDP).receiveMeta({ ttl: true, tos: true })
    const sender = new Socket(AF_INET6, SOCK_DGRAM)
    raw.bind(['::1', 0])
    await sender.sendmsg({ data: bytes('x'), address: ['::1', 9], control: [control.ttl(5)] })
    expect((await raw.recvmsg(100)).meta.ttl).toBe(5)
    raw.close()
    sender.close()
  })
})

describe('receive timestamps', () => {
  const now = (): bigint => BigInt(Date.now()) * 1_000_000n
  const second = 1_000_000_000n

  /** Resolves with the first meta that has a timestamp: the kernel enables timestamps asynchronously. */
  async function stamped(a: Socket, b: Socket): Promise<Message['meta']> {
    for (let i = 0; ; i++) {
      await a.send(bytes('x'))
      const { meta } = await b.recvmsg(10, { timeout: 5000 })
      if (meta.timestamp !== undefined || i > 200) return meta
    }
  }

  for (const unit of linux === null ? (['us', 'ns', 'hardware'] as const) : (['us'] as const)) {
    for (const name of ['udp4', 'udp6', 'socketpair dgram', 'unix seqpacket', 'tcp4']) {
      const kind = kinds.find(each => each.name === name)!
      if (unit === 'hardware' && kind.unix) continue
      testIf(kind.missing, `${unit}: a message on ${name} has a timestamp`, () =>
        using(kind.make, async ({ a, b }) => {
          b.receiveMeta({ timestamp: unit })
          const { timestamp, timestampSource } = await stamped(a, b)
          const age = now() - timestamp!
          expect(age > -second && age < second).toBe(true)
          if (unit === 'us') expect(timestamp! % 1000n).toBe(0n)
          expect(timestampSource).toBe(unit === 'hardware' ? 'software' : undefined)
        }),
      )
    }
  }

  testIf(
    linux,
    'a new timestamp mode replaces the old one, false disables all, and transmit timestamps are kept',
    () => {
      const socket = new Socket(AF_INET, SOCK_DGRAM)
      const { SO_TIMESTAMP, SO_TIMESTAMPNS, SO_TIMESTAMPING } = options
      const state = (): unknown => [
        socket.get(SO_TIMESTAMP),
        socket.get(SO_TIMESTAMPNS),
        socket.get(SO_TIMESTAMPING).flags,
      ]
      const { SOF_TIMESTAMPING_TX_SOFTWARE: sent = 0, SOF_TIMESTAMPING_SOFTWARE: software = 0 } = constants
      const { SOF_TIMESTAMPING_RX_HARDWARE: rxHard = 0, SOF_TIMESTAMPING_RX_SOFTWARE: rxSoft = 0 } = constants
      const { SOF_TIMESTAMPING_RAW_HARDWARE: hard = 0 } = constants
      socket.receiveMeta({ timestamp: 'us' })
      expect(state()).toEqual([true, false, 0])
      socket.receiveMeta({ timestamp: 'ns' })
      expect(state()).toEqual([false, true, 0])
      socket.receiveMeta({ timestamp: 'us' })
      expect(state()).toEqual([true, false, 0])
      socket.receiveMeta({ timestamp: 'hardware' })
      expect(state()).toEqual([false, false, rxHard | rxSoft | hard | software])
      socket.receiveMeta({ timestamp: 'ns' })
      expect(state()).toEqual([false, true, 0])
      socket.receiveMeta({ timestamp: false })
      expect(state()).toEqual([false, false, 0])
      socket.set(SO_TIMESTAMPING, sent | software)
      socket.receiveMeta({ timestamp: 'hardware' })
      socket.receiveMeta({ timestamp: false })
      expect(state()).toEqual([false, false, sent | software | hard])
      socket.close()
    },
  )
})

describe('AF_UNIX and other families', () => {
  testIf(linux, 'a message of AF_UNIX has the credentials of its sender', async () => {
    for (const type of [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET]) {
      const [a, b] = Socket.pair(AF_UNIX, type)
      b.receiveMeta({ credentials: true })
      await a.send(bytes('x'))
      expect((await b.recvmsg(10)).meta.credentials).toEqual({
        pid: process.pid,
        uid: process.getuid!(),
        gid: process.getgid!(),
      })
      a.close()
      b.close()
    }
  })

  testIf(
    linux,
    'meta.unread is the number of bytes that a stream still holds, on AF_UNIX and TCP',
    async () => {
      for (const name of ['socketpair stream', 'tcp4']) {
        await using(kinds.find(each => each.name === name)!.make, async ({ a, b }) => {
          b.receiveMeta({ unread: true })
          await a.send(Buffer.alloc(100))
          await b.readable()
          expect((await b.recvmsg(30)).meta.unread).toBe(70)
        })
      }
    },
  )

  testIf(
    linux ?? missing.socket(AF_PACKET ?? 0, SOCK_RAW),
    'a message of a packet socket has auxiliary data',
    async () => {
      const packet = new Socket(AF_PACKET, SOCK_RAW, 0)
      packet
        .bind({ interface: 'lo', protocol: 0x0800 })
        .receiveMeta({ auxdata: true, timestamp: 'ns', drops: true })
      const [sender, receiver] = [
        new Socket(AF_INET, SOCK_DGRAM),
        new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0]),
      ]
      const to = receiver.getsockname()
      const mark = bytes(`auxdata of ${process.pid}`)
      await sender.sendto(mark, to)
      for (;;) {
        const { data, meta } = await packet.recvmsg(200, { timeout: 5000 })
        if (!data.includes(mark)) continue
        expect(meta.auxdata).toMatchObject({ tp_len: data.length, tp_net: 14 })
        expect(meta.vlan).toBeUndefined()
        break
      }
      for (const socket of [packet, sender, receiver]) socket.close()
    },
  )

  testIf(linux, 'a netlink message has its group', () => {
    const socket = new Socket(AF_NETLINK, SOCK_RAW, 0).receiveMeta({ group: true, credentials: true })
    expect(socket.get(options.NETLINK_PKTINFO)).toBe(true)
    expect(socket.get(options.SO_PASSCRED)).toBe(true)
    socket.close()
  })
})

describe('invalid requests', () => {
  test('receiveMeta with an unknown name or an invalid value throws a TypeError and sets nothing', () => {
    const socket = new Socket(AF_INET, SOCK_DGRAM)
    const refused: unknown[] = [
      null,
      undefined,
      'ttl',
      7,
      { ttl: true, tl: true },
      { ttl: 1 },
      { ttl: null },
      { ttl: true, timestamp: true },
      { timestamp: 'ms' },
      Object.create({}, { x: { enumerable: true, value: true } }),
    ]
    for (const want of refused)
      expect(thrown(() => socket.receiveMeta(want as never)).code).toBe('ERR_INVALID_ARG_TYPE')
    expect(thrown(() => socket.receiveMeta({ tl: true } as never)).message).toContain('tl')
    expect(socket.get(options.IP_RECVTTL)).toBe(false)
    expect(socket.receiveMeta({ ttl: undefined })).toBe(socket)
    socket.close()
  })

  test('receiveMeta with information that the family lacks throws ENOPROTOOPT with its name and sets nothing', () => {
    const refused: [number, number, WantedMeta, string][] = [
      [AF_UNIX, SOCK_STREAM, { ttl: true }, 'ttl'],
      [AF_UNIX, SOCK_STREAM, { timestamp: 'us' }, 'timestamp'],
      [AF_UNIX, SOCK_DGRAM, { timestamp: 'hardware' }, 'timestamp'],
      [AF_UNIX, SOCK_DGRAM, { errors: true }, 'errors'],
      [AF_INET, SOCK_DGRAM, { credentials: true }, 'credentials'],
      [AF_INET, SOCK_DGRAM, { ttl: true, pidfd: true }, 'pidfd'],
      [AF_INET, SOCK_STREAM, { gro: true }, 'gro'],
      [AF_INET, SOCK_STREAM, { packetInfo: false }, 'packetInfo'],
      [AF_INET, SOCK_DGRAM, { flowInfo: true }, 'flowInfo'],
    ]
    for (const [family, type, want, name] of refused) {
      const socket = new Socket(family, type)
      const error = thrown(() => socket.receiveMeta(want))
      expect(error).toMatchObject({ code: 'ENOPROTOOPT', name: 'SocketError', syscall: 'setsockopt' })
      expect(error.message).toContain(`'${name}'`)
      if (family === AF_INET && type === SOCK_DGRAM) expect(socket.get(options.IP_RECVTTL)).toBe(false)
      socket.close()
    }
  })

  testIf(linux, 'if the kernel refuses one option, receiveMeta restores those set before', () => {
    const socket = new Socket(AF_INET, SOCK_DGRAM)
    const set = socket.set.bind(socket)
    // The kernel refuses no option that could be read before, so the test makes one fail.
    socket.set = (option: never, value: never) => {
      if (option === options.IP_RECVTOS && value === true) throw thrown(() => socket.setsockopt(0, 12345, 1))
      return set(option, value)
    }
    const error = thrown(() => socket.receiveMeta({ ttl: true, timestamp: 'ns', tos: true, mark: true }))
    expect(error.code).toBe('ENOPROTOOPT')
    expect(error.message).toMatch(/could not switch 'tos', nothing was changed/)
    const { IP_RECVTTL, SO_TIMESTAMPNS, SO_RCVMARK } = options
    expect([IP_RECVTTL, SO_TIMESTAMPNS, SO_RCVMARK].map(option => socket.get(option))).toEqual([
      false,
      false,
      false,
    ])
    socket.close()
  })

  test('receiveMeta of a closed socket throws EBADF', () => {
    const socket = new Socket(AF_INET, SOCK_DGRAM)
    socket.close()
    expect(thrown(() => socket.receiveMeta({ ttl: true })).code).toBe('EBADF')
  })

  test('receiveMeta enables with true, disables with false and keeps what is absent, in the blocking flavour', () => {
    const a = new SyncSocket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0]).receiveMeta({ ttl: true, tos: true })
    a.receiveMeta({ tos: false })
    a.sendto(bytes('x'), a.getsockname())
    const { meta } = a.recvmsg(10)
    expect(meta.ttl).toBeGreaterThan(0)
    expect(meta.tos).toBeUndefined()
    a.close()
  })
})

test('truncated data and truncated control messages are reported', async () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
  await a.send(bytes('0123456789'))
  const cut = await b.recvmsg(4)
  expect([String(cut.data), cut.bytes, cut.truncated, cut.controlTruncated]).toEqual(['0123', 4, true, false])
  a.close()
  b.close()
  const receiver = new Socket(AF_INET, SOCK_DGRAM)
    .bind(['127.0.0.1', 0])
    .receiveMeta({ packetInfo: true, ttl: true })
  await receiver.sendto(bytes('x'), receiver.getsockname())
  const narrow = await receiver.recvmsg(10, { controlSize: 8 })
  expect([narrow.truncated, narrow.controlTruncated, narrow.control.length]).toEqual([false, true, 0])
  receiver.close()
})

testIf(
  linux ?? missing.namespace(),
  'over a veth pair, a message has its fragment size and the VLAN tag that was removed',
  async () => {
    const { a, b, close } = await makeNetwork()
    const open: Socket[] = []
    const socket = (family: number, type: number, side: typeof a): Socket => {
      open.push(new Socket(family, type, 0, { netns: side.netns }))
      return open.at(-1)!
    }
    try {
      const receiver = socket(AF_INET, SOCK_DGRAM, b).bind([b.v4, 7777])
      receiver.receiveMeta({ fragmentSize: true, packetInfo: true })
      const packet = socket(AF_PACKET, SOCK_RAW, b).bind({ interface: b.interface.index, protocol: 3 })
      packet.receiveMeta({ auxdata: true })
      const sender = socket(AF_INET, SOCK_DGRAM, a)
      sender.set(options.IP_MTU_DISCOVER, 0) // IP_PMTUDISC_DONT
      await sender.sendto(Buffer.alloc(3000), [b.v4, 7777])
      await sender.sendto(Buffer.alloc(30), [b.v4, 7777])
      const [large, small] = [await receiver.recvmsg(9000), await receiver.recvmsg(9000)]
      expect([large.bytes, large.meta.fragmentSize]).toEqual([3000, 1500])
      expect(small.meta).toEqual({ destination: b.v4, localAddress: b.v4, interface: b.interface.index })
      const addresses = [b, a].map(side => Buffer.from(side.interface.mac.replace(/:/g, ''), 'hex'))
      const tag = Buffer.of(0x81, 0x00, 0xa0, 0x05, 0x88, 0xb5) // priority 5, VLAN 5, an experimental protocol
      const frame = Buffer.concat([...addresses, tag, bytes('in the VLAN')])
      await socket(AF_PACKET, SOCK_RAW, a).sendto(frame, { interface: a.interface.index })
      for (;;) {
        const { data, meta } = await packet.recvmsg(2000, { timeout: 5000 })
        if (!data.includes('in the VLAN')) continue
        expect(meta.vlan).toEqual({ id: 5, priority: 5, dropEligible: false, protocol: 0x8100 })
        break
      }
    } finally {
      for (const each of open) each.close()
      await close()
    }
  },
)
