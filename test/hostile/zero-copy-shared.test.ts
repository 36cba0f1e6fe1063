/*
 * The kernel numbers the zero-copy sends of all holders of an open socket together, so completions of another holder shift
 * ours. Then the promise settles, and the program reuses memory that the kernel still sends to the peer. A socket that
 * another holder may have lends no memory.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { inspect } from 'node:util'
import {
  AF_INET,
  AF_UNIX,
  allocZeroCopy,
  constants,
  options,
  poll,
  Socket,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../../lib'
import * as raw from '../../lib/raw'
import { Socket as Blocking } from '../../lib/sync'
import { failure } from '../helpers/errors'
import { keeper } from '../helpers/keep'
import { missing, testIf } from '../helpers/need'
import { turn } from '../helpers/pairs'

const linux = missing.linux()
const FOREIGN = 30_000
/** More than one buffer of the kernel, so that the next send gets a buffer of its own. */
const FILL = 70_000
const OURS = 50_000

const keep = keeper()

/** Connects two sockets. The kernel must hold most of the data of `a`, because `b` has little room. */
async function tcp(share: (listener: Socket) => void = () => undefined): Promise<[Socket, Socket]> {
  const listener = new Socket(AF_INET, SOCK_STREAM).set(options.SO_RCVBUF, 16_384)
  listener.bind(['127.0.0.1', 0]).listen()
  share(listener)
  const a = keep(new Socket(AF_INET, SOCK_STREAM)).set(options.SO_SNDBUF, 400_000)
  const [b] = await Promise.all([listener.accept(), a.connect(listener.getsockname())])
  listener.close()
  return [a, keep(b)]
}

/**
 * Sends bytes with zero-copy between ordinary bytes for each line of its input. Without the ordinary bytes between
 * them the kernel would join our send with the other holder's, and report both at once.
 */
const coOwner = `
import select, socket, sys
s = socket.socket(fileno=3)
s.setsockopt(socket.SOL_SOCKET, ${constants['SO_ZEROCOPY']}, 1)
def send(rest, flags):
    while rest:
        try:
            rest = rest[s.send(rest, flags):]
        except BlockingIOError:
            select.select([], [s], [])
kept = []
for line in sys.stdin:
    size, fill = map(int, line.split())
    send(memoryview(b'e' * fill), 0)
    kept.append(b'z' * size)
    send(memoryview(kept[-1]), ${constants['MSG_ZEROCOPY']})
    send(memoryview(b'f' * fill), 0)
    print('sent', flush=True)
`

/** What the receiver gets from one line: see `runs`. */
const foreign = (size: number): string => `e${FILL} z${size} f${FILL}`

/** Starts another process that has the open socket, and calls `use` with a function that makes it send. */
async function withCoOwner(
  fd: number,
  use: (send: (bytes: number, fill?: number) => Promise<void>) => Promise<void>,
): Promise<void> {
  const child = spawn('python3', ['-S', '-E', '-c', coOwner], { stdio: ['pipe', 'pipe', 'inherit', fd] })
  const ended = once(child, 'close')
  const answers = createInterface(child.stdout!)[Symbol.asyncIterator]()
  try {
    await use(async (bytes, fill = FILL) => {
      child.stdin!.write(`${bytes} ${fill}\n`)
      expect((await answers.next()).value).toBe('sent')
    })
  } finally {
    child.stdin!.end()
    await ended
  }
  expect(child.exitCode).toBe(0)
}

/** Sends memory that is overwritten as soon as it belongs to the program again. */
function sendThenOverwrite(socket: Socket, byte: string, size = OURS): Promise<unknown> {
  const memory = allocZeroCopy(size).fill(byte)
  return socket.sendZeroCopy(memory).then(result => {
    memory.fill('!')
    return result
  })
}

/** Receives in small parts. Between them the kernel sends more, and the sender reads its completions. */
async function receive(socket: Socket, length: number): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let got = 0; got < length; got += parts.at(-1)!.length) {
    parts.push(await socket.recv(16_384, { timeout: 5000 }))
    if (parts.at(-1)!.length === 0) break
    for (let i = 0; i < 3; i++) await turn()
  }
  return Buffer.concat(parts)
}

async function settledWithin(turns: number, promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const settle = (): void => void (settled = true)
  void promise.then(settle, settle)
  for (let i = 0; i < turns && !settled; i++) await turn()
  return settled
}

