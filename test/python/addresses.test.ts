import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  INADDR_ANY,
  SOCK_DGRAM,
  Socket as PromiseSocket,
  getaddrinfo,
  getnameinfo,
  inet_aton,
  if_nametoindex,
} from '../../lib'
import { Socket as SyncSocket } from '../../lib/sync'
import { outcome, thrown, failure } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { existsSync } from 'node:fs'
import { runPython } from '../helpers/child'
import { withPath } from '../helpers/pairs'

/*
 * Cases that CPython's socket module handles and a thin binding easily misses, and faults that CPython's module has. A
 * test for such a fault names its row in docs/python-parity.md. If Python can show the fault at once, the test also
 * runs Python: when Python repairs it, the test fails and the page can be updated.
 */
const python = missing.linux() ?? missing.python()
const bytes = (text: string): Buffer => Buffer.from(text)
const code = (call: () => unknown): Promise<string> => outcome((async () => call())())
const linux = missing.linux()

// `await` also takes the plain results of the blocking Socket.
describe.each([
  ['bsd-sockets', PromiseSocket],
  ['bsd-sockets/sync', SyncSocket as unknown as typeof PromiseSocket],
] as const)('%s', (_, Socket) => {
  test('recvfrom gives a null address if the sender has none', async () => {
    const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
    await a.send(bytes('x'))
    expect(await b.recvfrom(10)).toMatchObject({ address: null })
    const [c, d] = Socket.pair()
    await c.send(bytes('x'))
    expect(await d.recvfrom(10)).toMatchObject({ address: null })
    for (const socket of [a, b, c, d]) socket.close()
  })

  testIf(linux, 'two abstract names that differ only in a trailing NUL are different', async () => {
    const name = `\0edge-${process.pid}`
    const [first, second, sender] = [name, `${name}\0`, ''].map(each =>
      new Socket(AF_UNIX, SOCK_DGRAM).bind(each),
    )
    await sender!.sendto(bytes('one'), name)
    await sender!.sendto(bytes('two'), `${name}\0`)
    expect(String(await first!.recv(10))).toBe('one')
    const { data, address } = await second!.recvfrom(10)
    expect([String(data), address!.kind]).toEqual(['two', 'abstract']) // the kernel chose a name for ''
    for (const socket of [first, second, sender]) socket!.close()
  })

  test('getsockname of an unbound AF_UNIX socket is unnamed, and getpeername fails with ENOTCONN', () => {
    const socket = new Socket(AF_UNIX)
    expect(socket.getsockname().kind).toBe('unnamed')
    expect(thrown(() => socket.getpeername()).code).toBe('ENOTCONN')
    socket.close()
  })

  test("bind maps '' to the wildcard address, and rejects other families and invalid ports", async () => {
    const socket = new Socket(AF_INET, SOCK_DGRAM)
    expect(await code(() => socket.bind(['::1', 0]))).toBe('ERR_INVALID_ADDRESS')
    for (const port of [-1, 65536, 1e9]) {
      expect(await code(() => socket.bind(['127.0.0.1', port]))).toBe('ERR_OUT_OF_RANGE')
    }
    expect(socket.bind(['', 0]).getsockname()).toMatchObject({ address: '0.0.0.0' })
    expect(INADDR_ANY).toBe(0)
    socket.close()
    if (missing.socket(AF_INET6, SOCK_DGRAM) !== null) return
    const six = new Socket(AF_INET6, SOCK_DGRAM).bind(['', 0])
    expect(six.getsockname()).toMatchObject({ address: '::' })
    six.close()
  })
})

// D2 in docs/python-parity.md.
testIf(missing.socket(AF_INET6, SOCK_DGRAM), 'bind uses the zone of an IPv6 address', () => {
  const socket = new PromiseSocket(AF_INET6, SOCK_DGRAM)
  const lo = process.platform === 'linux' ? 'lo' : 'lo0'
  expect(thrown(() => socket.bind([`fe80::1234%${lo}`, 0])).code).toBe('EADDRNOTAVAIL') // EINVAL would mean that the zone was ignored
  expect(if_nametoindex(lo)).toBeGreaterThan(0)
  socket.close()
})

// D5, D7 in docs/python-parity.md.
testIf(python, 'getaddrinfo rejects a host with a NUL and a port above 65535', async () => {
  const script = `
import socket
print(socket.getaddrinfo('127.0.0.1\\0evil', 80, type=1)[0][4], socket.getaddrinfo('127.0.0.1', 70000, type=1)[0][4][1])`
  expect(await runPython(script)).toBe("('127.0.0.1', 80) 4464\n")
  expect((await failure(getaddrinfo('127.0.0.1\0evil', 80))).code).toBe('ERR_OUT_OF_RANGE')
  expect((await failure(getaddrinfo('127.0.0.1', 70000))).code).toBe('ERR_OUT_OF_RANGE')
  expect((await failure(getaddrinfo('127.0.0.1', -1))).code).toBe('ERR_OUT_OF_RANGE')
  expect((await failure(getnameinfo(['127.0.0.1', 65536]))).code).toBe('ERR_OUT_OF_RANGE')
})

// D6 in docs/python-parity.md.
testIf(python, 'inet_aton rejects text after the address', async () => {
  expect(await runPython(`import socket; print(socket.inet_aton('1.2.3.4 x'))`)).toBe(
    "b'\\x01\\x02\\x03\\x04'\n",
  )
  expect(thrown(() => inet_aton('1.2.3.4 x')).code).toBe('ERR_INVALID_ADDRESS')
})

// D8 in docs/python-parity.md.
test('bind rejects a path with a NUL', () =>
  withPath(file => {
    const socket = new PromiseSocket(AF_UNIX)
    expect(thrown(() => socket.bind(`${file}\0tail`)).name).toMatch(/^(Range|Type)Error$/)
    expect(existsSync(file)).toBe(false)
    socket.close()
    return Promise.resolve()
  }))

// D9 in docs/python-parity.md.
testIf(missing.socket(AF_INET6, SOCK_DGRAM), 'bind rejects a negative scopeId', () => {
  const socket = new PromiseSocket(AF_INET6, SOCK_DGRAM)
  const error = thrown(() => socket.bind({ address: '::1', port: 0, scopeId: -1 }))
  expect(error.code).toBe('ERR_OUT_OF_RANGE')
  socket.close()
})
