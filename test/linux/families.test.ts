import { closeSync, openSync } from 'node:fs'
import { endianness } from 'node:os'
import {
  AF_INET,
  SOCK_RAW,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  Socket,
  constants,
  if_nameindex,
  options,
} from '../../lib'
import * as raw from '../../lib/raw'
import { thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'

/*
 * The address families of Linux other than IP and AF_UNIX, with real sockets as far as this kernel has the family.
 * Their addresses have unit tests with the layouts of both systems.
 */
const c = constants as Readonly<Record<string, number>>
const linux = missing.linux()
const kind = (family: string, type: number, protocol = 0): string | null =>
  linux ?? missing.socket(c[family]!, type, protocol)

const opened: Socket[] = []
const open = (family: string, type: number, protocol = 0): Socket => {
  const socket = new Socket(c[family], type, protocol)
  opened.push(socket)
  return socket
}
afterEach(() => {
  for (const socket of opened.splice(0)) socket.close()
})

describe('AF_NETLINK', () => {
  const little = endianness() === 'LE'
  const u16 = (bytes: Buffer, at: number): number =>
    little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at)
  const u32 = (bytes: Buffer, at: number): number =>
    little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)
  const put16 = (bytes: Buffer, value: number, at: number): unknown =>
    little ? bytes.writeUInt16LE(value, at) : bytes.writeUInt16BE(value, at)
  const put32 = (bytes: Buffer, value: number, at: number): unknown =>
    little ? bytes.writeUInt32LE(value, at) : bytes.writeUInt32BE(value, at)

  function request(type: number, flags: number, size: number): Buffer {
    const bytes = Buffer.alloc(16 + size)
    put32(bytes, bytes.length, 0)
    put16(bytes, type, 4)
    put16(bytes, flags, 6)
    put32(bytes, 77, 8) // sequence
    return bytes
  }

  function* messages(data: Buffer): Generator<{ type: number; flags: number; seq: number; body: Buffer }> {
    for (let at = 0; at + 16 <= data.length; at += (u32(data, at) + 3) & ~3) {
      const body = data.subarray(at + 16, at + u32(data, at))
      yield { type: u16(data, at + 4), flags: u16(data, at + 6), seq: u32(data, at + 8), body }
    }
  }

  function attribute(bytes: Buffer, type: number): Buffer | undefined {
    for (let at = 0; at + 4 <= bytes.length; at += (u16(bytes, at) + 3) & ~3)
      if (u16(bytes, at + 2) === type) return bytes.subarray(at + 4, at + u16(bytes, at))
    return undefined
  }

  const route = kind('AF_NETLINK', SOCK_RAW)

  testIf(route, 'RTM_GETLINK lists the interfaces', async () => {
    const socket = open('AF_NETLINK', SOCK_RAW, c['NETLINK_ROUTE'])
    await socket.sendto(request(c['RTM_GETLINK']!, c['NLM_F_REQUEST']! | c['NLM_F_DUMP']!, 16), {
      pid: 0,
      groups: 0,
    })
    const found: { index: number; name: string }[] = []
    for (let ended = false; !ended;) {
      const { data, address } = await socket.recvfrom(65536, { timeout: 5000 })
      expect(address).toMatchObject({ kind: 'netlink', pid: 0, groups: 0 })
      for (const { type, seq, body } of messages(data)) {
        expect(seq).toBe(77)
        ended = type === c['NLMSG_DONE']
        if (ended) break
        expect(type).toBe(c['RTM_NEWLINK'])
        const name = attribute(body.subarray(16), c['IFLA_IFNAME']!)!
        found.push({ index: u32(body, 4), name: name.toString('utf8', 0, name.length - 1) })
      }
    }
    expect(found.sort((x, y) => x.index - y.index)).toEqual(if_nameindex().sort((x, y) => x.index - y.index))
  })

  testIf(route, 'NETLINK_EXT_ACK adds a text to a refusal', async () => {
    const socket = open('AF_NETLINK', SOCK_RAW, c['NETLINK_ROUTE'])
    socket.set(options.NETLINK_EXT_ACK, true).set(options.NETLINK_CAP_ACK, true)
    socket.set(options.NETLINK_GET_STRICT_CHK, true)
    await socket.sendto(request(c['RTM_GETLINK']!, c['NLM_F_REQUEST']! | c['NLM_F_DUMP']!, 4), {
      pid: 0,
      groups: 0,
    })
    const [answer] = messages(await socket.recv(65536, { timeout: 5000 }))
    expect(answer!.type).toBe(c['NLMSG_DONE']) // a dump that fails ends with NLMSG_DONE, too
    expect(answer!.flags & c['NLM_F_ACK_TLVS']!).not.toBe(0)
    expect(u32(answer!.body, 0) | 0).toBe(-22) // EINVAL
    const text = attribute(answer!.body.subarray(4), c['NLMSGERR_ATTR_MSG']!)
    expect(text?.toString()).toMatch(/invalid header/i)
  })

  testIf(route, 'a netlink socket gets its port id from the kernel or from bind, and joins groups', () => {
    const group = c['RTMGRP_LINK']! | c['RTMGRP_IPV4_ROUTE']!
    const socket = open('AF_NETLINK', SOCK_RAW, c['NETLINK_ROUTE']).bind({ pid: 0, groups: group })
    const name = socket.getsockname()
    expect(name).toMatchObject({ kind: 'netlink', groups: group })
    expect((name as { pid: number }).pid).not.toBe(0)
    socket.set(options.NETLINK_ADD_MEMBERSHIP, c['RTNLGRP_NEIGH']!)
    expect(socket.get(options.NETLINK_LIST_MEMBERSHIPS)).toContain(c['RTNLGRP_NEIGH'])
    const other = open('AF_NETLINK', SOCK_RAW, c['NETLINK_ROUTE'])
    expect(thrown(() => other.bind({ pid: (name as { pid: number }).pid, groups: 0 })).code).toBe(
      'EADDRINUSE',
    )
  })

  testIf(route, 'two NETLINK_USERSOCK sockets of this process exchange datagrams', async () => {
    const [one, two] = [1, 2].map(() =>
      open('AF_NETLINK', SOCK_RAW, c['NETLINK_USERSOCK']).bind({ pid: 0, groups: 0 }),
    )
    await one!.connect(two!.getsockname())
    expect(one!.getpeername().equals(two!.getsockname())).toBe(true)
    await one!.send(Buffer.from('hello'))
    const { data, address } = await two!.recvfrom(100, { timeout: 5000 })
    expect(data.toString()).toBe('hello')
    expect(address!.equals(one!.getsockname())).toBe(true)
  })
})

