/*
 * Node calls the hooks of async_hooks where this package makes a promise or a timer. So they run in the middle of a
 * call, and may receive from the same socket or from another one.
 */
import { createHook } from 'node:async_hooks'
import { AF_INET, Socket, SOCK_DGRAM, type Message } from '../../lib'
import { reactor } from '../../lib/reactor'
import { drain } from '../helpers/pairs'

let receiver: Socket
let sender: Socket

beforeEach(() => {
  receiver = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  sender = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
})

afterEach(() => {
  receiver.close()
  sender.close()
})

/** Calls `act` once, from the hook that reports the next promise after `arm()`. */
function atNextPromise(act: () => void): { arm(): void; disable(): void } {
  let armed = false
  const hook = createHook({
    init: (_id, type) => {
      if (!armed || type !== 'PROMISE') return
      armed = false
      act()
    },
  }).enable()
  return { arm: () => void (armed = true), disable: () => void hook.disable() }
}

test('a hook that receives from another socket: each listener gets the messages of its socket', async () => {
  using other = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  for (const text of ['1', '2', '3']) {
    await sender.sendto(Buffer.from(`mine ${text}`), receiver.localAddress)
    await sender.sendto(Buffer.from(`of the other ${text}`), other.localAddress)
  }
  const loop = other.messages({ timeout: 5000 })
  let inner: Promise<IteratorResult<Message, undefined>> | undefined
  const hook = atNextPromise(() => {
    inner = loop.next()
  })
  const got: string[] = []
  await new Promise<void>(resolve => {
    process.nextTick(hook.arm) // runs right before the tick that receives
    receiver.onMessage(({ data }) => {
      if (got.push(String(data)) === 3) resolve()
    })
  })
  hook.disable()
  expect(got).toEqual(['mine 1', 'mine 2', 'mine 3'])
  expect(String((await inner)!.value!.data)).toBe('of the other 1')
  expect(drain(other).map(String)).toEqual(['of the other 2', 'of the other 3'])
})

test.each(['waits for data', 'waits for the next turn'])(
  'a hook that closes the socket while a receive begins: the receive that %s fails',
  async how => {
    const deferred = how === 'waits for the next turn'
    await sender.connect(receiver.getsockname())
    if (deferred) {
      for (let i = 0; i < 64; i++) await sender.send(Buffer.from('x'))
      for (let i = 0; i < 64; i++) await receiver.recv(1)
    }
    const hook = atNextPromise(() => receiver.close())
    hook.arm()
    const receiving = receiver.recv(1)
    hook.disable()
    await expect(receiving).rejects.toMatchObject({ code: 'EBADF' })
  },
)

const calls: Record<string, (socket: Socket) => () => Promise<unknown>> = {
  'messages()': socket => {
    const loop = socket.messages({ timeout: 5000 })
    return async () => String(((await loop.next()) as IteratorYieldResult<Message>).value.data)
  },
  recvInto: socket => async () => {
    const room = Buffer.alloc(1)
    await socket.recvInto(room, { timeout: 5000 })
    return String(room)
  },
  recvfrom: socket => async () => String((await socket.recvfrom(1, { timeout: 5000 })).data),
}

test.each(Object.keys(calls))(
  'a hook that makes the same call again while it waits, %s: both get a message',
  async name => {
    const call = calls[name]!(receiver)
    // The operation of this call is used again by the next one.
    sender.trySendto(Buffer.from('0'), receiver.localAddress)
    expect(await call()).toBe('0')
    const waiting: Promise<unknown>[] = []
    const { wait } = reactor
    const hook = atNextPromise(() => void waiting.push(call()))
    reactor.wait = (...given) => {
      reactor.wait = wait
      hook.arm()
      return Reflect.apply(wait, reactor, given)
    }
    waiting.push(call())
    hook.disable()
    expect(waiting).toHaveLength(2)
    sender.trySendto(Buffer.from('1'), receiver.localAddress)
    sender.trySendto(Buffer.from('2'), receiver.localAddress)
    expect((await Promise.all(waiting)).sort()).toEqual(['1', '2'])
  },
)
