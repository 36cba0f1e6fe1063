import { inspect } from 'node:util'
import { createConnection, createServer, serve } from '../../lib'

test('inspect of a server shows its address, the number of connections and its state', async () => {
  let end = (): void => undefined
  const ended = new Promise<void>(resolve => (end = resolve))
  const listener = await createServer({ host: '127.0.0.1' })
  let accepted = (): void => undefined
  const running = new Promise<void>(resolve => (accepted = resolve))
  const server = serve(listener, async () => {
    accepted()
    await ended
  })
  const address = String(server.address)
  expect(inspect(server)).toBe(`Server { address: '${address}', connections: 0 }`)
  using _client = await createConnection(server.address)
  await running
  expect(inspect({ server }, { compact: true })).toContain(
    `server: Server { address: '${address}', connections: 1 }`,
  )
  const closed = server.close({ drain: true })
  expect(inspect(server)).toBe(`Server [closing] { address: '${address}', connections: 1 }`)
  end()
  await closed
  expect(inspect(server)).toBe(`Server [closed] { address: '${address}', connections: 0 }`)
})
