import { lstatSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  createConnection,
  createServer,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  options,
  SO_REUSEADDR,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  Socket,
  SOL_SOCKET,
  TCP_FASTOPEN,
  type Address,
} from '../../lib'
import * as sync from '../../lib/sync'
import { failure, thrown } from '../helpers/errors'
import { resolving } from '../helpers/hosts'
import { missing, testIf } from '../helpers/need'

const six = missing.socket(AF_INET6, SOCK_STREAM)
const linux = missing.linux()
const portOf = (socket: { getsockname(): Address }): number => (socket.getsockname() as { port: number }).port

let directory = ''
beforeEach(() => (directory = mkdtempSync(path.join(tmpdir(), 'sock-'))))
afterEach(() => rmSync(directory, { recursive: true }))

type Server = Socket | sync.Socket
const flavours = [
  [
    'bsd-sockets',
    async (given: unknown): Promise<Server> => createServer(given as never),
    async (given: unknown): Promise<Server> => createConnection(given as never),
  ],
  [
    'bsd-sockets/sync',
    async (given: unknown): Promise<Server> => sync.createServer(given as never),
    async (given: unknown): Promise<Server> => sync.createConnection(given as never),
  ],
] as const

describe.each(flavours)('createServer and createConnection of %s', (name, serve, connect) => {
  testIf(six, 'an IPv4-mapped host is IPv4 on an AF_INET6 socket', async () => {
    using server = await serve({ host: '::ffff:127.0.0.1' })
    expect(server.family).toBe(AF_INET6)
    expect(server.getsockopt(IPPROTO_IPV6, IPV6_V6ONLY)).toBe(0)
    using client = await connect({ host: '127.0.0.1', port: portOf(server) })
    expect(client.family).toBe(AF_INET)
  })

  testIf(six, 'family chooses the wildcard address, and must fit a numeric host', async () => {
    for (const family of [AF_INET, AF_INET6]) {
      using server = await serve({ family })
      expect(server.family).toBe(family)
    }
    expect(await failure(serve({ host: '127.0.0.1', family: AF_INET6 }))).toMatchObject({
      code: 'EAI_ADDRFAMILY',
    })
    expect(await failure(serve({ family: AF_INET, dualstack: true }))).toMatchObject({
      code: 'ERR_INVALID_ARG_TYPE',
    })
    expect(await failure(serve({ family: 99 }))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  })

  test('SOCK_DGRAM is bound and does not listen, without SO_REUSEADDR', async () => {
    using server = await serve({ host: '127.0.0.1', type: SOCK_DGRAM })
    expect(server.type).toBe(SOCK_DGRAM)
    expect(portOf(server)).toBeGreaterThan(0)
    expect(server.getsockopt(SOL_SOCKET, SO_REUSEADDR)).toBe(0)
    const busy = { host: '127.0.0.1', port: portOf(server), type: SOCK_DGRAM }
    expect(await failure(serve(busy))).toMatchObject({ code: 'EADDRINUSE' })
    expect(await failure(serve({ type: SOCK_DGRAM, backlog: 5 }))).toMatchObject({
      code: 'ERR_INVALID_ARG_TYPE',
    })
    expect(await failure(serve({ type: SOCK_RAW }))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  })

  testIf(linux, 'unlink and mode work for every type of AF_UNIX sockets', async () => {
    for (const type of [SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM]) {
      const file = path.join(directory, `s${type}`)
      new Socket(AF_UNIX, type).bind(file).close()
      expect(await failure(serve({ path: file, type }))).toMatchObject({ code: 'EADDRINUSE' })
      using server = await serve({ path: file, type, unlink: true, mode: 0o600 })
      expect(server.type).toBe(type)
      expect(statSync(file).mode & 0o777).toBe(0o600)
      expect(await failure(serve({ path: file, type, unlink: true }))).toMatchObject({ code: 'EADDRINUSE' })
      expect(lstatSync(file).isSocket()).toBe(true)
    }
  })

  test('options are set before bind and before connect, after the defaults', async () => {
    using server = await serve({
      host: '127.0.0.1',
      options: [
        [options.SO_REUSEADDR, false],
        [options.SO_RCVBUF, 20000],
      ],
    })
    expect(server.getsockopt(SOL_SOCKET, SO_REUSEADDR)).toBe(0)
    const received = server.get(options.SO_RCVBUF)
    expect(received).toBeGreaterThanOrEqual(20000)
    expect(received).toBeLessThanOrEqual(40000)
    using client = await connect({
      host: '127.0.0.1',
      port: portOf(server),
      options: [[options.TCP_NODELAY, true]],
    })
    expect(client.get(options.TCP_NODELAY)).toBe(true)
    using local = await serve({ path: path.join(directory, 's'), options: [[options.SO_SNDBUF, 30000]] })
    expect(local.get(options.SO_SNDBUF)).toBeLessThanOrEqual(60000)
  })

  test('bad options are refused before any system call', async () => {
    const file = path.join(directory, 's')
    for (const [bad, code] of [
      [7, 'ERR_INVALID_ARG_TYPE'],
      [[7], 'ERR_INVALID_ARG_TYPE'],
      [[[options.SO_RCVBUF]], 'ERR_INVALID_ARG_TYPE'],
      [[['SO_RCVBUF', 1]], 'ERR_INVALID_ARG_TYPE'],
      [[[options.SO_RCVBUF, 'much']], 'ERR_INVALID_ARG_TYPE'],
      [[[options.SO_ERROR, 1]], 'ERR_INVALID_ARG_TYPE'],
    ] as const) {
      expect(await failure(serve({ path: file, options: bad }))).toMatchObject({ code })
      expect(await failure(connect({ port: 1, options: bad }))).toMatchObject({ code })
    }
    for (const name of ['dualstack', 'reusePort'])
      expect(await failure(serve({ host: '127.0.0.1', [name]: 'no' }))).toMatchObject({
        code: 'ERR_INVALID_ARG_TYPE',
      })
    expect(await failure(serve({ path: file, unlink: 1 }))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
    expect(await failure(connect({ port: 1, allErrors: 1 }))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
    expect(readdirSync(directory)).toEqual([])
    // An error of the kernel leaves no path behind.
    const fastOpen = { path: file, options: [[options.TCP_FASTOPEN, 5]] }
    expect(await failure(serve(fastOpen))).toMatchObject({ syscall: 'setsockopt' })
    expect(readdirSync(directory)).toEqual([])
    expect(TCP_FASTOPEN).toBeDefined()
  })

  testIf(linux, 'bytes and addresses that are not UTF-8 work as paths', async () => {
    const bytes = Buffer.concat([Buffer.from(`${directory}/`), Buffer.of(0xff, 0xfe, 0x20, 0x80)])
    using server = await serve({ path: bytes, mode: 0o640 })
    expect(readdirSync(directory, { encoding: 'buffer' })).toEqual([Buffer.of(0xff, 0xfe, 0x20, 0x80)])
    const address = server.getsockname()
    expect((address as unknown as { pathBytes: Buffer }).pathBytes).toEqual(bytes)
    for (const way of [{ path: bytes }, address]) {
      using client = await connect(way)
      expect(client.remoteAddress!.equals(address)).toBe(true)
    }
    expect(await failure(serve({ path: bytes, unlink: true }))).toMatchObject({ code: 'EADDRINUSE' })
    server.close()
    expect(await failure(connect(address))).toMatchObject({ code: 'ECONNREFUSED' })
    using again = await serve({ path: bytes, unlink: true, mode: 0o600 })
    expect(statSync(bytes).mode & 0o777).toBe(0o600)
    again.close()
    using third = await serve(address).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'EADDRINUSE', path: address.path })
      return new Socket(AF_UNIX)
    })
    expect(third.localAddress?.kind).toBe('unnamed')
  })

  testIf(linux, 'abstract names with NULs and bytes that are not UTF-8 work', async () => {
    const abstract = Buffer.from(`\0bsd-sockets-${process.pid}-${name}\0\0\xff`, 'latin1')
    using server = await serve({ path: abstract })
    const address = server.getsockname()
    expect(address).toMatchObject({ kind: 'abstract' })
    using client = await connect(address)
    expect((client.remoteAddress as unknown as { pathBytes: Buffer }).pathBytes).toEqual(abstract)
    using other = await connect({ path: new Uint8Array(abstract) })
    expect(other.remoteAddress!.equals(address)).toBe(true)
  })
})

