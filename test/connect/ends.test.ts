import {
  AF_INET,
  AF_INET6,
  createConnection,
  createServer,
  SOCK_STREAM,
  type ServerOptions,
  type ServerPathOptions,
} from '../../lib'
import { abstractName, withPath } from '../helpers/pairs'
import { failure, outcome } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'

/*
 * createConnection accepts the address that getsockname() of a server returns.
 */
async function meet(options: ServerOptions | ServerPathOptions): Promise<string> {
  const server = await createServer(options)
  const address = server.getsockname()
  const client = await createConnection(address)
  const accepted = await server.accept()
  expect(client.getpeername().equals(address)).toBe(true)
  for (const socket of [client, accepted, server]) socket.close()
  return address.kind
}

test('createConnection connects to the address of an IPv4 server', async () =>
  expect(await meet({ host: '127.0.0.1' })).toBe('inet'))

testIf(
  missing.socket(AF_INET6, SOCK_STREAM),
  'createConnection connects to the address of an IPv6 server',
  async () => {
    expect(await meet({ host: '::1' })).toBe('inet6')
  },
)

test('createConnection connects to the address of a server with a path', () =>
  withPath(async path => expect(await meet({ path })).toBe('unix')))

testIf(
  missing.linux(),
  'createConnection connects to the address of a server with an abstract name',
  async () => {
    expect(await meet({ path: abstractName() })).toBe('abstract')
  },
)

testIf(
  missing.socket(AF_INET6, SOCK_STREAM),
  'createConnection uses the zone of an IPv6 address',
  async () => {
    const server = await createServer({ host: '::1' })
    const address = server.getsockname() as { port: number }
    const zoned = { host: 'fe80::1%1', port: address.port }
    expect(await outcome(createConnection({ ...zoned, timeout: 0 }))).toMatch(
      /^E(INVAL|ADDRNOTAVAIL|NETUNREACH|HOSTUNREACH|RR_SOCKET_TIMEOUT)/,
    )
    server.close()
  },
)

test('createServer fails with EADDRINUSE if its address is in use, and unlink: true keeps a live path', async () => {
  const server = await createServer({ host: '127.0.0.1' })
  expect(await failure(createServer(server.getsockname()))).toMatchObject({
    code: 'EADDRINUSE',
    syscall: 'bind',
  })
  server.close()
  await withPath(async path => {
    const first = await createServer({ path })
    expect(await outcome(createServer({ path }))).toBe('EADDRINUSE')
    expect(await outcome(createServer({ path, unlink: true }))).toBe('EADDRINUSE') // the path has a listener
    first.close()
    const second = await createServer({ path, unlink: true, mode: 0o600 })
    second.close()
  })
})

test.each([
  [{ path: 'x', host: 'y' }, 'options.path'],
  [{ host: 5 }, 'options.host'],
  [{ port: -1 }, 'options.port'],
  [{ backlog: 0.5 }, 'options.backlog'],
  [{ path: 'x', mode: 0o10000 }, 'options.mode'],
])('%j', async (options, named) => {
  expect((await failure(createServer(options as never))).message).toContain(`"${named}"`)
})

test('createConnection refuses options of a host and port beside a path, before any lookup', async () => {
  for (const [name, value] of Object.entries({
    host: 'localhost',
    port: 1,
    family: AF_INET,
    localAddress: ['', 0],
    happyEyeballs: false,
    allErrors: true,
  })) {
    const error = await failure(createConnection({ path: '/nowhere', [name]: value } as never))
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE', name: 'TypeError' })
    expect(error.message).toMatch(new RegExp(`^The "options.path" argument must be given without ${name}\\.`))
  }
})

test('undefined options of the other form count as absent', async () => {
  const none = { host: undefined, port: undefined, family: undefined }
  await withPath(async path => {
    const server = await createServer({ path, ...none, reusePort: undefined, dualstack: undefined })
    const client = await createConnection({
      path,
      ...none,
      localAddress: undefined,
      happyEyeballs: undefined,
    })
    expect(client.getpeername().path).toBe(path)
    client.close()
    server.close()
  })
  const server = await createServer({
    host: '127.0.0.1',
    path: undefined,
    unlink: undefined,
    mode: undefined,
  })
  const { port } = server.getsockname()
  const client = await createConnection({ host: '127.0.0.1', port, path: undefined })
  expect(client.getpeername().port).toBe(port)
  client.close()
  server.close()
})
