import assert from 'node:assert'
import { inspect } from 'node:util'
import * as fc from 'fast-check'
import { inet_aton, inet_ntop, inet_pton } from '../../lib'
import { AF_INET, AF_INET6 } from '../../lib/constants'
import type { Address, AddressLike } from '../../lib/address'
import { formatIPv4, formatIPv6, parseIPv4, parseIPv6 } from '../../lib/address/text'
import { af, both } from '../unit/address/support'
import {
  anyBytes,
  bytesOf,
  decodesAlone,
  holds,
  ipv4,
  orRefused,
  positive32,
  spoiled,
  u16,
  u32,
  u8,
} from './check'

const ipv6 = fc
  .tuple(bytesOf(16), fc.array(fc.nat(15), { maxLength: 14 }))
  .map(([bytes, zeros]) => formatIPv6(zeros.reduce((all, at) => all.fill(0, at & ~1, (at | 1) + 1), bytes)))
const device = fc.constantFrom<string | number>('lo', 'eth0', 'wlan0', 1, 2, 3, 99)
const pathBytes = fc.uint8Array({ minLength: 1, maxLength: 100 }).map(path => path.map(byte => byte || 1))
const word = (most: number): fc.Arbitrary<string> =>
  fc.string({ maxLength: most, unit: fc.constantFrom(...'abcdefgh-()') })
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined })

/** For each kind the family, and generators of values whose fields decode to the same. */
const families: Record<string, readonly [family: string, values: fc.Arbitrary<object | string | Uint8Array>]> = {
  inet: ['AF_INET', fc.record({ address: ipv4, port: u16 })],
  inet6: [
    'AF_INET6',
    fc.record({ address: ipv6, port: u16, scopeId: u32, flowinfo: fc.nat(0xfffff) }),
  ],
  unix: ['AF_UNIX', fc.oneof(pathBytes, pathBytes.map(path => ({ path })))],
  abstract: ['AF_UNIX', fc.uint8Array({ maxLength: 107 }).map(name => Uint8Array.from([0, ...name]))],
  unnamed: ['AF_UNIX', fc.constant('')],
  packet: [
    'AF_PACKET',
    fc.record({ interface: device, protocol: u16, packetType: u8, hardwareType: u16, hardwareAddress: fc.uint8Array({ maxLength: 8 }) }),
  ],
  netlink: ['AF_NETLINK', fc.record({ pid: u32, groups: u32 })],
  vsock: ['AF_VSOCK', fc.record({ cid: u32, port: u32 })],
  can: [
    'AF_CAN',
    fc.oneof(
      fc.record({ interface: device, rxId: u32, txId: u32 }),
      fc.record({ interface: device, name: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), pgn: fc.nat(0x40000), addr: u8 }),
    ),
  ],
  xdp: ['AF_XDP', fc.record({ interface: device, queue: u32, flags: u16, sharedFd: positive32 })],
  tipc: [
    'AF_TIPC',
    fc.oneof(
      fc.record({ type: u32, lower: u32, upper: u32, scope: fc.integer({ min: -128, max: 127 }) }),
      fc.record({ type: u32, instance: u32, domain: u32 }),
      fc.record({ ref: u32, node: u32 }),
    ),
  ],
  bluetooth: [
    'AF_BLUETOOTH',
    fc
      .tuple(bytesOf(6).map(bytes => [...bytes].map(byte => byte.toString(16)).join(':')), u8, u16, u16, fc.nat(2))
      .chain(([bdaddr, channel, psm, cid, bdaddrType]) =>
        fc.constantFrom({ bdaddr }, { bdaddr, channel }, { bdaddr, psm, cid, bdaddrType }, { device: cid, channel: psm }),
      ),
  ],
  alg: ['AF_ALG', fc.record({ type: word(13), name: word(63), feature: u32, mask: u32 })],
} // prettier-ignore

/** Reads every property of an address. None may throw. */
function told(address: Address | null): unknown {
  if (address === null) return null
  const proto = Object.getPrototypeOf(address) as object
  const fields = Object.keys(Object.getOwnPropertyDescriptors(proto))
  for (const field of fields) Reflect.get(address, field)
  assert.ok(inspect(address).includes(address.kind))
  assert.ok(address.equals(address))
  return {
    kind: address.kind,
    family: address.family,
    bytes: address.bytes,
    text: String(address),
    json: JSON.stringify(address),
  }
}

/** Fields that have several spellings. */
const spelled = ['address', 'interface', 'hardwareAddress', 'bdaddr', 'path']