testIf(
  missing.resolver(),
  'a port can be the name of a service, and family selects addresses of a name',
  async () => {
    expect(
      await resolving(`
      const result = []
      for (const m of [b, s]) {
        const server = await m.createServer({ host: '127.0.0.1', port: 'echo-test' })
        const udp = await m.createServer({ host: '127.0.0.1', port: 'echo-test', type: b.SOCK_DGRAM })
        const client = await m.createConnection({ host: 'localhost', port: 'et', family: b.AF_INET })
        const literal = await m.createConnection({ host: '127.0.0.1', port: 'echo-test' })
        const four = await m.createServer({ host: 'localhost', family: b.AF_INET })
        const six = await m.createServer({ host: 'localhost', family: b.AF_INET6 })
        result.push(server.getsockname().port, udp.getsockname().port, client.remoteAddress.port, literal.remoteAddress.port,
          four.family === b.AF_INET, six.family === b.AF_INET6,
          (await failure(() => m.createServer({ port: 'nonsense' }))).code,
          (await failure(() => m.createConnection({ port: 'nonsense' }))).code)
        for (const each of [server, udp, client, literal, four, six]) each.close()
      }
      return result`),
    ).toEqual(
      Array.from({ length: 2 }, () => [
        4007,
        4008,
        4007,
        4007,
        true,
        true,
        'EAI_SERVICE',
        'EAI_SERVICE',
      ]).flat(),
    )
  },
)

