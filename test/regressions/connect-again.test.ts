import { AF_INET, Socket } from '../../lib'
import { native } from '../../lib/binding/binding'
import { EALREADY } from '../../lib/errors/errno'
import { failure } from '../helpers/errors'

/*
 * Before Linux 6.18, an AF_VSOCK socket stays in the connecting state after an attempt failed. Every further connect(2)
 * then fails with EALREADY, and no event follows. The test makes the kernel's answer with a spy, on TCP.
 */
afterEach(() => jest.restoreAllMocks())

/** Returns an address on which no socket listens. */
function closedPort(): ReturnType<Socket['getsockname']> {
  using socket = new Socket(AF_INET).bind(['127.0.0.1', 0])
  return socket.getsockname()
}

test('EALREADY after a failed attempt rejects instead of waiting for ever', async () => {
  using socket = new Socket(AF_INET)
  const address = closedPort()
  expect(await failure(socket.connect(address))).toMatchObject({ code: 'ECONNREFUSED' })
  jest.spyOn(native, 'connect').mockReturnValue(EALREADY)
  const error = await failure(socket.connect(address, { timeout: 2000 }))
  expect(error).toMatchObject({ code: 'EALREADY', syscall: 'connect' })
  expect(error.message).toMatch(/create a new one/)
})

test('a socket that connects again after a failure works, and waits for an attempt that continues', async () => {
  using listener = new Socket(AF_INET).bind(['127.0.0.1', 0]).listen()
  using socket = new Socket(AF_INET)
  expect(await failure(socket.connect(closedPort()))).toMatchObject({ code: 'ECONNREFUSED' })
  expect(socket.tryConnect(listener.getsockname())).toBe(null)
  jest.spyOn(native, 'connect').mockReturnValueOnce(EALREADY)
  await socket.connect(listener.getsockname(), { timeout: 5000 })
  expect(socket.getpeername().equals(listener.getsockname())).toBe(true)
})
