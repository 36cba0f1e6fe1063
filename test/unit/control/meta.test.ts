import { randomBytes } from 'node:crypto'
import type { Meta } from '../../../lib/control/meta'
import { darwin, linux, roomsOf } from './platforms'

const bytes = (hex: string): Buffer => Buffer.from(hex.replace(/ /g, ''), 'hex')
const onLinux = roomsOf(linux)
const onDarwin = roomsOf(darwin)
type Rooms = typeof onLinux

function decoded({ platform, meta }: Rooms, ...controls: [level: string, type: string, hex: string][]): Meta {
  const { constants } = platform
  return meta.decode(
    controls.map(([level, type, hex]) => ({
      level: constants[level]!,
      type: constants[type]!,
      data: bytes(hex),
    })),
  )
}

const second = '0100000000000000'
test.each<[Rooms, string, string, string, Meta]>([
  [
    onLinux,
    'IPPROTO_IP',
    'IP_PKTINFO',
    '02000000 7f000001 7f0000ff',
    { interface: 2, localAddress: '127.0.0.1', destination: '127.0.0.255' },
  ],
  [onLinux, 'IPPROTO_IP', 'IP_TTL', '40000000', { ttl: 64 }],
  [onLinux, 'IPPROTO_IP', 'IP_TOS', 'bb', { tos: 0xbb, ecn: 3 }],
  [onLinux, 'IPPROTO_IP', 'IP_RECVFRAGSIZE', 'dc050000', { fragmentSize: 1500 }],
  [onLinux, 'IPPROTO_IP', 'IP_CHECKSUM', 'feff0000', { checksum: 0xfffe }],
  [
    onLinux,
    'IPPROTO_IPV6',
    'IPV6_PKTINFO',
    'fe800000000000000000000000000001 03000000',
    { destination: 'fe80::1', interface: 3 },
  ],
  [onLinux, 'IPPROTO_IPV6', 'IPV6_HOPLIMIT', 'ff000000', { ttl: 255 }],
  [onLinux, 'IPPROTO_IPV6', 'IPV6_TCLASS', '02000000', { tos: 2, ecn: 2 }],
  [onLinux, 'IPPROTO_IPV6', 'IPV6_FLOWINFO', '0ab12345', { flowInfo: 0x0ab12345 }],
  [
    onLinux,
    'IPPROTO_IPV6',
    'IPV6_PATHMTU',
    `0a000000 00000000 ${'0'.repeat(30)}01 00000000 00050000`,
    { destination: '::1', pathMtu: 1280 },
  ],
  [onLinux, 'SOL_SOCKET', 'SCM_TIMESTAMP', `${second} 05000000 00000000`, { timestamp: 1_000_005_000n }],
  [onLinux, 'SOL_SOCKET', 'SO_TIMESTAMP_NEW', `${second} 05000000 00000000`, { timestamp: 1_000_005_000n }],
  [onLinux, 'SOL_SOCKET', 'SCM_TIMESTAMPNS', `${second} 05000000 00000000`, { timestamp: 1_000_000_005n }],
  [
    onLinux,
    'SOL_SOCKET',
    'SCM_TIMESTAMPING',
    `${second} 05000000 00000000 ${'00'.repeat(32)}`,
    { timestamp: 1_000_000_005n, timestampSource: 'software' },
  ],
  [
    onLinux,
    'SOL_SOCKET',
    'SCM_TIMESTAMPING',
    `${second}${second}${'00'.repeat(16)}0200000000000000 07000000 00000000`,
    { timestamp: 2_000_000_007n, timestampSource: 'hardware' },
  ],
  [onLinux, 'SOL_SOCKET', 'SCM_TIMESTAMPING', '00'.repeat(48), {}],
  [onLinux, 'SOL_SOCKET', 'SO_RXQ_OVFL', 'ffffffff', { drops: 0xffffffff }],
  [onLinux, 'SOL_SOCKET', 'SO_MARK', 'feffffff', { mark: 0xfffffffe }],
  [onLinux, 'SOL_SOCKET', 'SO_PRIORITY', '06000000', { priority: 6 }],
  [
    onLinux,
    'SOL_SOCKET',
    'SCM_CREDENTIALS',
    '07000000 ffffffff 08000000',
    { credentials: { pid: 7, uid: 0xffffffff, gid: 8 } },
  ],
  [onLinux, 'SOL_SOCKET', 'SCM_SECURITY', '756e636f6e66696e656400', { security: 'unconfined' }],
  [onLinux, 'SOL_SOCKET', 'SCM_INQ', '05000000', { unread: 5 }],
  [onLinux, 'IPPROTO_TCP', 'TCP_CM_INQ', '05000000', { unread: 5 }],
  [onLinux, 'IPPROTO_UDP', 'UDP_GRO', 'b0040000', { segmentSize: 1200 }],
  [onLinux, 'SOL_NETLINK', 'NETLINK_PKTINFO', '01000000', { group: 1 }],
  [onLinux, 'SOL_NETLINK', 'NETLINK_LISTEN_ALL_NSID', 'ffffffff', { nsid: -1 }],
  [onLinux, 'SOL_TLS', 'TLS_GET_RECORD_TYPE', '15', { tlsRecordType: 21 }],
  [
    onDarwin,
    'IPPROTO_IP',
    'IP_PKTINFO',
    '02000000 7f000001 7f0000ff',
    { interface: 2, localAddress: '127.0.0.1', destination: '127.0.0.255' },
  ],
  [onDarwin, 'IPPROTO_IP', 'IP_RECVTTL', '40', { ttl: 64 }],
  [onDarwin, 'IPPROTO_IP', 'IP_RECVTOS', '03', { tos: 3, ecn: 3 }],
  [onDarwin, 'IPPROTO_IP', 'IP_RECVDSTADDR', 'e0000001', { destination: '224.0.0.1' }],
  [onDarwin, 'IPPROTO_IP', 'IP_RECVIF', '1412 0400', { interface: 4 }],
  [onDarwin, 'IPPROTO_IPV6', 'IPV6_HOPLIMIT', '40000000', { ttl: 64 }],
  // tv_usec is an int: the bytes behind it are padding and not read
  [onDarwin, 'SOL_SOCKET', 'SCM_TIMESTAMP', `${second} 05000000 ffffffff`, { timestamp: 1_000_005_000n }],
])('%#: %s %s decodes', (rooms, level, type, hex, expected) => {
  expect(decoded(rooms, [level, type, hex])).toEqual(expected)
})

