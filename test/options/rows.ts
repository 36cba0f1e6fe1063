import { readFileSync } from 'node:fs'
import { bpf, constants } from '../../lib'
import { options, query } from '../../lib/options'
import {
  both,
  codeOf,
  custom,
  get,
  onOff,
  read,
  readDescriptor,
  reached,
  refused,
  set,
  write,
  type Row,
} from './row'

const c = constants as Readonly<Record<string, number>>
const number = expect.any(Number)
const program = bpf.assemble([
  { op: 'ldh', k: 0 },
  { op: 'ret', mode: 'a' },
])
const filterGroup = '232.1.1.1'

/** Joins a group on lo by one of the options that join, and continues with the socket. */
const joined = (
  join: 'IP_ADD_MEMBERSHIP' | 'MCAST_JOIN_GROUP',
  then: (sockets: { socket: never; option: never }) => void,
): Row =>
  custom((option, sockets) => {
    const socket = sockets.udp()
    set(socket, options[join], { group: '239.1.2.3', interface: 'lo' })
    then({ socket: socket as never, option: option as never })
  })

/** Sockets that do not block refuse the timeouts of blocking calls. */
const refusedTimeout = custom((option, sockets) => {
  expect(get(sockets.tcp(), option)).toBe(0)
  expect(codeOf(() => set(sockets.tcp(), option, 1500))).toBe('EPERM')
})

