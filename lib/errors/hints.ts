/**
 * What a person needs to know beside the errno: the capability that is missing, or the setting that
 * stands in the way. Only where the call and the code leave no doubt.
 */
export function hint(
  syscall: string,
  code: string,
  context: { subject?: string | undefined; address?: unknown },
): string {
  const subject = context.subject ?? ''
  if (syscall === 'socket') return ofSocket(code, subject)
  if (syscall === 'setns') return ofNamespace(code)
  if (code === 'EACCES' && syscall === 'bind') return ofBind(context.address)
  if (syscall === 'setsockopt' && /^MCAST|_MEMBERSHIP|_SOURCE\b/.test(subject))
    return ofMembership(code, subject)
  if (code === 'EPERM' && (syscall === 'setsockopt' || syscall === 'ioctl')) {
    return process.platform === 'linux' ? 'needs CAP_NET_ADMIN' : 'needs root'
  }
  if (code === 'EACCES' && syscall === 'setsockopt' && process.platform === 'linux')
    return 'needs CAP_NET_ADMIN'
  if (code === 'EACCES' && (syscall === 'sendto' || syscall === 'send')) {
    return isInet(context.address) ? 'a broadcast address needs SO_BROADCAST' : ''
  }
  if (code === 'EMFILE') return 'the limit of open files of this process is reached: see ulimit -n'
  return ''
}

function ofSocket(code: string, subject: string): string {
  const denied = code === 'EPERM' || code === 'EACCES'
  if (denied && /SOCK_RAW|SOCK_PACKET|AF_PACKET|AF_XDP/.test(subject)) {
    return process.platform === 'linux'
      ? 'needs CAP_NET_RAW: run as root or setcap cap_net_raw+ep'
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

function ofMembership(code: string, subject: string): string {
  const bySource = subject.includes('SOURCE')
  switch (code) {
    case 'EADDRINUSE':
      return 'this socket hears the group on that interface already'
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
    limits.push(`net.ipv${v6 ? '6.mld' : '4.igmp'}_max_msf for the sources of a group`)
  return `the limit of one socket is the sysctl ${limits.join(' and ')}`
}

function ofBind(address: unknown): string {
  if (!isInet(address)) return ''
  return 'a port below net.ipv4.ip_unprivileged_port_start needs CAP_NET_BIND_SERVICE'
}

function isInet(address: unknown): boolean {
  const kind = (address as { kind?: string } | null | undefined)?.kind
  return kind === 'inet' || kind === 'inet6'
}
