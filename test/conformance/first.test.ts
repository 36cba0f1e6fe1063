import { Socket } from '../../lib'

test('a pair', async () => {
  const [a, b] = Socket.pair()
  const received = b.recv(10)
  await a.send(Buffer.from('hi'))
  expect((await received).toString()).toBe('hi')
  a.close()
  b.close()
})