const ofSocket: Record<string, Row> = {
  SO_DEBUG: onOff('tcp'),
  SO_REUSEADDR: onOff('tcp'),
  SO_TYPE: read('tcp', c['SOCK_STREAM']),
  SO_ERROR: read('tcp', 0),
  SO_DONTROUTE: onOff('udp'),
  SO_BROADCAST: onOff('udp'),
  SO_SNDBUF: both('udp', 65536, 131072),
  SO_RCVBUF: both('udp', 65536, 131072),
  SO_SNDBUFFORCE: custom((option, sockets) => {
    const socket = sockets.udp()
    set(socket, option, 16 << 20)
    expect(get(socket, options.SO_SNDBUF)).toBe(32 << 20)
  }),
  SO_RCVBUFFORCE: custom((option, sockets) => {
    const socket = sockets.udp()
    set(socket, option, 16 << 20)
    expect(get(socket, options.SO_RCVBUF)).toBe(32 << 20)
  }),
  SO_KEEPALIVE: onOff('tcp'),
  SO_OOBINLINE: onOff('tcp'),
  SO_NO_CHECK: onOff('udp'),
  SO_PRIORITY: both('udp', 7),
  SO_LINGER: both('tcp', { on: true, seconds: 5 }),
  SO_BSDCOMPAT: both('tcp', true, false),
  SO_REUSEPORT: onOff('tcp'),
  SO_PASSCRED: onOff('unix'),
  SO_PEERCRED: read('unix', { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() }),
  SO_RCVLOWAT: both('tcp', 100),
  SO_SNDLOWAT: custom((option, sockets) => {
    expect(get(sockets.tcp(), option)).toBe(1)
    expect(codeOf(() => set(sockets.tcp(), option, 2))).toBe('ENOPROTOOPT')
  }),
  SO_RCVTIMEO: refusedTimeout,
  SO_SNDTIMEO: refusedTimeout,
  SO_BINDTODEVICE: custom((option, sockets) => {
    const socket = sockets.udp()
    expect(get(socket, option)).toBe('')
    set(socket, option, 'lo')
    expect(get(socket, option)).toBe('lo')
    set(socket, option, '')
    expect(get(socket, option)).toBe('')
    expect(codeOf(() => set(socket, option, 'nothing'))).toBe('ENODEV')
  }),
  SO_ATTACH_FILTER: custom((option, sockets) => {
    const socket = sockets.udp()
    set(socket, option, program)
    expect(get(socket, options.SO_GET_FILTER)).toEqual(program.instructions)
    set(socket, option, [{ code: 6, jt: 0, jf: 0, k: 0 }])
    expect(get(socket, options.SO_GET_FILTER)).toEqual([{ code: 6, jt: 0, jf: 0, k: 0 }])
    expect(codeOf(() => set(socket, option, [{ code: 0xffff, jt: 0, jf: 0, k: 0 }]))).toBe('EINVAL')
  }),
  SO_GET_FILTER: read('udp', []),
  SO_DETACH_FILTER: custom((option, sockets) => {
    const socket = sockets.udp()
    expect(codeOf(() => set(socket, option, true))).toBe('ENOENT')
    set(socket, options.SO_ATTACH_FILTER, program)
    set(socket, option, true)
    expect(get(socket, options.SO_GET_FILTER)).toEqual([])
  }),
  SO_DETACH_BPF: reached('udp', true, 'ENOENT'),
  SO_PEERNAME: refused('connected', { get: 'EINVAL' }, 'no family of this kernel implements it'),
  SO_TIMESTAMP: onOff('udp'),
  SO_ACCEPTCONN: custom((option, sockets) => {
    const socket = sockets.tcp()
    expect(get(socket, option)).toBe(false)
    socket.bind(['127.0.0.1', 0]).listen()
    expect(get(socket, option)).toBe(true)
  }),
  SO_PEERSEC: refused('unix', { get: 'ENOPROTOOPT' }, 'no security module labels sockets'),
  SO_PASSSEC: onOff('unix'),
  SO_TIMESTAMPNS: onOff('udp'),
  SO_MARK: both('udp', 0xfedcba98),
  SO_TIMESTAMPING: custom((option, sockets) => {
    const socket = sockets.udp()
    const flags = c['SOF_TIMESTAMPING_RX_SOFTWARE']! | c['SOF_TIMESTAMPING_SOFTWARE']!
    set(socket, option, flags)
    expect(get(socket, option)).toEqual({ flags, bindPhc: 0 })
    set(socket, option, { flags: 0, bindPhc: 0 })
    expect(get(socket, option)).toEqual({ flags: 0, bindPhc: 0 })
    expect(codeOf(() => set(socket, option, 0x80000000))).toBe('EINVAL')
  }),
  SO_PROTOCOL: read('tcp', c['IPPROTO_TCP']),
  SO_DOMAIN: read('tcp', c['AF_INET']),
  SO_RXQ_OVFL: onOff('udp'),
  SO_WIFI_STATUS: onOff('udp'),
  SO_PEEK_OFF: both('unix', 4),
  SO_NOFCS: onOff('packet'),
  SO_LOCK_FILTER: custom((option, sockets) => {
    const socket = sockets.udp()
    set(socket, option, true)
    expect(get(socket, option)).toBe(true)
    expect(codeOf(() => set(socket, option, false))).toBe('EPERM')
    expect(codeOf(() => set(socket, options.SO_ATTACH_FILTER, program))).toBe('EPERM')
  }),
  SO_SELECT_ERR_QUEUE: onOff('udp'),
  SO_BUSY_POLL: both('udp', 50),
  SO_MAX_PACING_RATE: both('tcp', 10n ** 11n),
  SO_BPF_EXTENSIONS: read('udp', number),
  SO_INCOMING_CPU: both('udp', 1),
  SO_ATTACH_BPF: reached('udp', 0, 'EINVAL'),
  SO_ATTACH_REUSEPORT_CBPF: custom((option, sockets) => {
    const socket = sockets.udp()
    expect(codeOf(() => set(socket, option, program))).toBe('EINVAL')
    set(socket, options.SO_REUSEPORT, true)
    set(socket, option, program)
  }),
  SO_ATTACH_REUSEPORT_EBPF: reached('udp', 0, 'EINVAL'),
  SO_CNX_ADVICE: write('connected', 1),
  SO_MEMINFO: custom((option, sockets) => {
    const socket = sockets.udp()
    const value = get(socket, option) as Record<string, number>
    expect(value).toMatchObject({ rmem_alloc: 0, drops: 0, rcvbuf: get(socket, options.SO_RCVBUF) })
    expect(Object.keys(value)).toHaveLength(9)
  }),
  SO_INCOMING_NAPI_ID: read('tcp', 0),
  SO_COOKIE: read('tcp', expect.any(BigInt)),
  SO_PEERGROUPS: custom((option, sockets) => {
    // process.getgroups() also returns the effective group, which this option does not return.
    const line = /^Groups:(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]!.trim()
    expect(get(sockets.unix(), option)).toEqual(line === '' ? [] : line.split(/\s+/).map(Number))
    expect(codeOf(() => get(sockets.tcp(), option))).toBe('ENODATA')
  }),
  SO_ZEROCOPY: onOff('tcp'),
  SO_TXTIME: both('udp', { clockid: c['CLOCK_MONOTONIC'], flags: c['SOF_TXTIME_REPORT_ERRORS'] }),
  SO_BINDTOIFINDEX: both('udp', 'lo', 1),
  SO_TIMESTAMP_NEW: onOff('udp'),
  SO_TIMESTAMPNS_NEW: onOff('udp'),
  SO_TIMESTAMPING_NEW: both('udp', { flags: 16, bindPhc: 0 }),
  SO_RCVTIMEO_NEW: refusedTimeout,
  SO_SNDTIMEO_NEW: refusedTimeout,
  SO_DETACH_REUSEPORT_BPF: custom((option, sockets) => {
    const socket = sockets.udp()
    expect(codeOf(() => set(socket, option, true))).toBe('EINVAL')
    set(socket, options.SO_REUSEPORT, true)
    expect(codeOf(() => set(socket, option, true))).toBe('ENOENT')
  }),
  SO_PREFER_BUSY_POLL: onOff('udp'),
  SO_BUSY_POLL_BUDGET: write('udp', 16),
  SO_NETNS_COOKIE: read('tcp', expect.any(BigInt)),
  SO_BUF_LOCK: both('tcp', 3),
  SO_RESERVE_MEM: refused('tcp', { set: 'EOPNOTSUPP' }, 'no cgroup accounts for socket memory', 4096),
  SO_TXREHASH: both('tcp', 0),
  SO_RCVMARK: onOff('udp'),
  SO_PASSPIDFD: onOff('unix'),
  SO_PEERPIDFD: readDescriptor('unix'),
  SO_DEVMEM_DONTNEED: write('connected', [{ token_start: 0, token_count: 1 }]),
  SO_RCVPRIORITY: onOff('udp'),
  SO_PASSRIGHTS: onOff('unix'),
  SO_INQ: write('unix', true, false),
}

