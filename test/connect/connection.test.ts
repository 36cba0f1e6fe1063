import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  createConnection,
  setDefaultTimeout,
  Socket,
  SOCK_STREAM,
  type Address,
} from '../../lib'
import { establish, type Resolve } from '../../lib/net/connect'
import { addresses } from '../../lib/host'
import { failure } from '../helpers/errors'
import { resolving } from '../helpers/hosts'
import { missing, testIf } from '../helpers/need'
import { withPath } from '../helpers/pairs'

const six = missing.socket(AF_INET6, SOCK_STREAM)
const closing: Socket[] = []
afterEach(() => {
  for (const socket of closing.splice(0)) socket.close()
})

/** Returns a listening socket; with `port` 0 the kernel chooses the port. */
function listening(host: string, port = 0, backlog = 128): { socket: Socket; port: number } {
  const socket = new Socket(host.includes(':') ? AF_INET6 : AF_INET, SOCK_STREAM)
  closing.push(socket)
  socket.bind([host, port]).listen(backlog)
  return { socket, port: (socket.getsockname() as { port: number }).port }
}

/** Returns a listening socket that does not answer, because its backlog is full. */
async function silent(host: string, port = 0): Promise<number> {
  const listener = listening(host, port, 0)
  for (;;) {
    const filler = new Socket(host.includes(':') ? AF_INET6 : AF_INET, SOCK_STREAM)
    closing.push(filler)
    const code = await filler.connect([host, listener.port], { timeout: 100 }).then(
      () => '',
      (error: { code: string }) => error.code,
    )
    if (code === 'ERR_SOCKET_TIMEOUT') return listener.port
  }
}

/** Returns a port without a listener. A bound socket reserves it. */
function refused(host = '127.0.0.1'): number {
  const socket = new Socket(host.includes(':') ? AF_INET6 : AF_INET, SOCK_STREAM).bind([host, 0])
  closing.push(socket)
  return (socket.getsockname() as { port: number }).port
}

/** Returns a resolver with these addresses by family, and a list of its calls. */
function knowing(...hosts: string[]): { resolve: Resolve; asked: number[] } {
  const asked: number[] = []
  const resolve: Resolve = (_host, port, family) => {
    asked.push(family)
    const of = (host: string): number => (host.includes(':') ? AF_INET6 : AF_INET)
    const found = hosts.filter(host => family === 0 || family === of(host))
    return Promise.resolve(
      found.map(host => addresses.decode(addresses.encode([host, Number(port)], of(host))) as Address),
    )
  }
  return { resolve, asked }
}

const of = (socket: Socket): unknown => {
  closing.push(socket)
  return socket.remoteAddress?.toJSON()
}

testIf(six, 'createConnection uses IPv4 if IPv6 does not answer', async () => {
  const port = await silent('::1')
  listening('127.0.0.1', port)
  const { resolve, asked } = knowing('::1', '127.0.0.1')
  const socket = await establish({ host: 'both.example', port, happyEyeballs: 10 }, resolve)
  expect(of(socket)).toMatchObject({ kind: 'inet', port })
  expect(asked).toEqual([0])
})

testIf(
  six,
  'createConnection tries IPv4 immediately if IPv6 is refused, regardless of the delay',
  async () => {
    const { port } = listening('127.0.0.1')
    const { resolve } = knowing('::1', '127.0.0.1')
    const socket = await establish({ host: 'both.example', port, happyEyeballs: 0x7fffffff }, resolve)
    expect(of(socket)).toMatchObject({ kind: 'inet', port })
  },
)

testIf(six, 'createConnection uses the family of the first address if both answer', async () => {
  const { port } = listening('::1')
  listening('127.0.0.1', port)
  const socket = await establish({ host: 'both.example', port }, knowing('::1', '127.0.0.1').resolve)
  expect(of(socket)).toMatchObject({ kind: 'inet6', port })
})

testIf(six, 'createConnection does not wait for an IPv6 lookup that never completes', async () => {
  const { port } = listening('127.0.0.1')
  const resolve: Resolve = (host, to, family, op) =>
    family === 0
      ? new Promise((_resolve, reject) =>
          op.signal.addEventListener('abort', () => reject(new Error('late'))),
        )
      : knowing('127.0.0.1').resolve(host, to, family, op)
  expect(of(await establish({ host: 'slow.example', port }, resolve))).toMatchObject({ kind: 'inet', port })
})

