import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  constants,
  control,
  options,
  Socket,
  SOCK_DGRAM,
  type AddressLike,
  type AnyInetAddress,
  type ErrorRecord,
} from '../../lib'
import { native } from '../../lib/binding/binding'
import { Socket as SyncSocket } from '../../lib/sync'
import { failure, outcome, thrown } from '../helpers/errors'
import { kinds, turn, using } from '../helpers/pairs'
import { missing, testIf } from '../helpers/need'

const linux = missing.linux()
const six = missing.socket(AF_INET6, SOCK_DGRAM)
const c = constants as Record<string, number>
const bytes = (text: string): Buffer => Buffer.from(text)

/** Returns a loopback address on which no socket listens. */
function unreachable(host = '127.0.0.1'): AddressLike<AnyInetAddress> {
  const socket = new Socket(host.includes(':') ? AF_INET6 : AF_INET, SOCK_DGRAM).bind([host, 0])
  const address = socket.getsockname()
  socket.close()
  return address
}

function withErrors(host = '127.0.0.1'): Socket {
  const socket = new Socket(host.includes(':') ? AF_INET6 : AF_INET, SOCK_DGRAM).bind([host, 0])
  return socket.receiveMeta({ errors: true, packetInfo: true })
}

const refused = {
  code: 'ECONNREFUSED',
  errno: -111,
  ee_errno: 111,
  truncated: false,
}

for (const [host, origin, icmp, reason] of [
  ['127.0.0.1', 'icmp', { type: 3, code: 3 }, linux],
  ['::1', 'icmp6', { type: 1, code: 4 }, linux ?? six],
] as const) {
  testIf(
    reason,
    `${origin}: a port that is unreachable is reported to an unconnected and to a connected socket`,
    async () => {
      const socket = withErrors(host)
      const address = unreachable(host)
      await socket.sendto(bytes('first'), address)
      const [record] = (await socket.receiveErrors()) as [ErrorRecord]
      expect(record).toMatchObject({ ...refused, origin, icmp, meta: { interface: 1 } })
      expect(record.address!.equals(address as never)).toBe(true)
      expect(record.offender).toMatchObject({ address: host, port: 0 })
      expect(String(record.data)).toBe('first')
      await socket.connect(address)
      await socket.send(bytes('second'))
      const [second] = (await socket.receiveErrors()) as [ErrorRecord]
      expect(second).toMatchObject({ ...refused, origin })
      expect(String(second.data)).toBe('second')
      expect(socket.tryReceiveErrors()).toBeNull()
      socket.close()
    },
  )
}

testIf(linux, 'an ICMP error has a timestamp if receiveMeta switches timestamps on', async () => {
  const plain = withErrors()
  const stamped = withErrors().receiveMeta({ timestamp: 'ns' })
  const address = unreachable()
  const probe = async (socket: Socket): Promise<ErrorRecord> => {
    await socket.sendto(bytes('probe'), address)
    return (await socket.receiveErrors())[0]!
  }
  // The kernel enables timestamps asynchronously, so the first records may have none.
  let record = await probe(stamped)
  for (let i = 0; record.timestamp === undefined && i < 200; i++) record = await probe(stamped)
  expect(record).toMatchObject({ origin: 'icmp', timestamp: expect.any(BigInt) })
  expect((await probe(plain)).timestamp).toBeUndefined()
  plain.close()
  stamped.close()
})

testIf(linux ?? six, 'a dual-stack socket reports an IPv4 error', async () => {
  const socket = new Socket(AF_INET6, SOCK_DGRAM).receiveMeta({ errors: true })
  const { port } = unreachable() as { port: number }
  await socket.sendto(bytes('x'), ['::ffff:127.0.0.1', port])
  const [record] = await socket.receiveErrors()
  expect(record).toMatchObject({ ...refused, origin: 'icmp' })
  expect(String(record!.address)).toContain('127.0.0.1')
  socket.close()
})

