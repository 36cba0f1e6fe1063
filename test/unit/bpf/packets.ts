/*
 * Random packets for filters. Addresses, ports and types come from short lists, which the expressions of
 * expressions.ts use too, so that conditions are often true.
 */

type Below = (n: number) => number

const pick = <T>(below: Below, list: readonly T[]): T => list[below(list.length)]!
const u16 = (...values: number[]): number[] => values.flatMap(value => [(value >> 8) & 0xff, value & 0xff])
const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value & 0xffff)]
const some = (below: Below, length: number): number[] => Array.from({ length }, () => below(256))

const macs = [
  [1, 2, 3, 4, 5, 6],
  [7, 8, 9, 10, 11, 12],
  [255, 255, 255, 255, 255, 255],
  [1, 0, 0x5e, 0, 0, 1],
  [0x33, 0x33, 0, 0, 0, 1],
]
const addresses4 = [
  [10, 0, 0, 1],
  [10, 1, 2, 3],
  [192, 0, 2, 1],
  [192, 0, 2, 200],
  [224, 0, 0, 1],
  [255, 255, 255, 255],
  [0, 0, 0, 0],
]
const addresses6 = [
  '00000000000000000000000000000001',
  'fe800000000000000000000000000001',
  '20010db8000000000000000000000001',
  '20010db8000100020003000400050006',
  'ff020000000000000000000000000001',
].map(each => [...Buffer.from(each, 'hex')])
const ports = [22, 53, 80, 81, 443, 6000, 6004, 6008, 65535, 0]
const protocols4 = [1, 2, 6, 6, 6, 9, 17, 17, 17, 50, 51, 58, 103, 112, 132, 132, 41, 47]
const protocols6 = [0, 6, 6, 6, 17, 17, 17, 43, 44, 44, 50, 51, 58, 58, 60, 103, 132, 132]
const types = [
  0x0800, 0x0806, 0x86dd, 0x8035, 0x8100, 0x8847, 0x8848, 0x8863, 0x809b, 0x80f3, 0x8137, 0x6003, 0x6004,
]
const saps = [0x0606, 0x4242, 0xfefe, 0xe0e0, 0xf0f0, 0xffff, 0xaaaa, 0xe000, 0x2020]

/** Returns the bytes of an Ethernet frame. */
export function frame(below: Below): Buffer {
  const addresses = [...pick(below, macs), ...pick(below, macs)]
  const tags = pick(below, [0, 0, 0, 0, 1, 1, 2, 3])
  const header = Array.from({ length: tags }, () => [
    ...u16(pick(below, [0x8100, 0x8100, 0x88a8, 0x9100]), pick(below, [5, 100, 0x2005, 0xf064, 0xfff, 0])),
  ])
  return damage(below, [...addresses, ...header.flat(), ...payload(below)])
}

/** Returns the bytes of an IP packet, or something else. */
export function packet(below: Below): Buffer {
  return damage(below, network(below).bytes)
}

/** Returns a packet without a link-layer header, and its type. */
export function cooked(below: Below): { type: number; bytes: Buffer } {
  const { type, bytes } =
    below(10) === 0 ? { type: pick(below, [1, 4, ...types]), bytes: llc(below) } : network(below)
  return { type, bytes: damage(below, bytes) }
}

/** Cuts some packets, and changes bits of some. */
function damage(below: Below, bytes: number[]): Buffer {
  const result = Buffer.from([...bytes, ...some(below, pick(below, [0, 0, 4, 40]))])
  if (below(8) === 0) for (let i = 0; i < 3; i++) result[below(result.length)]! ^= 1 << below(8)
  return below(4) === 0 ? result.subarray(0, below(result.length + 1)) : result
}

/** Returns a type and what it announces, as after the addresses of Ethernet. */
function payload(below: Below): number[] {
  switch (below(10)) {
    case 0: {
      const bytes = llc(below)
      return [...u16(below(4) === 0 ? 1500 : bytes.length), ...bytes]
    }
    case 1:
      return [...u16(0x8847), ...labels(below)]
    case 2:
      return [...u16(0x8864), 0x11, 0, ...u16(pick(below, [5, 100, 0]), 40), ...ppp(below)]
    case 3:
      return [...u16(pick(below, types)), ...some(below, 60)]
    default: {
      const { type, bytes } = network(below)
      return [...u16(type), ...bytes]
    }
  }
}

