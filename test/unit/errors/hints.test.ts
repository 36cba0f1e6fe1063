import { hint } from '../../../lib/errors/hints'
import { interfaceError, systemError, unsupported } from '../../../lib/errors'
import { errnoOf } from '../../../lib/errors/errno'

type Row = [
  syscall: string,
  code: string,
  context: Parameters<typeof hint>[2],
  linux: string,
  darwin?: string,
]

const inet = { address: { kind: 'inet' } }
const limit = 'the limit of one socket is the sysctl '
const member = (subject: string): { subject: string } => ({ subject: `${subject} 239.1.2.3` })

/** Linux has capabilities, other systems have root. Without a second text, the hint is the same on every system. */
const rows: Row[] = [
  ['socket', 'EPERM', { subject: 'AF_PACKET' }, 'needs CAP_NET_RAW: run as root, or setcap cap_net_raw+ep on a copy of node', 'needs root'],
  ['socket', 'EACCES', { subject: 'SOCK_RAW' }, 'needs CAP_NET_RAW: run as root, or setcap cap_net_raw+ep on a copy of node', 'needs root'],
  ['socket', 'EACCES', { subject: 'SOCK_DGRAM, IPPROTO_ICMP' }, 'needs a group of this process within the sysctl net.ipv4.ping_group_range, or SOCK_RAW with CAP_NET_RAW'],
  ['socket', 'EACCES', { subject: 'SOCK_STREAM' }, ''],
  ['socket', 'EACCES', {}, ''],
  ['socket', 'EMFILE', {}, 'the limit of open files of this process is reached: see ulimit -n'],
  ['accept', 'EMFILE', {}, 'the limit of open files of this process is reached: see ulimit -n'],
  ['setns', 'EPERM', {}, 'needs CAP_SYS_ADMIN, here and in the user namespace that owns that network'],
  ['setns', 'EINVAL', {}, 'that is not a network namespace'],
  ['setns', 'EBADF', {}, ''],
  ['sethostname', 'EPERM', {}, 'needs CAP_SYS_ADMIN', 'needs root'],
  ['sethostname', 'EINVAL', {}, ''],
  ['bind', 'EACCES', inet, 'a port below net.ipv4.ip_unprivileged_port_start needs CAP_NET_BIND_SERVICE', 'needs root'],
  ['bind', 'EACCES', { address: { kind: 'inet6' } }, 'a port below net.ipv4.ip_unprivileged_port_start needs CAP_NET_BIND_SERVICE', 'needs root'],
  ['bind', 'EACCES', { address: { kind: 'vsock' } }, 'a port below 1024 needs CAP_NET_BIND_SERVICE', 'needs root'],
  ['bind', 'EACCES', { address: { kind: 'unix' } }, ''],
  ['bind', 'EACCES', { address: null }, ''],
  ['bind', 'EPERM', { address: { kind: 'netlink' } }, 'the groups of this protocol need CAP_NET_ADMIN, those of NETLINK_AUDIT CAP_AUDIT_READ'],
  ['bind', 'EPERM', inet, ''],
  ['setsockopt', 'EADDRINUSE', member('MCAST_JOIN_GROUP'), 'this socket has already joined the group on that interface'],
  ['setsockopt', 'ENODEV', member('IP_ADD_MEMBERSHIP'), 'no such interface, or no route to the group: name an interface'],
  ['setsockopt', 'EADDRNOTAVAIL', member('MCAST_UNBLOCK_SOURCE'), 'this source is not blocked'],
  ['setsockopt', 'EADDRNOTAVAIL', member('MCAST_JOIN_SOURCE_GROUP'), 'this source is in the list already'],
  ['setsockopt', 'EADDRNOTAVAIL', member('IP_DROP_MEMBERSHIP'), 'this socket is not in the group'],
  ['setsockopt', 'EINVAL', member('IP_DROP_MEMBERSHIP'), ''],
  ['setsockopt', 'ENOBUFS', member('MCAST_JOIN_GROUP'), `${limit}net.ipv4.igmp_max_memberships for groups`, ''],
  ['setsockopt', 'ENOBUFS', member('MCAST_JOIN_SOURCE_GROUP'), `${limit}net.ipv4.igmp_max_memberships for groups and net.ipv4.igmp_max_msf for the sources of a group`, ''],
  ['setsockopt', 'ENOBUFS', { subject: 'MCAST_JOIN_SOURCE_GROUP ff02::1' }, `${limit}net.ipv6.mld_max_msf for the sources of a group`, ''],
  ['setsockopt', 'EPERM', { subject: 'SO_MARK' }, 'needs CAP_NET_ADMIN or CAP_NET_RAW', 'needs root'],
  ['setsockopt', 'EPERM', { subject: 'SO_BINDTODEVICE' }, 'needs CAP_NET_RAW', 'needs root'],
  ['setsockopt', 'EACCES', { subject: 'SO_RCVBUFFORCE' }, 'needs CAP_NET_ADMIN', 'needs root'],
  ['setsockopt', 'EINVAL', { subject: 'SO_MARK' }, ''],
  ['ioctl', 'EPERM', {}, 'needs CAP_NET_ADMIN', 'needs root'],
  ['ioctl', 'ENODEV', {}, ''],
  ['ioctl', 'EPERM', { refused: 'why' }, 'why'],
  ['setsockopt', 'EPERM', { subject: 'SO_ATTACH_FILTER', refused: 'why' }, 'why'],
  ['sendto', 'EACCES', inet, 'a broadcast address needs SO_BROADCAST'],
  ['sendto', 'EACCES', { address: { kind: 'unix' } }, ''],
  ['sendmsg', 'EPERM', { ...inet, control: true }, 'a mark or priority needs CAP_NET_ADMIN or CAP_NET_RAW, credentials of others CAP_SYS_ADMIN (pid), CAP_SETUID, CAP_SETGID'],
  ['sendto', 'EPERM', inet, 'a firewall refuses it'],
  ['send', 'EPERM', {}, ''],
  ['send', 'EPIPE', inet, ''],
  ['recv', 'ECONNRESET', {}, ''],
] // prettier-ignore

