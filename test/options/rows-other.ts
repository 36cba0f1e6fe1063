import { type Socket, constants } from '../../lib'
import { options, query, type SubflowAddresses } from '../../lib/options'
import { both, codeOf, custom, get, onOff, read, reached, refused, set, write, type Row } from './row'

const c = constants as Readonly<Record<string, number>>
const number = expect.any(Number)
const group = { group: 'ff02::1:2', interface: 1 }
const source = { group: 'ff32::8000:1', source: '2001:db8::1', interface: 1 }

const pair = (first: keyof typeof options, value: unknown): Row =>
  custom((option, sockets) => {
    const socket = sockets.udp6()
    set(socket, options[first], value)
    set(socket, option, value)
  })

const ofIpv6: Record<string, Row> = {
  IPV6_ADDRFORM: custom(async (option, sockets) => {
    const [listener, client] = [sockets.tcp().bind(['127.0.0.1', 0]).listen(), sockets.tcp6()]
    const { port } = listener.getsockname() as { port: number }
    expect(codeOf(() => get(client, option))).toBe('ENOTCONN')
    await client.connect(['::ffff:127.0.0.1', port])
    expect(get(client, option)).toBe(c['AF_INET6'])
    set(client, option, c['AF_INET'])
    expect(get(client, options.SO_DOMAIN)).toBe(c['AF_INET'])
  }),
  IPV6_CHECKSUM: custom((option, sockets) => {
    const socket = sockets.raw6()
    set(socket, option, 2)
    expect(get(socket, option)).toBe(2)
    expect(codeOf(() => set(socket, option, 3))).toBe('EINVAL')
  }),
  IPV6_NEXTHOP: refused(
    'udp6',
    { get: 'ENOPROTOOPT', set: 'ENOPROTOOPT' },
    'Linux has only the number',
    Buffer.alloc(28),
  ),
  IPV6_FLOWINFO: onOff('udp6'),
  IPV6_UNICAST_HOPS: both('udp6', 9),
  IPV6_MULTICAST_IF: both('udp6', 'lo', 1),
  IPV6_MULTICAST_HOPS: both('udp6', 4),
  IPV6_MULTICAST_LOOP: onOff('udp6'),
  IPV6_JOIN_GROUP: write('udp6', { group: 'ff02::1:2', interface: 'lo' }),
  IPV6_LEAVE_GROUP: pair('IPV6_JOIN_GROUP', group),
  IPV6_ADD_MEMBERSHIP: write('udp6', group),
  IPV6_DROP_MEMBERSHIP: pair('IPV6_JOIN_GROUP', group),
  IPV6_ROUTER_ALERT: both('raw6any', 1),
  IPV6_ROUTER_ALERT_ISOLATE: onOff('raw6any'),
  IPV6_MTU_DISCOVER: both('udp6', c['IPV6_PMTUDISC_DO']),
  IPV6_MTU: custom(async (option, sockets) => {
    expect(get(await sockets.connectedUdp6(), option)).toBe(65536)
    expect(codeOf(() => get(sockets.udp6(), option))).toBe('ENOTCONN')
    set(sockets.udp6(), option, 1400)
  }),
  IPV6_RECVERR: onOff('udp6'),
  IPV6_RECVERR_RFC4884: onOff('udp6'),
  IPV6_V6ONLY: onOff('udp6'),
  IPV6_JOIN_ANYCAST: refused('udp6', { set: 'EADDRNOTAVAIL' }, 'the address is not on a link', {
    group: '2001:db8::5',
  }),
  IPV6_LEAVE_ANYCAST: reached('udp6', { group: '2001:db8::5' }, 'ENOENT'),
  IPV6_MULTICAST_ALL: onOff('udp6'),
  IPV6_FLOWLABEL_MGR: custom((_option, sockets) => {
    const socket = sockets.udp6()
    const option = options.IPV6_FLOWLABEL_MGR
    const label = {
      flr_dst: '::1',
      flr_label: 0x12345,
      flr_action: c['IPV6_FL_A_GET']!,
      flr_share: c['IPV6_FL_S_EXCL']!,
      flr_flags: c['IPV6_FL_F_CREATE']!,
      flr_expires: 60,
      flr_linger: 6,
    }
    set(socket, option, label)
    set(socket, options.IPV6_FLOWINFO_SEND, true)
    set(socket, option, { ...label, flr_action: c['IPV6_FL_A_PUT']! })
    // the last message of the peer: none so far
    const remote = { ...label, flr_flags: c['IPV6_FL_F_REMOTE']! }
    expect(get(socket, query(option, remote))).toMatchObject({ flr_label: 0 })
  }),
  IPV6_FLOWINFO_SEND: onOff('udp6'),
  IPV6_IPSEC_POLICY: refused('udp6', { set: 'EOPNOTSUPP' }, 'no key management of KAME', Buffer.alloc(64)),
  IPV6_XFRM_POLICY: refused('udp6', { set: 'EINVAL' }, 'a policy of zeros is invalid', Buffer.alloc(168)),
  IPV6_HDRINCL: onOff('raw6'),
  MCAST6_JOIN_GROUP: write('udp6', { group: 'ff02::1:2', interface: 'lo' }),
  MCAST6_BLOCK_SOURCE: custom((option, sockets) => {
    const socket = sockets.udp6()
    set(socket, options.MCAST6_JOIN_GROUP, group)
    set(socket, option, { ...group, source: '2001:db8::1' })
  }),
  MCAST6_UNBLOCK_SOURCE: custom((option, sockets) => {
    const socket = sockets.udp6()
    set(socket, options.MCAST6_JOIN_GROUP, group)
    set(socket, options.MCAST6_BLOCK_SOURCE, { ...group, source: '2001:db8::1' })
    set(socket, option, { ...group, source: '2001:db8::1' })
  }),
  MCAST6_LEAVE_GROUP: pair('MCAST6_JOIN_GROUP', group),
  MCAST6_JOIN_SOURCE_GROUP: write('udp6', source),
  MCAST6_LEAVE_SOURCE_GROUP: pair('MCAST6_JOIN_SOURCE_GROUP', source),
  MCAST6_MSFILTER: custom((_option, sockets) => {
    const socket = sockets.udp6()
    const option = options.MCAST6_MSFILTER
    set(socket, options.MCAST6_JOIN_GROUP, group)
    const value = { ...group, mode: 'include', sources: ['2001:db8::1', '2001:db8::2'] } as const
    set(socket, option, value)
    expect(get(socket, query(option, { ...value, sources: [] }))).toEqual(value)
  }),
  IPV6_RECVPKTINFO: onOff('udp6'),
  IPV6_PKTINFO: write('udp6', { address: '::1', interface: 'lo' }),
  IPV6_RECVHOPLIMIT: onOff('udp6'),
  IPV6_HOPLIMIT: refused(
    'udp6',
    { get: 'ENOPROTOOPT', set: 'ENOPROTOOPT' },
    'on Linux this is a type of control message',
  ),
  IPV6_RECVHOPOPTS: onOff('udp6'),
  IPV6_HOPOPTS: both('udp6', Buffer.from([0, 0, 5, 2, 0, 0, 1, 0])),
  IPV6_RTHDRDSTOPTS: both('udp6', Buffer.from([0, 0, 1, 4, 0, 0, 0, 0])),
  IPV6_RECVRTHDR: onOff('udp6'),
  IPV6_RTHDR: custom((option, sockets) => {
    expect(get(sockets.udp6(), option)).toHaveLength(0)
    const routing = Buffer.concat([Buffer.from([0, 2, 0, 1, 0, 0, 0, 0]), Buffer.alloc(16)])
    expect(codeOf(() => set(sockets.udp6(), option, routing))).toBe('EINVAL')
    set(sockets.udp6(), option, Buffer.alloc(0))
  }),
  IPV6_RECVDSTOPTS: onOff('udp6'),
  IPV6_DSTOPTS: both('udp6', Buffer.from([0, 0, 1, 4, 0, 0, 0, 0])),
  IPV6_RECVPATHMTU: onOff('udp6'),
  IPV6_PATHMTU: custom(async (option, sockets) => {
    expect(get(await sockets.connectedUdp6(), option)).toEqual({ address: null, mtu: 65536 })
    expect(codeOf(() => get(sockets.udp6(), option))).toBe('ENOTCONN')
  }),
  IPV6_DONTFRAG: onOff('udp6'),
  IPV6_RECVTCLASS: onOff('udp6'),
  IPV6_TCLASS: both('udp6', 0xb8),
  IPV6_AUTOFLOWLABEL: onOff('udp6'),
  IPV6_ADDR_PREFERENCES: custom((option, sockets) => {
    const socket = sockets.udp6()
    set(socket, option, c['IPV6_PREFER_SRC_TMP'])
    expect((get(socket, option) as number) & c['IPV6_PREFER_SRC_TMP']!).toBe(c['IPV6_PREFER_SRC_TMP'])
  }),
  IPV6_MINHOPCOUNT: both('udp6', 255),
  IPV6_RECVORIGDSTADDR: onOff('udp6'),
  IPV6_TRANSPARENT: onOff('udp6'),
  IPV6_UNICAST_IF: both('udp6', 'lo', 1),
  IPV6_RECVFRAGSIZE: onOff('udp6'),
  IPV6_FREEBIND: onOff('udp6'),
  IP6T_SO_ORIGINAL_DST: refused(
    'connected6',
    { get: 'ENOENT' },
    'the connection is not in the connection tracking table',
  ),
}