describe('AF_VSOCK', () => {
  const stream = kind('AF_VSOCK', SOCK_STREAM)

  testIf(stream, 'a vsock socket binds, listens and has a name', () => {
    const any = { cid: c['VMADDR_CID_ANY']!, port: c['VMADDR_PORT_ANY']! }
    const listener = open('AF_VSOCK', SOCK_STREAM).bind(any).listen()
    const name = listener.getsockname() as { kind: string; cid: number; port: number }
    expect(name).toMatchObject({ kind: 'vsock', cid: any.cid })
    expect(name.port).not.toBe(any.port)
    expect(listener.get(options.SO_ACCEPTCONN)).toBe(true)
    expect(listener.tryAccept()).toBeNull()
    const other = open('AF_VSOCK', SOCK_STREAM)
    expect(thrown(() => other.bind({ cid: any.cid, port: name.port }))).toMatchObject({ code: 'EADDRINUSE' })
    expect(thrown(() => other.getpeername()).code).toBe('ENOTCONN')
  })

  testIf(kind('AF_VSOCK', SOCK_SEQPACKET), 'vsock options work on stream and seqpacket sockets', () => {
    for (const type of [SOCK_STREAM, SOCK_SEQPACKET]) {
      const socket = open('AF_VSOCK', type)
      socket
        .set(options.SO_VM_SOCKETS_BUFFER_MAX_SIZE, 1n << 20n)
        .set(options.SO_VM_SOCKETS_BUFFER_SIZE, 1n << 19n)
      expect(socket.get(options.SO_VM_SOCKETS_BUFFER_SIZE)).toBe(1n << 19n)
      expect(socket.getsockopt(c['AF_VSOCK']!, c['SO_VM_SOCKETS_BUFFER_SIZE']!)).toBe(1 << 19)
      socket.set(options.SO_VM_SOCKETS_CONNECT_TIMEOUT, 1500)
      expect(socket.get(options.SO_VM_SOCKETS_CONNECT_TIMEOUT)).toBe(1500)
    }
  })

  testIf(
    stream,
    'a vsock connect without a listening socket fails, and the error has the address',
    async () => {
      const socket = open('AF_VSOCK', SOCK_STREAM)
      const error = await socket
        .connect({ cid: c['VMADDR_CID_HOST']!, port: 999999 }, { timeout: 5000 })
        .then(
          () => null,
          (failed: Error) => failed,
        )
      expect(error).toMatchObject({ syscall: 'connect', address: 'vsock:2:999999' })
      expect(['ECONNRESET', 'ENODEV', 'ETIMEDOUT', 'ECONNREFUSED']).toContain(
        (error as { code?: string } | null)?.code,
      )
    },
  )

  testIf(stream, 'an ioctl on /dev/vsock returns the local CID', () => {
    let fd: number
    try {
      fd = openSync('/dev/vsock', 'r')
    } catch (error) {
      expect((error as { code: string }).code).toMatch(/^(ENOENT|EACCES|ENODEV)$/)
      return
    }
    try {
      const cid = new Uint32Array(1)
      expect(raw.ioctl(fd, c['IOCTL_VM_SOCKETS_GET_LOCAL_CID']!, cid)).toBe(0)
      expect(cid[0]).toBeGreaterThan(0)
    } finally {
      closeSync(fd)
    }
  })
})

