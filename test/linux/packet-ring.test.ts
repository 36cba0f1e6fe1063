import {
  AF_INET,
  AF_PACKET,
  SOCK_DGRAM,
  SOCK_RAW,
  Socket,
  bpf,
  constants,
  options,
  query,
  type Frame,
  type PacketSocket,
} from '../../lib'
import { native } from '../../lib/binding/binding'
import { ensureBuilt } from '../helpers/built'
import { failure, thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import {
  SMALL,
  TYPE,
  Wire,
  broadcast,
  frameOf,
  mappings,
  none,
  only,
  page,
  take,
  textOf,
  until,
} from './rings'

/* The frames of a packet ring, readiness, and statistics. */
const c = constants as Readonly<Record<string, number>>

describe('the ring of a packet socket', () => {
  const wire = new Wire()

  describe('frames', () => {
    testIf(none, 'frames of a ring equal those of recvmsg, except for their time', async () => {
      const all = { protocol: c['ETH_P_ALL'], filter: only }
      for (const more of [
        {},
        all,
        { ...all, filter: bpf.parse('ldh [12]\njeq #0x88b5, y, n\ny: ret #20\nn: ret #0') },
        { cooked: true },
      ]) {
        // prettier-ignore
        const [plain, ring] = [wire.open('b', more), wire.ring(more)]
        const send = wire.sender()
        const from = wire.open('b', { filter: bpf.parse('ret #0') })
        send('to us', wire.network.b.interface.mac)
        send('to all')
        send('to a group', '01:00:5e:00:00:01')
        send('to another', '02:00:00:00:00:99')
        send('x'.repeat(1400))
        from.trySend(frameOf(wire.network.a.interface.mac, wire.network.b.interface.mac, 'from us'))
        send('end')
        const count = 'protocol' in more ? 7 : 6
        const [expected, got] = await Promise.all([take(plain, count), take(ring, count)])
        const timeless = (frames: Frame[]): object[] => frames.map(frame => ({ ...frame, timestamp: 0n }))
        expect(timeless(got)).toEqual(timeless(expected))
        expect(got.map(({ address }) => address.bytes)).toEqual(expected.map(({ address }) => address.bytes))
        for (const [i, { timestamp }] of got.entries()) {
          const apart = timestamp - expected[i]!.timestamp
          expect(apart < 1_000_000_000n && apart > -1_000_000_000n).toBe(true)
        }
        plain.close()
        ring.close()
      }
    })

    testIf(none, 'frames of a ring contain the VLAN tag', async () => {
      const all = { protocol: c['ETH_P_ALL'], ignoreOutgoing: true }
      const outgoing = wire.open('a', { protocol: c['ETH_P_ALL'], ring: true })
      const [a, plain, ring, cooked] = [
        wire.open('a'),
        wire.open('b', all),
        wire.ring(all),
        wire.ring({ ...all, cooked: true }),
      ]
      const inner = frameOf(wire.network.b.interface.mac, wire.network.a.interface.mac, 'inner')
      for (const [tag, vlan] of [
        ['81006005', { id: 5, priority: 3, tpid: 0x8100 }],
        ['88a8efff', { id: 4095, priority: 7, tpid: 0x88a8 }],
      ] as const) {
        const tagged = Buffer.concat([inner.subarray(0, 12), Buffer.from(tag, 'hex'), inner.subarray(12)])
        a.trySend(tagged)
        for (const socket of [outgoing, plain, ring]) {
          for await (const frame of socket.frames({ timeout: 5000 })) {
            if (!frame.data.includes('inner')) continue
            expect(frame).toMatchObject({ data: tagged, vlan, length: tagged.length, protocol: TYPE })
            break
          }
        }
        for await (const frame of cooked.frames({ timeout: 5000 })) {
          if (!frame.data.includes('inner')) continue
          expect(frame).toMatchObject({ data: inner.subarray(14), vlan })
          break
        }
      }
    })

    testIf(none, 'a ring on lo truncates a frame that is longer than a block', async () => {
      const { netns } = wire.network.b
      const where = { interface: 'lo', protocol: c['ETH_P_IP'], ignoreOutgoing: true }
      const [ring, large] = [wire.ring({ ...where, ring: SMALL }), wire.ring(where)]
      const udp = new Socket(AF_INET, SOCK_DGRAM, 0, { netns }).bind(['127.0.0.1', 0])
      await udp.sendto(Buffer.alloc(60000, 7), udp.getsockname())
      const [cut, whole] = [await ring.receive({ timeout: 5000 }), await large.receive({ timeout: 5000 })]
      udp.close()
      expect([whole.data.length, whole.length]).toEqual([60042, 60042])
      expect(cut.length).toBe(60042)
      expect(cut.data.length).toBeGreaterThan(page - 256)
      expect(cut.data.length).toBeLessThan(page)
      expect(cut.data).toEqual(whole.data.subarray(0, cut.data.length))
    })

    testIf(none, 'frames of a ring come in order over many blocks, by every kind of receive', async () => {
      const [ring, send] = [wire.ring({ ring: { ...SMALL, blocks: 16 } }), wire.sender()]
      for (let i = 0; i < 200; i++) send(String(i))
      const texts = (await take(ring, 10)).map(textOf)
      texts.push(textOf(await ring.receive({ timeout: 5000 })), textOf(ring.tryReceive()!))
      const iterator = ring.frames({ timeout: 5000 })
      const steps = await Promise.all(Array.from({ length: 188 }, () => iterator.next()))
      texts.push(...steps.map(({ value }) => textOf(value as Frame)))
      expect(texts).toEqual(Array.from({ length: 200 }, (_, i) => String(i)))
      const waiting = Array.from({ length: 40 }, () => ring.receive({ timeout: 5000 }))
      for (let i = 200; i < 240; i++) send(String(i))
      const late = (await Promise.all(waiting)).map(textOf)
      expect(late).toEqual(Array.from({ length: 40 }, (_, i) => String(200 + i)))
      expect(ring.tryReceive()).toBeNull()
    })

    testIf(none, 'a frame stays valid when its block is reused and when the ring is closed', async () => {
      const [ring, send] = [wire.ring({ ring: SMALL }), wire.sender()]
      send('first')
      const first = await ring.receive({ timeout: 5000 })
      for (let i = 0; i < 30; i++) {
        send(`again ${i}`)
        await ring.receive({ timeout: 5000 })
      }
      expect(textOf(first)).toBe('first')
      ring.close()
      expect(mappings()).toBe(0)
      expect(textOf(first)).toBe('first')
      first.data.fill(0)
    })
  })

  describe('waiting', () => {
    testIf(none, 'a receive waits for one event per block, and does not look in between', async () => {
      const looks = jest.spyOn(native, 'ringNext')
      try {
        const [ring, send] = [wire.ring({ ring: SMALL }), wire.sender()]
        for (let i = 0; i < 50; i++) {
          const frame = ring.receive({ timeout: 5000 })
          send(String(i)) // the frame is alone in its block, which the kernel retires after the timeout
          expect(textOf(await frame)).toBe(String(i))
        }
        // One look finds nothing and one finds the block, and a few follow other events of the kernel.
        expect(looks.mock.calls.length).toBeLessThanOrEqual(110)
        looks.mockClear()
        expect(await failure(ring.receive({ timeout: 100 }))).toMatchObject({
          code: 'ERR_SOCKET_TIMEOUT',
          syscall: 'poll',
        })
        expect(looks.mock.calls.length).toBeLessThanOrEqual(2)
      } finally {
        looks.mockRestore()
      }
    })

    testIf(none, 'one event for many blocks is enough to receive them all', async () => {
      const [ring, send] = [wire.ring({ ring: { ...SMALL, blocks: 64 } }), wire.sender()]
      for (let round = 0; round < 5; round++) {
        const frames = take(ring, 500)
        for (let i = 0; i < 500; i++) send(`${round}.${i}`)
        expect((await frames).map(textOf)).toEqual(Array.from({ length: 500 }, (_, i) => `${round}.${i}`))
      }
      expect(ring.statistics()).toMatchObject({ packets: 2500, drops: 0 })
    })

    testIf(none, 'a full ring receives again after it has been emptied', async () => {
      const [ring, send] = [wire.ring({ ring: SMALL }), wire.sender()]
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 500; i++) send('flood')
        // The kernel queues frames again once a block is free.
        const before = ring.statistics()
        expect(before.drops).toBeGreaterThan(300 * (round + 1))
        while (ring.tryReceive() !== null);
        send('end')
        expect((await until(ring, 'end')).every(frame => textOf(frame) === 'flood')).toBe(true)
      }
      expect(ring.statistics().freezes).toBeGreaterThanOrEqual(3)
    })

    testIf(none, 'recv on the socket of a ring finds nothing and does not disturb the ring', async () => {
      const [ring, send] = [wire.ring({ ring: SMALL }), wire.sender()]
      expect(await failure(ring.socket.recv(100, { timeout: 20 }))).toMatchObject({
        code: 'ERR_SOCKET_TIMEOUT',
      })
      send('x')
      expect(await failure(ring.socket.recv(100, { timeout: 20 }))).toMatchObject({
        code: 'ERR_SOCKET_TIMEOUT',
      })
      expect(ring.socket.tryRecv(100)).toBeNull() // the mark that recv found nothing does not apply to the ring
      expect(textOf(await ring.receive({ timeout: 5000 }))).toBe('x')
      const size = {
        tp_block_size: 0,
        tp_block_nr: 0,
        tp_frame_size: 0,
        tp_frame_nr: 0,
        tp_retire_blk_tov: 0,
      }
      expect(thrown(() => ring.socket.set(options.PACKET_RX_RING, size)).code).toBe('EBUSY')
      expect(thrown(() => ring.socket.set(options.PACKET_VERSION, 0)).code).toBe('EBUSY')
      expect(native.ringOpen(ring.socket.channel.id, page, 4, page, 1)).toBeLessThan(0)
    })

    testIf(none, 'receive on a ring fails with ENETDOWN once when the interface goes down', async () => {
      const [ring, send] = [wire.ring({ ring: SMALL }), wire.sender()]
      const failed = failure(ring.receive({ timeout: 5000 }))
      await wire.network.b.shell('ip link set b0 down')
      expect(await failed).toMatchObject({ code: 'ENETDOWN', syscall: 'poll' })
      await wire.network.b.shell(
        'ip link set b0 up; until ip link show b0 | grep -q "state UP"; do sleep 0.01; done',
      )
      send('again')
      expect((await take(ring, 1)).map(textOf)).toEqual(['again'])
    })
  })

  describe('counting', () => {
    testIf(
      none,
      'a ring contains no frame that the filter drops, not even from the time before it was attached',
      async () => {
        ensureBuilt()
        const flood = wire.network.a.start(process.execPath, [
          '-e',
          `const { openPacket } = require(${JSON.stringify(`${process.cwd()}/dist`)})
         const socket = openPacket({ interface: 'a0', protocol: 0x88b6 })
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
        const send = wire.sender()
        for (let i = 0; i < 30; i++) {
          const ring = wire.ring({ protocol: c['ETH_P_ALL'], filter: only, ring: SMALL })
          send('end')
          expect(await until(ring, 'end')).toEqual([])
          expect(ring.statistics()).toMatchObject({ packets: 1, drops: 0 })
          ring.close()
        }
        await flood.stop()
      },
    )

    testIf(
      none,
      'of 100,000 small frames, the received and the dropped ones add up to the sent ones',
      async () => {
        const COUNT = 100_000
        const from = wire.open('a', { filter: bpf.parse('ret #0') })
        const data = frameOf(broadcast, wire.network.a.interface.mac, '')
        // On the sender's side, where each sent frame is seen. On the other side queues may drop some.
        const seen = { protocol: c['ETH_P_ALL'], filter: only }
        const small = wire.open('a', { ...seen, ring: { blockSize: page, blocks: 8, timeout: 5 } })
        const usual = wire.open('a', { ...seen, ring: true })
        expect([small.ring, usual.ring]).toEqual([true, true])
        let sent = 0
        const burst = (): void => {
          for (let i = 0; i < 1000 && sent < COUNT; i++, sent++) {
            data.writeUInt32BE(sent, 14)
            if (from.trySend(data) === null) break // the queue is full
          }
          if (sent < COUNT) setImmediate(burst)
        }
        const count = async (socket: PacketSocket): Promise<[number, number]> => {
          let [received, last] = [0, -1]
          for await (const frame of socket.frames({ timeout: 5000 })) {
            const number = frame.data.readUInt32BE(14)
            if (number <= last || frame.data.length !== data.length)
              throw new Error(`${number} after ${last}`)
            last = number
            received++
            if (sent === COUNT) {
              const { packets, drops } = socket.statistics()
              if (packets === COUNT && received + drops === COUNT) return [received, drops]
            }
          }
          throw new Error('it ended')
        }
        burst()
        const [few, all] = await Promise.all([count(small), count(usual)])
        expect(few[0] + few[1]).toBe(COUNT)
        expect(few[1]).toBeGreaterThan(0)
        expect(small.statistics().freezes).toBeGreaterThan(0)
        expect(all[0] + all[1]).toBe(COUNT)
        expect(all[0]).toBeGreaterThan(few[0])
      },
      30_000,
    )

    testIf(none, 'sockets of a fanout group can have rings', async () => {
      const first = wire.ring({ ring: SMALL })
      const id = first.fanout({ mode: 'lb' })
      const second = wire.ring({ ring: SMALL, fanout: { id, mode: 'lb' } })
      const send = wire.sender()
      for (let i = 0; i < 20; i++) send(String(i))
      const [one, two] = await Promise.all([take(first, 10), take(second, 10)])
      const numbers = [...one, ...two].map(textOf).map(Number)
      expect(numbers.sort((x, y) => x - y)).toEqual(Array.from({ length: 20 }, (_, i) => i))
    })
  })
})

testIf(
  missing.socket(AF_PACKET ?? -1, SOCK_RAW),
  'PACKET_HDRLEN is read with the version of the header as its argument',
  () => {
    const socket = new Socket(AF_PACKET, SOCK_RAW)
    expect(socket.get(options.PACKET_HDRLEN)).toBe(48) // sizeof(struct tpacket3_hdr)
    expect(socket.get(query(options.PACKET_HDRLEN, c['TPACKET_V1']!))).toBe(32)
    socket.close()
    expect(thrown(() => socket.get(options.PACKET_HDRLEN)).code).toBe('EBADF')
  },
)
