import * as fc from 'fast-check'
import { options } from '../../lib'
import { hostContext as here } from '../../lib/options/context'
import * as codecs from '../../lib/options/codec'
import type { Codec, CodecContext } from '../../lib/options/codec'
import { darwin, linux } from '../unit/options/platforms'
import {
  anyBytes,
  bytesOf,
  decodesAlone,
  detached,
  holds,
  i32,
  ipv4,
  orRefused,
  positive32,
  spoiled,
  u16,
  u32,
  u64,
  u8,
} from './check'

type Any = Codec<unknown, never>

const ipv6 = bytesOf(16).map(bytes => {
  const groups = [...bytes].map(byte => byte.toString(16).padStart(2, '0'))
  return groups.join('').replace(/.{4}(?=.)/g, '$&:')
})
/** The shortened form, which decode returns. */
const printed = ipv6.map(
  text =>
    codecs.ipv6PacketInfo.decode(linux, codecs.ipv6PacketInfo.encode(linux, { address: text }, 'x')).address,
)
const host = fc.oneof(
  ipv4,
  printed.filter(text => !text.includes('.')),
)
const at = { interface: positive32 }
const word = fc.string({ maxLength: 5 }).filter(text => !text.includes('\0'))
const mode = fc.constantFrom('include' as const, 'exclude' as const)
const types = (count: number) =>
  fc.uniqueArray(fc.nat(count - 1)).map(pass => {
    const sorted = [...pass].sort((a, b) => a - b)
    return { pass: sorted, block: Array.from({ length: count }, (_, i) => i).filter(i => !pass.includes(i)) }
  })
const struct = (fields: string, of: fc.Arbitrary<unknown>) =>
  fc.record(Object.fromEntries(fields.split(' ').map(name => [name, of])))
const seconds = fc.nat(2_000_000).map(n => n * 1000)
const fractions = fc.nat(4_000_000).map(n => n / 8) // eighths are exact in binary

