import {
  AF_PACKET,
  MessageBatch,
  SOCK_DGRAM,
  SOCK_RAW,
  Socket,
  bpf,
  constants,
  openPacket,
  options,
  type Frame,
  type PacketSocket,
} from '../../lib'
import { runNode, runNodeAsNobody } from '../helpers/child'
import { failure, thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { makeNetwork, type Network } from '../helpers/network'

/*
 * Packet sockets on both ends of a veth pair. The frames of the tests have an EtherType that no other program uses,
 * so that frames of the kernel (router solicitations) are filtered out.
 */
const none = missing.network() ?? missing.root()
const c = constants as Readonly<Record<string, number>>
const TYPE = 0x88b5 // for local experiments

const mac = (text: string): Buffer => Buffer.from(text.replace(/:/g, ''), 'hex')
const frameOf = (to: string, from: string, data: string, protocol = TYPE): Buffer =>
  Buffer.concat([mac(to), mac(from), Buffer.of(protocol >> 8, protocol & 0xff), Buffer.from(data.padEnd(46))])
const broadcast = 'ff:ff:ff:ff:ff:ff'
const textOf = ({ data }: Frame): string => data.toString('latin1', 14).trimEnd()
const only = bpf.assemble([
  { op: 'ldh', k: 12 },
  { op: 'jeq', k: TYPE, jf: 'drop' },
  { op: 'ret', k: 0x40000 },
  { op: 'ret', k: 0, label: 'drop' },
])

describe('packet sockets', () => {
  let network: Network
  const opened: PacketSocket[] = []
  beforeAll(async () => {
    if (none === null) network = await makeNetwork()
  })
  afterEach(() => {
    for (const each of opened.splice(0)) each.close()
  })
  afterAll(() => network?.close())

  const open = (side: 'a' | 'b', more: object = {}): PacketSocket => {
    const { netns, interface: device } = network[side]
    const socket = openPacket({ interface: device.name, netns, protocol: TYPE, ...more })
    opened.push(socket)
    return socket
  }

  async function take(socket: PacketSocket, count: number): Promise<Frame[]> {
    const frames: Frame[] = []
    for await (const frame of socket.frames({ timeout: 5000 })) {
      frames.push(frame)
      if (frames.length === count) break
    }
    return frames
  }

  describe('arguments', () => {
    test.each<[string, unknown]>([
      ['nothing', undefined],
      ['no interface', {}],
      ['an interface of another type', { interface: {} }],
      ['a filter that is text', { interface: 'lo', filter: 'arp' }],
      ['promiscuous as a number', { interface: 'lo', promiscuous: 1 }],
    ])('openPacket: %s throws a TypeError', (_what, given) => {
      expect(() => openPacket(given as never)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
      )
    })

    test.each<[string, object]>([
      ['a negative interface', { interface: -1 }],
      ['a protocol too large', { interface: 'lo', protocol: 0x10000 }],
      ['a filter that does not end', { interface: 'lo', filter: [{ code: 7, jt: 0, jf: 0, k: 0 }] }],
    ])('openPacket: %s throws a RangeError', (_what, given) => {
      expect(() => openPacket(given as never)).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }))
    })

    testIf(none, 'openPacket fails with ENODEV for an interface that does not exist, and names it', () => {
      const error = thrown(() => openPacket({ interface: 'nothing0' }))
      expect(error).toMatchObject({
        code: 'ENODEV',
        message: 'if_nametoindex ENODEV no interface is called "nothing0"',
      })
      expect(thrown(() => openPacket({ interface: 0x7fffffff })).code).toBe('ENODEV')
      expect(thrown(() => openPacket({ interface: 'a-name-that-is-too-long' })).code).toBe('ERR_OUT_OF_RANGE')
    })

    testIf(
      none ?? missing.program('setpriv', '--version'),
      'without CAP_NET_RAW the error of openPacket names the capability',
      async () => {
        const script = `try { require('./dist').openPacket({ interface: 'lo' }) } catch (e) { console.log(e.message) }`
        const { stdout } = await runNodeAsNobody(script)
        expect(stdout).toBe(
          'socket EPERM AF_PACKET SOCK_RAW (needs CAP_NET_RAW: run as root, or setcap cap_net_raw+ep on a copy of node)\n',
        )
      },
    )
  })

  describe('frames', () => {
    testIf(none, 'a frame has its bytes, time, type and sender', async () => {
      const [a, b] = [open('a'), open('b')]
      const before = BigInt(Date.now()) * 1_000_000n
      const frame = frameOf(network.b.interface.mac, network.a.interface.mac, 'hello')
      expect(await a.send(frame)).toBe(frame.length)
      const got = await b.receive({ timeout: 5000 })
      expect(got).toMatchObject({
        data: frame,
        length: frame.length,
        type: 'host',
        interface: network.b.interface.index,
        protocol: TYPE,
      })
      expect(got.vlan).toBeUndefined()
      expect(got.address).toMatchObject({
        kind: 'packet',
        hardwareAddress: network.a.interface.mac,
        hardwareType: 1,
      })
      expect(got.timestamp - before).toBeGreaterThan(-1_000_000_000n)
      expect(got.timestamp - before).toBeLessThan(10_000_000_000n)
    })

    testIf(none, 'frame.type tells host, broadcast, multicast, other and outgoing frames apart', async () => {
      const to = [network.b.interface.mac, broadcast, '01:00:5e:00:00:01', '02:00:00:00:00:99']
      const seen = async (more: object): Promise<string[]> => {
        const [a, b] = [open('a'), open('b', { protocol: c['ETH_P_ALL'], filter: only, ...more })]
        const beside = open('b', { filter: bpf.parse('ret #0') }) // a socket does not receive the frames that it sends
        for (const each of to) a.trySend(frameOf(each, network.a.interface.mac, 'x'))
        beside.trySend(frameOf(network.a.interface.mac, network.b.interface.mac, 'last'))
        a.trySend(frameOf(network.b.interface.mac, network.a.interface.mac, 'end'))
        const types: string[] = []
        for await (const frame of b.frames({ timeout: 5000 })) {
          if (textOf(frame) === 'end') break
          types.push(frame.type)
        }
        a.close()
        b.close()
        return types
      }
      // A veth interface receives frames for other hosts too, with the type 'other'.
      expect(await seen({})).toEqual(['host', 'broadcast', 'multicast', 'other', 'outgoing'])
      expect(await seen({ ignoreOutgoing: true })).toEqual(['host', 'broadcast', 'multicast', 'other'])
    })

    testIf(none, 'promiscuous mode lasts as long as the socket is open', async () => {
      const link = (): Promise<string> => network.b.shell('ip -d link show b0')
      const promiscuity = async (): Promise<string> => /promiscuity (\d+)/.exec(await link())![1]!
      expect(await promiscuity()).toBe('0')
      const socket = open('b', { promiscuous: true })
      expect(await promiscuity()).toBe('1')
      socket.close()
      expect(await promiscuity()).toBe('0')
    })

    testIf(none, 'the VLAN tag is in the bytes of outgoing and of received frames', async () => {
      const all = { protocol: c['ETH_P_ALL'] }
      const [watcher, a, b] = [open('a', all), open('a'), open('b', { ...all, ignoreOutgoing: true })]
      const beside = new Socket(AF_PACKET, SOCK_RAW, 0, { netns: network.b.netns })
      beside.bind({ interface: network.b.interface.index, protocol: c['ETH_P_ALL']! })
      const inner = frameOf(network.b.interface.mac, network.a.interface.mac, 'inner')
      for (const [tag, vlan] of [
        ['81006005', { id: 5, priority: 3, tpid: 0x8100 }],
        ['88a8efff', { id: 4095, priority: 7, tpid: 0x88a8 }],
      ] as const) {
        const tagged = Buffer.concat([inner.subarray(0, 12), Buffer.from(tag, 'hex'), inner.subarray(12)])
        a.trySend(tagged)
        // An outgoing frame contains its tag. From a received one the kernel has removed it, as a plain socket shows.
        for (const socket of [watcher, b]) {
          for await (const frame of socket.frames({ timeout: 5000 })) {
            if (!frame.data.includes('inner')) continue
            expect(frame).toMatchObject({ data: tagged, vlan, length: tagged.length })
            break
          }
        }
        for (;;) {
          const plain = await beside.recv(2000, { timeout: 5000 })
          if (!plain.includes('inner')) continue
          expect(plain).toEqual(inner)
          break
        }
      }
      beside.close()
    })

    testIf(none, 'a frame is truncated to what the filter accepts, and has its full length', async () => {
      const filter = bpf.assemble([{ op: 'ret', k: 20 }])
      const [a, b] = [open('a'), open('b', { filter })]
      a.trySend(frameOf(broadcast, network.a.interface.mac, 'x'.repeat(500)))
      const frame = await b.receive({ timeout: 5000 })
      expect([frame.data.length, frame.length]).toEqual([20, 514])
    })

    testIf(
      none,
      'a cooked socket receives without the link-layer header, and sends to an address',
      async () => {
        const [a, b] = [open('a', { cooked: true }), open('b', { cooked: true })]
        const to = {
          interface: network.a.interface.index,
          protocol: TYPE,
          hardwareAddress: network.b.interface.mac,
        }
        await a.socket.sendto(Buffer.from('payload'), to)
        const frame = await b.receive({ timeout: 5000 })
        expect(frame.data.toString()).toBe('payload')
        expect(frame).toMatchObject({ type: 'host', protocol: TYPE, length: 7 })
      },
    )

    testIf(none, 'frames come in order, by every kind of receive', async () => {
      const [a, b] = [open('a'), open('b')]
      const send = (from: number, count: number): void => {
        for (let i = from; i < from + count; i++)
          a.trySend(frameOf(broadcast, network.a.interface.mac, String(i)))
      }
      send(0, 100)
      const texts = (await take(b, 10)).map(textOf)
      texts.push(textOf(b.tryReceive()!), textOf(await b.receive()))
      const iterator = b.frames()
      const steps = await Promise.all(Array.from({ length: 88 }, () => iterator.next()))
      texts.push(...steps.map(({ value }) => textOf(value as Frame)))
      expect(texts).toEqual(Array.from({ length: 100 }, (_, i) => String(i)))
      // 40 receives wait before the frames arrive.
      const waiting = Array.from({ length: 40 }, () => iterator.next())
      send(100, 40)
      const late = (await Promise.all(waiting)).map(({ value }) => textOf(value as Frame))
      expect(late).toEqual(Array.from({ length: 40 }, (_, i) => String(100 + i)))
      expect(b.tryReceive()).toBeNull()
    })

    testIf(none, 'frames() ends with close(), return(), the signal and the timeout', async () => {
      const socket = open('b')
      const ended = { done: true, value: undefined }
      const returned = socket.frames()
      const step = returned.next()
      expect(await returned.return!()).toEqual(ended)
      expect(await step).toEqual(ended)
      expect(await returned.next()).toEqual(ended)

      const controller = new AbortController()
      const aborted = failure(socket.frames({ signal: controller.signal }).next())
      controller.abort(new Error('why'))
      expect(await aborted).toMatchObject({ name: 'AbortError', cause: { message: 'why' } })
      expect(await failure(socket.frames({ signal: controller.signal }).next())).toMatchObject({
        name: 'AbortError',
      })
      expect(await failure(socket.frames({ timeout: 10 }).next())).toMatchObject({
        code: 'ERR_SOCKET_TIMEOUT',
      })

      const loop = (async () => {
        let count = 0
        for await (const frame of socket.frames()) count += frame.length
        return count
      })()
      const received = failure(socket.receive())
      socket.close()
      expect(await loop).toBe(0)
      expect(await received).toMatchObject({ code: 'ECANCELED' })
      expect(await failure(socket.receive())).toMatchObject({ code: 'EBADF' })
      expect(await failure(socket.frames().next())).toMatchObject({ code: 'EBADF' })
      expect(socket.closed).toBe(true)
    })

    testIf(none, 'a receive fails with ENETDOWN once when the interface goes down', async () => {
      const socket = open('b')
      const failed = failure(take(socket, 1))
      await network.b.shell('ip link set b0 down')
      expect(await failed).toMatchObject({ code: 'ENETDOWN' })
      await network.b.shell(
        'ip link set b0 up; until ip link show b0 | grep -q "state UP"; do sleep 0.01; done',
      )
      open('a').trySend(frameOf(broadcast, network.a.interface.mac, 'again'))
      expect((await take(socket, 1)).map(textOf)).toEqual(['again'])
    })

    testIf(none, 'the error tells an interface that is down from one that was deleted', async () => {
      const { b } = network
      await b.shell('ip link add lost0 type veth peer name lost1; ip link set lost1 up; ip link set lost0 up')
      const frame = frameOf(broadcast, network.a.interface.mac, 'x')
      const packets = openPacket({ interface: 'lost0', protocol: TYPE, netns: b.netns })
      const ring = openPacket({ interface: 'lost0', protocol: TYPE, netns: b.netns, ring: {} })
      const plain = new Socket(AF_PACKET, SOCK_RAW, 0, { netns: b.netns })
      const { index } = packets.socket.getsockname()
      plain.bind({ family: AF_PACKET, interface: index, protocol: TYPE })
      const messages = async (): Promise<string[]> => {
        const calls = [
          packets.receive({ timeout: 5000 }),
          ring.receive({ timeout: 5000 }),
          plain.recv(100, { timeout: 5000 }),
          plain.send(frame),
          plain.sendmsg({ data: frame }),
        ]
        return (await Promise.all(calls.map(failure))).map(({ message }) => message)
      }
      await b.shell('ip link set lost0 down')
      expect(await messages()).toEqual([
        'recvmsg ENETDOWN (the interface is down)',
        'poll ENETDOWN (the interface is down)',
        'recv ENETDOWN (the interface is down)',
        'send ENETDOWN (the interface is down)',
        'sendmsg ENETDOWN (the interface is down)',
      ])
      await b.shell('ip link set lost0 up; ip link delete lost0')
      expect(await messages()).toEqual([
        'recvmsg ENETDOWN (the interface was deleted)',
        'poll ENETDOWN (the interface was deleted)',
        'recv ENETDOWN (the interface was deleted)',
        'send ENXIO (the interface was deleted)',
        'sendmsg ENXIO (the interface was deleted)',
      ])
      for (const each of [packets, ring, plain]) each.close()
    })

    testIf(none, "an unref'd packet socket does not keep the process alive", async () => {
      const script = `
      const { openPacket } = require('./dist')
      const socket = openPacket({ interface: 'lo', protocol: ${TYPE} }).unref()
      socket.receive()
      console.log('over')`
      expect(await runNode(script)).toMatchObject({ code: 0, stdout: 'over\n' })
    })
  })

  describe('the time before the filter is attached', () => {
    testIf(none, 'no frame that the filter drops is queued while the socket opens', async () => {
      // Sends frames of another type without a pause while the test opens sockets.
      const flood = network.a.start(process.execPath, [
        '-e',
        `const { Socket, AF_PACKET, SOCK_RAW } = require(${JSON.stringify(`${process.cwd()}/dist`)})
       const socket = new Socket(AF_PACKET, SOCK_RAW, 0).bind({ interface: 'a0', protocol: 0 })
       const frame = Buffer.concat([Buffer.alloc(6, 255), Buffer.alloc(6, 2), Buffer.of(0x88, 0xb6), Buffer.alloc(46)])
       const end = Date.now() + 20000
       const send = () => {
         for (let i = 0; i < 50; i++) try { socket.trySend(frame) } catch {}
         if (Date.now() < end) setImmediate(send)
       }
       send()
       console.log('sending')`,
      ])
      await flood.line(/sending/)
      const { netns } = network.b
      let unfiltered = 0
      for (let i = 0; i < 60; i++) {
        const socket = open('b', { protocol: c['ETH_P_ALL'], filter: only })
        expect(socket.tryReceive()).toBeNull()
        socket.close()
        // A socket that is opened in the order that packet(7) warns of does receive such frames.
        const naive = new Socket(AF_PACKET, SOCK_RAW, 0x0300, { netns }) // htons(ETH_P_ALL)
        const deadline = Date.now() + 50
        while (unfiltered === 0 && Date.now() < deadline) if (naive.tryRecv(100) !== null) unfiltered++
        naive.close()
      }
      expect(unfiltered).toBeGreaterThan(0)
      await flood.stop()
    })
  })

  describe('statistics and fanout', () => {
    testIf(none, 'statistics add up over several reads, and include dropped frames', () => {
      const [a, b] = [open('a'), open('b')]
      b.socket.set(options.SO_RCVBUF, 4096)
      const send = (count: number): void => {
        for (let i = 0; i < count; i++)
          a.trySend(frameOf(broadcast, network.a.interface.mac, 'x'.repeat(1000)))
      }
      send(1)
      expect(b.statistics()).toEqual({ packets: 1, drops: 0 })
      send(50)
      const { packets, drops } = b.statistics()
      expect(packets).toBe(51)
      expect(drops).toBeGreaterThan(20)
      expect(b.statistics()).toEqual({ packets, drops })
      let received = 0
      while (b.tryReceive() !== null) received++
      expect(received).toBe(packets - drops)
    })

    testIf(none, 'sockets of a fanout group share the frames', () => {
      const a = open('a')
      const first = open('b')
      const id = first.fanout({ mode: 'lb' })
      const second = open('b', { fanout: { id, mode: 'lb' } })
      for (let i = 0; i < 20; i++) a.trySend(frameOf(broadcast, network.a.interface.mac, String(i)))
      const drain = (socket: PacketSocket): string[] => {
        const texts: string[] = []
        for (let frame = socket.tryReceive(); frame !== null; frame = socket.tryReceive())
          texts.push(textOf(frame))
        return texts
      }
      const [one, two] = [drain(first), drain(second)]
      expect([one.length, two.length]).toEqual([10, 10])
      expect([...one, ...two].map(Number).sort((x, y) => x - y)).toEqual(
        Array.from({ length: 20 }, (_, i) => i),
      )
    })

    testIf(none, 'a program selects the socket of a fanout group', () => {
      const a = open('a')
      const fanout = { id: 9, mode: 'cbpf' as const, program: bpf.parse('ldb [0]\nsub #48\nret a') }
      const group = [open('b', { fanout }), open('b', { fanout: { ...fanout, program: undefined } })]
      for (const digit of ['1', '0', '1', '1']) a.trySend(frameOf(broadcast, network.a.interface.mac, digit))
      const counts = group.map(socket => {
        let count = 0
        while (socket.tryReceive() !== null) count++
        return count
      })
      expect(counts).toEqual([1, 3])
    })

    testIf(none, 'an unknown fanout mode throws a RangeError', () => {
      expect(thrown(() => open('b', { fanout: { mode: 'best' } })).code).toBe('ERR_OUT_OF_RANGE')
    })
  })

  describe('AF_PACKET through Socket', () => {
    const make = (side: 'a' | 'b', type: number = SOCK_RAW): Socket => {
      const socket = new Socket(AF_PACKET, type, 0, { netns: network[side].netns })
      return socket.bind({ interface: network[side].interface.index, protocol: TYPE })
    }

    testIf(none, 'raw and datagram packet sockets send and receive with their addresses', async () => {
      const [raw, cooked] = [make('b'), make('a', SOCK_DGRAM)]
      try {
        expect(raw.getsockname()).toMatchObject({
          kind: 'packet',
          index: network.b.interface.index,
          protocol: TYPE,
          hardwareType: 1,
          hardwareAddress: network.b.interface.mac,
        })
        const to = {
          interface: network.a.interface.index,
          protocol: TYPE,
          hardwareAddress: network.b.interface.mac,
        }
        await cooked.sendto(Buffer.from('from a datagram socket'), to)
        const { data, address } = await raw.recvfrom(2000, { timeout: 5000 })
        expect(data).toEqual(
          Buffer.concat([
            mac(network.b.interface.mac),
            mac(network.a.interface.mac),
            Buffer.of(TYPE >> 8, TYPE & 0xff),
            Buffer.from('from a datagram socket'),
          ]),
        )
        expect(address).toMatchObject({ packetType: 0, hardwareAddress: network.a.interface.mac })
        // The reply goes to the sender of the datagram.
        await raw.send(frameOf(network.a.interface.mac, network.b.interface.mac, 'reply'))
        const reply = await cooked.recvmsg(2000, { timeout: 5000 })
        expect(reply.data.toString().trimEnd()).toBe('reply')
      } finally {
        raw.close()
        cooked.close()
      }
    })

    testIf(none, 'recvmsg and recvmmsg work, although AF_PACKET refuses MSG_CMSG_CLOEXEC', async () => {
      const [receiver, sender] = [make('b'), make('a')]
      try {
        receiver.set(options.SO_TIMESTAMPNS, true)
        for (let i = 0; i < 6; i++) sender.trySend(frameOf(broadcast, network.a.interface.mac, String(i)))
        const first = await receiver.recvmsg(2000, { timeout: 5000 })
        expect(first.data.toString('latin1', 14).trimEnd()).toBe('0')
        expect(first.meta.timestamp).toBeGreaterThan(0n)
        const batch = new MessageBatch({ count: 4, size: 2000 })
        expect(await receiver.recvmmsg(batch, { timeout: 5000 })).toBe(4)
        expect(batch.data(3).toString('latin1', 14).trimEnd()).toBe('4')
        expect(batch.address(3)).toMatchObject({ kind: 'packet', packetType: c['PACKET_BROADCAST'] })
        // A flag that AF_PACKET refuses for another reason is still refused.
        const wrong = { flags: c['MSG_OOB']!, timeout: 1000 }
        expect(await failure(receiver.recvmsg(2000, wrong))).toMatchObject({ code: 'EINVAL' })
        expect((await receiver.recvmsg(2000)).data.toString('latin1', 14).trimEnd()).toBe('5')
      } finally {
        receiver.close()
        sender.close()
      }
    })
  })
})
