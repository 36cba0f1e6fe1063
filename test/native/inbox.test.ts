import { AF_INET, AF_UNIX, SOCK_DGRAM, Socket } from '../../lib'
import { pattern } from '../helpers/pairs'

/*
 * C++ receives for waiting operations into shared memory of 128 KiB. If more data arrives in one turn of the event loop,
 * TypeScript makes the other receives. Both give the same result.
 */
const SIZE = 8192
const COUNT = 40 // 320 KiB

test('more data than the shared memory holds arrives in one turn: recv', async () => {
  const pairs = Array.from({ length: COUNT }, () => Socket.pair(AF_UNIX, SOCK_DGRAM))
  const waiting = pairs.map(([, b]) => b.recv(SIZE))
  const data = pattern(SIZE)
  for (const [index, [a]] of pairs.entries()) {
    data[0] = index
    expect(a.trySend(data)).toBe(SIZE)
  }
  for (const [index, received] of (await Promise.all(waiting)).entries()) {
    data[0] = index
    expect(received.equals(data)).toBe(true)
  }
  for (const socket of pairs.flat()) socket.close()
})

test('more data than the shared memory holds arrives in one turn: recvfrom', async () => {
  const sender = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
  const receivers = Array.from({ length: COUNT }, () =>
    new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0]),
  )
  const waiting = receivers.map(each => each.recvfrom(SIZE))
  const data = pattern(SIZE)
  for (const [index, receiver] of receivers.entries()) {
    data[0] = index
    expect(sender.trySendto(data, receiver.getsockname())).toBe(SIZE)
  }
  for (const [index, { data: received, address }] of (await Promise.all(waiting)).entries()) {
    data[0] = index
    expect(received.equals(data)).toBe(true)
    expect(address).toEqual(sender.getsockname())
  }
  for (const socket of [sender, ...receivers]) socket.close()
})