testIf(
  linux,
  'a datagram too long for the path fails with EMSGSIZE and is reported with the MTU',
  async () => {
    const socket = withErrors()
    socket.set(options.IP_MTU_DISCOVER, c['IP_PMTUDISC_DO']!)
    socket.set(options.SO_SNDBUF, 1 << 20)
    const { code } = await failure(socket.sendto(Buffer.alloc(65507 + 1), unreachable()))
    expect(code).toBe('EMSGSIZE')
    const records = socket.tryReceiveErrors()
    if (records !== null)
      expect(records[0]).toMatchObject({ origin: 'local', code: 'EMSGSIZE', offender: null })
    socket.close()
  },
)

testIf(
  linux,
  'a waiting receive is rejected with the pending error before the error queue is read, in any order of calls',
  async () => {
    for (const early of [true, false]) {
      const socket = withErrors()
      const address = unreachable()
      const receiving = failure(socket.recv(10))
      const records = early ? socket.receiveErrors() : null
      await socket.sendto(bytes('x'), address)
      // The edge has not been delivered yet: reading the error queue now would clear the pending error.
      expect(await (records ?? socket.receiveErrors())).toHaveLength(1)
      expect((await receiving).code).toBe('ECONNREFUSED')
      socket.close()
    }
  },
)

testIf(linux, 'receiveErrors waits, and ends by timeout, signal and close', async () => {
  const socket = withErrors()
  expect((await failure(socket.receiveErrors({ timeout: 5 }))).code).toBe('ERR_SOCKET_TIMEOUT')
  expect((await failure(socket.receiveErrors({ timeout: 0 }))).code).toBe('EAGAIN')
  const controller = new AbortController()
  const [one, two] = [
    failure(socket.receiveErrors({ signal: controller.signal })),
    failure(socket.receiveErrors()),
  ]
  expect(socket.tryReceiveErrors()).toBeNull()
  controller.abort()
  expect((await one).name).toBe('AbortError')
  socket.close()
  expect((await two).code).toBe('ECANCELED')
  expect((await failure(socket.receiveErrors())).code).toBe('EBADF')
})

testIf(
  linux,
  'receiveErrors returns at most 64 records, in order, and the next call returns the rest',
  async () => {
    const socket = withErrors()
    const address = unreachable()
    for (let i = 0; i < 100; i++)
      await socket.sendto(Buffer.of(i), address).catch(() => socket.sendto(Buffer.of(i), address))
    const [first, second] = [await socket.receiveErrors(), await socket.receiveErrors()]
    const all = [...first, ...second].map(({ data }) => data[0])
    expect(first).toHaveLength(64)
    expect(all.length).toBeGreaterThan(64)
    expect(all).toEqual([...all].sort((x, y) => x! - y!))
    socket.close()
  },
)

describe('errors()', () => {
  testIf(
    linux,
    'errors() yields one record after the other, and unread records stay in the queue',
    async () => {
      const socket = withErrors()
      const address = unreachable()
      for (let i = 0; i < 4; i++)
        await socket.sendto(Buffer.of(i), address).catch(() => socket.sendto(Buffer.of(i), address))
      const seen: number[] = []
      for await (const { data } of socket.errors()) {
        seen.push(data[0]!)
        if (seen.length === 2) break
      }
      expect(seen).toEqual([0, 1])
      expect((await socket.receiveErrors()).map(({ data }) => data[0])).toEqual([2, 3])
      socket.close()
    },
  )

  testIf(
    linux,
    'errors() ends by close and by return(), and rejects by the signal, while next() waits',
    async () => {
      const socket = withErrors()
      const controller = new AbortController()
      const collect = async (iterator: AsyncIterable<ErrorRecord>): Promise<number> => {
        let count = 0
        for await (const _ of iterator) count++
        return count
      }
      const aborted = failure(collect(socket.errors({ signal: controller.signal })))
      const closed = collect(socket.errors())
      const returned = socket.errors()
      const next = returned.next()
      await turn()
      expect(await returned.return!()).toEqual({ done: true, value: undefined })
      expect(await next).toEqual({ done: true, value: undefined })
      controller.abort()
      expect(await aborted).toHaveProperty('name', 'AbortError')
      socket.close()
      expect(await closed).toBe(0)
      expect(await socket.errors().next()).toEqual({ done: true, value: undefined })
    },
  )

  testIf(linux, 'errors() rejects when its timeout has passed', async () => {
    const socket = withErrors()
    expect((await failure(socket.errors({ timeout: 5 }).next())).code).toBe('ERR_SOCKET_TIMEOUT')
    socket.close()
  })
})

