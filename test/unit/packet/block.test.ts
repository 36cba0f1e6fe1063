import { AddressCodec } from '../../../lib/address'
import { BlockDecoder } from '../../../lib/packet/block'
import type { NonSharedBuffer } from '../../../lib/runtime/buffer'
import type { Frame } from '../../../lib/packet/frame'
import { darwin, linux } from '../../helpers/platforms'
import { Random } from '../address/random'
import { interfaces, onDarwin } from '../address/support'

const rows = (name: string, size: number, fields: Record<string, [number, number]>) => ({
  [`sizeof_${name}`]: size,
  ...Object.fromEntries(
    Object.entries(fields).flatMap(([field, [at, width]]) => [
      [`offsetof_${name}_${field}`, at],
      [`sizeof_${name}_${field}`, width],
    ]),
  ),
})
const platform = {
  ...linux,
  constants: {
    ...linux.constants,
    TP_STATUS_VLAN_VALID: 0x10,
    TP_STATUS_VLAN_TPID_VALID: 0x40,
    TPACKET3_HDRLEN: 68,
  },
  layout: {
    ...linux.layout,
    ...rows('tpacket3_hdr', 48, {
      tp_next_offset: [0, 4],
      tp_sec: [4, 4],
      tp_nsec: [8, 4],
      tp_snaplen: [12, 4],
      tp_len: [16, 4],
      tp_status: [20, 4],
      tp_mac: [24, 2],
      hv1_tp_vlan_tci: [32, 4],
      hv1_tp_vlan_tpid: [36, 2],
    }),
    ...rows('tpacket_block_desc', 48, {
      hdr_bh1_num_pkts: [12, 4],
      hdr_bh1_offset_to_first_pkt: [16, 4],
    }),
  },
}
const decoder = BlockDecoder.create(platform, new AddressCodec(platform, interfaces))!

const FIRST = 48
const MAC = 82
const ethernet = Buffer.from('ffffffffffff02000000000188b5', 'hex')

interface Given {
  data?: Buffer
  length?: number
  status?: number
  tci?: number
  tpid?: number
  type?: number
}

/** Returns a block as the kernel lays it out, in host byte order. */
function blockOf(...frames: Given[]): NonSharedBuffer {
  const block = Buffer.alloc(FIRST + frames.length * 256)
  const word = (at: number, value: number): void => void new Uint32Array(block.buffer, at, 1).fill(value)
  const half = (at: number, value: number): void => void new Uint16Array(block.buffer, at, 1).fill(value)
  word(12, frames.length)
  word(16, FIRST)
  frames.forEach(({ data = ethernet, length, status = 1, tci = 0, tpid = 0, type = 0 }, i) => {
    const at = FIRST + i * 256
    word(at, i === frames.length - 1 ? 0 : 256)
    word(at + 4, 1_700_000_000 + i)
    word(at + 8, 999_999_999)
    word(at + 12, data.length)
    word(at + 16, length ?? data.length)
    word(at + 20, status)
    half(at + 24, MAC)
    word(at + 32, tci)
    half(at + 36, tpid)
    half(at + 48, 17) // AF_PACKET
    block.writeUInt16BE(0x88b5, at + 50)
    word(at + 52, 2)
    half(at + 56, 1)
    block.set([type, 6, 2, 0, 0, 0, 0, 1], at + 58)
    data.copy(block, at + MAC)
  })
  return block
}

function decode(block: NonSharedBuffer, cooked = false): Frame[] {
  const cursor = decoder.begin(block)
  const frames: Frame[] = []
  for (;;) {
    const frame = decoder.next(block, cursor, cooked)
    if (frame === null) return frames
    frames.push(frame)
  }
}