describe.each(both)('on %s', (_, platform, codec) => {
  const kinds = Object.entries(families).filter(
    ([kind, [family]]) =>
      platform.constants[family] !== undefined &&
      !(platform.os === 'darwin' && (kind === 'abstract' || kind === 'unnamed')),
  )

  test.each(kinds)('an encoded address decodes to the same value: %s', (kind, [name, values]) => {
    const family = af(platform, name)
    holds(values, value => {
      const bytes = codec.encode(value as AddressLike, family)
      const address = codec.decode(bytes)!
      expect(address.kind).toBe(kind)
      expect(address.bytes).toEqual(bytes)
      expect(codec.encode(address, family)).toEqual(bytes)
      if (typeof value === 'string' || value instanceof Uint8Array) return
      for (const [field, given] of Object.entries(value) as [string, unknown][]) {
        if (spelled.includes(field)) continue
        expect([field, (address as unknown as Record<string, unknown>)[field]]).toEqual([field, given])
      }
      const json = JSON.parse(JSON.stringify(address)) as Record<string, unknown>
      if (kind === 'inet' || kind === 'inet6')
        expect(json['address']).toBe((value as { address: string }).address)
      // The JSON of an address encodes to the same bytes, except for fields that JSON cannot represent.
      if (!['can', 'unix'].includes(kind)) {
        expect(codec.encode(json as unknown as AddressLike, family)).toEqual(bytes)
      }
    })
  })

  test.each(kinds)('damaged bytes decode without reading beyond them: %s', (_kind, [name, values]) => {
    const family = af(platform, name)
    const valid = values.map(value => codec.encode(value as AddressLike, family))
    holds(spoiled(valid), bytes => {
      decodesAlone(bytes, each => told(codec.decode(each)))
    })
  })

  test('random bytes of any family decode without reading beyond them, and encode to an address of the same kind', () => {
    const lengths = optional(fc.nat(200))
    const any = fc.tuple(
      fc.constantFrom(...(Object.values(platform.constants) as number[])),
      anyBytes,
      lengths,
    )
    holds(any, ([family, rest, length]) => {
      const head =
        platform.os === 'darwin' ? [rest.length, family] : [...new Uint8Array(Uint16Array.of(family).buffer)]
      const bytes = Uint8Array.from([...head, ...rest.slice(0, 126)])
      decodesAlone(bytes, each => told(codec.decode(each, length ?? each.length)))
      const address = codec.decode(bytes, length ?? bytes.length)
      if (address === null) return
      const again = codec.decode(codec.encode(address, address.family))!
      expect(again.kind).toBe(address.kind)
    })
  })

  test('every error of encode has a code', () => {
    const keys = fc.constantFrom(
      'address', 'port', 'path', 'interface', 'pid', 'groups', 'cid', 'rxId', 'name', 'pgn', 'queue', 'type', 'lower',
      'instance', 'ref', 'node', 'bdaddr', 'psm', 'device', 'channel', 'family', 'data', 'scopeId', 'hardwareAddress',
    ) // prettier-ignore
    const odd = fc.oneof(
      fc.anything({ withBigInt: true, withTypedArray: true, withNullPrototype: true }),
      fc.ipV4(),
      fc.ipV6(),
      u32,
    )
    const shapes = fc.oneof(fc.dictionary(keys, odd, { maxKeys: 5 }), odd, fc.tuple(odd, odd))
    const given = fc.tuple(shapes, fc.constantFrom(...(Object.values(platform.constants) as number[])))
    holds(given, ([value, family]) => {
      const bytes = orRefused(() => codec.encode(value as AddressLike, family))
      if (bytes !== undefined) told(codec.decode(bytes))
    })
  })
})

describe('IP addresses as text', () => {
  test('only IPv4 text parses, and it prints the same', () => {
    holds(ipv4, text => expect(formatIPv4(inet_pton(AF_INET, text))).toBe(text))
    holds(fc.string({ unit: fc.constantFrom(...'0123456789..x'), maxLength: 18 }), text => {
      const number = parseIPv4(text)
      if (number >= 0) expect(inet_ntop(AF_INET, inet_pton(AF_INET, text))).toBe(text)
      orRefused(() => inet_aton(text))
    })
  })

  test('IPv6 text prints the same, and other text that parses prints as an equal address', () => {
    holds(bytesOf(16), bytes => expect(inet_pton(AF_INET6, inet_ntop(AF_INET6, bytes))).toEqual(bytes))
    holds(ipv6, text => expect(formatIPv6(parseIPv6(text)!)).toBe(text))
    holds(fc.string({ unit: fc.constantFrom(...'0123abcf::::.'), maxLength: 46 }), text => {
      const bytes = parseIPv6(text)
      if (bytes !== null) expect(parseIPv6(formatIPv6(bytes))).toEqual(bytes)
    })
  })
})
