import vm from 'node:vm'
import {
  AF_INET,
  AF_UNIX,
  createConnection,
  createServer,
  getaddrinfo,
  poll,
  relay,
  serve,
  Socket,
  SOCK_DGRAM,
} from '../../lib'
import { failure, thrown } from '../helpers/errors'
import { turn } from '../helpers/pairs'

const refused = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }
const controllerSignal = (): AbortSignal => new AbortController().signal

/** Values that code would take for a signal if it only checked for property names. */
const impostors: [name: string, make: () => unknown][] = [
  ['an object with aborted and addEventListener', () => ({ aborted: false, addEventListener() {} })],
  ['an EventTarget', () => Object.assign(new EventTarget(), { aborted: false, reason: undefined })],
  ['an AbortController', () => new AbortController()],
  ['the prototype of all signals', () => AbortSignal.prototype],
  ['a Proxy of a signal', () => new Proxy(controllerSignal(), {})],
  [
    'an object that inherits from a Proxy of a signal',
    (): unknown => Object.create(new Proxy(controllerSignal(), {})),
  ],
  ['an object whose getters throw', () => ({ get aborted() { throw new Error('never read') } })], // prettier-ignore
  ['null', () => null],
  ['true', () => true],
]

describe.each(impostors)('a value that is no AbortSignal: %s', (_name, make) => {
  const op = (): { signal: AbortSignal } => ({ signal: make() as AbortSignal })

  test('operations, iterators, streams and Socket methods refuse it', async () => {
    const [a, b] = Socket.pair()
    expect(await failure(a.recv(1, op()))).toMatchObject(refused)
    expect(await failure(a.readable(op()))).toMatchObject(refused)
    expect(await failure(a.sendZeroCopy(Buffer.alloc(1), op()))).toMatchObject(refused)
    for (const call of [
      () => a.chunks(op()),
      () => a.messages(op()),
      () => a.connections(op()),
      () => a.toDuplex(op()),
    ])
      expect(thrown(call)).toMatchObject(refused)
    expect(a.closed).toBe(false)
    a.close()
    b.close()
  })

  test('serve, relay, createConnection, poll and a lookup refuse it', async () => {
    const [a, b] = Socket.pair()
    using datagrams = new Socket(AF_INET, SOCK_DGRAM)
    expect(thrown(() => serve(datagrams, () => 0, op()))).toMatchObject(refused)
    expect(await failure(relay(a, b, op()))).toMatchObject(refused)
    expect(await failure(createConnection({ port: 1, ...op() }))).toMatchObject(refused)
    expect(await failure(createConnection({ path: 'none', ...op() }))).toMatchObject(refused)
    expect(await failure(poll([{ socket: a }], op()))).toMatchObject(refused)
    expect(await failure(getaddrinfo('127.0.0.1', 1, op()))).toMatchObject(refused)
    a.close()
    b.close()
  })
})

test('an AbortSignal of another context is accepted', async () => {
  const context = vm.createContext({ AbortController })
  const controller = vm.runInContext('new AbortController()', context) as AbortController
  const [a, b] = Socket.pair()
  const waiting = failure(a.recv(1, { signal: controller.signal }))
  controller.abort('why')
  expect(await waiting).toMatchObject({ name: 'AbortError', cause: 'why' })
  a.close()
  b.close()
})

/** Makes a signal with throwing getters in place of the properties of a signal. */
function sabotaged(): { controller: AbortController; ran: string[] } {
  const controller = new AbortController()
  const ran: string[] = []
  for (const name of ['aborted', 'reason', 'addEventListener', 'removeEventListener', 'throwIfAborted']) {
    Object.defineProperty(controller.signal, name, {
      get() {
        ran.push(name)
        throw new Error(name)
      },
    })
  }
  return { controller, ran }
}

test('own properties of a signal are never read', async () => {
  const { controller, ran } = sabotaged()
  const { signal } = controller
  const [a, b] = Socket.pair()
  const listener = await createServer({ host: '127.0.0.1' })
  const server = serve(listener, connection => connection.recv(1), { signal, onError: () => undefined })
  const { port } = listener.getsockname() as { port: number }
  const client = await createConnection({ host: '127.0.0.1', port, signal })
  const twin = client.dup()
  const received = a.recv(1, { signal })
  b.trySend(Buffer.from('x'))
  expect(String(await received)).toBe('x')
  const waiting = [
    a.recv(1, { signal }),
    a.chunks({ signal }).next(),
    poll([{ socket: b, events: 1 }], { signal }),
    relay(client, twin, { signal }),
  ].map(failure)
  const duplex = b.toDuplex({ signal })
  const broken = new Promise<Error>(resolve => duplex.on('error', resolve))
  controller.abort('why')
  expect((await broken).name).toBe('AbortError')
  for (const each of waiting) expect(['AbortError', 'why']).toContain(nameOf(await each))
  await server.closed
  expect(ran).toEqual([])
  for (const socket of [client, twin, a]) socket.close()
})

const nameOf = (error: unknown): unknown => (typeof error === 'string' ? error : (error as Error).name)

test("overridden methods of a signal's class are never called, and one operation does not end another", async () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
  const [c, d] = Socket.pair(AF_UNIX, SOCK_DGRAM)
  const { signal } = new AbortController()
  const first = a.recv(1, { signal })
  const second = c.recv(1)
  const { removeEventListener } = EventTarget.prototype
  let ran = 0
  Object.setPrototypeOf(signal, { removeEventListener: () => ran++, constructor: null, __proto__: null })
  EventTarget.prototype.removeEventListener = () => {
    ran++
  }
  try {
    b.trySend(Buffer.from('1'))
    d.trySend(Buffer.from('2'))
    expect([String(await first), String(await second)]).toEqual(['1', '2'])
    await turn()
  } finally {
    EventTarget.prototype.removeEventListener = removeEventListener
  }
  expect(ran).toBe(0)
  for (const socket of [a, b, c, d]) socket.close()
})
