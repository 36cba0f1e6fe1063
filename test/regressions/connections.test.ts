import { mkdtempSync, rmSync, existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createConnection, createServer, Socket, AF_INET, type ServerOptions } from '../../lib'
import { failure } from '../helpers/errors'

test('createServer creates no path when an argument is invalid', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'bsd-sockets-'))
  const name = path.join(directory, 'sock')
  for (const bad of [{ mode: 99999 }, { mode: '0600' }, { backlog: 'x' }]) {
    expect(['ERR_OUT_OF_RANGE', 'ERR_INVALID_ARG_TYPE']).toContain(
      (await failure(createServer({ path: name, ...bad } as never))).code,
    )
    expect(existsSync(name)).toBe(false)
  }
  rmSync(directory, { recursive: true })
})

test('createServer accepts an address object, and names the address when it is in use', async () => {
  const first = await createServer({ host: '127.0.0.1' })
  const taken = await failure(createServer(first.getsockname()))
  expect(taken).toMatchObject({ code: 'EADDRINUSE', address: '127.0.0.1' })
  first.close()
})

test('createServer maps an IPv4 address for a dual-stack socket', async () => {
  const server = await createServer({ host: '127.0.0.1', dualstack: true })
  const { port } = server.getsockname() as unknown as { port: number }
  const client = await createConnection({ host: '127.0.0.1', port })
  client.close()
  server.close()
})

test('createConnection accepts an address object, and rejects an unknown option by its name', async () => {
  const server = await createServer({ host: '127.0.0.9' })
  const connection = await createConnection(server.getsockname())
  expect(connection.getpeername().equals(server.getsockname())).toBe(true)
  const { address, port } = server.getsockname() as unknown as { address: string; port: number }
  const error = await failure(createConnection({ address, port }))
  expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  expect(error.message).toMatch(/unknown option "address".*host, port/)
  const wrong = createServer({ address: '127.0.0.5' } as ServerOptions)
  expect((await failure(wrong)).message).toMatch(/unknown option "address".*host, port/)
  server.close()
  connection.close()
})

test('createConnection rejects a host of another family with EAI_ADDRFAMILY', async () => {
  const error = await failure(createConnection({ host: '::1', port: 1, family: AF_INET }))
  expect([error.name, error.code]).toEqual(['SocketError', 'EAI_ADDRFAMILY'])
})

test('connect with a signal that is already aborted leaves the socket open', async () => {
  const socket = new Socket()
  await failure(socket.connect(['127.0.0.1', 1], { signal: AbortSignal.abort() }))
  expect(socket.closed).toBe(false)
  socket.close()
})
