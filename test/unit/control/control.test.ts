import { randomBytes } from 'node:crypto'
import { ControlBuilder } from '../../../lib/control/build'
import { buildControl, walkControl, type Control } from '../../../lib/control/walk'
import { thrown } from '../../helpers/errors'
import { darwin, interfaces, linux, roomsOf } from './platforms'

const systems = [
  ['linux', roomsOf(linux)],
  ['darwin', roomsOf(darwin)],
] as const
const bytes = (hex: string): Buffer => Buffer.from(hex.replace(/ /g, ''), 'hex')
const plain = (controls: Control[]): unknown =>
  controls.map(({ level, type, data }) => [level, type, [...data]])

describe.each(systems)('%s: the control buffer', (name, { layout }) => {
  const messages: Control[] = [
    { level: 1, type: 2, data: Buffer.of(1, 2, 3) },
    { level: 41, type: 50, data: Buffer.alloc(20, 7) },
    { level: -1, type: 0x7fffffff, data: Buffer.alloc(0) },
  ]

  test('an encoded list of control messages decodes to the same list, with zeros as padding', () => {
    const buffer = buildControl(layout, messages)
    expect(plain(walkControl(layout, buffer, buffer.length))).toEqual(plain(messages))
    expect(buffer.length).toBe(messages.reduce((sum, { data }) => sum + layout.space(data.length), 0))
    const first = layout.length(3)
    expect(buffer.subarray(first, layout.space(3)).every(byte => byte === 0)).toBe(true)
  })

  test('CMSG_LEN and CMSG_SPACE return the sizes of the system', () => {
    const sizes = [4, 12, 20, 48, 253 * 4]
    expect(sizes.map(size => layout.space(size))).toEqual(
      name === 'linux' ? [24, 32, 40, 64, 1032] : [16, 24, 32, 60, 1024],
    )
    expect(layout.length(4)).toBe(name === 'linux' ? 20 : 16)
  })

  test('a truncated control message is returned as far as its bytes go, and is the last', () => {
    const buffer = buildControl(layout, messages)
    const cut = layout.space(3) + layout.header + 5
    expect(plain(walkControl(layout, buffer, cut))).toEqual([
      [1, 2, [1, 2, 3]],
      [41, 50, [7, 7, 7, 7, 7]],
    ])
    expect(walkControl(layout, buffer, layout.header - 1)).toEqual([])
    expect(walkControl(layout, buffer, 0)).toEqual([])
    expect(walkControl(layout, buffer.subarray(0, 4), 4096)).toEqual([])
  })

  test('a control message with an invalid length ends the list', () => {
    for (const length of [0, 1, layout.header - 1]) {
      const buffer = buildControl(layout, messages)
      buffer.writeUInt32LE(length)
      expect(walkControl(layout, buffer, buffer.length)).toEqual([])
    }
    const buffer = buildControl(layout, messages)
    buffer.fill(0xff, 0, layout.wide ? 8 : 4)
    expect(walkControl(layout, buffer, buffer.length)).toHaveLength(1)
  })

  test('random bytes decode without an error', () => {
    for (let i = 0; i < 2000; i++) {
      const buffer = randomBytes(1 + (i % 300))
      if (i % 2 === 0) buffer.fill(0, 1, Math.min(8, buffer.length)) // plausible lengths
      for (const { data } of walkControl(layout, buffer, buffer.length)) {
        expect(data.length).toBeLessThanOrEqual(buffer.length)
      }
    }
  })

  test('a list longer than the kernel can count is refused', () => {
    const huge = { level: 1, type: 1, data: { byteLength: 0x40000000 } as Buffer }
    expect(thrown(() => buildControl(layout, [huge, huge])).code).toBe('ERR_OUT_OF_RANGE')
  })
})