function labels(below: Below): number[] {
  const count = 1 + below(3)
  const stack = Array.from({ length: count }, (_, i) => {
    const bottom = below(10) === 0 ? below(2) : Number(i === count - 1)
    return u32(((pick(below, [5, 100, 1000, 0xfffff]) << 12) | (below(8) << 9) | (bottom << 8) | 64) >>> 0)
  })
  return [...stack.flat(), ...network(below).bytes]
}

function ppp(below: Below): number[] {
  if (below(8) === 0) return [...u16(0x281), ...labels(below)]
  const { type, bytes } = network(below)
  return [
    ...u16(type === 0x0800 ? 0x21 : type === 0x86dd ? 0x57 : pick(below, [0x21, 0x23, 0x29, 0xc021])),
    ...bytes,
  ]
}

function llc(below: Below): number[] {
  const control = pick(below, [0x03, 0x63, 0x43, 0xe3, 0x6f, 0xaf, 0x87, 0x01, 0x05, 0x09, 0x00, 0x7f])
  const sap = pick(below, saps)
  if (sap !== 0xaaaa) {
    const osi = [
      pick(below, [0x81, 0x82, 0x83]),
      27,
      1,
      0,
      pick(below, [15, 16, 17, 18, 20, 24, 25, 26, 27]),
      0,
      0,
    ]
    return [...u16(sap), control, ...osi, ...some(below, 30)]
  }
  const type = pick(below, types)
  return [...u16(sap), 3, ...pick(below, [[0, 0, 0], [8, 0, 7]]), ...u16(type), ...some(below, 40)] // prettier-ignore
}

function network(below: Below): { type: number; bytes: number[] } {
  switch (below(8)) {
    case 0: {
      const hardware = [...u16(1, 0x0800), 6, 4, ...u16(1 + below(4))]
      const sender = [...pick(below, macs), ...pick(below, addresses4)]
      const target = [...pick(below, macs), ...pick(below, addresses4)]
      return { type: pick(below, [0x0806, 0x8035]), bytes: [...hardware, ...sender, ...target] }
    }
    case 1:
    case 2:
    case 3:
      return { type: 0x86dd, bytes: ip6(below) }
    default:
      return { type: 0x0800, bytes: ip4(below) }
  }
}

function ip4(below: Below): number[] {
  const words = pick(below, [5, 5, 5, 5, 6, 8, 15])
  const protocol = pick(below, protocols4)
  const fragment = pick(below, [0, 0, 0, 0x4000, 0x4000, 0x2000, 0x2010, 0x00b9])
  const content = transport(below, protocol)
  const length = 4 * words + content.length
  return [
    0x40 | words,
    below(256),
    ...u16(length, below(65536), fragment),
    ...[pick(below, [1, 64, 255]), protocol, below(256), below(256)],
    ...pick(below, addresses4),
    ...pick(below, addresses4),
    ...some(below, 4 * (words - 5)),
    ...content,
  ]
}

function ip6(below: Below): number[] {
  const next = pick(below, protocols6)
  const headers: number[] = []
  let last = next
  while ([0, 43, 44, 51, 60].includes(last) && headers.length < 60) {
    const after = pick(below, protocols6)
    const more = last === 44 ? 0 : below(2)
    headers.push(after, more, ...some(below, last === 51 ? 4 * more + 6 : 8 * more + 6))
    last = after
  }
  const content = [...headers, ...transport(below, last)]
  return [
    ...u32((0x60000000 | (below(256) << 20) | below(4096)) >>> 0),
    ...u16(content.length),
    ...[next, pick(below, [1, 64, 255])],
    ...pick(below, addresses6),
    ...pick(below, addresses6),
    ...content,
  ]
}

function transport(below: Below, protocol: number): number[] {
  const ends = u16(pick(below, ports), pick(below, ports))
  switch (protocol) {
    case 6: {
      const flags = pick(below, [0x02, 0x12, 0x10, 0x18, 0x11, 0x04, 0x00, 0xff])
      return [...ends, ...some(below, 8), 0x50, flags, ...some(below, 6 + below(40))]
    }
    case 17:
      return [...ends, ...u16(8), ...some(below, 2 + below(20))]
    case 132:
      return [...ends, ...some(below, 8), ...some(below, below(20))]
    case 1:
      return [pick(below, [0, 3, 5, 8, 11]), below(4), ...some(below, 6 + below(30))]
    case 58:
      return [pick(below, [1, 128, 129, 135, 136]), below(4), ...some(below, 6 + below(30))]
    default:
      return some(below, below(40))
  }
}
