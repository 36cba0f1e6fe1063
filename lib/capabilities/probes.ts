import { closeSync, openSync } from 'node:fs'
import { MessageBatch } from '../message/batch'
import { constants } from '../constants'
import { systemError, unsupported, type SocketError } from '../errors'
import { native } from '../binding/binding'
import type { Privilege } from './privileges'
import { Socket } from '../socket/sync'

/** How to test a feature, and the usual reasons if it is missing. */
export interface Probe {
  description: string
  /** Makes the real system call, and throws its error. Leaves no state behind, and sends no packet. */
  attempt(): void
  privilege?: Privilege
  /** The kernel module that provides the feature. */
  module?: string
  /** The setting that can disable the feature, with the value that enables it. */
  sysctl?: string
  /** The first version of Linux with the feature, or a build option of the kernel. */
  kernel?: string
}

/** Returns a constant. Throws ENOSYS with its name if this system does not have it. */
function need(name: string): number {
  const value = constants[name]
  if (value === undefined) throw unsupported(name, name.startsWith('SO_') ? 'setsockopt' : 'socket')
  return value
}

/** Creates a socket, calls `use`, and closes the socket. */
function withSocket(family: string, type: string, protocol = 0, use?: (socket: Socket) => void): void {
  const socket = new Socket(need(family), need(type), protocol)
  try {
    use?.(socket)
  } finally {
    socket.close()
  }
}

function withPair(use: (a: Socket, b: Socket) => void): void {
  const [a, b] = Socket.pair()
  try {
    use(a, b)
  } finally {
    a.close()
    b.close()
  }
}

/** Returns a probe that sets an option to a number. */
function option(type: string, level: string, name: string, value: number): () => void {
  return () => withSocket('AF_INET', type, 0, socket => socket.setsockopt(need(level), need(name), value))
}

/** Returns a probe that creates a socket. */
function family(name: string, type: string, protocol = 0): () => void {
  return () => withSocket(name, type, protocol)
}

/** Makes a call that always fails here. Errors in `codes` show that the kernel supports the call. */
function knownBy(codes: string[], call: () => void): void {
  try {
    call()
  } catch (error) {
    if (!codes.includes((error as SocketError).code)) throw error
  }
}

function abstract(): void {
  // uncovered: the other branch is for another system
  if (process.platform !== 'linux') throw unsupported('an abstract AF_UNIX name', 'bind')
  withSocket('AF_UNIX', 'SOCK_DGRAM', 0, socket => void socket.bind('')) // the kernel chooses an unused name
}

function sendfile(): void {
  withPair(a => {
    const file = openSync(process.execPath, 'r')
    try {
      const sent = native.raw.sendfile(a.fd, file, 0, 1)
      if (sent < 0) throw systemError('sendfile', sent) // uncovered: only on a kernel that lacks the feature
    } finally {
      closeSync(file)
    }
  })
}

// Neither end is a pipe, so splice(2) fails with EINVAL if it exists.
function splice(): void {
  withPair((a, b) => {
    knownBy(['EINVAL'], () => {
      const moved = native.raw.splice(a.fd, null, b.fd, null, 1, 0)
      if (moved < 0) throw systemError('splice', moved) // uncovered: only on a kernel that lacks the feature
    })
  })
}

function errorQueue(): void {
  withSocket('AF_INET', 'SOCK_DGRAM', 0, socket => {
    socket.setsockopt(need('IPPROTO_IP'), need('IP_RECVERR'), 1)
    socket.tryRecvmsg(1, { flags: need('MSG_ERRQUEUE') }) // null: the queue exists and is empty
  })
}

// Uses an interface that cannot exist, because a successful join would send packets to the network.
function sourceMembership(): void {
  const request = Buffer.alloc(12, 255)
  request.set([232, 0, 0, 1])
  withSocket('AF_INET', 'SOCK_DGRAM', 0, socket => {
    knownBy(['ENODEV', 'EADDRNOTAVAIL', 'EINVAL', 'ENXIO'], () => {
      socket.setsockopt(need('IPPROTO_IP'), need('IP_ADD_SOURCE_MEMBERSHIP'), request)
    })
  })
}

function descriptors(): void {
  withPair((a, b) => {
    a.sendFds(Buffer.from('x'), [a])
    for (const handle of b.recvFds(1, 1, { timeout: 0 }).fds) handle.close()
  })
}

