import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  bpf,
  constants,
  control,
  if_nameindex,
  MessageBatch,
  options,
  PacketSocket,
  relay,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
  Socket,
  SocketError,
  SOL_SOCKET,
} from '../../lib'
import * as blocking from '../../lib/sync'
import { outcome, thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'

const SyncSocket = blocking.Socket

/*
 * Invalid arguments that no other test passes: a TypeError or a RangeError that names the argument,
 * before any system call.
 */
type Row = [name: string, call: (a: Socket, b: Socket) => unknown, named: string]

const bad = 5 as never
const one = Buffer.alloc(1)

const rows: Row[] = [
  ['sendfile, onProgress', a => a.sendfile(0, { onProgress: bad }), 'options.onProgress'],
  ['trySendfile, onProgress', a => a.trySendfile(0, { onProgress: bad }), 'options.onProgress'],
  ['trySendfile, offset', a => a.trySendfile(0, { offset: -1 }), 'options.offset'],
  ['splice, onProgress', (a, b) => a.splice(b, { onProgress: bad }), 'options.onProgress'],
  ['trySplice, length', (a, b) => a.trySplice(b, { length: -1 }), 'options.length'],
  ['relay, a', (_, b) => relay(bad, b), 'a'],
  ['relay, b', a => relay(a, bad), 'b'],
  ['relay, options', (a, b) => relay(a, b, bad), 'options'],
  ['relay, null', (a, b) => relay(a, b, null as never), 'options'],
  ['relay, signal', (a, b) => relay(a, b, { signal: bad }), 'signal'],
  ['toDuplex, options', a => a.toDuplex(bad), 'options'],
  ['toDuplex, size', a => a.toDuplex({ size: -1 }), 'options.size'],
  ['toWeb, options', a => a.toWeb(null as never), 'options'],
  ['toWeb, size', a => a.toWeb({ size: -1 }), 'options.size'],
  ['new Socket, options', () => new Socket(AF_INET, SOCK_DGRAM, 0, bad), 'options'],
  ['joinGroup, group', a => a.joinGroup(bad), 'group'],
  ['joinGroup, options', a => a.joinGroup('239.1.1.1', null as never), 'options'],
  ['receiveMeta', a => a.receiveMeta(null as never), 'want'],
  ['receiveMeta, a name that is none', a => a.receiveMeta({ nothing: true } as never), 'want'],
  ['receiveMeta, timestamp', a => a.receiveMeta({ timestamp: true as never }), 'want.timestamp'],
  ['receiveMeta, ttl', a => a.receiveMeta({ ttl: 1 as never }), 'want.ttl'],
  ['setsockopt, size of NULL', a => a.setsockopt(SOL_SOCKET, 2, null, -1), 'size'],
  ['setsockopt, size of bytes', a => a.setsockopt(SOL_SOCKET, 2, one, 2), 'size'],
  ['setsockopt, value', a => a.setsockopt(SOL_SOCKET, 2, 'x' as never), 'value'],
  ['sendmsg, message', a => a.trySendmsg(null as never), 'message'],
  ['sendmsg, control', a => a.trySendmsg({ data: one, control: bad }), 'message.control'],
  ['sendmsg, a control message', a => a.trySendmsg({ data: one, control: [null as never] }), 'message.control[0]'],
  ['sendmsg, segmentSize', a => a.trySendmsg({ data: one, segmentSize: 0 }), 'message.segmentSize'],
  ['recvmsg, fds', a => a.tryRecvmsg(1, { fds: bad }), 'op.fds'],
  ['recvmsg, controlSize', a => a.tryRecvmsg(1, { controlSize: -1 }), 'op.controlSize'],
  ['recvmsg, too many parts', a => a.tryRecvmsg(Array<Buffer>(1025).fill(one)), 'into.length'],
  ['sendFds on a stream, no data', a => a.trySendFds(Buffer.alloc(0), [0]), 'data.byteLength'],
  ['MessageBatch.set, control', () => new MessageBatch({ count: 1, size: 1 }).set(0, one, undefined, bad), 'control'],
  ['MessageBatch.set, no room', () => new MessageBatch({ count: 1, size: 1 }).set(0, one, undefined, [control.ttl(1)]), 'control'],
  ['MessageBatch.set, too long', () => new MessageBatch({ count: 1, size: 1 }).set(0, Buffer.alloc(2)), 'data.byteLength'],
  ['control.packetInfo, source', () => control.packetInfo({ source: bad }), 'source'],
  ['control.packetInfo, interface', () => control.packetInfo({ interface: true as never }), 'interface'],
  ['control.txTime, a number', () => control.txTime(bad), 'ns'],
  ['control.txTime, negative', () => control.txTime(-1n), 'ns'],
  ['control.txTime, too large', () => control.txTime(1n << 64n), 'ns'],
  ['control.dontFragment', () => control.dontFragment(bad), 'on'],
  ['control.extensionHeader', () => control.extensionHeader('x' as never, one), 'kind'],
] // prettier-ignore

test.each(rows)('an invalid argument is refused by its name: %s', async (_name, call, named) => {
  const [a, b] = Socket.pair()
  let error: Error | null = null
  try {
    await call(a, b)
  } catch (failure) {
    error = failure as Error
  }
  expect(error).toMatchObject({
    code: expect.stringMatching(/^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE|INVALID_ADDRESS)$/),
  })
  expect(error!.message).toContain(named)
  expect(String(a.tryRecv(1))).toBe('null') // nothing was sent
  for (const socket of [a, b]) socket.close()
})

