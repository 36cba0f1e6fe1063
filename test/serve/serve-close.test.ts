import { SHUT_WR, type Server } from '../../lib'
import { failure, outcome } from '../helpers/errors'
import { receive, turn } from '../helpers/pairs'
import { bytes, connect, echo, serving, gate, until } from './serving'

describe('close', () => {
  test('close closes all connections, and does not report the ECANCELED of their handlers', async () => {
    const heard: unknown[] = []
    const server = await serving(echo, { onError: error => heard.push(error) })
    const client = await connect(server)
    await until(() => server.connections === 1)
    await server.close()
    expect(await outcome(client.recv(1))).toMatch(/^(fulfilled|ECONNRESET)$/)
    client.close()
    await turn()
    expect(heard).toEqual([])
    expect(server.connections).toBe(0)
  })

  test('close with drain: true waits for every handler, and accepts no new connection', async () => {
    const server = await serving()
    const client = await connect(server)
    await client.sendAll(bytes('before '))
    await until(() => server.connections === 1)
    let over = false
    const closed = server.close({ drain: true }).then(() => (over = true))
    expect(await outcome(connect(server))).toBe('ECONNREFUSED')
    await client.sendAll(bytes('after'))
    client.shutdown(SHUT_WR)
    expect(over).toBe(false)
    expect(String(await receive(client, 1000))).toBe('before after')
    await closed
    client.close()
  })

  test('close with drain: true serves the connections in the backlog', async () => {
    const { opened, open } = gate()
    const server = await serving(
      async connection => {
        await opened
        await echo(connection)
      },
      { maxConnections: 1 },
    )
    const clients = await Promise.all(Array.from({ length: 5 }, () => connect(server)))
    for (const [i, client] of clients.entries()) {
      await client.sendAll(bytes(`client ${i}`))
      client.shutdown(SHUT_WR)
    }
    const closed = server.close({ drain: true })
    open()
    for (const [i, client] of clients.entries()) {
      expect(String(await receive(client, 1000))).toBe(`client ${i}`)
      client.close()
    }
    await closed
  })

  test('close with a drain time closes the connections after it, and a later close can shorten it', async () => {
    for (const end of [
      (server: Server) => server.close({ drain: 20 }),
      (server: Server) => {
        const first = server.close({ drain: true })
        void server.close({ drain: 20 })
        return first
      },
      (server: Server) => {
        void server.close({ drain: 100000 })
        return server.close()
      },
    ]) {
      const server = await serving()
      const client = await connect(server)
      await until(() => server.connections === 1)
      await end(server)
      expect(await outcome(client.recv(1))).toMatch(/^(fulfilled|ECONNRESET)$/)
      client.close()
    }
  })

  test('the stopping signal informs handlers that wait for their client', async () => {
    const server = await serving(async (connection, { stopping }) => {
      const last = await failure(connection.recv(1, { signal: stopping }))
      await connection.sendAll(bytes(last.name))
    })
    const client = await connect(server)
    await until(() => server.connections === 1)
    const closed = server.close({ drain: true })
    expect(String(await receive(client, 1000))).toBe('AbortError')
    client.close()
    await closed
  })

  test('a signal closes the server, even if it is already aborted', async () => {
    const controller = new AbortController()
    const server = await serving(echo, { signal: controller.signal })
    const client = await connect(server)
    await until(() => server.connections === 1)
    controller.abort()
    await server.closed
    expect(await outcome(client.recv(1))).toMatch(/^(fulfilled|ECONNRESET)$/)
    client.close()
    const never = await serving(echo, { signal: AbortSignal.abort() })
    await never.closed
    expect(never.socket.closed).toBe(true)
  })

  test('await using closes the server', async () => {
    let seen: Server
    {
      await using server = await serving()
      seen = server
      expect(seen.socket.closed).toBe(false)
    }
    expect(seen.socket.closed).toBe(true)
  })

  test('closing the listening socket stops the server, and handlers run to their end', async () => {
    const heard: unknown[] = []
    const server = await serving(echo, { onError: error => heard.push(error) })
    const client = await connect(server)
    await until(() => server.connections === 1)
    server.socket.close()
    await client.sendAll(bytes('x'))
    expect(String(await client.recv(1))).toBe('x')
    client.close()
    await server.closed
    expect(heard).toEqual([])
  })

  test('an idle server keeps only its own socket, and a second close returns the same promise', async () => {
    const server = await serving()
    const [first, second] = [server.close({ drain: true }), server.close({ drain: true })]
    expect(first).toBe(second)
    await first
    await server.closed
    await server.close()
  })
})