/** Every codec that encodes and decodes, with generators of values that decode to the same. */
const both: Record<string, readonly [codec: unknown, values: fc.Arbitrary<unknown>, systems?: readonly CodecContext[]]> = {
  bool: [codecs.bool, fc.boolean()],
  int: [codecs.int, i32],
  uint32: [codecs.uint32, u32],
  uint8: [codecs.uint8, u8],
  intOrByte: [codecs.intOrByte, u8],
  boolOrByte: [codecs.boolOrByte, fc.boolean()],
  uint64: [codecs.uint64, u64],
  portRange: [codecs.portRange, fc.record({ low: u16, high: u16 })],
  timeval: [codecs.timeval, fc.oneof(seconds, fractions)],
  timeval64: [codecs.timeval64, fc.oneof(seconds, fractions)],
  linger: [codecs.linger, fc.record({ on: fc.boolean(), seconds: positive32 })],
  text: [codecs.text(16), word],
  bytes: [codecs.bytes(8), fc.nat(8).chain(bytesOf)],
  uint32List: [codecs.uint32List, fc.array(u32)],
  ucred: [codecs.ucred, fc.record({ pid: i32, uid: u32, gid: u32 }), [linux]],
  timestamping: [codecs.timestamping, fc.record({ flags: u32, bindPhc: positive32 })],
  txtime: [codecs.txtime, fc.record({ clockid: i32, flags: u32 }), [linux]],
  meminfo: [codecs.meminfo, struct('rmem_alloc rcvbuf wmem_alloc sndbuf fwd_alloc wmem_queued optmem backlog drops', u32)],
  dmabufTokens: [codecs.dmabufTokens, fc.array(struct('token_start token_count', u32))],
  filter: [codecs.filter, fc.array(fc.record({ code: u16, jt: u8, jf: u8, k: u32 }), { minLength: 1 })],
  filterOrDescriptor: [codecs.filterOrDescriptor, positive32],
  descriptor: [codecs.descriptor, positive32],
  interfaceIndex: [codecs.interfaceIndex, positive32],
  interfaceIndexBE: [codecs.interfaceIndexBE, positive32],
  inAddr: [codecs.inAddr, ipv4],
  ipMembership: [codecs.ipMembership, fc.record({ group: ipv4, interface: fc.oneof(positive32, ipv4) })],
  multicastInterface: [codecs.multicastInterface, ipv4],
  ipSourceMembership: [codecs.ipSourceMembership, fc.record({ group: ipv4, source: ipv4, interface: ipv4 })],
  ipv6Membership: [codecs.ipv6Membership, fc.record({ group: printed, ...at })],
  groupMembership: [codecs.groupMembership, fc.record({ group: host, ...at })],
  groupSourceMembership: [codecs.groupSourceMembership, fc.record({ group: host, source: host, ...at })],
  ipSourceFilter: [codecs.ipSourceFilter, fc.record({ group: ipv4, interface: ipv4, mode, sources: fc.array(ipv4) }), [linux]],
  groupSourceFilter: [codecs.groupSourceFilter, fc.record({ group: host, ...at, mode, sources: fc.array(host) }), [linux]],
  ipv6PacketInfo: [codecs.ipv6PacketInfo, fc.record({ address: printed, ...at })],
  flowLabel: [
    codecs.flowLabel,
    fc.record({ flr_dst: printed, flr_label: fc.nat(0xfffff), flr_action: u8, flr_share: u8, flr_flags: u16, flr_expires: u16, flr_linger: u16 }),
    [linux],
  ],
  icmpFilter: [codecs.icmpFilter, types(32)],
  icmp6Filter: [codecs.icmp6Filter, types(256)],
  repairOptions: [codecs.repairOptions, fc.array(struct('opt_code opt_val', u32)), [linux]],
  repairWindow: [codecs.repairWindow, struct('snd_wl1 snd_wnd max_window rcv_wnd rcv_wup', u32), [linux]],
  tlsCryptoInfo: [
    codecs.tlsCryptoInfo,
    fc.constantFrom([51, 8, 16, 4], [52, 8, 32, 4], [54, 12, 32, 0]).chain(([cipher_type, iv, key, salt]) =>
      fc.record({ version: u16, cipher_type: fc.constant(cipher_type), iv: bytesOf(iv), key: bytesOf(key), salt: bytesOf(salt), rec_seq: bytesOf(8) }),
    ),
    [linux],
  ],
  packetMreq: [codecs.packetMreq, fc.record({ mr_ifindex: i32, mr_type: u16, mr_alen: u16, mr_address: bytesOf(8) }), [linux]],
  fanout: [codecs.fanout, fc.record({ id: u16, type: u8, flags: u8.map(n => n << 8) })],
  packetStatistics: [codecs.packetStatistics, struct('tp_packets tp_drops tp_freeze_q_cnt', u32), [linux]],
  rolloverStatistics: [codecs.rolloverStatistics, struct('tp_all tp_huge tp_failed', u64), [linux]],
  umemReg: [codecs.umemReg, fc.record({ addr: u64, len: u64, chunk_size: u32, headroom: u32, flags: u32 }), [linux]],
  xdpStatistics: [
    codecs.xdpStatistics,
    struct('rx_dropped rx_invalid_descs tx_invalid_descs rx_ring_full rx_fill_ring_empty_descs tx_ring_empty_descs', u64),
    [linux],
  ],
  headerLength: [codecs.headerLength, i32, [linux]],
} // prettier-ignore

/** Codecs that only encode or only decode. */
const oneWay = [
  'longText', 'bitNumbers', 'xucred', 'sockaddr', 'ipv6MtuInfo', 'tcpInfo', 'tcpConnectionInfo', 'mptcpInfo',
  'mptcpTcpInfo', 'mptcpAddresses', 'mptcpFullInfo', 'xdpOffsets', 'zeroCopyReceive', 'md5Key', 'md5KeyExtended',
  'packetRing',
] // prettier-ignore

