import * as codecs from '../../../lib/options/codec'
import type { Codec, CodecContext } from '../../../lib/options/codec'
import { darwin, linux } from './platforms'

type Any = Codec<unknown, never>
type Samples = [name: string, codec: Any, values: unknown[], platforms?: CodecContext[]]

const host = { interface: 3 }
const buffer = (size: number, fill = 1): Buffer => Buffer.alloc(size, fill)
const onlyLinux = [linux]

/** Values that decode to what was encoded. */
const samples: Samples[] = [
  ['bool', codecs.bool, [true, false]],
  ['int', codecs.int, [0, 1, -1, 0x7fffffff, -0x80000000]],
  ['uint32', codecs.uint32, [0, 0xffffffff]],
  ['uint8', codecs.uint8, [0, 255]],
  ['intOrByte', codecs.intOrByte, [0, 1, 255]],
  ['boolOrByte', codecs.boolOrByte, [true, false]],
  ['uint64', codecs.uint64, [0n, 2n ** 64n - 1n]],
  ['portRange', codecs.portRange, [{ low: 1, high: 65535 }, { low: 0, high: 0 }]],
  ['timeval', codecs.timeval, [0, 1, 1500, 0.001, 1.001, 123456789.125]],
  ['timeval64', codecs.timeval64, [0, 1500]],
  ['linger', codecs.linger, [{ on: true, seconds: 0 }, { on: false, seconds: 7 }]],
  ['text', codecs.text(16), ['', 'bbr', 'fifteen bytes !', 'größe']],
  ['bytes', codecs.bytes(8), [buffer(0), buffer(8)]],
  ['uint32List', codecs.uint32List, [[], [1, 0xffffffff]]],
  ['ucred', codecs.ucred, [{ pid: -1, uid: 0xffffffff, gid: 5 }], onlyLinux],
  ['timestamping', codecs.timestamping, [{ flags: 0x80000001, bindPhc: 3 }]],
  ['txtime', codecs.txtime, [{ clockid: 11, flags: 2 }], onlyLinux],
  ['meminfo', codecs.meminfo, [{ rmem_alloc: 1, rcvbuf: 2, wmem_alloc: 3, sndbuf: 4, fwd_alloc: 5, wmem_queued: 6, optmem: 7, backlog: 8, drops: 9 }]],
  ['dmabufTokens', codecs.dmabufTokens, [[{ token_start: 1, token_count: 2 }, { token_start: 3, token_count: 4 }]]],
  ['filter', codecs.filter, [[{ code: 0x28, jt: 1, jf: 2, k: 0xffffffff }, { code: 6, jt: 0, jf: 0, k: 0 }]]],
  ['filterOrDescriptor', codecs.filterOrDescriptor, [17]],
  ['descriptor', codecs.descriptor, [0, 17]],
  ['interfaceIndex', codecs.interfaceIndex, [0, 3]],
  ['interfaceIndexBE', codecs.interfaceIndexBE, [0, 3]],
  ['inAddr', codecs.inAddr, ['0.0.0.0', '224.1.2.3']],
  ['ipMembership', codecs.ipMembership, [{ group: '239.0.0.1', interface: 3 }, { group: '239.0.0.1', interface: '10.0.0.1' }]],
  ['multicastInterface', codecs.multicastInterface, ['10.0.0.1']],
  ['ipSourceMembership', codecs.ipSourceMembership, [{ group: '239.0.0.1', source: '10.0.0.2', interface: '10.0.0.1' }]],
  ['ipv6Membership', codecs.ipv6Membership, [{ group: 'ff02::1', ...host }]],
  ['groupMembership', codecs.groupMembership, [{ group: 'ff02::1', ...host }, { group: '239.0.0.1', ...host }]],
  ['groupSourceMembership', codecs.groupSourceMembership, [{ group: '239.0.0.1', source: '10.0.0.2', ...host }, { group: 'ff3e::1', source: '2001:db8::1', ...host }]],
  ['ipSourceFilter', codecs.ipSourceFilter, [{ group: '239.0.0.1', interface: '10.0.0.1', mode: 'include', sources: ['10.0.0.2', '10.0.0.3'] }], onlyLinux],
  ['groupSourceFilter', codecs.groupSourceFilter, [{ group: 'ff3e::1', ...host, mode: 'exclude', sources: [] }, { group: '239.0.0.1', ...host, mode: 'include', sources: ['10.0.0.2'] }], onlyLinux],
  ['ipv6PacketInfo', codecs.ipv6PacketInfo, [{ address: '::1', ...host }]],
  ['flowLabel', codecs.flowLabel, [{ flr_dst: '2001:db8::1', flr_label: 0x12345, flr_action: 1, flr_share: 255, flr_flags: 3, flr_expires: 5, flr_linger: 6 }], onlyLinux],
  ['repairOptions', codecs.repairOptions, [[{ opt_code: 2, opt_val: 1460 }]], onlyLinux],
  ['repairWindow', codecs.repairWindow, [{ snd_wl1: 1, snd_wnd: 2, max_window: 3, rcv_wnd: 4, rcv_wup: 5 }], onlyLinux],
  ['tlsCryptoInfo', codecs.tlsCryptoInfo, [
    { version: 0x303, cipher_type: 51, iv: buffer(8, 2), key: buffer(16, 3), salt: buffer(4, 4), rec_seq: buffer(8, 5) },
    { version: 0x304, cipher_type: 54, iv: buffer(12, 2), key: buffer(32, 3), salt: buffer(0), rec_seq: buffer(8, 5) },
  ], onlyLinux],
  ['packetMreq', codecs.packetMreq, [{ mr_ifindex: 2, mr_type: 1, mr_alen: 6, mr_address: buffer(8) }], onlyLinux],
  ['fanout', codecs.fanout, [{ id: 65535, type: 7, flags: 0x7000 }]],
  ['packetStatistics', codecs.packetStatistics, [{ tp_packets: 1, tp_drops: 2, tp_freeze_q_cnt: 3 }], onlyLinux],
  ['rolloverStatistics', codecs.rolloverStatistics, [{ tp_all: 1n, tp_huge: 2n, tp_failed: 3n }], onlyLinux],
  ['umemReg', codecs.umemReg, [{ addr: 2n ** 63n, len: 4096n, chunk_size: 2048, headroom: 0, flags: 1 }], onlyLinux],
  ['headerLength', codecs.headerLength, [2], onlyLinux],
] // prettier-ignore

