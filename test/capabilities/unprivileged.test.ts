import { asNobody, ensureDist, prelude, runNodeAsNobody } from '../helpers/child'
import { missing, testIf } from '../helpers/need'
import { makeNamespace, type Namespace } from '../helpers/network'

/*
 * Calls every function that needs a privilege, as an unprivileged user. Checks the kernel's errno, and that the
 * message names the capability. To prove that it is the right one, the call must work with that capability alone.
 */
interface Case {
  name: string
  /** JavaScript code. `make(family, type, protocol, use)` opens a socket, calls `use`, and closes it. */
  call: string
  code: 'EPERM' | 'EACCES'
  syscall: string
  /** Each of these capabilities is enough. */
  capabilities: string[]
}

function option(socket: string, level: string, name: string, capabilities: string[], value = '1'): Case {
  const call = `make(${socket}, 0, s => s.setsockopt(c.${level}, c.${name}, ${value}))`
  return { name, call, code: 'EPERM', syscall: 'setsockopt', capabilities }
}

const admin = ['CAP_NET_ADMIN']
const raw = ['CAP_NET_RAW']
const either = ['CAP_NET_ADMIN', 'CAP_NET_RAW']
const udp = 'c.AF_INET, c.SOCK_DGRAM'
const udp6 = 'c.AF_INET6, c.SOCK_DGRAM'
const tcp = 'c.AF_INET, c.SOCK_STREAM'

function socket(name: string, args: string): Case {
  return { name, call: `make(${args})`, code: 'EPERM', syscall: 'socket', capabilities: raw }
}

function credentials(name: string, fields: string, capability: string): Case {
  const own = '{ pid: process.pid, uid: process.getuid(), gid: process.getgid(), '
  const call = `
    const [a, b] = Socket.pair()
    try { a.trySendmsg({ data: Buffer.from('x'), control: [c.control.credentials(${own}${fields} })] }) }
    finally { a.close(); b.close() }`
  return { name, call, code: 'EPERM', syscall: 'sendmsg', capabilities: [capability] }
}

const cases: Case[] = [
  socket('raw ICMP', 'c.AF_INET, c.SOCK_RAW, c.IPPROTO_ICMP'),
  socket('raw ICMPv6', 'c.AF_INET6, c.SOCK_RAW, c.IPPROTO_ICMPV6'),
  socket('packet', 'c.AF_PACKET, c.SOCK_RAW'),
  socket('packet without header', 'c.AF_PACKET, c.SOCK_DGRAM'),
  {
    name: 'openPacket',
    call: `c.openPacket({ interface: 'lo', promiscuous: true }).close()`,
    code: 'EPERM',
    syscall: 'socket',
    capabilities: raw,
  },
  ...(missing.socket(44, 3) === null ? [socket('XDP', 'c.AF_XDP, c.SOCK_RAW')] : []),
  {
    name: 'netns',
    call: `new Socket(${udp}, 0, { netns: '/proc/self/ns/net' }).close()`,
    code: 'EPERM',
    syscall: 'setns',
    capabilities: ['CAP_SYS_ADMIN'],
  },
  ...[`${tcp}|127.0.0.1`, `${udp}|127.0.0.1`, `${udp6}|::1`].map((what): Case => {
    const [kind, address] = what.split('|')
    return {
      name: `port 80 of ${what}`,
      call: `make(${kind}, 0, s => s.bind(['${address}', 80]))`,
      code: 'EACCES',
      syscall: 'bind',
      capabilities: ['CAP_NET_BIND_SERVICE'],
    }
  }),
  option(udp, 'SOL_SOCKET', 'SO_MARK', either),
  option(udp, 'SOL_SOCKET', 'SO_PRIORITY', either, '7'),
  option(udp, 'SOL_SOCKET', 'SO_RCVBUFFORCE', admin),
  option(udp, 'SOL_SOCKET', 'SO_SNDBUFFORCE', admin),
  { ...option(tcp, 'SOL_SOCKET', 'SO_DEBUG', admin), code: 'EACCES' },
  option(udp, 'SOL_SOCKET', 'SO_PREFER_BUSY_POLL', admin),
  option(udp, 'SOL_SOCKET', 'SO_BUSY_POLL_BUDGET', admin, '1000'),
  option(udp, 'SOL_SOCKET', 'SO_TXTIME', admin, 'Int32Array.of(11, 0)'), // CLOCK_TAI
  option(tcp, 'IPPROTO_TCP', 'TCP_REPAIR', admin),
  option(udp, 'IPPROTO_IP', 'IP_TRANSPARENT', either),
  option(udp6, 'IPPROTO_IPV6', 'IPV6_TRANSPARENT', either),
  option(udp6, 'IPPROTO_IPV6', 'IPV6_HOPOPTS', raw, 'Buffer.from([0, 0, 1, 4, 0, 0, 0, 0])'),
  option('c.AF_NETLINK, c.SOCK_RAW', 'SOL_NETLINK', 'NETLINK_LISTEN_ALL_NSID', ['CAP_NET_BROADCAST']),
  {
    name: 'leaving the device a socket is bound to',
    call: `make(${udp}, 0, s => {
      s.setsockopt(c.SOL_SOCKET, c.SO_BINDTODEVICE, Buffer.from('lo\\0')) // the first call needs no privilege
      s.setsockopt(c.SOL_SOCKET, c.SO_BINDTODEVICE, Buffer.from('\\0'))
    })`,
    code: 'EPERM',
    syscall: 'setsockopt',
    capabilities: raw,
  },
  {
    name: 'a filter on TCP',
    call: `make(${tcp}, 0, s => s.set(c.options.SO_ATTACH_FILTER, [{ code: 6, jt: 0, jf: 0, k: 65535 }]))`,
    code: 'EPERM',
    syscall: 'setsockopt',
    capabilities: admin,
  },
  {
    name: 'a netlink group of the firewall',
    call: `make(c.AF_NETLINK, c.SOCK_RAW, c.NETLINK_NETFILTER, s => s.bind({ pid: 0, groups: 1 }))`,
    code: 'EPERM',
    syscall: 'bind',
    capabilities: admin,
  },
  {
    name: 'changing an interface',
    call: `make(${udp}, 0, s => {
      const ifreq = Buffer.alloc(40)
      ifreq.write('lo')
      ifreq.writeInt16LE(0x49, 16) // IFF_UP | IFF_LOOPBACK | IFF_RUNNING: unchanged
      s.ioctl(c.constants.SIOCSIFFLAGS ?? 0x8914, ifreq)
    })`,
    code: 'EPERM',
    syscall: 'ioctl',
    capabilities: admin,
  },
  {
    name: 'a mark for one message',
    call: `make(${udp}, 0, s => {
      s.bind(['127.0.0.1', 0])
      const mark = { level: c.SOL_SOCKET, type: c.SO_MARK, data: Buffer.from([1, 0, 0, 0]) }
      s.trySendmsg({ data: Buffer.from('x'), address: s.getsockname(), control: [mark] })
    })`,
    code: 'EPERM',
    syscall: 'sendmsg',
    capabilities: either,
  },
  credentials('another process’s pid', 'pid: 1', 'CAP_SYS_ADMIN'),
  credentials('another user’s id', 'uid: 0', 'CAP_SETUID'),
  credentials('another group’s id', 'gid: 0', 'CAP_SETGID'),
]

