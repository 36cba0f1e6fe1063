import { append } from '../runtime/list'

/**
 * Returns advice for an error, such as the missing capability or the setting that is in the way. Returns `''` if the
 * call and the code do not clearly show the cause.
 */
export function hint(
  syscall: string,
  code: string,
  context: {
    subject?: string | undefined
    address?: unknown
    control?: boolean | undefined
    refused?: string | undefined
    device?: 'down' | 'deleted' | undefined
  },
): string {
  if (context.refused !== undefined) return context.refused
  if (context.device !== undefined)
    return context.device === 'down' ? 'the interface is down' : 'the interface was deleted'
  const subject = context.subject ?? ''
  if (syscall === 'socket') return ofSocket(code, subject)
  if (syscall === 'setns') return ofNamespace(code)
  if (syscall === 'sethostname' && code === 'EPERM') return orRoot('needs CAP_SYS_ADMIN')
  if (syscall === 'bind') return ofBind(code, context.address)
  if (syscall === 'setsockopt' && memberships.test(subject)) return ofMembership(code, subject)
  if (syscall === 'setsockopt') return ofOption(code, subject)
  if (syscall === 'ioctl' && code === 'EPERM') return orRoot('needs CAP_NET_ADMIN')
  if (syscall.startsWith('send')) return ofSend(syscall, code, context)
  if (code === 'EMFILE') return 'the limit of open files of this process is reached: see ulimit -n'
  if (syscall === 'connect' && code === 'EALREADY')
    return 'an earlier attempt failed, and the kernel does not let this socket connect again: create a new one'
  if (syscall === 'accept' && code === 'EINVAL') return 'call listen() first'
  if (syscall.startsWith('recv') && code === 'ENOTCONN') return 'call connect() first'
  if (syscall === 'socketpair' && code === 'EOPNOTSUPP') return 'only AF_UNIX and AF_TIPC have pairs'
  return ''
}

function ofSocket(code: string, subject: string): string {
  const denied = code === 'EPERM' || code === 'EACCES'
  if (denied && /SOCK_RAW|SOCK_PACKET|AF_PACKET|AF_XDP/.test(subject)) {
    return process.platform === 'linux'
      ? 'needs CAP_NET_RAW: run as root, or setcap cap_net_raw+ep on a copy of node'
      : 'needs root'
  }
  if (denied && subject.includes('IPPROTO_ICMP')) {
    return 'needs a group of this process within the sysctl net.ipv4.ping_group_range, or SOCK_RAW with CAP_NET_RAW'
  }
  if (code === 'EMFILE') return 'the limit of open files of this process is reached: see ulimit -n'
  return ''
}

function ofNamespace(code: string): string {
  if (code === 'EPERM') return 'needs CAP_SYS_ADMIN, here and in the user namespace that owns that network'
  return code === 'EINVAL' ? 'that is not a network namespace' : ''
}

/** The membership options of IP, without those of packet and netlink sockets. */
const memberships = /^(MCAST|IP|IPV6)_\w*(_GROUP|_MEMBERSHIP|_SOURCE)\b/

function ofMembership(code: string, subject: string): string {
  const bySource = subject.includes('SOURCE')
  switch (code) {
    case 'EADDRINUSE':
      return 'this socket has already joined the group on that interface'
    case 'ENOBUFS':
      return process.platform === 'linux' ? ofMembershipLimit(subject) : ''
    case 'ENODEV':
      return 'no such interface, or no route to the group: name an interface'
    case 'EADDRNOTAVAIL':
      if (subject.includes('UNBLOCK')) return 'this source is not blocked'
      return bySource ? 'this source is in the list already' : 'this socket is not in the group'
    default:
      return ''
  }
}

function ofMembershipLimit(subject: string): string {
  const v6 = /IPV6|:/.test(subject)
  const limits = /JOIN|ADD/.test(subject) && !v6 ? ['net.ipv4.igmp_max_memberships for groups'] : []
  if (subject.includes('SOURCE'))
    append(limits, `net.ipv${v6 ? '6.mld' : '4.igmp'}_max_msf for the sources of a group`)
  return `the limit of one socket is the sysctl ${limits.join(' and ')}`
}

function ofBind(code: string, address: unknown): string {
  const kind = kindOf(address)
  if (code === 'EACCES' && isInet(address)) {
    return orRoot('a port below net.ipv4.ip_unprivileged_port_start needs CAP_NET_BIND_SERVICE')
  }
  if (code === 'EACCES' && kind === 'vsock') return orRoot('a port below 1024 needs CAP_NET_BIND_SERVICE')
  if (code === 'EPERM' && kind === 'netlink') {
    return 'the groups of this protocol need CAP_NET_ADMIN, those of NETLINK_AUDIT CAP_AUDIT_READ'
  }
  return ''
}

/** Options that need another capability than CAP_NET_ADMIN, or that also fail for other reasons. */
const options: [names: RegExp, advice: string][] = [
  [/^(SO_MARK|SO_PRIORITY|IP_TRANSPARENT|IPV6_TRANSPARENT)$/, 'needs CAP_NET_ADMIN or CAP_NET_RAW'],
  [/^(SO_BINDTO|IPV6_(HOPOPTS|RTHDRDSTOPTS|RTHDR|DSTOPTS)$)/, 'needs CAP_NET_RAW'],
  [/^NETLINK_LISTEN_ALL_NSID$/, 'needs CAP_NET_BROADCAST'],
  [/^SO_(ATTACH|DETACH|LOCK)_/, 'SO_LOCK_FILTER forbids it, or a TCP socket needs CAP_NET_ADMIN for it'],
  [/^TCP_CONGESTION$/, 'needs CAP_NET_ADMIN outside net.ipv4.tcp_allowed_congestion_control'],
]

function ofOption(code: string, subject: string): string {
  if (code !== 'EPERM' && code !== 'EACCES') return ''
  return orRoot(options.find(each => each[0].test(subject))?.[1] ?? 'needs CAP_NET_ADMIN')
}

function ofSend(
  syscall: string,
  code: string,
  { address, control }: { address?: unknown; control?: boolean | undefined },
): string {
  if (code === 'EACCES' && isInet(address)) return 'a broadcast address needs SO_BROADCAST'
  if (code === 'EDESTADDRREQ')
    return `${syscall === 'send' ? 'use sendto()' : 'pass an address'}, or connect() first`
  if (code !== 'EPERM') return ''
  if (control === true) {
    return 'a mark or priority needs CAP_NET_ADMIN or CAP_NET_RAW, credentials of others CAP_SYS_ADMIN (pid), CAP_SETUID, CAP_SETGID'
  }
  return isInet(address) ? 'a firewall refuses it' : ''
}

/** Returns the advice on Linux, which has capabilities. Other systems need root. */
function orRoot(advice: string): string {
  return process.platform === 'linux' ? advice : 'needs root'
}

function isInet(address: unknown): boolean {
  const kind = kindOf(address)
  return kind === 'inet' || kind === 'inet6'
}

function kindOf(address: unknown): string | undefined {
  return (address as { kind?: string } | null | undefined)?.kind
}