/** Codecs that only read, or whose values cannot be compared, for the random bytes. */
const readers: [string, Any][] = [
  ['longText', codecs.longText], ['bitNumbers', codecs.bitNumbers], ['xucred', codecs.xucred],
  ['sockaddr', codecs.sockaddr], ['ipv6MtuInfo', codecs.ipv6MtuInfo], ['icmpFilter', codecs.icmpFilter],
  ['icmp6Filter', codecs.icmp6Filter], ['tcpInfo', codecs.tcpInfo], ['mptcpInfo', codecs.mptcpInfo],
  ['tcpConnectionInfo', codecs.tcpConnectionInfo], ['mptcpTcpInfo', codecs.mptcpTcpInfo],
  ['mptcpAddresses', codecs.mptcpAddresses], ['mptcpFullInfo', codecs.mptcpFullInfo], ['xdpOffsets', codecs.xdpOffsets],
  ['xdpStatistics', codecs.xdpStatistics], ['zeroCopyReceive', codecs.zeroCopyReceive], ['md5Key', codecs.md5Key],
  ['packetRing', codecs.packetRing],
] // prettier-ignore

const sizeOf = (codec: Any, platform: CodecContext): number | undefined =>
  typeof codec.size === 'function' ? codec.size(platform) : codec.size

describe.each([linux, darwin])('on $os', platform => {
  const here = samples.filter(([, , , platforms]) => platforms?.includes(platform) ?? true)

  test.each(here)('%s decodes to the encoded value', (_name, codec, values) => {
    for (const value of values) {
      const bytes = codec.encode(platform, value as never, 'value')
      expect(codec.decode(platform, bytes)).toEqual(value)
    }
  })

  const all: [string, Any][] = [...samples.map(([name, codec]): [string, Any] => [name, codec]), ...readers]

  test.each(all)('%s decodes random bytes of any length without an error', (_name, codec) => {
    let seed = 20261121
    const random = (): number => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 16
    for (let i = 0; i < 200; i++) {
      const bytes = Uint8Array.from({ length: i < 40 ? i : random() % 600 }, () => random() & 0xff)
      expect(() => codec.decode(platform, bytes)).not.toThrow()
    }
  })

  test.each(all)('%s refuses a value of a wrong type by name', (name, codec) => {
    // This codec only reads and encodes nothing.
    if (codec.encode.length === 0) return
    if (
      sizeOf(codec, platform) === undefined ||
      (platform === darwin && !here.some(([each]) => each === name))
    )
      return
    for (const value of [undefined, null, Symbol('x'), () => 1, NaN]) {
      expect(() => codec.encode(platform, value as never, 'SO_X')).toThrow(
        expect.objectContaining({
          code: expect.stringMatching(/^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE)$/),
          message: expect.stringContaining('SO_X'),
        }),
      )
    }
  })
})

