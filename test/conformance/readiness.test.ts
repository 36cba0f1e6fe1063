import {
  AF_INET,
  IPPROTO_IP,
  MSG_OOB,
  MSG_PEEK,
  SO_PEEK_OFF,
  Socket,
  SOCK_DGRAM,
  SOL_SOCKET,
} from '../../lib'
import { IP_RECVERR, MSG_ERRQUEUE } from '../../lib/linux'
import { native } from '../../lib/binding/binding'
import { Socket as SyncSocket } from '../../lib/sync'
import { failure, thrown } from '../helpers/errors'
import { kinds, turn, using } from '../helpers/pairs'
import { missing, testIf } from '../helpers/need'

const bytes = (text: string): Buffer => Buffer.from(text)
const tcp = kinds.find(kind => kind.name === 'tcp4')!
const udp = kinds.find(kind => kind.name === 'udp4')!

describe('what the reactor remembers about an empty socket', () => {
  // Makes a datagram arrive and serves its edge: only a further attempt finds the datagram.
  const ready = async (socket: Socket, send: () => Promise<unknown>): Promise<void> => {
    await failure(socket.recv(1, { timeout: 1 }))
    await send()
    await turn()
    await turn()
    await new Promise(resolve => setTimeout(resolve, 5))
    await turn()
    expect(socket.tryRecv(1, MSG_PEEK)).not.toBeNull()
  }

  testIf(missing.linux(), 'an empty error queue does not make the socket count as empty', () =>
    using(udp.make, async ({ a, b }) => {
      await ready(b, () => a.send(bytes('data')))
      expect((await failure(b.recv(10, { flags: MSG_ERRQUEUE, timeout: 0 }))).code).toBe('EAGAIN')
      expect(String(await b.recv(10, { timeout: 2000 }))).toBe('data')
    }),
  )

  testIf(missing.linux(), 'an empty socket does not hide out-of-band data', () =>
    using(tcp.make, async ({ a, b }) => {
      await failure(b.recv(1, { timeout: 1 }))
      await a.send(bytes('!'), MSG_OOB) // in the same turn, so the edge has not been delivered yet
      expect(String(await b.recv(1, { flags: MSG_OOB, timeout: 2000 }))).toBe('!')
    }),
  )

  testIf(
    missing.linux(),
    'a read beyond SO_PEEK_OFF that finds nothing does not make the socket count as empty',
    async () => {
      const [a, b] = Socket.pair()
      await ready(b, () => a.send(bytes('data')))
      b.setsockopt(SOL_SOCKET, SO_PEEK_OFF, 4)
      expect((await failure(b.recv(10, { flags: MSG_PEEK, timeout: 0 }))).code).toBe('EAGAIN')
      expect(String(await b.recv(10, { timeout: 2000 }))).toBe('data')
      a.close()
      b.close()
    },
  )

  testIf(missing.linux(), 'a short read does not hide data that arrives meanwhile', async () => {
    const [a, b] = Socket.pair()
    await failure(b.recv(1, { timeout: 1 }))
    for (let i = 0; i < 200; i++) {
      a.trySend(bytes('one'))
      expect(String(await b.recv(10))).toBe('one')
      a.trySend(bytes('two'))
      expect(String(await b.recv(10, { timeout: 2000 }))).toBe('two')
    }
    a.close()
    b.close()
  })
})

// The copy of many bytes takes so long that more may have arrived, and an attempt costs less than a wait.
testIf(
  tcp.missing,
  'a receive after a short read waits at once, and after one of many bytes tries first, also after a few more',
  () =>
    using(tcp.make, async ({ a, b }) => {
      await failure(b.recv(1, { timeout: 1 })) // from now on the poller watches it
      const { recv } = native
      let attempts = 0
      native.recv = (...given) => {
        attempts++
        return recv(...given)
      }
      const attemptsAfter = async (length: number): Promise<number> => {
        expect(await a.send(Buffer.alloc(length))).toBe(length)
        await turn()
        expect((await b.recv(65536)).length).toBe(length)
        const before = attempts
        const next = b.recv(65536)
        const made = attempts - before
        await a.send(bytes('x'))
        expect(String(await next)).toBe('x')
        return made
      }
      try {
        expect(await attemptsAfter(1000)).toBe(0)
        expect(await attemptsAfter(20_000)).toBe(1) // its next receive gets one byte, and tries again after it
        expect(await attemptsAfter(1000)).toBe(0)
        await a.send(Buffer.alloc(20_000))
        await turn()
        expect((await b.recv(65536)).length).toBe(20_000)
        expect(await attemptsAfter(53)).toBe(1)
        expect(await attemptsAfter(53)).toBe(0)
      } finally {
        native.recv = recv
      }
    }),
)

testIf(missing.linux(), 'a blocking receive does not spin while the error queue has a record', async () => {
  const closed = new SyncSocket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  const address = closed.getsockname()
  closed.close()
  const socket = new SyncSocket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  socket.setsockopt(IPPROTO_IP, IP_RECVERR, 1)
  socket.sendto(bytes('x'), address)
  expect(thrown(() => socket.recv(10, { timeout: 1000 })).code).toBe('ECONNREFUSED')
  const { poll } = native
  let polls = 0
  native.poll = (descriptors, timeout) => {
    polls++
    return poll(descriptors, timeout)
  }
  try {
    expect(thrown(() => socket.recv(10, { timeout: 300 })).code).toBe('ERR_SOCKET_TIMEOUT')
  } finally {
    native.poll = poll
  }
  socket.close()
  expect(polls).toBeLessThan(100)
})