const noAo = (value?: Buffer): Row =>
  refused(
    'tcp',
    value === undefined ? { get: 'ENOPROTOOPT' } : { set: 'ENOPROTOOPT' },
    'CONFIG_TCP_AO is off',
    value,
  )

/** Makes a TCP connection in repair mode. */
const inRepair = (run: (socket: Socket, option: never) => void): Row =>
  custom(async (option, sockets) => {
    const socket = await sockets.connected()
    set(socket, options.TCP_REPAIR, c['TCP_REPAIR_ON'])
    run(socket, option as never)
    set(socket, options.TCP_REPAIR, c['TCP_REPAIR_OFF_NO_WP'])
  })

const ofTcp: Record<string, Row> = {
  TCP_NODELAY: onOff('tcp'),
  TCP_MAXSEG: both('tcp', 1000),
  TCP_CORK: onOff('tcp'),
  TCP_KEEPIDLE: both('tcp', 30),
  TCP_KEEPINTVL: both('tcp', 5),
  TCP_KEEPCNT: both('tcp', 3),
  TCP_SYNCNT: custom((option, sockets) => {
    const socket = sockets.tcp()
    set(socket, option, 127)
    expect(get(socket, option)).toBe(127)
    expect(codeOf(() => set(socket, option, 128))).toBe('EINVAL')
  }),
  TCP_LINGER2: both('tcp', 1000, 120),
  TCP_DEFER_ACCEPT: both('tcp', 5, 7),
  TCP_WINDOW_CLAMP: both('tcp', 30000),
  TCP_INFO: custom(async (option, sockets) => {
    const info = get(await sockets.connected(), option) as Record<string, number | bigint>
    expect(info).toMatchObject({ tcpi_state: c['TCP_ESTABLISHED'], tcpi_unacked: 0, tcpi_bytes_sent: 0n })
    expect(info['tcpi_snd_mss']).toBeGreaterThan(500)
    expect(info['tcpi_snd_wscale']).toBeGreaterThan(0)
    expect(typeof info['tcpi_pacing_rate']).toBe('bigint')
  }),
  TCP_QUICKACK: onOff('tcp'),
  TCP_CONGESTION: custom((option, sockets) => {
    const socket = sockets.tcp()
    set(socket, option, 'reno')
    expect(get(socket, option)).toBe('reno')
    expect(codeOf(() => set(socket, option, 'nothing'))).toBe('ENOENT')
  }),
  TCP_MD5SIG: write(
    'tcp',
    { address: '127.0.0.2', key: Buffer.from('secret') },
    { address: '127.0.0.2', key: Buffer.alloc(0) },
  ),
  TCP_THIN_LINEAR_TIMEOUTS: onOff('tcp'),
  TCP_THIN_DUPACK: both('tcp', true, false),
  TCP_USER_TIMEOUT: both('tcp', 12345),
  TCP_REPAIR: custom((option, sockets) => {
    const socket = sockets.tcp()
    set(socket, option, c['TCP_REPAIR_ON'])
    expect(get(socket, option)).toBe(1)
    set(socket, option, c['TCP_REPAIR_OFF'])
  }),
  TCP_REPAIR_QUEUE: inRepair((socket, option) => {
    set(socket, option, c['TCP_SEND_QUEUE'])
    expect(get(socket, option)).toBe(c['TCP_SEND_QUEUE'])
  }),
  TCP_QUEUE_SEQ: custom((option, sockets) => {
    const socket = sockets.tcp()
    set(socket, options.TCP_REPAIR, 1)
    set(socket, options.TCP_REPAIR_QUEUE, c['TCP_SEND_QUEUE'])
    set(socket, option, 0xfedcba98)
    expect(get(socket, option)).toBe(0xfedcba98)
    set(socket, options.TCP_REPAIR, c['TCP_REPAIR_OFF_NO_WP'])
  }),
  TCP_REPAIR_OPTIONS: inRepair((socket, option) => set(socket, option, [{ opt_code: 2, opt_val: 1000 }])),
  TCP_FASTOPEN: both('tcp', 16),
  TCP_TIMESTAMP: inRepair((socket, option) => {
    set(socket, option, 100)
    expect(get(socket, option)).toEqual(number)
  }),
  TCP_NOTSENT_LOWAT: both('tcp', 16384),
  TCP_CC_INFO: read('connected', expect.any(Buffer)),
  TCP_SAVE_SYN: both('tcp', 1),
  TCP_SAVED_SYN: custom(async (option, sockets) => {
    const listener = sockets.tcp()
    set(listener, options.TCP_SAVE_SYN, 1)
    listener.bind(['127.0.0.1', 0]).listen()
    const [server] = await Promise.all([listener.accept(), sockets.tcp().connect(listener.getsockname())])
    expect((get(server, option) as Buffer).length).toBeGreaterThanOrEqual(40)
    expect(get(server, option)).toHaveLength(0)
    server.close()
  }),
  TCP_REPAIR_WINDOW: inRepair((socket, option) => {
    const value = get(socket, option)
    set(socket, option, value)
    expect(get(socket, option)).toEqual(value)
  }),
  TCP_FASTOPEN_CONNECT: onOff('tcp'),
  TCP_ULP: custom((option, sockets) => {
    expect(get(sockets.tcp(), option)).toBe('')
    expect(codeOf(() => set(sockets.tcp(), option, 'nothing'))).toBe('ENOENT')
  }),
  TCP_MD5SIG_EXT: write('tcp', { address: '10.0.0.0', key: Buffer.from('secret'), prefixLength: 8 }),
  TCP_FASTOPEN_KEY: both('tcp', Buffer.from('0123456789abcdef')),
  TCP_FASTOPEN_NO_COOKIE: onOff('tcp'),
  TCP_ZEROCOPY_RECEIVE: read('connected', { length: 0, recv_skip_hint: 0, inq: 0, err: 0 }),
  TCP_INQ: onOff('tcp'),
  TCP_TX_DELAY: both('tcp', 1000),
  TCP_AO_ADD_KEY: noAo(Buffer.alloc(288)),
  TCP_AO_DEL_KEY: noAo(Buffer.alloc(176)),
  TCP_AO_INFO: noAo(),
  TCP_AO_GET_KEYS: noAo(),
  TCP_AO_REPAIR: noAo(),
  TCP_IS_MPTCP: custom(async (option, sockets) => {
    expect(get(sockets.tcp(), option)).toBe(false)
    expect(get(await sockets.mptcp(), option)).toBe(true)
  }),
  TCP_RTO_MAX_MS: both('tcp', 5000),
  TCP_RTO_MIN_US: custom((option, sockets) => {
    const socket = sockets.tcp()
    set(socket, option, 100000)
    expect(get(socket, option)).toBeGreaterThanOrEqual(100000)
  }),
  TCP_DELACK_MAX_US: both('tcp', 40000),
}

