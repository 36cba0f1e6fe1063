import { closeSync } from 'node:fs'
import { AF_PACKET, SOCK_RAW, Socket, openPacket, supports, type RingOptions } from '../../lib'
import { native } from '../../lib/binding/binding'
import { ensureBuilt } from '../helpers/built'
import { runNodeAsNobody, runPython } from '../helpers/child'
import { failure, thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { SMALL, TYPE, Wire, mappings, none, page, textOf } from './rings'

/* The options of a packet ring, the fallback if the kernel refuses it, and its end. */
describe('the ring of a packet socket', () => {
  const wire = new Wire()

  describe('arguments', () => {
    test.each<[string, unknown]>([
      ['null', null],
      ['a number', 1],
      ['text', 'yes'],
      ['an unknown key', { blocksize: page }],
      ['blockSize as text', { blockSize: '4096' }],
      ['blocks as a bigint', { blocks: 4n }],
      ['timeout null', { timeout: null }],
    ])('options.ring: %s throws a TypeError', (_what, ring) => {
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
    ])('options.ring: %s in %j throws a RangeError', (key, ring) => {
      const error = thrown(() => openPacket({ interface: 'lo', ring }))
      expect(error).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
      expect(error.message).toContain(`"options.ring.${key}"`)
    })

    testIf(
      none,
      'with ring false there is no ring, and the kernel accepts all sizes that pass the checks',
      () => {
        expect(supports('packet-ring')).toBe(true)
        expect(wire.open('b', { ring: false }).ring).toBe(false)
        expect(wire.open('b').ring).toBe(false)
        for (const ring of [
          {},
          { blockSize: page, blocks: 1 },
          { blockSize: page * 3, blocks: 2, frameSize: 80 },
          { blockSize: page * 3, blocks: 2, frameSize: page * 3 },
          { blocks: 1, timeout: 65535 },
          { blockSize: 1 << 22 },
        ])
          expect(wire.open('b', { ring }).ring).toBe(true)
      },
    )
  })

  describe('the end', () => {
    testIf(none, 'close() ends waiting reads, also while blocks are full', async () => {
      const waiting = wire.ring()
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

      const [full, send] = [wire.ring({ ring: SMALL }), wire.sender()]
      for (let i = 0; i < 500; i++) send('flood')
      expect(textOf(await full.receive({ timeout: 5000 }))).toBe('flood')
      expect(mappings()).toBe(1)
      full.socket.close() // closes the underlying socket instead of the PacketSocket
      expect(mappings()).toBe(0)
      expect(thrown(() => full.tryReceive()).code).toBe('EBADF')
    })

    testIf(none, 'detach() returns the descriptor and unmaps the ring', async () => {
      const [ring, send] = [wire.ring({ ring: SMALL }), wire.sender()]
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

    testIf(none, 'workers with rings that are terminated leave no descriptor and no memory', async () => {
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
      const ended = await wire.network.b.run(process.execPath, ['-e', script], { timeout: 60_000 })
      expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' })
      const [before, after] = JSON.parse(ended.stdout) as [[number, number], [number, number]]
      expect(after).toEqual(before)
      expect(after[1]).toBe(0)
    }, 60_000) // prettier-ignore

    testIf(
      none ?? missing.python(),
      'a ring that another process overwrites gives bounded frames and no crash',
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
          const [ring, send] = [wire.ring({ ring: { ...SMALL, timeout: 60_000 } }), wire.sender()]
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

  describe('a kernel that refuses the ring', () => {
    async function received(ring: RingOptions): Promise<object> {
      const [socket, send] = [wire.open('b', { ring }), wire.sender()]
      send('without')
      const frame = await socket.receive({ timeout: 5000 })
      return { ring: socket.ring, text: textOf(frame), statistics: socket.statistics() }
    }
    const without = { ring: false, text: 'without', statistics: { packets: 1, drops: 0 } }

    // The kernel's list of so many blocks exceeds what kmalloc() allows: it fails before it allocates a page.
    testIf(
      none ?? (page === 4096 ? null : 'needs pages of 4 KiB'),
      'if the ring is too large for the kernel, recvmsg is used instead',
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

    testIf(none ?? missing.prlimit(), 'if the ring cannot be mapped, recvmsg is used instead', async () => {
      ensureBuilt()
      const ended = await wire.network.b.run(process.execPath, ['-e', script], { env: { LIMIT: 'yes' } })
      expect(ended).toMatchObject({ code: 0, stderr: '', stdout: printed })
    })

    for (const [what, when, error] of [
      ['without PACKET_VERSION', 1, 'ENOPROTOOPT'],
      ['without TPACKET_V3', 1, 'EINVAL'],
      ['without PACKET_RX_RING', 2, 'EPERM'],
    ] as const) {
      testIf(none ?? missing.strace(), `${what}, recvmsg is used instead`, async () => {
        ensureBuilt()
        const inject = `inject=setsockopt:error=${error}:when=${when}`
        const traced = ['-f', '-o', '/dev/null', '-e', 'trace=setsockopt', '-e', inject, process.execPath]
        expect(await wire.network.b.run('strace', [...traced, '-e', script])).toMatchObject({
          code: 0,
          stdout: printed,
        })
      })
    }
  })

  testIf(none ?? missing.setpriv(), 'without CAP_NET_RAW openPacket fails with EPERM', async () => {
    const script = `try { c.openPacket({ interface: 'lo', ring: true }) } catch (e) { console.log(e.message) }`
    expect((await runNodeAsNobody(script)).stdout).toBe(
      'socket EPERM AF_PACKET SOCK_RAW (needs CAP_NET_RAW: run as root, or setcap cap_net_raw+ep on a copy of node)\n',
    )
  })

  testIf(none, 'the ring functions of the addon fail for a socket without a ring', () => {
    const socket = new Socket(AF_PACKET, SOCK_RAW, 0)
    const { id } = socket.channel
    expect([native.ringNext(id), native.ringTake(id, Buffer.alloc(8))].every(result => result < 0)).toBe(true)
    socket.close()
    expect([native.ringNext(id), native.ringOpen(id, page, 4, page, 1)].every(result => result < 0)).toBe(
      true,
    )
  })
})
