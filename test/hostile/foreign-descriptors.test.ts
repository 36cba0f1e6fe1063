import { AF_UNIX, constants, options, Socket } from '../../lib'
import { Socket as SyncSocket } from '../../lib/sync'
import { failure } from '../helpers/errors'
import { testIf } from '../helpers/need'
import { abstractName, fill, turn } from '../helpers/pairs'
import { endWorker, Helper, HELD, longestStall, needsFuse, needsPython, silentFiles } from '../helpers/stalls'

/*
 * A peer chooses the descriptors that it sends: a socket that lingers for a minute when it is closed, or a file whose
 * server never answers. Closing them must not block the event loop, whether the caller asked for them or not.
 */
jest.setTimeout(30000)

function probePassRights(): string | null {
  const [a, b] = Socket.pair()
  try {
    a.set(options.SO_PASSRIGHTS, false)
    return null
  } catch (error) {
    return (error as Error).message
  } finally {
    a.close()
    b.close()
  }
}
const noPassRights = probePassRights()

/** Starts a process that sends sockets with SO_LINGER and unsent data, and closes its own copies. */
function lingering(fd: number, count: number): Helper {
  const script = `
import array, socket, struct, sys
to = socket.socket(fileno=3)
readers = []
for _ in range(${count}):
    with socket.create_server(('127.0.0.1', 0)) as listener:
        writer = socket.create_connection(listener.getsockname())
        readers.append(listener.accept()[0])
    writer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 60))
    writer.setblocking(False)
    try:
        while True: writer.send(bytes(65536))
    except BlockingIOError: pass
    to.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [writer.fileno()]))])
    writer.close()
print('ready', flush=True)
sys.stdin.read()
`
  return new Helper(['-S', '-E', '-c', script], [fd])
}

const kinds = [
  ['sockets that linger', needsPython, lingering],
  ['files that never answer', needsFuse, (fd: number, count: number) => silentFiles(fd, count)],
] as const

const COUNT = 5
const uses: Record<string, (socket: Socket) => Promise<void>> = {
  'recv drops': async socket => {
    for (let i = 0; i < COUNT; i++) await socket.recv(1)
  },
  'recvInto drops': async socket => {
    for (let i = 0; i < COUNT; i++) await socket.recvInto(Buffer.alloc(1))
  },
  'recvmsg drops': async socket => {
    for (let i = 0; i < COUNT; i++) await socket.recvmsg(1)
  },
  'recvFds hands over and FdHandle closes': async socket => {
    for (let i = 0; i < COUNT; i++) for (const handle of (await socket.recvFds(1, 5)).fds) handle.close()
  },
  'close leaves unreceived': async socket => {
    await turn()
    socket.close()
  },
}

for (const [name, reason, make] of kinds) {
  for (const [use, run] of Object.entries(uses)) {
    testIf(reason, `${name}: the event loop does not stall when ${use} them`, async () => {
      const [a, b] = Socket.pair(AF_UNIX)
      const peer = make(a.fd, COUNT)
      await peer.ready
      expect(await longestStall(() => run(b))).toBeLessThan(HELD)
      a.close()
      b.close()
      await peer.end()
    })
  }

  testIf(reason, `${name}: the event loop does not stall when a worker that holds them ends`, async () => {
    const [a, b] = Socket.pair(AF_UNIX)
    const peer = make(a.fd, 2)
    await peer.ready
    const stall = await longestStall(() =>
      endWorker(`
        const socket = Socket.dup(${b.fd})
        globalThis.kept = [socket, socket.tryRecvFds(1, 5)]`),
    )
    expect(stall).toBeLessThan(HELD)
    a.close()
    b.close()
    await peer.end()
  })
}

testIf(
  noPassRights,
  'with SO_PASSRIGHTS off, sendFds of the peer fails with EPERM, also on a socket accepted later',
  async () => {
    const listener = new Socket(AF_UNIX).bind(abstractName()).set(options.SO_PASSRIGHTS, false).listen()
    const client = new Socket(AF_UNIX)
    const [server] = await Promise.all([listener.accept(), client.connect(listener.getsockname())])
    expect((await failure(client.sendFds(Buffer.from('x'), [0]))).code).toBe('EPERM')
    server.set(options.SO_PASSRIGHTS, true)
    await client.sendFds(Buffer.from('x'), [0])
    const { fds } = await server.recvFds(1, 1)
    expect(fds).toHaveLength(1)
    for (const each of [...fds, listener, client, server]) each.close()
  },
)

for (const [flavour, Kind] of [
  ['promises', Socket],
  ['blocking', SyncSocket],
] as const) {
  testIf(null, `close() of a socket with SO_LINGER does not block, ${flavour}`, async () => {
    const listener = new Socket().bind(['127.0.0.1', 0]).listen()
    const client = new Socket()
    const [accepted] = await Promise.all([listener.accept(), client.connect(listener.getsockname())])
    const queued = fill(client).bytes
    const closing = Kind.adopt(client.detach())
    closing.setsockopt(constants.SOL_SOCKET!, constants.SO_LINGER!, Buffer.from(Int32Array.of(1, 60).buffer))
    const began = performance.now()
    closing.close()
    expect(performance.now() - began).toBeLessThan(HELD)
    let got = 0
    for (;;) {
      const part = await accepted.recv(1 << 20, { timeout: 5000 })
      if (part.length === 0) break
      got += part.length
    }
    expect(got).toBe(queued)
    accepted.close()
    listener.close()
  })
}