const ofUdp: Record<string, Row> = {
  UDP_CORK: onOff('udp'),
  UDP_ENCAP: both('udp', c['UDP_ENCAP_ESPINUDP']),
  UDP_NO_CHECK6_TX: onOff('udp6'),
  UDP_NO_CHECK6_RX: onOff('udp6'),
  UDP_SEGMENT: both('udp', 1400),
  UDP_GRO: onOff('udp'),
  UDPLITE_SEND_CSCOV: both('udplite', 3, 8),
  UDPLITE_RECV_CSCOV: both('udplite', 20),
}

const ring = { tp_block_size: 4096, tp_block_nr: 2, tp_frame_size: 2048, tp_frame_nr: 4 }
const program = [{ code: 6, jt: 0, jf: 0, k: 0 }]
const promiscuous = { mr_ifindex: 1, mr_type: c['PACKET_MR_PROMISC']! }

const ofPacket: Record<string, Row> = {
  PACKET_ADD_MEMBERSHIP: write('packet', promiscuous),
  PACKET_DROP_MEMBERSHIP: write('packet', promiscuous),
  PACKET_RX_RING: custom((option, sockets) => {
    const socket = sockets.packet()
    expect(codeOf(() => set(socket, option, { ...ring, tp_frame_nr: 3 }))).toBe('EINVAL')
    set(socket, option, ring)
    expect(codeOf(() => set(socket, option, ring))).toBe('EBUSY')
    const third = sockets.packet()
    set(third, options.PACKET_VERSION, c['TPACKET_V3'])
    expect(codeOf(() => set(third, option, ring))).toBe('EINVAL')
    set(third, option, { ...ring, tp_retire_blk_tov: 10 })
  }),
  PACKET_STATISTICS: custom((option, sockets) => {
    expect(get(sockets.packet(), option)).toEqual({ tp_packets: 0, tp_drops: 0 })
    const third = sockets.packet()
    set(third, options.PACKET_VERSION, c['TPACKET_V3'])
    expect(get(third, option)).toEqual({ tp_packets: 0, tp_drops: 0, tp_freeze_q_cnt: 0 })
  }),
  PACKET_COPY_THRESH: both('packet', 100),
  PACKET_AUXDATA: onOff('packet'),
  PACKET_ORIGDEV: onOff('packet'),
  PACKET_VERSION: both('packet', c['TPACKET_V3']),
  PACKET_HDRLEN: custom((_option, sockets) => {
    const option = options.PACKET_HDRLEN
    expect(get(sockets.packet(), option)).toBe(48)
    expect(get(sockets.packet(), query(option, c['TPACKET_V2']!))).toBe(32)
  }),
  PACKET_RESERVE: both('packet', 64),
  PACKET_TX_RING: write('packet', ring),
  PACKET_LOSS: onOff('packet'),
  PACKET_VNET_HDR: onOff('packet'),
  PACKET_TIMESTAMP: both('packet', c['SOF_TIMESTAMPING_RAW_HARDWARE']),
  PACKET_FANOUT: custom((option, sockets) => {
    const value = { id: 77, type: c['PACKET_FANOUT_HASH']!, flags: c['PACKET_FANOUT_FLAG_ROLLOVER']! }
    expect(codeOf(() => set(sockets.packet(), option, value))).toBe('EINVAL')
    const [first, second] = [sockets.boundPacket(), sockets.boundPacket()]
    set(first, option, value)
    expect(get(first, option)).toEqual(value)
    set(second, option, { ...value, max_num_members: 256 })
  }),
  PACKET_TX_HAS_OFF: onOff('packet'),
  PACKET_QDISC_BYPASS: onOff('packet'),
  PACKET_ROLLOVER_STATS: custom((option, sockets) => {
    const socket = sockets.boundPacket()
    expect(codeOf(() => get(socket, option))).toBe('EINVAL')
    set(socket, options.PACKET_FANOUT, { id: 78, type: c['PACKET_FANOUT_ROLLOVER'] })
    expect(get(socket, option)).toEqual({ tp_all: 0n, tp_huge: 0n, tp_failed: 0n })
  }),
  PACKET_FANOUT_DATA: custom((option, sockets) => {
    const socket = sockets.boundPacket()
    set(socket, options.PACKET_FANOUT, { id: 79, type: c['PACKET_FANOUT_EBPF'] })
    expect(codeOf(() => set(socket, option, 0))).toBe('EINVAL')
    expect(codeOf(() => set(socket, option, program))).toBe('EINVAL')
    const classic = sockets.boundPacket()
    set(classic, options.PACKET_FANOUT, { id: 80, type: c['PACKET_FANOUT_CBPF'] })
    set(classic, option, program)
  }),
  PACKET_IGNORE_OUTGOING: onOff('packet'),
  PACKET_VNET_HDR_SZ: both('packet', 12),
}

