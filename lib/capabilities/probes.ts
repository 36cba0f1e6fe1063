import { closeSync, openSync } from 'node:fs'
import { MessageBatch } from '../message/batch'
import { constants } from '../constants'
import { systemError, unsupported, type SocketError } from '../errors'
import { native } from '../binding/binding'
import type { Privilege } from './privileges'
import { Socket } from '../socket/sync'

/** A feature: how to ask the kernel for it, and what may stand in the way. */
export interface Probe {
  description: string
  /** Makes the real call and throws what the kernel says. Leaves nothing behind, and no packet goes out. */
  attempt(): void
  privilege?: Privilege
  /** The kernel module that brings it. */
  module?: string
  /** The setting that can take it away, and what it should be. */
  sysctl?: string
  /** The release of Linux that brought it, or a build option of the kernel. */
  kernel?: string
}

/** A constant that this system has; ENOSYS naming it where it has none. */
function need(name: string): number {
  const value = constants[name]
  if (value === undefined) throw unsupported(name, name.startsWith('SO_') ? 'setsockopt' : 'socket')
  return value
}

/** Makes a socket, does something with it, and closes it. */
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

/** An option that can be set to a number. */
function option(type: string, level: string, name: string, value: number): () => void {
  return () => withSocket('AF_INET', type, 0, socket => socket.setsockopt(need(level), need(name), value))
}

/** A socket that can be made. */
function family(name: string, type: string, protocol = 0): () => void {
  return () => withSocket(name, type, protocol)
}

/** A call that cannot succeed here, but whose failure shows that the kernel knows it. */
function knownBy(codes: string[], call: () => void): void {
  try {
    call()
  } catch (error) {
    if (!codes.includes((error as SocketError).code)) throw error
  }
}

function abstract(): void {
  if (process.platform !== 'linux') throw unsupported('an abstract AF_UNIX name', 'bind')
  withSocket('AF_UNIX', 'SOCK_DGRAM', 0, socket => void socket.bind('')) // autobind takes a free one
}

function sendfile(): void {
  withPair(a => {
    const file = openSync(process.execPath, 'r')
    try {
      const sent = native.raw.sendfile(a.fd, file, 0, 1)
      if (sent < 0) throw systemError('sendfile', sent)
    } finally {
      closeSync(file)
    }
  })
}

// Neither end is a pipe, which splice(2) refuses when it exists.
function splice(): void {
  withPair((a, b) => {
    knownBy(['EINVAL'], () => {
      const moved = native.raw.splice(a.fd, null, b.fd, null, 1, 0)
      if (moved < 0) throw systemError('splice', moved)
    })
  })
}

function errorQueue(): void {
  withSocket('AF_INET', 'SOCK_DGRAM', 0, socket => {
    socket.setsockopt(need('IPPROTO_IP'), need('IP_RECVERR'), 1)
    socket.tryRecvmsg(1, { flags: need('MSG_ERRQUEUE') }) // null: it is there, and empty
  })
}

// On an interface that cannot exist: what is joined is told to the network.
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
    if (process.platform === 'darwin') a.getsockopt(need('SOL_LOCAL'), need('LOCAL_PEERCRED'), 76)
    else {
      a.getsockopt(need('SOL_SOCKET'), need('SO_PEERCRED'), 12)
      a.setsockopt(need('SOL_SOCKET'), need('SO_PASSCRED'), 1)
    }
  })
}

// Only an established connection can be encrypted: the kernel says so when it has the module.
function tls(): void {
  withSocket('AF_INET', 'SOCK_STREAM', 0, socket => {
    knownBy(['ENOTCONN'], () => {
      socket.setsockopt(need('IPPROTO_TCP'), need('TCP_ULP'), Buffer.from('tls\0'))
    })
  })
}

// Two blocks of a page; not bound, so nothing is received.
function packetRing(): void {
  withSocket('AF_PACKET', 'SOCK_RAW', 0, socket => {
    const page = native.pageSize()
    const failed = native.ringOpen(socket.channel.id, page, 2, page, 1)
    if (failed < 0) throw systemError('setsockopt', failed, { subject: 'PACKET_RX_RING' })
  })
}