describe('names of interfaces', () => {
  test.each([linux, darwin])('an interface of the context is known by name on $os', platform => {
    const encode = (name: string): Uint8Array => codecs.interfaceIndex.encode(platform, name, 'SO_X')
    expect(encode('eth0')).toEqual(codecs.interfaceIndex.encode(platform, 3, 'SO_X'))
    expect(() => encode('lo')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ADDRESS' }))
  })

  test('two contexts of one platform have their own interfaces', () => {
    const other = { ...linux, interfaces: { indexOf: () => 9, nameOf: () => 'eth0' } }
    const value = { group: '239.1.1.1', interface: 'eth0' }
    const index = (platform: CodecContext): number =>
      codecs.ipMembership.decode(linux, codecs.ipMembership.encode(platform, value, 'x')).interface as number
    expect([index(linux), index(other)]).toEqual([3, 9])
  })
})

describe('the encoded bytes', () => {
  const encode = (codec: Any, value: unknown, platform = linux): number[] => [
    ...codec.encode(platform, value as never, 'value'),
  ]

  test('the encoded bytes have the length that the system expects', () => {
    expect(encode(codecs.intOrByte as Any, 5)).toHaveLength(4)
    expect(encode(codecs.intOrByte as Any, 5, darwin)).toEqual([5])
    expect(encode(codecs.boolOrByte as Any, true, darwin)).toEqual([1])
    expect(() => encode(codecs.intOrByte as Any, -1, darwin)).toThrow(RangeError)
    expect(sizeOf(codecs.groupMembership, linux)).toBe(136)
    expect(sizeOf(codecs.groupMembership, darwin)).toBe(132)
  })

  test('a struct that the system lacks has no size', () => {
    expect(sizeOf(codecs.ucred as Any, darwin)).toBeUndefined()
    expect(sizeOf(codecs.groupSourceFilter as Any, darwin)).toBeUndefined()
    expect(sizeOf(codecs.xucred, linux)).toBeUndefined()
    expect(sizeOf(codecs.tcpInfo, darwin)).toBeUndefined()
  })

  test('a source membership has its fields in the order of the system', () => {
    const value = { group: '239.1.1.1', source: '10.2.2.2', interface: '10.3.3.3' }
    expect(encode(codecs.ipSourceMembership as Any, value)).toEqual([239, 1, 1, 1, 10, 3, 3, 3, 10, 2, 2, 2])
    expect(encode(codecs.ipSourceMembership as Any, value, darwin)).toEqual([
      239, 1, 1, 1, 10, 2, 2, 2, 10, 3, 3, 3,
    ])
  })

  test('a sockaddr in a struct starts with the header of the system', () => {
    const value = { group: '239.1.1.1', interface: 1 }
    expect(encode(codecs.groupMembership as Any, value).slice(8, 16)).toEqual([2, 0, 0, 0, 239, 1, 1, 1])
    expect(encode(codecs.groupMembership as Any, value, darwin).slice(4, 12)).toEqual([
      16, 2, 0, 0, 239, 1, 1, 1,
    ])
  })

  test('a time below a microsecond is not rounded to 0', () => {
    expect(codecs.timeval.decode(linux, codecs.timeval.encode(linux, 0.0001, 'value'))).toBe(0.001)
  })

  test('an ICMP filter has the same meaning on both systems', () => {
    const value = { pass: [128] }
    const [here, there] = [encode(codecs.icmp6Filter, value), encode(codecs.icmp6Filter, value, darwin)]
    expect(there).toEqual(here.map(byte => byte ^ 0xff))
    expect(codecs.icmp6Filter.decode(darwin, Uint8Array.from(there)).pass).toEqual([128])
    expect(codecs.icmpFilter.decode(linux, Uint8Array.of(8, 0, 0, 0)).block).toEqual([3])
  })

  test('absent fields are zero, and flags may be given as a number', () => {
    const group = { group: '239.1.1.1' }
    const none = [0, 0, 0, 0]
    expect(encode(codecs.ipSourceMembership as Any, { ...group, source: '10.2.2.2' }).slice(4, 8)).toEqual(
      none,
    )
    expect(
      encode(codecs.ipSourceFilter as Any, { ...group, mode: 'include', sources: [] }).slice(4, 8),
    ).toEqual(none)
    expect(encode(codecs.timestamping as Any, { flags: 3 })).toEqual([3, 0, 0, 0, 0, 0, 0, 0])
    expect(encode(codecs.timestamping as Any, 3)).toEqual([3, 0, 0, 0])
  })

  test('an ICMP type beyond the filter always passes', () => {
    expect(() => encode(codecs.icmpFilter, { pass: [32] })).toThrow('other types always pass')
    expect(() => encode(codecs.icmp6Filter, { block: [256] })).toThrow(RangeError)
    expect(() => encode(codecs.icmpFilter, {})).toThrow('{ pass: types } or { block: types }')
  })

  test('an interface index can be encoded in network byte order', () => {
    expect(encode(codecs.interfaceIndexBE as Any, 1)).toEqual([0, 0, 0, 1])
  })

  test('text that contains a NUL or is too long is refused', () => {
    expect(() => encode(codecs.text(16) as Any, 'a\0b')).toThrow(RangeError)
    expect(() => encode(codecs.text(16) as Any, 'sixteen bytes !!')).toThrow(RangeError)
  })

  test('an unknown interface name is refused', () => {
    expect(() => encode(codecs.interfaceIndex as Any, 'nothing')).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ADDRESS' }),
    )
    expect(() => encode(codecs.interfaceIndex as Any, 'lo\0')).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ADDRESS' }),
    )
  })

  test('a host name is refused as an address', () => {
    for (const codec of [codecs.inAddr, codecs.groupMembership, codecs.ipv6Membership] as Any[]) {
      const value = codec === codecs.inAddr ? 'localhost' : { group: 'localhost' }
      expect(() => encode(codec, value)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ADDRESS' }))
    }
  })

  test('an MD5 key is encoded with its length, prefix and interface', () => {
    const bytes = encode(codecs.md5KeyExtended, {
      address: '10.0.0.1',
      key: Buffer.from('abc'),
      prefixLength: 8,
      interface: 2,
    })
    expect([bytes.length, bytes[128], bytes[129], bytes[130], bytes[132]]).toEqual([216, 3, 8, 3, 2])
    expect(() => encode(codecs.md5Key as Any, { address: '10.0.0.1', key: Buffer.alloc(81) })).toThrow(
      RangeError,
    )
  })

  test('the ring of TPACKET_V3 has a longer struct than that of TPACKET_V2', () => {
    const ring = { tp_block_size: 4096, tp_block_nr: 1, tp_frame_size: 2048, tp_frame_nr: 2 }
    expect(encode(codecs.packetRing as Any, ring)).toHaveLength(16)
    expect(encode(codecs.packetRing as Any, { ...ring, tp_sizeof_priv: 0 })).toHaveLength(28)
  })
})