const packets: Row[] = [
  ['options.filter, text', () => new PacketSocket({ interface: 'lo', filter: 'tcp' as never }), 'options.filter'],
  ['options.filter, a number', () => new PacketSocket({ interface: 'lo', filter: bad }), 'options.filter'],
  ['options.promiscuous', () => new PacketSocket({ interface: 'lo', promiscuous: bad }), 'options.promiscuous'],
] // prettier-ignore

testIf(
  missing.linux(),
  'new PacketSocket() refuses options of a wrong type with ERR_INVALID_ARG_TYPE that names the option',
  () => {
    for (const [, call, named] of packets) {
      const error = thrown(() => call(null!, null!))
      expect([error.code, error.message]).toEqual(['ERR_INVALID_ARG_TYPE', expect.stringContaining(named)])
    }
  },
)

testIf(
  missing.linux() ?? missing.socket(constants.AF_PACKET!, SOCK_RAW),
  'PacketSocket.fanout() refuses an invalid option with an error that names it',
  () => {
    using socket = new PacketSocket({ interface: 'lo', filter: bpf.assemble([{ op: 'ret', k: 0 }]) })
    for (const given of [5, null])
      expect(thrown(() => socket.fanout(given as never)).message).toContain('"fanout"')
    expect(thrown(() => socket.fanout({ mode: 'x' as never })).message).toContain('"fanout.mode"')
    expect(socket.ref().unref()).toBe(socket)
    expect(thrown(() => socket.fanout({ mode: 'hash', id: -1 })).message).toContain('"fanout.id"')
  },
)

test('every operation on a closed socket fails with EBADF', async () => {
  const [a, b] = Socket.pair()
  a.close()
  expect(thrown(() => a.receiveMeta({})).code).toBe('EBADF')
  expect(thrown(() => b.trySplice(a)).code).toBe('EBADF')
  expect(await outcome(b.splice(a))).toBe('EBADF')
  b.close()
  const member = new Socket(AF_INET, SOCK_DGRAM)
  const membership = member.joinGroup('239.1.1.1', { interface: if_nameindex()[0]!.name })
  member.close()
  expect(thrown(() => membership.block('127.0.0.2')).code).toBe('EBADF')
})