describe('transmit timestamps', () => {
  const flags =
    c['SOF_TIMESTAMPING_TX_SOFTWARE']! |
    c['SOF_TIMESTAMPING_TX_SCHED']! |
    c['SOF_TIMESTAMPING_SOFTWARE']! |
    c['SOF_TIMESTAMPING_OPT_ID']!
  const only = c['SOF_TIMESTAMPING_OPT_TSONLY']!
  const near = (timestamp: bigint | undefined): boolean => {
    const age = BigInt(Date.now()) * 1_000_000n - timestamp!
    return age > -1_000_000_000n && age < 5_000_000_000n
  }

  async function collect(socket: Socket, count: number): Promise<ErrorRecord[]> {
    const records: ErrorRecord[] = []
    while (records.length < count) records.push(...(await socket.receiveErrors({ timeout: 5000 })))
    return records
  }

  for (const name of ['udp4', 'udp6']) {
    const kind = kinds.find(each => each.name === name)!
    testIf(
      linux ?? kind.missing,
      `${name}: each message is reported as scheduled and as sent, with its number`,
      () =>
        using(kind.make, async ({ a }) => {
          a.set(options.SO_TIMESTAMPING, flags | only)
          await a.send(bytes('one'))
          await a.send(bytes('two'))
          const records = await collect(a, 4)
          expect(records.map(({ stage, id }) => [stage, id])).toEqual([
            ['scheduled', 0],
            ['sent', 0],
            ['scheduled', 1],
            ['sent', 1],
          ])
          for (const record of records) {
            expect(record).toMatchObject({
              origin: 'timestamping',
              code: 'ENOMSG',
              ee_origin: 4,
              offender: null,
            })
            expect(near(record.timestamp)).toBe(true)
            expect(record.data).toHaveLength(0)
          }
        }),
    )
  }

  testIf(linux, 'without OPT_TSONLY the record contains the frame that was sent', () =>
    using(kinds.find(each => each.name === 'udp4')!.make, async ({ a }) => {
      a.set(options.SO_TIMESTAMPING, flags)
      await a.send(bytes('the payload'))
      const [record] = await collect(a, 1)
      expect(record!.data.includes('the payload')).toBe(true)
      expect(record!.data.length).toBeGreaterThan('the payload'.length)
    }),
  )

  testIf(linux, 'on TCP the acknowledgement is reported too, and the number is that of the last byte', () =>
    using(kinds.find(each => each.name === 'tcp4')!.make, async ({ a, b }) => {
      a.set(options.SO_TIMESTAMPING, flags | only | c['SOF_TIMESTAMPING_TX_ACK']!)
      await a.send(Buffer.alloc(100))
      await b.recv(100)
      const records = await collect(a, 3)
      expect(records.map(({ stage }) => stage).sort()).toEqual(['acknowledged', 'scheduled', 'sent'])
      expect(new Set(records.map(({ id }) => id))).toEqual(new Set([99]))
    }),
  )

  testIf(linux, 'a control message asks for the timestamp of one message, with a given number', () =>
    using(kinds.find(each => each.name === 'udp4')!.make, async ({ a }) => {
      const report = c['SOF_TIMESTAMPING_SOFTWARE']! | c['SOF_TIMESTAMPING_OPT_ID']! | only
      a.set(options.SO_TIMESTAMPING, report)
      await a.send(bytes('without'))
      await a.sendmsg({
        data: bytes('with'),
        control: [control.timestamping(c['SOF_TIMESTAMPING_TX_SOFTWARE']!), control.timestampId(4242)],
      })
      expect(await collect(a, 1)).toMatchObject([{ stage: 'sent', id: 4242 }])
      expect(a.tryReceiveErrors()).toBeNull()
    }),
  )
})

