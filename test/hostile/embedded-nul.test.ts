import {
  AF_ALG,
  AF_INET,
  AF_INET6,
  AF_UNIX,
  control,
  createConnection,
  createServer,
  getaddrinfo,
  getfqdn,
  gethostbyaddr,
  gethostbyname,
  gethostbynameEx,
  getprotobyname,
  getservbyname,
  getservbyport,
  if_nametoindex,
  inet_aton,
  inet_pton,
  options,
  sethostname,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  Socket,
} from '../../lib'
import { native } from '../../lib/binding/binding'
import { interfaces } from '../../lib/binding/interface-lookup'
import { PacketSocket } from '../../lib'
import * as blocking from '../../lib/sync'
import { failure, thrown, type Failure } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'

/*
 * C ends a string at its first NUL. The text behind it would be ignored, and the call would use another name.
 */

const TYPED = /^ERR_(OUT_OF_RANGE|INVALID_ADDRESS|INVALID_ARG_TYPE|INVALID_ARG_VALUE)$/

function expectRefused(error: Failure): void {
  expect(error.code).toMatch(TYPED)
  expect(error.errno).toBeUndefined() // no system call was made
}

const lo = 'lo\0x'
const withSocket = <T>(family: number, use: (socket: Socket) => T): T => {
  const socket = new Socket(family, SOCK_DGRAM)
  try {
    return use(socket)
  } finally {
    socket.close()
  }
}

