import { inspect } from 'node:util'
import type { Address, AddressLike } from '../../../lib/address'
import type { Platform } from '../../../lib/platform'
import { Random } from './random'
import { af, both } from './support'

type Generator = (random: Random) => AddressLike

const port = (random: Random): number => random.pick([0, 1, 80, 65535, random.below(65536)])
const device = (random: Random): string | number =>
  random.pick(['lo', 'eth0', 0, 1, 99, random.below(2 ** 31)])
const quad = (random: Random): string => random.bytes(4).join('.')

function ipv6(random: Random): string {
  const groups = Array.from({ length: 8 }, () => random.pick(['0', '0', random.below(65536).toString(16)]))
  return random.pick([
    groups.join(':'),
    '::',
    '::1',
    `::ffff:${quad(random)}`,
    groups.slice(0, 4).join(':') + '::',
  ])
}

function name(random: Random, longest: number): Uint8Array {
  return random.bytes(1 + random.below(longest)).map(byte => byte || 1)
}

/** Every family with generators of valid addresses, named by the kind that decode returns. */
const generators: Record<string, [family: string, generate: Generator]> = {
  inet: [
    'AF_INET',
    r => r.pick<AddressLike>([[quad(r), port(r)], { port: port(r) }, { address: quad(r), port: port(r) }]),
  ],
  inet6: [
    'AF_INET6',
    r => ({ address: ipv6(r), port: port(r), scopeId: r.u32(), flowinfo: r.below(0x100000) }),
  ],
  unix: ['AF_UNIX', r => ({ path: name(r, 103) })],
  abstract: ['AF_UNIX', r => Buffer.concat([Buffer.of(0), r.bytes(r.below(108))])],
  unnamed: ['AF_UNIX', () => ''],
  packet: [
    'AF_PACKET',
    r => ({
      interface: device(r),
      protocol: port(r),
      packetType: r.below(256),
      hardwareType: r.below(65536),
      hardwareAddress: r.bytes(r.below(9)),
    }),
  ],
  netlink: ['AF_NETLINK', r => ({ pid: r.u32(), groups: r.u32() })],
  vsock: ['AF_VSOCK', r => ({ cid: r.u32(), port: r.u32() })],
  can: [
    'AF_CAN',
    r =>
      r.pick<AddressLike>([
        { interface: device(r) },
        { interface: device(r), rxId: r.u32(), txId: r.u32() },
        {
          interface: device(r),
          name: (BigInt(r.u32()) << 32n) | BigInt(r.u32()),
          pgn: r.below(0x40001),
          addr: r.below(256),
        },
      ]),
  ],
  xdp: [
    'AF_XDP',
    r => ({ interface: device(r), queue: r.u32(), flags: r.below(65536), sharedFd: r.below(2 ** 31) }),
  ],
  tipc: [
    'AF_TIPC',
    r =>
      r.pick<AddressLike>([
        { type: r.u32(), lower: r.u32(), upper: r.u32(), scope: r.below(256) - 128 },
        { type: r.u32(), instance: r.u32(), domain: r.u32() },
        { ref: r.u32(), node: r.u32() },
      ]),
  ],
  bluetooth: [
    'AF_BLUETOOTH',
    r => {
      const bdaddr = Array.from(r.bytes(6), byte => byte.toString(16)).join(':')
      return r.pick<AddressLike>([
        { bdaddr },
        { bdaddr, channel: r.below(256) },
        { bdaddr, psm: r.below(65536), cid: r.below(65536), bdaddrType: r.below(3) },
        { device: r.below(65536), channel: r.below(65536) },
      ])
    },
  ],
  alg: [
    'AF_ALG',
    r => ({ type: r.text('abcdefgh', 13), name: r.text('abc()é', 31), feature: r.u32(), mask: r.u32() }),
  ],
}

/** Reads every property of an address. */
function look(address: Address): void {
  const proto = Object.getPrototypeOf(address) as object
  for (const key of Object.keys(Object.getOwnPropertyDescriptors(proto))) {
    expect(() => (address as unknown as Record<string, unknown>)[key]).not.toThrow()
  }
  expect(typeof String(address)).toBe('string')
  expect(JSON.parse(JSON.stringify(address))).toMatchObject({ kind: address.kind })
  expect(inspect(address)).toContain(address.kind)
  expect(address.equals(address)).toBe(true)
}

const seeds = [1, 20, 300]