const ofIp: Record<string, Row> = {
  IP_TOS: both('udp', 0xb8),
  IP_TTL: custom((option, sockets) => {
    const socket = sockets.udp()
    set(socket, option, 7)
    expect(get(socket, option)).toBe(7)
    expect(codeOf(() => set(socket, option, 256))).toBe('EINVAL')
  }),
  IP_HDRINCL: onOff('icmp'),
  IP_OPTIONS: both('udp', Buffer.from([0x94, 4, 0, 0])),
  IP_ROUTER_ALERT: both('icmp', true),
  IP_RECVOPTS: onOff('udp'),
  IP_RETOPTS: onOff('udp'),
  IP_RECVRETOPTS: onOff('udp'),
  IP_PKTINFO: onOff('udp'),
  IP_PKTOPTIONS: read('connected', expect.any(Buffer)),
  IP_MTU_DISCOVER: both('udp', c['IP_PMTUDISC_DO']),
  IP_RECVERR: onOff('udp'),
  IP_RECVTTL: onOff('udp'),
  IP_RECVTOS: onOff('udp'),
  IP_MTU: custom(async (option, sockets) => {
    expect(get(await sockets.connectedUdp(), option)).toBe(65535)
    expect(codeOf(() => get(sockets.udp(), option))).toBe('ENOTCONN')
  }),
  IP_FREEBIND: onOff('udp'),
  IP_IPSEC_POLICY: refused('udp', { set: 'EOPNOTSUPP' }, 'no key management of KAME', Buffer.alloc(64)),
  IP_XFRM_POLICY: refused('udp', { set: 'EINVAL' }, 'a policy of zeros is invalid', Buffer.alloc(168)),
  IP_PASSSEC: onOff('udp'),
  IP_TRANSPARENT: onOff('udp'),
  IP_RECVORIGDSTADDR: onOff('udp'),
  IP_MINTTL: both('udp', 255),
  IP_NODEFRAG: onOff('icmp'),
  IP_CHECKSUM: onOff('udp'),
  IP_BIND_ADDRESS_NO_PORT: onOff('tcp'),
  IP_RECVFRAGSIZE: onOff('udp'),
  IP_RECVERR_RFC4884: onOff('udp'),
  IP_MULTICAST_IF: custom((option, sockets) => {
    const socket = sockets.udp()
    set(socket, option, '127.0.0.1')
    expect(get(socket, option)).toBe('127.0.0.1')
    set(socket, option, 'lo')
    expect(get(socket, option)).toBe('0.0.0.0')
    set(socket, option, 1)
    expect(codeOf(() => set(socket, option, 4711))).toBe('EADDRNOTAVAIL')
  }),
  IP_MULTICAST_TTL: both('udp', 5),
  IP_MULTICAST_LOOP: onOff('udp'),
  IP_ADD_MEMBERSHIP: custom((option, sockets) => {
    const socket = sockets.udp()
    set(socket, option, { group: '239.1.2.3', interface: 'lo' })
    expect(codeOf(() => set(socket, option, { group: '239.1.2.3', interface: 1 }))).toBe('EADDRINUSE')
    expect(codeOf(() => set(socket, option, { group: '10.1.2.3', interface: 1 }))).toBe('EINVAL')
    set(socket, option, { group: '239.1.2.4', interface: '127.0.0.1' })
  }),
  IP_DROP_MEMBERSHIP: joined('IP_ADD_MEMBERSHIP', ({ socket, option }) => {
    set(socket, option, { group: '239.1.2.3', interface: 1 })
    expect(codeOf(() => set(socket, option, { group: '239.1.2.3', interface: 1 }))).toBe('EADDRNOTAVAIL')
  }),
  IP_UNBLOCK_SOURCE: joined('IP_ADD_MEMBERSHIP', ({ socket, option }) => {
    const source = { group: '239.1.2.3', source: '10.0.0.1', interface: '127.0.0.1' }
    expect(codeOf(() => set(socket, option, source))).toBe('EADDRNOTAVAIL')
    set(socket, options.IP_BLOCK_SOURCE, source)
    set(socket, option, source)
  }),
  IP_BLOCK_SOURCE: joined('IP_ADD_MEMBERSHIP', ({ socket, option }) =>
    set(socket, option, { group: '239.1.2.3', source: '10.0.0.1', interface: '127.0.0.1' }),
  ),
  IP_ADD_SOURCE_MEMBERSHIP: write('udp', { group: filterGroup, source: '10.0.0.1', interface: '127.0.0.1' }),
  IP_DROP_SOURCE_MEMBERSHIP: custom((option, sockets) => {
    const socket = sockets.udp()
    const source = { group: filterGroup, source: '10.0.0.1', interface: '127.0.0.1' }
    set(socket, options.IP_ADD_SOURCE_MEMBERSHIP, source)
    set(socket, option, source)
  }),
  IP_MSFILTER: custom((_option, sockets) => {
    const socket = sockets.udp()
    const option = options.IP_MSFILTER
    set(socket, options.IP_ADD_MEMBERSHIP, { group: '239.1.2.3', interface: '127.0.0.1' })
    const value = {
      group: '239.1.2.3',
      interface: '127.0.0.1',
      mode: 'include',
      sources: ['10.0.0.1', '10.0.0.2'],
    } as const
    set(socket, option, value)
    expect(get(socket, query(option, { ...value, sources: [] }))).toEqual(value)
  }),
  MCAST_JOIN_GROUP: write('udp', { group: '239.1.2.3', interface: 'lo' }),
  MCAST_BLOCK_SOURCE: joined('MCAST_JOIN_GROUP', ({ socket, option }) =>
    set(socket, option, { group: '239.1.2.3', source: '10.0.0.1', interface: 1 }),
  ),
  MCAST_UNBLOCK_SOURCE: joined('MCAST_JOIN_GROUP', ({ socket, option }) => {
    const source = { group: '239.1.2.3', source: '10.0.0.1', interface: 1 }
    set(socket, options.MCAST_BLOCK_SOURCE, source)
    set(socket, option, source)
  }),
  MCAST_LEAVE_GROUP: joined('MCAST_JOIN_GROUP', ({ socket, option }) =>
    set(socket, option, { group: '239.1.2.3', interface: 1 }),
  ),
  MCAST_JOIN_SOURCE_GROUP: write('udp', { group: filterGroup, source: '10.0.0.1', interface: 1 }),
  MCAST_LEAVE_SOURCE_GROUP: custom((option, sockets) => {
    const socket = sockets.udp()
    const source = { group: filterGroup, source: '10.0.0.1', interface: 1 }
    set(socket, options.MCAST_JOIN_SOURCE_GROUP, source)
    set(socket, option, source)
  }),
  MCAST_MSFILTER: custom((_option, sockets) => {
    const socket = sockets.udp()
    const option = options.MCAST_MSFILTER
    set(socket, options.MCAST_JOIN_GROUP, { group: '239.1.2.3', interface: 1 })
    const value = { group: '239.1.2.3', interface: 1, mode: 'exclude', sources: ['10.0.0.1'] } as const
    set(socket, option, value)
    expect(get(socket, query(option, { ...value, sources: [] }))).toEqual(value)
    expect(codeOf(() => get(socket, option))).toBe('ERR_INVALID_ARG_TYPE')
  }),
  IP_MULTICAST_ALL: onOff('udp'),
  IP_UNICAST_IF: both('udp', 'lo', 1),
  IP_LOCAL_PORT_RANGE: both('tcp', { low: 40000, high: 40100 }),
  IP_PROTOCOL: read('icmp', c['IPPROTO_ICMP']),
  SO_ORIGINAL_DST: refused(
    'connected',
    { get: 'ENOENT' },
    'the connection is not in the connection tracking table',
  ),
}

const ofFilters: Record<string, Row> = {
  ICMP_FILTER: custom((option, sockets) => {
    const socket = sockets.icmp()
    set(socket, option, { pass: [0, 8] })
    expect(get(socket, option)).toMatchObject({ pass: [0, 8] })
    set(socket, option, { block: [3] })
    expect(get(socket, option)).toMatchObject({ block: [3] })
    expect(socket.getsockopt(c['SOL_RAW']!, c['ICMP_FILTER']!)).toBe(8)
  }),
  ICMP6_FILTER: custom((option, sockets) => {
    const socket = sockets.icmp6()
    set(socket, option, { pass: [128, 129] })
    expect(get(socket, option)).toMatchObject({ pass: [128, 129] })
  }),
  ICMPV6_FILTER: custom((option, sockets) => {
    const socket = sockets.icmp6()
    set(socket, option, { block: [0, 255] })
    expect(get(socket, option)).toMatchObject({ block: [0, 255] })
  }),
}

export const rowsOfIp: Readonly<Record<string, Row>> = { ...ofSocket, ...ofIp, ...ofFilters }