describe('names of interfaces', () => {
  const calls: [string, () => unknown][] = [
    ['if_nametoindex', () => if_nametoindex(lo)],
    ['if_nametoindex of bsd-sockets/sync', () => blocking.if_nametoindex(lo)],
    ['if_nametoindex of nothing but NUL', () => if_nametoindex('\0')],
    ['if_nametoindex with the NUL of C at its end', () => if_nametoindex('lo\0')],
    ['control.packetInfo', () => control.packetInfo({ interface: lo })],
    ['joinGroup', () => withSocket(AF_INET, s => s.joinGroup('239.1.2.3', { interface: lo }))],
    ['joinGroup by zone', () => withSocket(AF_INET6, s => s.joinGroup(`ff02::1%${lo}`))],
    ['IP_MULTICAST_IF', () => withSocket(AF_INET, s => s.set(options.IP_MULTICAST_IF, lo))],
    ['IPV6_MULTICAST_IF', () => withSocket(AF_INET6, s => s.set(options.IPV6_MULTICAST_IF, lo))],
    ['SO_BINDTODEVICE', () => withSocket(AF_INET, s => s.set(options.SO_BINDTODEVICE, lo))],
    ['SO_BINDTOIFINDEX', () => withSocket(AF_INET, s => s.set(options.SO_BINDTOIFINDEX, lo))],
    ['the zone of an address', () => withSocket(AF_INET6, s => s.bind([`fe80::1%${lo}`, 0]))],
    ['the zone of a number', () => withSocket(AF_INET6, s => s.bind(['fe80::1%1\0', 0]))],
  ]
  for (const [name, call] of calls) {
    testIf(missing.linux(), `${name}: a NUL is refused before any system call`, () => {
      const error = thrown(call)
      expectRefused(error)
    })
  }

  test('the error for a NUL in the name of an interface names the argument', () => {
    expect(thrown(() => if_nametoindex(lo))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    expect(thrown(() => if_nametoindex(lo)).message).toContain('"name"')
    expect(thrown(() => control.packetInfo({ interface: lo })).message).toContain('"interface"')
  })

  test('native.if_nametoindex finds no interface for a name with a NUL', () => {
    const index = native.if_nametoindex(Buffer.from(lo))
    expect(index).toBeLessThan(0)
    expect(interfaces.indexOf(lo)).toBe(0)
  })

  testIf(missing.linux() ?? missing.root(), 'PacketSocket: a NUL is refused before any system call', () => {
    const error = thrown(() => new PacketSocket({ interface: lo }))
    expectRefused(error)
  })
})

describe('names of lookups', () => {
  const calls: [string, () => Promise<unknown>, (() => unknown)?][] = [
    ['getaddrinfo', () => getaddrinfo('localhost\0x'), () => blocking.getaddrinfo('localhost\0x')],
    ['getaddrinfo, service', () => getaddrinfo(null, 'http\0x'), () => blocking.getaddrinfo(null, 'http\0x')],
    ['getaddrinfo, port', () => getaddrinfo(null, '80\0'), () => blocking.getaddrinfo(null, '80\0')],
    ['gethostbyname', () => gethostbyname('localhost\0x'), () => blocking.gethostbyname('localhost\0x')],
    [
      'gethostbyname, address',
      () => gethostbyname('127.0.0.1\0'),
      () => blocking.gethostbyname('127.0.0.1\0'),
    ],
    [
      'gethostbynameEx',
      () => gethostbynameEx('localhost\0x'),
      () => blocking.gethostbynameEx('localhost\0x'),
    ],
    ['gethostbyaddr', () => gethostbyaddr('127.0.0.1\0'), () => blocking.gethostbyaddr('127.0.0.1\0')],
    ['getfqdn', () => getfqdn('localhost\0x'), () => blocking.getfqdn('localhost\0x')],
    ['getservbyname', () => getservbyname('http\0x'), () => blocking.getservbyname('http\0x')],
    [
      'getservbyname, protocol',
      () => getservbyname('http', 'tcp\0x'),
      () => blocking.getservbyname('http', 'tcp\0x'),
    ],
    [
      'getservbyport, protocol',
      () => getservbyport(80, 'tcp\0x'),
      () => blocking.getservbyport(80, 'tcp\0x'),
    ],
    ['getprotobyname', () => getprotobyname('tcp\0x'), () => blocking.getprotobyname('tcp\0x')],
    ['createConnection, host', () => createConnection({ host: 'localhost\0x', port: 9 })],
    ['createConnection, path', () => createConnection({ path: '/tmp/a\0b' })],
    ['createServer, host', () => createServer({ host: 'localhost\0x' })],
    ['createServer, path', () => createServer({ path: '/tmp/a\0b' })],
    ['createServer, path with unlink', () => createServer({ path: '/tmp/a\0b', unlink: true, mode: 0o600 })],
  ]
  for (const [name, call, sync] of calls) {
    test(`${name}: a NUL is refused before any system call`, async () => {
      expectRefused(await failure(call()))
      if (sync !== undefined) expectRefused(thrown(sync))
    })
  }

  test('sethostname: a NUL is refused before any system call, in text and in bytes', () => {
    expectRefused(thrown(() => sethostname('a\0b')))
    expectRefused(thrown(() => sethostname(Buffer.from('a\0b'))))
  })
})

describe('other text', () => {
  test('IP addresses: a NUL is refused before any system call', () => {
    for (const text of ['127.0.0.1\0', '\x00127.0.0.1', '::1\0', '127.0.0.1\0x']) {
      for (const family of [AF_INET, AF_INET6]) {
        expectRefused(thrown(() => inet_pton(family, text)))
        expectRefused(thrown(() => withSocket(family, s => s.bind([text, 0]))))
      }
      expectRefused(thrown(() => inet_aton(text)))
      expectRefused(thrown(() => control.packetInfo({ source: text })))
    }
  })

  test('AF_UNIX paths: a NUL is refused before any system call, in text and in bytes', () => {
    for (const path of ['/tmp/a\0b', '/tmp/a\0', Buffer.from('/tmp/a\0b')]) {
      expectRefused(thrown(() => withSocket(AF_UNIX, s => s.bind({ path }))))
    }
  })

  testIf(missing.linux(), 'TCP_CONGESTION and TCP_ULP: a NUL is refused before any system call', () => {
    const socket = new Socket()
    for (const option of [options.TCP_CONGESTION, options.TCP_ULP]) {
      expectRefused(thrown(() => socket.set(option, 'reno\0x')))
    }
    socket.close()
  })

  testIf(
    missing.linux(),
    'network namespaces by name and by path: a NUL is refused before any system call',
    () => {
      for (const netns of ['a\0b', '/proc/self/ns/net\0x']) {
        expectRefused(thrown(() => new Socket(AF_INET, SOCK_DGRAM, 0, { netns })))
      }
    },
  )

  testIf(
    missing.socket(AF_ALG, SOCK_SEQPACKET),
    'AF_ALG types and names: a NUL is refused before any system call',
    () => {
      const socket = new Socket(AF_ALG, SOCK_SEQPACKET)
      expectRefused(thrown(() => socket.bind({ type: 'hash', name: 'sha256\0x' })))
      expectRefused(thrown(() => socket.bind({ type: 'hash\0', name: 'sha256' })))
      socket.close()
    },
  )
})