/** Runs with another process.platform; the hints read nothing else. */
function on<T>(platform: string, use: () => T): T {
  const real = Object.getOwnPropertyDescriptor(process, 'platform')!
  Object.defineProperty(process, 'platform', { ...real, value: platform })
  try {
    return use()
  } finally {
    Object.defineProperty(process, 'platform', real)
  }
}

test.each(rows)('the hint for %s %s %j', (syscall, code, context, linux, darwin = linux) => {
  expect(on('linux', () => hint(syscall, code, context))).toBe(linux)
  expect(on('darwin', () => hint(syscall, code, context))).toBe(darwin)
})

test('a hint is in brackets after the call, the code and the subject', () => {
  const error = systemError('recv', errnoOf('EMFILE'), { subject: 'it' })
  expect(error.message).toBe(
    'recv EMFILE it (the limit of open files of this process is reached: see ulimit -n)',
  )
  expect(systemError('recv', errnoOf('EAGAIN')).message).toBe('recv EAGAIN')
  expect(systemError('recv', -9999).message).toBe('recv 9999')
})

test('the error for a feature that the system lacks names the system', () => {
  expect(on('linux', () => unsupported('kqueue', 'kqueue').message)).toBe(
    'kqueue ENOSYS: kqueue does not exist on Linux',
  )
  expect(on('darwin', () => unsupported('AF_VSOCK', 'socket', 'EAFNOSUPPORT'))).toMatchObject({
    message: 'socket EAFNOSUPPORT: AF_VSOCK does not exist on macOS',
    code: 'EAFNOSUPPORT',
    errno: errnoOf('EAFNOSUPPORT'),
  })
})

test('the error for a missing interface names it, and another error of the call keeps its own text', () => {
  expect(interfaceError(errnoOf('ENODEV'), 'eth9').message).toContain('eth9')
  expect(interfaceError(errnoOf('ENFILE'), 'eth9').message).toBe('if_nametoindex ENFILE "eth9"')
})