describe('structs that newer kernels extended', () => {
  const info = new Uint8Array(280).map((_, i) => i)

  test.each([
    [104, 'tcpi_total_retrans', 'tcpi_pacing_rate'],
    [136, 'tcpi_bytes_received', 'tcpi_segs_out'],
    [232, 'tcpi_snd_wnd', 'tcpi_rcv_wnd'],
    [280, 'tcpi_received_ce_bytes', undefined],
  ])('tcp_info of %i bytes ends with %s', (length, last, next) => {
    const value = codecs.tcpInfo.decode(linux, info.subarray(0, length)) as unknown as Record<string, unknown>
    expect(value).toHaveProperty(last)
    if (next !== undefined) expect(value).not.toHaveProperty(next)
    expect(Object.keys(value)).not.toContain('undefined')
  })

  test('the fields of tcp_info are where the kernel has them', () => {
    const value = codecs.tcpInfo.decode(linux, info)
    expect(value.tcpi_rtt).toBe(0x47464544)
    expect(value.tcpi_min_rtt).toBe(0x97969594)
    expect(value.tcpi_bytes_acked).toBe(0x7f7e7d7c7b7a7978n)
    expect(value.tcpi_total_rto).toBe(0xf1f0)
    // Byte 6 has the value 6 and byte 7 the value 7.
    expect([value.tcpi_snd_wscale, value.tcpi_rcv_wscale]).toEqual([6, 0])
    expect([value.tcpi_delivery_rate_app_limited, value.tcpi_fastopen_client_fail]).toEqual([1, 3])
  })

  test('mptcp_info of an old kernel has fewer fields', () => {
    expect(codecs.mptcpInfo.decode(linux, info.subarray(0, 48))).not.toHaveProperty('mptcpi_bytes_sent')
    expect(codecs.mptcpInfo.decode(linux, info.subarray(0, 96))).toHaveProperty('mptcpi_last_ack_recv')
  })

  test('tcp_connection_info of Darwin is decoded', () => {
    const value = codecs.tcpConnectionInfo.decode(darwin, info.subarray(0, 112))
    expect([value.tcpi_state, value.tcpi_srtt]).toEqual([0, 0x2f2e2d2c])
    expect(value.tcpi_txpackets).toBe(0x3f3e3d3c3b3a3938n)
  })
})
