import path from 'node:path'
import { AF_INET, Socket } from '../../lib'
import { ensureBuilt } from '../helpers/built'
import { run } from '../helpers/child'
import { missing, testIf } from '../helpers/need'

const program = path.join(__dirname, '../../examples/tcp-info.mjs')
const linux = missing.linux()

describe('examples/tcp-info.mjs', () => {
  beforeAll(ensureBuilt)

  testIf(linux, 'tcp-info.mjs connects and prints until the peer closes', async () => {
    const listener = new Socket(AF_INET).bind(['127.0.0.1', 0]).listen()
    const { port } = listener.getsockname() as { port: number }
    const ended = run(process.execPath, [program, '-i', '0.01', '127.0.0.1', String(port)])
    const connection = await listener.accept({ timeout: 10000 })
    const peer = String(connection.remoteAddress)
    await connection.sendAll(Buffer.alloc(1000))
    connection.close()
    listener.close()
    const { code, stdout, stderr } = await ended
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(`${peer} → 127.0.0.1:${port}\n`)
    expect(stdout.match(/^ {2}state .*$/gm)!.at(-1)).toMatch(/ CLOSE_WAIT$/)
    // The FIN counts as a byte.
    expect(stdout).toMatch(/^ {2}received +100[01] bytes$/m)
    expect(stdout).toMatch(/^ {2}round trip +\d+\.\d{3} ms ± \d+\.\d{3} ms, at best \d+\.\d{3} ms$/m)
    expect(stdout).toMatch(/^ {2}segment size +\d+ bytes out, \d+ in, path MTU \d+$/m)
  })

  testIf(linux, 'tcp-info.mjs adopts a connection, and --all prints every field', async () => {
    const listener = new Socket(AF_INET).bind(['127.0.0.1', 0]).listen()
    const client = new Socket(AF_INET)
    await client.connect(listener.getsockname())
    const server = await listener.accept({ timeout: 10000 })
    await client.sendAll(Buffer.alloc(1234))
    expect(await server.recv(2000)).toHaveLength(1234)
    const args = [program, '-n', '1', '--all', '--fd', '3']
    const { code, stdout, stderr } = await run(process.execPath, args, { fds: [client.fd] })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(`${String(client.getsockname())} → ${String(server.getsockname())}`)
    expect(stdout).toMatch(/^ {2}sent +1234 bytes, 0 sent again, 0 not yet sent$/m)
    expect(stdout).toMatch(/^ {2}tcpi_snd_cwnd +\d+$/m)
    for (const socket of [listener, client, server]) socket.close()
  })

  testIf(linux, 'tcp-info.mjs reports a refused connection and invalid arguments', async () => {
    const taken = new Socket(AF_INET).bind(['127.0.0.1', 0]) // does not listen
    const { port } = taken.getsockname() as { port: number }
    const { code, stderr } = await run(process.execPath, [program, '127.0.0.1', String(port)])
    taken.close()
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `tcp-info: connect ECONNREFUSED 127.0.0.1:${port}\n`,
    })
    expect(await run(process.execPath, [program])).toMatchObject({ code: 2 })
    expect(await run(process.execPath, [program, '--fd', '3', 'a', '1'])).toMatchObject({ code: 2 })
  })
})
