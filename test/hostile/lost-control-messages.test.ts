import {
  AF_INET,
  AF_INET6,
  CMSG_SPACE,
  control,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  MessageBatch,
  SOCK_DGRAM,
  Socket,
  type Control,
} from '../../lib'
import { Socket as Blocking } from '../../lib/sync'
import type { Message } from '../../lib'
import { thrown } from '../helpers/errors'
import type { Flavour } from '../helpers/flavours'
import { keeper } from '../helpers/keep'
import { missing, testIf } from '../helpers/need'

/*
 * The kernel ignores a control message of the other version of IP without an error. The receiver therefore checks what
 * arrives, for every kind of socket and every way to send.
 */

const TTL = 37
const TOS = 0x88

const keep = keeper()

type Sender = Socket | Blocking
type To = [address: string, port: number] | undefined

const data = (): Buffer => Buffer.from('abcdef')

/** Ways to send one message with control messages. */
const ways: Record<string, (socket: Sender, to: To, controls: Control[]) => Promise<unknown>> = {
  sendmsg: async (socket, address, controls) =>
    await socket.sendmsg({ data: data(), address, control: controls }),
  trySendmsg: (socket, address, controls) =>
    Promise.resolve(socket.trySendmsg({ data: data(), address, control: controls })),
  'sendmsg with segmentSize': async (socket, address, controls) =>
    await socket.sendmsg({ data: data(), address, control: controls, segmentSize: 2 }),
  sendmmsg: async (socket, address, controls) => {
    const batch = new MessageBatch({ count: 3, size: 16, controlSize: 256 })
    batch.set(0, data(), address, controls).set(1, data(), address).set(2, data(), address, controls)
    return await socket.sendmmsg(batch)
  },
  'sendmmsg to an Address': async (socket, address, controls) => {
    const batch = new MessageBatch({ count: 1, size: 16, controlSize: 256 })
    // the peer's address as an Address object, as recvmsg returns it
    const known = address === undefined ? undefined : await addressOf(socket, address)
    batch.set(0, data(), known, controls)
    return await socket.sendmmsg(batch)
  },
}

async function addressOf(socket: Sender, address: [string, number]) {
  const probe = new Socket(socket.family, SOCK_DGRAM)
  await probe.connect(address)
  const found = probe.remoteAddress!
  probe.close()
  return found
}

interface Route {
  receiver: number
  sender: number
  to: string
}
const routes: Record<string, Route> = {
  AF_INET: { receiver: AF_INET, sender: AF_INET, to: '127.0.0.1' },
  AF_INET6: { receiver: AF_INET6, sender: AF_INET6, to: '::1' },
  'dual-stack AF_INET6 to an IPv4-mapped address': {
    receiver: AF_INET,
    sender: AF_INET6,
    to: '::ffff:127.0.0.1',
  },
}

function receiverOf(family: number): Socket {
  const host = family === AF_INET ? '127.0.0.1' : '::1'
  return keep(new Socket(family, SOCK_DGRAM).bind([host, 0])).receiveMeta({
    ttl: true,
    tos: true,
    packetInfo: true,
  })
}

const flavours = { 'bsd-sockets': Socket, 'bsd-sockets/sync': Blocking }
const reason = missing.linux() ?? missing.socket(AF_INET6, SOCK_DGRAM)

async function send(
  route: Route,
  connected: boolean,
  way: string,
  make: Flavour,
  controls: Control[],
): Promise<Message> {
  const receiver = receiverOf(route.receiver)
  const { port } = receiver.getsockname() as { port: number }
  const sender = keep<Sender>(new make(route.sender, SOCK_DGRAM))
  if (route.sender === AF_INET6) sender.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 0)
  const to: [string, number] = [route.to, port]
  if (connected) await sender.connect(to)
  await ways[way]!(sender, connected ? undefined : to, controls)
  return receiver.recvmsg(100, { timeout: 2000 })
}

for (const [flavour, make] of Object.entries(flavours)) {
  for (const [name, route] of Object.entries(routes)) {
    for (const connected of [false, true]) {
      for (const way of Object.keys(ways)) {
        const title = `${flavour} ${way}: ${name}, ${connected ? 'connected' : 'with an address'}`
        testIf(reason, `${title}: TTL and TOS arrive`, async () => {
          const { meta } = await send(route, connected, way, make, [control.ttl(TTL), control.tos(TOS)])
          expect(meta).toMatchObject({ ttl: TTL, tos: TOS })
        })

        testIf(reason, `${title}: the message is sent from the requested source`, async () => {
          const source = route.receiver === AF_INET ? '127.0.0.9' : '::1'
          const { address } = await send(route, connected, way, make, [control.packetInfo({ source })])
          expect((address as { address: string }).address).toBe(source)
        })

        testIf(reason, `${title}: the message is sent from the requested interface`, async () => {
          const { meta } = await send(route, connected, way, make, [
            control.packetInfo({ interface: 'lo' }),
            control.ttl(TTL),
          ])
          expect(meta).toMatchObject({ ttl: TTL, interface: 1 })
        })
      }
    }
  }
}