describe.each(systems)('%s: builders', (name, { platform }) => {
  const build = new ControlBuilder(platform, interfaces)
  const c = platform.constants
  const inet = c['IPPROTO_IP']
  const inet6 = c['IPPROTO_IPV6']

  test('rights builds SCM_RIGHTS', () => {
    expect(build.rights([3, { fd: 258 }])).toEqual({
      level: c['SOL_SOCKET'],
      type: 1,
      data: bytes('03000000 02010000'),
    })
    expect(thrown(() => build.rights([])).code).toBe('ERR_OUT_OF_RANGE')
    expect(thrown(() => build.rights(Array.from({ length: 254 }, () => 0))).message).toContain('<= 253')
    expect(thrown(() => build.rights([-1])).message).toContain('fds[0]')
    expect(thrown(() => build.rights(['1' as never])).code).toBe('ERR_INVALID_ARG_TYPE')
  })

  test('packetInfo builds the control message for both versions of IP', () => {
    expect(build.packetInfo({ source: '10.0.0.1', interface: 'eth7' })).toMatchObject({
      level: inet,
      type: c['IP_PKTINFO'],
      data: bytes('07000000 0a000001 00000000'),
      inet6: {
        level: inet6,
        type: c['IPV6_PKTINFO'],
        data: bytes('00000000000000000000ffff0a000001 07000000'),
      },
    })
    expect(build.packetInfo({ source: 'fe80::1', interface: 3 })).toEqual({
      level: inet6,
      type: c['IPV6_PKTINFO'],
      data: bytes('fe800000000000000000000000000001 03000000'),
    })
    // Another network namespace may have the interface: sendmsg looks it up.
    expect(build.packetInfo({ interface: 'none' }).data).toEqual(bytes('00000000 00000000 00000000'))
    expect(thrown(() => build.packetInfo({ interface: '' })).code).toBe('ERR_INVALID_ADDRESS')
    expect(thrown(() => build.packetInfo({ source: 'host' })).code).toBe('ERR_INVALID_ADDRESS')
  })

  test('ttl, hopLimit, tos and trafficClass build their control messages', () => {
    expect(build.ttl(64)).toMatchObject({
      type: c['IP_TTL'],
      data: bytes('40000000'),
      inet6: { type: c['IPV6_HOPLIMIT'], data: bytes('40000000') },
    })
    expect(build.tos(0xb8)).toMatchObject({ type: c['IP_TOS'], inet6: { type: c['IPV6_TCLASS'] } })
    expect(build.hopLimit(0)).toEqual({ level: inet6, type: c['IPV6_HOPLIMIT'], data: Buffer.alloc(4) })
    expect(build.trafficClass(-1)).toEqual({ level: inet6, type: c['IPV6_TCLASS'], data: bytes('ffffffff') })
    expect(build.dontFragment()).toEqual({ level: inet6, type: 62, data: bytes('01000000') })
    expect(build.options(Buffer.of(1))).toEqual({ level: inet, type: c['IP_RETOPTS'], data: Buffer.of(1) })
    for (const call of [
      () => build.ttl(0),
      () => build.ttl(256),
      () => build.tos(-1),
      () => build.hopLimit(-2),
      () => build.trafficClass(256),
    ])
      expect(thrown(call).code).toBe('ERR_OUT_OF_RANGE')
  })

  if (name === 'linux') {
    test('the builders that only Linux has build their control messages', () => {
      const all: [Control, string, string, string][] = [
        [
          build.credentials({ pid: 1, uid: 2, gid: 0xffffffff }),
          'SOL_SOCKET',
          'SCM_CREDENTIALS',
          '0100000002000000ffffffff',
        ],
        [build.segmentSize(1200), 'IPPROTO_UDP', 'UDP_SEGMENT', 'b004'],
        [build.txTime(1n << 33n), 'SOL_SOCKET', 'SCM_TXTIME', '0000000002000000'],
        [build.mark(0xfffffffe), 'SOL_SOCKET', 'SO_MARK', 'feffffff'],
        [build.priority(6), 'SOL_SOCKET', 'SO_PRIORITY', '06000000'],
        [build.timestamping(0x102), 'SOL_SOCKET', 'SO_TIMESTAMPING', '02010000'],
        [build.timestampId(4242), 'SOL_SOCKET', 'SCM_TS_OPT_ID', '92100000'],
        [build.protocol(17), 'IPPROTO_IP', 'IP_PROTOCOL', '11000000'],
        [build.flowInfo(0x0ab12345), 'IPPROTO_IPV6', 'IPV6_FLOWINFO', '0ab12345'],
        [
          build.extensionHeader('hop-by-hop', Buffer.alloc(8)),
          'IPPROTO_IPV6',
          'IPV6_HOPOPTS',
          '00'.repeat(8),
        ],
        [
          build.extensionHeader('destination', Buffer.alloc(8)),
          'IPPROTO_IPV6',
          'IPV6_DSTOPTS',
          '00'.repeat(8),
        ],
        [build.extensionHeader('routing', Buffer.alloc(8)), 'IPPROTO_IPV6', 'IPV6_RTHDR', '00'.repeat(8)],
        [build.tlsRecordType(22), 'SOL_TLS', 'TLS_SET_RECORD_TYPE', '16'],
      ]
      for (const [made, level, type, hex] of all)
        expect([type, made]).toEqual([type, { level: c[level], type: c[type], data: bytes(hex) }])
    })
  } else {
    test('the error for a builder that the system lacks names it', () => {
      for (const [call, type] of [
        [() => build.credentials({ pid: 1, uid: 1, gid: 1 }), 'SCM_CREDENTIALS'],
        [() => build.segmentSize(100), 'UDP_SEGMENT'],
        [() => build.txTime(1n), 'SCM_TXTIME'],
        [() => build.mark(1), 'SO_MARK'],
      ] as const)
        expect(thrown(call)).toMatchObject({ code: 'ENOPROTOOPT', message: expect.stringContaining(type) })
    })
  }

  test('the data of a control message is a copy', () => {
    const given = Buffer.of(1, 2)
    const made = build.options(given)
    given.fill(9)
    expect([...made.data]).toEqual([1, 2])
    expect(thrown(() => build.options('x' as never)).code).toBe('ERR_INVALID_ARG_TYPE')
  })
})