function credentials(): void {
  withPair(a => {
    // uncovered: the other branch is for another system
    if (process.platform === 'darwin') a.getsockopt(need('SOL_LOCAL'), need('LOCAL_PEERCRED'), 76)
    else {
      a.getsockopt(need('SOL_SOCKET'), need('SO_PEERCRED'), 12)
      a.setsockopt(need('SOL_SOCKET'), need('SO_PASSCRED'), 1)
    }
  })
}

// Only an established connection can use TLS. If the kernel has the module, it fails with ENOTCONN.
function tls(): void {
  withSocket('AF_INET', 'SOCK_STREAM', 0, socket => {
    knownBy(['ENOTCONN'], () => {
      socket.setsockopt(need('IPPROTO_TCP'), need('TCP_ULP'), Buffer.from('tls\0'))
    })
  })
}

// Two blocks of one page. The socket is not bound, so it receives nothing.
function packetRing(): void {
  withSocket('AF_PACKET', 'SOCK_RAW', 0, socket => {
    const page = native.pageSize()
    const failed = native.ringOpen(socket.channel.id, page, 2, page, 1)
    // uncovered: only on a kernel that lacks the feature
    if (failed < 0) throw systemError('setsockopt', failed, { subject: 'PACKET_RX_RING' })
  })
}

function namespace(): void {
  new Socket(undefined, undefined, 0, { netns: '/proc/thread-self/ns/net' }).close()
}