testIf(reason, 'one batch works for sockets of both families, one after the other', async () => {
  const batch = new MessageBatch({ count: 1, size: 16, controlSize: 64 })
  const receivers = [receiverOf(AF_INET), receiverOf(AF_INET6), receiverOf(AF_INET)]
  batch.set(0, data(), undefined, [control.ttl(TTL)])
  for (const receiver of receivers) {
    const sender = keep(new Socket(receiver.family, SOCK_DGRAM))
    await sender.connect(receiver.getsockname())
    await sender.sendmmsg(batch)
    const { meta } = await receiver.recvmsg(100, { timeout: 2000 })
    expect(meta.ttl).toBe(TTL)
  }
})

testIf(reason, 'a batch works for a socket that connects to peers of both versions of IP', async () => {
  const [four, six] = [receiverOf(AF_INET), receiverOf(AF_INET6)]
  const sender = keep(new Socket(AF_INET6, SOCK_DGRAM))
  const batch = new MessageBatch({ count: 1, size: 16, controlSize: 64 })
  batch.set(0, data(), undefined, [control.ttl(TTL)])
  const portOf = (socket: Socket): number => (socket.getsockname() as { port: number }).port
  for (const [receiver, host] of [
    [four, '::ffff:127.0.0.1'],
    [six, '::1'],
    [four, '::ffff:127.0.0.1'],
  ] as const) {
    await sender.connect({ family: 0, data: Buffer.alloc(14) }).catch(() => undefined)
    await sender.connect([host, portOf(receiver)])
    await sender.sendmmsg(batch)
    const { meta } = await receiver.recvmsg(100, { timeout: 2000 })
    expect([host, meta.ttl]).toEqual([host, TTL])
  }
})

testIf(
  reason,
  'a socket bound to an IPv4-mapped address sends to :: over IPv4, with its control messages',
  async () => {
    const receiver = receiverOf(AF_INET)
    const { port } = receiver.getsockname() as { port: number }
    for (const way of ['sendmsg', 'sendmmsg', 'sendmsg with segmentSize']) {
      const sender = keep(new Socket(AF_INET6, SOCK_DGRAM).bind(['::ffff:127.0.0.1', 0]))
      await ways[way]!(sender, ['::', port], [control.ttl(TTL)])
      const { meta } = await receiver.recvmsg(100, { timeout: 2000 })
      expect([way, meta.ttl]).toEqual([way, TTL])
      while (receiver.tryRecv(100) !== null);
    }
  },
)

testIf(
  reason,
  'set() without control messages and clear() remove the control messages of a place',
  async () => {
    const receiver = receiverOf(AF_INET6)
    const sender = keep(new Socket(AF_INET6, SOCK_DGRAM))
    await sender.connect(receiver.getsockname())
    const batch = new MessageBatch({ count: 1, size: 16, controlSize: 64 })
    const ttlOf = async (): Promise<number | undefined> => {
      await sender.sendmmsg(batch)
      return (await receiver.recvmsg(100, { timeout: 2000 })).meta.ttl
    }
    batch.set(0, data(), undefined, [control.ttl(TTL)])
    expect(await ttlOf()).toBe(TTL)
    batch.set(0, data())
    expect(await ttlOf()).toBe(64)
    batch
      .set(0, data(), undefined, [control.ttl(TTL)])
      .clear()
      .set(0, data())
    expect(await ttlOf()).toBe(64)
  },
)

testIf(
  reason,
  'sendmmsg refuses control messages whose IPv6 form does not fit, and sends nothing',
  async () => {
    const receiver = receiverOf(AF_INET6)
    const sender = keep(new Socket(AF_INET6, SOCK_DGRAM))
    await sender.connect(receiver.getsockname())
    const batch = new MessageBatch({ count: 1, size: 16, controlSize: CMSG_SPACE(12) })
    batch.set(0, data(), undefined, [control.packetInfo({ source: '127.0.0.1' })])
    expect(thrown(() => sender.trySendmmsg(batch)).code).toBe('ERR_OUT_OF_RANGE')
    await expect(sender.sendmmsg(batch)).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    expect(receiver.tryRecv(100)).toBeNull()
  },
)

test('set() of a batch refuses invalid control messages', () => {
  const batch = new MessageBatch({ count: 1, size: 16, controlSize: 256 })
  const set = (each: unknown) => thrown(() => batch.set(0, data(), undefined, [each] as never))
  for (const bad of [
    null,
    5,
    {},
    { level: 0, type: 0 },
    { level: 0, type: 0, data: 'x' },
    { level: 1.5, type: 0, data: data() },
    { level: 0, type: 0, data: data(), inet6: {} },
  ]) {
    expect(set(bad)).toMatchObject({ code: expect.stringMatching(/^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE)$/) })
    expect(set(bad).message).toContain('control[0]')
  }
  expect(batch.length).toBe(0)
})