describe.each(systems)('%s: control.replyTo', (_, { platform }) => {
  const build = new ControlBuilder(platform, interfaces)
  const { IPPROTO_IP, IPPROTO_IPV6 } = platform.constants
  const v4 = (index: number, source: number[]): Buffer => {
    const info = Buffer.alloc(12)
    info.writeUInt32LE(index)
    info.set(source, 4)
    return info
  }

  test('the source is the address that was asked', () => {
    const meta = { destination: '10.0.0.2', localAddress: '10.0.0.2', interface: 3 }
    expect(build.replyTo(meta)).toMatchObject({ level: IPPROTO_IP, data: v4(0, [10, 0, 0, 2]) })
    const mapped = build.replyTo({ destination: '::ffff:10.0.0.2', interface: 3 })
    expect(mapped).toMatchObject({ level: IPPROTO_IP, data: v4(0, [10, 0, 0, 2]) })
    expect(mapped.inet6!.data.toString('hex')).toBe('00000000000000000000ffff0a00000200000000')
    const six = build.replyTo({ destination: 'fd00::2', interface: 3 })
    expect(six.level).toBe(IPPROTO_IPV6)
    expect(six.data.toString('hex')).toBe('fd00000000000000000000000000000200000000')
  })

  test('the interface is selected for link-local, broadcast and multicast', () => {
    const hex = (meta: object): string => build.replyTo(meta).data.toString('hex')
    expect(hex({ destination: 'fe80::2', interface: 3 })).toBe('fe80000000000000000000000000000203000000')
    expect(hex({ destination: 'ff02::1', interface: 3 })).toBe(v4(3, [0, 0, 0, 0]).toString('hex'))
    const broadcast = { destination: '10.0.0.255', localAddress: '10.0.0.2', interface: 3 }
    expect(hex(broadcast)).toBe(v4(3, [10, 0, 0, 2]).toString('hex'))
    expect(hex({ destination: '::ffff:239.1.2.3', interface: 3 })).toBe(v4(3, [0, 0, 0, 0]).toString('hex'))
  })

  test('bad metadata is refused', () => {
    for (const meta of [null, 7, {}, { destination: 7 }])
      expect(thrown(() => build.replyTo(meta as never)).code).toBe('ERR_INVALID_ARG_TYPE')
    expect(thrown(() => build.replyTo({ destination: 'x' })).code).toBe('ERR_INVALID_ADDRESS')
  })
})
