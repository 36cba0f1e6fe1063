import { AF_INET, constants, Socket, type Address } from '../../lib'
import * as sync from '../../lib/sync'
import { outcome } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { makeNamespace, type Namespace } from '../helpers/network'
import { pattern } from '../helpers/pairs'

const { MSG_FASTOPEN = 0, IPPROTO_TCP = 0, TCP_FASTOPEN = 0, TCP_FASTOPEN_CONNECT = 0 } = constants
const none = missing.network()

describe('TCP Fast Open', () => {
  let namespace: Namespace
  const made: { close(): void }[] = []
  const own = <T extends { close(): void }>(socket: T): T => (made.push(socket), socket)

  const client = (): Socket => own(new Socket(AF_INET, undefined, 0, { netns: namespace.netns }))
  const listening = (): Socket => {
    const listener = client().bind(['127.0.0.1', 0])
    listener.setsockopt(IPPROTO_TCP, TCP_FASTOPEN, 16)
    return listener.listen()
  }

  beforeAll(async () => {
    if (none !== null) return
    namespace = await makeNamespace()
    await namespace.shell('echo 3 > /proc/sys/net/ipv4/tcp_fastopen')
  })
  afterEach(() => {
    for (const socket of made.splice(0)) socket.close()
  })
  afterAll(() => namespace?.close())

  /** Sends `data` in as many calls as it takes, and returns what the listener has received. */
  async function exchange(
    listener: Socket,
    socket: Socket,
    data: Buffer,
    first: (address: Address) => Promise<number> | number,
  ): Promise<Buffer> {
    const sent = await first(listener.getsockname())
    expect(sent).toBeGreaterThan(0)
    await socket.sendAll(data.subarray(sent))
    const server = own(await listener.accept())
    return server.recv(data.length, constants.MSG_WAITALL)
  }

  // The first connection has no cookie: the send waits for the connection. The next ones send in the SYN.
  const sends: [string, (socket: Socket, data: Buffer, address: Address) => Promise<number>][] = [
    ['sendto', (socket, data, address) => socket.sendto(data, address, MSG_FASTOPEN)],
    ['sendmsg', (socket, data, address) => socket.sendmsg({ data, address }, MSG_FASTOPEN)],
  ]
  for (const [name, send] of sends) {
    testIf(none, `${name} with MSG_FASTOPEN sends, without and with a cookie`, async () => {
      await namespace.shell('ip tcp_metrics flush all')
      const listener = listening()
      for (const size of [100, 100, 100_000]) {
        const data = pattern(size)
        const socket = client()
        const got = await exchange(listener, socket, data, address => send(socket, data, address))
        expect(got.equals(data)).toBe(true)
      }
    })

    testIf(none, `${name} with MSG_FASTOPEN reports a refusal`, async () => {
      await namespace.shell('ip tcp_metrics flush all') // with a cookie the send ends before the refusal arrives
      const held = client().bind(['127.0.0.1', 0])
      const socket = client()
      for (let i = 0; i < 2; i++)
        expect(await outcome(send(socket, pattern(10), held.getsockname()))).toBe('ECONNREFUSED')
    })
  }

  testIf(
    none,
    'sendto of bsd-sockets/sync and trySendto with MSG_FASTOPEN send, without a cookie',
    async () => {
      await namespace.shell('ip tcp_metrics flush all')
      const listener = listening()
      const data = pattern(1000)
      const blocking = own(new sync.Socket(AF_INET, undefined, 0, { netns: namespace.netns }))
      expect(blocking.sendto(data, listener.getsockname(), MSG_FASTOPEN)).toBe(1000)
      const server = own(await listener.accept())
      expect((await server.recv(1000, constants.MSG_WAITALL)).equals(data)).toBe(true)
      await namespace.shell('ip tcp_metrics flush all')
      const socket = client()
      const address = listener.getsockname()
      expect(socket.trySendto(data, address, MSG_FASTOPEN)).toBeNull()
      await socket.writable()
      expect(socket.trySendto(data, address, MSG_FASTOPEN)).toBe(1000)
    },
  )

  testIf(none, 'with TCP_FASTOPEN_CONNECT the first send connects', async () => {
    await namespace.shell('ip tcp_metrics flush all')
    const listener = listening()
    for (let i = 0; i < 3; i++) {
      const data = pattern(5000)
      const socket = client()
      socket.setsockopt(IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
      await socket.connect(listener.getsockname())
      const got = await exchange(listener, socket, data, () => socket.send(data))
      expect(got.equals(data)).toBe(true)
    }
  })
})
