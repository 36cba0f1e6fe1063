import * as fc from 'fast-check'
import { AF_INET, AF_UNIX, MessageBatch, Socket, SOCK_DGRAM, checksum, constants } from '../../lib'
import { ADDRESS_SIZE } from '../../lib/binding/shared'
import { addresses, platform } from '../../lib/host'
import { BlockDecoder, type Cursor } from '../../lib/packet/block'
import { AuxdataCodec, restore, vlanOf, type Frame } from '../../lib/packet/frame'
import type { NonSharedBuffer } from '../../lib/runtime/buffer'
import { testIf } from '../helpers/need'
import { anyBytes, decodesAlone, detached, holds, i32, positive32, spoiled, u16, u32 } from './check'

const noRing = process.platform === 'linux' ? null : 'packet rings are of Linux'
const { layout } = platform

describe('frames of a ring', () => {
  const decoder = BlockDecoder.create(platform, addresses)
  const head = constants.TPACKET3_HDRLEN ?? 0
  const first = layout['sizeof_tpacket_block_desc'] ?? 0
  const place = (field: string): number => layout[`offsetof_tpacket3_hdr_${field}`]!
  const frame = fc.record({
    data: fc.uint8Array({ maxLength: 80 }), snaplen: u16, seconds: u32, nanoseconds: u32, tag: fc.option(u16), index: positive32, protocol: u16,
  }) // prettier-ignore
  type Given = typeof frame extends fc.Arbitrary<infer T> ? T : never

  /** Returns a block as the kernel lays it out. */
  function blockOf(frames: readonly Given[]): NonSharedBuffer {
    const step = (head + 80 + 7) & ~7
    const block = Buffer.alloc(first + frames.length * step)
    const word = (at: number, value: number): void =>
      block.set(new Uint8Array(Uint32Array.of(value).buffer), at)
    const half = (at: number, value: number): void =>
      block.set(new Uint8Array(Uint16Array.of(value).buffer), at)
    word(layout['offsetof_tpacket_block_desc_hdr_bh1_num_pkts']!, frames.length)
    word(layout['offsetof_tpacket_block_desc_hdr_bh1_offset_to_first_pkt']!, first)
    frames.forEach(({ data, seconds, nanoseconds, tag, index, protocol }, i) => {
      const at = first + i * step
      word(at + place('tp_next_offset'), i === frames.length - 1 ? 0 : step)
      word(at + place('tp_sec'), seconds)
      word(at + place('tp_nsec'), nanoseconds)
      word(at + place('tp_snaplen'), data.length)
      word(at + place('tp_len'), data.length)
      word(at + place('tp_status'), tag === null ? 1 : 1 | constants.TP_STATUS_VLAN_VALID!)
      half(at + place('tp_mac'), head)
      word(at + place('hv1_tp_vlan_tci'), tag ?? 0)
      const address = addresses.encode({ interface: index, protocol }, constants.AF_PACKET!)
      block.set(address, at + head - layout['sizeof_sockaddr_ll']!)
      block.set(data, at + head)
    })
    return block
  }

  function framesOf(bytes: Buffer, cooked: boolean): Frame[] {
    const block = bytes as NonSharedBuffer
    const frames: Frame[] = []
    const cursor: Cursor = decoder!.begin(block)
    for (
      let next = decoder!.next(block, cursor, cooked);
      next !== null;
      next = decoder!.next(block, cursor, cooked)
    ) {
      frames.push({ ...next, data: Buffer.from(next.data) })
    }
    return frames
  }

  testIf(noRing, 'a block decodes to the frames in it', () => {
    holds(fc.array(frame, { maxLength: 6 }), given => {
      const frames = framesOf(blockOf(given), false)
      expect(frames).toHaveLength(given.length)
      frames.forEach((each, i) => {
        const { data, seconds, nanoseconds, tag, index, protocol } = given[i]!
        expect(each.timestamp).toBe(BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds))
        expect(each).toMatchObject({ interface: index, protocol })
        if (tag === null) expect(new Uint8Array(each.data)).toEqual(data)
        else expect(each.vlan).toMatchObject({ id: tag & 0xfff, priority: tag >> 13 })
      })
    })
  })

  testIf(noRing, 'a damaged block ends and gives no bytes from outside', () => {
    const valid = fc.array(frame, { maxLength: 6 }).map(blockOf)
    holds(fc.tuple(fc.oneof(spoiled(valid), anyBytes), fc.boolean()), ([bytes, cooked]) => {
      const frames = decodesAlone(bytes, block => framesOf(block, cooked))
      for (const each of frames) expect(each.data.length).toBeLessThanOrEqual(bytes.length + 4)
    })
  })

  testIf(noRing, 'PACKET_AUXDATA of any length decodes without reading beyond it', () => {
    const codec = AuxdataCodec.create(platform)!
    holds(fc.tuple(anyBytes, anyBytes, fc.boolean()), ([bytes, data, cooked]) => {
      const aux = decodesAlone(bytes, each => codec.decode(each))
      const whole = restore(data, aux?.tag ?? null, cooked)
      expect([data.length, data.length + 4]).toContain(whole.length)
      vlanOf(whole, aux?.tag ?? null, cooked)
    })
  })
})