/** Returns the runs of equal bytes, such as `f70000 o50000`. */
function runs(data: Buffer): string {
  const text = data.toString('latin1')
  return Array.from(text.matchAll(/(.)\1*/gs), ([run, byte]) => `${byte}${run.length}`).join(' ')
}

testIf(linux, 'another holder that sent zero-copy before does not end our send too early', async () => {
  const [a, b] = await tcp()
  await withCoOwner(a.fd, async send => {
    await send(FOREIGN)
    const sending = sendThenOverwrite(a, 'o')
    expect(runs(await receive(b, FOREIGN + 2 * FILL + OURS))).toBe(`${foreign(FOREIGN)} o${OURS}`)
    expect(await sending).toMatchObject({ bytes: OURS, copied: true })
  })
})

testIf(
  linux,
  'another holder that sends between our sends does not end the second one too early',
  async () => {
    const [a, b] = await tcp()
    const first = sendThenOverwrite(a, '1')
    expect(a.zeroCopyStatistics().pending).toBe(1)
    await withCoOwner(a.fd, async send => {
      await send(FOREIGN)
      const second = sendThenOverwrite(a, '2')
      expect(await settledWithin(100, first)).toBe(false) // the receiver has not read
      expect(a.zeroCopyStatistics().pending).toBe(1)
      expect(runs(await receive(b, FOREIGN + 2 * FILL + 2 * OURS))).toBe(
        `1${OURS} ${foreign(FOREIGN)} 2${OURS}`,
      )
      expect(await Promise.all([first, second])).toMatchObject([
        { bytes: OURS },
        { bytes: OURS, copied: true },
      ])
    })
  },
)

testIf(linux, 'another holder that sends after our send does not end it', async () => {
  const [a, b] = await tcp()
  const sending = sendThenOverwrite(a, 'o')
  await withCoOwner(a.fd, async send => {
    await send(FOREIGN)
    expect(await settledWithin(100, sending)).toBe(false)
    expect(runs(await receive(b, OURS + FOREIGN + 2 * FILL))).toBe(`o${OURS} ${foreign(FOREIGN)}`)
    expect(await sending).toMatchObject({ bytes: OURS })
    expect(a.zeroCopyStatistics().pending).toBe(0)
  })
})

testIf(
  linux,
  'a send that is under way lends no more memory once another holder may have the socket',
  async () => {
    const [a, b] = await tcp()
    const size = 16 * OURS // more than one system call
    const sending = sendThenOverwrite(a, 'o', size)
    await withCoOwner(a.fd, async send => {
      expect(await settledWithin(100, sending)).toBe(false)
      const received = receive(b, size)
      expect(await sending).toMatchObject({ bytes: size, copied: true })
      expect(runs(await received)).toBe(`o${size}`)
      await send(1000)
      expect(runs(await receive(b, 1000 + 2 * FILL))).toBe(foreign(1000))
    })
  },
)

testIf(linux, 'close() with another holder delivers what both have sent', async () => {
  const [a, b] = await tcp()
  const sending = failure(sendThenOverwrite(a, 'o'))
  await withCoOwner(a.fd, async send => {
    await send(1000)
    a.close()
    expect(await sending).toMatchObject({ code: 'ECANCELED', bytesSent: OURS })
    expect(runs(await receive(b, OURS + 1000 + 2 * FILL))).toBe(`o${OURS} ${foreign(1000)}`)
  })
  expect((await b.recv(1)).length).toBe(0)
})

testIf(linux, 'a peer that resets ends the sends although another holder has sent', async () => {
  const [a, b] = await tcp()
  const sending = sendThenOverwrite(a, 'o').catch(error => error as object)
  await withCoOwner(a.fd, async send => {
    await send(1000)
    b.set(options.SO_LINGER, { on: true, seconds: 0 })
    b.close()
    expect(await sending).toBeDefined()
    expect(a.zeroCopyStatistics().pending).toBe(0)
  })
})

/** Returns whether the socket lends its memory to the kernel: then it is detached. */
async function lends(from: Socket, to: Socket): Promise<boolean> {
  const data = Buffer.alloc(10_000, 'x')
  const own = new Uint8Array(data.buffer, data.byteOffset, data.length)
  const sending = from.sendZeroCopy(own)
  const lent = own.length === 0
  expect((await receive(to, 10_000)).length).toBe(10_000)
  expect(await sending).toMatchObject({ bytes: 10_000, copied: true }) // loopback always copies
  expect(from.zeroCopyStatistics().pending).toBe(0)
  return lent
}

