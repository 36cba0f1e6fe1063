import { mkdtempSync, openSync, closeSync, rmSync, writeFileSync, existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createConnection, createServer, FdHandle, Socket } from '../../lib'
import { native } from '../../lib/binding/binding'
import { reactor } from '../../lib/reactor'
import { AF_INET, AF_UNIX, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, SO_SNDBUF } from '../../lib/constants'
import { failure, thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'

const bytes = (text: string): Buffer => Buffer.from(text)

test('one slot can be reused for ever: no id is mistaken for "none"', () => {
  for (let i = 0; i < 3000; i++) new Socket(AF_INET, SOCK_DGRAM).close()
  const file = openSync('/dev/null', 'r')
  for (let i = 0; i < 3000; i++) native.close(reactor.adoptDuplicate(file, 'dup'))
  for (let i = 0; i < 3000; i++) new FdHandle(native.dupFd(file)).close()
  closeSync(file)
})

test.each([
  ['AF_UNIX', () => Promise.resolve(Socket.pair())],
  [
    'TCP',
    async () => {
      const listener = new Socket().bind(['127.0.0.1', 0]).listen()
      const client = new Socket()
      const accepted = listener.accept()
      await client.connect(listener.getsockname())
      const server = await accepted
      listener.close()
      return [client, server] as [Socket, Socket]
    },
  ],
])('%s: a read that was served beside a deferred write is not armed any more', async (_name, make) => {
  const [a, b] = await make()
  const first = a.recv(100)
  // More sends than the budget, so that the channel is deferred, and data for the read that is armed.
  const sends = Array.from({ length: 80 }, () => a.send(bytes('x')))
  b.trySend(bytes('hello'))
  expect(String(await first)).toBe('hello')
  await Promise.all(sends)
  await b.send(bytes('not lost'))
  await new Promise(resolve => setImmediate(resolve))
  expect(String(await a.recv(100, { timeout: 2000 }))).toBe('not lost')
  a.close()
  b.close()
})

test('a view that grew between two receives is filled as it is now', async () => {
  const Resizable = ArrayBuffer as unknown as new (
    n: number,
    o: object,
  ) => ArrayBuffer & { resize(n: number): void }
  const memory = new Resizable(8, { maxByteLength: 64 })
  const view = new Uint8Array(memory)
  const [a, b] = Socket.pair()
  for (const [size, text] of [
    [8, 'eight by'],
    [60, 'A'.repeat(60)],
  ] as const) {
    memory.resize(size)
    const received = b.recvInto(view)
    await a.send(bytes(text))
    expect(await received).toBe(size)
    expect(Buffer.from(view).toString()).toBe(text)
  }
  a.close()
  b.close()
})

test('whatever onProgress throws is what sendfile rejects with', async () => {
  const file = openSync(process.execPath, 'r')
  for (const thrown of [undefined, Object.freeze(new Error('frozen')), 'text']) {
    const [a, b] = Socket.pair()
    const sent = a.sendfile(file, {
      length: 1000,
      onProgress: () => {
        throw thrown // eslint-disable-line @typescript-eslint/only-throw-error -- users do
      },
    })
    await expect(sent).rejects.toBe(thrown)
    a.close()
    b.close()
  }
  closeSync(file)
})

test('descriptors that wait to be sent are held: the caller may close his', async () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_STREAM)
  a.setsockopt(SOL_SOCKET, SO_SNDBUF, 4096)
  while (a.trySend(Buffer.alloc(4096)) !== null);
  const directory = mkdtempSync(path.join(tmpdir(), 'bsd-sockets-'))
  const name = path.join(directory, 'file')
  writeFileSync(name, 'mine')
  const file = openSync(name, 'r')
  const sent = a.sendFds(bytes('!'), [file])
  closeSync(file)
  const other = openSync('/dev/null', 'r') // takes the number
  let fds: FdHandle[] = []
  while (fds.length === 0) fds = (await b.recvFds(65536, 1, { timeout: 2000 })).fds
  await sent
  const number = fds[0]!.release()
  const received = Socket.pair()
  await received[0].sendfile(number)
  expect(String(await received[1].recv(100))).toBe('mine')
  for (const fd of [number, other]) closeSync(fd)
  for (const socket of [a, b, ...received]) socket.close()
  rmSync(directory, { recursive: true })
})

test('createServer touches nothing when an argument is bad, and removes its path when it fails', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'bsd-sockets-'))
  const name = path.join(directory, 'sock')
  for (const bad of [{ mode: 99999 }, { mode: '0600' }, { backlog: 'x' }]) {
    expect(['ERR_OUT_OF_RANGE', 'ERR_INVALID_ARG_TYPE']).toContain(
      (await failure(createServer({ path: name, ...bad } as never))).code,
    )
    expect(existsSync(name)).toBe(false)
  }
  rmSync(directory, { recursive: true })
})

test('createServer maps an IPv4 address for a dual-stack socket', async () => {
  const server = await createServer({ host: '127.0.0.1', dualstack: true })
  const { port } = server.getsockname() as unknown as { port: number }
  const client = await createConnection({ host: '127.0.0.1', port })
  client.close()
  server.close()
})

test('createConnection: an address of another family is not looked up', async () => {
  const error = await failure(createConnection({ host: '::1', port: 1, family: AF_INET }))
  expect([error.name, error.code]).toEqual(['SocketError', 'EAI_ADDRFAMILY'])
})

test('a signal that fired before connect leaves the socket open', async () => {
  const socket = new Socket()
  await failure(socket.connect(['127.0.0.1', 1], { signal: AbortSignal.abort() }))
  expect(socket.closed).toBe(false)
  socket.close()
})

test.each([
  ['send', (socket: Socket) => socket.send(bytes('x'))],
  ['sendAll', (socket: Socket) => socket.sendAll(bytes('x'))],
  ['recvmsg', (socket: Socket) => socket.recvmsg(1)],
])('%s that fails again and again leaves others their turn', async (name, operation) => {
  const [a, b] = name === 'recvmsg' ? [new Socket(), new Socket()] : Socket.pair() // not connected
  b.close()
  let failures = 0
  let turned = false
  setImmediate(() => (turned = true))
  while (!turned && failures < 10_000) {
    await failure(operation(a))
    failures++
  }
  expect([turned, failures > 1]).toEqual([true, true])
  a.close()
})

testIf(missing.linux(), 'an ioctl whose argument holds an address is refused', () => {
  const socket = new Socket(AF_INET, SOCK_DGRAM)
  const SIOCGIFCONF = 0x8912
  const SIOCETHTOOL = 0x8946
  for (const request of [SIOCGIFCONF, SIOCETHTOOL, 0x89f0, 0x8b01]) {
    expect(thrown(() => socket.ioctl(request, Buffer.alloc(40, 0x41)))).toMatchObject({ code: 'EPERM' })
  }
  socket.close()
})

testIf(missing.linux(), 'a path in detached memory is an empty one, and no error of V8', async () => {
  const path = new Uint8Array(new ArrayBuffer(8)).fill(97)
  structuredClone(path.buffer, { transfer: [path.buffer] })
  const socket = new Socket(AF_UNIX, SOCK_STREAM)
  expect((await failure(socket.connect(path))).code).toMatch(/^E[A-Z]+$/)
  socket.close()
})