const ofNetlink: Record<string, Row> = {
  NETLINK_ADD_MEMBERSHIP: custom((option, sockets) => {
    const socket = sockets.netlink()
    set(socket, option, c['RTNLGRP_NSID'])
    expect(get(socket, options.NETLINK_LIST_MEMBERSHIPS)).toEqual([c['RTNLGRP_NSID']])
    expect(codeOf(() => set(socket, option, 100000))).toBe('EINVAL')
  }),
  NETLINK_DROP_MEMBERSHIP: custom((option, sockets) => {
    const socket = sockets.netlink()
    set(socket, options.NETLINK_ADD_MEMBERSHIP, c['RTNLGRP_LINK'])
    set(socket, option, c['RTNLGRP_LINK'])
    expect(get(socket, options.NETLINK_LIST_MEMBERSHIPS)).toEqual([])
  }),
  NETLINK_PKTINFO: onOff('netlink'),
  NETLINK_BROADCAST_ERROR: onOff('netlink'),
  NETLINK_NO_ENOBUFS: onOff('netlink'),
  NETLINK_LISTEN_ALL_NSID: onOff('netlink'),
  NETLINK_LIST_MEMBERSHIPS: custom((option, sockets) => {
    const socket = sockets.netlink()
    for (const group of [1, 8, 33]) set(socket, options.NETLINK_ADD_MEMBERSHIP, group)
    expect(get(socket, option)).toEqual([1, 8, 33])
  }),
  NETLINK_CAP_ACK: onOff('netlink'),
  NETLINK_EXT_ACK: onOff('netlink'),
  NETLINK_GET_STRICT_CHK: onOff('netlink'),
}