testIf(six, 'happyEyeballs: false makes one lookup and keeps the order of the addresses', async () => {
  const { port } = listening('127.0.0.1')
  listening('::1', port)
  const { resolve, asked } = knowing('127.0.0.1', '::1')
  const socket = await establish({ host: 'both.example', port, happyEyeballs: false }, resolve)
  expect(of(socket)).toMatchObject({ kind: 'inet', port })
  expect(asked).toEqual([0])
})

test('one deadline covers all attempts, and the error has the earlier failure as its cause', async () => {
  const port = await silent('127.0.0.1')
  const error = await failure(createConnection({ host: '127.0.0.1', port, timeout: 30 }))
  expect(error).toMatchObject({ name: 'TimeoutError', code: 'ERR_SOCKET_TIMEOUT', syscall: 'connect' })
  expect(error.errno).toBeUndefined()
  expect(error.cause).toBeUndefined()

  const { resolve } = knowing('127.0.0.2', '127.0.0.1') // the first address has no listener
  const later = await failure(
    establish({ host: 'two.example', port, happyEyeballs: false, timeout: 30 }, resolve),
  )
  expect(later.code).toBe('ERR_SOCKET_TIMEOUT')
  expect((later.cause as AggregateError).errors).toMatchObject([
    { code: 'ECONNREFUSED', address: '127.0.0.2', port },
  ])
})

test('the deadline includes the lookup', async () => {
  const never: Resolve = (_host, _port, _family, op) =>
    new Promise((_resolve, reject) => op.signal.addEventListener('abort', () => reject(new Error('late'))))
  expect(await failure(establish({ host: 'slow.example', port: 1, timeout: 20 }, never))).toMatchObject({
    code: 'ERR_SOCKET_TIMEOUT',
  })
})

test('allErrors reports the error of every attempt', async () => {
  const port = refused()
  const { resolve } = knowing('127.0.0.2', '127.0.0.3', '127.0.0.4')
  const error = (await failure(
    establish({ host: 'three.example', port }, resolve),
  )) as unknown as AggregateError & { code: string }
  expect(error.name).toBe('AggregateError')
  expect(error.code).toBe('ECONNREFUSED')
  expect(error.message).toContain('every address of three.example failed: connect ECONNREFUSED 127.0.0.2:')
  expect(error.errors).toMatchObject([
    { code: 'ECONNREFUSED', syscall: 'connect', address: '127.0.0.2', port },
    { code: 'ECONNREFUSED', address: '127.0.0.3', port },
    { code: 'ECONNREFUSED', address: '127.0.0.4', port },
  ])
})

test('a single error is thrown as it is, and with allErrors in an AggregateError', async () => {
  const port = refused()
  expect(await failure(createConnection({ host: '127.0.0.1', port }))).toMatchObject({
    name: 'SocketError',
    code: 'ECONNREFUSED',
    message: `connect ECONNREFUSED 127.0.0.1:${port}`,
  })
  const all = await failure(createConnection({ host: '127.0.0.1', port, allErrors: true }))
  expect((all as unknown as AggregateError).errors).toMatchObject([{ code: 'ECONNREFUSED', port }])
})

test('a signal rejects createConnection and closes its pending attempts', async () => {
  const port = await silent('127.0.0.1')
  const reason = new Error('mine')
  const controller = new AbortController()
  const waiting = failure(createConnection({ host: '127.0.0.1', port, signal: controller.signal }))
  setTimeout(() => controller.abort(reason), 20)
  expect(await waiting).toMatchObject({ name: 'AbortError', cause: reason })
  const before = await failure(
    createConnection({ host: '127.0.0.1', port, signal: AbortSignal.abort(reason) }),
  )
  expect(before).toMatchObject({ name: 'AbortError', cause: reason })
})

test('createConnection with timeout 0 never waits, also if 0 is the default timeout', async () => {
  const { port } = listening('127.0.0.1')
  expect(await failure(createConnection({ host: '127.0.0.1', port, timeout: 0 }))).toMatchObject({
    code: 'EINPROGRESS',
  })
  expect(await failure(createConnection({ host: 'localhost', port, timeout: 0 }))).toMatchObject({
    code: 'EAGAIN',
    syscall: 'getaddrinfo',
  })
  setDefaultTimeout(0)
  try {
    expect(await failure(createConnection({ host: '127.0.0.1', port }))).toMatchObject({
      code: 'EINPROGRESS',
    })
  } finally {
    setDefaultTimeout(null)
  }
})

