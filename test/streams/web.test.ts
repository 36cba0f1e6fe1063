import { AF_INET, AF_UNIX, SHUT_WR, SOCK_DGRAM, SOCK_SEQPACKET, Socket } from '../../lib'
import { failure, thrown } from '../helpers/errors'
import { kinds, pattern, receive, turn, using } from '../helpers/pairs'
import { testIf } from '../helpers/need'

function pair<T>(use: (a: Socket, b: Socket) => Promise<T>, type?: number): Promise<T> {
  const [a, b] = Socket.pair(AF_UNIX, type)
  return using(
    () => Promise.resolve({ a, b }),
    () => use(a, b),
  )
}

async function collect(readable: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const chunk of readable) all.push(chunk)
  return Buffer.concat(all)
}

for (const kind of kinds.filter(each => each.stream)) {
  testIf(
    kind.missing,
    `${kind.name}: Web Streams transfer in both directions, and close the socket when both have ended`,
    () =>
      using(kind.make, async ({ a, b }) => {
        const data = pattern(700_001)
        const [left, right] = [a.toWeb(), b.toWeb({ size: 5000 })]
        const send = async (writable: typeof left.writable): Promise<void> => {
          const writer = writable.getWriter()
          await writer.write(data.subarray(0, 100))
          await writer.write(new Uint8Array(0))
          await writer.write(data.subarray(100))
          await writer.close()
        }
        const [there, back] = await Promise.all([
          collect(right.readable as never),
          collect(left.readable as never),
          send(left.writable),
          send(right.writable),
        ])
        expect(there.equals(data)).toBe(true)
        expect(back.equals(data)).toBe(true)
        expect([a.closed, b.closed]).toEqual([true, true])
      }),
  )
}

test('a BYOB reader receives into its own memory', () =>
  pair(async (a, b) => {
    const reader = a.toWeb().readable.getReader({ mode: 'byob' })
    b.trySend(Buffer.from('hello, world'))
    b.shutdown(SHUT_WR)
    const first = await reader.read(new Uint8Array(new ArrayBuffer(5)))
    expect(Buffer.from(first.value!).toString()).toBe('hello')
    const second = await reader.read(new Uint8Array(new ArrayBuffer(100), 10, 50))
    expect(second.value!.byteOffset).toBe(10)
    expect(Buffer.from(second.value!).toString()).toBe(', world')
    const third = await reader.read(new Uint8Array(new ArrayBuffer(8)))
    expect(third.done).toBe(true)
    expect(third.value!.byteLength).toBe(0)
  }))

test('the stream receives nothing before a read', () =>
  pair(async (a, b) => {
    const { readable } = a.toWeb()
    b.trySend(Buffer.from('x'))
    await turn()
    expect(String(a.tryRecv(10, 2 /* MSG_PEEK */))).toBe('x')
    const reader = readable.getReader()
    expect((await reader.read()).value).toHaveLength(1)
  }))

test('cancel ends the pending read, and the writer still works', () =>
  pair(async (a, b) => {
    const { readable, writable } = a.toWeb()
    const reader = readable.getReader()
    const waiting = reader.read()
    await turn()
    await reader.cancel()
    expect((await waiting).done).toBe(true)
    const writer = writable.getWriter()
    await writer.write(Buffer.from('still'))
    await writer.close()
    expect(String(await receive(b, 100))).toBe('still')
    expect(a.closed).toBe(true)
  }))

test('close of the writer shuts down writing, and the peer can still answer', () =>
  pair(async (a, b) => {
    const { readable, writable } = a.toWeb()
    await writable.close()
    expect(await b.recv(1)).toHaveLength(0)
    await b.sendAll(Buffer.from('answer'))
    expect(a.closed).toBe(false)
    b.close()
    expect(String(await collect(readable as never))).toBe('answer')
    expect(a.closed).toBe(true)
  }))

test('abort of the writer closes the socket, and so does a failure', () =>
  pair(async (a, b) => {
    const { readable, writable } = a.toWeb()
    const waiting = failure(readable.getReader().read())
    await turn()
    await writable.abort(new Error('enough'))
    expect(await waiting).toMatchObject({ code: 'ECANCELED' })
    expect(a.closed).toBe(true)
    const other = b.toWeb().writable.getWriter()
    expect(await failure(other.write(Buffer.from('x')))).toMatchObject({ code: 'EPIPE' })
    expect(b.closed).toBe(true)
  }))

test('writing a string is rejected', () =>
  pair(async a => {
    const writer = a.toWeb().writable.getWriter()
    expect(await failure(writer.write('text' as never))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  }))

test('on a seqpacket socket, each chunk is a record, including empty ones', () =>
  pair(async (a, b) => {
    const writer = b.toWeb().writable.getWriter()
    for (const text of ['one', '', 'two']) await writer.write(Buffer.from(text))
    await writer.close()
    const got: string[] = []
    for await (const chunk of a.toWeb().readable as unknown as AsyncIterable<Uint8Array>) {
      got.push(Buffer.from(chunk).toString())
    }
    expect(got).toEqual(['one', '', 'two'])
  }, SOCK_SEQPACKET))

test('on a datagram socket, each chunk is a message', () =>
  pair(async (a, b) => {
    b.trySend(Buffer.from('one'))
    b.trySend(Buffer.from('two'))
    const { readable, writable } = a.toWeb()
    const reader = readable.getReader()
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('one')
    await writable.close()
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('two')
    await reader.cancel()
    expect(a.closed).toBe(true)
  }, SOCK_DGRAM))

test('toWeb rejects invalid options', () =>
  pair(a => {
    expect(thrown(() => a.toWeb(1 as never)).code).toBe('ERR_INVALID_ARG_TYPE')
    expect(thrown(() => a.toWeb({ size: 1.5 })).code).toBe('ERR_OUT_OF_RANGE')
    return Promise.resolve()
  }))

test('an unconnected datagram socket is rejected by Node streams and Web Streams', () => {
  const socket = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  expect(thrown(() => socket.toWeb())).toMatchObject({ code: 'ENOTCONN', syscall: 'toWeb' })
  expect(thrown(() => socket.toDuplex())).toMatchObject({ code: 'ENOTCONN', syscall: 'toDuplex' })
  expect(socket.closed).toBe(false)
  socket.close()
})