test('the original destination decodes to an address', () => {
  const four = decoded(onLinux, ['IPPROTO_IP', 'IP_ORIGDSTADDR', '0200 0050 0a000001 0000000000000000'])
  expect(String(four.originalDestination)).toBe('10.0.0.1:80')
  const six = decoded(onLinux, [
    'IPPROTO_IPV6',
    'IPV6_ORIGDSTADDR',
    `0a00 0050 00000000 ${'0'.repeat(30)}01 00000000`,
  ])
  expect(String(six.originalDestination)).toBe('[::1]:80')
})

test('the auxiliary data of a packet socket decodes with and without a VLAN tag', () => {
  const body = '3c000000 2a000000 0000 0e00'
  expect(decoded(onLinux, ['SOL_PACKET', 'PACKET_AUXDATA', `01000000 ${body} 0000 0000`])).toEqual({
    auxdata: {
      tp_status: 1,
      tp_len: 60,
      tp_snaplen: 42,
      tp_mac: 0,
      tp_net: 14,
      tp_vlan_tci: 0,
      tp_vlan_tpid: 0,
    },
  })
  expect(decoded(onLinux, ['SOL_PACKET', 'PACKET_AUXDATA', `51000000 ${body} 64b0 a888`]).vlan).toEqual({
    id: 100,
    priority: 5,
    dropEligible: true,
    protocol: 0x88a8,
  })
  expect(decoded(onLinux, ['SOL_PACKET', 'PACKET_AUXDATA', `11000000 ${body} 0100 0000`]).vlan).toEqual({
    id: 1,
    priority: 0,
    dropEligible: false,
    protocol: 0x8100,
  })
})

test('of two timestamps, that of SO_TIMESTAMPING is used, in any order', () => {
  const ns = ['SOL_SOCKET', 'SCM_TIMESTAMPNS', `${second} 00000000 00000000`] as [string, string, string]
  const ing = [
    'SOL_SOCKET',
    'SCM_TIMESTAMPING',
    `${'00'.repeat(32)}0900000000000000 00000000 00000000`,
  ] as typeof ns
  for (const order of [
    [ns, ing],
    [ing, ns],
  ])
    expect(decoded(onLinux, ...order)).toEqual({ timestamp: 9_000_000_000n, timestampSource: 'hardware' })
})

test.each([onLinux, onDarwin])(
  '%#: data that is too short or unknown adds nothing and throws no error',
  rooms => {
    for (const level of [0, 1, 6, 17, 41, 263, 270, 282, 0xffff]) {
      for (let type = 0; type < 128; type++) {
        const short = rooms.meta.decode([{ level, type, data: Buffer.alloc(0) }])
        expect(Object.keys(short).filter(key => key !== 'security')).toEqual([])
        rooms.meta.decode([{ level, type, data: randomBytes(type % 60) }])
      }
    }
  },
)