function namespace(): void {
  new Socket(undefined, undefined, 0, { netns: '/proc/thread-self/ns/net' }).close()
}

/** Every feature that has a name, in the order in which people read them. */
export const probes = {
  ipv6: {
    description: 'IPv6',
    attempt: () =>
      withSocket('AF_INET6', 'SOCK_DGRAM', 0, socket => void socket.bind({ address: '::1', port: 0 })),
    module: 'ipv6',
    sysctl: 'net.ipv6.conf.all.disable_ipv6=0 and net.ipv6.conf.lo.disable_ipv6=0',
  },
  seqpacket: {
    description: 'AF_UNIX SOCK_SEQPACKET: connections that keep message borders',
    attempt: family('AF_UNIX', 'SOCK_SEQPACKET'),
  },
  abstract: { description: 'abstract AF_UNIX names, without a file', attempt: abstract },
  fdpass: { description: 'descriptors over AF_UNIX (SCM_RIGHTS)', attempt: descriptors },
  credentials: { description: 'who is at the other end of an AF_UNIX socket', attempt: credentials },
  pidfd: {
    description: 'the same as a pidfd (SO_PASSPIDFD)',
    attempt: () =>
      withSocket('AF_UNIX', 'SOCK_DGRAM', 0, socket => {
        socket.setsockopt(need('SOL_SOCKET'), need('SO_PASSPIDFD'), 1)
      }),
    kernel: 'Linux 6.5',
  },
  sendfile: { description: 'a file into a socket without copying it (sendfile)', attempt: sendfile },
  splice: { description: 'socket to socket without copying (splice)', attempt: splice },
  zerocopy: {
    description: 'sends that do not copy (MSG_ZEROCOPY)',
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
        socket.tryRecvmmsg(new MessageBatch({ count: 1, size: 1 })) // null: it is there, and nothing came
      }),
  },
  reuseport: {
    description: 'several sockets on one port (SO_REUSEPORT)',
    attempt: option('SOCK_STREAM', 'SOL_SOCKET', 'SO_REUSEPORT', 1),
  },
  errqueue: { description: 'ICMP errors and transmit times (MSG_ERRQUEUE)', attempt: errorQueue },
  timestamping: {
    description: 'receive and transmit times by software (SO_TIMESTAMPING)',
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
  ssm: { description: 'multicast from chosen sources (IGMPv3)', attempt: sourceMembership },
  mptcp: {
    description: 'Multipath TCP',
    attempt: () => withSocket('AF_INET', 'SOCK_STREAM', need('IPPROTO_MPTCP')),
    sysctl: 'net.mptcp.enabled=1',
    kernel: 'Linux 5.6 with CONFIG_MPTCP',
  },
  udplite: {
    description: 'UDP-Lite',
    attempt: () => withSocket('AF_INET', 'SOCK_DGRAM', need('IPPROTO_UDPLITE')),
    kernel: 'a kernel that still has it',
  },
  tls: {
    description: 'TLS records made by the kernel (kTLS)',
    attempt: tls,
    module: 'tls',
    kernel: 'Linux 4.13 with CONFIG_TLS',
  },
  ping: {
    description: 'ICMP echo without privilege',
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
    description: 'frames in memory shared with the kernel (TPACKET_V3)',
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
    description: 'links, addresses and routes from the kernel (AF_NETLINK)',
    attempt: family('AF_NETLINK', 'SOCK_RAW'),
  },
  vsock: {
    description: 'virtual machine to host (AF_VSOCK)',
    attempt: family('AF_VSOCK', 'SOCK_STREAM'),
    module: 'vsock (and vsock_loopback to talk to oneself)',
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
    description: 'the kernel’s cryptography (AF_ALG)',
    attempt: family('AF_ALG', 'SOCK_SEQPACKET'),
    module: 'af_alg',
  },
} satisfies Record<string, Probe>