interface Answer {
  code?: string
  syscall?: string
  message?: string
}

const script = `${prelude}
  function make(family, type, protocol, use) {
    const s = new Socket(family, type, protocol)
    try { use?.(s) } finally { s.close() }
  }
  const cases = [${cases.map(each => `() => { ${each.call} }`).join(',\n')}]
  console.log(JSON.stringify(cases.map(call => {
    try { call(); return {} }
    catch ({ code, syscall, message }) { return { code, syscall, message } }
  })))`

const none = missing.setpriv() ?? missing.network()

describe('without a privilege', () => {
  let alone: Namespace
  const answers = new Map<string, Answer[]>()

  async function ask(...capabilities: string[]): Promise<Answer[]> {
    const args = [...asNobody(...capabilities), process.execPath, '-e', script]
    const ended = await alone.run('setpriv', args)
    if (ended.code !== 0) throw new Error(ended.stderr)
    return JSON.parse(ended.stdout) as Answer[]
  }

  beforeAll(async () => {
    if (none !== null) return
    ensureDist()
    alone = await makeNamespace()
    answers.set('', await ask())
    for (const name of new Set(cases.flatMap(each => each.capabilities))) answers.set(name, await ask(name))
  })
  afterAll(() => alone?.close())

  cases.forEach((each, i) => {
    testIf(none, `${each.name} fails with ${each.code} and needs ${each.capabilities.join(' or ')}`, () => {
      const refused = answers.get('')![i]!
      expect(refused).toMatchObject({ code: each.code, syscall: each.syscall })
      for (const capability of each.capabilities) {
        expect(refused.message).toContain(capability)
        expect(answers.get(capability)![i]).toEqual({})
      }
    })
  })
})

testIf(
  missing.setpriv(),
  'an ICMP echo socket outside of the group range fails with EACCES, and the message names the sysctl',
  async () => {
    const ended = await runNodeAsNobody(`
    const fs = require('node:fs')
    if (/^1\\s+0/.test(fs.readFileSync('/proc/sys/net/ipv4/ping_group_range', 'latin1'))) {
      assert.throws(() => new Socket(c.AF_INET, c.SOCK_DGRAM, c.IPPROTO_ICMP), {
        code: 'EACCES', syscall: 'socket', message: /ping_group_range/ })
    } else new Socket(c.AF_INET, c.SOCK_DGRAM, c.IPPROTO_ICMP).close()
  `)
    expect(ended).toMatchObject({ code: 0, stderr: '' })
  },
)

testIf(missing.setpriv(), 'calls that need no privilege work as an unprivileged user', async () => {
  const ended = await runNodeAsNobody(`
    const [a, b] = Socket.pair(c.AF_UNIX, c.SOCK_SEQPACKET)
    a.trySendFds(Buffer.from('x'), [a])
    const { fds } = b.tryRecvFds(10, 1)
    assert.strictEqual(fds.length, 1)
    fds[0].close(); a.close(); b.close()
    const udp = new Socket(c.AF_INET, c.SOCK_DGRAM).bind(['127.0.0.1', 0])
    udp.setsockopt(c.SOL_SOCKET, c.SO_BINDTODEVICE, Buffer.from('lo\\0'))
    udp.setsockopt(c.SOL_SOCKET, c.SO_REUSEPORT, 1)
    udp.trySendto(Buffer.from('x'), udp.getsockname())
    assert.strictEqual(udp.tryRecv(10).length, 1)
    udp.close()
    new Socket(c.AF_NETLINK, c.SOCK_RAW, c.NETLINK_ROUTE).bind({ pid: 0, groups: 1 }).close()
  `)
  expect(ended).toMatchObject({ code: 0, stderr: '' })
})