describe('AF_XDP', () => {
  testIf(
    kind('AF_XDP', SOCK_RAW),
    'AF_XDP rings and statistics can be read without registered memory',
    () => {
      const socket = open('AF_XDP', SOCK_RAW)
      expect(socket.get(options.XDP_STATISTICS)).toEqual({
        rx_dropped: 0n,
        rx_invalid_descs: 0n,
        tx_invalid_descs: 0n,
        rx_ring_full: 0n,
        rx_fill_ring_empty_descs: 0n,
        tx_ring_empty_descs: 0n,
      })
      expect(socket.get(options.XDP_OPTIONS)).toBe(0)
      socket.set(options.XDP_RX_RING, 64).set(options.XDP_TX_RING, 64)
      expect(thrown(() => open('AF_XDP', SOCK_RAW).set(options.XDP_RX_RING, 63))).toMatchObject({
        code: 'EINVAL',
      })
      // Fill and completion rings, and bind, need registered memory.
      const { rx, fr } = socket.get(options.XDP_MMAP_OFFSETS)
      expect(rx.desc).toBeGreaterThan(rx.consumer)
      expect(fr.desc).toBeGreaterThan(0n)
      expect(
        thrown(() =>
          socket.set(options.XDP_UMEM_REG, { addr: 0n, len: 4096n, chunk_size: 1, headroom: 0, flags: 0 }),
        ).code,
      ).toBe('EINVAL')
      expect(thrown(() => socket.bind({ interface: 'lo', queue: 0 })).code).toMatch(/^E[A-Z]+$/)
    },
  )
})

describe('families that few kernels have', () => {
  test.each([
    ['AF_CAN', 'SOCK_RAW', 'CAN_RAW', { interface: 0 }],
    ['AF_TIPC', 'SOCK_SEQPACKET', '', { type: 4000, instance: 1 }],
    ['AF_ALG', 'SOCK_SEQPACKET', '', { type: 'hash', name: 'sha256' }],
    ['AF_BLUETOOTH', 'SOCK_RAW', '', null],
  ])('%s: a socket that can be bound, or an error that names it', (family, type, protocol, address) => {
    if (linux !== null) return
    let socket: Socket
    try {
      socket = open(family, c[type]!, c[protocol] ?? 0)
    } catch (error) {
      expect(error).toMatchObject({
        syscall: 'socket',
        message: expect.stringContaining(`${family} ${type}`),
      })
      expect((error as { code: string }).code).toMatch(
        /^(EAFNOSUPPORT|EPROTONOSUPPORT|ESOCKTNOSUPPORT|EPERM)$/,
      )
      return
    }
    if (address !== null) socket.bind(address)
  })

  test('an address of one family is refused by a socket of another', () => {
    const socket = new Socket(AF_INET, SOCK_STREAM)
    try {
      expect(thrown(() => socket.bind({ interface: 'lo' } as never)).code).toMatch(/^ERR_INVALID/)
    } finally {
      socket.close()
    }
  })
})