const vmci = 'only the VMCI transport has it'
const noTls = 'CONFIG_TLS is off'
const size = (value: number): Row => both('vsock', value, BigInt(value))

const ofRest: Record<string, Row> = {
  SO_VM_SOCKETS_BUFFER_SIZE: custom((option, sockets) => {
    const socket = sockets.vsock()
    set(socket, option, 100000)
    expect(get(socket, option)).toBe(100000n)
    set(socket, option, 1n)
    expect(get(socket, option)).toBe(get(socket, options.SO_VM_SOCKETS_BUFFER_MIN_SIZE))
  }),
  SO_VM_SOCKETS_BUFFER_MIN_SIZE: size(1024),
  SO_VM_SOCKETS_BUFFER_MAX_SIZE: size(500000),
  SO_VM_SOCKETS_PEER_HOST_VM_ID: refused('vsock', { get: 'ENOPROTOOPT' }, vmci),
  SO_VM_SOCKETS_TRUSTED: refused('vsock', { get: 'ENOPROTOOPT' }, vmci),
  SO_VM_SOCKETS_CONNECT_TIMEOUT: custom((option, sockets) => {
    const socket = sockets.vsock()
    expect(get(socket, option)).toBe(2000)
    set(socket, option, 500)
    expect(get(socket, option)).toBe(500)
  }),
  SO_VM_SOCKETS_CONNECT_TIMEOUT_NEW: both('vsock', 1500),
  SO_VM_SOCKETS_NONBLOCK_TXRX: refused('vsock', { get: 'ENOPROTOOPT', set: 'ENOPROTOOPT' }, vmci),

  XDP_MMAP_OFFSETS: custom((option, sockets) => {
    const offsets = get(sockets.xdp(), option) as Record<string, { producer: bigint; desc: bigint }>
    expect(Object.keys(offsets)).toEqual(['rx', 'tx', 'fr', 'cr'])
    for (const { producer, desc } of Object.values(offsets)) expect(desc).toBeGreaterThan(producer)
  }),
  XDP_RX_RING: custom((option, sockets) => {
    expect(codeOf(() => set(sockets.xdp(), option, 63))).toBe('EINVAL')
    set(sockets.xdp(), option, 64)
  }),
  XDP_TX_RING: write('xdp', 64),
  XDP_UMEM_REG: reached('xdp', { addr: 0n, len: 0, chunk_size: 2048, headroom: 0 }, 'EINVAL'),
  XDP_UMEM_FILL_RING: write('xdp', 64),
  XDP_UMEM_COMPLETION_RING: write('xdp', 64),
  XDP_STATISTICS: custom((option, sockets) => {
    expect(get(sockets.xdp(), option)).toMatchObject({ rx_dropped: 0n, tx_ring_empty_descs: 0n })
  }),
  XDP_OPTIONS: read('xdp', 0),
  XDP_MAX_TX_SKB_BUDGET: custom((option, sockets) => {
    const socket = sockets.xdp()
    expect(codeOf(() => set(socket, option, 32))).toBe('EACCES')
    set(socket, options.XDP_TX_RING, 64)
    set(socket, option, 32)
  }),

  TLS_TX: refused('connected', { get: 'EOPNOTSUPP', set: 'ENOPROTOOPT' }, noTls, {
    version: c['TLS_1_2_VERSION'],
    cipher_type: c['TLS_CIPHER_AES_GCM_128'],
    iv: Buffer.alloc(8),
    key: Buffer.alloc(16),
    salt: Buffer.alloc(4),
    rec_seq: Buffer.alloc(8),
  }),
  TLS_RX: refused('connected', { get: 'EOPNOTSUPP' }, noTls),
  TLS_TX_ZEROCOPY_RO: refused('connected', { set: 'ENOPROTOOPT' }, noTls, true),
  TLS_RX_EXPECT_NO_PAD: refused('connected', { set: 'ENOPROTOOPT' }, noTls, true),
  TLS_TX_MAX_PAYLOAD_LEN: refused('connected', { set: 'ENOPROTOOPT' }, noTls, 1000),

  MPTCP_INFO: custom(async (option, sockets) => {
    const info = get(await sockets.mptcp(), option) as Record<string, unknown>
    expect(info).toMatchObject({ mptcpi_subflows: 0, mptcpi_bytes_sent: 0n })
    expect(info['mptcpi_token']).not.toBe(0)
  }),
  MPTCP_TCPINFO: custom(async (option, sockets) => {
    const [info] = get(await sockets.mptcp(), option) as Record<string, unknown>[]
    expect(info).toMatchObject({ tcpi_state: c['TCP_ESTABLISHED'], tcpi_total_retrans: 0 })
  }),
  MPTCP_SUBFLOW_ADDRS: custom(async (option, sockets) => {
    const socket = await sockets.mptcp()
    const [ends] = get(socket, option) as SubflowAddresses[]
    expect(ends!.local!.equals(socket.getsockname())).toBe(true)
    expect(ends!.remote!.equals(socket.getpeername())).toBe(true)
  }),
  MPTCP_FULL_INFO: custom(async (option, sockets) => {
    const info = get(await sockets.mptcp(), option) as Record<string, unknown>
    expect(info).toMatchObject({ num_subflows: 1, mptcp_info: { mptcpi_subflows: 0 } })
  }),
}

export const otherRows: Readonly<Record<string, Row>> = {
  ...ofIpv6,
  ...ofTcp,
  ...ofUdp,
  ...ofPacket,
  ...ofNetlink,
  ...ofRest,
}