/** Ways in which another holder may get the open socket. The result is another Socket on it, or null. */
const exposures: Record<string, (socket: Socket) => Socket | null | Promise<Socket | null>> = {
  'the program read fd': socket => (expect(socket.fd).toBeGreaterThan(0), null),
  'the program read the fd from JSON': socket => (
    expect(JSON.parse(JSON.stringify(socket))).toMatchObject({ fd: expect.any(Number) as number }),
    null
  ),
  'a child may inherit the descriptor': socket => {
    socket.setInheritable(true)
    socket.setInheritable(false)
    return null
  },
  'dup() made another Socket': socket => {
    socket.dup().close()
    return null
  },
  'the socket is a duplicate': socket => keep(socket.dup()),
  'the socket was adopted': socket => keep(Socket.adopt(socket.detach())),
  'the socket was a blocking one': socket =>
    keep(Socket.adopt(keep(Blocking.adopt(socket.detach())).detach())),
  'sendFds sent it': async socket => {
    const [left, right] = Socket.pair(AF_UNIX).map(keep) as [Socket, Socket]
    await left.sendFds(Buffer.from('x'), [socket])
    for (const handle of (await right.recvFds(1, 1)).fds) handle.close()
    return null
  },
  'it came with a message': async socket => {
    const [left, right] = Socket.pair(AF_UNIX).map(keep) as [Socket, Socket]
    await left.sendFds(Buffer.from('x'), [socket])
    return keep(Socket.adopt((await right.recvFds(1, 1)).fds[0]!.release()))
  },
  'bsd-sockets/raw used it': socket => {
    expect(raw.setsockopt(socket.fd, SOL_SOCKET, constants['SO_ZEROCOPY']!, Int32Array.of(1), 4)).toBe(0)
    return null
  },
}

for (const [name, expose] of Object.entries(exposures)) {
  testIf(linux, `sendZeroCopy copies after: ${name}`, async () => {
    const [a, b] = await tcp()
    expect(await lends(a, b)).toBe(true)
    const exposed = (await expose(a)) ?? a
    expect(await lends(exposed, b)).toBe(false)
    expect(await lends(exposed, b)).toBe(false)
  })
}

testIf(linux, 'a datagram socket that another holder may have lends no memory either', async () => {
  const [a, b] = [keep(new Socket(AF_INET, SOCK_DGRAM)), keep(new Socket(AF_INET, SOCK_DGRAM))]
  await a.connect(b.bind(['127.0.0.1', 0]).getsockname())
  expect(await lends(a, b)).toBe(true)
  await withCoOwner(a.fd, async send => {
    await send(1000, 1000)
    expect((await receive(b, 3000)).length).toBe(3000)
    expect(await lends(a, b)).toBe(false)
  })
})

testIf(linux, 'a socket that only this package uses lends its memory', async () => {
  const [a, b] = await tcp()
  inspect(a)
  a.setInheritable(false)
  await poll([{ socket: a, events: constants['POLLOUT']! }])
  a.set(options.SO_ZEROCOPY, true)
  expect(await lends(a, b)).toBe(true)
  expect(await lends(b, a)).toBe(true) // an accepted connection
  const records = a.errors()
  expect(await lends(a, b)).toBe(true)
  await records.return!()
})

testIf(linux, 'a connection that a shared listening socket accepted lends its memory', async () => {
  const [a, b] = await tcp(listener => {
    expect(listener.fd).toBeGreaterThan(0)
    listener.set(options.SO_ZEROCOPY, true)
    listener.dup().close()
  })
  expect(await lends(b, a)).toBe(true)
})

testIf(linux, 'completions of another holder are left for receiveErrors', async () => {
  const [a, b] = await tcp()
  expect(await lends(a, b)).toBe(true)
  await withCoOwner(a.fd, async send => {
    await send(1000)
    expect((await receive(b, 1000 + 2 * FILL)).length).toBe(1000 + 2 * FILL)
    expect(await a.receiveErrors()).toMatchObject([{ origin: 'zerocopy', zerocopy: { first: 1, last: 1 } }])
  })
})

testIf(linux, 'a shared socket of a kind without zero-copy sends fails as others do', async () => {
  const [a, b] = Socket.pair(AF_UNIX).map(keep) as [Socket, Socket]
  expect(b.fd).toBeGreaterThan(0)
  for (const socket of [a, b])
    expect(await failure(socket.sendZeroCopy(new Uint8Array(10)))).toMatchObject({ code: 'EOPNOTSUPP' })
})