test('an operation that the socket family lacks fails before any system call', () => {
  const [a, b] = Socket.pair()
  const datagrams = new Socket(AF_INET, SOCK_DGRAM)
  expect(thrown(() => datagrams.trySendFds(one, [0])).code).toBe('EOPNOTSUPP')
  expect(thrown(() => datagrams.trySplice(a)).code).toBe('EINVAL')
  if (process.platform === 'linux') expect(thrown(() => a.tryReceiveErrors()).code).toBe('EOPNOTSUPP')
  for (const socket of [a, b, datagrams]) socket.close()
})

test('trySendAll reports in bytesSent how much was sent, and returns null if nothing was', () => {
  const [a, b] = Socket.pair()
  const much = Buffer.alloc(8 << 20)
  const error = thrown(() => a.trySendAll(much))
  expect(error).toMatchObject({ code: 'EAGAIN', syscall: 'send' })
  expect(error.bytesSent).toBeGreaterThan(0)
  expect(error.bytesSent).toBeLessThan(much.length)
  expect(a.trySendAll(much)).toBeNull()
  for (const socket of [a, b]) socket.close()
})

test('setsockopt with null passes NULL to the kernel, and a boolean counts as a number', () => {
  const socket = new Socket(AF_INET, SOCK_DGRAM)
  const { SO_BROADCAST } = constants as { SO_BROADCAST: number }
  expect(thrown(() => socket.setsockopt(SOL_SOCKET, SO_BROADCAST, null, 4)).code).toMatch(/^E(FAULT|INVAL)$/)
  expect(thrown(() => socket.setsockopt(SOL_SOCKET, SO_BROADCAST, null)).code).toBe('EINVAL')
  expect(socket.getsockopt(SOL_SOCKET, SO_BROADCAST)).toBe(0)
  socket.setsockopt(SOL_SOCKET, SO_BROADCAST, true)
  expect(socket.getsockopt(SOL_SOCKET, SO_BROADCAST)).not.toBe(0)
  socket.setsockopt(SOL_SOCKET, SO_BROADCAST, Buffer.alloc(8), 4)
  expect(socket.getsockopt(SOL_SOCKET, SO_BROADCAST)).toBe(0)
  socket.close()
})

describe('receiveMeta with information that the socket does not have throws ENOPROTOOPT and changes nothing', () => {
  const families: [string, () => Socket, string[], (string | null)?][] = [
    ['TCP', () => new Socket(AF_INET), ['ttl', 'gro', 'pidfd', 'group', 'drops']],
    [
      'TCP over IPv6',
      () => new Socket(AF_INET6),
      ['flowInfo', 'credentials'],
      missing.socket(AF_INET6, SOCK_STREAM),
    ],
    ['UDP', () => new Socket(AF_INET, SOCK_DGRAM), ['unread', 'flowInfo', 'credentials', 'auxdata']],
    ['AF_UNIX', () => new Socket(AF_UNIX), ['ttl', 'timestamp', 'packetInfo']],
    ['AF_UNIX datagrams', () => new Socket(AF_UNIX, SOCK_DGRAM), ['unread', 'gro']],
  ]
  for (const [name, make, keys, none = null] of families) testIf(none, name, () => refuses(make(), keys))

  function refuses(socket: Socket, keys: string[]): void {
    for (const key of keys) {
      const want = { [key]: key === 'timestamp' ? 'ns' : true }
      const error = thrown(() => socket.receiveMeta(want))
      expect(error).toMatchObject({ name: 'SocketError', code: 'ENOPROTOOPT', syscall: 'setsockopt' })
      expect(error.message).toMatch(new RegExp(`'${key}'.* does not exist on .*nothing was changed`))
    }
    socket.close()
  }

  const { AF_PACKET, AF_NETLINK } = constants as Record<string, number>
  testIf(
    missing.socket(AF_PACKET ?? -1, SOCK_RAW),
    'AF_PACKET sockets have their own options and those of every socket',
    () => {
      const socket = new Socket(AF_PACKET, SOCK_RAW)
      socket.receiveMeta({ auxdata: true, drops: true, mark: false })
      expect([socket.get(options.PACKET_AUXDATA), socket.get(options.SO_RXQ_OVFL)]).toEqual([true, true])
      refuses(socket, ['ttl', 'group', 'gro'])
    },
  )

  testIf(missing.linux(), 'netlink sockets have groups and credentials', () => {
    const socket = new Socket(AF_NETLINK, SOCK_RAW)
    socket.receiveMeta({ group: true, credentials: true })
    expect([socket.get(options.NETLINK_PKTINFO), socket.get(options.SO_PASSCRED)]).toEqual([true, true])
    refuses(socket, ['ttl', 'drops'])
  })

  testIf(missing.socket(AF_INET, SOCK_RAW, 255), 'raw sockets have no GRO', () => {
    refuses(new Socket(AF_INET, SOCK_RAW, 255), ['gro', 'unread'])
  })

  testIf(
    missing.linux(),
    'AF_UNIX sockets have no hardware timestamps, and the error names the option',
    () => {
      const socket = new Socket(AF_UNIX, SOCK_DGRAM)
      expect(thrown(() => socket.receiveMeta({ timestamp: 'hardware' })).message).toContain(
        "'timestamp' (SO_TIMESTAMPING)",
      )
      socket.close()
    },
  )
})

