/*
 * Getters, subclasses of Array and proxies run code while an operation reads its arguments. That code may close
 * the socket, detach a buffer, or start the same operation again.
 */
import { control, Socket, SOCK_DGRAM, AF_UNIX, type Message } from '../../lib'
import * as raw from '../../lib/raw'
import { failure, thrown } from '../helpers/errors'

const detach = (view: Buffer): void => {
  const memory = view.buffer as ArrayBuffer
  structuredClone(memory, { transfer: [memory] })
}
const own = (size: number): Buffer => Buffer.from(new ArrayBuffer(size))

/** Returns two buffers in an array. A read of the second one calls `act` first. */
function trap(first: Buffer, second: Buffer, act: () => void): Buffer[] {
  const list = [first, second]
  Object.defineProperty(list, 1, {
    get: () => {
      act()
      return second
    },
  })
  return list
}

describe('an array of buffers with a getter', () => {
  test('a getter that detaches a buffer which was read before: no detached memory is touched', async () => {
    const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
    for (let i = 0; i < 4; i++) {
      const gone = own(1 << 16)
      const kept = own(1 << 16).fill('k')
      expect(
        raw.sendmsg(
          a.fd,
          trap(gone, kept, () => detach(gone)),
        ),
      ).toBe(1 << 16)
      const received = b.tryRecv(1 << 17)!
      expect(received.every(byte => byte === 107)).toBe(true)
      await a.send(Buffer.alloc(100, 'm'))
      const room = own(1 << 16)
      const rest = own(100)
      expect(
        raw.recvmsg(
          b.fd,
          trap(room, rest, () => detach(room)),
        ),
      ).toBe(100)
      expect(String(rest)).toBe('m'.repeat(100))
    }
    a.close()
    b.close()
  })

  test('a getter that closes the socket: nothing is sent to a socket that gets the same descriptor', async () => {
    const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
    const fd = a.fd
    let others: [Socket, Socket] | null = null
    const data = trap(Buffer.from('one'), Buffer.from('two'), () => {
      a.close()
      others ??= Socket.pair(AF_UNIX, SOCK_DGRAM)
    })
    expect((await failure(a.sendmsg({ data }))).code).toBe('EBADF')
    expect(others![0].fd).toBe(fd)
    expect(others![1].tryRecv(10)).toBeNull()
    for (const socket of [...others!, b]) socket.close()
  })

  test('a getter that receives from the same socket: each receive gets its message', async () => {
    const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
    await a.send(Buffer.from('1'))
    await a.send(Buffer.from('2'))
    let inner: Promise<Message> | null = null
    const into = trap(Buffer.alloc(1), Buffer.alloc(1), () => {
      inner ??= b.recvmsg(8)
    })
    const outer = await b.recvmsg(into)
    expect([String((await inner!).data), String(outer.data)].sort()).toEqual(['1', '2'])
    a.close()
    b.close()
  })
})

test('a getter of a view that starts the same receive: both receives settle', async () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
  // Leaves an operation in the pool, which the next receive reuses.
  await b.recvInto(Buffer.alloc(1), { timeout: 0 }).catch(() => undefined)
  const inner: Promise<number>[] = []
  class Reentrant extends Uint8Array {
    override get byteLength(): number {
      if (inner.length === 0) inner.push(b.recvInto(Buffer.alloc(4)))
      return super.byteLength
    }
  }
  const outer = b.recvInto(new Reentrant(4))
  if (inner.length === 0) inner.push(b.recvInto(Buffer.alloc(4)))
  await a.send(Buffer.from('1'))
  await a.send(Buffer.from('2'))
  expect(await Promise.all([outer, ...inner])).toEqual([1, 1])
  a.close()
  b.close()
})

describe('a subclass of Array', () => {
  class Overriding<T> extends Array<T> {
    static override get [Symbol.species](): ArrayConstructor {
      return function (): unknown[] {
        return new Proxy([], { set: () => true, defineProperty: () => true })
      } as unknown as ArrayConstructor
    }
    override map<U>(): U[] {
      return ['not', 'buffers'] as U[]
    }
    override some(): boolean {
      return false
    }
    override [Symbol.iterator](): ArrayIterator<T> {
      throw new Error('an iterator of its own')
    }
  }

  test('a subclass of Array is read element by element', async () => {
    const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
    const list = <T>(...elements: T[]): T[] => {
      const made = new Overriding<T>()
      elements.forEach((element, i) => (made[i] = element))
      return made
    }
    expect(await a.sendmsg({ data: list(Buffer.from('ab'), Buffer.from('cd')) })).toBe(4)
    const [x, y] = [Buffer.alloc(1), Buffer.alloc(9)]
    expect(await b.recvmsg(list(x, y))).toMatchObject({ bytes: 4 })
    expect([String(x), String(y.subarray(0, 3))]).toEqual(['a', 'bcd'])
    expect(await a.sendFds(Buffer.from('f'), list(0))).toBe(1)
    const { fds } = await b.recvFds(1, 1)
    expect(fds).toHaveLength(1)
    fds[0]!.close()
    expect(await a.sendmsg({ data: Buffer.from('g'), control: list(control.rights(list(1))) })).toBe(1)
    expect((await b.recvFds(1, 1)).fds.map(handle => handle.close())).toHaveLength(1)
    a.close()
    b.close()
  })
})

test('a hole in an array of buffers throws a TypeError that names it', async () => {
  const [a, b] = Socket.pair()
  const holes = [Buffer.from('a'), , Buffer.from('b')] as Buffer[]
  expect(await failure(a.sendmsg({ data: holes }))).toMatchObject({
    code: 'ERR_INVALID_ARG_TYPE',
    message: expect.stringContaining('message.data[1]') as string,
  })
  expect(thrown(() => raw.sendmsg(a.fd, holes))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  a.close()
  b.close()
})

test('if a length-tracking view is shrunk while a receive waits, nothing beyond the view is written', async () => {
  const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
  expect(b.tryRecv(1)).toBeNull()
  interface Resizable extends ArrayBuffer {
    resize(size: number): void
  }
  const Memory = ArrayBuffer as unknown as new (size: number, options: object) => Resizable
  const memory = new Memory(64, { maxByteLength: 128 })
  const waiting = failure(b.recvInto(new Uint8Array(memory)))
  memory.resize(8)
  await a.send(Buffer.alloc(64, 'x'))
  expect((await waiting).code).toBe('ERR_BUFFER_DETACHED')
  expect(String(await b.recv(64))).toBe('x'.repeat(64)) // the next receive returns the message
  a.close()
  b.close()
})
