/*
 * Other code may add any name to Object.prototype. The package reads no optional field from there: neither of an object
 * of the caller nor of one of its own. The names are all optional fields that lib/ declares.
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import {
  AF_INET,
  bpf,
  createConnection,
  createServer,
  MessageBatch,
  options,
  poll,
  relay,
  serve,
  Socket,
  SOCK_DGRAM,
} from '../../lib'
import * as dgram from '../../lib/dgram'
import { turn } from '../helpers/pairs'

const lib = path.join(__dirname, '../../lib')

function optionalFields(): Set<string> {
  const names = new Set<string>()
  for (const entry of readdirSync(lib, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts') || entry.name.endsWith('.d.ts')) continue
    const text = readFileSync(path.join(entry.parentPath, entry.name), 'utf8')
    for (const [, name] of text.matchAll(/^\s+(?:readonly )?(\w+)\?:/gm)) names.add(name!)
  }
  return names
}

const names = optionalFields()

/** Runs `run` while Object.prototype has all these names. Returns which of them a file of lib/ has read there. */
async function reads(run: () => Promise<void>): Promise<string[]> {
  const prototype = Object.prototype
  const found = new Set<string>()
  for (const name of names) {
    const property: PropertyDescriptor = {
      configurable: true,
      get() {
        const reader = new Error().stack!.split('\n')[2]!
        const [, file] = /[\\/]lib[\\/](\S+\.ts):\d+/.exec(reader) ?? []
        if (file !== undefined) found.add(`${name} in ${file}`)
        return undefined
      },
      // An assignment works as it would without the name.
      set(value: unknown) {
        Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true })
      },
    }
    Object.setPrototypeOf(property, null)
    Object.defineProperty(prototype, name, property)
  }
  try {
    await run()
  } finally {
    for (const name of names) Reflect.deleteProperty(prototype, name)
  }
  return [...found]
}

const udp = (host = '127.0.0.1'): Socket => new Socket(AF_INET, SOCK_DGRAM).bind([host, 0])
const portOf = (socket: Socket): number => (socket.getsockname() as { port: number }).port
const event = (socket: dgram.Socket, name: string): Promise<void> =>
  new Promise(resolve => void socket.once(name, () => resolve()))

const calls: Record<string, () => Promise<void>> = {
  async onMessage() {
    using socket = udp()
    const message = new Promise<void>(resolve => void socket.onMessage(() => resolve()))
    socket.trySendto(Buffer.from('x'), socket.getsockname())
    await message
  },
  async 'messages, recvmsg and sendmsg'() {
    using socket = udp()
    socket.receiveMeta({ packetInfo: true, ttl: true })
    const next = socket.messages().next()
    await socket.sendmsg({ data: Buffer.from('x'), address: socket.getsockname() })
    expect((await next).done).toBe(false)
    await socket.sendto(Buffer.from('y'), socket.getsockname())
    expect((await socket.recvmsg(9)).meta.ttl).toBeGreaterThan(0)
  },
  async toDgram() {
    const socket = udp().toDgram()
    await event(socket, 'listening')
    socket.setMulticastLoopback(true)
    socket.send('x', socket.address().port, '127.0.0.1')
    await event(socket, 'message')
    socket.close()
  },
  async 'dgram of UDP'() {
    const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1')
    await event(socket, 'listening')
    socket.connect(socket.address().port, '127.0.0.1')
    await event(socket, 'connect')
    socket.send(['x', 'y'])
    await event(socket, 'message')
    socket.disconnect()
    socket.close()
    const other = dgram.createSocket({ type: 'udp4' }).bind({ port: 0, address: '127.0.0.1' })
    await event(other, 'listening')
    other.close()
  },
  async 'dgram of AF_UNIX'() {
    if (process.platform !== 'linux') return // abstract names
    for (const target of ['\0inherited-fields', { path: '\0inherited-fields' }]) {
      const socket = dgram.createSocket('unix').bind(target as never)
      await event(socket, 'listening')
      socket.send('x', socket.address().address)
      await event(socket, 'message')
      socket.close()
      await event(socket, 'close')
    }
  },
  async 'serve over datagrams'() {
    for (const host of ['127.0.0.1', '0.0.0.0']) {
      const socket = udp(host)
      const port = portOf(socket)
      const server = serve(socket as Socket<never, 'dgram'>, ({ reply, data }) => reply(data))
      using client = udp()
      await client.sendto(Buffer.from('x'), ['127.0.0.1', port] as never)
      expect(String(await client.recv(9))).toBe('x')
      await server.close()
    }
  },
  async 'serve over connections'() {
    const listener = await createServer({ host: '127.0.0.1', port: 0 })
    const server = serve(listener, client => client.sendAll(Buffer.from('line\n')))
    using client = await createConnection({ host: '127.0.0.1', port: portOf(listener as Socket) })
    expect(String(await client.reader().line())).toBe('line')
    client.set(options.TCP_NODELAY, true)
    await server.close()
  },
  async 'connections by name, and relay'() {
    const listener = await createServer({ host: '127.0.0.1', port: 0 })
    const a = await createConnection({ host: 'localhost', port: portOf(listener as Socket) })
    const b = await listener.accept()
    const [c, d] = Socket.pair()
    const relayed = relay(b, c)
    for (const socket of [a, d]) socket.close()
    await relayed.catch(() => undefined)
    for (const socket of [b, c, listener]) socket.close()
  },
  async streams() {
    const [a, b] = Socket.pair()
    const duplex = a.toDuplex()
    duplex.write('x')
    expect(String(await b.recv(9))).toBe('x')
    duplex.destroy()
    const [c, d] = Socket.pair()
    const { readable, writable } = c.toWeb()
    await writable.close()
    await readable.cancel()
    d.toNetSocket().destroy()
    b.close()
  },
  async 'the error queue'() {
    using socket = new Socket(AF_INET, SOCK_DGRAM)
    if (process.platform !== 'linux') return
    socket.receiveMeta({ errors: true })
    await socket.connect(['127.0.0.1', 9] as never)
    socket.trySend(Buffer.from('x'))
    expect(await socket.receiveErrors({ timeout: 5000 })).toHaveLength(1)
  },
  async 'descriptors, batches, zero-copy sends and poll'() {
    const [a, b] = Socket.pair()
    await a.sendFds(Buffer.from('x'), [0])
    for (const handle of (await b.recvmsg(9, { fds: 'receive' })).meta.fds ?? []) handle.close()
    await poll([{ socket: a, events: 4 }], 10)
    for (const socket of [a, b]) socket.close()
    using socket = udp()
    const batch = new MessageBatch({ count: 2, size: 10 }).set(0, Buffer.from('x'), socket.getsockname())
    await socket.sendmmsg(batch)
    await socket.recvmmsg(batch)
    if (process.platform !== 'linux') return
    await socket.connect(socket.getsockname())
    await socket.sendZeroCopy([Buffer.allocUnsafeSlow(3)])
  },
  async filters() {
    bpf.compile('tcp port 80 and net 10.0.0.0/8 or len < 3 + 4')
    bpf.compile('host 10.0.0.1', { link: 'ethernet' })
    bpf.assemble([{ op: 'ret', k: 1 }])
    await turn()
  },
}

test('lib/ declares optional fields', () => {
  expect(names.size).toBeGreaterThan(150)
})

test.each(Object.entries(calls))('%s: no field is read from Object.prototype', async (_name, call) => {
  await call() // loads what is loaded when it is used first
  expect(await reads(call)).toEqual([])
})