/** All features, in the order of the report. */
export const probes = {
  ipv6: {
    description: 'IPv6',
    attempt: () =>
      withSocket('AF_INET6', 'SOCK_DGRAM', 0, socket => void socket.bind({ address: '::1', port: 0 })),
    module: 'ipv6',
    sysctl: 'net.ipv6.conf.all.disable_ipv6=0 and net.ipv6.conf.lo.disable_ipv6=0',
  },
  seqpacket: {
    description: 'AF_UNIX SOCK_SEQPACKET: connections that keep message boundaries',
    attempt: family('AF_UNIX', 'SOCK_SEQPACKET'),
  },
  abstract: { description: 'abstract AF_UNIX names, without a file', attempt: abstract },
  fdpass: { description: 'passing descriptors over AF_UNIX (SCM_RIGHTS)', attempt: descriptors },
  credentials: { description: 'credentials of the peer of an AF_UNIX socket', attempt: credentials },
  pidfd: {
    description: 'pidfd of the sender on AF_UNIX (SO_PASSPIDFD)',
    attempt: () =>
      withSocket('AF_UNIX', 'SOCK_DGRAM', 0, socket => {
        socket.setsockopt(need('SOL_SOCKET'), need('SO_PASSPIDFD'), 1)
      }),
    kernel: 'Linux 6.5',
  },
  sendfile: { description: 'sending a file without a copy (sendfile)', attempt: sendfile },
  splice: { description: 'moving data between sockets without a copy (splice)', attempt: splice },
  zerocopy: {
    description: 'sending memory without a copy (MSG_ZEROCOPY)',
    attempt: option('SOCK_STREAM', 'SOL_SOCKET', 'SO_ZEROCOPY', 1),
    kernel: 'Linux 4.14',
  },
  gso: {
    description: 'one UDP send becomes many datagrams (UDP_SEGMENT)',
    attempt: option('SOCK_DGRAM', 'IPPROTO_UDP', 'UDP_SEGMENT', 1400),
    kernel: 'Linux 4.18',
  },
  gro: {
    description: 'many UDP datagrams in one receive (UDP_GRO)',
    attempt: option('SOCK_DGRAM', 'IPPROTO_UDP', 'UDP_GRO', 1),
    kernel: 'Linux 5.0',
  },
  recvmmsg: {
    description: 'many messages in one call (recvmmsg, sendmmsg)',
    attempt: () =>
      withSocket('AF_INET', 'SOCK_DGRAM', 0, socket => {
        socket.tryRecvmmsg(new MessageBatch({ count: 1, size: 1 })) // null: the call exists, and no message came
      }),
  },
  reuseport: {
    description: 'several sockets on one port (SO_REUSEPORT)',
    attempt: option('SOCK_STREAM', 'SOL_SOCKET', 'SO_REUSEPORT', 1),
  },
  errqueue: { description: 'ICMP errors and transmit timestamps (MSG_ERRQUEUE)', attempt: errorQueue },
  timestamping: {
    description: 'software receive and transmit timestamps (SO_TIMESTAMPING)',
    attempt: () =>
      option('SOCK_DGRAM', 'SOL_SOCKET', 'SO_TIMESTAMPING',
        need('SOF_TIMESTAMPING_SOFTWARE') | need('SOF_TIMESTAMPING_RX_SOFTWARE'))(), // prettier-ignore
  },
  busypoll: {
    description: 'the kernel polls the device before it sleeps (SO_BUSY_POLL)',
    attempt: option('SOCK_DGRAM', 'SOL_SOCKET', 'SO_BUSY_POLL', 50),
    privilege: 'CAP_NET_ADMIN',
    kernel: 'CONFIG_NET_RX_BUSY_POLL',
  },
  ssm: { description: 'source-specific multicast (IGMPv3)', attempt: sourceMembership },
  mptcp: {
    description: 'Multipath TCP',
    attempt: () => withSocket('AF_INET', 'SOCK_STREAM', need('IPPROTO_MPTCP')),
    sysctl: 'net.mptcp.enabled=1',
    kernel: 'Linux 5.6 with CONFIG_MPTCP',
  },
  udplite: {
    description: 'UDP-Lite',
    attempt: () => withSocket('AF_INET', 'SOCK_DGRAM', need('IPPROTO_UDPLITE')),
    kernel: 'a kernel that still has UDP-Lite',
  },
  tls: {
    description: 'TLS records in the kernel (kTLS)',
    attempt: tls,
    module: 'tls',
    kernel: 'Linux 4.13 with CONFIG_TLS',
  },
  ping: {
    description: 'ICMP echo without privileges',
    attempt: () => withSocket('AF_INET', 'SOCK_DGRAM', need('IPPROTO_ICMP')),
    sysctl: 'net.ipv4.ping_group_range="0 2147483647"',
  },
  raw: {
    description: 'raw IP (SOCK_RAW)',
    attempt: () => withSocket('AF_INET', 'SOCK_RAW', need('IPPROTO_RAW')),
    privilege: 'CAP_NET_RAW',
  },
  packet: {
    description: 'link-layer frames (AF_PACKET)',
    attempt: family('AF_PACKET', 'SOCK_RAW'), // protocol 0 receives nothing
    privilege: 'CAP_NET_RAW',
    module: 'af_packet',
  },
  'packet-ring': {
    description: 'frames through memory shared with the kernel (TPACKET_V3)',
    attempt: packetRing,
    privilege: 'CAP_NET_RAW',
    module: 'af_packet',
    kernel: 'Linux 3.2 with CONFIG_PACKET_MMAP, and memory for the ring',
  },
  xdp: {
    description: 'frames through shared rings (AF_XDP)',
    attempt: family('AF_XDP', 'SOCK_RAW'),
    privilege: 'CAP_NET_RAW',
    kernel: 'Linux 4.18 with CONFIG_XDP_SOCKETS',
  },
  netns: {
    description: 'sockets in another network namespace',
    attempt: namespace,
    privilege: 'CAP_SYS_ADMIN',
  },
  netlink: {
    description: 'links, addresses and routes of the kernel (AF_NETLINK)',
    attempt: family('AF_NETLINK', 'SOCK_RAW'),
  },
  vsock: {
    description: 'between virtual machine and host (AF_VSOCK)',
    attempt: family('AF_VSOCK', 'SOCK_STREAM'),
    module: 'vsock (and vsock_loopback for connections within this host)',
  },
  can: {
    description: 'CAN bus',
    attempt: () => withSocket('AF_CAN', 'SOCK_RAW', need('CAN_RAW')),
    module: 'can_raw',
  },
  bluetooth: {
    description: 'Bluetooth',
    attempt: () => withSocket('AF_BLUETOOTH', 'SOCK_SEQPACKET', need('BTPROTO_L2CAP')),
    module: 'bluetooth',
  },
  tipc: { description: 'TIPC', attempt: family('AF_TIPC', 'SOCK_RDM'), module: 'tipc' },
  alg: {
    description: 'crypto interface of the kernel (AF_ALG)',
    attempt: family('AF_ALG', 'SOCK_SEQPACKET'),
    module: 'af_alg',
  },
} satisfies Record<string, Probe>