test('the default timeout is the deadline of createConnection', async () => {
  const port = await silent('127.0.0.1')
  setDefaultTimeout(20)
  try {
    expect(await failure(createConnection({ host: '127.0.0.1', port }))).toMatchObject({
      code: 'ERR_SOCKET_TIMEOUT',
    })
    const socket = await createConnection({ host: '127.0.0.1', port: listening('127.0.0.1').port })
    expect(socket.timeout).toBe(20)
    socket.close()
  } finally {
    setDefaultTimeout(null)
  }
})

test('createConnection binds to localAddress and looks up only addresses of its family', async () => {
  const { socket: server, port } = listening('127.0.0.1')
  const { resolve, asked } = knowing('127.0.0.1', '::1')
  const socket = await establish({ host: 'both.example', port, localAddress: ['127.0.0.9', 0] }, resolve)
  expect(asked).toEqual([AF_INET])
  expect(socket.localAddress!.toJSON()).toMatchObject({ address: '127.0.0.9' })
  const accepted = await server.accept()
  expect(accepted.remoteAddress!.toJSON()).toMatchObject({ address: '127.0.0.9' })
  expect(accepted.remoteAddress).toBe(accepted.remoteAddress)
  closing.push(socket, accepted)
  const any = await establish({ host: 'both.example', port, localAddress: ['', 0] }, resolve)
  expect(asked.slice(1)).toEqual([0])
  closing.push(any)
})

test('an accepted connection keeps the address of its peer after the peer has reset it, and after close()', async () => {
  const { socket: server, port } = listening('127.0.0.1')
  const socket = new Socket()
  await socket.connect(['127.0.0.1', port])
  const local = socket.getsockname()
  const accepted = await server.accept()
  const other = new Socket()
  await other.connect(['127.0.0.1', port])
  const second = await server.accept()
  closing.push(accepted, other, second)
  socket.reset()
  expect((await failure(accepted.recv(1))).code).toBe('ECONNRESET')
  expect(() => accepted.getpeername()).toThrow('ENOTCONN')
  accepted.close()
  expect(accepted.remoteAddress!.equals(local)).toBe(true)
  expect(second.remoteAddress!.equals(other.localAddress)).toBe(true)
})

test('createConnection connects to an AF_UNIX path', () =>
  withPath(async path => {
    const server = new Socket(AF_UNIX).bind(path).listen()
    const socket = await createConnection({ path })
    expect(socket.remoteAddress!.toJSON()).toEqual({ kind: 'unix', path })
    socket.close()
    server.close()
    expect(await failure(createConnection({ path }))).toMatchObject({ code: 'ECONNREFUSED', path })
    expect(await failure(createConnection({ path: `${path}x` }))).toMatchObject({ code: 'ENOENT' })
  }))

testIf(missing.resolver(), 'createConnection connects by name, with the resolver of the system', async () => {
  const script = `
    const server = await b.createServer({ host: '127.1.0.3' })
    const { port } = server.getsockname()
    const socket = await b.createConnection({ host: 'only4.example', port, timeout: 5000 })
    const found = socket.remoteAddress.address
    socket.close(); server.close()
    return [found, await failure(() => b.createConnection({ host: 'nonexistent.invalid', port: 1 })),
      await failure(() => b.createConnection({ host: 'only4.example', port: 1, family: b.AF_INET6 })),
      await failure(() => b.createConnection({ host: 'only4.example', port }))]`
  expect(await resolving(script)).toMatchObject([
    '127.1.0.3',
    { name: 'SocketError', code: 'EAI_NONAME', message: 'getaddrinfo EAI_NONAME nonexistent.invalid' },
    { code: expect.stringMatching(/^EAI_/) as string, syscall: 'getaddrinfo' },
    { code: 'ECONNREFUSED', syscall: 'connect' },
  ])
})

test('createConnection rejects invalid arguments', async () => {
  const ask = (options: unknown): Promise<unknown> => failure(createConnection(options as never))
  for (const bad of [
    null,
    7,
    { port: '80' },
    { host: 7, port: 1 },
    { port: 1, family: 99 },
    { port: 1, happyEyeballs: true },
    {},
  ]) {
    expect(await ask(bad)).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  }
  for (const bad of [
    { port: -1 },
    { port: 65536 },
    { port: 1, timeout: -1 },
    { port: 1, happyEyeballs: -1 },
    { port: 1, happyEyeballs: NaN },
  ]) {
    expect(await ask(bad)).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
  }
  expect(await ask({ port: 1, localAddress: ['name', 1] })).toMatchObject({ code: 'ERR_INVALID_ADDRESS' })
  expect(await ask({ port: 1, host: 'a\0b' })).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
})
