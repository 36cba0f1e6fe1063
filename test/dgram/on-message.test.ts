import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { AF_INET, AF_UNIX, SOCK_DGRAM, SOCK_SEQPACKET, Socket, type Message } from '../../lib'
import { runNode } from '../helpers/child'
import { outcome, thrown } from '../helpers/errors'

const bytes = (text: string): Buffer => Buffer.from(text)
const pair = (): [Socket, Socket] => Socket.pair(AF_UNIX, SOCK_DGRAM)

/** Waits until `count` messages have arrived. */
function collect(socket: Socket, count: number): Promise<string[]> {
  return new Promise(resolve => {
    const texts: string[] = []
    const reception = socket.onMessage(({ data }) => {
      texts.push(String(data))
      if (texts.length < count) return
      reception.stop()
      resolve(texts)
    })
  })
}

it('calls the listener for each message, with its sender and memory of its own', async () => {
  using a = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  using b = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  const messages: Message[] = []
  const arrived = new Promise<void>(resolve => {
    b.onMessage(message => {
      messages.push(message)
      if (messages.length === 3) resolve()
    })
  })
  for (const text of ['one', '', 'three']) await a.sendto(bytes(text), b.getsockname())
  await arrived
  expect(messages.map(({ data }) => String(data))).toEqual(['one', '', 'three'])
  expect(messages.map(({ address }) => String(address))).toEqual(Array(3).fill(String(a.getsockname())))
})

it('truncates a message that is longer than size, and says so', async () => {
  const [a, b] = pair()
  const message = new Promise<Message>(resolve => b.onMessage(resolve, { size: 4 }))
  await a.send(bytes('123456'))
  expect(await message).toMatchObject({ data: bytes('1234'), bytes: 4, truncated: true })
  a.close()
  b.close()
})

it('runs all ticks and microtasks between two messages, so that once() in a loop misses none', async () => {
  const [a, b] = pair()
  for (let i = 0; i < 8; i++) await a.send(bytes(String(i)))
  const dgram = b.toDgram()
  const texts: string[] = []
  while (texts.length < 8) texts.push(String((await once(dgram, 'message'))[0]))
  expect(texts).toEqual(['0', '1', '2', '3', '4', '5', '6', '7'])
  a.close()
  dgram.close()
})

it('pause keeps messages in the receive buffer, resume delivers them, stop leaves them to other receives', async () => {
  const [a, b] = pair()
  const texts: string[] = []
  let wake = (): void => undefined
  const reception = b.onMessage(({ data }) => {
    texts.push(String(data))
    if (texts.length === 1) reception.pause()
    if (texts.length === 2) reception.stop()
    wake()
  })
  const first = new Promise<void>(resolve => (wake = resolve))
  for (const text of ['one', 'two', 'three']) await a.send(bytes(text))
  await first
  expect([texts, reception.paused]).toEqual([['one'], true])
  await new Promise(setImmediate)
  expect(texts).toEqual(['one'])
  const second = new Promise<void>(resolve => (wake = resolve))
  reception.resume()
  await second
  expect([texts, reception.stopped]).toEqual([['one', 'two'], true])
  expect(String(await b.recv(10))).toBe('three')
  a.close()
  b.close()
})

it('gives other sockets and timers a turn while messages arrive without end', async () => {
  const [a, b] = pair()
  let count = 0
  b.onMessage(() => {
    count++
    a.trySend(bytes('again'))
  })
  await a.send(bytes('start'))
  const timer = new Promise(resolve => setTimeout(resolve, 1))
  while (count <= 64) await new Promise(setImmediate)
  await timer
  a.close()
  b.close()
})

it('keeps the async context of the caller, even if the listener changes it', async () => {
  const storage = new AsyncLocalStorage<string>()
  const [a, b] = pair()
  const stores: unknown[] = []
  const done = new Promise<void>(resolve => {
    storage.run('caller', () => {
      b.onMessage(() => {
        stores.push(storage.getStore())
        storage.enterWith('changed')
        if (stores.length === 3) resolve()
      })
    })
  })
  await storage.run('sender', async () => {
    for (let i = 0; i < 3; i++) await a.send(bytes('x'))
  })
  await done
  expect(stores).toEqual(['caller', 'caller', 'caller'])
  a.close()
  b.close()
})