test('the sync flavour refuses the same arguments', () => {
  const [a, b] = SyncSocket.pair()
  expect(thrown(() => a.sendfile(0, { onProgress: bad })).message).toContain('"options.onProgress"')
  expect(thrown(() => a.splice(b, { onProgress: bad })).message).toContain('"options.onProgress"')
  expect(thrown(() => a.recv(-1)).message).toContain('"size"')
  expect(thrown(() => a.recv(1, { timeout: -1 })).message).toContain('timeout')
  expect(thrown(() => a.recv(1, { timeout: 0 })).code).toMatch(/EAGAIN|TIMEOUT/)
  for (const socket of [a, b]) socket.close()
  expect(thrown(() => a.recv(1))).toMatchObject({ code: 'EBADF' })
  expect(thrown(() => a.recv(1)) instanceof SocketError).toBe(true)
})

test('the sync flavour has the lookups of protocols, of the full name and of addresses', () => {
  expect(blocking.getprotobyname('tcp')).toBe(6)
  expect(blocking.getprotobynumber(17)).toBe('udp')
  expect(blocking.getfqdn()).toBe(blocking.getfqdn(''))
  expect(blocking.getaddrinfo('127.0.0.1')[0]!.address).toMatchObject({ address: '127.0.0.1', port: 0 })
})

testIf(
  missing.linux() ?? missing.socket(constants.AF_PACKET ?? -1, SOCK_RAW),
  'PacketSocket closes at the end of its scope',
  async () => {
    const socket = new PacketSocket({ interface: 'lo' })
    await socket[Symbol.asyncDispose]()
    expect(thrown(() => socket.fanout({ mode: 'hash' })).code).toBe('EBADF')
  },
)

test('tryConnect returns true if it connects at once and null if it would have to wait', async () => {
  using listener = new Socket(AF_UNIX, SOCK_STREAM).bind('\0').listen(0)
  using datagrams = new Socket(AF_INET, SOCK_DGRAM)
  expect(datagrams.tryConnect(['127.0.0.1', 9])).toBe(true)
  const waiting = Array.from({ length: 3 }, () => new Socket(AF_UNIX, SOCK_STREAM))
  const results = waiting.map(socket => socket.tryConnect(listener.getsockname()))
  expect([results[0], results.at(-1)]).toEqual([true, null]) // the backlog is full
  for (const socket of waiting) socket.close()
})
