import { closeSync, readFileSync } from 'node:fs'
import {
  AF_INET,
  AF_PACKET,
  SOCK_DGRAM,
  SOCK_RAW,
  Socket,
  bpf,
  constants,
  openPacket,
  options,
  supports,
  type Frame,
  type PacketSocket,
  type RingOptions,
} from '../../lib'
import { native } from '../../lib/internal/binding'
import { runNodeAsNobody, runPython } from '../helpers/child'
import { ensureBuilt } from '../helpers/built'
import { failure, thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { makeNetwork, type Network } from '../helpers/network'

/*
 * The receive ring of packet sockets, on both ends of a veth pair and on the `lo` of its namespaces. A ring
 * lives in memory that is mapped from its socket: what /proc shows of that must be gone in the end.
 */
const none = missing.network() ?? missing.root()
const c = constants as Readonly<Record<string, number>>
const TYPE = 0x88b5 // for local experiments
const page = native.pageSize()
const SMALL: RingOptions = { blockSize: page, blocks: 4, timeout: 5 }

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

/** How much of this process's memory belongs to sockets, by the kernel's list of mappings. */
function mappings(): number {
  return [...readFileSync('/proc/self/maps', 'utf8').matchAll(/ socket:\[\d+\]$/gm)].length
}

describe('the ring of a packet socket', () => {
  let network: Network
  const opened: PacketSocket[] = []
  beforeAll(async () => {
    if (none === null) network = await makeNetwork()
  })
  afterEach(() => {
    for (const each of opened.splice(0)) each.close()
    if (none === null) expect(mappings()).toBe(0)
  })
  afterAll(() => network?.close())

  const open = (side: 'a' | 'b', more: object = {}): PacketSocket => {
    const { netns, interface: device } = network[side]
    const socket = openPacket({ interface: device.name, netns, protocol: TYPE, ...more })
    opened.push(socket)
    return socket
  }
  const withRing = (more: object = {}): PacketSocket => {
    const socket = open('b', { ring: true, ...more })
    expect(socket.ring).toBe(true)
    return socket
  }
  const sender = (): ((data: string, to?: string) => void) => {
    const socket = open('a', { filter: bpf.parse('ret #0') })
    return (data, to = broadcast) => void socket.trySend(frameOf(to, network.a.interface.mac, data))
  }

  async function take(socket: PacketSocket, count: number): Promise<Frame[]> {
    const frames: Frame[] = []
    for await (const frame of socket.frames({ timeout: 5000 })) {
      frames.push(frame)
      if (frames.length === count) break
    }
    return frames
  }

  /** Waits until the kernel has handed over what it has: a marker frame has come. */
  async function until(socket: PacketSocket, text: string): Promise<Frame[]> {
    const frames: Frame[] = []
    for await (const frame of socket.frames({ timeout: 5000 })) {
      if (textOf(frame) === text) break
      frames.push(frame)
    }
    return frames
  }

  describe('arguments', () => {
    test.each<[string, unknown]>([
      ['null', null],
      ['a number', 1],
      ['text', 'yes'],
      ['a key that is none', { blocksize: page }],
      ['blockSize as text', { blockSize: '4096' }],
      ['blocks as a bigint', { blocks: 4n }],
      ['timeout null', { timeout: null }],
    ])('%s is a TypeError', (_what, ring) => {
      const error = thrown(() => openPacket({ interface: 'lo', ring: ring as never }))
      expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })
      expect(error.message).toContain('"options.ring')
    })

    test.each<[keyof RingOptions, RingOptions]>([
      ['blockSize', { blockSize: 0 }],
      ['blockSize', { blockSize: page + 16 }],
      ['blockSize', { blockSize: 2 ** 31 }],
      ['blocks', { blocks: 0 }],
      ['blocks', { blocks: 1.5 }],
      ['blocks', { blockSize: 2 ** 30, blocks: 5 }],
      ['timeout', { timeout: 0 }],
      ['timeout', { timeout: 65536 }],
      ['frameSize', { frameSize: 64 }],
      ['frameSize', { frameSize: 1000 }],
      ['frameSize', { blockSize: page, frameSize: page + 16 }],
    ])('%s in %j is a RangeError', (key, ring) => {
      const error = thrown(() => openPacket({ interface: 'lo', ring }))
      expect(error).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
      expect(error.message).toContain(`"options.ring.${key}"`)
    })

    testIf(none, 'false is none; every size that passes the checks is one the kernel takes', () => {
      expect(supports('packet-ring')).toBe(true)
      expect(open('b', { ring: false }).ring).toBe(false)
      expect(open('b').ring).toBe(false)
      for (const ring of [
        {},
        { blockSize: page, blocks: 1 },
        { blockSize: page * 3, blocks: 2, frameSize: 80 },
        { blockSize: page * 3, blocks: 2, frameSize: page * 3 },
        { blocks: 1, timeout: 65535 },
        { blockSize: 1 << 22 },
      ])
        expect(open('b', { ring }).ring).toBe(true)
    })
  })

  describe('frames', () => {
    testIf(none, 'are those of recvmsg, but for the time', async () => {
      const all = { protocol: c['ETH_P_ALL'], filter: only }
      for (const more of [
        {},
        all,
        { ...all, filter: bpf.parse('ldh [12]\njeq #0x88b5, y, n\ny: ret #20\nn: ret #0') },
        { cooked: true },
      ]) {
        // prettier-ignore
        const [plain, ring] = [open('b', more), withRing(more)]
        const send = sender()
        const from = open('b', { filter: bpf.parse('ret #0') })
        send('to us', network.b.interface.mac)
        send('to all')
        send('to a group', '01:00:5e:00:00:01')
        send('to another', '02:00:00:00:00:99')
        send('x'.repeat(1400))
        from.trySend(frameOf(network.a.interface.mac, network.b.interface.mac, 'from us'))
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

    testIf(none, 'have the tag of a VLAN in their bytes', async () => {
      const all = { protocol: c['ETH_P_ALL'], ignoreOutgoing: true }
      const outgoing = openPacket({
        interface: 'a0',
        netns: network.a.netns,
        protocol: c['ETH_P_ALL']!,
        ring: true,
      })
      opened.push(outgoing)
      const [a, plain, ring, cooked] = [
        open('a'),
        open('b', all),
        withRing(all),
        withRing({ ...all, cooked: true }),
      ]
      const inner = frameOf(network.b.interface.mac, network.a.interface.mac, 'inner')
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

    testIf(none, 'on lo, also those that are longer than a block', async () => {
      const { netns } = network.b
      const where = { interface: 'lo', netns, protocol: c['ETH_P_IP']!, ignoreOutgoing: true }
      const ring = openPacket({ ...where, ring: SMALL })
      const large = openPacket({ ...where, ring: true })
      opened.push(ring, large)
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

    testIf(none, 'in their order over many blocks, whoever takes them', async () => {
      const [ring, send] = [withRing({ ring: { ...SMALL, blocks: 16 } }), sender()]
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

    testIf(none, 'stay good when the ring has gone round, and when it is gone', async () => {
      const [ring, send] = [withRing({ ring: SMALL }), sender()]
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
    testIf(none, 'an edge comes for each block, and nothing is asked in between', async () => {
      const looks = jest.spyOn(native, 'ringNext')
      try {
        const [ring, send] = [withRing({ ring: SMALL }), sender()]
        for (let i = 0; i < 50; i++) {
          const frame = ring.receive({ timeout: 5000 })
          send(String(i)) // alone in its block, which the timeout hands over
          expect(textOf(await frame)).toBe(String(i))
        }
        // Nothing there, and after the edge a block: two for each, and some for the marks of the kernel.
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

    testIf(none, 'many blocks at once and one edge: all are taken', async () => {
      const [ring, send] = [withRing({ ring: { ...SMALL, blocks: 64 } }), sender()]
      for (let round = 0; round < 5; round++) {
        const frames = take(ring, 500)
        for (let i = 0; i < 500; i++) send(`${round}.${i}`)
        expect((await frames).map(textOf)).toEqual(Array.from({ length: 500 }, (_, i) => `${round}.${i}`))
      }
      expect(ring.statistics()).toMatchObject({ packets: 2500, drops: 0 })
    })

    testIf(none, 'a full ring goes on when it is emptied', async () => {
      const [ring, send] = [withRing({ ring: SMALL }), sender()]
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 500; i++) send('flood')
        // The kernel takes the end where there is room again.
        const before = ring.statistics()
        expect(before.drops).toBeGreaterThan(300 * (round + 1))
        while (ring.tryReceive() !== null);
        send('end')
        expect((await until(ring, 'end')).every(frame => textOf(frame) === 'flood')).toBe(true)
      }
      expect(ring.statistics().freezes).toBeGreaterThanOrEqual(3)
    })

    testIf(none, 'recv(2) of the socket finds nothing, and does not disturb', async () => {
      const [ring, send] = [withRing({ ring: SMALL }), sender()]
      expect(await failure(ring.socket.recv(100, { timeout: 20 }))).toMatchObject({
        code: 'ERR_SOCKET_TIMEOUT',
      })
      send('x')
      expect(await failure(ring.socket.recv(100, { timeout: 20 }))).toMatchObject({
        code: 'ERR_SOCKET_TIMEOUT',
      })
      expect(ring.socket.tryRecv(100)).toBeNull() // what is known of recv(2) says nothing about the ring
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

    testIf(none, 'an interface that goes down is ENETDOWN, once', async () => {
      const [ring, send] = [withRing({ ring: SMALL }), sender()]
      const failed = failure(ring.receive({ timeout: 5000 }))
      await network.b.shell('ip link set b0 down')
      expect(await failed).toMatchObject({ code: 'ENETDOWN', syscall: 'poll' })
      await network.b.shell(
        'ip link set b0 up; until ip link show b0 | grep -q "state UP"; do sleep 0.01; done',
      )
      send('again')
      expect((await take(ring, 1)).map(textOf)).toEqual(['again'])
    })
  })

  describe('counting', () => {
    testIf(none, 'no frame that the filter drops is in the ring, also while it opens', async () => {
      ensureBuilt()
      const flood = network.a.start(process.execPath, [
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
      const send = sender()
      for (let i = 0; i < 30; i++) {
        const ring = withRing({ protocol: c['ETH_P_ALL'], filter: only, ring: SMALL })
        send('end')
        expect(await until(ring, 'end')).toEqual([])
        expect(ring.statistics()).toMatchObject({ packets: 1, drops: 0 })
        ring.close()
      }
      await flood.stop()
    })

    testIf(
      none,
      '100,000 small frames: what was received and what was lost is what was sent',
      async () => {
        const COUNT = 100_000
        const from = open('a', { filter: bpf.parse('ret #0') })
        const data = frameOf(broadcast, network.a.interface.mac, '')
        // On the sender's side, where a frame is seen as it is sent: on the other one queues may lose some.
        const seen = { protocol: c['ETH_P_ALL'], filter: only }
        const small = open('a', { ...seen, ring: { blockSize: page, blocks: 8, timeout: 5 } })
        const usual = open('a', { ...seen, ring: true })
        expect([small.ring, usual.ring]).toEqual([true, true])
        let sent = 0
        const burst = (): void => {
          for (let i = 0; i < 1000 && sent < COUNT; i++, sent++) {
            data.writeUInt32BE(sent, 14)
            if (from.trySend(data) === null) break // its queue is full
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

    testIf(none, 'sockets of a fanout group have rings too', async () => {
      const first = withRing({ ring: SMALL })
      const id = first.fanout({ mode: 'lb' })
      const second = withRing({ ring: SMALL, fanout: { id, mode: 'lb' } })
      const send = sender()
      for (let i = 0; i < 20; i++) send(String(i))
      const [one, two] = await Promise.all([take(first, 10), take(second, 10)])
      const numbers = [...one, ...two].map(textOf).map(Number)
      expect(numbers.sort((x, y) => x - y)).toEqual(Array.from({ length: 20 }, (_, i) => i))
    })
  })

  describe('the end', () => {
    testIf(none, 'close() while somebody waits, and with full blocks', async () => {
      const waiting = withRing()
      const loop = (async () => {
        for await (const _ of waiting.frames());
        return 'over'
      })()
      const received = failure(waiting.receive())
      await new Promise(resolve => setImmediate(resolve))
      waiting.close()
      expect(await loop).toBe('over')
      expect(await received).toMatchObject({ code: 'ECANCELED' })
      expect(await failure(waiting.receive())).toMatchObject({ code: 'EBADF' })
      expect(thrown(() => waiting.tryReceive()).code).toBe('EBADF')

      const [full, send] = [withRing({ ring: SMALL }), sender()]
      for (let i = 0; i < 500; i++) send('flood')
      expect(textOf(await full.receive({ timeout: 5000 }))).toBe('flood')
      expect(mappings()).toBe(1)
      full.socket.close() // by its back
      expect(mappings()).toBe(0)
      expect(thrown(() => full.tryReceive()).code).toBe('EBADF')
    })

    testIf(none, 'detach() gives the descriptor without the memory', async () => {
      const [ring, send] = [withRing({ ring: SMALL }), sender()]
      const received = ring.receive({ timeout: 5000 })
      expect(thrown(() => ring.socket.detach()).code).toBe('EBUSY')
      send('x')
      expect(textOf(await received)).toBe('x')
      expect(mappings()).toBe(1)
      const fd = ring.socket.detach()
      expect(mappings()).toBe(0)
      closeSync(fd)
      expect(thrown(() => ring.tryReceive()).code).toBe('EBADF')
    })

    testIf(none, 'workers that are terminated in the middle: no crash, no descriptor or memory left', async () => {
      ensureBuilt()
      const worker = `
        const { parentPort } = require('node:worker_threads')
        const { openPacket, Socket, AF_PACKET, SOCK_RAW } = require('./dist')
        const where = { interface: 'lo', protocol: ${TYPE}, ring: ${JSON.stringify(SMALL)} }
        globalThis.keep = [openPacket(where), openPacket(where), openPacket(where)]
        const frame = Buffer.concat([Buffer.alloc(12), Buffer.from('88b5', 'hex'), Buffer.alloc(100)])
        for (let i = 0; i < 300; i++) keep[0].trySend(frame)
        keep[1].receive().catch(() => 0)
        ;(async () => { for await (const _ of keep[2].frames()) keep[0].trySend(frame) })()
        if (!keep.every(each => each.ring)) throw new Error('no ring')
        parentPort.postMessage('now')`
      const script = `
        const { Worker } = require('node:worker_threads')
        const fs = require('node:fs')
        const count = () => [fs.readdirSync('/proc/self/fd').length, (fs.readFileSync('/proc/self/maps', 'utf8').match(/socket:/g) ?? []).length]
        const once = () => new Promise((resolve, reject) => {
          const worker = new Worker(${JSON.stringify(worker)}, { eval: true })
          worker.on('error', reject).on('message', () => setTimeout(() => worker.terminate().then(resolve), Math.random() * 20))
        })
        async function main() {
          await once()
          const before = count()
          for (let i = 0; i < 10; i++) await Promise.all([once(), once()])
          console.log(JSON.stringify([before, count()]))
        }
        main()`
      const ended = await network.b.run(process.execPath, ['-e', script], { timeout: 60_000 })
      expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' })
      const [before, after] = JSON.parse(ended.stdout) as [[number, number], [number, number]]
      expect(after).toEqual(before)
      expect(after[1]).toBe(0)
    }, 60_000) // prettier-ignore

    testIf(
      none ?? missing.python(),
      'blocks that somebody else wrote over: no crash, and it goes on',
      async () => {
        const scribble = `
import mmap, os, struct, random
random.seed(5)
size, blocks = ${page}, 4
memory = mmap.mmap(3, size * blocks)
for block in range(blocks):
    at = block * size
    if ROUND % 2 == 0:
        memory[at + 48:at + size] = random.randbytes(size - 48)
    first, packets, length = random.choice([(48, 9, size), (random.getrandbits(32), random.getrandbits(32), random.getrandbits(32)), (48, 0xffffffff, 0xffffffff), (0, 1, 0)])
    memory[at + 12:at + 24] = struct.pack('III', packets, first, length)
    memory[at + 8:at + 12] = struct.pack('I', 1)
`
        for (let round = 0; round < 12; round++) {
          const [ring, send] = [withRing({ ring: { ...SMALL, timeout: 60_000 } }), sender()]
          for (let i = 0; i < 100; i++) send(String(i))
          await runPython(scribble.replace('ROUND', String(round)), [ring.socket.fd])
          let count = 0
          for (let frame = ring.tryReceive(); frame !== null; frame = ring.tryReceive()) {
            expect(frame.data.length).toBeLessThanOrEqual(page)
            count++
          }
          expect(count).toBeLessThan(4 * page)
          ring.close()
        }
      },
    )
  })

  describe('a kernel that refuses', () => {
    async function received(ring: RingOptions): Promise<object> {
      const [socket, send] = [open('b', { ring }), sender()]
      send('without')
      const frame = await socket.receive({ timeout: 5000 })
      return { ring: socket.ring, text: textOf(frame), statistics: socket.statistics() }
    }
    const without = { ring: false, text: 'without', statistics: { packets: 1, drops: 0 } }

    // A list of so many blocks is more than kmalloc() gives: it fails before a page is taken.
    testIf(
      none ?? (page === 4096 ? null : 'needs pages of 4 KiB'),
      'so large a ring: recvmsg instead',
      async () => {
        expect(await received({ blockSize: page, blocks: 2 ** 20 })).toEqual(without)
      },
    )

    const script = `
      const { openPacket } = require('./dist')
      const { spawnSync } = require('node:child_process')
      const limit = value => process.env.LIMIT && spawnSync('prlimit', ['--pid', process.pid, '--as=' + value + ':'])
      const size = /VmSize:\\s+(\\d+)/.exec(require('node:fs').readFileSync('/proc/self/status', 'utf8'))[1] * 1024
      limit(size + (16 << 20))
      const socket = openPacket({ interface: 'lo', protocol: ${TYPE}, ignoreOutgoing: true, ring: { blocks: 256 } })
      limit('unlimited')
      socket.trySend(Buffer.concat([Buffer.alloc(12), Buffer.from('88b5', 'hex'), Buffer.from('without')]))
      socket.receive({ timeout: 5000 }).then(({ data, timestamp }) => {
        console.log(socket.ring, data.toString('latin1', 14), timestamp > 0n, JSON.stringify(socket.statistics()))
        socket.close()
      })`
    const printed = 'false without true {"packets":1,"drops":0}\n'

    testIf(none ?? missing.prlimit(), 'no room to map it: recvmsg instead', async () => {
      ensureBuilt()
      const ended = await network.b.run(process.execPath, ['-e', script], { env: { LIMIT: 'yes' } })
      expect(ended).toMatchObject({ code: 0, stderr: '', stdout: printed })
    })

    for (const [what, when, error] of [
      ['without PACKET_VERSION', 1, 'ENOPROTOOPT'],
      ['without TPACKET_V3', 1, 'EINVAL'],
      ['without PACKET_RX_RING', 2, 'EPERM'],
    ] as const) {
      testIf(none ?? missing.strace(), `${what}: recvmsg instead`, async () => {
        ensureBuilt()
        const inject = `inject=setsockopt:error=${error}:when=${when}`
        const traced = ['-f', '-o', '/dev/null', '-e', 'trace=setsockopt', '-e', inject, process.execPath]
        expect(await network.b.run('strace', [...traced, '-e', script])).toMatchObject({
          code: 0,
          stdout: printed,
        })
      })
    }
  })

  testIf(none ?? missing.setpriv(), 'without CAP_NET_RAW: EPERM as ever', async () => {
    const script = `try { c.openPacket({ interface: 'lo', ring: true }) } catch (e) { console.log(e.message) }`
    expect((await runNodeAsNobody(script)).stdout).toBe(
      'socket EPERM AF_PACKET SOCK_RAW (needs CAP_NET_RAW: run as root or setcap cap_net_raw+ep)\n',
    )
  })

  testIf(none, 'a socket without one has no ring to ask', () => {
    const socket = new Socket(AF_PACKET, SOCK_RAW, 0)
    const { id } = socket.channel
    expect([native.ringNext(id), native.ringTake(id, Buffer.alloc(8))].every(result => result < 0)).toBe(true)
    socket.close()
    expect([native.ringNext(id), native.ringOpen(id, page, 4, page, 1)].every(result => result < 0)).toBe(
      true,
    )
  })
})