test('the frames of a block are decoded in order', () => {
  const frames = decode(blockOf({}, { type: 4, length: 1514 }, { data: Buffer.alloc(0) }))
  expect(frames.map(({ timestamp, data, length, type }) => [timestamp, data.length, length, type])).toEqual([
    [1_700_000_000_999_999_999n, 14, 14, 'host'],
    [1_700_000_001_999_999_999n, 14, 1514, 'outgoing'],
    [1_700_000_002_999_999_999n, 0, 0, 'host'],
  ])
  expect(frames[0]).toMatchObject({ data: ethernet, interface: 2, protocol: 0x88b5 })
  expect(frames[0]).not.toHaveProperty('vlan')
  expect(frames[0]!.address).toMatchObject({ kind: 'packet', hardwareAddress: '02:00:00:00:00:01' })
})

test('a VLAN tag that the kernel removed is restored in its place', () => {
  const [first, second, third] = decode(
    blockOf({ status: 0x51, tci: 0x6005, tpid: 0x88a8 }, { status: 0x11, tci: 5 }, { tci: 5, tpid: 0x8100 }),
  )
  expect(first!.data.toString('hex')).toBe('ffffffffffff02000000000188a8600588b5')
  expect(first).toMatchObject({ length: 18, vlan: { id: 5, priority: 3, tpid: 0x88a8 } })
  expect(second!.vlan).toEqual({ id: 5, priority: 0, tpid: 0x8100 })
  expect(third!.data).toEqual(ethernet)
  const [cooked] = decode(blockOf({ status: 0x51, tci: 5, tpid: 0x8100 }), true)
  expect(cooked).toMatchObject({ data: ethernet, length: 14, vlan: { id: 5 } })
})

test('the data of a frame is a view of the block', () => {
  const block = blockOf({})
  expect(decode(block)[0]!.data.buffer).toBe(block.buffer)
})

test('a truncated block ends before the first incomplete frame', () => {
  const block = blockOf({}, {}, {})
  for (let length = 0; length <= block.length; length++) {
    const whole = [0, 1, 2].filter(i => FIRST + i * 256 + MAC + ethernet.length <= length).length
    expect(decode(block.subarray(0, length))).toHaveLength(whole)
  }
})

test.each<[string, number, number]>([
  ['a frame that begins inside of its header', FIRST + 24, 67],
  ['an address of another family', FIRST + 48, 2],
])('the block ends at %s', (_what, at, value) => {
  const block = blockOf({}, {})
  new Uint16Array(block.buffer, at, 1).fill(value)
  expect(decode(block)).toEqual([])
})

test('a block ends at a frame whose offset to the next frame is invalid', () => {
  for (const step of [1, 67, 0xffffffff]) {
    const block = blockOf({}, {})
    new Uint32Array(block.buffer, FIRST, 1).fill(step)
    expect(decode(block)).toHaveLength(1)
  }
})

test('random bytes decode without an error, and every frame is inside the block', () => {
  const random = new Random(3)
  const valid = blockOf({}, { status: 0x51, tci: 5 }, {}, {})
  const around = Buffer.alloc(4096, 0xee)
  for (let i = 0; i < 20_000; i++) {
    const wild = i % 2 === 0
    const bytes = wild ? Buffer.from(random.bytes(random.below(300))) : Buffer.from(valid)
    if (!wild)
      for (let k = random.below(8); k >= 0; k--) bytes[random.below(bytes.length)] = random.below(256)
    around.set(bytes, 1024)
    const block = around.subarray(1024, 1024 + bytes.length)
    const frames = decode(block)
    expect(frames.length).toBeLessThanOrEqual(block.length / 68)
    for (const { data } of frames) {
      if (data.buffer !== block.buffer) continue // a frame with a restored tag is a copy
      expect(data.byteOffset).toBeGreaterThanOrEqual(block.byteOffset)
      expect(data.byteOffset + data.length).toBeLessThanOrEqual(block.byteOffset + block.length)
    }
  }
})

test('macOS has no block decoder', () => {
  expect(BlockDecoder.create(darwin, onDarwin)).toBeNull()
})
