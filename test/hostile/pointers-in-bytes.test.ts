import { openSync, closeSync, readlinkSync } from 'node:fs'
import {
  AF_INET,
  AF_INET6,
  bpf,
  constants,
  control,
  type Control,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  MessageBatch,
  options,
  query,
  SOCK_DGRAM,
  SOCK_STREAM,
  Socket,
  SOL_SOCKET,
} from '../../lib'
import { errnoOf } from '../../lib/errors/errno'
import * as raw from '../../lib/raw'
import { thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'

const EPERM = errnoOf('EPERM')
/** An address in this process that is never mapped, so that an accidental use does no harm. */
const ADDRESS = 0xdead0000n

let open: Socket[] = []
const keep = (socket: Socket): Socket => {
  open.push(socket)
  return socket
}
const udp = (family: number = AF_INET): Socket => keep(new Socket(family, SOCK_DGRAM))
const tcp = (): Socket => keep(new Socket(AF_INET, SOCK_STREAM))
afterEach(() => {
  for (const socket of open) socket.close()
  open = []
})

/** Checks that the message names this package, and no capability that would not help. */
function expectRefusal(error: ReturnType<typeof thrown>): void {
  expect(error).toMatchObject({ name: 'SocketError', code: 'EPERM', errno: EPERM })
  expect(error.message).toContain('bsd-sockets refuses')
  expect(error.message).not.toMatch(/CAP_|root|SO_LOCK_FILTER/)
}

const SOL = { MPTCP: 284, PACKET: 263, SCTP: 132, XDP: 283, RDS: 276 }

describe('options whose value holds an address', () => {
  // level, name
  const set: [string, number, number][] = [
    ['SO_ATTACH_FILTER', SOL_SOCKET, 26],
    ['SO_ATTACH_REUSEPORT_CBPF', SOL_SOCKET, 51],
    ['IPT_SO_SET_REPLACE', IPPROTO_IP, 64],
    ['ARPT_SO_SET_REPLACE', IPPROTO_IP, 96],
    ['EBT_SO_SET_ENTRIES', IPPROTO_IP, 128],
    ['EBT_SO_SET_COUNTERS', IPPROTO_IP, 129],
    ['IP6T_SO_SET_REPLACE', IPPROTO_IPV6, 64],
    ['PACKET_FANOUT_DATA', SOL.PACKET, 22],
    ['XDP_UMEM_REG', SOL.XDP, 4],
    ['RDS_GET_MR', SOL.RDS, 2],
    ['RDS_GET_MR_FOR_DEST', SOL.RDS, 7],
  ]
  const get: [string, number, number][] = [
    ['TCP_ZEROCOPY_RECEIVE', IPPROTO_TCP, 35],
    ['MPTCP_FULL_INFO', SOL.MPTCP, 4],
    ['SCTP_SOCKOPT_CONNECTX3', SOL.SCTP, 111],
    ['EBT_SO_GET_INFO', IPPROTO_IP, 128],
    ['EBT_SO_GET_ENTRIES', IPPROTO_IP, 129],
    ['EBT_SO_GET_INIT_INFO', IPPROTO_IP, 130],
    ['EBT_SO_GET_INIT_ENTRIES', IPPROTO_IP, 131],
  ]
  const full = (): Buffer => {
    const value = Buffer.alloc(128)
    for (let at = 0; at < value.length; at += 8) value.writeBigUInt64LE(ADDRESS, at)
    return value
  }

  for (const [text, level, name] of set) {
    testIf(missing.linux(), `setsockopt of Socket and raw refuses ${text} as bytes`, () => {
      const socket = udp()
      expectRefusal(thrown(() => socket.setsockopt(level, name, full())))
      expectRefusal(thrown(() => socket.setsockopt(level, name, full(), 16)))
      expect(raw.setsockopt(socket.fd, level, name, full())).toBe(EPERM)
    })
  }

  for (const [text, level, name] of get) {
    testIf(missing.linux(), `getsockopt of raw refuses ${text} with an address in its value`, () => {
      const value = full()
      expect(raw.getsockopt(tcp().fd, level, name, value, Int32Array.of(value.length))).toBe(EPERM)
      expect(value.equals(full())).toBe(true)
    })
  }

  testIf(missing.linux(), 'setProgram passes the address of the program to no other option', () => {
    const TCP_FASTOPEN_KEY = 33 // the kernel stores these 16 bytes and returns them
    const { fd } = tcp()
    const program = Buffer.alloc(8, 1)
    expect(raw.setProgram(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, program)).toBe(EPERM)
    expect(raw.setProgram(fd, IPPROTO_IP, 64, program)).toBe(EPERM)
  })

  testIf(missing.linux(), 'the error names what to use instead', () => {
    const socket = udp()
    const attach = thrown(() => socket.setsockopt(SOL_SOCKET, 26, Buffer.alloc(16)))
    expect(attach.message).toContain('SO_ATTACH_FILTER')
    expect(attach.message).toContain('socket.set(options.SO_ATTACH_FILTER, program)')
  })

  testIf(missing.linux(), "an EPERM of the kernel still has the hint of the kernel's errors", () => {
    const socket = udp()
    socket.set(options.SO_LOCK_FILTER, true)
    const program = bpf.assemble([{ op: 'ret', k: 0xffff }])
    const refused = thrown(() => socket.set(options.SO_ATTACH_FILTER, program))
    expect(refused.code).toBe('EPERM')
    expect(refused.message).not.toContain('bsd-sockets refuses')
    expect(refused.message).toContain('SO_LOCK_FILTER')
  })

  testIf(missing.linux(), 'the typed forms of these options reach the kernel', () => {
    const socket = udp()
    const program = bpf.assemble([{ op: 'ret', k: 0xffff }])
    socket.set(options.SO_ATTACH_FILTER, program)
    expect(socket.getsockopt(SOL_SOCKET, 26, 8).length).toBe(8) // SO_GET_FILTER has the same number as SO_ATTACH_FILTER
    expect(thrown(() => tcp().get(options.MPTCP_FULL_INFO)).code).not.toBe('EPERM')
    expect(thrown(() => socket.setsockopt(SOL.PACKET, 22, 5)).code).not.toBe('EPERM') // the value is a file descriptor
    expect(tcp().get(options.TCP_ZEROCOPY_RECEIVE)).toHaveProperty('length')
  })
})

describe('options that write further than their length says', () => {
  const sources = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4']
  const group = '232.1.1.1'
  const NUMBERS = { IP_MSFILTER: 41, MCAST_MSFILTER: 48 }

  function listening(): Socket {
    const socket = udp()
    for (const source of sources) socket.joinGroup(group, { interface: 'lo', source })
    return socket
  }

  /** Calls getsockopt with room for only the head of the answer, and checks that the memory behind it is unchanged. */
  function ask(socket: Socket, level: number, name: number, head: number, countAt: number): number {
    const memory = Buffer.alloc(4096, 0xee)
    const value = memory.subarray(0, head)
    value.fill(0)
    if (name === NUMBERS.IP_MSFILTER) {
      Buffer.from([232, 1, 1, 1, 127, 0, 0, 1]).copy(value)
    } else {
      value.writeUInt16LE(level === IPPROTO_IP ? AF_INET : AF_INET6, 8)
      value.writeUInt32LE(1, 0)
      Buffer.from([232, 1, 1, 1]).copy(value, 12)
    }
    value.writeUInt32LE(sources.length, countAt)
    const result = raw.getsockopt(socket.fd, level, name, value, Int32Array.of(head))
    expect(memory.subarray(head).every(byte => byte === 0xee)).toBe(true)
    return result
  }

  testIf(missing.linux(), 'getsockopt refuses IP_MSFILTER with a count of sources that do not fit', () => {
    expect(ask(listening(), IPPROTO_IP, NUMBERS.IP_MSFILTER, 16, 12)).toBe(EPERM)
  })

  testIf(missing.linux(), 'getsockopt refuses MCAST_MSFILTER with a count of sources that do not fit', () => {
    expect(ask(listening(), IPPROTO_IP, NUMBERS.MCAST_MSFILTER, 144, 140)).toBe(EPERM)
    expect(ask(udp(AF_INET6), IPPROTO_IPV6, NUMBERS.MCAST_MSFILTER, 144, 140)).toBe(EPERM)
  })

  testIf(missing.linux(), 'getsockopt refuses TCP_AO_GET_KEYS that requests an array of keys', () => {
    const TCP_AO_GET_KEYS = 41
    const NKEYS = 272
    const value = Buffer.alloc(320)
    value.writeUInt32LE(2, NKEYS)
    expect(raw.getsockopt(tcp().fd, IPPROTO_TCP, TCP_AO_GET_KEYS, value, Int32Array.of(320))).toBe(EPERM)
    value.writeUInt32LE(1, NKEYS)
    expect(raw.getsockopt(tcp().fd, IPPROTO_TCP, TCP_AO_GET_KEYS, value, Int32Array.of(320))).not.toBe(EPERM)
  })

  testIf(missing.linux(), 'getsockopt of IP_MSFILTER with room for the whole answer works', () => {
    const socket = listening()
    const question = { group, interface: '127.0.0.1', mode: 'include', sources: [] } as never
    const answer = socket.get(query(options.IP_MSFILTER, question)) as { sources: readonly string[] }
    expect([...answer.sources].sort()).toEqual(sources)
  })
})

describe('ioctl passes only requests whose argument contains no address', () => {
  const refused: [string, number][] = [
    ['SIOCGIFCONF', 0x8912],
    ['SIOCADDRT', 0x890b],
    ['SIOCDELRT', 0x890c],
    ['SIOCGIFBR', 0x8940],
    ['SIOCETHTOOL', 0x8946],
    ['SIOCSHWTSTAMP', 0x89b0],
    ['SIOCBONDINFOQUERY', 0x8994],
    ['SIOCDEVPRIVATE', 0x89f0],
    ['SIOCGIWSCAN', 0x8b19],
    ['HCIGETDEVLIST', 0x800448d2],
    ['HCIINQUIRY', 0x800448f0],
    ['BNEPGETCONNLIST', 0x800442d2],
    ['HIDPCONNADD', 0x400448c8],
    ['FS_IOC_FIEMAP', 0xc020660b],
    ['FIDEDUPERANGE', 0xc0189436],
    ['FICLONERANGE', 0x4020940d],
    ['BTRFS_IOC_TREE_SEARCH_V2', 0xc0709411],
    ['SG_IO', 0x2285],
    ['BLKPG', 0x1269],
    ['HDIO_GETGEO', 0x0301],
    ['TCGETS', 0x5401],
    ['TIOCSTI', 0x5412],
    ['TIOCLINUX', 0x541c],
    ['EVIOCGBIT, whose size is chosen by the caller', 0xbfff4520],
    ['HIDIOCGRAWNAME', 0xbfff4804],
    ['a request that no kernel has yet', 0x89d7],
    ['a number without an encoded size', 0x12345678],
    ['the largest', 0xffffffff],
  ]

  for (const [text, request] of refused) {
    testIf(missing.linux(), `ioctl of Socket and raw refuses ${text}`, () => {
      const socket = udp()
      expectRefusal(thrown(() => socket.ioctl(request, Buffer.alloc(64, 0x41))))
      expectRefusal(thrown(() => socket.ioctl(request)))
      expect(raw.ioctl(socket.fd, request, Buffer.alloc(64, 0x41))).toBe(EPERM)
      expect(raw.ioctl(socket.fd, request | 0, Buffer.alloc(64, 0x41))).toBe(EPERM)
    })
  }

  testIf(missing.linux(), 'ioctl of a file refuses FS_IOC_FIEMAP before the kernel sees it', () => {
    const file = openSync(process.execPath, 'r')
    const map = Buffer.alloc(32)
    map.writeBigUInt64LE(0xffffffffffffffffn, 8)
    map.writeUInt32LE(1 << 16, 24) // the answer would not fit on any stack
    const result = raw.ioctl(file, 0xc020660b, map)
    closeSync(file)
    expect(result).toBe(EPERM)
  })

  testIf(missing.linux(), 'the error for SIOCGIFCONF names the library call that replaces it', () => {
    expect(thrown(() => udp().ioctl(0x8912)).message).toContain('getifaddrs()')
  })

  testIf(missing.linux(), 'ioctl passes requests of sockets and interfaces to the kernel', () => {
    const socket = udp()
    const c = constants as Readonly<Record<string, number>>
    const ifreq = (): Buffer => {
      const bytes = Buffer.alloc(40)
      bytes.write('lo')
      return bytes
    }
    for (const name of [
      'SIOCGIFINDEX',
      'SIOCGIFFLAGS',
      'SIOCGIFMTU',
      'SIOCGIFHWADDR',
      'SIOCGIFADDR',
      'SIOCGIFTXQLEN',
      'SIOCGIFMAP',
      'SIOCGIFMETRIC',
    ]) {
      expect([name, socket.ioctl(c[name]!, ifreq())]).toEqual([name, 0])
    }
    for (const name of ['FIONREAD', 'SIOCINQ', 'SIOCOUTQ'])
      expect([name, socket.ioctl(c[name]!)]).toEqual([name, 0])
    for (const name of ['SIOCGSTAMP', 'SIOCGSTAMPNS', 'SIOCGSTAMP_OLD', 'SIOCGSTAMPNS_OLD']) {
      expect([name, raw.ioctl(socket.fd, c[name]!, Buffer.alloc(16))]).toEqual([name, errnoOf('ENOENT')])
    }
    expect(raw.ioctl(tcp().fd, c['SIOCATMARK']!, Buffer.alloc(4))).not.toBe(EPERM)
    const index = ifreq()
    socket.ioctl(c['SIOCGIFINDEX']!, index)
    expect(index.readInt32LE(16)).toBe(1)
  })

  testIf(
    missing.root() ?? missing.linux(),
    'the descriptor of SIOCGSKNS reaches the caller in both forms',
    () => {
      const socket = udp()
      const request = (constants as Readonly<Record<string, number>>)['SIOCGSKNS']!
      for (const argument of [0, 7, Buffer.alloc(4)]) {
        const fd = socket.ioctl(request, argument)
        expect(readlinkSync(`/proc/self/fd/${fd}`)).toMatch(/^net:/)
        closeSync(fd)
      }
    },
  )

  // RDS_CMSG_RDMA_ARGS, RDMA_MAP and ATOMIC_FADD. The level says enough, so the family of the socket does not matter.
  testIf(missing.linux(), 'control messages of AF_RDS that hold pointers are refused', async () => {
    const socket = udp().bind(['127.0.0.1', 0])
    const address = socket.getsockname()
    const data = Buffer.from('x')
    const rds = (type: number): Control => ({ level: 276, type, data: Buffer.alloc(48, 0xde) })
    for (const type of [1, 3, 6]) {
      expectRefusal(thrown(() => socket.trySendmsg({ data, address, control: [control.ttl(9), rds(type)] })))
      const batch = new MessageBatch({ count: 2, size: 9, controlSize: 128 })
      batch.set(0, data, address).set(1, data, address, [rds(type)])
      expectRefusal(thrown(() => socket.trySendmmsg(batch)))
      const header = Buffer.alloc(64)
      header.writeBigUInt64LE(64n)
      header.writeInt32LE(276, 8)
      header.writeInt32LE(type, 12)
      expect(raw.sendmsg(socket.fd, [data], header, 0, null)).toBe(EPERM)
    }
    expect(socket.tryRecv(9)).toBeNull()
    expect(socket.trySendmsg({ data, address, control: [control.ttl(9), rds(2)] })).toBe(1)
    await socket.recv(9)
  })
})