it('other receives and detach throw EBUSY until stop', async () => {
  const [a, b] = pair()
  const reception = b.onMessage(() => undefined)
  expect(thrown(() => b.tryRecv(10)).message).toBe(
    'recv EBUSY onMessage() receives on this socket until stop()',
  )
  expect(await outcome(b.recv(10))).toBe('EBUSY')
  expect(thrown(() => b.onMessage(() => undefined)).code).toBe('EBUSY')
  expect(thrown(() => b.detach()).code).toBe('EBUSY')
  reception[Symbol.dispose]()
  await a.send(bytes('later'))
  expect(String(await b.recv(10))).toBe('later')
  a.close()
  b.close()
})

it('reports the errors of the kernel to onError and continues', async () => {
  using a = new Socket(AF_INET, SOCK_DGRAM)
  const peer = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  const address = peer.getsockname()
  peer.close()
  a.bind(['127.0.0.1', 0])
  await a.connect(address)
  const error = new Promise<Error & { code?: string }>(resolve => a.onMessage(onData, { onError: resolve }))
  let received = (_: string): void => undefined
  const data = new Promise<string>(resolve => (received = resolve))
  function onData(message: Message): void {
    received(String(message.data))
  }
  await a.send(bytes('x'))
  expect((await error).code).toBe('ECONNREFUSED')
  using again = new Socket(AF_INET, SOCK_DGRAM).bind(address)
  await again.sendto(bytes('still here'), a.getsockname())
  expect(await data).toBe('still here')
})

it('an aborted signal and close() stop it without an error', async () => {
  const [a, b] = pair()
  const controller = new AbortController()
  const stopped = b.onMessage(() => undefined, { signal: controller.signal })
  controller.abort()
  expect(stopped.stopped).toBe(true)
  const closed = b.onMessage(() => undefined)
  b.close()
  expect(closed.stopped).toBe(true)
  await new Promise(setImmediate)
  a.close()
})

it('an error of the listener is an uncaught exception, and the reception continues', async () => {
  const { stdout, stderr } = await runNode(`
    const { AF_UNIX, SOCK_DGRAM } = c
    const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
    process.on('uncaughtException', error => console.log('uncaught', error.message))
    b.onMessage(({ data }) => {
      if (String(data) === 'end') return b.close()
      throw new Error(String(data))
    })
    for (const text of ['one', 'two', 'end']) a.trySend(Buffer.from(text))
    a.close()
  `)
  expect([stdout, stderr]).toEqual(['uncaught one\nuncaught two\n', ''])
})

it('an unref-ed socket does not keep the process alive', async () => {
  const { code, signal } = await runNode(`
    const { AF_UNIX, SOCK_DGRAM } = c
    const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
    b.unref().onMessage(() => undefined)
  `)
  expect([code, signal]).toEqual([0, null])
})

it('refuses bad arguments before any call, sockets with connections, and closed sockets', () => {
  const [a, b] = pair()
  const [c, d] = Socket.pair(AF_UNIX, SOCK_SEQPACKET)
  const bad = (call: () => unknown): unknown => thrown(call).code
  expect(bad(() => a.onMessage(1 as never))).toBe('ERR_INVALID_ARG_TYPE')
  expect(bad(() => a.onMessage(() => 0, { size: -1 }))).toBe('ERR_OUT_OF_RANGE')
  expect(bad(() => a.onMessage(() => 0, { fds: 'x' as never }))).toBe('ERR_INVALID_ARG_TYPE')
  expect(bad(() => a.onMessage(() => 0, { onError: 1 as never }))).toBe('ERR_INVALID_ARG_TYPE')
  expect(bad(() => a.onMessage(() => 0, { other: 1 } as never))).toBe('ERR_INVALID_ARG_TYPE')
  expect(bad(() => c.onMessage(() => 0))).toBe('EOPNOTSUPP')
  expect(bad(() => c.toDgram())).toBe('EOPNOTSUPP')
  for (const socket of [a, b, c, d]) socket.close()
  expect(bad(() => a.onMessage(() => 0))).toBe('EBADF')
})

it('a second reception can begin when the first has stopped', async () => {
  const [a, b] = pair()
  const first = collect(b, 1)
  expect(thrown(() => b.onMessage(() => undefined)).code).toBe('EBUSY')
  await a.send(bytes('one'))
  expect(await first).toEqual(['one'])
  const second = collect(b, 1)
  await a.send(bytes('two'))
  expect(await second).toEqual(['two'])
  a.close()
  b.close()
})