describe('a full error queue causes no spinning', () => {
  /** Counts the calls of a function of the addon until `run` has ended. */
  const calls = async (name: 'poll' | 'recv', run: () => unknown): Promise<number> => {
    const counted = jest.spyOn(native, name)
    try {
      await run()
      return counted.mock.calls.length
    } finally {
      counted.mockRestore()
    }
  }

  testIf(
    linux,
    'a receive beside a full error queue does not spin, with and without a reader of errors',
    async () => {
      const address = unreachable()
      for (const reading of [false, true]) {
        const socket = withErrors()
        const records = reading ? socket.receiveErrors() : null
        for (let i = 0; i < 20; i++) await socket.sendto(Buffer.of(i), address).catch(() => undefined)
        const codes: string[] = []
        const used = await calls('recv', async () => {
          for (let i = 0; i < 3; i++) codes.push(await outcome(socket.recv(10000, { timeout: 100 })))
        })
        expect(codes.at(-1)).toBe('ERR_SOCKET_TIMEOUT')
        expect(used).toBeLessThan(100) // attempts in 300 ms: the loop makes those of a large receive in JavaScript
        if (records !== null) expect((await records).length).toBeGreaterThan(0)
        socket.close()
      }
    },
  )

  testIf(
    linux,
    'in the blocking flavour, a receive beside a full error queue and a wait on a dead stream do not spin',
    async () => {
      const socket = new SyncSocket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0]).receiveMeta({ errors: true })
      const address = unreachable()
      for (let i = 0; i < 5; i++) {
        try {
          socket.sendto(Buffer.of(i), address)
        } catch {
          // the pending error of the datagram before
        }
      }
      thrown(() => socket.recv(1, { timeout: 1 }))
      const used = await calls('poll', () =>
        expect(thrown(() => socket.recv(1, { timeout: 300 })).code).toBe('ERR_SOCKET_TIMEOUT'),
      )
      expect(used).toBeLessThan(100)
      expect(socket.receiveErrors().length).toBeGreaterThan(0)
      expect(thrown(() => socket.receiveErrors({ timeout: 5 })).code).toBe('ERR_SOCKET_TIMEOUT')
      socket.close()
      await using(kinds.find(each => each.name === 'tcp4')!.make, async ({ a, b }) => {
        const dead = SyncSocket.dup(a)
        await a.send(bytes('x'))
        await b.readable()
        b.set(options.SO_LINGER, { on: true, seconds: 0 })
        b.close()
        await a.readable()
        const waited = await calls('poll', () =>
          expect(thrown(() => dead.receiveErrors({ timeout: 300 })).code).toBe('ERR_SOCKET_TIMEOUT'),
        )
        expect(waited).toBeLessThan(100)
        dead.close()
      })
    },
  )
})

testIf(linux, 'receiveErrors of the blocking flavour waits for a record', () => {
  const socket = new SyncSocket(AF_INET, SOCK_DGRAM).receiveMeta({ errors: true })
  expect(thrown(() => socket.receiveErrors({ timeout: 0 })).code).toBe('EAGAIN')
  socket.sendto(bytes('x'), unreachable())
  expect(socket.receiveErrors()).toMatchObject([refused])
  socket.close()
})

testIf(
  linux,
  'on a family without an error queue, receiveErrors fails with EOPNOTSUPP and reads no data',
  async () => {
    const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
    await a.send(bytes('data'))
    expect(await failure(b.receiveErrors())).toMatchObject({ code: 'EOPNOTSUPP', name: 'SocketError' })
    expect(thrown(() => b.tryReceiveErrors()).code).toBe('EOPNOTSUPP')
    expect(thrown(() => b.errors()).code).toBe('EOPNOTSUPP')
    expect(String(b.tryRecv(10))).toBe('data')
    a.close()
    b.close()
  },
)