describe('MessageBatch', () => {
  const shape = fc.record({
    count: fc.integer({ min: 1, max: 6 }),
    size: fc.nat(64),
    controlSize: fc.constantFrom(0, 64, 100),
  })
  const message = fc.record({
    at: fc.nat(5),
    data: fc.uint8Array({ maxLength: 64 }),
    fd: fc.option(positive32),
    port: u16,
  })

  test('each place of a batch holds the message that was set last', () => {
    holds(fc.tuple(shape, fc.array(message, { maxLength: 12 })), ([given, messages]) => {
      const batch = new MessageBatch(given)
      const last = new Map<number, (typeof messages)[number]>()
      for (const each of messages) {
        if (each.at >= given.count || each.data.length > given.size) continue
        const address = addresses.encode(['10.0.0.1', each.port], AF_INET)
        const control = each.fd === null || batch.controlSize === 0 ? [] : [{ level: 1, type: each.fd, data: Buffer.from('x') }]
        batch.set(each.at, each.data, addresses.decode(address), control)
        last.set(each.at, { ...each, fd: control.length > 0 ? each.fd : null })
      }
      expect(batch.length).toBe(Math.max(0, ...[...last.keys()].map(at => at + 1)))
      for (const [at, { data, fd, port }] of last) {
        expect(new Uint8Array(batch.data(at))).toEqual(data)
        expect(batch.address(at)).toMatchObject({ address: '10.0.0.1', port })
        expect(batch.control(at).map(each => each.type)).toEqual(fd === null ? [] : [fd])
      }
    })
  }) // prettier-ignore

  test('lengths that a program wrote into a batch never reach beyond its memory', () => {
    const integers = fc.array(fc.oneof(i32, fc.integer({ min: -2, max: 80 })), {
      minLength: 24,
      maxLength: 24,
    })
    const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
    try {
      holds(fc.tuple(shape, integers), ([given, fields]) => {
        const batch = new MessageBatch(given)
        batch.slab.fields.set(fields.slice(0, batch.slab.fields.length))
        batch.slab.names!.fill(0) // AF_UNSPEC
        batch.received(given.count)
        for (let i = 0; i < given.count; i++) {
          expect(batch.data(i).length).toBeLessThanOrEqual(batch.slab.data.length)
          batch.meta(i)
          expect(batch.address(i)?.bytes.length ?? 0).toBeLessThanOrEqual(ADDRESS_SIZE)
        }
        try {
          a.trySendmmsg(batch)
        } catch (error) {
          expect((error as { syscall?: string }).syscall).toBe('sendmmsg')
        }
        while (b.tryRecv(100) !== null);
      })
    } finally {
      a.close()
      b.close()
    }
  })

  test('detached memory is set as an empty message', () => {
    const batch = new MessageBatch({ count: 1, size: 16 })
    batch.set(0, Buffer.from('before')).set(0, detached(16))
    expect(batch.bytes(0)).toBe(0)
  })
})

test('a checksum appended to its bytes gives a checksum of 0, wherever the bytes are cut', () => {
  holds(fc.tuple(anyBytes, fc.nat(700)), ([bytes, at]) => {
    const sum = checksum(bytes)
    expect(checksum(bytes.subarray(0, at), bytes.subarray(at))).toBe(sum)
    const even = bytes.length % 2 === 0 ? bytes : Uint8Array.from([...bytes, 0])
    expect(checksum(even, Uint8Array.of(sum >> 8, sum & 0xff))).toBe(0)
  })
})