function kinds(platform: Platform): string[] {
  const skipped = platform.os === 'darwin' ? ['abstract', 'unnamed'] : []
  return Object.keys(generators).filter(
    kind => platform.constants[generators[kind]![0]] !== undefined && !skipped.includes(kind),
  )
}

describe.each(both)('on %s', (_, platform, codec) => {
  test.each(kinds(platform))('an encoded address decodes to the same value: %s', kind => {
    const [familyName, generate] = generators[kind]!
    const family = af(platform, familyName)
    for (const seed of seeds) {
      const random = new Random(seed)
      for (let i = 0; i < 80; i++) {
        const given = generate(random)
        const bytes = codec.encode(given, family)
        const address = codec.decode(bytes)!
        expect([given, address.kind]).toEqual([given, kind])
        expect(address.family).toBe(family)
        expect(address.bytes).toEqual(bytes)
        expect(codec.encode(address, family)).toEqual(bytes)
        expect(address.equals(codec.decode(bytes))).toBe(true)
        if (kind !== 'can') expect(decodedFields(address, given)).toEqual(givenFields(given))
        look(address)
      }
    }
  })

  test.each(seeds)('random bytes decode without an error, seed %i', seed => {
    const random = new Random(seed)
    const families = Object.values(platform.constants)
    for (let i = 0; i < 1_000; i++) {
      const bytes = random.bytes(random.below(130))
      const where = platform.os === 'darwin' ? 1 : 0
      if (bytes.length > 2 && random.below(4) > 0) {
        if (where === 0) bytes[1] = 0
        bytes[where] = random.pick(families)!
      }
      const length = random.pick([bytes.length, random.below(140)])
      const address = codec.decode(bytes, length)
      if (Math.min(length, bytes.length) === 0) {
        expect(address).toBeNull()
        continue
      }
      look(address!)
      const kept = address!.bytes
      expect(kept).toEqual(bytes.slice(0, kept.length))
      expect(kept.length).toBeLessThanOrEqual(Math.min(length, bytes.length))
      const again = codec.decode(codec.encode(address!, address!.family))!
      expect(again.kind).toBe(address!.kind)
      // Bytes of a hardware address beyond the given ones decode as zeros once the struct is padded.
      if (again.kind === 'packet') expect(again.toString()).toContain(address!.toString())
      else expect(again.toString()).toBe(address!.toString())
    }
  })

  test.each(seeds)('every error of encode has a code, seed %i', seed => {
    const random = new Random(seed)
    const odd = [
      undefined,
      null,
      -1,
      0,
      1,
      1.5,
      2 ** 40,
      Number.NaN,
      '',
      'x',
      '::1',
      '1.2.3.4',
      'lo',
      1n,
      true,
      {},
      [],
    ]
    const names = [
      'address',
      'port',
      'scopeId',
      'flowinfo',
      'path',
      'interface',
      'index',
      'protocol',
      'pid',
      'groups',
    ]
    const more = [
      'cid',
      'rxId',
      'name',
      'pgn',
      'queue',
      'type',
      'instance',
      'ref',
      'node',
      'bdaddr',
      'psm',
      'data',
    ]
    const codes = ['ERR_INVALID_ARG_TYPE', 'ERR_OUT_OF_RANGE', 'ERR_INVALID_ADDRESS']
    for (let i = 0; i < 1_500; i++) {
      const fields: Record<string, unknown> = {}
      for (let j = random.below(4); j >= 0; j--) fields[random.pick([...names, ...more])] = random.pick(odd)
      const value = random.pick<unknown>([
        fields,
        fields,
        random.pick(odd),
        [random.pick(odd), random.pick(odd)],
      ])
      try {
        const family = random.pick(Object.values(platform.constants))!
        expect(codec.encode(value as AddressLike, family)).toBeInstanceOf(Uint8Array)
      } catch (error) {
        expect(codes).toContain((error as { code?: string }).code)
      }
    }
  })
})

/** Returns the given numbers and names, without values that have several spellings. */
function givenFields(given: AddressLike): Record<string, unknown> {
  if (typeof given !== 'object' || Array.isArray(given) || given instanceof Uint8Array) return {}
  const spelled = ['address', 'interface', 'hardwareAddress', 'bdaddr', 'path']
  return Object.fromEntries(Object.entries(given).filter(([key]) => !spelled.includes(key)))
}

function decodedFields(address: Address, given: AddressLike): Record<string, unknown> {
  const fields = address as unknown as Record<string, unknown>
  return Object.fromEntries(Object.keys(givenFields(given)).map(key => [key, fields[key]]))
}