test('the timeout of createConnection is not kept on the socket', async () => {
  using server = await createServer({ host: '127.0.0.1' })
  using client = await createConnection({ host: '127.0.0.1', port: portOf(server), timeout: 5000 })
  expect(client.timeout).toBeNull()
})

test('createConnection of bsd-sockets/sync connects, and refuses what it cannot do', () => {
  using server = sync.createServer({ host: '127.0.0.1' })
  using client = sync.createConnection({ host: '127.0.0.1', port: portOf(server), timeout: 5000 })
  using accepted = server.accept()
  client.sendAll(Buffer.from('hello'))
  expect(accepted.recv(10)).toEqual(Buffer.from('hello'))
  expect(thrown(() => sync.createConnection({ port: 1, happyEyeballs: 5 } as never)).message).toContain(
    'happyEyeballs',
  )
  const port = portOf(server)
  server.close()
  expect(thrown(() => sync.createConnection({ host: '127.0.0.1', port }))).toMatchObject({
    code: 'ECONNREFUSED',
    port,
  })
})

test('bsd-sockets/sync has what needs no promise', () => {
  for (const name of [
    'createConnection createServer listenFds hasDualstackIPv6 options codecs defineOption query control CMSG_LEN',
    'CMSG_SPACE MessageBatch Message FdHandle checksum htons htonl ntohs ntohl inet_aton inet_ntoa inet_pton inet_ntop',
    'bpf supports capabilities privileges allocZeroCopy constants nameOf clock hardwareTimestamps strerror',
  ].flatMap(each => each.split(' '))) {
    expect([name, typeof (sync as Record<string, unknown>)[name]]).not.toEqual([name, 'undefined'])
  }
})
