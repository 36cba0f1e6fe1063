/*
 * A view of memory may have properties and methods of its own, if it is of a subclass or a library has changed it.
 * The package does not believe what these say about length and memory.
 */
import { Socket, SOCK_DGRAM, AF_UNIX } from '../../lib'
import * as raw from '../../lib/raw'
import { Socket as Blocking } from '../../lib/sync'
import { failure, thrown } from '../helpers/errors'

/** Defines properties of a view that contradict its memory. */
function withOwn<T extends ArrayBufferView>(view: T, says: Record<string, unknown>): T {
  for (const [name, value] of Object.entries(says)) Object.defineProperty(view, name, { value })
  return view
}

const contradictions: [string, Record<string, unknown>][] = [
  ['a negative byteLength', { byteLength: -1, length: -1 }],
  ['a byteLength beyond its memory', { byteLength: 1 << 20, length: 1 << 20 }],
  ['a byteLength that is no number', { byteLength: 'many', length: {} }],
  ['a byteLength of NaN', { byteLength: NaN, length: NaN }],
  ['a byteOffset before its memory', { byteOffset: -8 }],
  ['the buffer of another view', { buffer: new ArrayBuffer(64), byteOffset: 0 }],
  ['a buffer of null', { buffer: null }],
]

describe.each(contradictions)('a view with %s', (_what, says) => {
  const views: [string, () => ArrayBufferView][] = [
    ['Buffer', () => withOwn(Buffer.alloc(8), says)],
    ['Int32Array', () => withOwn(new Int32Array(2), says)],
    ['DataView', () => withOwn(new DataView(new ArrayBuffer(8)), says)],
  ]

  test.each(views)('a receive that waits fills the %s and nothing else', async (_kind, make) => {
    const [a, b] = Socket.pair()
    expect(b.tryRecv(1)).toBeNull()
    const view = make()
    const memory = real(view)
    const waiting = b.recvInto(view) // the socket is marked as empty, so the receive waits
    await a.send(Buffer.alloc(4096, 'x'))
    expect(await waiting).toBe(8)
    expect(String(memory)).toBe('xxxxxxxx')
    a.close()
    b.close()
  })

  test.each(views)('every other receive fills the %s and nothing else', async (_kind, make) => {
    const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
    const receives: ((view: ArrayBufferView) => unknown)[] = [
      view => b.tryRecvInto(view),
      view => b.recvfromInto(view),
      view => b.recvmsg(view),
      view => b.recvmsg([view]),
      view => raw.recv(b.fd, view),
      view => raw.recvmsg(b.fd, [view]),
    ]
    for (const receive of receives) {
      const view = make()
      const memory = real(view)
      await a.send(Buffer.alloc(8, 'y'))
      await receive(view)
      expect(String(memory)).toBe('yyyyyyyy')
    }
    a.close()
    b.close()
  })

  test.each(views)('every send sends the memory of the %s', async (_kind, make) => {
    const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
    const sends: ((view: ArrayBufferView) => unknown)[] = [
      view => a.send(view),
      view => a.sendAll(view),
      view => a.sendmsg({ data: view }),
      view => a.sendmsg({ data: [view] }),
      view => a.sendFds(view, [0]),
      view => a.trySend(view),
      view => raw.send(a.fd, view),
      view => raw.sendmsg(a.fd, [view]),
    ]
    for (const send of sends) {
      const view = make()
      real(view).fill('z')
      await send(view)
      expect(String(b.tryRecv(4096))).toBe('zzzzzzzz')
    }
    a.close()
    b.close()
  })

  test('the blocking flavour receives into the view and sends from it', () => {
    const [a, b] = Blocking.pair(AF_UNIX, SOCK_DGRAM)
    for (const [, make] of views) {
      a.send(Buffer.alloc(8, 'w'))
      const view = make()
      expect(b.recvInto(view)).toBe(8)
      expect(String(real(view))).toBe('wwwwwwww')
      a.sendAll(view)
      expect(String(b.recv(100))).toBe('wwwwwwww')
    }
    a.close()
    b.close()
  })

  test('setsockopt reads the memory of the value', () => {
    const [a, b] = Socket.pair()
    const value = withOwn(Int32Array.of(5000, 7), says)
    expect(thrownOrNothing(() => a.setsockopt(1, 8, value, 4))).toBe('nothing')
    expect(a.getsockopt(1, 8)).toBe(10000)
    expect(thrownOrNothing(() => raw.setsockopt(a.fd, 1, 8, withOwn(Int32Array.of(6000), says)))).toBe(
      'nothing',
    )
    expect(a.getsockopt(1, 8)).toBe(12000)
    a.close()
    b.close()
  })
})

test('a detached view as an address is refused like any other view', () => {
  const socket = new Socket()
  const makers = [
    (memory: ArrayBuffer) => new DataView(memory),
    (memory: ArrayBuffer) => new Uint16Array(memory),
  ]
  for (const make of makers) {
    const memory = new ArrayBuffer(16)
    const view = make(memory)
    structuredClone(memory, { transfer: [memory] })
    for (const call of [() => socket.bind(view as never), () => socket.tryConnect(view as never)])
      expect(thrown(call)).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  }
  socket.close()
})

test('a Proxy of a view is refused', async () => {
  const [a, b] = Socket.pair()
  const proxy = new Proxy(Buffer.alloc(8), {})
  expect(await failure(b.recvInto(proxy))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  expect(await failure(a.send(proxy))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  expect(thrown(() => raw.recv(b.fd, proxy))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  a.close()
  b.close()
})

/** Returns the memory of a view by the intrinsic getters. */
function real(view: ArrayBufferView): Buffer {
  const owner = Object.getPrototypeOf(view instanceof DataView ? view : Uint8Array.prototype) as object
  const prototype = view instanceof DataView ? DataView.prototype : owner
  const get = (name: string): unknown => Object.getOwnPropertyDescriptor(prototype, name)!.get!.call(view)
  return Buffer.from(get('buffer') as ArrayBuffer, get('byteOffset') as number, get('byteLength') as number)
}

function thrownOrNothing(call: () => unknown): string {
  try {
    call()
    return 'nothing'
  } catch (error) {
    return String(error)
  }
}