const isCodec = (value: unknown): value is Any =>
  typeof value === 'object' && value !== null && 'encode' in value && 'decode' in value
const exported = Object.entries(codecs as Record<string, unknown>).filter((each): each is [string, Any] =>
  isCodec(each[1]),
)
const all = [...exported, ['text', both['text']![0] as Any], ['bytes', both['bytes']![0] as Any]] as [
  string,
  Any,
][]

test('every exported codec is in a table of this test', () => {
  const known = [...Object.keys(both), ...oneWay]
  expect(exported.map(([name]) => name).filter(name => !known.includes(name))).toEqual([])
})

describe.each([linux, darwin])('on $os', platform => {
  const writers = Object.entries(both).filter(([, [, , systems]]) => systems?.includes(platform) ?? true)

  test.each(writers)('%s: an encoded value decodes to the same value', (_name, [codec, values]) => {
    const { encode, decode } = codec as Any
    holds(values, value => {
      expect(decode(platform, encode(platform, value as never, 'value'))).toEqual(value)
    })
  })

  test.each(writers)('%s: damaged bytes decode without reading beyond them', (_name, [codec, values]) => {
    const { encode, decode } = codec as Any
    const valid = values.map(value => encode(platform, value as never, 'value'))
    holds(spoiled(valid), bytes => void decodesAlone(bytes, each => decode(platform, each)))
  })

  test.each(all)('%s: random bytes decode without reading beyond them', (_name, { decode }) => {
    holds(anyBytes, bytes => void decodesAlone(bytes, each => decode(platform, each)))
  })

  // Microseconds are not exact in milliseconds.
  const inexact = ['timeval', 'timeval64', ...oneWay]
  const decoded = writers.filter(([name]) => !inexact.includes(name))
  test.each(decoded)(
    '%s: a decoded value encodes to bytes that decode to the same value',
    (_name, [codec]) => {
      const { encode, decode } = codec as Any
      holds(anyBytes, bytes => {
        const value = decode(platform, bytes)
        const again = orRefused(() => encode(platform, value as never, 'value'))
        if (again === undefined) return
        const twice = decode(platform, again)
        // Fields that a shorter struct lacked are added as 0.
        if (typeof value === 'object' && !Array.isArray(value)) expect(twice).toMatchObject(value as object)
        else expect(twice).toEqual(value)
      })
    },
  )

  test.each(writers)('%s: every error of encode has a code', (_name, [codec, values]) => {
    const gone = 'memory that was given away'
    const odd = fc.oneof(fc.anything({ withBigInt: true, withTypedArray: true }), fc.constant(gone), u32)
    const broken = fc.tuple(values, fc.nat(12), odd).map(([value, place, other]) => {
      if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return other
      const keys = Object.keys(value)
      return keys.length === 0 ? other : { ...value, [keys[place % keys.length]!]: other }
    })
    const revive = (value: unknown): unknown => {
      if (value === gone) return detached(8)
      if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
        return value
      return Object.fromEntries(
        Object.entries(value).map(([key, each]) => [key, each === gone ? detached(8) : each]),
      )
    }
    holds(fc.oneof(odd, broken), value => {
      orRefused(() => (codec as Any).encode(platform, revive(value) as never, 'SO_X'))
    })
  })
})

const readable = Object.values(options).filter(({ access }) => access !== ('set' as string))
test(`each of the ${Object.keys(options).length} options decodes any answer of this system's kernel`, () => {
  expect(readable.length).toBeGreaterThan(200)
  const each = fc.tuple(fc.constantFrom(...readable), anyBytes)
  for (let i = 0; i < 10; i++) {
    holds(each, ([option, bytes]) => void decodesAlone(bytes, answer => option.codec.decode(here, answer)))
  }
})
